"""Time zones as a form offers them: of the United States by the names that people know, then by continent. Pure."""

import zoneinfo
from functools import lru_cache

from dni.dashboard.forms import Choice

_FIRST = (
    ("America/New_York", "Eastern (New York)"),
    ("America/Chicago", "Central (Chicago)"),
    ("America/Denver", "Mountain (Denver)"),
    ("America/Phoenix", "Mountain without summer time (Phoenix)"),
    ("America/Los_Angeles", "Pacific (Los Angeles)"),
    ("America/Anchorage", "Alaska (Anchorage)"),
    ("Pacific/Honolulu", "Hawaii (Honolulu)"),
)
_CONTINENTS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


def choices(present: str = "") -> tuple[Choice, ...]:
    """Every zone of a place, and `present`, whatever it is."""
    known = _choices()
    if not present or any(choice.value == present for choice in known):
        return known
    return (Choice(present, present), *known)


@lru_cache(1)
def _choices() -> tuple[Choice, ...]:
    first = {zone for zone, _ in _FIRST}
    rest = sorted(zone for zone in zoneinfo.available_timezones() if zone.partition("/")[0] in _CONTINENTS)
    return (
        *(Choice(zone, label, "United States") for zone, label in _FIRST),
        Choice("UTC", "UTC", "The same everywhere"),
        *(
            Choice(zone, place.replace("_", " ").replace("/", ", "), continent)
            for zone in rest
            if zone not in first
            for continent, _, place in [zone.partition("/")]
        ),
    )
