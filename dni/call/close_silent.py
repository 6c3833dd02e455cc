"""Closes calls whose end never came: a carrier was cut off, or a callback lost for good. What they held is free."""

import asyncio
import logging
from functools import partial

from sqlalchemy import and_, or_, select

from dni.call import calls
from dni.call.model import STATES, longest_ms
from dni.call.progress import follow
from dni.errors import Unavailable
from dni.ledger.schema import call
from dni.parts import Parts

log = logging.getLogger("dni.call")

_EVERY_S = 60.0
_BATCH = 200
# Older ones were given up long ago, or are of before calls were given up.
_LOOK_BACK_MS = 30 * 86_400_000
_OPEN = tuple(name for name, state in STATES.items() if not state.ends)


async def close_silent(parts: Parts, stop: asyncio.Event) -> None:
    """The parent's duty, until `stop`."""
    while not stop.is_set():
        try:
            await close_once(parts)
        except Unavailable as error:
            log.debug("calls without an end wait on: %s", error)
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_S)
        except TimeoutError:
            continue


async def close_once(parts: Parts) -> int:
    """How many were closed. Each is looked at again in the transaction that closes it: what was told of it meanwhile
    counts, and what is told later still ends it properly. Raises Unavailable."""
    now_ms = parts.clock.now_ms()
    silent_since = or_(*(and_(call.c.status == one, call.c.started_at_ms < now_ms - longest_ms(one)) for one in _OPEN))
    query = select(call.c.id).where(silent_since, call.c.started_at_ms > now_ms - _LOOK_BACK_MS)
    async with parts.ledger.read() as connection:
        silent = (await connection.execute(query.order_by(call.c.started_at_ms).limit(_BATCH))).scalars().all()
    closed = 0
    for wanted in silent:
        done = await parts.ledger.commit(partial(calls.give_up, wanted=wanted, at_ms=now_ms))
        if done is not None:
            closed += 1
            await follow(parts, done)
    return closed
