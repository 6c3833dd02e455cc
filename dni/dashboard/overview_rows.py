"""The first page of the morning: what its figures are. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dni.dashboard import trend, words
from dni.dashboard.trend import Point
from dni.dashboard.words import Badge, Change
from dni.money import Money
from dni.report.model import ReportRow

DAYS = (14, 30)
WEEKS = 4
"""Same days of as many weeks before are what is usual."""


# Of fewer than so many a share says nothing but alarms.
_FEW = 3


class Today(msgspec.Struct, frozen=True):
    """Until now. `usual`: the mean of the same weekday until the same minute; None: there was no such day yet.
    `qualified`: None where no call was judged these days; so are amounts, and those that are not the reader's to know.
    """

    visits: int
    calls: int
    answered: float
    first_time: float
    usual: float | None
    usual_visits: float | None
    says: str
    qualified: float | None = None
    payout: Money | None = None
    revenue: Money | None = None
    margin: Money | None = None


class Figure(msgspec.Struct, frozen=True):
    """One figure of today. `name` is one of `figures.MEANING`."""

    name: str
    value: str
    says: str
    change: Change | None = None


class Trouble(msgspec.Struct, frozen=True):
    """What needs attention; `address`: where it can be looked at."""

    badge: Badge
    what: str
    address: str | None


class Hours:
    """Visits and calls by day and hour, of a report grouped so."""

    def __init__(self, rows: Iterable[ReportRow], now_ms: int, zone: ZoneInfo) -> None:
        self._now = datetime.fromtimestamp(now_ms / 1000, zone)
        self._days: dict[str, dict[int, ReportRow]] = {}
        for row in rows:
            self._days.setdefault(str(row.day), {})[int(str(row.hour))] = row

    def today(self) -> Today:
        today = self._now.date()
        rows = self._days.get(today.isoformat(), {}).values()
        calls = sum(row.calls for row in rows)
        before = [today - timedelta(weeks=n) for n in range(1, WEEKS + 1)]
        seen = [day.isoformat() for day in before if any(known <= day.isoformat() for known in self._days)]
        usual = self._usual(seen, lambda row: row.calls)
        return Today(
            visits=sum(row.sessions or 0 for row in rows),
            calls=round(calls),
            answered=sum(row.answered for row in rows),
            first_time=sum(row.first_time_callers for row in rows),
            usual=usual,
            usual_visits=self._usual(seen, lambda row: row.sessions or 0),
            says=_compared(calls, usual),
            qualified=sum(row.qualified or 0.0 for row in rows) if self._any("qualified") is not None else None,
            **{name: self._sum(name, rows) for name in ("payout", "revenue", "margin")},
        )

    def _any(self, name: str) -> Any:
        """Of the last day that has it."""
        known = (getattr(row, name) for day in sorted(self._days, reverse=True) for row in self._days[day].values())
        return next((value for value in known if value is not None), None)

    def _sum(self, name: str, rows: Iterable[ReportRow]) -> Money | None:
        some: Money | None = self._any(name)
        return some and sum((amount for row in rows if (amount := getattr(row, name))), Money(0, some.currency))

    def trend(self, days: int) -> list[Point]:
        """The oldest day first."""
        today = self._now.date()
        rows = [row for hours in self._days.values() for row in hours.values()]
        return trend.points(rows, today - timedelta(days=days - 1), today, today)

    def _usual(self, days: Sequence[str], what: Callable[[ReportRow], float]) -> float | None:
        return sum(self._until_now(day, what) for day in days) / len(days) if days else None

    def _until_now(self, day: str, what: Callable[[ReportRow], float]) -> float:
        hours = {hour: what(row) for hour, row in self._days.get(day, {}).items()}
        whole = sum(count for hour, count in hours.items() if hour < self._now.hour)
        return whole + hours.get(self._now.hour, 0.0) * self._now.minute / 60


def figures(today: Today) -> list[Figure]:
    """What the first page shows of today, and brings up to date while it is open."""
    calls, visits = (
        words.change(now, usual) if usual is not None and usual >= _FEW else None
        for now, usual in ((today.calls, today.usual), (today.visits, today.usual_visits))
    )
    return [
        Figure("Calls", words.count(today.calls), today.says, calls),
        Figure("Visits", words.count(today.visits), _compared(today.visits, today.usual_visits), visits),
        Figure(
            "Answered",
            words.share(today.answered / today.calls) if today.calls else "–",
            f"{words.count(today.answered)} of {words.count(today.calls)}" if today.calls else "no call yet",
        ),
        Figure("First time", words.count(today.first_time), "callers who never called before"),
        *_money(today),
    ]


def _money(today: Today) -> list[Figure]:
    if today.qualified is None:
        return []
    of_calls = f"of {words.count(today.calls)} {'call' if today.calls == 1 else 'calls'}"
    found = [Figure("Qualified", words.count(today.qualified), of_calls)]
    if today.payout is not None:
        found.append(Figure("Payout", words.amount(today.payout), f"{today.payout.currency}, as judged by now"))
    if today.revenue is not None:
        more = "as judged by now" if today.margin is None else f"margin {words.amount(today.margin)}"
        found.append(Figure("Revenue", words.amount(today.revenue), f"{today.revenue.currency}, {more}"))
    return found


def _compared(calls: float, usual: float | None) -> str:
    if usual is None:
        return "nothing to compare with yet"
    if usual < _FEW:
        return f"usually {usual:.1f}".removesuffix(".0") + " by now"
    more = calls / usual - 1
    if abs(more) < 0.1:
        return f"as usual ({usual:.0f} by now)"
    return f"{abs(more):.0%} {'more' if more > 0 else 'fewer'} than usual ({usual:.0f} by now)"


def troubles(
    tags: Sequence[tuple[str, str, str | None, str]],
    unserved: Mapping[str, int],
    refused: Sequence[tuple[str, str, int]],
    carriers: Mapping[str, str],
    integrations: Sequence[Trouble] = (),
) -> list[Trouble]:
    """The worst first. `tags`: id, name, what its pages say and how bad that is; None: Redis is away. `integrations`:
    what they have."""
    found = [
        Trouble(Badge(says.replace("_", " "), tone), name, f"/tags/{tag}")
        for tag, name, says, tone in tags
        if says is not None and tone in ("bad", "warn")
    ]
    if any(says is None for _, _, says, _ in tags):
        found.append(Trouble(Badge("not known", "warn"), "Whether tags swap: Redis is away", None))
    names = {tag: name for tag, name, _, _ in tags}
    found += [
        Trouble(
            Badge("no free number", "warn"),
            f"{names.get(tag, tag)}: {many:,} {'visit' if many == 1 else 'visits'} in 24 h saw the page's own number",
            f"/tags/{tag}",
        )
        for tag, many in unserved.items()
    ]
    found += [
        Trouble(
            Badge("refused", "bad"),
            f"{carriers.get(carrier, carrier)}: {many:,} {'request' if many == 1 else 'requests'} in 24 h, "
            f"{code.replace('_', ' ')}",
            None,
        )
        for carrier, code, many in refused
    ]
    found += integrations
    return sorted(found, key=lambda one: one.badge.tone != "bad")
