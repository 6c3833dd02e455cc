"""Sales that are brought back to calls: what a row tells, which call it is about, and what comes of it. Pure.

A row names its call by the call's id, by a click id of the visit that led to it, or by the caller and a time. Of these
the first that it has decides: an id that is no call of ours is not looked for by the caller. A click that led to no
call is: people click on one device and call from another.

Of a caller, or a click, it is the latest call that began before the sale, and within so many days before it: what was
sold was sold to who had called. Where such calls are of several campaigns nothing is guessed.

Rows about one call are told together, whatever their order: what one leaves out another may tell. When two tell
different things of the same call nothing is told, for neither is the later one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from dni import money
from dni.call.outcome import Note, Status, TellOutcome
from dni.campaign import model
from dni.errors import InvalidField
from dni.money import Money
from dni.phone import e164
from dni.web.body import invalid

State = Literal["matched", "known", "not_matched", "ambiguous", "wrong"]
STATES: dict[State, str] = {
    "matched": "told of a call",
    "known": "told before, nothing changes",
    "not_matched": "no call of ours",
    "ambiguous": "may be about several calls, or tells one call two things; nothing was guessed",
    "wrong": "cannot be read",
}
By = Literal["call", "click_id", "caller"]

DAY_MS = 86_400_000
MOST_ROWS = 10_000
"""Of one request."""
CALLER_DAYS, CLICK_DAYS, MOST_DAYS = 30, 90, 400
CLICKS = ("gclid", "gbraid", "wbraid", "msclkid", "fbclid", "ttclid")
"""Click ids that have a field of their own; `click_id` takes those of all others too."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CLICK = re.compile(r"[!-~]{4,512}")
_HIDDEN = re.compile(r"[•*xX]{2,}")

Instant = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
CallId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
ClickId = Annotated[str, msgspec.Meta(min_length=4, max_length=600)]


class NewConversion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What was sold, or else became of it, to whom: `call`, or a click id, or `caller` with `at` or with `since` and
    `until`.

    call                       the call's id
    click_id                   such as `gclid:Cj0KCQ…`; without a name in front it may be any platform's
    gclid gbraid wbraid msclkid fbclid ttclid   the same of these platforms
    caller                     a telephone, as people of the campaign's country write it
    at                         when the sale was
    within_days                how long before `at` the call may have begun: 30 days for a caller, 90 for a click
    since, until               in their place: when the call began; `until` is not within
    campaign                   its id: only calls to it are meant
    sale, value, lead_status, note   as of `POST /calls/{id}/outcome`. Where `sale` and `lead_status` are left
                               out, a row with a value, or with nothing told at all, is a sale
    """

    call: CallId | None = None
    click_id: ClickId | None = None
    gclid: ClickId | None = None
    gbraid: ClickId | None = None
    wbraid: ClickId | None = None
    msclkid: ClickId | None = None
    fbclid: ClickId | None = None
    ttclid: ClickId | None = None
    caller: model.Phone | None = None
    at: Instant | None = None
    within_days: Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)] | None = None
    since: Instant | None = None
    until: Instant | None = None
    campaign: model.Id | None = None
    sale: bool | UnsetType | None = UNSET
    value: Money | UnsetType | None = UNSET
    lead_status: Status | UnsetType | None = UNSET
    note: Note | UnsetType | None = UNSET


class Campaign(msgspec.Struct, frozen=True):
    """`country`: of the number where its calls go, ISO 3166-1; null: of none."""

    currency: str
    country: str | None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What rows are read with. `campaigns`: those that the teller reaches, by id; `campaign`: of rows that name none;
    `timezone`: of times that tell none; `within_days`: of rows that tell none."""

    campaigns: Mapping[str, Campaign]
    now_ms: int
    campaign: str | None = None
    timezone: str = "UTC"
    day_first: bool = False
    within_days: int | None = None


class Click(msgspec.Struct, frozen=True):
    """`name`: the parameter, such as gclid; null: any."""

    name: str | None
    value: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`row`: which one of a request, from 1, or the line of a file. The call began from `since_ms` until before
    `until_ms`; of a click whose row tells no time, 90 days back. `told`: sale, lead_status and note, as far as they
    are; `value` a text: a decimal, of the campaign's currency if it names none."""

    row: int
    call: str | None = None
    clicks: tuple[Click, ...] = ()
    caller: str | None = None
    since_ms: int = 0
    until_ms: int = 0
    click_since_ms: int = 0
    campaign: str | None = None
    told: Mapping[str, Any] = {}
    value: Money | str | UnsetType | None = UNSET


