"""A call pays what its terms say, once, whatever is told of it in which order; and what changes is posted, not written
over."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, null, update

from dni.call import outcomes
from dni.call.outcome import TellOutcome
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.money import Money
from dni.privacy.words import forget_words
from dni.qualification.model import Dedupe, Policy, Side
from tests.support.trade import ADMIN, BILLS, CALLER, DAY, OTHER, PAYS, START_MS, Trade, terms

MINUTE = 60_000
GOOD = (True, PAYS, BILLS)
NOTHING = (False, 0, 0)


@pytest.fixture
async def trade(ledger: Ledger) -> Trade:
    made = Trade(ledger)
    await made.open()
    return made


async def told(trade: Trade, call_id: str) -> dict[str, object]:
    [found] = [row for row in await trade.rows(schema.verdict) if row["call_id"] == call_id]
    return found


async def tell(trade: Trade, call_id: str, **what: Any) -> None:
    trade.now_ms += 1
    async with trade.ledger.write() as connection:
        await outcomes.tell(connection, ADMIN, trade.now_ms, call_id, TellOutcome(**what))


async def test_a_call_that_qualifies_is_paid_and_billed(trade: Trade) -> None:
    await trade.put(terms())
    good, short = await trade.call("a", START_MS), await trade.call("b", START_MS + 1, talk_s=59, caller=OTHER)
    await trade.settle()
    assert await trade.pays(good) == GOOD
    assert await trade.posted(good) == [("verdict", "pub_1", PAYS, BILLS)]
    assert await trade.pays(short) == NOTHING
    assert await trade.posted(short) == []
    assert (await told(trade, short))["told"]["payout"]["missing"] == "talk 59 s, needed 60 s"  # type: ignore[index]
    sums: dict[str, int] = {}
    for entry in await trade.rows(schema.entry):
        sums[entry["account"]] = entry["amount"]
    assert sums == {"advertiser_receivable": BILLS, "publisher_payable": -PAYS, "margin": PAYS - BILLS}


async def test_settled_again_it_changes_nothing(trade: Trade) -> None:
    await trade.put(terms())
    call = await trade.call("a", START_MS)
    for _ in range(3):
        await trade.settle(call)
    await trade.ended("a", START_MS + 95_000, 90)  # told again
    assert await trade.unsettled() == []
    assert len(await trade.posted(call)) == 1


async def test_a_call_that_goes_on_is_not_judged(trade: Trade) -> None:
    await trade.put(terms())
    call = (await trade.rings("a", START_MS)).id
    await trade.answered("a", START_MS + 5_000)
    await trade.settle(call)
    assert await trade.pays(call) == (None, None, None)
    await trade.ended("a", START_MS + 95_000, 90)
    await trade.settle()
    assert await trade.pays(call) == GOOD


async def test_without_terms_nothing_happens(trade: Trade) -> None:
    call = await trade.call("a", START_MS)
    await trade.settle()
    assert await trade.pays(call) == (None, None, None)
    assert await trade.rows(schema.verdict) == []
    assert await trade.unsettled() == []


async def test_each_call_keeps_the_terms_under_which_it_began(trade: Trade) -> None:
    await trade.put(terms())
    old = await trade.call("old", START_MS + DAY - 1)
    trade.now_ms += DAY
    await trade.put(terms("talk >= 5m"))
    new = await trade.call("new", START_MS + DAY, caller=OTHER)
    await trade.settle()
    assert (await trade.pays(old), await trade.pays(new)) == (GOOD, NOTHING)
    await trade.ended("old", START_MS + 2 * DAY, 100)
    await trade.settle()
    assert await trade.pays(old) == GOOD


async def test_an_override_is_for_its_publisher_until_it_ends(trade: Trade) -> None:
    await trade.put(terms())
    more = Side(base=Policy(name="Special", amount=9_000))
    await trade.put(terms(payout=more), publisher="pub_2")
    one = await trade.call("a", START_MS)
    two = await trade.call("b", START_MS, caller=OTHER, publisher="pub_2")
    trade.now_ms += DAY
    await trade.put(None, publisher="pub_2")
    three = await trade.call("c", START_MS + DAY, caller="+13125550144", publisher="pub_2")
    await trade.settle()
    assert [await trade.pays(call) for call in (one, two, three)] == [GOOD, (True, 9_000, BILLS), GOOD]


async def test_terms_that_come_while_a_call_is_settled_still_apply_to_it(trade: Trade) -> None:
    """The call began and ended after the moment from which they apply, and was settled before they were written."""
    await trade.put(terms())
    call = await trade.call("a", START_MS + 1)
    await trade.settle()
    await trade.put(terms("talk >= 5m"))
    await trade.settle()
    assert await trade.pays(call) == NOTHING
    assert await trade.posted(call) == [("verdict", "pub_1", PAYS, BILLS), ("verdict", "pub_1", -PAYS, -BILLS)]


async def test_a_static_number_pays_its_publisher_the_same(trade: Trade) -> None:
    """Radio has no visitors: nobody is surer of whose call it is than the number's own binding."""
    await trade.put(terms("talk >= 60s and confidence >= 90%"))
    call = await trade.call("a", START_MS)
    await trade.settle()
    assert await trade.pays(call) == GOOD
    assert await trade.posted(call) == [("verdict", "pub_1", PAYS, BILLS)]


