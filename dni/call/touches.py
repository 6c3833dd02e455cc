"""Storage of the touches that came before a call, by every visitor who may have made it.

They are a copy: a session that led to no call may be forgotten soon, what led to a call stays with the call.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.engines import Ledger
from dni.ledger.schema import call, call_touch, session

MOST_TOUCHES = 50
"""Of one visitor: his first, and the latest."""
LEAST_CONFIDENCE = 0.01
"""Of a candidate: one in a hundred is no more than the model can tell."""

_COPIED = tuple(column.name for column in call_touch.c if column.name in session.c and column.name != "session_id")
Row = Mapping[Any, Any]


async def not_kept(connection: AsyncConnection, until_ms: int, limit: int) -> Sequence[Row]:
    """Calls that are credited, began before then, and whose touches are still to be kept; the oldest first."""
    waiting = call.c.touches_kept_ms.is_(None) & call.c.method.is_not(None) & (call.c.started_at_ms < until_ms)
    wanted = select(call).where(waiting).order_by(call.c.started_at_ms).limit(limit)
    return [dict(row) for row in (await connection.execute(wanted)).mappings()]


async def before(connection: AsyncConnection, of: Row) -> list[Row]:
    """The touches before a call (a row of it), as values of `call_touch` rows; the oldest first.

    From the sessions that the ledger still knows, and from what earlier calls of the same visitors kept.
    """
    visitors = await _visitors(connection, of)
    found: dict[str, Row] = {}
    if visitors:
        ids = {"campaign_id": of["campaign_id"], "at_ms": of["started_at_ms"], "visitors": visitors}
        found |= {one["session_id"]: one for one in await _from_calls(connection, **ids)}
        found |= {one["session_id"]: one for one in await _from_sessions(connection, **ids)}
    if of["session_id"] and of["visitor_id"] and of["session_id"] not in found:
        # The session is forgotten, or was never written; the call has its touch.
        found[of["session_id"]] = _own(of)
    kept: list[Row] = []
    for visitor in {one["visitor_id"] for one in found.values()}:
        his = sorted((one for one in found.values() if one["visitor_id"] == visitor), key=_by_time)
        kept += his if len(his) <= MOST_TOUCHES else [his[0], *his[1 - MOST_TOUCHES :]]
    return sorted(kept, key=_by_time)


async def keep(ledger: Ledger, connection: AsyncConnection, of: Row, touches: Sequence[Row], now_ms: int) -> None:
    """Adds what is not there; needs a write transaction."""
    if touches:
        rows = [{"call_id": of["id"], **touch} for touch in touches]
        await connection.execute(ledger.insert(call_touch).on_conflict_do_nothing(), rows)
    await connection.execute(update(call).where(call.c.id == of["id"]).values(touches_kept_ms=now_ms))


async def of_call(connection: AsyncConnection, of: Row) -> list[Row]:
    """What was kept with a call (a row of it), or would be now; the oldest first."""
    if of["touches_kept_ms"] is None:
        return await before(connection, of)
    wanted = select(call_touch).where(call_touch.c.call_id == of["id"]).order_by(call_touch.c.at_ms)
    return [_values(row) for row in (await connection.execute(wanted)).mappings()]


async def _visitors(connection: AsyncConnection, of: Row) -> set[str]:
    visitors = {of["visitor_id"]} if of["visitor_id"] else set()
    likely = [one["session"] for one in of["candidates"] or [] if (one["confidence"] or 0.0) >= LEAST_CONFIDENCE]
    if likely:
        for table, column in ((session, session.c.id), (call_touch, call_touch.c.session_id)):
            wanted = select(table.c.visitor_id).where(column.in_(likely)).distinct()
            visitors |= set((await connection.execute(wanted)).scalars())
    return visitors


async def _from_sessions(
    connection: AsyncConnection, campaign_id: str | None, at_ms: int, visitors: Collection[str]
) -> list[Row]:
    """Of the call's campaign alone: what a visitor does on another advertiser's site is not this one's to see."""
    wanted = select(session).where(
        session.c.visitor_id.in_(visitors), session.c.campaign_id == campaign_id, session.c.started_at_ms <= at_ms
    )
    rows = (await connection.execute(wanted)).mappings()
    return [_values({**row, "session_id": row["id"], "at_ms": row["started_at_ms"]}) for row in rows]


async def _from_calls(
    connection: AsyncConnection, campaign_id: str | None, at_ms: int, visitors: Collection[str]
) -> list[Row]:
    wanted = (
        select(call_touch)
        .join(call, call.c.id == call_touch.c.call_id)
        .where(call_touch.c.visitor_id.in_(visitors), call.c.campaign_id == campaign_id, call_touch.c.at_ms <= at_ms)
        .order_by(call.c.started_at_ms)
    )
    return [_values(row) for row in (await connection.execute(wanted)).mappings()]


def _own(of: Row) -> Row:
    return _values({**of, "tag_id": of["tag_id"] or "", "at_ms": of["started_at_ms"]})


def _values(row: Row) -> Row:
    return {name: row[name] for name in ("session_id", "at_ms", *_COPIED)}


def _by_time(touch: Row) -> tuple[int, str]:
    return touch["at_ms"], touch["session_id"]
