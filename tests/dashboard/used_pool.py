"""Hours of a pool as the duty leaves them in the ledger."""

from typing import Any

from sqlalchemy import insert

from dni.ledger import schema
from dni.parts import Parts
from dni.pool.count_use import settled_until
from dni.pool.measure import DAYS
from dni.pool.use import HOUR_MS, Hour, add
from tests.support.world import START_MS

UNTIL = settled_until(START_MS)  # Monday, September 21, 10:00 in New York


def spans(*minutes: float) -> list[int]:
    counts: list[int] = []
    for each in minutes:
        add(counts, round(each * 60_000))
    return counts


async def hours(parts: Parts, found: dict[int, dict[str, Any]], pool: str = "pool_1") -> None:
    """By hours before the last full one's end."""
    empty: dict[str, Any] = {name: [] if name in ("gaps", "delays") else 0 for name in Hour.__struct_fields__}
    rows = [{"pool_id": pool, "hour_ms": UNTIL - ago * HOUR_MS, **empty, **hour} for ago, hour in found.items()]
    async with parts.ledger.write() as connection:
        await connection.execute(insert(schema.pool_hour), rows)


BUSY: dict[str, Any] = {
    "begun": 90,
    "peak": 6,
    "busy_ms": 4 * HOUR_MS,
    "exhausted": 10,
    "visits": 90,
    "visit_ms": 90 * 60_000,
    "gaps": spans(*[5] * 20, *[45] * 60),
    "credited": 40,
    "stated": 30.4,
    "delays": spans(*[0] * 20, *[12] * 20),
}


async def use_of_pool(parts: Parts) -> None:
    """Four weeks that use every colour of the heat map, with all else that the page can tell."""
    found = {ago: {**BUSY, "peak": ago % 10, "exhausted": ago % 50 == 9} for ago in range(1, DAYS * 24)}
    await hours(parts, found)
