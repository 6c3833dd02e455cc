"""A visit and its call as moments in order, each with its distance from the one before. Pure."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec

from dni.clock import rfc3339
from dni.dashboard import words


class Event(msgspec.Struct, frozen=True):
    """`tone` is a class of the style sheet: page, call or bad."""

    at_ms: int
    what: str
    tone: str
    more: str = ""


class Moment(msgspec.Struct, frozen=True):
    what: str
    tone: str
    more: str
    time: str
    iso: str
    gap: str


def moments(events: Iterable[Event], zone: ZoneInfo) -> list[Moment]:
    """Sorted by time; events of one instant keep their order. A day is named where it changes, and first where not all
    is of one day."""
    answer: list[Moment] = []
    before: Event | None = None
    ordered = sorted(events, key=lambda e: e.at_ms)
    for event in ordered:
        gap = ""
        if before is None and words.date(event.at_ms, zone) != words.date(ordered[-1].at_ms, zone):
            gap = f"on {words.date(event.at_ms, zone)}"
        if before is not None:
            # Between the seconds that are shown, so that the reader's own subtraction agrees.
            apart = event.at_ms // 1000 * 1000 - before.at_ms // 1000 * 1000
            gap = f"{words.span(apart)} later" if event.at_ms > before.at_ms else "at the same moment"
            if words.date(event.at_ms, zone) != words.date(before.at_ms, zone):
                gap += f", on {words.date(event.at_ms, zone)}"
        answer.append(
            Moment(
                what=event.what,
                tone=event.tone,
                more=event.more,
                time=words.clock_time(event.at_ms, zone),
                iso=rfc3339(event.at_ms),
                gap=gap,
            )
        )
        before = event
    return answer
