"""How fast the one recorder writes, on each ledger, and how large what it writes is."""

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from dni.ledger import schema
from dni.parts import Parts
from dni.session.recorder import record
from dni.tag.browser import Browser
from dni.tag.lease import lease
from dni.tag.wire import LeaseRequest, Page
from tests.support.browser import LANDING, PERSON
from tests.support.world import ORIGIN, TARGET, add

pytestmark = pytest.mark.bench

_SESSIONS, _AT_ONCE = 20_000, 200


async def test_sessions_a_second(parts: Parts, tmp_path: Path) -> None:
    await add(parts, pool_size=_SESSIONS)
    tag = parts.catalog.now.tags["tag_1"]
    before, _ = await _size(parts, tmp_path)
    for at in range(0, _SESSIONS, _AT_ONCE):
        visits = [_visit(number) for number in range(at, at + _AT_ONCE)]
        answers = await asyncio.gather(*(lease(parts, tag, *visit) for visit in visits))
        assert all(answer.numbers[TARGET].lease for answer in answers)
    stop = asyncio.Event()
    stop.set()  # it ends when nothing waits any more
    began = time.monotonic()
    await record(parts, stop)
    took_s = time.monotonic() - began
    after, rows = await _size(parts, tmp_path)
    assert rows == _SESSIONS
    engine = "SQLite" if parts.ledger.is_sqlite else "PostgreSQL, not durable"
    print(
        f"\nrecorder on {engine}: {_SESSIONS / took_s:,.0f} sessions/s, {(after - before) / _SESSIONS:,.0f} bytes of "
        "ledger a session with its lease, indexes included"
    )


def _visit(number: int) -> tuple[LeaseRequest, Browser]:
    page = Page(f"page{number}", 1, f"{LANDING}{number}", "Plumber")
    request = LeaseRequest(
        1, "key1", page, [TARGET], referrer="https://www.google.com/", tz="America/Chicago", lang="en"
    )
    return request, Browser(f"198.18.{number // 250}.{number % 250}", PERSON, ORIGIN)


async def _size(parts: Parts, tmp_path: Path) -> tuple[int, int]:
    """Bytes of the ledger, and sessions in it."""
    async with parts.ledger.read() as connection:
        rows = (await connection.execute(select(func.count()).select_from(schema.session))).scalar_one()
        if not parts.ledger.is_sqlite:
            size = text("SELECT pg_database_size(current_database())")
            return (await connection.execute(size)).scalar_one(), rows
    return _bytes(tmp_path), rows


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("ledger.sqlite3*"))
