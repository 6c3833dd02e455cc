"""A call ended: its number is protected for some minutes more, in case the caller rings again."""

from dni.call.calls import Recorded
from dni.parts import Parts

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
