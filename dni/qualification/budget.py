"""What may be spent: limits of calls and money by period, what is used of them, and which one is reached. Pure.

A budget is a campaign's, a publisher's within a campaign, or a destination's. Money is revenue, from the advertiser,
but payout of a publisher's budget. Periods are those of the campaign's time zone; a week begins on Monday.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from dni.errors import InvalidField
from dni.money import Money
from dni.qualification.model import Terms
from dni.routing import periods

PERIODS = ("concurrent", "hour", "day", "week", "month", "total")

Owner = Literal["campaign", "publisher", "destination"]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is not told is left out of its JSON."""


class OfCalls(_Told, frozen=True, kw_only=True):
    """Calls at once, and by period; `total`: since the budget was made."""

    concurrent: Count | None = None
    hour: Count | None = None
    day: Count | None = None
    week: Count | None = None
    month: Count | None = None
    total: Count | None = None


class OfMoney(_Told, frozen=True, kw_only=True):
    """Minor units of the campaign's currency by period; `total`: since the budget was made."""

    hour: Amount | None = None
    day: Amount | None = None
    week: Amount | None = None
    month: Amount | None = None
    total: Amount | None = None


class Figures(_Told, frozen=True, kw_only=True):
    """Of each limit, such as what is used of it."""

    calls: OfCalls = OfCalls()
    money: OfMoney = OfMoney()


class Limits(Figures, frozen=True, kw_only=True):
    """The most that may be used; None: no limit. `paced`: of the day's limits no more than the share of the day that is
    over, but one call at any time."""

    paced: bool = False


class Used(msgspec.Struct, frozen=True):
    """Of one period; `amount` in minor units."""

    calls: int = 0
    amount: int = 0