class Wrong(msgspec.Struct, frozen=True):
    row: int
    why: str


class Found(msgspec.Struct, frozen=True):
    """A call that rows may be about. `outcome`: what was told of it so far, by the names of TellOutcome."""

    id: str
    at_ms: int
    campaign: str | None
    outcome: Mapping[str, Any] | None = None


class ConversionResult(msgspec.Struct):
    """Of one row. `call`: what it is about, known `by` what. `says`: what changed, or why nothing did."""

    row: int
    state: State
    says: str
    call: str | None = None
    by: By | None = None


class ConversionsReport(msgspec.Struct, kw_only=True):
    """How many rows came to what, and each row. Of a `dry_run` it is what would have come of them."""

    dry_run: bool
    rows: int
    matched: int = 0
    known: int = 0
    not_matched: int = 0
    ambiguous: int = 0
    wrong: int = 0
    conversions: list[ConversionResult]


def read_json(row: int, raw: bytes | msgspec.Raw, of: Reading) -> Row | Wrong:
    """One entry of a request."""
    try:
        told = _decode(raw)
        clicks = [Click(name, value) for name in CLICKS if (value := getattr(told, name)) is not None]
        if told.click_id is not None:
            clicks.append(click(told.click_id))
        at_ms, since_ms, until_ms = (
            None if text is None else model.moment_ms(text, f"/{name}")
            for name, text in (("at", told.at), ("since", told.since), ("until", told.until))
        )
        given = {name: value for name in ("sale", "lead_status", "note") if (value := getattr(told, name)) is not UNSET}
        return made(
            row,
            of,
            call=told.call,
            clicks=clicks,
            caller=told.caller,
            at_ms=at_ms,
            since_ms=since_ms,
            until_ms=until_ms,
            within_days=told.within_days,
            campaign=told.campaign,
            told=given,
            value=told.value,
        )
    except msgspec.ValidationError as error:
        return Wrong(row, in_words(invalid(error)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Wrong(row, "no JSON")
    except InvalidField as error:
        return Wrong(row, in_words(error))


_decode = msgspec.json.Decoder(NewConversion).decode


def made(
    row: int,
    of: Reading,
    *,
    call: str | None,
    clicks: Sequence[Click],
    caller: str | None,
    at_ms: int | None,
    since_ms: int | None,
    until_ms: int | None,
    within_days: int | None,
    campaign: str | None,
    told: Mapping[str, Any],
    value: Money | str | UnsetType | None,
) -> Row:
    """A row that can be looked for. Raises InvalidField."""
    campaign = campaign or of.campaign
    if campaign is not None and campaign not in of.campaigns:
        raise InvalidField("/campaign", f"there is no campaign with the id {campaign[:64]}")
    if call is not None and not _ID.fullmatch(call):
        raise InvalidField("/call", "not the id of a call")
    for one in clicks:
        if not _CLICK.fullmatch(one.value):
            raise InvalidField(f"/{one.name or 'click_id'}", "not a click id: 4 to 512 characters without blanks")
    if call is None and not clicks and caller is None:
        raise InvalidField("", "it names no call: give the call's id, a click id, or the caller and a time")
    days = within_days or of.within_days
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise InvalidField("/within_days", f"from 1 to {MOST_DAYS}")
    since, until = _window(at_ms, since_ms, until_ms, days or CALLER_DAYS)
    has_no_time = until is None
    if caller is not None and call is None and not clicks and has_no_time:
        raise InvalidField("/at", "when the sale was: without it any call of this caller could be meant")
    end = of.now_ms + 1 if until is None else until
    told = {**told}
    # What was sold for an amount is a sale; a deal with a status may be lost, whatever it would have been worth.
    if not {"sale", "lead_status"} & told.keys() and (isinstance(value, Money | str) or not (told or value is None)):
        told["sale"] = True
    found = Row(
        row=row,
        call=call,
        clicks=tuple(clicks),
        # A click may be all that is needed: a caller without a time is no reason then to look for nothing.
        caller=None if caller is None or has_no_time else _caller(caller, region(of, campaign)),
        since_ms=end - CALLER_DAYS * DAY_MS if since is None else since,
        until_ms=end,
        click_since_ms=end - (days or CLICK_DAYS) * DAY_MS if since_ms is None or since is None else since,
        campaign=campaign,
        told=told,
        value=value,
    )
    if not isinstance(value, str):
        values(found, None)
    return found


def _window(at_ms: int | None, since_ms: int | None, until_ms: int | None, days: int) -> tuple[int | None, int | None]:
    """When the call began; the second is not within. Nulls: the row tells no time."""
    if at_ms is not None:
        if until_ms is not None:
            raise InvalidField("/until", "either at, or since and until")
        return (at_ms - days * DAY_MS if since_ms is None else since_ms), at_ms + 1
    if (since_ms is None) != (until_ms is None):
        raise InvalidField("/since" if since_ms is None else "/until", "since and until belong together")
    if since_ms is not None and until_ms is not None and until_ms <= since_ms:
        raise InvalidField("/until", "later than since")
    return since_ms, until_ms


def click(text: str) -> Click:
    """`gclid:Cj0…`; what has no name in front may be of any."""
    name, is_there, value = text.partition(":")
    return Click(name.strip().lower(), value.strip()) if is_there else Click(None, text.strip())


def region(of: Reading, campaign: str | None) -> str:
    """In which country a telephone is written that tells none: the campaign's, or that of all campaigns."""
    if campaign is not None:
        return of.campaigns[campaign].country or "US"
    countries = {each.country for each in of.campaigns.values() if each.country}
    return countries.pop() if len(countries) == 1 else "US"


@lru_cache(10_000)
def _caller(text: str, region: str) -> str:
    if _HIDDEN.search(text):
        raise InvalidField("/caller", "a telephone in full, not one with its end hidden")
    return e164(text.strip(), "/caller", region)


def pick(row: Row, calls: Iterable[Found], since_ms: int) -> Found | list[str] | None:
    """The latest of these calls that the row may be about; a list: it may be of these campaigns."""
    among = [
        call
        for call in calls
        if since_ms <= call.at_ms < row.until_ms and call.campaign is not None and row.campaign in (None, call.campaign)
    ]
    campaigns = sorted({call.campaign for call in among if call.campaign})
    if len(campaigns) > 1:
        return campaigns
    return max(among, key=lambda call: (call.at_ms, call.id), default=None)


def values(row: Row, currency: str | None) -> dict[str, Any]:
    """What the row tells of a call whose campaign has this currency, by the names of TellOutcome. Raises InvalidField
    for what cannot be told."""
    given = dict(row.told)
    if isinstance(row.value, str):
        code, _, amount = row.value.rpartition(" ")
        unit = money.currency(code, "/currency") if code else currency
        if unit is None:
            raise InvalidField("/currency", "the call has no campaign whose currency it could be")
        given["value"] = money.read(amount, unit, "/value")
    elif row.value is not UNSET:
        given["value"] = row.value
    told = msgspec.structs.asdict(TellOutcome(**given))
    return {name: value for name, value in told.items() if name in given}


def together(given: Iterable[Mapping[str, Any]]) -> TellOutcome:
    """What all of these, about one call, tell. Raises InvalidField where two tell different things."""
    found: dict[str, Any] = {}
    for each in given:
        for name, value in each.items():
            if found.setdefault(name, value) != value:
                raise InvalidField("", f"other rows tell another {name.replace('_', ' ')} of the same call")
    return TellOutcome(**found)


def changes(given: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    """What such values change of what was told before, in words."""
    was = before or {}
    return [
        f"{name.replace('_', ' ')} {_word(value)}" + (f" (was {_word(was[name])})" if was.get(name) is not None else "")
        for name, value in given.items()
        if value != was.get(name)
    ]


def counted(results: Iterable[ConversionResult], *, dry_run: bool) -> ConversionsReport:
    """By row."""
    ordered = sorted(results, key=lambda one: one.row)
    report = ConversionsReport(dry_run=dry_run, rows=len(ordered), conversions=ordered)
    for one in ordered:
        setattr(report, one.state, getattr(report, one.state) + 1)
    return report


def in_words(error: InvalidField) -> str:
    return "; ".join(f"{one.path.lstrip('/')}: {one.message}" if one.path else one.message for one in error.errors)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "taken back" if value is None else str(value)
