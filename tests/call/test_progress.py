"""A call goes on and ends: its row is what its events come to, in whatever order they came."""

import asyncio
import itertools
from typing import Any

import httpx
import pytest

from dni.call.attribute_late import credit_pending
from dni.call.drain import drain_once
from dni.call.journal import Journal
from dni.call.model import fold
from dni.ledger import schema
from dni.parts import Parts
from dni.telephony.ports import PORTS
from tests.support.carrier import CALL, CALLER, Carrier, advance, at, door, protected_until, rows, visit
from tests.support.world import DESTINATION, START_MS, add, numbers

[NUMBER] = numbers(1)
ANSWERED, ENDED = START_MS + 5_000, START_MS + 65_000

FACTS = (
    "status",
    "started_at_ms",
    "answered_at_ms",
    "ended_at_ms",
    "duration_s",
    "talk_s",
    "destination",
    "recording_url",
    "caller",
    "tracking_number",
    "session_id",
    "source",
    "method",
    "campaign_id",
)


async def facts(parts: Parts, provider_id: str = CALL) -> dict[str, Any]:
    [call] = [row for row in await rows(parts, schema.call) if row["provider_id"] == provider_id]
    return {name: call[name] for name in FACTS}


async def tell(carrier: Carrier, number: str, event: str, call: str) -> httpx.Response:
    leg = "CA" + "2" * 30 + call[-2:]
    match event:
        case "rings":
            return await carrier.inbound(number, call)
        case "answered":
            return await carrier.leg("in-progress", call, leg, Timestamp=at(ANSWERED), SequenceNumber="1")
        case "hung up":
            return await carrier.leg("completed", call, leg, Timestamp=at(ENDED), SequenceNumber="2", CallDuration="60")
        case "ended":
            told = {"Timestamp": at(ENDED), "CallDuration": "60", "SequenceNumber": "0"}
            return await carrier.status(number, "completed", call, **told)
        case _:
            recording = {"RecordingUrl": "https://api.example/RE1", "RecordingSid": "RE1", "RecordingDuration": "60"}
            fields = carrier.fields(number, call, "", CallStatus=None, From=None, To=None, **recording)
            return await carrier.post("status", fields)


EVENTS = ("rings", "answered", "hung up", "ended", "recorded")
WHOLE = {
    "status": "completed",
    "started_at_ms": START_MS,
    "answered_at_ms": ANSWERED,
    "ended_at_ms": ENDED,
    "duration_s": 65,
    "talk_s": 60,
    "destination": DESTINATION,
    "recording_url": "https://api.example/RE1",
    "caller": CALLER,
    "method": "current",
    "source": "google",
    "campaign_id": "cmp_1",
}


