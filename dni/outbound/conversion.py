"""A call as a conversion for any ad platform: its value, whether its visitor may be told of, what changed. Pure.

A platform's file reads a message by `read`, asks `visit_of` and `value_of`, keeps `kept_of` with what it sent, and
later asks `change_of` what became of it. Each gives a `Skip` where nothing is to be sent, and says why.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from dni.clock import from_rfc3339
from dni.errors import InvalidField
from dni.money import Money
from dni.outbound.click import CLICK_DAYS, DAY_MS
from dni.outbound.model import Outgoing, Skip

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

Source = Literal["none", "fixed", "revenue", "payout", "sale"]
"""`sale`: what was told of the call as an outcome."""

ADDRESS = msgspec.Meta(
    pattern=r"^https?://[^\s?#]{1,300}[^\s?#/]\Z", description="Where the service is; another one for tests or a proxy"
)
"""Of an address in a kind's settings: without a query, and no slash at its end."""

_Fixed = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,3})?\Z",
        title="Fixed value",
        description="What every call is worth, such as 25 or 12.50; only where the value is fixed",
    ),
]
_Currency = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Z]{3}\Z",
        title="Currency of the fixed value",
        description="Three letters, such as USD; empty: the campaign's",
    ),
]


class Valued(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that every platform has: a kind's own settings are made from it.

    value           where a conversion's value comes from; `none`: the platform takes its own
    fixed           of `fixed`: the value, as a decimal
    currency        of `fixed`: ISO 4217; null: the campaign's
    min_confidence  a call counts for a visit that made it with at least this probability, 0 to 1
    unqualified     calls that the campaign's terms turned down are conversions too
    """

    value: Annotated[Source, msgspec.Meta(title="Value", description="Where the value of a conversion comes from")] = (
        "revenue"
    )
    fixed: _Fixed | None = None
    currency: _Currency | None = None
    min_confidence: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=1,
            title="Least confidence",
            description="0 to 1: a click that probably did not ring is worse for bidding than none",
        ),
    ] = 0.5
    unqualified: Annotated[
        bool,
        msgspec.Meta(
            title="Also calls that do not count", description="Calls that the campaign's terms turned down are sent too"
        ),
    ] = False

    def __post_init__(self) -> None:
        if self.value == "fixed" and self.fixed is None:
            raise InvalidField("/settings/fixed", "a fixed value is needed, such as 25")


class Value(msgspec.Struct, frozen=True):
    """In the currency's major unit: 12.50 of USD."""

    amount: Decimal
    currency: str


class Sum(msgspec.Struct, frozen=True):
    amount: Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]


class Outcome(msgspec.Struct, frozen=True):
    sale: bool | None = None
    value: Sum | None = None


class Qualification(msgspec.Struct, frozen=True):
    """`qualified`: it is paid; `billable`: it is billed."""

    qualified: bool
    billable: bool | None = None


class Attribution(msgspec.Struct, frozen=True):
    session: str | None = None
    visitor: str | None = None
    method: str | None = None
    confidence: float | None = None


