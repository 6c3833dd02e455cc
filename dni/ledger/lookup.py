"""SELECTs for who cannot wait, of the driver itself.

Several that follow from each other are told as a generator, which yields a lookup with its values and is sent the rows.
On SQLite all of it runs in one change of threads; SQLAlchemy takes four for every SELECT.
"""

import asyncio
import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.prepared import Compiled, Row

T = TypeVar("T")

Steps = Generator[tuple[Compiled, dict[str, Any]], list[Row], T]


class Looker:
    """A thread with an SQLite connection of its own, which reads beside the writer (WAL)."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, "ledger-looker")
        self._connection: sqlite3.Connection | None = None

    async def look(self, steps: Steps[T]) -> T:
        """Raises what sqlite3 does. Whoever stops waiting before his turn is not asked for any more."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._look, steps)

    def close(self) -> None:
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _look(self, steps: Steps[T]) -> T:
        if self._connection is None:
            self._connection = sqlite3.connect(self._file, isolation_level=None)
            for pragma in ("query_only=ON", "cache_size=-16000"):
                self._connection.execute(f"PRAGMA {pragma}")
        execute = self._connection.execute
        try:
            lookup, values = next(steps)
            while True:
                lookup, values = steps.send(lookup.rows(execute(lookup.sql, lookup.ordered(values)).fetchall()))
        except StopIteration as end:
            found: T = end.value
            return found

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


async def look(connection: AsyncConnection, steps: Steps[T]) -> T:
    """The same on PostgreSQL, one round trip for each lookup. Raises what asyncpg does."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        lookup, values = next(steps)
        while True:
            lookup, values = steps.send(lookup.rows(await driver.fetch(lookup.sql, *lookup.ordered(values))))
    except StopIteration as end:
        found: T = end.value
        return found
