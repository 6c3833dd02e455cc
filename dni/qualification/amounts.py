"""What a call comes to, and how a change of it is told to others. Pure."""

from typing import Generic, TypeVar

import msgspec

from dni.money import Money

T = TypeVar("T")


class Amounts(msgspec.Struct, frozen=True):
    """`payout`, `revenue`: in minor units."""

    qualified: bool
    billable: bool
    payout: int
    revenue: int


class Was(msgspec.Struct, Generic[T], frozen=True):
    """Null: not judged."""

    before: T | None
    after: T | None


class Corrected(msgspec.Struct, frozen=True):
    """What changed of a call after its first verdict. `kind`: `verdict`, `outcome`, `correction`, `dispute` or
    `reattribution`. `qualified`: whether it counts for the publisher, `billable`: for the advertiser."""

    kind: str
    reason: str
    payout: Was[Money]
    revenue: Was[Money]
    qualified: Was[bool]
    billable: Was[bool]


def corrected(kind: str, reason: str, had: Amounts | None, has: Amounts | None, units: tuple[str, str]) -> Corrected:
    """`units`: the currencies of then and now."""

    def money(side: str) -> Was[Money]:
        then, now = (
            None if one is None else Money(getattr(one, side), unit)
            for one, unit in zip((had, has), units, strict=True)
        )
        return Was(then, now)

    def counts(side: str) -> Was[bool]:
        then, now = (None if one is None else bool(getattr(one, side)) for one in (had, has))
        return Was(then, now)

    return Corrected(kind, reason, money("payout"), money("revenue"), counts("qualified"), counts("billable"))
