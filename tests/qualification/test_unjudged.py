"""Calls that nothing is said of are done many at a time, and just those: of every other one `settle` has the word."""

import asyncio

import pytest
from sqlalchemy import insert

from dni.catalog.load import load
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.qualification import unjudged
from tests.support.trade import OTHER, START_MS, Trade, terms


@pytest.fixture
async def trade(ledger: Ledger) -> Trade:
    made = Trade(ledger)
    await made.open()
    return made


async def budget(trade: Trade, campaign: str) -> None:
    values = {"id": f"bud_{campaign}", "campaign_id": campaign, "limits": {"day": {"calls": 5}}, "created_at_ms": 0}
    async with trade.ledger.write() as connection:
        await connection.execute(insert(schema.budget).values(values))


async def test_calls_of_a_campaign_without_terms_are_done_at_once(trade: Trade) -> None:
    for n in range(30):
        await trade.call(f"c{n}", START_MS + n, campaign="cmp_3")
    assert len(await trade.unsettled()) == 30
    await unjudged.clear(trade.ledger, trade.now_ms)
    assert await trade.unsettled() == []
    assert {row["qualified"] for row in await trade.rows(schema.call)} == {None}


async def test_what_might_be_judged_is_left(trade: Trade) -> None:
    await trade.put(terms())
    await budget(trade, "cmp_3")
    left = {
        "has terms": await trade.call("a", START_MS + 5, caller=OTHER),
        "has a budget": await trade.call("b", START_MS, campaign="cmp_3"),
        "was adjusted": await trade.call("c", START_MS, campaign="cmp_2"),
    }
    await trade.adjust(left["was adjusted"], payout=500)
    await unjudged.clear(trade.ledger, trade.now_ms)
    assert set(await trade.unsettled()) == set(left.values())


async def test_a_call_that_makes_a_later_one_a_repeat_is_left(trade: Trade) -> None:
    """Of another campaign of the same advertiser, told late."""
    await trade.put(terms())
    later = await trade.call("later", START_MS + 60_000)
    await trade.settle(later)
    earlier = await trade.call("earlier", START_MS, campaign="cmp_2")
    await unjudged.clear(trade.ledger, trade.now_ms)
    assert await trade.unsettled() == [earlier]
    await trade.settle(earlier)
    assert await trade.unsettled() == [later]


async def test_terms_that_come_meanwhile_find_their_calls(trade: Trade) -> None:
    calls = [await trade.call(f"c{n}", START_MS + n, caller=f"+1415555{100 + n:04}") for n in range(20)]
    await asyncio.gather(trade.put(terms()), *(unjudged.clear(trade.ledger, trade.now_ms) for _ in range(3)))
    await trade.settle()
    assert {(await trade.pays(one))[0] for one in calls} == {True}


async def test_the_catalog_knows_whose_calls_are_judged(trade: Trade) -> None:
    assert (await load(trade.ledger)).judged == frozenset()
    await trade.put(terms())
    await budget(trade, "cmp_3")
    assert (await load(trade.ledger)).judged == {"cmp_1", "cmp_3"}
