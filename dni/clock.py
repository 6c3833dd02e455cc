"""The only place that reads the time. Everything else is given `now_ms` or a `Clock`."""

import time
from datetime import UTC, datetime
from typing import Annotated, Protocol

import msgspec

Instant = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A time in an answer: RFC 3339 with offset."""


class Clock(Protocol):
    """Wall time in integer milliseconds since the Unix epoch."""

    def now_ms(self) -> int: ...


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class SettableClock:
    """A clock that stands still until it is told to move: for tests and for replay."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def set(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def advance(self, ms: int) -> None:
        self._now_ms += ms


def rfc3339(ms: int) -> str:
    """`2026-11-22T18:37:55.123+00:00` for integer ms; the form of every time in our JSON."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def from_rfc3339(text: str) -> int:
    """Integer ms of an RFC 3339 time. A time without an offset is refused (ValueError): it names no instant."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset, such as 2026-11-22T18:37:55+00:00")
    return round(moment.timestamp() * 1000)
