"""Reads from the ledger what is sent and is too large to be kept with a message: the calls of a day, as CSV."""

import asyncio
from datetime import timedelta

import msgspec

from dni.access.model import Principal
from dni.api.table import csv_of
from dni.call.search import CallFilter, list_calls
from dni.call.views import CallView
from dni.ledger.engines import Ledger
from dni.outbound.files import Settings, day_of
from dni.outbound.model import Endpoint, Outgoing
from dni.payout.model import bound_ms

_READER = Principal("outbound", "outbound", "admin")
# Rows of a page: an instant's work, after which others have their turn.
_TOGETHER = 500


async def gather(ledger: Ledger, endpoint: Endpoint, outgoing: Outgoing) -> Outgoing:
    """The message with what it names, for kinds that say so (`Kind.gathers`). Raises Unavailable."""
    settings: Settings = endpoint.settings
    day = day_of(outgoing, settings.timezone)
    only = CallFilter(
        from_ms=bound_ms(day.isoformat(), settings.timezone, ""),
        to_ms=bound_ms((day + timedelta(days=1)).isoformat(), settings.timezone, ""),
        campaign=endpoint.campaign,
        publisher=endpoint.publisher,
        qualified=endpoint.only.qualified,
        billable=endpoint.only.billable,
        answered=endpoint.only.answered,
        min_talk_seconds=endpoint.only.min_talk_seconds or None,
        min_confidence=endpoint.only.min_confidence or None,
    )
    parts: list[bytes] = []
    cursor: str | None = None
    while cursor is not None or not parts:
        found, cursor = await list_calls(ledger, _READER, only, _TOGETHER, cursor)
        text = await asyncio.to_thread(csv_of, CallView, found, header=not parts, only=settings.columns)
        parts.append(text.encode())
    return msgspec.structs.replace(outgoing, gathered=b"".join(parts))
