"""Counts how pools were used, hour by hour: the parent's duty, one for all hosts."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

from dni.errors import Unavailable
from dni.host.crowding import Courtesy
from dni.ledger.alone import alone
from dni.parts import Parts
from dni.pool import hours
from dni.pool.measure import DAYS
from dni.pool.use import HOUR_MS, Counting, Hour, add

log = logging.getLogger("dni.pool")

_STEP_MS = 24 * HOUR_MS
# A lease's last sign is written when its page leaves or its number goes on. So what is younger is counted each hour
# again, and all of it once a day: a number of a roomy pool goes on days later. What is young is not yet forgotten.
_YOUNG_MS = 26 * HOUR_MS
_WHOLE_MS = DAYS * 24 * HOUR_MS
_WHOLE_EVERY = 24
# By then the recorder wrote the last visits of an hour.
_SETTLED_MS = 5 * 60_000
_NUMBERS = 200
_EVERY_S = 60.0


async def keep_use(parts: Parts, stop: asyncio.Event) -> None:
    """Until `stop`: soon after each full hour."""
    counted_ms, rounds, courtesy = 0, 0, Courtesy()
    while not stop.is_set():
        try:
            async with alone(parts.ledger, b"dniuse"):
                while not stop.is_set():
                    until_ms = settled_until(parts.clock.now_ms())
                    if until_ms > counted_ms:
                        began = time.monotonic()
                        whole = rounds % _WHOLE_EVERY == _WHOLE_EVERY - 1
                        async for _ in count_steps(parts, whole=whole):
                            if await _stops(stop, courtesy.pause_s(time.monotonic() - began)):
                                return
                            began = time.monotonic()
                        counted_ms, rounds = until_ms, rounds + 1
                    await _stops(stop, _EVERY_S)
        except Unavailable as error:
            log.debug("the use of pools waits: %s", error.detail)
            await _stops(stop, _EVERY_S)


async def count_use(parts: Parts, *, whole: bool = False) -> None:
    """At once: what is new or may have changed of the last 28 days, or all of them. Raises Unavailable."""
    async for _ in count_steps(parts, whole=whole):
        pass


async def count_steps(parts: Parts, *, whole: bool = False) -> AsyncIterator[None]:
    """The same; each step counts some numbers of a pool, for one day. Raises Unavailable."""
    until_ms = settled_until(parts.clock.now_ms())
    oldest_ms = until_ms - _WHOLE_MS
    async with parts.ledger.read() as connection:
        first_ms = await hours.first(connection)
        newest_ms = await hours.newest(connection)
        pools = await hours.pools(connection)
    known_ms = oldest_ms if whole or newest_ms is None else min(newest_ms, until_ms)
    begun_ms = until_ms if first_ms is None else first_ms // HOUR_MS * HOUR_MS
    since_ms = max(oldest_ms, known_ms - _YOUNG_MS, begun_ms)
    for from_ms in range(since_ms, until_ms, _STEP_MS):
        to_ms = min(from_ms + _STEP_MS, until_ms)
        async with parts.ledger.read() as connection:
            refused = await hours.refused(connection, from_ms, to_ms)
            rings = await hours.rings(connection, from_ms, to_ms)
        for pool, hold_ms in pools:
            counting = Counting(pool, hold_ms, from_ms, to_ms)
            async with parts.ledger.read() as connection:
                numbers = await hours.numbers(connection, pool)
            for first in range(0, len(numbers), _NUMBERS):
                async with parts.ledger.read() as connection:
                    leases = await hours.leases(connection, numbers[first : first + _NUMBERS], from_ms, to_ms)
                for each in leases.values():
                    counting.number(each)
                yield
            for at_ms, why, count in refused.get(pool, ()):
                hour = counting.hour(at_ms)
                setattr(hour, why, count)
            for ring in rings.get(pool, ()):
                _count_ring(counting.hour(ring.at_ms), ring)
            async with parts.ledger.write() as connection:
                await hours.keep(parts.ledger, connection, pool, counting.hours(), until_ms - _YOUNG_MS)
    async with parts.ledger.write() as connection:
        await hours.forget(connection, oldest_ms - _STEP_MS)


def _count_ring(hour: Hour, ring: hours.Ring) -> None:
    hour.credited += 1
    hour.stated += ring.confidence
    if ring.delay_ms is not None:
        add(hour.delays, ring.delay_ms)


def settled_until(now_ms: int) -> int:
    """When the last hour ended whose visits are all recorded."""
    return (now_ms - _SETTLED_MS) // HOUR_MS * HOUR_MS


async def _stops(stop: asyncio.Event, within_s: float) -> bool:
    try:
        return await asyncio.wait_for(stop.wait(), within_s)
    except TimeoutError:
        return False
