"""Learns from the calls that are settled, in their order, each once: the parent's duty."""

import asyncio
import logging

import msgspec
from sqlalchemy import select, tuple_

from dni.attribution import delays
from dni.attribution.delays import ALL
from dni.attribution.learn import learn
from dni.attribution.model import Lessons
from dni.errors import Unavailable
from dni.ledger.schema import call
from dni.parts import Parts

log = logging.getLogger("dni.attribution")

_EVERY_S = 30.0
_BATCH = 100
# By then who could not be credited at once was credited later.
_SETTLED_MS = 15 * 60_000


async def learn_from_calls(parts: Parts, stop: asyncio.Event) -> None:
    """Until `stop`."""
    while not stop.is_set():
        try:
            while await learn_next(parts) == _BATCH and not stop.is_set():
                pass
            await parts.delays.refresh()
        except Unavailable as error:
            log.debug("learning from calls waits on: %s", error.detail)
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_S)
        except TimeoutError:
            continue


async def learn_next(parts: Parts) -> int:
    """One round, in one transaction; how many calls were looked at. Raises Unavailable."""
    async with parts.ledger.read() as connection:
        learnt = await delays.load(connection)
        wanted = (
            select(call.c.id, call.c.started_at_ms, call.c.tracking_number, call.c.lessons)
            .where(
                tuple_(call.c.started_at_ms, call.c.id) > learnt.until,
                call.c.started_at_ms < parts.clock.now_ms() - _SETTLED_MS,
            )
            .order_by(call.c.started_at_ms, call.c.id)
            .limit(_BATCH)
        )
        calls = (await connection.execute(wanted)).all()
    pools = set()
    for call_id, at_ms, tracking_number, told in calls:
        learnt.until = (at_ms, call_id)
        number = parts.catalog.now.numbers.get(tracking_number)
        if told is None or number is None or number.pool is None:
            continue
        lessons = msgspec.convert(told, Lessons)
        learn(learnt.of(number.pool), lessons)
        learn(learnt.of(ALL), lessons)
        pools.add(number.pool)
    if calls:
        async with parts.ledger.write() as connection:
            await delays.save(parts.ledger, connection, learnt, pools)
    return len(calls)
