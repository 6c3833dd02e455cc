"""What other systems are told, or were: goes with whom it tells of, and when it is old."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, literal, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.schema import delivery, delivery_attempt, endpoint, outbox

_FORGOTTEN = "who it tells of was forgotten before it could be sent"


async def forget_told(connection: AsyncConnection, calls: Collection[str], now_ms: int) -> None:
    """What was told of these calls, and when, stays, without a word of it; what waits to be told is not told.

    The messages come first: whoever makes deliveries of one just now holds its row, and is waited for."""
    bare = {"data": None, "detail": null()}
    await connection.execute(update(outbox).where(outbox.c.subject_id.in_(calls)).values(bare))
    await _empty(connection, delivery.c.subject_id.in_(calls))
    waiting = (delivery.c.subject_id.in_(calls), delivery.c.state == "waiting")
    gone = {"state": "dead", "done_ms": now_ms, "why": _FORGOTTEN, "lease": None, "leased_until_ms": None}
    await connection.execute(update(delivery).where(*waiting).values(gone))


async def forget_old(connection: AsyncConnection, messages: Collection[int]) -> None:
    """These go whole, but for the bare row that keeps a call from being told as a conversion a second time."""
    of_these = delivery.c.message_seq.in_(messages)
    await _empty(connection, of_these)
    tries = delivery_attempt.c.delivery_id.in_(select(delivery.c.id).where(of_these))
    await connection.execute(delete(delivery_attempt).where(tries))
    await connection.execute(delete(delivery).where(of_these, delivery.c.action != "convert"))
    unfinished = {"state": "dead", "why": "it waited until it was forgotten", "lease": None, "leased_until_ms": None}
    await connection.execute(update(delivery).where(of_these, delivery.c.state == "waiting").values(unfinished))
    these = outbox.c.seq.in_(messages)
    kept = exists(select(literal(1)).where(delivery.c.message_seq == outbox.c.seq))
    await connection.execute(delete(outbox).where(these, ~kept))
    await connection.execute(update(outbox).where(these).values(data=None, detail=null()))


async def told_of(connection: AsyncConnection, calls: Collection[str]) -> list[dict[str, Any]]:
    """Which system was told what of these calls, and when, in the order of time."""
    if not calls:
        return []
    wanted = (
        select(
            delivery.c.subject_id.label("call_id"),
            outbox.c.type,
            endpoint.c.kind,
            endpoint.c.name,
            delivery.c.state,
            delivery.c.at_ms,
            delivery.c.done_ms,
        )
        .join(outbox, outbox.c.seq == delivery.c.message_seq)
        .join(endpoint, endpoint.c.id == delivery.c.endpoint_id)
        .where(delivery.c.subject_id.in_(calls))
        .order_by(delivery.c.at_ms, delivery.c.id)
    )
    return [dict(row) for row in (await connection.execute(wanted)).mappings()]


async def _empty(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Neither what was sent nor what came back."""
    await connection.execute(update(delivery).where(which).values(request=null(), kept=null()))
    tries = delivery_attempt.c.delivery_id.in_(select(delivery.c.id).where(which))
    await connection.execute(update(delivery_attempt).where(tries).values(answer=None))
