"""On PostgreSQL, where many write at once: who would read what another one is about to change waits for it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from dni.campaign import declare
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.qualification.settle import settle_call
from tests.support.trade import ADMIN, BILLS, PAYS, START_MS, Trade, terms
from tests.support.until import until

NOTHING = (False, 0, 0)


@pytest.fixture
async def trade(postgres_url: str) -> AsyncIterator[Trade]:
    ledger = Ledger(postgres_url)
    await migrate(ledger)
    made = Trade(ledger)
    await made.open()
    yield made
    await ledger.close()


async def somebody_waits(trade: Trade) -> None:
    async def waits() -> bool:
        async with trade.ledger.read() as connection:
            asked = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return bool(await connection.scalar(asked))

    await until(waits, "somebody waits for his turn")


async def test_a_later_call_of_a_telephone_waits_until_the_earlier_one_is_settled(trade: Trade) -> None:
    await trade.put(terms())
    first, again = await trade.call("a", START_MS), await trade.call("b", START_MS + 1)
    async with trade.ledger.write() as connection:
        await connection.run_sync(settle_call, first, trade.now_ms)
        later = asyncio.create_task(trade.settle(again))
        await somebody_waits(trade)
    await later
    assert [await trade.pays(call) for call in (first, again)] == [(True, PAYS, BILLS), NOTHING]
    assert await trade.posted(again) == []  # it was never paid, not even for a moment


async def test_a_call_waits_until_terms_are_written_that_may_be_its_own(trade: Trade) -> None:
    await trade.put(terms())
    call = await trade.call("a", START_MS + 1)
    async with trade.ledger.write() as connection:
        await declare.terms(connection, ADMIN, trade.now_ms, "cmp_1", None, None, terms("talk >= 5m"))
        settling = asyncio.create_task(trade.settle(call))
        await somebody_waits(trade)
    await settling
    assert await trade.pays(call) == NOTHING
    assert await trade.posted(call) == []
