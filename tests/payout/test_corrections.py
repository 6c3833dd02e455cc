"""What a person puts in the place of what a call's terms say."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from dni.ledger import schema
from tests.payout.conftest import Desk
from tests.support.journal import ring

PATH = "/calls/call_1/correction"


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


async def _rows(desk: Desk) -> list[tuple[int | None, int | None]]:
    """Amounts of all adjustments, the first one first."""
    async with desk.ledger.read() as connection:
        found = await connection.execute(select(schema.adjustment).order_by(schema.adjustment.c.id))
        return [(row.payout, row.revenue) for row in found]


async def _posted(desk: Desk) -> list[tuple[str, int, int]]:
    """Why and how much, in both sides, the first one first."""
    found = (await desk.get("/postings"))["data"]
    return [(one["kind"], one["payout"]["amount"], one["revenue"]["amount"]) for one in reversed(found)]


@pytest.fixture
async def called(desk: Desk) -> Desk:
    await ring(desk.ledger, "call_1")
    return desk


async def test_a_correction_is_what_the_call_pays_at_once(called: Desk) -> None:
    made = await called.done(PATH, {"payout": usd(1250), "reason": "agreed by phone"}, "marketer")
    assert made.pop("id").startswith("adj_")
    assert made == {
        "call": "call_1",
        "at": "2026-09-21T14:13:20.000+00:00",
        "payout": usd(1250),
        "revenue": None,
        "reason": "agreed by phone",
        "by": "Marketer",
    }
    call = await called.get("/calls/call_1")
    assert (call["payout"], call["revenue"]) == (usd(1250), usd(0))
    assert await _posted(called) == [("correction", 1250, 0)]
    listed = (await called.get("/calls/call_1/corrections"))["data"]
    assert [one["payout"] for one in listed] == [usd(1250)]


async def test_the_same_amounts_again_add_nothing(called: Desk) -> None:
    first = await called.done(PATH, {"payout": usd(1250), "revenue": usd(2000), "reason": "agreed"})
    called.later(60_000)
    for same in ({"payout": usd(1250)}, {"revenue": usd(2000)}, {"payout": usd(1250), "revenue": usd(2000)}):
        assert await called.done(PATH, {**same, "reason": "once more"}) == first
    assert await _rows(called) == [(1250, 2000)]
    assert await _posted(called) == [("correction", 1250, 2000)]


async def test_what_is_left_out_stays_and_null_is_as_the_terms_say(called: Desk) -> None:
    """All within one millisecond: the last one counts all the same."""
    await called.done(PATH, {"payout": usd(1250), "reason": "a"})
    await called.done(PATH, {"revenue": usd(2000), "reason": "b"})
    await called.done(PATH, {"payout": None, "reason": "c"})
    last = await called.done(PATH, {"payout": usd(0), "reason": "d"})
    assert (last["payout"], last["revenue"]) == (usd(0), usd(2000))
    assert await _rows(called) == [(1250, None), (1250, 2000), (None, 2000), (0, 2000)]
    listed = (await called.get("/calls/call_1/corrections"))["data"]
    assert [one["reason"] for one in listed] == ["d", "c", "b", "a"]


async def test_the_same_request_twice_is_answered_once(called: Desk) -> None:
    body, headers = {"payout": usd(5), "reason": "x"}, {"Idempotency-Key": "k"}
    first = await called.ask("POST", PATH, json=body, headers=headers)
    await called.done(PATH, {"payout": usd(6), "reason": "meanwhile"})
    again = await called.ask("POST", PATH, json=body, headers=headers)
    assert (again.headers["idempotent-replayed"], again.json()) == ("true", first.json())
    assert await _rows(called) == [(5, None), (6, None)]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"reason": "x"}, ""),
        ({"payout": {"amount": 1, "currency": "EUR"}, "reason": "x"}, "/payout/currency"),
        ({"payout": {"amount": 1, "currency": "dollars"}, "reason": "x"}, "/payout/currency"),
        ({"payout": usd(-1), "reason": "x"}, "/payout/amount"),
        ({"revenue": usd(10**12 + 1), "reason": "x"}, "/revenue/amount"),
        ({"payout": {"amount": 1.5, "currency": "USD"}, "reason": "x"}, "/payout/amount"),
        ({"payout": usd(1)}, ""),
        ({"payout": usd(1), "reason": "  "}, "/reason"),
        ({"payout": usd(1), "reason": "two\nlines"}, "/reason"),
        ({"payout": usd(1), "reason": "x" * 2001}, "/reason"),
        ({"payout": usd(1), "reason": "x", "by": "me"}, ""),
    ],
)
async def test_what_is_wrong_is_told_by_its_field(called: Desk, body: dict[str, Any], path: str) -> None:
    assert await called.refused(PATH, body) == (422, "invalid_field", [path])
    assert await _rows(called) == []


async def test_who_decides_corrects_and_nobody_else(called: Desk) -> None:
    body = {"payout": usd(1), "reason": "x"}
    for who in ("publisher", "neighbour", "advertiser", "marketer of a campaign", "marketer of a publisher"):
        assert (await called.refused(PATH, body, who))[:2] == (403, "forbidden")
    assert (await called.refused("/calls/call_9/correction", body))[:2] == (404, "not_found")
    assert await _rows(called) == []


async def test_a_call_of_no_campaign_pays_nothing(desk: Desk) -> None:
    await ring(desk.ledger, "call_1", campaign_id=None, publisher_id=None)
    assert (await desk.refused(PATH, {"payout": usd(1), "reason": "x"}))[:2] == (409, "no_campaign")


async def test_each_side_reads_what_changed_its_own_amount(called: Desk) -> None:
    await called.done(PATH, {"payout": usd(1), "reason": "of payout"})
    await called.done(PATH, {"revenue": usd(2), "reason": "of revenue"})
    await called.done(PATH, {"payout": usd(3), "revenue": usd(4), "reason": "of both"})

    async def read(who: str) -> list[tuple[str, Any, Any]]:
        found = (await called.get("/calls/call_1/corrections", who))["data"]
        return [(one["reason"], one["payout"], one["revenue"]) for one in found]

    assert await read("publisher") == [("of both", usd(3), None), ("of payout", usd(1), None)]
    assert await read("marketer of a publisher") == await read("publisher")
    assert await read("advertiser") == [("of both", None, usd(4)), ("of revenue", None, usd(2))]
    assert [reason for reason, _, _ in await read("marketer")] == ["of both", "of revenue", "of payout"]
    for who in ("neighbour", "other advertiser"):
        assert (await called.ask("GET", "/calls/call_1/corrections", who)).status_code == 404


async def test_corrections_at_once_are_all_kept_and_one_is_the_last(called: Desk) -> None:
    bodies = [{"payout": usd(n), "reason": str(n)} for n in range(10)]
    await asyncio.gather(*(called.done(PATH, body) for body in bodies))
    async with called.ledger.read() as connection:
        times = (await connection.execute(select(schema.adjustment.c.at_ms))).scalars().all()
        assert await connection.scalar(select(func.count()).select_from(schema.adjustment)) == 10
    assert len(set(times)) == 10
