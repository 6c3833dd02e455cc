"""Keeps with each call the touches that came before it: the parent's duty."""

import asyncio
import logging

from dni.call import credits, touches
from dni.errors import Unavailable
from dni.parts import Parts

log = logging.getLogger("dni.call")

_EVERY_S = 30.0
_BATCH = 20
# By then the recorder wrote the sessions, and who could not be credited at once was credited later.
_SETTLED_MS = 15 * 60_000


async def keep_touches(parts: Parts, stop: asyncio.Event) -> None:
    """Until `stop`."""
    while not stop.is_set():
        try:
            while await keep_next(parts) == _BATCH and not stop.is_set():
                pass
        except Unavailable as error:
            log.debug("touches of calls wait on: %s", error.detail)
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_S)
        except TimeoutError:
            continue


async def keep_next(parts: Parts) -> int:
    """One round, in one transaction; how many calls. Raises Unavailable."""
    now_ms = parts.clock.now_ms()
    async with parts.ledger.read() as connection:
        waiting = await touches.not_kept(connection, now_ms - _SETTLED_MS, _BATCH)
        found = [(one, await touches.before(connection, one)) for one in waiting]
    if found:
        async with parts.ledger.write() as connection:
            for one, before in found:
                if await credits.is_as_read(connection, one):
                    await touches.keep(connection, one, before, now_ms)
    return len(found)