async def test_a_call_of_no_publisher_is_billed_and_pays_nobody(trade: Trade) -> None:
    await trade.put(terms())
    call = await trade.call("a", START_MS, publisher=None)
    await trade.settle()
    assert await trade.pays(call) == (True, 0, BILLS)
    assert await trade.posted(call) == [("verdict", None, 0, BILLS)]


async def test_a_repeat_is_not_paid(trade: Trade) -> None:
    await trade.put(terms())
    first = await trade.call("a", START_MS)
    again = await trade.call("b", START_MS + 30 * DAY - 1)
    later = await trade.call("c", START_MS + 60 * DAY)
    await trade.settle()
    assert [await trade.pays(call) for call in (first, again, later)] == [GOOD, NOTHING, GOOD]


async def test_a_withheld_number_and_a_shared_telephone_are_no_repeats(trade: Trade) -> None:
    await trade.put(terms(dedupe=Dedupe(shared=(OTHER,))))
    calls = [
        await trade.call(f"{n}", START_MS + n, caller=caller) for n, caller in enumerate((None, OTHER, None, OTHER))
    ]
    await trade.settle()
    assert [await trade.pays(call) for call in calls] == [GOOD] * 4


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
async def test_a_call_that_is_told_late_makes_a_later_one_a_repeat(trade: Trade, order: tuple[int, ...]) -> None:
    await trade.put(terms())
    calls: dict[int, str] = {}
    for n in order:
        calls[n] = await trade.call(f"{n}", START_MS + n * MINUTE)
        await trade.settle()
    assert [await trade.pays(calls[n]) for n in (0, 1, 2)] == [GOOD, NOTHING, NOTHING]


async def test_the_caller_is_told_late(trade: Trade) -> None:
    await trade.put(terms())
    first = (await trade.ended("a", START_MS + MINUTE, 90)).id
    again = await trade.call("b", START_MS + 2 * MINUTE)
    await trade.settle()
    assert await trade.pays(again) == GOOD
    await trade.rings("a", START_MS)
    await trade.settle()
    assert await trade.row(first) | {"caller": CALLER} == await trade.row(first)
    assert [await trade.pays(call) for call in (first, again)] == [GOOD, NOTHING]


async def test_only_paid_calls_make_a_repeat_where_the_terms_say_so(trade: Trade) -> None:
    await trade.put(terms(dedupe=Dedupe(counts="paid")))
    short = await trade.call("a", START_MS, talk_s=10)
    good = await trade.call("b", START_MS + MINUTE)
    again = await trade.call("c", START_MS + 2 * MINUTE)
    await trade.settle()
    assert [await trade.pays(call) for call in (short, good, again)] == [NOTHING, GOOD, NOTHING]
    # A person decides that the first one is paid: the second one is a repeat, and so is the third one still.
    await trade.adjust(short, payout=100)
    await trade.settle()
    assert [await trade.pays(call) for call in (short, good, again)] == [(True, 100, 0), NOTHING, NOTHING]
    await trade.adjust(short, payout=0)
    await trade.settle()
    assert [await trade.pays(call) for call in (short, good, again)] == [NOTHING, GOOD, NOTHING]


@pytest.mark.parametrize(
    ("scope", "paid"),
    [("campaign", [True, True, True]), ("advertiser", [True, False, True]), ("destination", [True, False, False])],
)
async def test_among_which_calls_a_repeat_is_looked_for(trade: Trade, scope: str, paid: list[bool]) -> None:
    calls = []
    for n, campaign in enumerate(("cmp_1", "cmp_2", "cmp_3")):
        await trade.put(terms(dedupe=Dedupe(scope=scope)), campaign)  # type: ignore[arg-type]
        calls.append(await trade.call(campaign, START_MS + n * MINUTE, campaign=campaign))
    await trade.settle()
    assert [(await trade.pays(call))[0] for call in calls] == paid


async def test_a_sale_that_is_told_late_pays(trade: Trade) -> None:
    bonus = Policy(name="Sale", when="sale", percent=10)
    await trade.put(terms(payout=Side(base=terms().payout.base, bonuses=(bonus,))))
    call = await trade.call("a", START_MS)
    await trade.settle()
    await tell(trade, call, sale=True, value=Money(50_000, "USD"))
    await trade.settle()
    assert await trade.pays(call) == (True, 5_000, BILLS)
    assert await trade.posted(call) == [("verdict", "pub_1", PAYS, BILLS), ("outcome", "pub_1", 5_000 - PAYS, 0)]


async def test_what_a_person_decides_stands_in_the_place_of_the_terms(trade: Trade) -> None:
    await trade.put(terms())
    call = await trade.call("a", START_MS)
    await trade.settle()
    await trade.adjust(call, payout=0)
    await trade.settle()
    assert await trade.pays(call) == (False, 0, BILLS)
    await trade.adjust(call)
    await trade.settle()
    assert await trade.pays(call) == GOOD
    assert [one[0] for one in await trade.posted(call)] == ["verdict", "correction", "correction"]


