"""Forgets what is old, once a day, a little at a time: the parent's duty.

A step goes over the rows of one kind in the order of their age. Where it stands is kept with what it did, in one
transaction, so whatever dies goes on from there and no row is looked at twice. A transaction is short and followed by
a pause: no call waits long for the ledger.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import invitations, signed_in
from dni.api import idempotency
from dni.call.told import nameless
from dni.errors import Unavailable
from dni.ledger.alone import alone
from dni.ledger.engines import Ledger
from dni.ledger.schema import (
    SUBS,
    call,
    call_event,
    call_touch,
    former_attribution,
    lease,
    outbox,
    refusal,
    session,
    signin,
    sub_id,
)
from dni.live.connection import RedisError
from dni.parts import Parts
from dni.privacy import figures, holders, retentions
from dni.privacy.callers import bare_events, first_times
from dni.privacy.messages import forget_old, forget_told
from dni.privacy.model import DAY_MS
from dni.privacy.retentions import Cursor
from dni.privacy.words import forget_found, forget_words
from dni.telephony.ports import PORTS

log = logging.getLogger("dni.privacy")

_LOOK_EVERY_S = 60.0
# Of a transaction's time the ledger is free for four times as long.
_PAUSE, _LEAST_PAUSE_S = 4.0, 0.02
# Calls whose touches are still to be kept; with more than these, that comes first.
_MOST_PENDING = 20_000

Rows = list[Any]


class Day(msgspec.Struct):
    """One run. `pending`: sessions that calls name whose touches are still to be kept."""

    ledger: Ledger
    started_ms: int
    now_ms: int
    pending: set[str]
    removed: dict[str, int]


Act = Callable[[AsyncConnection, Rows, Day], Awaitable[int]]


class Step(msgspec.Struct, frozen=True):
    """`at` and `id`: what its rows are ordered by; `take`: how many at once, some 10 ms of SQLite. `act` tells how many
    rows went or changed. `name`: of its cursor."""

    name: str
    kind: str
    table: Table
    at: ColumnElement[int]
    id: ColumnElement[str]
    act: Act
    take: int


async def forget_daily(parts: Parts, stop: asyncio.Event) -> None:
    """Until `stop`: a run when a day of UTC has begun since the last one, and the rest of one that broke off."""
    while not stop.is_set():
        try:
            async with alone(parts.ledger, b"dniold"):
                while not stop.is_set():
                    await forget_due(parts, stop)
                    await _wait(stop, _LOOK_EVERY_S)
        except (Unavailable, RedisError) as error:
            log.debug("what is old waits to be forgotten: %s", error)
            await _wait(stop, _LOOK_EVERY_S)


async def forget_due(parts: Parts, stop: asyncio.Event, *, pause: float = _PAUSE) -> bool:
    """Whether a run was due; it is done then, or goes on another time when `stop` is set. Raises Unavailable,
    RedisError: it goes on another time. `pause`: after a transaction, in times of what it took."""
    now_ms = parts.clock.now_ms()
    async with parts.ledger.read() as connection:
        last = await retentions.last_run(connection)
    if last is not None and last["ended_at_ms"] is not None and last["started_at_ms"] // DAY_MS >= now_ms // DAY_MS:
        return False
    if last is None or last["ended_at_ms"] is not None:
        async with parts.ledger.write() as connection:
            await retentions.begin(connection, now_ms)
        started_ms, removed = now_ms, dict[str, int]()
    else:
        started_ms, removed = last["started_at_ms"], dict(last["removed"])
    async with parts.ledger.read() as connection:
        days = await retentions.days(connection)
        pending = await _pending(connection)
    day = Day(parts.ledger, started_ms, now_ms, pending, removed)
    for step in STEPS:
        kept: int | None = getattr(days, step.kind)
        if kept is None:
            continue
        while not stop.is_set() and await _take(day, step, now_ms - kept * DAY_MS, pause, stop):
            pass
    if stop.is_set():
        return True
    if days.sessions is not None and (count := await holders.forget_before(parts, now_ms - days.sessions * DAY_MS)):
        removed["holders"] = removed.get("holders", 0) + count
    async with parts.ledger.write() as connection:
        await connection.execute(delete(signin).where(signin.c.expires_at_ms <= now_ms))
        await invitations.forget(connection, now_ms)
        await signed_in.forget(connection, now_ms)
        await idempotency.forget(connection, now_ms)
        await retentions.note(connection, started_ms, removed, parts.clock.now_ms())
    if removed:
        log.info("forgotten by age: %s", ", ".join(f"{count:,} {kind}" for kind, count in removed.items()))
    return True


async def _take(day: Day, step: Step, before_ms: int, pause: float, stop: asyncio.Event) -> bool:
    """Some rows of a step. False: there are no more."""
    ledger, removed = day.ledger, day.removed
    async with ledger.read() as connection:
        if step.act is _sessions:
            before_ms = min(before_ms, await figures.kept_until(connection))
        at_ms, name = await retentions.cursor(connection, step.name)
        columns = [column for column in step.table.c if not column.name.startswith("candidates")]
        wanted = (
            select(*columns)
            .where(tuple_(step.at, step.id) > tuple_(literal(at_ms, BigInteger), literal(name, Text)))
            .where(step.at < before_ms)
            .order_by(step.at, step.id)
            .limit(step.take)
        )
        rows = list((await connection.execute(wanted)).mappings())
    if not rows:
        return False
    began_s = time.monotonic()
    async with ledger.write() as connection:
        count = await step.act(connection, rows, day)
        to: Cursor = (rows[-1][step.at.name], rows[-1][step.id.name])
        await retentions.move(ledger, connection, step.name, to)
        if count:
            removed[step.kind] = removed.get(step.kind, 0) + count
            await retentions.note(connection, day.started_ms, removed, None)
    if pause:
        await _wait(stop, max(_LEAST_PAUSE_S, pause * (time.monotonic() - began_s)))
    return len(rows) == step.take


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _sessions(connection: AsyncConnection, rows: Rows, day: Day) -> int:
    """Visits that led to no call: neither is one a call's, nor may its visitor have called after it."""
    await figures.keep(connection, rows[-1]["started_at_ms"] + 1)
    names = [row["id"] for row in rows if row["id"] not in day.pending]
    credited = exists(select(literal(1)).where(call.c.session_id == session.c.id))
    called = exists(
        select(literal(1))
        .select_from(call_touch.join(call, call.c.id == call_touch.c.call_id))
        .where(call_touch.c.visitor_id == session.c.visitor_id, call.c.started_at_ms >= session.c.started_at_ms)
    )
    going = delete(session).where(session.c.id.in_(names), ~credited, ~called).returning(session.c.id)
    gone = (await connection.execute(going)).scalars().all()
    await connection.execute(delete(lease).where(lease.c.session_id.in_(gone)))
    return len(gone)


