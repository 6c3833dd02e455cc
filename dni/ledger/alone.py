"""Work that one process at a time does, of all hosts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from dni.ledger.engines import Ledger


@asynccontextmanager
async def alone(ledger: Ledger, name: bytes) -> AsyncIterator[None]:
    """Waits for its turn. On PostgreSQL an advisory lock, for one name (at most seven bytes) the same on all hosts;
    with SQLite there is one host, and `serve` holds it."""
    if ledger.is_sqlite:
        yield
        return
    key = int.from_bytes(name, "big")
    async with ledger.read() as connection:
        await connection.execute(text(f"SELECT pg_advisory_lock({key})"))
        try:
            yield
        finally:
            await connection.execute(text(f"SELECT pg_advisory_unlock({key})"))
