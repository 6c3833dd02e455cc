"""Storage of whom calls are credited to: for the first time, anew, and which calls still wait for it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.attribution.model import Attribution
from dni.call.told import Recorded, recorded
from dni.ledger import schema, stale
from dni.outbound import outbox

_TOUCH = ("source", "medium", "campaign_name", "keyword", "content", "channel", "landing_page", "referrer")


async def credit(
    connection: AsyncConnection, call_id: str, attribution: Attribution, campaign: str | None, now_ms: int
) -> bool:
    """Credits a call that was not credited yet; False when it was."""
    still = (schema.call.c.id == call_id) & schema.call.c.method.is_(None)
    values = {"campaign_id": campaign, "unsettled_ms": now_ms} | credit_row(attribution)
    told = (schema.call.c.started_at_ms, schema.call.c.campaign_id, schema.call.c.caller)
    done = (await connection.execute(update(schema.call).where(still).values(values).returning(*told))).mappings()
    row = done.first()
    if row is not None:
        await connection.run_sync(mark, row)
        await outbox.tell(connection, "call.attributed", call_id, now_ms)
    return row is not None


async def is_as_read(connection: AsyncConnection, row: Mapping[Any, Any]) -> bool:
    """Whether a call's answer is still that of the row, until the end of this transaction: no other was given since,
    and nobody whom it names was erased."""
    call = schema.call.c
    now = select(call.session_id, call.visitor_id, call.candidates).where(call.id == row["id"]).with_for_update()
    found = (await connection.execute(now)).one()
    return tuple(found) == (row["session_id"], row["visitor_id"], row["candidates"])


async def credit_anew(
    connection: AsyncConnection, row: Mapping[Any, Any], attribution: Attribution, now_ms: int
) -> None:
    """Another answer for a call that was credited before; the former one is kept. What it taught stays taught, and the
    touches of those who may have called now are still to be kept."""
    kept = {name: row[name] for name in ("session_id", "visitor_id", "method", "confidence", "candidates")}
    former = insert(schema.former_attribution).values(call_id=row["id"], until_ms=now_ms, **kept)
    await connection.execute(former)
    values = {name: value for name, value in credit_row(attribution).items() if name != "lessons"}
    values |= {"touches_kept_ms": None, "unsettled_ms": now_ms}
    await connection.execute(update(schema.call).where(schema.call.c.id == row["id"]).values(values))
    await connection.run_sync(mark, row)
    change = {
        "session": {"before": row["session_id"], "after": attribution.session},
        "confidence": {"before": row["confidence"], "after": attribution.confidence},
    }
    await outbox.tell(connection, "call.attributed", row["id"], now_ms, change)


async def uncredited(connection: AsyncConnection, since_ms: int, limit: int) -> list[Recorded]:
    """Calls that nobody was credited for yet and whose number is known, oldest first."""
    call = schema.call.c
    wanted = (
        select(schema.call)
        .where(call.method.is_(None), call.tracking_number != "", call.started_at_ms >= since_ms)
        .order_by(call.started_at_ms)
        .limit(limit)
    )
    return [recorded(row, fresh=False) for row in (await connection.execute(wanted)).mappings()]


def mark(connection: Connection, *rows: Mapping[Any, Any]) -> None:
    """The call changed, and with it perhaps whether a later one of the same telephone is its first."""
    connection.execute(stale.MARK_CALLS, marked(*rows))


def marked(*rows: Mapping[Any, Any]) -> dict[str, Any]:
    """The same, to be told to `stale.MARK_CALLS`. `rows`: the call as it was and as it is."""
    times = {row["started_at_ms"] for row in rows}
    row = rows[-1]
    return stale.of_calls(min(times), max(times), row["caller"], row["campaign_id"])


def credit_row(attribution: Attribution) -> dict[str, Any]:
    """What a call's row has of an attribution."""
    touch = attribution.touch
    publisher = {"publisher_id": attribution.publisher} if attribution.publisher else {}
    return publisher | {
        **{name: getattr(touch, name) for name in _TOUCH},
        "click_ids": touch.click_ids,
        "params": touch.params,
        "session_id": attribution.session,
        "visitor_id": attribution.visitor,
        "tag_id": attribution.tag,
        "method": attribution.method,
        "confidence": attribution.confidence,
        "candidates": [msgspec.to_builtins(candidate) for candidate in attribution.candidates],
        "lessons": msgspec.to_builtins(attribution.lessons),
    }
