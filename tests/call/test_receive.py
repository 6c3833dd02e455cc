"""A call arrives: it is credited to its session, in the ledger before the answer, and connected."""

import asyncio

from sqlalchemy import insert, update

from dni.ledger import schema
from dni.parts import Parts
from tests.support import browser
from tests.support.carrier import (
    BASE,
    CALL,
    CALLER,
    Carrier,
    advance,
    configure,
    dialled,
    door,
    protected_until,
    rows,
    visit,
)
from tests.support.world import DESTINATION, START_MS, add, numbers

STATIC = "+14155550150"
STRANGE = "+14155550177"


async def test_a_call_is_connected_and_credited_to_the_session_that_holds_its_number(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts)
    at = advance(parts, 12_000)
    answer = await Carrier(door(parts)).inbound(seen["number"])
    assert dialled(answer) == DESTINATION
    assert f'statusCallback="{BASE}/voice/twilio/car_1/status"' in answer.text
    [call] = await rows(parts, schema.call)
    expected = {
        "carrier_id": "car_1",
        "provider_id": CALL,
        "status": "ringing",
        "started_at_ms": at,
        "ended_at_ms": None,
        "caller": CALLER,
        "tracking_number": seen["number"],
        "destination": DESTINATION,
        "refusal": None,
        "campaign_id": "cmp_1",
        "publisher_id": "pub_1",
        "tag_id": "tag_1",
        "session_id": seen["session"],
        "visitor_id": seen["visitor"],
        "source": "google",
        "medium": "cpc",
        "campaign_name": "spring",
        "keyword": "emergency plumber",
        "channel": "Paid Search",
        "landing_page": browser.LANDING,
        "click_ids": {"gclid": "x"},
        "method": "current",
        "confidence": call["candidates"][0]["confidence"],
        "candidates": [
            {
                "session": seen["session"],
                "confidence": call["candidates"][0]["confidence"],
                "why": "held it now, last seen 12 s ago",
                "gone_ms": 12_000,
            }
        ],
    }
    assert {name: call[name] for name in expected} == expected
    assert 0.95 < call["confidence"] < 1
    [event] = await rows(parts, schema.call_event)
    assert (event["call_id"], event["kind"], event["at_ms"]) == (call["id"], "inbound", at)
    assert event["fields"]["CallerName"] == ""
    assert event["fields"]["From"] == CALLER


