"""The ledger's part in crediting a call: asked beside Redis, waited for a moment only, and never in a caller's way."""

import asyncio
import threading
import time

import pytest
from sqlalchemy import text

from dni.attribution.attribute import attribute
from dni.errors import Unavailable
from dni.parts import Parts
from tests.support.carrier import visit
from tests.support.until import until
from tests.support.world import add


async def test_a_ledger_that_hangs_is_waited_for_a_moment(sqlite_parts: Parts) -> None:
    parts = sqlite_parts
    await add(parts)
    seen = await visit(parts)
    number = parts.catalog.now.numbers[seen["number"]]
    looker = parts.ledger._looker
    assert looker is not None
    over = threading.Event()
    looker._thread.submit(over.wait, 10)
    try:
        began = time.monotonic()
        answers = await asyncio.gather(
            *(attribute(parts, number, parts.clock.now_ms(), f"ring{n}", "+13125550142") for n in range(20))
        )
        assert time.monotonic() - began < 0.4
        assert {answer.session for answer in answers} == {seen["session"]}
        assert looker._thread._work_queue.qsize() <= 20
    finally:
        over.set()
    answer = await attribute(parts, number, parts.clock.now_ms(), "ring", "+13125550142")
    assert answer.session == seen["session"]


async def test_a_ledger_without_its_tables_is_away(sqlite_parts: Parts) -> None:
    parts = sqlite_parts
    await add(parts)
    async with parts.ledger.write() as connection:
        await connection.execute(text("ALTER TABLE lease RENAME TO elsewhere"))
    with pytest.raises(Unavailable) as refused:
        await parts.witness.evidence("+12025550100", parts.clock.now_ms(), "cmp_1", None)
    assert refused.value.code == "ledger_away"


async def test_a_lost_connection_is_away_and_made_anew(parts: Parts) -> None:
    if parts.ledger.is_sqlite:
        return  # a file has no connection to lose
    await add(parts)

    async def ask() -> None:
        await parts.witness.evidence("+12025550100", parts.clock.now_ms(), "cmp_1", "+13125550142")

    await ask()
    async with parts.ledger.read() as connection:
        others = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        await connection.execute(others)
    await ask()  # a connection is looked at before it is lent
    async with parts.ledger.write() as connection:
        await connection.execute(text("LOCK TABLE lease IN ACCESS EXCLUSIVE MODE"))
        asking = asyncio.create_task(ask())
        kill = text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")

        async def killed() -> bool:
            return bool((await connection.execute(kill)).all())

        await until(killed, "who waits for the lock is cut off")
        with pytest.raises(Unavailable) as refused:
            await asking
    assert refused.value.code == "ledger_away"
