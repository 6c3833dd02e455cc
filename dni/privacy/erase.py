"""Erases one visitor or one caller, everywhere he is. Done twice it is done once.

What waits to be recorded is waited for, so that nothing of it comes after the erasure. Then Redis, where a number
keeps its protection and its source and names nobody, then the ledger. A call keeps what money and figures need: its
id, times, durations, numbers of ours, campaign, publisher, how it came; in the place of each id stands a random text
that no other row has.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import RowMapping, delete, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import audit
from dni.access.model import Principal
from dni.call.spool import Spool
from dni.call.told import nameless
from dni.clock import rfc3339
from dni.errors import Unavailable
from dni.ids import new_id
from dni.ledger.schema import call, call_touch, former_attribution, lease, recorded, session
from dni.live.commands import ask
from dni.live.connection import RedisError
from dni.parts import Parts
from dni.pool.keys import SHARDS
from dni.privacy import erasures, figures, holders, traces
from dni.privacy.callers import bare_events, first_times
from dni.privacy.erasures import ErasureView
from dni.privacy.messages import forget_told
from dni.privacy.model import Who, impersonal
from dni.privacy.traces import Traces
from dni.privacy.words import forget_words

log = logging.getLogger("dni.privacy")

_SETTLES_WITHIN_S, _LOOK_EVERY_S = 5.0, 0.05
_LOG_TRIES = 20
_CALLS_AT_ONCE, _SESSIONS_AT_ONCE, _STEPS_TOGETHER = 20, 100, 3
_OVERLAP_MS = 60_000
_OF_TOUCH = (
    "source",
    "medium",
    "campaign_name",
    "keyword",
    "content",
    "channel",
    "referrer",
    "landing_page",
    "click_ids",
    "params",
)


async def erase(parts: Parts, who: Who, principal: Principal, *, dry_run: bool = False) -> ErasureView:
    """What went, or with `dry_run` what would. Raises Unavailable: some of it may be done, so ask again."""
    await _settled(parts)
    now_ms = parts.clock.now_ms()
    held = 0
    if who.kind == "visitor":
        async with parts.ledger.read() as connection:
            quick = await traces.of(connection, who, since_ms=now_ms)
        held = len(await holders.of(parts, quick)) if dry_run else await holders.forget(parts, quick)
    async with parts.ledger.read() as connection:
        found = await traces.of(connection, who)
        counted = {**await _counted(connection, found), "holders": held}
        steps = await _steps(connection, found, now_ms)
    if dry_run:
        return ErasureView(None, rfc3339(now_ms), who.kind, principal.name, _without_zeros(counted))
    texts = {found.caller.lstrip("+")} if found.caller else found.visitors | found.sessions
    counted["spooled"] = await asyncio.to_thread(Spool(parts.settings.data_dir / "spool").forget, texts)
    # Of most people all is done in one transaction; who left more must not keep calls waiting for the ledger.
    for step in steps[:-_STEPS_TOGETHER]:
        async with parts.ledger.write() as connection:
            await step(connection)
    async with parts.ledger.write() as connection:
        for step in steps[-_STEPS_TOGETHER:]:
            await step(connection)
        # What came since the look above.
        later = await traces.of(connection, who, since_ms=now_ms - _OVERLAP_MS)
        for step in await _steps(connection, later, now_ms):
            await step(connection)
        done = await erasures.add(connection, now_ms, who.kind, principal, _without_zeros(counted))
        await audit.note(connection, now_ms, principal, "erase_person", done.id)
    for _ in range(_LOG_TRIES):
        if await parts.ledger.empty_log():
            break
        await asyncio.sleep(_LOOK_EVERY_S)
    log.info("one %s was erased: %s", who.kind, done.id)
    return done


async def _counted(connection: AsyncConnection, found: Traces) -> dict[str, int]:
    counted: list[tuple[str, Callable[[AsyncConnection, Traces], Awaitable[list[RowMapping]]]]] = [
        ("sessions", traces.sessions_of),
        ("leases", traces.leases_of),
        ("calls", traces.calls_of),
        ("touches", traces.touches_of),
        ("former_attributions", traces.former_of),
    ]
    if found.caller:
        counted.append(("events", traces.events_of))
    return {name: len(await rows(connection, found)) for name, rows in counted}


Step = Callable[[AsyncConnection], Awaitable[None]]


async def _steps(connection: AsyncConnection, found: Traces, now_ms: int) -> list[Step]:
    """Each a short time of the ledger's one writer; to be taken in order."""
    calls = sorted(await traces.calls_of(connection, found), key=lambda row: (row["started_at_ms"], row["id"]))
    first = await first_times(connection, calls) if found.caller else {}
    steps: list[Step] = []
    for at in range(0, len(calls), _CALLS_AT_ONCE):
        names = {row["id"] for row in calls[at : at + _CALLS_AT_ONCE]}
        steps.append(partial(_erase_calls, msgspec.structs.replace(found, calls=names), first, now_ms))
    sessions = [] if found.caller else sorted(found.sessions)
    return steps + [
        partial(_erase_sessions, set(sessions[at : at + _SESSIONS_AT_ONCE]))
        for at in range(0, len(sessions), _SESSIONS_AT_ONCE)
    ]


