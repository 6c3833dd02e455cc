"""Credits the calls that could not be credited when they rang, because Redis or the ledger was away."""

import asyncio
import logging

from dni.attribution.attribute import attribute_late
from dni.call import credits
from dni.call.release import release
from dni.call.told import Recorded
from dni.errors import Unavailable
from dni.live.connection import RedisError
from dni.parts import Parts

log = logging.getLogger("dni.call")

_EVERY_S = 1.0
_BATCH = 100
# Older ones stay as they are: who held the number then is long forgotten.
_LOOK_BACK_MS = 7 * 86_400_000
# The recorder writes a session within a second or two; after this it is not about to.
_PATIENCE_MS = 60_000


async def attribute_pending(parts: Parts, stop: asyncio.Event) -> None:
    """The parent's duty, until `stop`."""
    while not stop.is_set():
        try:
            await credit_pending(parts)
        except (Unavailable, RedisError) as error:
            log.debug("calls that wait to be credited wait on: %s", error)
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_S)
        except TimeoutError:
            continue


async def credit_pending(parts: Parts) -> int:
    """One round; how many were credited. Raises Unavailable."""
    async with parts.ledger.read() as connection:
        waiting = await credits.uncredited(connection, parts.clock.now_ms() - _LOOK_BACK_MS, _BATCH)
    return sum([await credit_late(parts, call) for call in waiting])


async def credit_late(parts: Parts, call: Recorded) -> bool:
    """Whether the call is credited now. Raises Unavailable, RedisError: try again."""
    catalog = parts.catalog.now
    number = catalog.numbers.get(call.tracking_number)
    attribution, settled = await attribute_late(parts, number, call.started_ms, call.ring, call.caller)
    if call.ended_ms is not None:  # asking protected the number, for a call that is over
        await release(parts, call)
    if not settled and parts.clock.now_ms() - call.started_ms < _PATIENCE_MS:
        return False
    campaign = catalog.campaign_of(number) if number else None
    owner, now_ms = campaign.id if campaign else None, parts.clock.now_ms()
    async with parts.ledger.write() as connection:
        return await credits.credit(connection, call.id, attribution, owner, now_ms)
