"""Where the minutes, hours, days, weeks and months of a place's clock begin and end. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def began(period: str, at_ms: int, zone: ZoneInfo) -> int:
    """When the minute, hour, day, week (from Monday) or month of that place's clock began, in ms."""
    if period == "minute":
        return at_ms - at_ms % 60_000
    local = datetime.fromtimestamp(at_ms / 1000, zone)
    if period == "hour":  # by what has gone of it: an hour that the clock shows twice is two
        return at_ms - at_ms % 1000 - 1000 * (60 * local.minute + local.second)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    first = {"week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}.get(period, day)
    return _ms(first)


def day_of(at_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """When that day began and the next one does: 23 to 25 hours."""
    begin_ms = began("day", at_ms, zone)
    day = datetime.fromtimestamp(begin_ms / 1000, zone).replace(hour=0, minute=0, fold=0)
    return begin_ms, _ms(day + timedelta(days=1))


def _ms(local: datetime) -> int:
    return int(local.timestamp()) * 1000