NOTHING = Used()


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What a call takes of a budget when it is sent on: one call, and at most so much money (minor units).

    at_ms, zone  of which periods: those of the call's start, on the campaign's clock
    destination  whose budget it is, if it is a destination's
    """

    budget: str
    amount: int
    at_ms: int
    zone: str
    destination: str | None = None


class Reached(msgspec.Struct, frozen=True):
    """A limit that leaves no room. `used` of `most`, both calls or minor units; `by_now`: the share of a paced day;
    `asked`: the money that did not fit."""

    of: Literal["calls", "money"]
    period: str
    used: int
    most: int
    by_now: int | None = None
    asked: int = 0

    def told(self, currency: str) -> str:
        """`budget day: 50 of 50 calls are used`."""
        used, most, by_now = (self._said(one, currency) for one in (self.used, self.most, self.by_now or 0))
        calls = " calls" if self.of == "calls" else ""
        state = "under way" if self.period == "concurrent" else "used"
        said = f"budget {self.period}: {used} of {most}{calls} are {state}"
        if self.by_now is not None:
            said += f", and {by_now} may be by this time of the day"
        has_some = self.of == "money" and self.used < (self.most if self.by_now is None else self.by_now)
        return f"{said}; the call needs {self._said(self.asked, currency)}" if has_some else said

    @property
    def briefly(self) -> str:
        """Without figures, for who is not to know them."""
        return f"budget {self.period} is used up"

    def _said(self, figure: int, currency: str) -> str:
        return f"{figure:,}" if self.of == "calls" else str(Money(figure, currency))


def check(limits: Limits, path: str) -> None:
    """Raises InvalidField."""
    if limits.calls == OfCalls() and limits.money == OfMoney():
        raise InvalidField(path, "name a limit, such as calls: {day: 50}; to have none, delete the budget")
    if limits.paced and limits.calls.day is None and limits.money.day is None:
        raise InvalidField(f"{path}/paced", "spreads a day's limit, and there is none: set calls.day or money.day")


def owner(publisher: str | None, destination: str | None) -> Owner:
    """Whose budget has these."""
    return "publisher" if publisher else "destination" if destination else "campaign"


def since(at_ms: int, zone: str) -> dict[str, int]:
    """By period when it began that this moment is in; 0 of those that have no beginning."""
    here = ZoneInfo(zone)
    return {one: 0 if one in ("concurrent", "total") else periods.began(one, at_ms, here) for one in PERIODS}


def reached(
    limits: Limits, used: Mapping[str, Used], amount: int, at_ms: int, now_ms: int, zone: str, *, is_over: bool = False
) -> Reached | None:
    """Which limit has no room for one call more that may take `amount`; None: there is room.

    `used`: of the periods that `at_ms` is in; `is_over`: the call is, so it is not one of those at once.
    """
    for of, period, most, by_now in _limits(limits, used, at_ms, now_ms, zone):
        if is_over and period == "concurrent":
            continue
        now = used.get(period, NOTHING)
        figure, more = (now.calls, 1) if of == "calls" else (now.amount, amount)
        if figure + more > (most if by_now is None else by_now):
            return Reached(of, period, figure, most, by_now, amount)
    return None


def more(
    limits: Limits, used: Mapping[str, Used], amount: int, at_ms: int, now_ms: int, zone: str
) -> tuple[int, Reached | None]:
    """How much of `amount` a call may take that has its place already, and which limit leaves no more; None: none."""
    fits, why = amount, None
    for of, period, most, by_now in _limits(limits, used, at_ms, now_ms, zone):
        figure = used.get(period, NOTHING).amount
        room = max(0, (most if by_now is None else by_now) - figure)
        if of == "money" and room < fits:
            fits, why = room, Reached(of, period, figure, most, by_now, amount)
    return fits, why


def left(limits: Limits, used: Mapping[str, Used], now_ms: int, zone: str) -> Figures:
    """Of each limit what may be used now; never below zero."""
    found: dict[str, dict[str, int]] = {"calls": {}, "money": {}}
    for of, period, most, by_now in _limits(limits, used, now_ms, now_ms, zone):
        now = used.get(period, NOTHING)
        figure = now.calls if of == "calls" else now.amount
        found[of][period] = max(0, (most if by_now is None else by_now) - figure)
    return Figures(calls=OfCalls(**found["calls"]), money=OfMoney(**found["money"]))


def counted(limits: Limits, used: Mapping[str, Used]) -> Figures:
    """Of each limit what is used."""
    calls = {name: used.get(name, NOTHING).calls for name in PERIODS if getattr(limits.calls, name) is not None}
    money = {name: used.get(name, NOTHING).amount for name in _MONEY if getattr(limits.money, name) is not None}
    return Figures(calls=OfCalls(**calls), money=OfMoney(**money))


def largest(terms: Terms) -> tuple[int, int]:
    """The largest fixed amounts, payout and revenue, that these may pay a call. A share of a sale is known when the
    sale is."""
    payout, revenue = (
        max((one.amount or 0 for one in side.policies), default=0) for side in (terms.payout, terms.revenue)
    )
    return payout, revenue


_MONEY = PERIODS[1:]


def _limits(
    limits: Limits, used: Mapping[str, Used], at_ms: int, now_ms: int, zone: str
) -> Iterator[tuple[Literal["calls", "money"], str, int, int | None]]:
    """Each limit that is set, and of a paced day's what may be used by now."""
    share: tuple[int, int] | None = None
    if limits.paced:
        begin_ms, end_ms = periods.day_of(at_ms, ZoneInfo(zone))
        share = min(max(0, now_ms - begin_ms), end_ms - begin_ms), end_ms - begin_ms
    for period in PERIODS:
        over, whole = share if share and period == "day" else (1, 1)
        if (most := getattr(limits.calls, period)) is not None:
            yield "calls", period, most, min(most, max(1, most * over // whole)) if over < whole else None
        if period in _MONEY and (most := getattr(limits.money, period)) is not None:
            is_first = not used.get(period, NOTHING).calls
            yield "money", period, most, most * over // whole if over < whole and not is_first else None
