"""Disputes: who opens, sees, withdraws and decides them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from dni.ledger import schema
from tests.payout.conftest import Desk
from tests.support.journal import ring


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


@pytest.fixture
async def called(desk: Desk) -> Desk:
    await ring(desk.ledger, "call_1")
    await ring(desk.ledger, "call_2", campaign_id="cmp_2", publisher_id="pub_2")
    return desk


async def _opened(desk: Desk, who: str = "publisher", call: str = "call_1", **more: Any) -> str:
    return str((await desk.done("/disputes", {"call": call, "reason": "it lasted longer", **more}, who))["id"])


async def test_a_publisher_disputes_its_payout_and_an_advertiser_its_revenue(called: Desk) -> None:
    made = await called.done("/disputes", {"call": "call_1", "reason": "it lasted longer"}, "publisher")
    assert made.pop("id").startswith("dsp_")
    assert made == {
        "call": "call_1",
        "side": "payout",
        "state": "open",
        "campaign": "cmp_1",
        "publisher": "pub_1",
        "reason": "it lasted longer",
        "opened_at": "2026-09-21T14:13:20.000+00:00",
        "by": "Publisher",
        "amount": None,
        "note": None,
        "decided_at": None,
        "decided_by": None,
    }
    billed = await called.done("/disputes", {"call": "call_1", "reason": "no sale"}, "advertiser")
    assert billed["side"] == "revenue"


async def test_who_decides_opens_in_either_name_and_says_in_which(called: Desk) -> None:
    assert await called.refused("/disputes", {"call": "call_1", "reason": "x"}) == (422, "invalid_field", ["/side"])
    for side in ("payout", "revenue"):
        assert (await called.done("/disputes", {"call": "call_1", "side": side, "reason": "x"}))["side"] == side
    for who, side in (("publisher", "revenue"), ("advertiser", "payout")):
        body = {"call": "call_1", "side": side, "reason": "x"}
        assert await called.refused("/disputes", body, who) == (422, "invalid_field", ["/side"])


async def test_neither_side_sees_the_other_and_a_neighbour_sees_nothing(called: Desk) -> None:
    paid, billed = await _opened(called), await _opened(called, "advertiser")
    sees = {
        "admin": {paid, billed},
        "marketer": {paid, billed},
        "marketer of a campaign": {paid, billed},
        "publisher": {paid},
        "marketer of a publisher": {paid},
        "advertiser": {billed},
        "neighbour": set(),
        "other advertiser": set(),
    }
    for who, own in sees.items():
        listed = (await called.get("/disputes", who))["data"]
        assert (who, {one["id"] for one in listed}) == (who, own)
        for wanted in (paid, billed):
            answer = await called.ask("GET", f"/disputes/{wanted}", who)
            assert (who, wanted, answer.status_code) == (who, wanted, 200 if wanted in own else 404)
    assert (await called.refused("/disputes", {"call": "call_2", "reason": "x"}, "publisher"))[:2] == (404, "not_found")
    assert (await called.refused(f"/disputes/{paid}/withdraw", None, "advertiser"))[:2] == (404, "not_found")


async def test_who_is_walled_in_without_being_a_side_does_not_dispute(called: Desk) -> None:
    wanted = await _opened(called)
    for who in ("marketer of a campaign", "marketer of a publisher"):
        assert (await called.refused("/disputes", {"call": "call_1", "reason": "x"}, who))[0] == 403
        assert (await called.refused(f"/disputes/{wanted}/withdraw", None, who))[0] == 403
    for who in ("publisher", "advertiser", "marketer of a campaign"):
        body = {"state": "denied", "note": "no"}
        assert (await called.refused(f"/disputes/{wanted}/decide", body, who))[:2] == (403, "forbidden")


async def test_one_is_open_at_a_time_of_a_call_and_a_side(called: Desk) -> None:
    wanted = await _opened(called)
    again = {"call": "call_1", "side": "payout", "reason": "again"}
    assert (await called.refused("/disputes", again))[:2] == (409, "dispute_open")
    await _opened(called, "advertiser")
    await called.done(f"/disputes/{wanted}/withdraw", None, "publisher")
    await _opened(called)
    asked = [called.ask("POST", "/disputes", "admin", json={**again, "call": "call_2"}) for _ in range(8)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*asked)) == [201, *[409] * 7]


async def test_who_opened_it_withdraws_it_once(called: Desk) -> None:
    wanted = await _opened(called)
    assert (await called.refused(f"/disputes/{wanted}/withdraw"))[:2] == (403, "forbidden")
    called.later(1000)
    made = await called.done(f"/disputes/{wanted}/withdraw", None, "publisher")
    assert (made["state"], made["decided_at"]) == ("withdrawn", "2026-09-21T14:13:21.000+00:00")
    assert (await called.refused(f"/disputes/{wanted}/withdraw", None, "publisher"))[:2] == (409, "dispute_over")
    body = {"state": "granted", "amount": usd(1), "note": "too late"}
    assert (await called.refused(f"/disputes/{wanted}/decide", body))[:2] == (409, "dispute_over")
    assert await _adjusted(called) == [], "and the grant that came too late left nothing"


async def _adjusted(desk: Desk) -> list[tuple[str, int | None, int | None, str]]:
    async with desk.ledger.read() as connection:
        found = (await connection.execute(select(schema.adjustment).order_by(schema.adjustment.c.id))).all()
        return [(row.call_id, row.payout, row.revenue, row.reason) for row in found]


async def test_what_is_granted_is_what_the_call_pays_from_now_on(called: Desk) -> None:
    await called.done("/calls/call_1/correction", {"revenue": usd(2000), "reason": "before"})
    wanted = await _opened(called)
    called.later(1)
    made = await called.done(
        f"/disputes/{wanted}/decide", {"state": "granted", "amount": usd(1500), "note": "the log says so"}, "marketer"
    )
    told = (made["state"], made["amount"], made["note"], made["decided_by"])
    assert told == ("granted", usd(1500), "the log says so", "Marketer")
    assert (await _adjusted(called))[1:] == [("call_1", 1500, 2000, "the log says so")]
    call = await called.get("/calls/call_1")
    assert (call["payout"], call["revenue"]) == (usd(1500), usd(2000))
    [granted, _] = (await called.get("/postings?call=call_1"))["data"]
    assert (granted["kind"], granted["payout"], granted["revenue"]) == ("dispute", usd(1500), usd(0))
    assert await called.get(f"/disputes/{wanted}", "publisher") == made


async def test_what_is_denied_changes_no_amount(called: Desk) -> None:
    wanted = await _opened(called, "advertiser")
    made = await called.done(f"/disputes/{wanted}/decide", {"state": "denied", "note": "it was a sale"})
    assert (made["state"], made["amount"], made["note"]) == ("denied", None, "it was a sale")
    assert await _adjusted(called) == []


async def test_of_decisions_at_once_one_counts(called: Desk) -> None:
    wanted = await _opened(called)
    bodies = [{"state": "granted", "amount": usd(n), "note": str(n)} for n in range(1, 7)]
    bodies += [{"state": "denied", "note": "no"}] * 2
    asked = [called.ask("POST", f"/disputes/{wanted}/decide", json=body) for body in bodies]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    granted = [] if won["state"] == "denied" else [("call_1", won["amount"]["amount"], None, won["note"])]
    assert await _adjusted(called) == granted


async def test_a_call_that_is_another_publishers_now_is_not_paid_to_it(called: Desk) -> None:
    wanted = await _opened(called)
    async with called.ledger.write() as connection:
        moved = update(schema.call).where(schema.call.c.id == "call_1").values(publisher_id="pub_2")
        await connection.execute(moved)
    assert (await called.get("/disputes", "neighbour"))["data"] == []
    assert (await called.get(f"/disputes/{wanted}", "publisher"))["publisher"] == "pub_1"
    body = {"state": "granted", "amount": usd(1), "note": "x"}
    assert (await called.refused(f"/disputes/{wanted}/decide", body))[:2] == (409, "call_moved")
    assert await _adjusted(called) == []
    await called.done(f"/disputes/{wanted}/decide", {"state": "denied", "note": "it is another's"})


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"state": "granted", "note": "x"}, "/amount"),
        ({"state": "denied", "amount": usd(1), "note": "x"}, "/amount"),
        ({"state": "granted", "amount": usd(-1), "note": "x"}, "/amount/amount"),
        ({"state": "granted", "amount": {"amount": 1, "currency": "EUR"}, "note": "x"}, "/amount/currency"),
        ({"state": "open", "note": "x"}, "/state"),
        ({"state": "denied"}, ""),
        ({"state": "denied", "note": "\u0007"}, "/note"),
    ],
)
async def test_a_wrong_decision_decides_nothing(called: Desk, body: dict[str, Any], path: str) -> None:
    wanted = await _opened(called)
    assert await called.refused(f"/disputes/{wanted}/decide", body) == (422, "invalid_field", [path])
    assert (await called.get(f"/disputes/{wanted}"))["state"] == "open"


async def test_disputes_are_filtered_and_come_as_csv(called: Desk) -> None:
    paid = await _opened(called, reason="=HYPERLINK(evil)")
    billed = await _opened(called, "advertiser")
    other = await _opened(called, "neighbour", "call_2")
    await called.done(f"/disputes/{other}/withdraw", None, "neighbour")
    for query, found in (
        ("state=open", {paid, billed}),
        ("state=withdrawn", {other}),
        ("side=revenue", {billed}),
        ("campaign=cmp_2", {other}),
        ("publisher=pub_1", {paid, billed}),
        ("call=call_2", {other}),
    ):
        assert (query, {one["id"] for one in (await called.get(f"/disputes?{query}"))["data"]}) == (query, found)
    csv = await called.ask("GET", "/disputes", "publisher", headers={"Accept": "text/csv"})
    head, row = csv.text.splitlines()
    assert head.startswith("id,call,side,state,")
    assert f"{paid},call_1,payout,open,cmp_1,pub_1,'=HYPERLINK(evil)," in row
