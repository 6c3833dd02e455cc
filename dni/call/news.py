"""What just happened to calls: for who watches them live."""

from typing import Any

import msgspec
from sqlalchemy import select

from dni.ids import first_id
from dni.ledger.engines import Ledger
from dni.ledger.schema import call, call_event

OVERLAP_MS = 10_000
"""Ids are given before the commit and by several hosts' clocks: who looks again looks back so far. What a host kept on
disk while the ledger was away comes later still, and is no news."""


class CallNews(msgspec.Struct, frozen=True):
    """A call as it stands now. `event`: id of what the carrier told of it."""

    event: str
    id: str
    status: str
    started_at_ms: int
    caller: str | None
    tracking_number: str
    campaign: str | None
    publisher: str | None
    source: str | None
    medium: str | None
    campaign_name: str | None
    keyword: str | None


async def since(ledger: Ledger, after_ms: int, most: int) -> list[CallNews]:
    """What carriers told since then in the order of its ids, the first `most` of it; a call comes as often."""
    others: dict[str, Any] = {
        "campaign": call.c.campaign_id,
        "publisher": call.c.publisher_id,
        "event": call_event.c.id,
    }
    columns = [others[n].label(n) if n in others else call.c[n] for n in CallNews.__struct_fields__]
    told = call_event.c.id > first_id("evt", after_ms)
    query = select(*columns).join(call_event, call_event.c.call_id == call.c.id).where(told)
    async with ledger.read() as connection:
        found = await connection.execute(query.order_by(call_event.c.id).limit(most))
        return [CallNews(**row) for row in found.mappings()]
