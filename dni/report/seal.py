"""Keeps the columns that reports are counted from: the parent's duty, one for all hosts.

What has settled is copied, stretch by stretch; what changed after that is copied anew; small chunks are put together.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection

from dni.errors import Unavailable
from dni.host.crowding import Courtesy
from dni.ledger.alone import alone
from dni.ledger.bulk import Many
from dni.ledger.stale import SETTLED_MS, Kind
from dni.parts import Parts
from dni.report import chunks, facts, words
from dni.report.chunks import Chunk, Copied
from dni.report.columns import NEWEST, Columns, joined, of_paths
from dni.report.gather import coded
from dni.report.words import Words

log = logging.getLogger("dni.report")

KINDS: tuple[Kind, ...] = ("session", "call")
LARGE = 131_072
"""Rows of a chunk at most, but those of one and the same millisecond."""
_AT_ONCE = 16_384
"""Rows that are copied in one step: part of a second. Chunks that have settled well are put together then."""
_SMALL = 8_192
"""Of a young one: it may have to be made anew."""
_WORDS = 200
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_SETTLED_WELL_MS = _DAY_MS
_EVERY_S = 20.0


async def keep_columns(parts: Parts, stop: asyncio.Event) -> None:
    """Until `stop`."""
    courtesy = Courtesy()
    while not stop.is_set():
        try:
            async with alone(parts.ledger, b"dnicols"):
                while not stop.is_set():
                    began = time.monotonic()
                    did = await seal_next(parts)
                    await _wait(stop, courtesy.pause_s(time.monotonic() - began) if did else _EVERY_S)
        except Unavailable as error:
            log.debug("columns of the reports wait: %s", error.detail)
            await _wait(stop, _EVERY_S)


async def seal_all(parts: Parts) -> None:
    """Until nothing is left to do."""
    while await seal_next(parts):
        pass


async def seal_next(parts: Parts) -> bool:
    """One step; False: nothing was to be done. Raises Unavailable."""
    steps: tuple[Callable[[Parts, Kind], Awaitable[bool]], ...] = (_begin, _seal, _renew)
    for step in steps:
        for kind in KINDS:
            if await step(parts, kind):
                return True
    settled_ms = parts.clock.now_ms() - _SETTLED_WELL_MS
    for each in KINDS:
        if await _merge(parts, each, settled_ms):
            return True
    return await _merge(parts, "path", 1 << 31)


async def _begin(parts: Parts, kind: Kind) -> bool:
    """Announces the next stretch that has settled, when the one before is done."""
    now_ms, ledger = parts.clock.now_ms(), parts.ledger
    settled_ms = now_ms - SETTLED_MS
    async with ledger.read() as connection:
        if await chunks.unsealed(connection, kind):
            return False
        from_ms = await chunks.copied_until(connection, kind)
        began_ms = await facts.first(connection, kind, from_ms or 0)
        if began_ms is None or began_ms >= settled_ms:
            return False
        from_ms = began_ms if from_ms is None else from_ms
        is_old = began_ms < now_ms - _SETTLED_WELL_MS
        to_ms = settled_ms
        edge = await facts.edge(connection, kind, from_ms, min(_AT_ONCE, LARGE) if is_old else _SMALL)
        if is_old:
            to_ms = min(to_ms, now_ms - _SETTLED_WELL_MS)
        elif edge is None and began_ms + _HOUR_MS > settled_ms:
            return False  # a whole hour, or many rows: not a chunk each time that somebody looks
        to_ms = to_ms if edge is None else min(to_ms, max(edge, began_ms + 1))
    await ledger.commit(lambda connection: chunks.announce(connection, ledger, kind, from_ms, to_ms))
    return True


async def _seal(parts: Parts, kind: Kind) -> bool:
    ledger, known = parts.ledger, Words()
    async with ledger.snapshot() as connection:
        of = await chunks.unsealed(connection, kind)
        if of is None:
            return False
        rows = await facts.facts(connection, kind, of.from_ms, of.to_ms)
        made = await coded(connection, known, rows, of.from_ms) if rows else {}
    # Words first; those of a seal that fails do no harm. A few at once, and others write for as long as that took, so
    # that no call waits long behind them.
    keeping = words.keeping(ledger)
    for dimension, some in known.batches(_WORDS):
        rows_of_words = words.rows(dimension, some)
        paths = (min(some), of_paths(some)) if dimension == "path" else None
        began = time.monotonic()
        await ledger.commit(partial(_keep, keeping=keeping, rows=rows_of_words, paths=paths))
        await asyncio.sleep(time.monotonic() - began)
    await ledger.commit(lambda connection: chunks.seal(connection, of, len(rows), made))
    return True


async def _renew(parts: Parts, kind: Kind) -> bool:
    """Opens a chunk that has no column of a dimension that came later; one at a time, for meanwhile its rows count."""
    async with parts.ledger.read() as connection:
        old = next((of for of in await chunks.lacking(connection, kind, NEWEST) if not of.final), None)
    if old is None:
        return False
    await parts.ledger.commit(lambda connection: chunks.reopen(connection, old))
    return True


def _keep(
    connection: Connection, keeping: Many, rows: list[tuple[Any, ...]], paths: tuple[int, Columns] | None
) -> None:
    keeping.run(connection, rows)
    if paths:
        chunks.add_paths(connection, *paths)


async def _merge(parts: Parts, kind: Copied, until_ms: int) -> bool:
    """Of chunks that are old enough to stay as they are."""
    ledger = parts.ledger
    async with ledger.snapshot() as connection:
        known = await chunks.within(connection, kind, 0, until_ms)
        # What was forgotten before a dimension came has no column to put together with others.
        old = set() if kind == "path" else {each.id for each in await chunks.lacking(connection, kind, NEWEST)}
        run = _run([each for each in known if each.to_ms <= until_ms and each.id not in old])
        if not run:
            return False
        read = await chunks.columns(connection, [each.id for each in run])
    made = joined([(each.from_ms, read[each.id]) for each in run if each.rows], run[0].from_ms)
    await ledger.commit(lambda connection: chunks.merge(connection, ledger, run, made))
    return True


def _run(known: list[Chunk]) -> list[Chunk]:
    """The first chunks that follow each other, fit into one, and are worth it: all are written again."""
    run: list[Chunk] = []
    for each in known:
        rows = sum(one.rows for one in run) + each.rows
        if run and (not each.sealed or not run[-1].sealed or run[-1].to_ms != each.from_ms or rows > LARGE):
            if _is_worth_it(run):
                return run
            run = []
        run.append(each)
    return run if _is_worth_it(run) else []


def _is_worth_it(run: list[Chunk]) -> bool:
    """Many small ones; or a large one and small ones that are together a quarter of it."""
    if len(run) < 2 or not all(each.sealed for each in run):
        return False
    most = max(each.rows for each in run)
    return len(run) >= 24 or sum(each.rows for each in run) - most >= most / 4


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
