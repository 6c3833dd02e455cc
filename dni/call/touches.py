"""Storage of the touches that came before a call, by every visitor who may have made it.

They are a copy: a session that led to no call may be forgotten soon, what led to a call stays with the call.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import case, delete, exists, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.attribution.credit import Step, credit, in_millionths
from dni.ledger import stale
from dni.ledger.schema import KEPT_MODELS, call, call_touch, session

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
    stated = {one["session"]: one["confidence"] for one in of["candidates"] or []}
    found: dict[str, Row] = {}
    if visitors := await _visitors(connection, of, stated):
        ids = {"campaign_id": of["campaign_id"], "at_ms": of["started_at_ms"], "visitors": visitors}
        found |= {one["session_id"]: one for one in await _from_calls(connection, **ids)}
        found |= {one["session_id"]: one for one in await _from_sessions(connection, **ids)}
    if of["session_id"] and of["visitor_id"] and of["session_id"] not in found:
        # The session is forgotten, or was never written; the call has its touch.
        found[of["session_id"]] = _own(of)
    kept: list[Row] = []
    for visitor in {one["visitor_id"] for one in found.values()}:
        his = sorted((one for one in found.values() if one["visitor_id"] == visitor), key=_by_time)
        path = his if len(his) <= MOST_TOUCHES else [his[0], *his[1 - MOST_TOUCHES :]]
        told = [p for p in (stated.get(one["session_id"]) for one in his) if p is not None]
        kept += _credited(path, round(sum(told), 4) if told else None)
    return sorted(kept, key=_by_time)


async def keep(connection: AsyncConnection, of: Row, touches: Sequence[Row], now_ms: int) -> None:
    """Instead of what was kept for a former answer. Needs a write transaction."""
    await connection.execute(delete(call_touch).where(call_touch.c.call_id == of["id"]))
    if touches:
        await connection.execute(insert(call_touch), [{"call_id": of["id"], **touch} for touch in touches])
    # By now the recorder has written what the page told of the session, which the call's terms may look at.
    told = exists(select(literal(1)).where(session.c.id == call.c.session_id, session.c.custom.is_not(None)))
    unsettled = case((call.c.qualified.is_not(None) & told, now_ms), else_=call.c.unsettled_ms)
    values = {"touches_kept_ms": now_ms, "unsettled_ms": unsettled}
    await connection.execute(update(call).where(call.c.id == of["id"]).values(values))
    await connection.run_sync(stale.mark, "call", [of["started_at_ms"]])


async def of_call(connection: AsyncConnection, of: Row) -> list[Row]:
    """What was kept with a call (a row of it), or would be now; the oldest first."""
    if of["touches_kept_ms"] is None:
        return await before(connection, of)
    wanted = select(call_touch).where(call_touch.c.call_id == of["id"])
    return list((await connection.execute(wanted.order_by(call_touch.c.at_ms, call_touch.c.session_id))).mappings())


async def _visitors(connection: AsyncConnection, of: Row, stated: Mapping[str, float | None]) -> set[str]:
    visitors = {of["visitor_id"]} if of["visitor_id"] else set()
    likely = [name for name, confidence in stated.items() if (confidence or 0.0) >= LEAST_CONFIDENCE]
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
    return _values({**of, "tag_id": of["tag_id"] or "", "at_ms": of["started_at_ms"], "device": None, "region": None})


def _values(row: Row) -> Row:
    return {name: row[name] for name in ("session_id", "at_ms", *_COPIED)}


def _credited(path: Sequence[Row], confidence: float | None) -> list[Row]:
    """What each touch of one visitor's path is given, if the call was his."""
    steps = [Step(one["at_ms"], one["channel"] or "") for one in path]
    shares = {model: in_millionths(credit(model, steps)) for model in KEPT_MODELS}
    return [
        {**one, "confidence": confidence, **{model: shares[model][at] for model in KEPT_MODELS}}
        for at, one in enumerate(path)
    ]


def _by_time(touch: Row) -> tuple[int, str]:
    return touch["at_ms"], touch["session_id"]
