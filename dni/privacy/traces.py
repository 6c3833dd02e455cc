"""Finds the rows that name a visitor or a caller."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Table, Text, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.schema import call, call_event, call_touch, former_attribution, lease, session
from dni.privacy.model import Who

# Values of one IN, and texts that one look through the candidates compares.
_AT_ONCE, _TEXTS_AT_ONCE = 500, 20


class Traces(msgspec.Struct):
    """`calls`: of a visitor, all that name him: as the credited one, among their touches, as a candidate, now or in a
    former answer; of a caller, his own."""

    visitors: set[str]
    sessions: set[str]
    calls: set[str]
    caller: str | None = None


async def of(connection: AsyncConnection, who: Who, *, since_ms: int = 0) -> Traces:
    """`since_ms`: candidates are looked through in calls from then on only; without it that may take seconds."""
    if who.caller:
        found = await connection.execute(select(call.c.id).where(call.c.caller == who.caller))
        return Traces(set(), set(), set(found.scalars()), who.caller)
    visitors = {who.visitor} if who.visitor else await _visitors(connection, who.session or "")
    sessions = {who.session} if who.session else set()
    first_ms: int | None = None
    for table, at in ((session, session.c.started_at_ms), (call_touch, call_touch.c.at_ms)):
        id_of = table.c.id if table is session else table.c.session_id
        for some in _parts(visitors):
            for name, at_ms in await connection.execute(select(id_of, at).where(table.c.visitor_id.in_(some))):
                sessions.add(name)
                first_ms = at_ms if first_ms is None else min(first_ms, at_ms)
    calls: set[str] = set()
    for some in _parts(visitors):
        calls |= set(
            (await connection.execute(select(call_touch.c.call_id).where(call_touch.c.visitor_id.in_(some)))).scalars()
        )
    for some in _parts(sessions):
        calls |= set((await connection.execute(select(call.c.id).where(call.c.session_id.in_(some)))).scalars())
    former = former_attribution.c
    for some in _parts(sessions, _TEXTS_AT_ONCE):
        # A candidate held the number before the call, so no call from before the visitor's first visit names him.
        since = call.c.started_at_ms >= max(since_ms, first_ms or 0)
        wanted = select(call.c.id).where(since, _names(call.c.candidates, some))
        calls |= set((await connection.execute(wanted)).scalars())
        named = or_(_names(former.candidates, some), former.session_id.in_(some))
        wanted = select(former.call_id).where(former.until_ms >= since_ms, named)
        calls |= set((await connection.execute(wanted)).scalars())
    return Traces(visitors, sessions, calls)


async def rows(
    connection: AsyncConnection, table: Table, column: ColumnElement[Any], values: Collection[str]
) -> list[RowMapping]:
    """Those in which the column is one of the values."""
    found: list[RowMapping] = []
    for some in _parts(values):
        found += (await connection.execute(select(table).where(column.in_(some)))).mappings().all()
    return found


async def sessions_of(connection: AsyncConnection, traces: Traces) -> list[RowMapping]:
    by_visitor = await rows(connection, session, session.c.visitor_id, traces.visitors)
    known = {row["id"] for row in by_visitor}
    return by_visitor + await rows(connection, session, session.c.id, traces.sessions - known)


async def leases_of(connection: AsyncConnection, traces: Traces) -> list[RowMapping]:
    return await rows(connection, lease, lease.c.session_id, traces.sessions)


async def calls_of(connection: AsyncConnection, traces: Traces) -> list[RowMapping]:
    return await rows(connection, call, call.c.id, traces.calls)


async def touches_of(connection: AsyncConnection, traces: Traces) -> list[RowMapping]:
    """Of a visitor, his own; of a caller, all of his calls."""
    found = await rows(connection, call_touch, call_touch.c.call_id, traces.calls)
    return found if traces.caller else [row for row in found if is_his(traces, row)]


async def events_of(connection: AsyncConnection, traces: Traces) -> list[RowMapping]:
    return await rows(connection, call_event, call_event.c.call_id, traces.calls)


async def former_of(connection: AsyncConnection, traces: Traces) -> list[RowMapping]:
    """Former answers that name a visitor; of a caller, all of his calls."""
    found = await rows(connection, former_attribution, former_attribution.c.call_id, traces.calls)
    if traces.caller:
        return found
    return [row for row in found if is_his(traces, row) or any(his_candidates(traces, row))]


def is_his(traces: Traces, row: Any) -> bool:
    """Whether session or visitor of a call, a touch or a former answer are the visitor's."""
    return row["session_id"] in traces.sessions or row["visitor_id"] in traces.visitors


def his_candidates(traces: Traces, row: Any) -> Iterator[dict[str, Any]]:
    return (one for one in row["candidates"] or [] if one["session"] in traces.sessions)


async def _visitors(connection: AsyncConnection, named: str) -> set[str]:
    """Whose session it is: of the session, else of a call's copy."""
    found: set[str] = set()
    for column, of in ((session.c.id, session), (call.c.session_id, call)):
        found |= {
            one for one in (await connection.execute(select(of.c.visitor_id).where(column == named))).scalars() if one
        }
    if not found:
        wanted = select(call_touch.c.visitor_id).where(call_touch.c.session_id == named)
        found |= set((await connection.execute(wanted)).scalars())
    return found


def _names(column: ColumnElement[Any], texts: Sequence[str]) -> ColumnElement[bool]:
    # An id is text that JSON writes as it is, between quotation marks.
    stored = func.coalesce(cast(column, Text), "")
    return or_(*(stored.contains(f'"{text}"', autoescape=True) for text in texts))


def _parts(values: Collection[str], size: int = _AT_ONCE) -> Iterator[list[str]]:
    listed = sorted(values)
    for at in range(0, len(listed), size):
        yield listed[at : at + size]
