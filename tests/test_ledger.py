"""Transactions of the ledger: who waits for whom, for how long, and what is left when it did not work."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Connection, func, insert, select, text

from dni.errors import Unavailable
from dni.ledger.engines import Ledger
from dni.ledger.schema import word

LONG = "x" * 1_000


on_sqlite = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize(
    "ledger_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


def adding(code: int, many: int = 1) -> Callable[[Connection], int]:
    """Words from `code` on."""

    def change(connection: Connection) -> int:
        rows = [
            {"dimension": "source", "code": at, "digest": b"%d" % at, "folded": b"%d" % at, "text": LONG}
            for at in range(code, code + many)
        ]
        connection.execute(insert(word), rows)
        return many

    return change


async def words(ledger: Ledger) -> int:
    async with ledger.read() as connection:
        return (await connection.execute(select(func.count()).select_from(word))).scalar_one()


async def test_a_change_is_there_when_it_is_answered(ledger: Ledger) -> None:
    assert await ledger.commit(adding(1, 3)) == 3
    assert await words(ledger) == 3


async def test_a_change_that_raises_leaves_nothing_and_holds_up_nobody(ledger: Ledger) -> None:
    def fails(connection: Connection) -> None:
        adding(1)(connection)
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        await ledger.commit(fails)
    assert await words(ledger) == 0
    await ledger.commit(adding(1))
    async with ledger.write() as connection:
        await connection.run_sync(adding(2))
    assert await words(ledger) == 2


async def test_changes_at_once_all_come_through(ledger: Ledger) -> None:
    other = Ledger(ledger.url.render_as_string(hide_password=False))
    await asyncio.gather(*((ledger, other)[n % 2].commit(adding(n)) for n in range(40)))
    await other.close()
    assert await words(ledger) == 40


@on_sqlite
async def test_who_is_urgent_is_written_first(ledger: Ledger) -> None:
    other = Ledger(str(ledger.url))
    order: list[int] = []

    def told(code: int) -> Callable[[Connection], None]:
        def change(connection: Connection) -> None:
            adding(code)(connection)
            order.append(code)

        return change

    async with other.write():
        patient = [asyncio.create_task(ledger.commit(told(n))) for n in range(1, 9)]
        await asyncio.sleep(0)
        urgent = asyncio.create_task(ledger.commit(told(9), urgent=True))
        await asyncio.sleep(0)
    await asyncio.gather(urgent, *patient)
    await other.close()
    assert order == [9, 1, 2, 3, 4, 5, 6, 7, 8]
    assert await words(ledger) == 9


@on_postgres
async def test_who_is_urgent_does_not_wait_for_those_who_wait_for_a_lock(ledger: Ledger) -> None:
    async with ledger.write() as connection:
        await connection.execute(text("LOCK TABLE word IN EXCLUSIVE MODE"))
        patient = [asyncio.create_task(ledger.commit(adding(n))) for n in range(1, 9)]
        await asyncio.sleep(0)
        asked = ledger.commit(lambda connection: connection.execute(select(1)).scalar_one(), 0.5, urgent=True)
        assert await asked == 1
        assert not any(one.done() for one in patient)
    await asyncio.gather(*patient)
    assert await words(ledger) == 8


@on_postgres
async def test_a_connection_that_the_server_closed_is_not_used_again(ledger: Ledger) -> None:
    await ledger.commit(adding(1), 0.5, urgent=True)
    await words(ledger)
    mine = await asyncpg.connect(ledger.url.set(drivername="postgresql").render_as_string(hide_password=False))
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    # Until their processes are gone: a server's view forgets them before their sockets are closed.
    await mine.execute(f"SELECT pg_terminate_backend(pid, 5000) {others} AND backend_type = 'client backend'")
    await mine.close()
    await ledger.commit(adding(2), 0.5, urgent=True)
    assert await words(ledger) == 2


@on_sqlite
async def test_another_process_write_is_waited_for_and_then_it_is_our_turn(ledger: Ledger) -> None:
    other = Ledger(str(ledger.url))
    async with other.write() as connection:
        waiting = asyncio.create_task(ledger.commit(adding(1)))
        also = asyncio.create_task(_writes(ledger, 2))
        await connection.run_sync(adding(3))
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, 2) == 1
    await asyncio.wait_for(also, 2)
    await other.close()
    assert await words(ledger) == 3


async def _writes(ledger: Ledger, code: int) -> None:
    async with ledger.write() as connection:
        await connection.run_sync(adding(code))


@on_sqlite
async def test_who_waits_too_long_is_told_and_writes_nothing(ledger: Ledger) -> None:
    other = Ledger(str(ledger.url))
    async with other.write():
        for attempt in (ledger.commit(adding(1), 0.02), _waits_shortly(ledger)):
            with pytest.raises(Unavailable) as refused:
                await attempt
            assert refused.value.code == "ledger_busy"
    await other.close()
    assert await words(ledger) == 0
    assert await ledger.commit(adding(1), 0.02) == 1


async def _waits_shortly(ledger: Ledger) -> None:
    async with ledger.write(0.02):
        raise AssertionError("nobody may write now")


@on_sqlite
async def test_a_long_log_is_written_into_the_file_while_others_write(ledger: Ledger, tmp_path: Path) -> None:
    """No commit did it before: whoever commits would have waited for it."""
    await ledger.commit(adding(1, 6_000))
    assert _in_the_file_alone(ledger, tmp_path) == 0
    other = Ledger(str(ledger.url))
    async with other.write():
        await ledger.shorten_log()
    await other.close()
    assert _in_the_file_alone(ledger, tmp_path) == 6_000
    # It begins anew then, and is not long any more.
    await ledger.commit(adding(6_001))
    assert _length_of_log(ledger) < 2_000_000


def _length_of_log(ledger: Ledger) -> int:
    return Path(f"{ledger.url.database}-wal").stat().st_size


def _in_the_file_alone(ledger: Ledger, folder: Path) -> int:
    """Words that are there when the log is not."""
    copy = folder / "copy.sqlite3"
    shutil.copy(str(ledger.url.database), copy)
    with sqlite3.connect(copy) as connection:
        try:
            found: int = connection.execute("SELECT count(*) FROM word").fetchone()[0]
        except sqlite3.OperationalError:  # not even the table
            found = 0
    connection.close()
    copy.unlink()
    return found
