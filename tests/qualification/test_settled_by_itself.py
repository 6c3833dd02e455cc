"""The service settles by itself what was told at its doors: at once, and later what could not be done at once."""

import asyncio
from typing import Any

from sqlalchemy import insert, update

from dni.access.authenticate import ADMIN
from dni.call.attribute_late import credit_pending
from dni.call.keep_touches import keep_next
from dni.campaign import declare
from dni.campaign.change import changing
from dni.ledger import schema
from dni.parts import Parts
from dni.qualification.model import Terms
from dni.qualification.settle import settle_due, settle_once
from tests.privacy.story import record_all
from tests.support import browser
from tests.support.carrier import CALL, Carrier, advance, at, configure, door, rows, visit
from tests.support.trade import DAY, START_MS, Trade, terms
from tests.support.until import until
from tests.support.world import add

STATIC = "+14155550177"
MINUTE = 60_000


async def put(parts: Parts, settings: Terms) -> None:
    async with changing(parts) as connection:
        await declare.terms(connection, ADMIN, parts.clock.now_ms(), "cmp_1", None, None, settings)


async def rings(parts: Parts, carrier: Carrier, number: str, call: str = CALL, caller: str | None = None) -> None:
    said = {"From": caller} if caller else {}
    assert (await carrier.inbound(number, call, **said)).status_code == 200


async def ends(parts: Parts, carrier: Carrier, number: str, call: str = CALL, caller: str | None = None) -> None:
    now = advance(parts, 90_000)
    said = {"From": caller} if caller else {}
    told = {"Timestamp": at(now), "CallDuration": "80", **said}
    await carrier.leg("completed", call, "CA" + "2" * 30 + call[-2:], **told)
    await carrier.status(number, "completed", call, **told)


async def paid(parts: Parts, call: str = CALL) -> tuple[Any, ...]:
    [row] = [row for row in await rows(parts, schema.call) if row["provider_id"] == call]
    return row["qualified"], row["payout"], row["unsettled_ms"]


async def test_a_call_is_settled_when_its_end_is_told(parts: Parts) -> None:
    await add(parts)
    await put(parts, terms())
    number = (await visit(parts))["number"]
    carrier = Carrier(door(parts))
    await rings(parts, carrier, number)
    assert await paid(parts) == (None, None, None)
    await ends(parts, carrier, number)
    assert await paid(parts) == (True, 2_500, None)
    [posting] = await rows(parts, schema.posting)
    assert (posting["publisher_id"], posting["payout"]) == ("pub_1", 2_500)
    await carrier.http.aclose()


async def test_a_static_number_of_print_and_radio_pays_its_publisher(parts: Parts) -> None:
    await add(parts)
    await put(parts, terms("talk >= 60s and source = radio and confidence >= 80%"))
    static = {"id": "num_9", "number": STATIC, "campaign_id": "cmp_1", "publisher_id": "pub_1", "source": "radio"}
    await configure(parts, insert(schema.number).values(**static, created_at_ms=START_MS))
    carrier = Carrier(door(parts))
    await rings(parts, carrier, STATIC)
    await ends(parts, carrier, STATIC)
    assert await paid(parts) == (True, 2_500, None)
    [posting] = await rows(parts, schema.posting)
    assert (posting["publisher_id"], posting["payout"]) == ("pub_1", 2_500)
    await carrier.http.aclose()


async def test_a_call_that_is_credited_late_is_judged_by_whose_it_is_then(parts: Parts) -> None:
    await add(parts)
    await put(parts, terms("talk >= 60s and source = google"))
    number = (await visit(parts))["number"]
    carrier = Carrier(door(parts))
    await rings(parts, carrier, number)
    await configure(parts, update(schema.call).values(method=None, source=None, publisher_id=None, session_id=None))
    await ends(parts, carrier, number)
    while await credit_pending(parts):
        pass
    await settle_once(parts)
    assert await paid(parts) == (True, 2_500, None)
    await carrier.http.aclose()


async def test_what_the_page_told_counts_though_it_is_recorded_after_the_call(parts: Parts) -> None:
    await add(parts)
    await put(parts, terms("custom(plan) = gold"))
    async with browser.client(browser.door(parts)) as page:
        body = browser.lease_body(custom={"plan": "gold"})
        number = next(iter((await browser.post(page, "/v1/lease", body)).json()["numbers"].values()))["number"]
    carrier = Carrier(door(parts))
    await rings(parts, carrier, number)
    await ends(parts, carrier, number)
    assert await paid(parts) == (False, 0, None)  # nobody knows the session yet
    await record_all(parts)
    advance(parts, 20 * MINUTE)
    while await keep_next(parts):
        pass
    await settle_once(parts)
    assert await paid(parts) == (True, 2_500, None)
    await carrier.http.aclose()


async def test_the_duty_does_what_was_left(sqlite_parts: Parts) -> None:
    trade = Trade(sqlite_parts.ledger)
    await trade.open()
    await trade.put(terms(dedupe=None))
    for n in range(20):
        await trade.call(f"{n}", START_MS + n)
    stop = asyncio.Event()
    duty = asyncio.create_task(settle_due(sqlite_parts, stop))

    async def done() -> bool:
        return not await trade.unsettled()

    await until(done, "all are settled")
    stop.set()
    await duty
    assert len(await trade.rows(schema.posting)) == 20


async def test_a_call_that_cannot_be_settled_holds_up_no_other(parts: Parts) -> None:
    trade = Trade(parts.ledger)
    await trade.open()
    await trade.put(terms())
    await trade.put(terms(), "cmp_2")
    async with parts.ledger.write() as connection:
        mine = schema.terms.c.campaign_id == "cmp_2"
        unreadable = {"payout": {"base": {"name": "Base", "when": "talks", "amount": 1}}}
        await connection.execute(update(schema.terms).where(mine).values(settings=unreadable))
    broken = await trade.call("a", START_MS, campaign="cmp_2")
    good = await trade.call("b", START_MS)
    assert await settle_once(parts) == 2
    assert await trade.unsettled() == [broken]
    assert (await trade.pays(good))[0] is True
    assert await settle_once(parts) == 0  # it is not tried again at once
    advance(parts, DAY)
    assert await settle_once(parts) == 1
