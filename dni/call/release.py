"""A call ended: its number is protected for some minutes more, in case the caller rings again."""

import asyncio
import logging

from dni.call import calls
from dni.call.told import Recorded
from dni.errors import Unavailable
from dni.live.connection import RedisError
from dni.parts import Parts

log = logging.getLogger("dni.call")

_EVERY_S = 15.0
# Each round goes back behind the last one: an end is told some moments after it was.
_OVERLAP_MS = 60_000
_AFTER_END_MS = 5 * 60_000
_AFTER_START_MS = 4 * 3_600_000


async def release(parts: Parts, call: Recorded) -> None:
    """The same call twice changes nothing. Raises Unavailable, RedisError."""
    catalog = parts.catalog.now
    number = catalog.numbers.get(call.tracking_number)
    campaign = catalog.campaign_of(number) if number else None
    if number is None or campaign is None or number.pool is None or call.ended_ms is None:
        return
    until_ms = min(call.ended_ms + _AFTER_END_MS, call.started_ms + _AFTER_START_MS)
    await parts.leases.hang_up(campaign.id, number.pool, number.number, call.ring, until_ms)


async def release_ended(parts: Parts, stop: asyncio.Event) -> None:
    """The parent's duty, until `stop`: ends that Redis was away for are told again, else their numbers stay protected
    for hours."""
    since_ms = parts.clock.now_ms() - _AFTER_START_MS
    while not stop.is_set():
        try:
            since_ms = await release_since(parts, since_ms)
        except (Unavailable, RedisError) as error:
            log.debug("numbers of calls that ended wait for their release: %s", error)
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_S)
        except TimeoutError:
            continue


async def release_since(parts: Parts, since_ms: int) -> int:
    """One round, over calls that ended after `since_ms`; from when the next one shall go.

    Raises Unavailable, RedisError.
    """
    now_ms = parts.clock.now_ms()
    async with parts.ledger.read() as connection:
        ended = await calls.ended(connection, since_ms, since_ms - _AFTER_START_MS)
    for call in ended:
        await release(parts, call)
    return now_ms - _OVERLAP_MS