class Call(msgspec.Struct, frozen=True):
    """What platforms ask of a call; the fields are those of the API's call."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
    started_at: str
    answered: bool = False
    talk_seconds: int | None = None
    caller: str | None = None
    tracking_number: str | None = None
    source: str | None = None
    landing_page: str | None = None
    click_ids: dict[str, str] = {}
    outcome: Outcome | None = None
    payout: Sum | None = None
    revenue: Sum | None = None
    qualification: Qualification | None = None
    attribution: Attribution = Attribution()


class Visit(msgspec.Struct, frozen=True):
    """`ids`: those of other systems by their cookies' names, which the tag tells only with consent. `custom`: what the
    page said itself."""

    started_at: str
    consent: str = "unknown"
    session: str | None = None
    visitor: str | None = None
    ids: dict[str, Any] = {}
    country: str | None = None
    region: str | None = None
    city: str | None = None
    custom: dict[str, Any] = {}

    def id_of(self, name: str) -> object:
        """What another system calls the visitor: by its cookie, else as the page said it with `dni.set`."""
        return self.ids.get(name, self.custom.get(name))


class Campaign(msgspec.Struct, frozen=True):
    name: str | None = None
    timezone: str = "UTC"
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")] = "USD"


class Publisher(msgspec.Struct, frozen=True):
    name: str | None = None


class Told(msgspec.Struct, frozen=True):
    """A message about a call. `at_ms`: its first ring; `visit_ms`: when the credited visit began."""

    call: Call
    visit: Visit | None
    campaign: Campaign | None
    change: Mapping[str, Any]
    at_ms: int
    visit_ms: int | None
    publisher: Publisher | None = None


class _Data(msgspec.Struct):
    call: Call
    visit: Visit | None = None
    campaign: Campaign | None = None
    publisher: Publisher | None = None
    change: dict[str, Any] | None = None


def read(outgoing: Outgoing) -> Told | Skip:
    try:
        data = msgspec.convert(outgoing.message.data, _Data)
        at_ms = _ms(data.call.started_at)
        visit_ms = _ms(data.visit.started_at) if data.visit else None
    except (ValueError, OverflowError) as error:  # msgspec's ValidationError is a ValueError
        return Skip(f"the message tells of no call that can be sent: {error}")
    return Told(data.call, data.visit, data.campaign, data.change or {}, at_ms, visit_ms, data.publisher)


def _ms(text: str) -> int:
    ms = from_rfc3339(text)
    if not 0 <= ms < 10**13:
        raise ValueError(f"{text} is no time of a call")
    return ms


NOBODYS = Skip("the call is credited to no visit, so nobody knows which ad led to it")


def visit_of(settings: Valued, told: Told) -> Visit | Skip:
    """The visit that a platform may be told of: credited with enough confidence, and consented to."""
    if told.visit is None:
        return NOBODYS
    confidence = told.call.attribution.confidence
    if confidence is not None and confidence < settings.min_confidence:
        asked = f"{settings.min_confidence:.0%} is asked"
        return Skip(f"the visit made this call with a probability of {confidence:.0%}, and {asked}")
    if told.visit.consent != "granted":
        said = "the visitor said no" if told.visit.consent == "denied" else "the page told no consent of the visitor"
        return Skip(f"{said}: only visits with consent are sent (docs/tag.md says how a page tells it)")
    return told.visit


def caller_of(told: Told) -> str | Skip:
    """Who called, as E.164."""
    caller = told.call.caller
    if caller is None:
        return Skip("the caller withheld the number")
    if not _E164.fullmatch(caller):
        return Skip(
            f"the caller is no phone number as platforms take it: + and 7 to 15 digits are asked, not {caller[:20]!r}"
        )
    return caller


def too_old(told: Told) -> Skip | None:
    """Platforms take conversions of clicks of the last 90 days."""
    if told.visit_ms is not None and told.at_ms - told.visit_ms > CLICK_DAYS * DAY_MS:
        return Skip(f"the click is more than {CLICK_DAYS} days older than the call")
    return None


def value_of(settings: Valued, told: Told) -> Value | Skip | None:
    """None: no value is told, and the platform takes its own."""
    call = told.call
    if _turned_down(settings, told):
        return Skip("the call does not count by its campaign's terms")
    if settings.value == "none":
        return None
    if settings.value == "fixed":
        currency = settings.currency or (told.campaign.currency if told.campaign else None)
        if currency is None:
            return Skip("the call is of no campaign, so its value has no currency: set one")
        return Value(Decimal(settings.fixed or 0), currency)
    if settings.value == "sale":
        sold = call.outcome
        if sold is None or sold.sale is False or sold.value is None:
            return Skip("no sale is told of this call yet: its value is that of the sale")
        return _value(sold.value)
    told_of = call.revenue if settings.value == "revenue" else call.payout
    if told_of is None:
        return Skip(
            f"the call has no {settings.value}: it is not judged yet, or its campaign has no terms. "
            "Send on call.qualified, or choose another value"
        )
    return _value(told_of)


def _turned_down(settings: Valued, told: Told) -> bool:
    """By the side of the terms that its value comes from; by both, where it comes from neither."""
    judged = told.call.qualification
    if judged is None or settings.unqualified:
        return False
    if settings.value == "revenue" and judged.billable is not None:
        return not judged.billable
    return not (judged.qualified or (settings.value != "payout" and judged.billable))


def _value(told: Sum) -> Value:
    """What would be less than nothing is nothing: no platform takes it."""
    return Value(Money(max(told.amount, 0), told.currency).major, told.currency)


def kept_of(settings: Valued, value: Value | None, told: Told, **more: Any) -> dict[str, Any]:
    """What `change_of` must know of what was sent last; `more`: by what the platform knows it."""
    sent = {"value": str(value.amount), "currency": value.currency} if value else {}
    return {"by": settings.value, **sent, **more}


class Row(msgspec.Struct, frozen=True):
    """Of one message, where a request has many: as the platform is told of it, and what a later change must know."""

    row: dict[str, Any]
    kept: dict[str, Any]


def sendable(row: Row | Skip) -> Row:
    if isinstance(row, Skip):
        raise ValueError(f"what `check` refuses is not sent: {row.why}")
    return row


class Retract(msgspec.Struct, frozen=True):
    why: str


class Restate(msgspec.Struct, frozen=True):
    value: Value


def change_of(settings: Valued, told: Told, former: Mapping[str, Any]) -> Retract | Restate | Skip:
    """What is to be said of a conversion that was told before; `former`: what was kept then.

    It is taken back when the call no longer counts by its terms, or is worth nothing.
    """
    if former.get("retracted"):
        return Skip("the conversion was taken back before, and cannot be changed any more")
    if _turned_down(settings, told):
        return Retract("the call no longer counts")
    value = value_of(settings, told)
    if isinstance(value, Skip):
        return Retract("the sale was taken back") if settings.value == former.get("by") == "sale" else value
    if value is None:
        return Skip("no value is sent, and the call counts as before")
    was = _kept_value(former)
    if value.amount <= 0 and was is not None and was.amount > 0:
        return Retract("the call is worth nothing any more")
    if value == was and not _moved(settings, told):
        return Skip("its value is the same as before")
    return Restate(value)


def _kept_value(former: Mapping[str, Any]) -> Value | None:
    try:
        return Value(Decimal(former["value"]), former["currency"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None


def _moved(settings: Valued, told: Told) -> bool:
    """Whether the message itself says that the value changed: what was told in between may not have been kept."""
    change = told.change.get(settings.value)
    return isinstance(change, Mapping) and change.get("before") != change.get("after")
