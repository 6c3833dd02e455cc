"""What a budget has no room for is not paid, the verdict says why, and a limit is never exceeded."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import select

from dni.campaign import declare
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.qualification.budget import Limits, OfCalls, OfMoney
from dni.qualification.limits import NewBudget
from dni.qualification.settle import settle_call
from tests.support.trade import BILLS, PAYS, START_MS, Trade, terms

GOOD, NOTHING = (True, PAYS, BILLS), (False, 0, 0)


@pytest.fixture
async def trade(ledger: Ledger) -> Trade:
    made = Trade(ledger)
    await made.open()
    await made.put(terms())
    return made


async def bound(trade: Trade, limits: Limits, publisher: str | None = None) -> None:
    async with trade.ledger.write() as connection:
        await declare.budget(connection, START_MS, NewBudget(campaign="cmp_1", publisher=publisher, limits=limits))


async def missing(trade: Trade, call_id: str) -> tuple[str, str]:
    [row] = [row for row in await trade.rows(schema.verdict) if row["call_id"] == call_id]
    return tuple(row["told"][side].get("missing", "") for side in ("payout", "revenue"))


async def test_the_call_after_the_last_place_pays_nothing_and_says_so(trade: Trade) -> None:
    await bound(trade, Limits(calls=OfCalls(day=1)))
    first = await trade.call("a", START_MS)
    second = await trade.call("b", START_MS + 1, caller="+12125550143")
    await trade.settle()
    assert (await trade.pays(first), await trade.pays(second)) == (GOOD, NOTHING)
    payout, revenue = await missing(trade, second)
    assert payout == "the campaign's budget is used up"
    assert "day" in revenue
    await trade.settle(first, second)
    assert [len(await trade.posted(call)) for call in (first, second)] == [1, 0]


async def test_a_publishers_money_leaves_the_revenue_alone(trade: Trade) -> None:
    await bound(trade, Limits(money=OfMoney(month=PAYS)), publisher="pub_1")
    first = await trade.call("a", START_MS)
    second = await trade.call("b", START_MS + 1, caller="+12125550143")
    other = await trade.call("c", START_MS + 2, caller="+13125550144", publisher="pub_2")
    await trade.settle()
    assert [await trade.pays(call) for call in (first, second, other)] == [GOOD, (False, 0, BILLS), GOOD]
    assert "month" in (await missing(trade, second))[0]


async def used(trade: Trade) -> tuple[int, int]:
    """Calls and money of all time, of the first budget."""
    async with trade.ledger.read() as connection:
        counter = schema.counter.c
        total = select(counter.calls, counter.amount).where(counter.period == "total").order_by(counter.budget_id)
        row = (await connection.execute(total.limit(1))).one()
    return row.calls, row.amount


async def test_what_a_person_decides_is_paid_and_counted_whatever_the_budget_says(trade: Trade) -> None:
    await bound(trade, Limits(calls=OfCalls(day=1)))
    first = await trade.call("a", START_MS)
    second = await trade.call("b", START_MS + 1, caller="+12125550143")
    await trade.settle()
    await trade.adjust(second, PAYS, BILLS)
    await trade.settle()
    assert await trade.pays(second) == GOOD
    assert await used(trade) == (2, 2 * BILLS)
    for call in (first, second):
        await trade.adjust(call, 0, 0)
    await trade.settle()
    assert await used(trade) == (0, 0)
    third = await trade.call("c", START_MS + 2, caller="+13125550144")
    await trade.settle()
    assert await trade.pays(third) == GOOD, "what does not count is given back"


async def test_a_payout_by_hand_stands_where_the_campaign_has_no_room(trade: Trade) -> None:
    await bound(trade, Limits(calls=OfCalls(day=0)))
    call = await trade.call("a", START_MS)
    await trade.settle()
    await trade.adjust(call, payout=PAYS)
    await trade.settle()
    assert await trade.pays(call) == (True, PAYS, 0)


async def test_without_terms_answered_calls_count(ledger: Ledger) -> None:
    trade = Trade(ledger)
    await trade.open()
    await bound(trade, Limits(calls=OfCalls(day=5)))
    await trade.call("a", START_MS)
    await trade.rings("b", START_MS + 1, "+12125550143")
    await trade.told("b", {"event": "failed", "sip_code": "487"}, START_MS + 2)
    await trade.settle()
    assert await used(trade) == (1, 0)


async def test_of_a_hundred_calls_that_end_at_once_as_many_pay_as_there_is_money_for(trade: Trade) -> None:
    await bound(trade, Limits(money=OfMoney(total=7 * BILLS)))
    calls = [await trade.call(f"c{n}", START_MS + n, caller=f"+1212555{n:04}") for n in range(100)]
    settle = [trade.ledger.commit(partial(settle_call, call_id=one, now_ms=trade.now_ms), 60) for one in calls]
    await asyncio.gather(*settle)
    paid = [await trade.pays(one) for one in calls]
    assert (paid.count(GOOD), paid.count(NOTHING)) == (7, 93)
