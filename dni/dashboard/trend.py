"""Calls over time, as a chart and its table show them: by hour of one day, else by days, weeks or four weeks. Pure."""

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec
from msgspec import structs

from dni.dashboard import words
from dni.report.model import ReportFilter, ReportRow

# Days in one point, for spans of up to so many days; longer ones have no trend.
_STEPS = ((92, 1), (7 * 80, 7), (3660, 28))


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """`first` and `last` are days, both within. `before`: calls in the point as far within the period before."""

    label: str
    short: str
    first: str
    last: str
    visits: float
    calls: float
    before: float
    is_now: bool = False

    def said(self, name: str) -> str:
        return words.count(getattr(self, name))


def names(first: date, last: date) -> tuple[str, ...]:
    """What the report has to be grouped by."""
    return ("day", "hour") if first == last else ("day",)


def both(before: ReportFilter, now: ReportFilter) -> ReportFilter:
    """Of the period before and the one asked for, which ends where that begins."""
    return structs.replace(now, from_ms=before.from_ms)


def points(found: Iterable[ReportRow], first: date, last: date, today: date | None = None) -> list[Point]:
    """Oldest first, those without a call too. The report is grouped by `names`; where it goes back before `first`, it
    tells what was before. Empty for spans too long to show."""
    if first == last:
        return _hours(found, first)
    days = (last - first).days + 1
    step = next((step for most, step in _STEPS if days <= most), None)
    if step is None:
        return []
    visits, calls = _by_day(found)
    answer = []
    for start in range(0, days, step):
        within = range(start, min(start + step, days))
        dates = [first + timedelta(days=n) for n in within]
        answer.append(
            Point(
                label=_span(dates[0], dates[-1], whole=True),
                short=_span(dates[0], dates[-1], whole=False),
                first=dates[0].isoformat(),
                last=dates[-1].isoformat(),
                visits=sum(visits.get(day.isoformat(), 0.0) for day in dates),
                calls=sum(calls.get(day.isoformat(), 0.0) for day in dates),
                before=sum(calls.get((day - timedelta(days=days)).isoformat(), 0.0) for day in dates),
                is_now=today in dates,
            )
        )
    return answer


def _hours(found: Iterable[ReportRow], day: date) -> list[Point]:
    rows = {(str(row.day), int(str(row.hour))): row for row in found}
    none, before = ReportRow(), day - timedelta(days=1)
    answer = []
    for hour in range(24):
        now = rows.get((day.isoformat(), hour), none)
        answer.append(
            Point(
                label=f"{hour:02}:00 to {hour:02}:59",
                short=f"{hour:02}:00",
                first=day.isoformat(),
                last=day.isoformat(),
                visits=float(now.sessions or 0),
                calls=now.calls,
                before=rows.get((before.isoformat(), hour), none).calls,
            )
        )
    return answer


def _by_day(rows: Iterable[ReportRow]) -> tuple[dict[str, float], dict[str, float]]:
    visits: dict[str, float] = {}
    calls: dict[str, float] = {}
    for row in rows:
        visits[str(row.day)] = visits.get(str(row.day), 0.0) + (row.sessions or 0)
        calls[str(row.day)] = calls.get(str(row.day), 0.0) + row.calls
    return visits, calls


def _span(first: date, last: date, *, whole: bool) -> str:
    if first == last:
        return f"{first:%a %b} {first.day}" if whole else f"{first:%b} {first.day}"
    if not whole:
        return f"{first:%b} {first.day}"
    return f"{first:%b} {first.day} – {last:%b} {last.day}"
