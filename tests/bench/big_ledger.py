"""Fills a ledger with years of made-up sessions and calls, fast: what reports are measured on.

`python -m tests.bench.big_ledger --sessions 10_000_000 --calls 1_000_000 --url sqlite+aiosqlite:////tmp/big.sqlite3`
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from typing import Annotated, Protocol

import asyncpg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sqlalchemy import func, insert, make_url, select

from dni.catalog.load import raise_revision
from dni.clock import SystemClock, from_rfc3339
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from tests.bench import big_rows, big_world
from tests.bench.big_rows import BigRows, Rows, Size

HOUR_MS = 3_600_000
_CHUNK = 20_000
_FILLED = {
    "session": big_rows.SESSION,
    "lease": big_rows.LEASE,
    "call": big_rows.CALL,
    "call_event": big_rows.CALL_EVENT,
    "call_touch": big_rows.CALL_TOUCH,
}
Tell = Callable[[str, int], None]


class _Writer(Protocol):
    """Takes rows while nothing is indexed, as each engine takes them fastest."""

    async def open(self) -> None: ...
    async def write(self, table: str, rows: Rows) -> None: ...
    async def finish(self) -> None:
        """Indexes as they were, and what the engine needs to know to plan well."""

    async def close(self) -> None: ...


async def fill(url: str, size: Size, tell: Tell = lambda _what, _done: None) -> None:
    """Migrates the ledger and fills it. `tell`: what is being done, and how many rows were added since it last told.

    Raises ValueError when it has sessions already. A ledger that was left half filled is to be thrown away.
    """
    await _begin(url, size)
    writer: _Writer = _Sqlite(url) if make_url(url).get_backend_name() == "sqlite" else _Postgres(url)
    tell("drawing by chance", 0)
    rows = await asyncio.to_thread(BigRows, size)
    try:
        await writer.open()
        for what, chunk in _chunks(rows):
            for table, made in chunk.items():
                await writer.write(table, made)
            tell(what, len(next(iter(chunk.values()))))
        tell("indexes", 0)
        await writer.finish()
    finally:
        await writer.close()


def _chunks(rows: BigRows) -> Iterator[tuple[str, dict[str, Rows]]]:
    for begin in range(0, rows.size.sessions, _CHUNK):
        yield "sessions", dict(zip(("session", "lease"), rows.sessions(begin, begin + _CHUNK), strict=True))
    for begin in range(0, rows.size.calls, _CHUNK):
        yield "calls", dict(zip(("call", "call_event", "call_touch"), rows.calls(begin, begin + _CHUNK), strict=True))


async def _begin(url: str, size: Size) -> None:
    ledger = Ledger(url)
    try:
        await migrate(ledger)
        async with ledger.write() as connection:
            if (await connection.execute(select(func.count()).select_from(schema.session))).scalar_one():
                raise ValueError(f"{url} has sessions already")
            for table, rows in big_world.configuration(size.until_ms - (size.days + 1) * big_rows.DAY_MS):
                await connection.execute(insert(table), rows)
            await raise_revision(connection)
    finally:
        await ledger.close()


class _Sqlite:
    """Without a journal, in one process alone; afterwards as `dni.ledger.engines` opens it."""

    def __init__(self, url: str) -> None:
        self._file = make_url(url).database or ""
        self._indexes: list[str] = []

    async def open(self) -> None:
        self._connection = connection = sqlite3.connect(self._file, isolation_level=None)
        for pragma in ("journal_mode=DELETE", "journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}")
        # Half a GB, of which what a table's own key needs stays in memory; two threads sort an index.
        connection.execute("PRAGMA cache_size=-500000")
        connection.execute("PRAGMA threads=2")
        wanted = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        found = [row for row in connection.execute(wanted) if self._is_filled(row[1])]
        self._indexes = [sql for _, sql in found]
        for name, _ in found:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("BEGIN")

    @staticmethod
    def _is_filled(sql: str) -> bool:
        return sql.partition(" ON ")[2].split()[0].strip('"') in _FILLED

    async def write(self, table: str, rows: Rows) -> None:
        columns = _FILLED[table]
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  our own names
        self._connection.executemany(sql, rows)

    async def finish(self) -> None:
        self._connection.execute("COMMIT")
        for sql in self._indexes:
            self._connection.execute(sql)
        # As a ledger that has grown would: by a sample of each index.
        self._connection.execute("PRAGMA analysis_limit=1000")
        self._connection.execute("ANALYZE")
        self._connection.execute("PRAGMA journal_mode=WAL")

    async def close(self) -> None:
        self._connection.close()


class _Postgres:
    """By binary COPY, without keys and indexes."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql").render_as_string(False)
        self._again: list[str] = []

    async def open(self) -> None:
        self._connection = connection = await asyncpg.connect(self._url)
        await connection.execute("SET maintenance_work_mem = '512MB'; SET synchronous_commit = off")
        names = "', '".join(_FILLED)
        # Of these tables, and what points to them.
        constraints = await connection.fetch(
            "SELECT conrelid::regclass::text AS its, conname AS name, pg_get_constraintdef(oid) AS text "  # noqa: S608
            f"FROM pg_constraint WHERE (contype IN ('p', 'u', 'f') AND conrelid::regclass::text IN ('{names}')) "
            f"OR confrelid::regclass::text IN ('{names}') ORDER BY contype = 'f', contype"
        )
        for one in reversed(constraints):
            await connection.execute(f'ALTER TABLE {one["its"]} DROP CONSTRAINT "{one["name"]}"')
        indexes = await connection.fetch(
            f"SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename IN ('{names}')"  # noqa: S608
        )
        for one in indexes:
            await connection.execute(f'DROP INDEX "{one["indexname"]}"')
        keys = [f'ALTER TABLE {one["its"]} ADD CONSTRAINT "{one["name"]}" {one["text"]}' for one in constraints]
        first = [sql for sql in keys if "FOREIGN KEY" not in sql]
        self._again = [*first, *(one["indexdef"] for one in indexes), *(sql for sql in keys if sql not in first)]

    async def write(self, table: str, rows: Rows) -> None:
        await self._connection.copy_records_to_table(table, records=rows, columns=_FILLED[table])

    async def finish(self) -> None:
        for sql in self._again:
            await self._connection.execute(sql)
        await self._connection.execute("VACUUM ANALYZE")

    async def close(self) -> None:
        await self._connection.close()


def with_progress(url: str, size: Size, console: Console) -> None:
    """Fills it; on a terminal with a bar."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("drawing by chance", total=size.sessions + size.calls)

        def tell(what: str, done: int) -> None:
            progress.update(bar, description=what, advance=done)

        asyncio.run(fill(url, size, tell))


def _count(text: str) -> int:
    return int(text)


def main(
    url: Annotated[str, typer.Option(help="sqlite+aiosqlite:///… or postgresql+asyncpg://…, an empty ledger.")],
    sessions: Annotated[int, typer.Option(parser=_count)] = 1_000_000,
    calls: Annotated[int, typer.Option(parser=_count)] = 100_000,
    days: Annotated[int, typer.Option(min=1, max=730)] = 365,
    seed: Annotated[int, typer.Option(help="The same seed makes the same rows.")] = 1,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339; else the last full hour.")] = None,
) -> None:
    """Fill an empty ledger with made-up sessions and calls."""
    now_ms = SystemClock().now_ms()
    until_ms = from_rfc3339(until) if until else now_ms - now_ms % HOUR_MS
    with_progress(url, Size(sessions, calls, until_ms, days, seed), Console(stderr=True))


if __name__ == "__main__":
    typer.run(main)
