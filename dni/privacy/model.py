"""Kinds of data with their retention, who a request is about, and what of a touch tells of a person. Pure."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from dni.clock import rfc3339
from dni.errors import InvalidField
from dni.phone import e164
from dni.session.model import Touch

DAY_MS = 86_400_000

LEAST_DAYS, MOST_DAYS = 7, 36_500
"""A call may come days after its visit, and is settled within the hour: before a week nothing may go."""


class Kind(msgspec.Struct, frozen=True):
    """`name` in API and ledger; `label` and `says` for people; `days`: the default."""

    name: str
    days: int
    label: str
    says: str


# Why these defaults: docs/privacy.md.
KINDS = (
    Kind(
        "sessions",
        400,
        "Visits that led to no call",
        "The visit and the numbers that it was shown. Reports go on counting it. A visit before a call of the same "
        "visitor stays.",
    ),
    Kind(
        "details",
        180,
        "Details of a visit",
        "Click ids, ids of other systems, your own fields, page titles, queries of addresses, city, language, screen: "
        "of visits, and of the copies that calls keep. Source, campaign, keyword, page, device and region stay.",
    ),
    Kind(
        "events",
        180,
        "What the carrier told of a call",
        "The carrier's own fields, such as the caller's name and town. What times and durations are made of stays.",
    ),
    Kind("recordings", 365, "Addresses of recordings", "The recording itself is at your carrier: delete it there."),
    Kind(
        "callers",
        730,
        "Who called",
        "The caller's number, with all that the carrier told and the recording's address. The call stays, and whether "
        "it was a telephone's first one.",
    ),
    Kind("attributions", 400, "Former answers", "Whom a call was credited to before it was attributed anew."),
    Kind("refusals", 90, "Refused requests of carriers", "At most 1,000 an account, whatever their age."),
    Kind(
        "messages",
        90,
        "What other systems were told",
        "Messages to webhooks and integrations, each try to send them, and the answers. That a call was told as a "
        "conversion stays, so that it is not told a second time.",
    ),
)

Days = Annotated[int, msgspec.Meta(ge=LEAST_DAYS, le=MOST_DAYS)]


class RetentionDays(msgspec.Struct):
    """Days by kind; null: kept."""

    sessions: int | None
    details: int | None
    events: int | None
    recordings: int | None
    callers: int | None
    attributions: int | None
    refusals: int | None
    messages: int | None


class RetentionChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Days by kind; null keeps it, what is left out stays."""

    sessions: Days | UnsetType | None = UNSET
    details: Days | UnsetType | None = UNSET
    events: Days | UnsetType | None = UNSET
    recordings: Days | UnsetType | None = UNSET
    callers: Days | UnsetType | None = UNSET
    attributions: Days | UnsetType | None = UNSET
    refusals: Days | UnsetType | None = UNSET
    messages: Days | UnsetType | None = UNSET

    def given(self) -> dict[str, int | None]:
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: days for name, days in values.items() if days is not UNSET}


DEFAULTS = RetentionDays(**{kind.name: kind.days for kind in KINDS})


class Who(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whom a request is about: a visitor, by his id or by that of one of his sessions, or a caller, by his number."""

    visitor: str | None = None
    session: str | None = None
    caller: str | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("visitor", "session", "caller") if getattr(self, name)]
        if len(given) != 1:
            raise InvalidField("/visitor", "name one: a visitor, a session of the visitor's, or a caller")
        if self.caller:
            self.caller = e164(self.caller, "/caller")
        elif not _ID.fullmatch(self.visitor or self.session or ""):
            raise InvalidField(f"/{given[0]}", "an id: letters, digits, - and _")

    @property
    def kind(self) -> Literal["visitor", "caller"]:
        return "caller" if self.caller else "visitor"


_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Erase(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """As Who. `dry_run`: only tell how much would go."""

    visitor: str | None = None
    session: str | None = None
    caller: str | None = None
    dry_run: bool = False

    def who(self) -> Who:
        """Raises InvalidField."""
        return Who(visitor=self.visitor, session=self.session, caller=self.caller)


def told(row: Any) -> dict[str, Any]:
    """A row for people: `started_at_ms` 1790000000000 becomes `started_at` as RFC 3339."""
    return {
        name.removesuffix("_ms"): rfc3339(value) if name.endswith("_ms") and value is not None else value
        for name, value in row.items()
    }


# A mail address in a text; where a text is part of an address of the web, as it is written there.
_MAIL = re.compile(r"[\w.+-](?:@|%40)[\w-]", re.IGNORECASE)
_TEXTS = ("source", "medium", "campaign_name", "keyword", "content", "channel", "referrer")


def impersonal(touch: dict[str, Any], number: str | None = None) -> dict[str, Any]:
    """What stays of a touch (columns) when the visitor is forgotten: where it came from, to which page.

    Click ids, parameters and queries name a click or a person. A text with a mail address, or with the caller's own
    number, is no source.
    """
    digits = number.lstrip("+") if number else None
    page = without_query(touch["landing_page"])

    def clean(text: str | None) -> str | None:
        return None if text and (_MAIL.search(text) or (digits and digits in text)) else text

    return {name: clean(touch[name]) for name in _TEXTS} | {
        "landing_page": clean(page),
        "click_ids": None,
        "params": None,
    }


def without_query(url: str | None) -> str | None:
    return url.partition("?")[0] if url else url


def short(touch: Touch) -> Touch:
    """The same of a touch beside a number in Redis."""
    kept = impersonal({name: getattr(touch, name) for name in (*_TEXTS, "landing_page")})
    return replace(touch, **(kept | {"click_ids": {}, "params": {}}), click=0)