async def _erase_sessions(names: set[str], connection: AsyncConnection) -> None:
    await connection.execute(delete(lease).where(lease.c.session_id.in_(names)))
    gone = delete(session).where(session.c.id.in_(names)).returning(session.c.started_at_ms)
    await figures.changed(connection, "session", list((await connection.execute(gone)).scalars()))


async def _erase_calls(found: Traces, first: dict[str, bool], now_ms: int, connection: AsyncConnection) -> None:
    """A caller's own call is nobody's then; of another one only the visitor's part goes."""
    calls = await traces.calls_of(connection, found)
    instead = {row["id"]: _Instead(None if found.caller else found) for row in calls}
    for row in calls:
        values = _answer(instead[row["id"]], row)
        if found.caller:
            noted = first.get(row["id"], row["first_time"])
            values |= {"caller": None, "recording_url": None, "forgot_ms": now_ms, "first_time": noted}
        if found.caller or traces.is_his(found, row):
            values |= _touch(row, found.caller)
        await connection.execute(update(call).where(call.c.id == row["id"]).values(values))
    his = {row["id"] for row in calls if found.caller or traces.is_his(found, row)}
    await forget_words(connection, his, notes=found.caller is not None)
    for row in await traces.touches_of(connection, found):
        this = (call_touch.c.call_id == row["call_id"]) & (call_touch.c.session_id == row["session_id"])
        names = instead[row["call_id"]]
        ids = {"session_id": names.session(row["session_id"]), "visitor_id": names.visitor(row["visitor_id"])}
        await connection.execute(update(call_touch).where(this).values(ids | _touch(row, found.caller)))
    for row in await traces.former_of(connection, found):
        this = (former_attribution.c.call_id == row["call_id"]) & (former_attribution.c.until_ms == row["until_ms"])
        await connection.execute(update(former_attribution).where(this).values(_answer(instead[row["call_id"]], row)))
    await forget_told(connection, found.calls, now_ms)
    if found.caller:
        events = await traces.events_of(connection, found)
        await bare_events(connection, events, {row["id"]: row["carrier_id"] for row in calls}, nameless)
    await figures.changed(connection, "call", [row["started_at_ms"] for row in calls])


class _Instead:
    """Random texts in the place of ids, the same for the same id within one call. `of` None: of all who are named."""

    def __init__(self, of: Traces | None) -> None:
        self._of = of
        self._names: dict[str, str] = {}

    def session(self, name: str | None) -> str | None:
        return self._name(name, name is not None and (self._of is None or name in self._of.sessions))

    def visitor(self, name: str | None) -> str | None:
        return self._name(name, name is not None and (self._of is None or name in self._of.visitors))

    def candidates(self, listed: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        return listed and [{**one, "session": self.session(one["session"])} for one in listed]

    def _name(self, name: str | None, goes: bool) -> str | None:
        # No time in it: it must not tell when he was here.
        return self._names.setdefault(name or "", new_id("erased", 0)) if goes else name


def _answer(instead: _Instead, row: Any) -> dict[str, Any]:
    return {
        "session_id": instead.session(row["session_id"]),
        "visitor_id": instead.visitor(row["visitor_id"]),
        "candidates": instead.candidates(row["candidates"]),
    }


def _touch(row: Any, number: str | None = None) -> dict[str, Any]:
    kept = impersonal({name: row[name] for name in _OF_TOUCH}, number)
    return {name: null() if value is None else value for name, value in kept.items()}


async def _settled(parts: Parts) -> None:
    """Until all that waits now is in the ledger. Raises Unavailable `recorder_behind` when it does not come to it."""
    spool = Spool(parts.settings.data_dir / "spool")
    ends = {parts.keys.events(shard): await _end(parts, shard) for shard in SHARDS}
    try:
        async with asyncio.timeout(_SETTLES_WITHIN_S):
            # Another process records; it sets no event.
            while await _waiting(parts, ends) or await asyncio.to_thread(spool.waits):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise Unavailable(
            "what visitors and carriers told is still being recorded, so nothing was erased: try again in a moment",
            code="recorder_behind",
        ) from None


async def _end(parts: Parts, shard: str) -> tuple[int, int] | None:
    """The last entry that is there; None: all is recorded."""
    try:
        last = await ask(parts.live, shard, "XREVRANGE", parts.keys.events(shard), "+", "-", "COUNT", 1)
    except RedisError as error:
        raise Unavailable("Redis does not answer as it should", code="redis_away") from error
    return _order(last[0][0].decode()) if last else None


async def _waiting(parts: Parts, ends: dict[str, tuple[int, int] | None]) -> bool:
    if not any(ends.values()):
        return False
    async with parts.ledger.read() as connection:
        known = {row.stream: row.last_id for row in await connection.execute(select(recorded))}
    return any(end and _order(known.get(stream, "0-0")) < end for stream, end in ends.items())


def _order(stream_id: str) -> tuple[int, int]:
    ms, _, sequence = stream_id.partition("-")
    return int(ms), int(sequence or 0)


def _without_zeros(counted: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counted.items() if count}