async def test_a_ringing_call_protects_its_number(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    seen = await visit(sqlite_parts)
    await Carrier(door(sqlite_parts)).inbound(seen["number"])
    assert await protected_until(sqlite_parts, seen["number"]) == START_MS + 4 * 3_600_000


async def test_the_same_call_told_again_gets_the_same_answer_and_changes_nothing(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts)
    carrier = Carrier(door(parts))
    first = await carrier.inbound(seen["number"])
    before = await rows(parts, schema.call), await rows(parts, schema.call_event)
    until = await protected_until(parts, seen["number"])
    advance(parts, 5_000)
    again = await asyncio.gather(*(carrier.inbound(seen["number"]) for _ in range(8)))
    assert {answer.text for answer in again} == {first.text}
    assert (await rows(parts, schema.call), await rows(parts, schema.call_event)) == before
    assert await protected_until(parts, seen["number"]) == until


async def test_a_call_told_eight_times_at_once_is_one_call(parts: Parts) -> None:
    await add(parts)
    carrier = Carrier(door(parts))
    answers = await asyncio.gather(*(carrier.inbound(numbers(1)[0]) for _ in range(8)))
    assert {dialled(answer) for answer in answers} == {DESTINATION}
    assert len(await rows(parts, schema.call)) == len(await rows(parts, schema.call_event)) == 1


async def test_after_its_protection_the_number_names_its_last_holder(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    seen = await visit(sqlite_parts)
    advance(sqlite_parts, 20 * 60_000)
    await Carrier(door(sqlite_parts)).inbound(seen["number"])
    [call] = await rows(sqlite_parts, schema.call)
    assert (call["method"], call["session_id"]) == ("recent", seen["session"])
    assert call["candidates"][0]["why"] == "last seen 20 min ago"


async def test_long_after_it_is_likelier_that_nobody_called(sqlite_parts: Parts) -> None:
    """The one who saw the number stays a candidate, and is not credited."""
    await add(sqlite_parts)
    seen = await visit(sqlite_parts)
    advance(sqlite_parts, 3 * 86_400_000)
    await Carrier(door(sqlite_parts)).inbound(seen["number"])
    [call] = await rows(sqlite_parts, schema.call)
    assert (call["method"], call["session_id"], call["confidence"]) == ("none", None, None)
    [candidate] = call["candidates"]
    assert (candidate["session"], candidate["why"]) == (seen["session"], "last seen 3 days ago")
    assert 0 < candidate["confidence"] < 0.5


async def test_former_holders_are_candidates_too(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, pool_size=1)
    first = await visit(sqlite_parts)
    advance(sqlite_parts, 3_600_000)
    second = await visit(sqlite_parts, page={"id": "p2", "seq": 1, "url": "https://shop.example/?utm_source=bing"})
    assert first["number"] == second["number"]
    await Carrier(door(sqlite_parts)).inbound(second["number"])
    [call] = await rows(sqlite_parts, schema.call)
    assert (call["method"], call["source"]) == ("current", "bing")
    assert [c["session"] for c in call["candidates"]] == [second["session"], first["session"]]


async def test_a_number_that_nobody_held_is_credited_to_nobody(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    assert dialled(await Carrier(door(sqlite_parts)).inbound(numbers(1)[0])) == DESTINATION
    [call] = await rows(sqlite_parts, schema.call)
    assert (call["method"], call["session_id"], call["candidates"]) == ("none", None, [])
    assert (call["campaign_id"], call["publisher_id"], call["source"]) == ("cmp_1", "pub_1", None)


async def test_a_static_number_tells_its_source_without_a_session(parts: Parts) -> None:
    await add(parts)
    await configure(
        parts,
        insert(schema.number).values(
            id="num_s",
            number=STATIC,
            campaign_id="cmp_1",
            publisher_id="pub_1",
            source="yelp",
            medium="referral",
            campaign_name="listing",
            keyword="plumber",
            created_at_ms=START_MS,
        ),
    )
    assert dialled(await Carrier(door(parts)).inbound(STATIC)) == DESTINATION
    [call] = await rows(parts, schema.call)
    names = ("method", "session_id", "source", "medium", "campaign_name", "keyword", "campaign_id", "publisher_id")
    assert [call[name] for name in names] == [
        "static",
        None,
        "yelp",
        "referral",
        "listing",
        "plumber",
        "cmp_1",
        "pub_1",
    ]


async def test_a_retired_number_still_belongs_to_its_campaign(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts)
    retired = update(schema.number).where(schema.number.c.number == seen["number"]).values(retired_at_ms=START_MS)
    await configure(parts, retired)
    assert dialled(await Carrier(door(parts)).inbound(seen["number"])) == DESTINATION
    [call] = await rows(parts, schema.call)
    assert (call["campaign_id"], call["session_id"], call["source"]) == ("cmp_1", seen["session"], "google")


async def test_a_call_to_a_number_that_we_do_not_know_is_answered_and_recorded(parts: Parts) -> None:
    await add(parts)
    assert dialled(await Carrier(door(parts)).inbound(STRANGE)) is None
    [call] = await rows(parts, schema.call)
    names = ("status", "refusal", "tracking_number", "destination", "campaign_id", "method", "ended_at_ms")
    assert [call[name] for name in names] == ["rejected", "unknown_number", STRANGE, None, None, "none", START_MS]


async def test_an_unknown_number_goes_to_the_accounts_own_destination(parts: Parts) -> None:
    await add(parts)
    await configure(parts, update(schema.carrier).values(default_destination="+14155550188"))
    assert dialled(await Carrier(door(parts)).inbound(STRANGE)) == "+14155550188"
    [call] = await rows(parts, schema.call)
    names = ("status", "refusal", "destination", "campaign_id")
    assert [call[name] for name in names] == ["ringing", "unknown_number", "+14155550188", None]


async def test_a_number_of_an_unclaimed_pool_has_no_campaign(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    pool = {"id": "pool_9", "name": "P", "shared": False, "hold_seconds": 120, "created_at_ms": START_MS}
    await configure(sqlite_parts, insert(schema.pool).values(pool))
    number = {"id": "num_9", "number": STRANGE, "pool_id": "pool_9", "created_at_ms": START_MS}
    await configure(sqlite_parts, insert(schema.number).values(number))
    assert dialled(await Carrier(door(sqlite_parts)).inbound(STRANGE)) is None
    [call] = await rows(sqlite_parts, schema.call)
    assert (call["status"], call["refusal"], call["method"]) == ("rejected", "no_campaign", "none")


async def test_a_withheld_caller_is_null(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    await Carrier(door(sqlite_parts)).inbound(numbers(1)[0], From="+266696687")
    [call] = await rows(sqlite_parts, schema.call)
    assert call["caller"] is None
