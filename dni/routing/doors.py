"""Whether a destination is open, and how it is when nobody can count. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from dni.catalog.model import Destination
from dni.routing.conditions import Now
from dni.routing.hours import is_open
from dni.routing.model import Caps


def blindly(one: Destination, at_ms: int, zone: str, *, has_budget: bool = False) -> Now:
    """How a destination is when nobody can count: one with caps or a budget gets no call then, so that none is ever
    exceeded."""
    closed = why_closed(one, at_ms, zone)
    bound = "caps" if one.caps != Caps() else "a budget" if has_budget else ""
    why = closed or (f"has {bound}, and nobody can count now" if bound else "")
    return Now(id=one.id, name=one.name, number=one.number, is_open=not closed, has_room=not bound, why=why)


def why_closed(one: Destination, at_ms: int, zone: str) -> str:
    """Empty when it is open."""
    if one.paused:
        return "is paused"
    local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(one.timezone or zone))
    if one.hours is not None and not is_open(one.hours, local):
        return f"is closed: it is {local:%a %H:%M} there, open {one.hours}"
    return ""
