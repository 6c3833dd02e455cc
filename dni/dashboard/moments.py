"""Moments as forms write them, on a clock that the page names. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from dni.clock import from_rfc3339
from dni.errors import InvalidField


def rfc3339_of(text: str, zone: ZoneInfo, path: str) -> str:
    """`2026-11-22T18:37` on that clock. Raises InvalidField."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidField(path, "a day and an hour, such as 2026-11-22T18:37") from None
    return (local if local.tzinfo else local.replace(tzinfo=zone)).isoformat()


def ms(instant: str | None) -> int:
    """0 where there is none."""
    return from_rfc3339(instant) if instant else 0
