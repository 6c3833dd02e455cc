"""Days, weekdays and hours as the people of a campaign tell them, for many quarters of an hour at once. Pure."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from dni.report.columns import Column

_DAY_QUARTERS = 96
_EPOCH = date(1970, 1, 1)


def label(name: str, first_quarter: int, many: int, zone: str) -> Column:
    """`day` (since 1970), `weekday` (1 is Monday) or `hour`, of `many` quarters from the first on."""
    quarters = np.arange(first_quarter, first_quarter + many, dtype=np.int64)
    days, of_day = np.unique(quarters // _DAY_QUARTERS, return_inverse=True)
    offsets = np.array([_offsets(zone, int(day)) for day in days]) if many else np.zeros((0, _DAY_QUARTERS), np.int64)
    local = quarters + offsets[of_day, quarters % _DAY_QUARTERS]
    if name == "day":
        return local // _DAY_QUARTERS
    # 1970 began on a Thursday.
    return (local // _DAY_QUARTERS + 3) % 7 + 1 if name == "weekday" else local % _DAY_QUARTERS // 4


def told(name: str, value: int) -> str | int:
    """As a report names it."""
    return (_EPOCH + timedelta(days=value)).isoformat() if name == "day" else value


@lru_cache(20_000)
def _offsets(zone: str, day: int) -> tuple[int, ...]:
    """Of a UTC day (since 1970): how many quarters its people are ahead, quarter by quarter."""
    start, where = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day), ZoneInfo(zone)
    first, last = (_ahead(start + timedelta(minutes=15 * at), where) for at in (0, _DAY_QUARTERS))
    if first == last:
        return (first,) * _DAY_QUARTERS
    return tuple(_ahead(start + timedelta(minutes=15 * at), where) for at in range(_DAY_QUARTERS))


def _ahead(at: datetime, zone: ZoneInfo) -> int:
    ahead = at.astimezone(zone).utcoffset()
    assert ahead is not None
    return int(ahead.total_seconds() // 900)
