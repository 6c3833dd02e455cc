"""The `data` of a call's messages, and of alerts: its fields as types, and a choice of them. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

import msgspec

from dni.call.views import CallView, OutcomeView
from dni.clock import Instant
from dni.errors import InvalidField
from dni.money import Money
from dni.qualification.amounts import Was

Scalar = str | int | float | bool | None


class VisitTold(msgspec.Struct):
    """The visit that the call is credited to. `ids` are those of analytics and ads in the browser, such as `ga`;
    `params` what the tag keeps of the landing page's address, beside click ids and the touch's fields."""

    session: str
    visitor: str
    started_at: Instant
    page_views: int
    consent: str
    ids: dict[str, Scalar]
    custom: dict[str, Scalar]
    device: str | None
    browser: str | None
    os: str | None
    language: str | None
    timezone: str | None
    country: str | None
    region: str | None
    city: str | None
    title: str | None
    params: dict[str, str]


class CampaignTold(msgspec.Struct):
    id: str
    name: str
    timezone: str
    currency: str
    advertiser: str | None


class PublisherTold(msgspec.Struct):
    id: str
    name: str


class Reattributed(msgspec.Struct):
    """The answer before, and that in its place."""

    session: Was[str]
    confidence: Was[float]


class CorrectedChange(msgspec.Struct):
    """`kind`: `verdict`, `outcome`, `correction`, `dispute` or `reattribution`. What is not the reader's to know is
    null, as in the call: of the other side, and the reason where it names the policies of both."""

    kind: str
    reason: str | None
    payout: Was[Money] | None
    revenue: Was[Money] | None
    qualified: Was[bool]
    billable: Was[bool] | None


class OfCall(msgspec.Struct):
    """`visit` null: a static number, or nobody's. `others`: the sessions named here that are of other publishers,
    who share the pool."""

    call: CallView
    visit: VisitTold | None
    campaign: CampaignTold | None
    publisher: PublisherTold | None
    others: list[str]


class CallData(OfCall):
    change: None


class AttributedData(OfCall):
    """`change` null: it is the first answer."""

    change: Reattributed | None


class CorrectedData(OfCall):
    change: CorrectedChange


class OutcomeData(OfCall):
    """`change`: what was told."""

    change: OutcomeView


class AlertTold(msgspec.Struct):
    id: str
    state: Literal["began", "over"]
    says: str
    since: Instant
    over: Instant | None


class AlertSubject(msgspec.Struct):
    """The tag or the pool."""

    id: str
    name: str
    campaign: str | None


class TagAlertData(msgspec.Struct):
    alert: AlertTold
    tag: AlertSubject


class PoolAlertData(msgspec.Struct):
    alert: AlertTold
    pool: AlertSubject


def _fields() -> tuple[str, ...]:
    inner = {"call": CallView, "visit": VisitTold}
    return tuple(
        name
        for part in CallData.__struct_fields__
        for name in (part, *(f"{part}.{field}" for field in getattr(inner.get(part), "__struct_fields__", ())))
    )


FIELDS = _fields()
"""What of a call's message can be chosen."""


def checked(fields: Collection[str], path: str) -> list[str]:
    """Each once. Raises InvalidField for one that there is not."""
    for place, name in enumerate(fields):
        if name not in FIELDS:
            raise InvalidField(f"{path}/{place}", f"there is no {name[:80]!r}, but {', '.join(FIELDS)}")
    return list(dict.fromkeys(fields))


def chosen(data: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """A part that is not there is left out; what is inside a part that is null stays null."""
    made: dict[str, Any] = {}
    for name in fields:
        part, _, field = name.partition(".")
        if part not in data:
            continue
        if not field or part in fields or data[part] is None:
            made[part] = data[part]
        else:
            made.setdefault(part, {})[field] = data[part].get(field)
    return made
