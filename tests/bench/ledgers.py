"""Big ledgers for benchmarks, made once: one that is there for the same size, seed and schema is taken again."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec
from rich.console import Console
from sqlalchemy import make_url

from dni.clock import SystemClock
from dni.ledger import migrate
from dni.parts import Parts
from dni.report.seal import seal_all
from dni.settings import Settings
from tests.bench import big_ledger
from tests.bench.big_rows import DAY_MS, Size
from tests.support import postgres

DAYS, SEED = 365, 1
# Pages tell of today and the days before: a ledger that ended earlier would show them too little.
_OLDEST_MS = 2 * DAY_MS


class Ready(msgspec.Struct, frozen=True):
    """`name` of the engine."""

    name: str
    url: str
    size: Size


def sqlite(folder: Path, sessions: int, calls: int) -> Ready:
    """A file in the folder."""
    stem, now_ms = _stem(sessions, calls), _hour_ms()
    for file in sorted(folder.glob(f"{stem}_*.sqlite3"), reverse=True):
        if (until_ms := _until_ms(file.stem)) >= now_ms - _OLDEST_MS:
            return Ready("SQLite", f"sqlite+aiosqlite:///{file}", Size(sessions, calls, until_ms, DAYS, SEED))
    _remove(folder.glob(f"{stem}_*"))
    file, making = folder / f"{stem}_{now_ms}.sqlite3", folder / f"{stem}_making"
    size = Size(sessions, calls, now_ms, DAYS, SEED)
    _make(f"sqlite+aiosqlite:///{making}", size)
    making.rename(file)
    return Ready("SQLite", f"sqlite+aiosqlite:///{file}", size)


@contextmanager
def on_postgres(folder: Path | None, sessions: int, calls: int) -> Iterator[Ready]:
    """A database of a server whose data are in `postgres` there; without a folder they go with it."""
    with postgres.running(folder / "postgres" if folder else None) as server:
        base = f"postgresql+asyncpg://postgres:{server.password}@127.0.0.1:{server.port}"
        stem, now_ms = _stem(sessions, calls), _hour_ms()
        there = [name for name in asyncio.run(_databases(base)) if name.startswith(stem)]
        fresh = [name for name in there if _until_ms(name) >= now_ms - _OLDEST_MS]
        if fresh:
            name = max(fresh)
        else:
            for name in there:
                server.sql(f"DROP DATABASE {name}")
            name, making = f"{stem}_{now_ms}", f"{stem}_0"
            server.sql(f"CREATE DATABASE {making}")
            _make(f"{base}/{making}", Size(sessions, calls, now_ms, DAYS, SEED))
            server.sql(f"ALTER DATABASE {making} RENAME TO {name}")
        yield Ready("PostgreSQL", f"{base}/{name}", Size(sessions, calls, _until_ms(name), DAYS, SEED))


def _make(url: str, size: Size) -> None:
    """With the columns that reports are counted from, as a service that ran all the while would have kept them."""
    console = Console()
    began = time.monotonic()
    big_ledger.with_progress(url, size, console)
    filled = time.monotonic()
    asyncio.run(seal(url))
    console.print(f"{size.sessions:,} sessions and {size.calls:,} calls made in {filled - began:.0f} s, "
                  f"their columns in {time.monotonic() - filled:.0f} s")  # fmt: skip


async def seal(url: str) -> None:
    # Nothing of Redis is asked for.
    parts = Parts(Settings(data_dir=Path.cwd(), redis_url="redis://127.0.0.1:1", database_url=url))
    try:
        await seal_all(parts)
    finally:
        await parts.ledger.close()


def _stem(sessions: int, calls: int) -> str:
    return f"big_{sessions}_{calls}_{DAYS}_{SEED}_{migrate.newest()}"


def _until_ms(name: str) -> int:
    """The last part; what is being made has none that counts."""
    last = name.rpartition("_")[2]
    return int(last) if last.isdecimal() else 0


def _hour_ms() -> int:
    now_ms = SystemClock().now_ms()
    return now_ms - now_ms % big_ledger.HOUR_MS


def _remove(files: Iterator[Path]) -> None:
    for file in files:
        file.unlink()


async def _databases(base: str) -> list[str]:
    url = make_url(f"{base}/postgres").set(drivername="postgresql").render_as_string(False)
    connection = await asyncpg.connect(url)
    try:
        return [row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")]
    finally:
        await connection.close()