async def _pending(connection: AsyncConnection) -> set[str]:
    """Raises Unavailable when there are too many such calls."""
    wanted = select(call.c.candidates).where(call.c.touches_kept_ms.is_(None), call.c.method.is_not(None))
    found = (await connection.execute(wanted.limit(_MOST_PENDING + 1))).scalars().all()
    if len(found) > _MOST_PENDING:
        raise Unavailable("touches of calls are to be kept first")
    return {one["session"] for each in found for one in each or []}


_DETAILS = ("click_ids", "params", "title", "ids", "custom", "city", "language", "timezone", "screen")


async def _details(connection: AsyncConnection, rows: Rows, day: Day) -> int:
    return await _clear(day.ledger, connection, session, session.c.id, [row["id"] for row in rows])


async def _details_of_calls(connection: AsyncConnection, rows: Rows, day: Day) -> int:
    names = [row["id"] for row in rows]
    cleared = await _clear(day.ledger, connection, call, call.c.id, names)
    await forget_told(connection, names, day.now_ms)
    await forget_found(connection, names, ("custom", "param"))
    return cleared + await _clear(day.ledger, connection, call_touch, call_touch.c.call_id, names)


async def _clear(
    ledger: Ledger, connection: AsyncConnection, table: Table, key: ColumnElement[str], names: list[str]
) -> int:
    columns = [table.c[name] for name in _DETAILS if name in table.c]
    page = table.c.landing_page
    query = page.contains("?")
    values = {column.name: null() for column in columns} | {"landing_page": _without_query(ledger, page)}
    told = or_(query, *(column.is_not(None) for column in columns))
    values["params"] = _sub_ids(ledger, table)
    return (await connection.execute(update(table).where(key.in_(names), told).values(values))).rowcount


def _sub_ids(ledger: Ledger, table: Table) -> ColumnElement[Any]:
    """What stays of the parameters: reports group by sub-ids as they do by a source. NULL where there is none."""
    pairs = [part for name in SUBS for part in (literal(name), sub_id(table, name))]
    if ledger.is_sqlite:
        return func.nullif(func.json_patch("{}", func.json_object(*pairs)), "{}")
    told = cast(func.json_strip_nulls(func.json_build_object(*pairs)), Text)
    return cast(func.nullif(told, "{}"), JSON)


