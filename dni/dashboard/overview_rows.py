"""The first page of the morning: what its figures are. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from dni.dashboard.words import Badge
from dni.report.model import ReportRow

DAYS = 14
WEEKS = 4
"""Same days of as many weeks before are what is usual."""


class Today(msgspec.Struct, frozen=True):
    """Until now. `usual`: the mean of the same weekday until the same minute; None: there was no such day yet."""

    visits: int
    calls: int
    usual: float | None
    says: str


class Day(msgspec.Struct, frozen=True):
    """`share`: of the day with the most calls."""

    label: str
    iso: str
    visits: int
    calls: int
    share: float
    is_today: bool


class Trouble(msgspec.Struct, frozen=True):
    """What needs attention; `address`: where it can be looked at."""

    badge: Badge
    what: str
    address: str | None


class Hours:
    """Visits and calls by day and hour, of a report grouped so."""

    def __init__(self, rows: Iterable[ReportRow], now_ms: int, zone: ZoneInfo) -> None:
        self._now = datetime.fromtimestamp(now_ms / 1000, zone)
        self._calls: dict[str, dict[int, float]] = {}
        self._visits: dict[str, int] = {}
        for row in rows:
            day, hour = str(row.day), int(str(row.hour))
            self._calls.setdefault(day, {})[hour] = row.calls
            self._visits[day] = self._visits.get(day, 0) + (row.sessions or 0)

    def today(self) -> Today:
        today = self._now.date()
        calls = sum(self._calls.get(today.isoformat(), {}).values())
        before = [today - timedelta(weeks=n) for n in range(1, WEEKS + 1)]
        seen = [day.isoformat() for day in before if any(known <= day.isoformat() for known in self._visits)]
        usual = sum(map(self._until_now, seen)) / len(seen) if seen else None
        return Today(self._visits.get(today.isoformat(), 0), round(calls), usual, _compared(calls, usual))

    def days(self) -> list[Day]:
        """The newest first."""
        today = self._now.date()
        dates = [today - timedelta(days=n) for n in range(DAYS)]
        calls = [sum(self._calls.get(day.isoformat(), {}).values()) for day in dates]
        most = max(calls) or 1.0
        return [
            Day(
                label=f"{day:%a %b} {day.day}",
                iso=day.isoformat(),
                visits=self._visits.get(day.isoformat(), 0),
                calls=round(count),
                share=count / most,
                is_today=day == today,
            )
            for day, count in zip(dates, calls, strict=True)
        ]

    def _until_now(self, day: str) -> float:
        hours = self._calls.get(day, {})
        whole = sum(count for hour, count in hours.items() if hour < self._now.hour)
        return whole + hours.get(self._now.hour, 0.0) * self._now.minute / 60


def _compared(calls: float, usual: float | None) -> str:
    if usual is None:
        return "nothing to compare with yet"
    if usual < 1:
        return f"usually {usual:.1f} by now"
    more = calls / usual - 1
    if abs(more) < 0.1:
        return f"as usual ({usual:.0f} by now)"
    return f"{abs(more):.0%} {'more' if more > 0 else 'fewer'} than usual ({usual:.0f} by now)"


def troubles(
    tags: Sequence[tuple[str, str, str | None, str]],
    unserved: Mapping[str, int],
    refused: Sequence[tuple[str, str, int]],
    carriers: Mapping[str, str],
) -> list[Trouble]:
    """The worst first. `tags`: id, name, what its pages say and how bad that is; None: Redis is away."""
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
    return sorted(found, key=lambda one: one.badge.tone != "bad")
