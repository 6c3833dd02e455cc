"""A small world in the ledger for tests: one campaign, publisher, pool, tag and carrier, and Parts around it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from dni.catalog.load import raise_revision
from dni.clock import SettableClock
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.parts import Parts
from dni.pool.place import place
from dni.settings import Settings

START_MS = 1_790_000_000_000  # 2026-09-21T14:13:20Z
TARGET = "+14155550100"
DESTINATION = "+14155550199"
ORIGIN = "https://shop.example"
AUTH_TOKEN = "secret-of-the-test-carrier"


def numbers(count: int, first: int = 0) -> list[str]:
    """Fictional numbers, a hundred to an area code: +12025550100, …"""
    return [f"+1{202 + i // 100}55501{i % 100:02}" for i in range(first, first + count)]


@asynccontextmanager
async def parts(ledger_url: str, redis_url: str, prefix: str, data_dir: Path) -> AsyncIterator[Parts]:
    """Real parts on a clock that stands still; nothing is configured yet."""
    settings = Settings(data_dir=data_dir, redis_url=redis_url, database_url=ledger_url, admin_token="t" * 32)
    made = Parts(settings, SettableClock(START_MS), prefix)
    await migrate(made.ledger)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def add(parts: Parts, *, pool_size: int = 3, suffix: str = "1", first: int = 0, **tag: Any) -> None:
    """`cmp_1 pub_1 pool_1 tag_1 car_1`, live at once; `tag` changes columns of the tag."""
    await declare(parts.ledger, pool_size=pool_size, suffix=suffix, first=first, **tag)
    await parts.catalog.refresh()
    await place(parts)


async def declare(ledger: Ledger, *, pool_size: int = 3, suffix: str = "1", first: int = 0, **tag: Any) -> None:
    """The same in the ledger only, for a service that is not running yet."""
    at = {"created_at_ms": START_MS}
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (
            schema.campaign,
            [
                {
                    "id": f"cmp_{suffix}",
                    "name": f"Campaign {suffix}",
                    "destination": DESTINATION,
                    "timezone": "America/New_York",
                    "currency": "USD",
                }
            ],
        ),
        (schema.publisher, [{"id": f"pub_{suffix}", "name": f"Publisher {suffix}"}]),
        (
            schema.pool,
            [
                {
                    "id": f"pool_{suffix}",
                    "name": f"Pool {suffix}",
                    "campaign_id": f"cmp_{suffix}",
                    "publisher_id": f"pub_{suffix}",
                    "shared": False,
                    "hold_seconds": 120,
                }
            ],
        ),
        (
            schema.number,
            [
                {"id": f"num_{suffix}_{i:06}", "number": number, "pool_id": f"pool_{suffix}"}
                for i, number in enumerate(numbers(pool_size, first))
            ],
        ),
        (
            schema.tag,
            [
                {
                    "id": f"tag_{suffix}",
                    "key": f"key{suffix}",
                    "name": f"Tag {suffix}",
                    "campaign_id": f"cmp_{suffix}",
                    "publisher_id": f"pub_{suffix}",
                    "pool_id": f"pool_{suffix}",
                    "origins": [ORIGIN],
                    "targets": [TARGET],
                    "rules": [],
                    "params": [],
                    **tag,
                }
            ],
        ),
        (
            schema.carrier,
            [
                {
                    "id": f"car_{suffix}",
                    "kind": "twilio",
                    "name": f"Carrier {suffix}",
                    "account_sid": f"AC{suffix}",
                    "auth_token": AUTH_TOKEN,
                }
            ],
        ),
    ]
    async with ledger.write() as connection:
        for table, values in rows:
            if values:
                await connection.execute(insert(table), [{**row, **at} for row in values])
        await raise_revision(connection)
