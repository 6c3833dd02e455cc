"""What a live page is told, as server-sent events. Pure."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.access.model import Principal
from dni.call.model import STATES
from dni.call.news import CallNews
from dni.clock import rfc3339
from dni.dashboard import words
from dni.dashboard.overview_rows import Figure
from dni.phone import masked

_LONGEST = 160

STALE = b"event: stale\ndata: {}\n\n"
SILENCE = b": still here\n\n"
BEGIN = b"retry: 1000\n\n"


class LiveCall(msgspec.Struct, frozen=True):
    id: str
    at_ms: int
    at: str
    when: str
    caller: str | None
    is_live: bool
    label: str
    tone: str
    source: str | None
    medium: str | None
    campaign_name: str | None
    keyword: str | None


def of_call(one: CallNews, principal: Principal, zone: ZoneInfo, now_ms: int) -> bytes:
    """Callers are masked for who may not see them."""
    caller = one.caller if principal.sees_callers else masked(one.caller)
    badge = words.status(one.status)
    told = LiveCall(
        id=one.id,
        at_ms=one.started_at_ms,
        at=rfc3339(one.started_at_ms),
        when=words.moment(one.started_at_ms, zone, now_ms),
        caller=words.number(caller, one.tracking_number) if caller else None,
        is_live=not STATES[one.status].ends,
        label=badge.label,
        tone=badge.tone,
        source=_short(one.source),
        medium=_short(one.medium),
        campaign_name=_short(one.campaign_name),
        keyword=_short(one.keyword),
    )
    return _message("call", told, one.event)


def of_figures(figures: Sequence[Figure]) -> bytes:
    return _message("figures", figures)


def _message(event: str, value: object, event_id: str | None = None) -> bytes:
    """JSON has no line end, so it is one line of data."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {event}\n".encode() + b"data: " + msgspec.json.encode(value) + b"\n\n"


def _short(text: str | None) -> str | None:
    return text[:_LONGEST] if text else None
