"""Opens the ledger on SQLite or PostgreSQL and lends transactions. No table is named here but `revision`."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import URL, Connection, Executable, Select, Table, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from dni.errors import Unavailable
from dni.ledger import lookup
from dni.ledger.bulk import Many
from dni.ledger.lookup import Looker, Steps
from dni.ledger.prepared import Compiled
from dni.ledger.scribe import LOOK_AGAIN_S, Queue, Scribe, Waiting, begins, configure

T = TypeVar("T")

# How long a write waits for another process's write (SQLite) or for a connection, in seconds. A carrier gives up after
# 15 s or less and a caller hears silence meanwhile, so the carrier's door asks for less.
WRITE_WAIT_S = 5.0

# PostgreSQL's classes of errors that pass by themselves: connection, rollback by the server, resources, not in the
# right state, operator's intervention, system. https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY = {"08", "40", "53", "55", "57", "58"}
_LOCK_NOT_AVAILABLE = "55P03"

_AT_ONCE = 4
# The same of commits that are not urgent: they would take the processors from those that are.
_FEW_AT_ONCE = 2

# SQLite's log is written into the ledger's file when it is so long: 1,000 pages.
_LOG_IS_LONG = 4_096_000


class Ledger:
    """One process's way to the ledger.

    `read()` and `write()` lend an `AsyncConnection` in a transaction. SQLite has one writer: writes of one process
    queue on a lock, writes of several on SQLite's own (BEGIN IMMEDIATE, so that a deadlock cannot be). Both raise
    Unavailable `ledger_busy` or `ledger_away` when the ledger cannot be had in time; nothing is then written. So does
    `commit`, a transaction told as a function: who writes while calls come holds them up least by it.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._write_lock = asyncio.Lock()
        self._queue = Queue()
        self._writing: asyncio.Task[None] | None = None
        # All at once, all would be late: of one process so many commits, and lookups, run at a time on PostgreSQL.
        self._turns = {True: asyncio.Semaphore(_AT_ONCE), False: asyncio.Semaphore(_FEW_AT_ONCE)}
        self._lookups = asyncio.Semaphore(_AT_ONCE)
        self._engine = _sqlite(self.url, size=8, busy_timeout_s=WRITE_WAIT_S) if self.is_sqlite else _postgres(self.url)
        self._committers: dict[float, AsyncEngine] = {WRITE_WAIT_S: self._engine}
        self._writer = _sqlite(self.url, size=1, busy_timeout_s=0) if self.is_sqlite else self._engine
        self._scribe = Scribe(self.url) if self.is_sqlite else None
        self._looker = Looker(self.url.database or "") if self.is_sqlite else None
        self._log = Path(f"{self.url.database}-wal")

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
                    if wait_s != WRITE_WAIT_S:
                        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(wait_s * 1000)}")
                    yield connection
                return
            async with asyncio.timeout(wait_s) as patience, self._write_lock, self._writer.connect() as connection:
                while not await connection.run_sync(begins):  # noqa: ASYNC110  another process sets no event
                    await asyncio.sleep(LOOK_AGAIN_S)
                patience.reschedule(None)
                yield connection
                await connection.commit()

    async def commit(
        self, change: Callable[[Connection], T], wait_s: float = WRITE_WAIT_S, *, urgent: bool = False
    ) -> T:
        """What `change` answers, when it is committed; rolled back when it raises.

        `urgent`: somebody waits in silence; its turn comes before all that is not. On SQLite it runs in another thread:
        the event loop is not asked between its statements, while others wait.
        """
        if self._scribe is None:
            turn, committer = self._turns[urgent], self._committer(wait_s)
            async with _refusals(), asyncio.timeout(wait_s) as patience, turn, committer.begin() as connection:
                patience.reschedule(None)
                return await connection.run_sync(change)
        async with _refusals():
            waiting = Waiting(change, asyncio.get_running_loop().create_future())
            self._queue.put(waiting, urgent=urgent)
            if self._writing is None or self._writing.done():
                self._writing = asyncio.create_task(self._write_all(self._scribe))
            try:
                await asyncio.wait({waiting.answer}, timeout=wait_s)
            finally:
                is_late = self._queue.withdraw(waiting)
            if is_late:
                raise TimeoutError
            answer: T = await waiting.answer
            return answer

    async def _write_all(self, scribe: Scribe) -> None:
        """Until nobody waits."""
        while self._queue:
            async with self._write_lock:
                await scribe.commit(self._queue)

    def _committer(self, wait_s: float) -> AsyncEngine:
        """PostgreSQL: connections that wait so long for a lock; to tell so in each transaction takes a round trip."""
        if wait_s not in self._committers:
            self._committers[wait_s] = _postgres(self.url, size=_AT_ONCE, lock_wait_s=wait_s)
        return self._committers[wait_s]

    async def empty_log(self) -> bool:
        """SQLite: writes its log into the ledger's file and empties it, so that nothing deleted is left there. False:
        somebody reads just now; the log is overwritten later. PostgreSQL does its own."""
        if not self.is_sqlite:
            return True
        async with self._write_lock, self._writer.connect() as connection:
            busy, *_ = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).one()
            return not busy

    async def shorten_log(self) -> None:
        """SQLite: writes a long log into the ledger's file while others read and write. PostgreSQL does its own."""
        if self.is_sqlite and _size(self._log) > _LOG_IS_LONG:
            async with self.read() as connection:
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def insert(self, table: Table) -> Any:
        """An INSERT of this engine's dialect: both have `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def many(self, statement: Executable, columns: Sequence[str] | None = None) -> Many:
        """The statement for many rows at once; `columns`: of an INSERT."""
        return Many(statement, self._engine.dialect, columns)

    def lookup(self, statement: Select[Any]) -> Compiled:
        """The statement to be asked by `look`."""
        return Compiled(statement, self._engine.dialect)

    async def look(self, steps: Steps[T]) -> T:
        """For who cannot wait: what `steps` returns, which yields lookups with their values. Raises as `read` does."""
        async with _refusals():
            if self._looker is not None:
                return await self._looker.look(steps)
            async with self._lookups, self._engine.connect() as connection:
                return await lookup.look(connection, steps)

    async def close(self) -> None:
        if self._looker is not None:
            self._looker.close()
        if self._scribe is not None:
            self._scribe.close()
        for engine in {self._engine, self._writer, *self._committers.values()}:
            await engine.dispose()


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


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _sqlite(url: URL, size: int, busy_timeout_s: float) -> AsyncEngine:
    # One connection writes, others read beside it (WAL). Values never reach a log: they hold callers.
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=size, max_overflow=0, hide_parameters=True
    )
    configure(engine.sync_engine, busy_timeout_s)
    return engine


def _postgres(url: Any, size: int = 8, lock_wait_s: float = WRITE_WAIT_S) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=size,
        max_overflow=size,
        pool_timeout=WRITE_WAIT_S,
        hide_parameters=True,
        connect_args={"server_settings": {"lock_timeout": str(int(lock_wait_s * 1000))}},
    )
    event.listen(engine.sync_engine, "checkout", _is_open)
    return engine


def _is_open(connection: Any, _record: Any, _proxy: Any) -> None:
    """A server that ended has said so. SQLAlchemy's `pool_pre_ping` asks it each time, in four round trips."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