def _without_query(ledger: Ledger, url: ColumnElement[str]) -> ColumnElement[str]:
    if ledger.is_sqlite:
        return func.substr(url, 1, func.instr(url.op("||")("?"), "?") - 1)
    return func.split_part(url, "?", 1)


async def _events(connection: AsyncConnection, rows: Rows, _day: Day) -> int:
    return await _strip(connection, rows, lambda port, fields: PORTS[port].bare(fields) if port in PORTS else {})


async def _recordings(connection: AsyncConnection, rows: Rows, day: Day) -> int:
    await _strip(connection, rows, lambda port, fields: PORTS[port].unrecorded(fields) if port in PORTS else {})
    names = [row["id"] for row in rows if row["recording_url"] is not None]
    await forget_told(connection, names, day.now_ms)
    return (await connection.execute(update(call).where(call.c.id.in_(names)).values(recording_url=None))).rowcount


async def _callers(connection: AsyncConnection, rows: Rows, day: Day) -> int:
    """Whether a telephone called for the first time is told by its earlier calls; it is noted before they lose it."""
    first = await first_times(connection, rows)
    told = [{"of": name, "told": is_first} for name, is_first in first.items()]
    if told:
        this = update(call).where(call.c.id == bindparam("of")).values(first_time=bindparam("told"))
        await connection.execute(this, told)
    of = {(row["caller"], row["campaign_id"]) for row in rows if row["caller"] and row["campaign_id"]}
    later = call.c.caller.in_({caller for caller, _ in of}) & tuple_(call.c.caller, call.c.campaign_id).in_(of)
    await connection.execute(update(call).where(later, call.c.first_time.is_(None)).values(first_time=False))
    await _strip(connection, rows, nameless)
    names = [row["id"] for row in rows]
    await forget_words(connection, names)
    await forget_told(connection, names, day.now_ms)
    counted = sum(row["caller"] is not None or row["recording_url"] is not None for row in rows)
    values = {"caller": None, "recording_url": None, "forgot_ms": day.now_ms}
    await connection.execute(update(call).where(call.c.id.in_(names)).values(values))
    return counted


async def _strip(connection: AsyncConnection, rows: Rows, bare: Callable[[str, dict[str, str]], dict[str, str]]) -> int:
    carriers = {row["id"]: row["carrier_id"] for row in rows}
    wanted = select(call_event).where(call_event.c.call_id.in_(carriers))
    return await bare_events(connection, list((await connection.execute(wanted)).mappings()), carriers, bare)


async def _attributions(connection: AsyncConnection, rows: Rows, _day: Day) -> int:
    former = former_attribution.c
    keys = [(row["call_id"], row["until_ms"]) for row in rows]
    going = delete(former_attribution).where(tuple_(former.call_id, former.until_ms).in_(keys))
    return (await connection.execute(going)).rowcount


async def _refusals(connection: AsyncConnection, rows: Rows, _day: Day) -> int:
    going = delete(refusal).where(refusal.c.id.in_([row["id"] for row in rows]))
    return (await connection.execute(going)).rowcount


async def _messages(connection: AsyncConnection, rows: Rows, _day: Day) -> int:
    await forget_old(connection, [row["seq"] for row in rows])
    return len(rows)


_OF_CALL = (call.c.started_at_ms, call.c.id)

STEPS = (
    Step("sessions", "sessions", session, session.c.started_at_ms, session.c.id, _sessions, 60),
    Step("details", "details", session, session.c.started_at_ms, session.c.id, _details, 100),
    Step("details_of_calls", "details", call, *_OF_CALL, _details_of_calls, 50),
    Step("events", "events", call, *_OF_CALL, _events, 20),
    Step("recordings", "recordings", call, *_OF_CALL, _recordings, 20),
    Step("callers", "callers", call, *_OF_CALL, _callers, 10),
    Step(
        "attributions",
        "attributions",
        former_attribution,
        former_attribution.c.until_ms,
        former_attribution.c.call_id,
        _attributions,
        100,
    ),
    Step("refusals", "refusals", refusal, refusal.c.at_ms, refusal.c.id, _refusals, 100),
    Step("messages", "messages", outbox, outbox.c.at_ms, outbox.c.id, _messages, 50),
)
