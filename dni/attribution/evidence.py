"""What the ledger knows of a call's possible callers: who held its number, and whose its telephone was before."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.attribution.match import MOST_CANDIDATES
from dni.attribution.model import Earlier, Holding
from dni.attribution.returning import LOOKED_AT, last_call
from dni.ledger.schema import call, lease, session
from dni.session.model import Touch

_TOUCH = tuple(name for name in Touch.__struct_fields__ if name in session.c)
# The recorder tells a lease's beat to nobody: the shortest, so that who is silent for longer counts as gone.
_BEAT_MS = 20_000


class Evidence(msgspec.Struct, frozen=True):
    holdings: tuple[Holding, ...]
    earlier: Earlier | None


async def evidence(
    connection: AsyncConnection, number: str, at_ms: int, campaign: str | None, caller: str | None
) -> Evidence:
    """As the recorder has written it by now. `caller`: E.164, None where withheld."""
    held = await _holdings(connection, number, at_ms)
    calls = await _earlier(connection, at_ms, campaign, caller) if caller else []
    return Evidence(held, last_call(calls, number))


async def _holdings(connection: AsyncConnection, number: str, at_ms: int) -> tuple[Holding, ...]:
    wanted = (
        select(lease, session.c.visitor_id, session.c.region, session.c.device, *(session.c[name] for name in _TOUCH))
        .outerjoin(session, session.c.id == lease.c.session_id)
        .where(lease.c.number == number, lease.c.started_at_ms <= at_ms)
        .order_by(lease.c.started_at_ms.desc())
        .limit(MOST_CANDIDATES)
    )
    return tuple(_holding(row) for row in (await connection.execute(wanted)).mappings())


def _holding(row: Mapping[Any, Any]) -> Holding:
    return Holding(
        session=row["session_id"],
        visitor=row["visitor_id"] or "",
        tag=row["tag_id"],
        started_ms=row["started_at_ms"],
        sign_ms=row["last_sign_ms"],
        left=row["left_at_ms"] is not None and row["left_at_ms"] >= row["last_sign_ms"],
        beat_ms=_BEAT_MS,
        tapped_ms=row["tapped_at_ms"],
        ended_ms=row["ended_at_ms"],
        region=row["region"],
        phone=None if row["device"] is None else row["device"] == "phone",
        touch=_touch(row) if row["visitor_id"] else None,
    )


async def _earlier(connection: AsyncConnection, at_ms: int, campaign: str | None, caller: str) -> list[Earlier]:
    """The newest first."""
    wanted = (
        select(call)
        .where(call.c.caller == caller, call.c.campaign_id == campaign, call.c.started_at_ms < at_ms)
        .order_by(call.c.started_at_ms.desc())
        .limit(LOOKED_AT)
    )
    calls = (await connection.execute(wanted)).mappings().all()
    named = {one["session"] for row in calls for one in row["candidates"] or []}
    if not named:
        return []
    sessions = (await connection.execute(select(session).where(session.c.id.in_(named)))).mappings()
    known = {row["id"]: row for row in sessions}
    return [_as_earlier(row, known) for row in calls if row["candidates"]]


def _as_earlier(row: Mapping[Any, Any], known: Mapping[str, Mapping[Any, Any]]) -> Earlier:
    at_ms = row["started_at_ms"]
    held = []
    for one in row["candidates"]:
        # The call's own copy stands when the session is long deleted.
        of = row if one["session"] == row["session_id"] else known.get(one["session"])
        if of is None or one["confidence"] is None:
            continue
        holding = Holding(
            session=one["session"],
            visitor=of["visitor_id"] or "",
            tag=of["tag_id"] or "",
            started_ms=at_ms,
            sign_ms=at_ms,
            ended_ms=at_ms,
            touch=_touch(of),
        )
        held.append((holding, one["confidence"]))
    return Earlier(at_ms, row["tracking_number"], tuple(held))


def _touch(row: Mapping[Any, Any]) -> Touch:
    return Touch(**{name: row[name] for name in _TOUCH if row[name] is not None})
