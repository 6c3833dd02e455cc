"""Opens the ledger on SQLite or PostgreSQL and lends transactions. No table is named here but `revision`."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Executable, Select, Table, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from dni.errors import Unavailable
from dni.ledger import lookup
from dni.ledger.bulk import Many
from dni.ledger.lookup import Looker, Lookup, Steps

T = TypeVar("T")

# How long a write waits for another process's write (SQLite) or for a connection, in seconds. A carrier gives up after
# 15 s or less and a caller hears silence meanwhile, so the carrier's door asks for less.
WRITE_WAIT_S = 5.0

# PostgreSQL's classes of errors that pass by themselves: connection, rollback by the server, resources, not in the
# right state, operator's intervention, system. https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY = {"08", "40", "53", "55", "57", "58"}
_LOCK_NOT_AVAILABLE = "55P03"


class Ledger:
    """One process's way to the ledger.

    `read()` and `write()` lend an `AsyncConnection` in a transaction. SQLite has one writer: writes of one process
    queue on a lock, writes of several on SQLite's own (BEGIN IMMEDIATE, so that a deadlock cannot be). Both raise
    Unavailable `ledger_busy` or `ledger_away` when the ledger cannot be had in time; nothing is then written.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._write_lock = asyncio.Lock()
        self._engine = _sqlite(self.url.render_as_string(False)) if self.is_sqlite else _postgres(self.url)
        self._looker = Looker(self.url.database or "") if self.is_sqlite else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with _refusals(), self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """As `read`, but all statements of the block see the ledger at one moment."""
        async with _refusals(), self._engine.connect() as connection:
            if self.is_sqlite:
                await connection.exec_driver_sql("BEGIN")
            else:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @asynccontextmanager
    async def write(self, wait_s: float = WRITE_WAIT_S) -> AsyncIterator[AsyncConnection]:
        """Commits at the end of the block, rolls back when it raises."""
        async with _refusals():
            if not self.is_sqlite:
                async with asyncio.timeout(wait_s) as patience, self._engine.begin() as connection:
                    patience.reschedule(None)
                    await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(wait_s * 1000)}")
                    yield connection
                return
            async with asyncio.timeout(wait_s) as patience, self._write_lock, self._engine.connect() as connection:
                patience.reschedule(None)
                await connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(wait_s * 1000)}")
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                await connection.commit()

    def insert(self, table: Table) -> Any:
        """An INSERT of this engine's dialect: both have `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def many(self, statement: Executable, columns: Sequence[str] | None = None) -> Many:
        """The statement for many rows at once; `columns`: of an INSERT."""
        return Many(statement, self._engine.dialect, columns)

    def lookup(self, statement: Select[Any]) -> Lookup:
        """The statement to be asked by `look`."""
        return Lookup(statement, self._engine.dialect)

    async def look(self, steps: Steps[T]) -> T:
        """For who cannot wait: what `steps` returns, which yields lookups with their values. Raises as `read` does."""
        async with _refusals():
            if self._looker is not None:
                return await self._looker.look(steps)
            async with self._engine.connect() as connection:
                return await lookup.look(connection, steps)

    async def close(self) -> None:
        if self._looker is not None:
            self._looker.close()
        await self._engine.dispose()


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    try:
        yield
    except TimeoutError:
        raise Unavailable("the ledger is busy; nothing was written", code="ledger_busy") from None
    except (OperationalError, sqlite3.OperationalError) as error:
        said = str(error.orig if isinstance(error, OperationalError) else error)
        code = "ledger_busy" if "locked" in said else "ledger_away"
        raise Unavailable("the ledger cannot be used now; nothing was written", code=code) from error
    except (ConnectionError, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # SQLAlchemy's errors have the driver's within; lookups raise the driver's own.
        state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
        is_lost = isinstance(error, (ConnectionError, asyncpg.InterfaceError)) or (
            isinstance(error, DBAPIError) and error.connection_invalidated
        )
        if not is_lost and state[:2] not in _AWAY:
            raise
        code = "ledger_busy" if state == _LOCK_NOT_AVAILABLE else "ledger_away"
        raise Unavailable("the ledger cannot be used now; nothing was written", code=code) from error


def _sqlite(url: str) -> AsyncEngine:
    if database := make_url(url).database:
        Path(database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A few connections: one writes, the others read beside it (WAL). Values never reach a log: they hold callers.
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=4, max_overflow=4, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver opens transactions by itself and too late; we say BEGIN.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a call that was acknowledged survives a power cut
            "foreign_keys=ON",
            "busy_timeout=5000",
            "cache_size=-16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _postgres(url: Any) -> AsyncEngine:
    return create_async_engine(
        url, pool_size=8, max_overflow=8, pool_pre_ping=True, pool_timeout=WRITE_WAIT_S, hide_parameters=True
    )
