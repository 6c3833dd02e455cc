"""A statement's period: days on the clock of a time zone as moments, and as people say it. Pure."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from dni.campaign.model import moment_ms
from dni.errors import InvalidField

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_LATEST_MS = 253_370_764_800_000  # 9999
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Period(msgspec.Struct, frozen=True):
    """`to_ms` is not within. `timezone`: IANA name, on whose clock it is told."""

    from_ms: int
    to_ms: int
    timezone: str


def month_ms(text: str, zone: str, path: str = "/month") -> tuple[int, int]:
    """When `2026-11` begins and ends there, in ms; its end is not within. Raises InvalidField."""
    found = _MONTH.fullmatch(text)
    if not found or found[1] in ("0000", "9999"):
        raise InvalidField(path, f"a month, such as 2026-11, not {text[:40]!r}")
    first = date(int(found[1]), int(found[2]), 1)
    return _within(_begins_ms(first, zone), path), _begins_ms(_next_month(first), zone)


def bound_ms(text: str, zone: str, path: str) -> int:
    """A day, such as `2026-11-01`, as the moment when it begins there; or a moment, RFC 3339. Raises InvalidField."""
    if not _DAY.fullmatch(text):
        return _within(moment_ms(text, path), path)
    try:
        return _within(_begins_ms(date.fromisoformat(text), zone), path)
    except ValueError:
        raise InvalidField(path, f"not a day: {text!r}") from None


def day_of(ms: int, zone: str) -> int:
    """When the day of a moment began there, in ms."""
    return _begins_ms(_local(ms, zone).date(), zone)


def told(period: Period) -> str:
    """`November 2026`, `3 November 2026`, `1 November 2026 to 15 November 2026` (the last day is within), or with the
    time of day where it does not begin and end with a day."""
    zone = period.timezone
    begins, ends = _local(period.from_ms, zone), _local(period.to_ms, zone)
    if period.from_ms != _begins_ms(begins.date(), zone) or period.to_ms != _begins_ms(ends.date(), zone):
        return f"{_day(begins.date())} {begins:%H:%M} to {_day(ends.date())} {ends:%H:%M}"
    last = ends.date() - timedelta(days=1)
    if begins.day == 1 and ends.date() == _next_month(begins.date()):
        return f"{begins:%B} {begins.year}"
    return _day(last) if last == begins.date() else f"{_day(begins.date())} to {_day(last)}"


def _within(ms: int, path: str) -> int:
    if 0 <= ms < _LATEST_MS:
        return ms
    raise InvalidField(path, "between 1970 and 9998")


def _local(ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(zone))


def _begins_ms(day: date, zone: str) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"