async def test_a_call_is_given_to_another_publisher(trade: Trade) -> None:
    await trade.put(terms())
    await trade.put(terms(payout=Side(base=Policy(name="Special", amount=9_000))), publisher="pub_2")
    call = await trade.call("a", START_MS)
    await trade.settle()
    await trade.credit_anew(call, "pub_2")
    await trade.settle()
    assert await trade.pays(call) == (True, 9_000, BILLS)
    assert await trade.posted(call) == [
        ("verdict", "pub_1", PAYS, BILLS),
        ("reattribution", "pub_1", -PAYS, -BILLS),
        ("reattribution", "pub_2", 9_000, BILLS),
    ]


async def test_of_a_hundred_calls_of_one_telephone_that_end_at_once_one_is_paid(trade: Trade) -> None:
    """On four hosts, each with connections of its own, that settle while others are told of more."""
    await trade.put(terms(dedupe=Dedupe(counts="paid")))
    url = trade.ledger.url.render_as_string(hide_password=False)
    hosts = [Trade(Ledger(url)) for _ in range(4)]
    turns = asyncio.Semaphore(16)  # who waits longer than 5 s for the ledger is told so

    async def one(n: int) -> str:
        host = hosts[n % 4]
        async with turns:
            call = await host.call(f"{n:03}", START_MS + n % 7)
            await host.settle(call)
        return call

    calls = await asyncio.gather(*(one(n) for n in range(100)))
    await asyncio.gather(*(host.settle() for host in hosts))
    for host in hosts:
        await host.ledger.close()
    rows = await trade.rows(schema.call)
    first = min(rows, key=lambda row: (row["started_at_ms"], row["id"]))
    assert len(rows) == len(set(calls)) == 100
    assert [row["id"] for row in rows if row["payout"]] == [first["id"]]
    owed = [row["amount"] for row in await trade.rows(schema.entry) if row["account"] == "publisher_payable"]
    assert sum(owed) == -PAYS


async def forget(trade: Trade, call_id: str) -> None:
    """As `dni.privacy` does it."""
    async with trade.ledger.write() as connection:
        mine = schema.call.c.id == call_id
        values = {"caller": None, "forgot_ms": trade.now_ms, "unsettled_ms": trade.now_ms}
        await connection.execute(update(schema.call).where(mine).values(values))
        await forget_words(connection, {call_id})


async def test_who_called_is_forgotten_and_the_money_stays(trade: Trade) -> None:
    await trade.put(terms("talk >= 60s and region = CA"))
    first, again = await trade.call("a", START_MS), await trade.call("b", START_MS + MINUTE)
    await trade.settle()
    assert await trade.pays(first) == GOOD
    before = repr(await told(trade, first))
    assert "CA" in before
    await forget(trade, first)
    # The later call is still a repeat of the one whose telephone nobody knows any more.
    await trade.ended("b", START_MS + 10 * MINUTE, 500)
    await trade.settle()
    assert [await trade.pays(call) for call in (first, again)] == [GOOD, NOTHING]
    found = (await told(trade, first))["told"]["payout"]  # type: ignore[index]
    assert [term["told"] for policy in found["policies"] for term in policy["terms"]] == [""] * 4
    await trade.adjust(first, payout=1)
    await trade.settle()
    assert await trade.pays(first) == (True, 1, BILLS)


async def test_fields_of_the_page_that_are_forgotten_take_nothing_back(trade: Trade) -> None:
    await trade.put(terms("custom(plan) = gold"))
    call = await trade.call("a", START_MS)
    await trade.credit_anew(call, "pub_1")
    async with trade.ledger.write() as connection:
        values: dict[str, Any] = dict.fromkeys(("visitor_id", "tag_id", "campaign_id", "consent"), "x")
        values |= {"started_at_ms": START_MS, "last_seen_ms": START_MS, "page_views": 1, "custom": {"plan": "gold"}}
        await connection.execute(insert(schema.session).values(id="ses_1", **values))
    await trade.settle()
    assert await trade.pays(call) == GOOD
    async with trade.ledger.write() as connection:
        await connection.execute(update(schema.session).values(custom=null()))
    await tell(trade, call, lead_status="lost")
    await trade.settle()
    assert await trade.pays(call) == GOOD


async def test_clock_and_holidays_are_those_of_the_first_verdict(trade: Trade) -> None:
    await trade.put(terms('during("Mo 10:00-11:00; PH off")'))
    call = await trade.call("a", START_MS)  # 10:13 in New York
    await trade.settle()
    assert await trade.pays(call) == GOOD
    async with trade.ledger.write() as connection:
        changes = {"timezone": "Asia/Tokyo", "routing": {"holidays": ["2026-09-21"]}}
        await connection.execute(update(schema.campaign).values(changes))
    later = await trade.call("b", START_MS + 1, caller=OTHER)
    await tell(trade, call, lead_status="new")
    await trade.settle()
    assert [await trade.pays(one) for one in (call, later)] == [GOOD, NOTHING]