async def test_a_whole_call_in_every_order_is_the_same_call(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    seen = await visit(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    for turn, order in enumerate(itertools.permutations(EVENTS[:4])):
        call = f"CA{turn:032}"
        for event in (*order, "recorded"):
            assert (await tell(carrier, seen["number"], event, call)).status_code < 300
        whole = {**WHOLE, "tracking_number": seen["number"], "session_id": seen["session"]}
        assert await facts(sqlite_parts, call) == whole, order


async def test_a_whole_call_told_twice_and_at_once_is_the_same_call(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts)
    carrier = Carrier(door(parts))
    answers = await asyncio.gather(*(tell(carrier, seen["number"], event, CALL) for event in EVENTS * 3))
    assert {answer.status_code for answer in answers} == {200, 204}
    # On a machine that is busy with other things the disk took some of the fifteen: they come from there.
    await drain_once(parts, Journal(parts))
    await credit_pending(parts)
    assert await facts(parts) == {**WHOLE, "tracking_number": seen["number"], "session_id": seen["session"]}
    assert len(await rows(parts, schema.call_event)) == len(EVENTS)


async def test_events_that_never_come_leave_a_whole_call_too(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    for turn, missing in enumerate(("answered", "hung up", "recorded")):
        call = f"CA{turn:032}"
        for event in EVENTS:
            if event != missing:
                await tell(carrier, NUMBER, event, call)
        got = await facts(sqlite_parts, call)
        names = ("status", "answered_at_ms", "ended_at_ms", "talk_s")
        assert [got[name] for name in names] == ["completed", ANSWERED, ENDED, 60]


async def test_an_end_of_a_call_that_was_never_announced_is_a_call(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts)
    now = advance(parts, 60_000)
    told = {"Timestamp": at(now), "CallDuration": "40"}
    await Carrier(door(parts)).status(seen["number"], "completed", **told)
    got = await facts(parts)
    names = ("status", "started_at_ms", "ended_at_ms", "talk_s", "session_id", "method", "campaign_id")
    expected = ["completed", now - 40_000, now, 40, seen["session"], "current", "cmp_1"]
    assert [got[name] for name in names] == expected
    assert await protected_until(parts, seen["number"]) == now + 5 * 60_000


async def test_a_leg_before_its_call_is_known_becomes_that_call(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    seen = await visit(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    await tell(carrier, seen["number"], "answered", CALL)
    assert (await facts(sqlite_parts))["tracking_number"] == ""
    assert await credit_pending(sqlite_parts) == 0
    await tell(carrier, seen["number"], "rings", CALL)
    got = await facts(sqlite_parts)
    assert (got["tracking_number"], got["session_id"], got["status"]) == (
        seen["number"],
        seen["session"],
        "in_progress",
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed"), ("canceled", "canceled")],
)
async def test_the_destinations_outcome_is_the_calls(sqlite_parts: Parts, status: str, expected: str) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    await carrier.inbound(NUMBER)
    await carrier.leg(status, Timestamp=at(START_MS + 20_000), CallDuration="0")
    await carrier.status(NUMBER, "completed", Timestamp=at(START_MS + 21_000), CallDuration="0")
    got = await facts(sqlite_parts)
    assert [got[n] for n in ("status", "answered_at_ms", "duration_s", "talk_s")] == [expected, None, 21, 0]


async def test_the_end_shortens_the_numbers_protection_to_some_minutes(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    seen = await visit(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    await carrier.inbound(seen["number"])
    assert await protected_until(sqlite_parts, seen["number"]) == START_MS + 4 * 3_600_000
    advance(sqlite_parts, 600_000)
    ended = START_MS + 600_000
    await carrier.status(seen["number"], "completed", Timestamp=at(ended), CallDuration="600")
    assert await protected_until(sqlite_parts, seen["number"]) == ended + 5 * 60_000


async def test_the_end_of_a_very_long_call_protects_no_longer_than_four_hours(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    seen = await visit(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    await carrier.inbound(seen["number"])
    ended = START_MS + 4 * 3_600_000 - 1_000
    await carrier.status(seen["number"], "completed", Timestamp=at(ended), CallDuration="14000")
    assert await protected_until(sqlite_parts, seen["number"]) == START_MS + 4 * 3_600_000


async def test_a_rejected_call_stays_rejected_whatever_follows(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    await carrier.inbound("+14155550177")
    await carrier.status("+14155550177", "busy", Timestamp=at(START_MS + 1_000))
    assert (await facts(sqlite_parts))["status"] == "rejected"


async def test_unknown_statuses_and_fields_are_kept(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    await carrier.inbound(NUMBER)
    assert (await carrier.status(NUMBER, "teleported", Novelty="1")).status_code == 204
    [event] = [row for row in await rows(sqlite_parts, schema.call_event) if row["kind"] == "other"]
    assert event["fields"]["Novelty"] == "1"
    assert (await facts(sqlite_parts))["status"] == "ringing"


async def test_the_row_can_be_computed_again_from_its_events(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    for event in EVENTS:
        await tell(carrier, NUMBER, event, CALL)
    port = PORTS["twilio"]
    events = [
        (port.inbound if row["kind"] == "inbound" else port.progress)(row["fields"], row["received_at_ms"])
        for row in await rows(sqlite_parts, schema.call_event)
    ]
    got, state = await facts(sqlite_parts), fold(events)
    assert (state.status, state.started_ms, state.answered_ms, state.ended_ms, state.talk_s) == tuple(
        got[name] for name in ("status", "started_at_ms", "answered_at_ms", "ended_at_ms", "talk_s")
    )
