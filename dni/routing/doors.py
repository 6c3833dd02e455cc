"""Whether a destination is open, and where the minutes, hours, days and months begin that its caps are of. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from dni.catalog.model import Destination
from dni.routing.conditions import Now
from dni.routing.hours import is_open
from dni.routing.model import Caps


def blindly(one: Destination, at_ms: int, zone: str) -> Now:
    """How a destination is when nobody can count: one with caps gets no call then, so that none is ever exceeded."""
    closed = why_closed(one, at_ms, zone)
    is_capped = one.caps != Caps()
    why = closed or ("has caps, and nobody can count now" if is_capped else "")
    return Now(id=one.id, name=one.name, number=one.number, is_open=not closed, has_room=not is_capped, why=why)


def why_closed(one: Destination, at_ms: int, zone: str) -> str:
    """Empty when it is open."""
    if one.paused:
        return "is paused"
    local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(one.timezone or zone))
    if one.hours is not None and not is_open(one.hours, local):
        return f"is closed: it is {local:%a %H:%M} there, open {one.hours}"
    return ""


def began(period: str, at_ms: int, zone: ZoneInfo) -> int:
    """When the minute, hour, day or month of that place's clock began, in ms."""
    if period == "minute":
        return at_ms - at_ms % 60_000
    local = datetime.fromtimestamp(at_ms / 1000, zone)
    if period == "hour":  # by what has gone of it: an hour that the clock shows twice is two
        return at_ms - at_ms % 1000 - 1000 * (60 * local.minute + local.second)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    first = day.replace(day=1) if period == "month" else day
    return int(first.timestamp()) * 1000
