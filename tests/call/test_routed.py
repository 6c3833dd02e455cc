"""A call goes through its campaign's routing: asked, sent on, counted, and never dropped. With Twilio's requests."""

import asyncio
import re
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from sqlalchemy import func, insert, select, update

from dni.call.close_silent import close_once
from dni.call.drain import drain_once
from dni.call.journal import Journal
from dni.ledger import schema
from dni.parts import Parts
from dni.routing.plan import Place, packed
from tests.support.carrier import CALL, LEG, Carrier, advance, at, configure, dialled, door, rows, visit
from tests.support.world import DESTINATION, START_MS, add, numbers

[NUMBER] = numbers(1)
ANNA, BOB = "+14155550161", "+14155550162"
MENU = {"do": "menu", "id": "menu", "prompt": {"text": "1 or 2"}, "keys": {"1": "Sales", "2": "Service"}}
BOTH = [{"destination": "dst_anna"}, {"destination": "dst_bob"}]
SALES = {"do": "connect", "id": "sales", "destinations": BOTH}


async def route(parts: Parts, *steps: dict[str, Any], caps: dict[str, int] | None = None, **more: Any) -> Carrier:
    """A world with two destinations, `caps` of the first, and these steps."""
    await add(parts)
    phones = [
        {"id": "dst_anna", "name": "Anna", "number": ANNA, "caps": caps or {}},
        {"id": "dst_bob", "name": "Bob", "number": BOB, "caps": {}},
    ]
    same = {"campaign_id": "cmp_1", "created_at_ms": START_MS, "paused": False}
    await configure(parts, insert(schema.destination).values([{**one, **same} for one in phones]))
    await configure(parts, update(schema.campaign).values(routing={"steps": list(steps), **more}))
    return Carrier(door(parts))


def verbs(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one.tag for one in ElementTree.fromstring(answer.text)]  # noqa: S314  our own answer


def step_at(answer: httpx.Response) -> str:
    """The path and query that the carrier asks next."""
    [found] = set(re.findall(r'action="https://dni\.example(/[^"]+)"', answer.text))
    return str(found).replace("&amp;", "&")


class Line:
    """One caller: what the carrier tells of him, step by step."""

    def __init__(self, carrier: Carrier, call: str = CALL, leg: str = LEG) -> None:
        self.carrier, self.call, self.leg = carrier, call, leg
        self.count = 0

    async def rings(self, **fields: str | None) -> httpx.Response:
        return await self.carrier.inbound(NUMBER, self.call, **fields)

    async def asks(self, before: httpx.Response, **fields: str) -> httpx.Response:
        path = step_at(before).removeprefix(f"{self.carrier.path}/")
        said = {"CallStatus": "in-progress", **fields}
        return await self.carrier.post(
            path, self.carrier.fields(NUMBER, self.call, **{"status": said.pop("CallStatus"), **said})
        )

    async def dial_over(self, before: httpx.Response, status: str) -> httpx.Response:
        self.count += 1
        return await self.asks(
            before, DialCallStatus=status, DialCallSid=f"{self.leg}{self.count}", DialCallDuration="0"
        )

    async def leg_is(self, status: str, number: str, **fields: str) -> None:
        answer = await self.carrier.post(
            "status",
            self.carrier.fields(number, f"{self.leg}{self.count + 1}", status, ParentCallSid=self.call, **fields),
        )
        assert answer.status_code == 204

    async def ends(self, seconds: int, **fields: str) -> None:
        answer = await self.carrier.status(NUMBER, "completed", self.call, CallDuration=str(seconds), **fields)
        assert answer.status_code == 204


async def test_a_menu_then_a_busy_phone_then_the_next_one_that_answers(parts: Parts) -> None:
    carrier = await route(parts, MENU, {**SALES, "when": {"keys": {"menu": ["1"]}}})
    line = Line(carrier)
    asked = await line.rings()
    assert verbs(asked)[0] == "Gather"
    [call] = await rows(parts, schema.call)
    assert (call["status"], call["phase"], call["destination"]) == ("menu", "menu", None)

    advance(parts, 1_000)
    first = await line.asks(asked, Digits="1")
    assert dialled(first) == ANNA
    [call] = await rows(parts, schema.call)
    assert (call["status"], call["keys"], call["destination"]) == ("connecting", "1", ANNA)

    now_ms = advance(parts, 5_000)
    await line.leg_is("busy", ANNA, Timestamp=at(now_ms))
    second = await line.dial_over(first, "busy")
    assert dialled(second) == BOB
    now_ms = advance(parts, 5_000)
    await line.leg_is("in-progress", BOB, Timestamp=at(now_ms))
    [call] = await rows(parts, schema.call)
    assert (call["status"], call["destination"]) == ("in_progress", BOB)
    now_ms = advance(parts, 60_000)
    await line.leg_is("completed", BOB, CallDuration="60", Timestamp=at(now_ms))
    over = await line.asks(second, DialCallStatus="completed", DialCallSid=f"{LEG}2", DialCallDuration="60")
    assert verbs(over) == ["Hangup"]
    await line.ends(76, Timestamp=at(now_ms))

    [call] = await rows(parts, schema.call)
    wanted = ("status", "destination", "talk_s", "duration_s", "keys", "refusal")
    assert [call[name] for name in wanted] == ["completed", BOB, 60, 76, "1", None]
    tried = [(one["number"], one["state"], one["counted"]) for one in await rows(parts, schema.attempt)]
    assert tried == [(ANNA, "busy", False), (BOB, "completed", True)]
    decided = await rows(parts, schema.decision)
    assert [one["phase"] for one in decided] == ["menu", "connecting", "connecting", "over"]
    assert decided[1]["path"][-1]["why"] == "rings Anna"


async def test_who_hangs_up_in_the_menu_has_talked_to_nobody(parts: Parts) -> None:
    line = Line(await route(parts, MENU, SALES))
    await line.rings()
    advance(parts, 9_000)
    await line.ends(9)
    [call] = await rows(parts, schema.call)
    wanted = ("status", "answered_at_ms", "talk_s", "duration_s", "hung_up_by")
    assert [call[name] for name in wanted] == ["canceled", None, 0, 9, "caller"]


async def test_the_same_question_gets_the_same_answer_and_is_counted_once(parts: Parts) -> None:
    line = Line(await route(parts, {**SALES, "order": "round_robin"}, caps={"day": 1}))
    first = await line.rings()
    assert dialled(first) == ANNA
    assert (await line.rings()).content == first.content
    busy = await line.dial_over(first, "busy")
    line.count -= 1
    again = await line.dial_over(first, "busy")
    assert dialled(busy) == BOB
    assert again.content == busy.content
    assert len(await rows(parts, schema.attempt)) == 2


async def test_voicemail_is_taken_when_nobody_picks_up(parts: Parts) -> None:
    greeting = {"do": "voicemail", "id": "late", "prompt": {"text": "Leave a message."}}
    line = Line(await route(parts, {**SALES, "destinations": BOTH[:1]}, greeting))
    taken = await line.dial_over(await line.rings(), "no-answer")
    assert "Record" in verbs(taken)
    recording = {"RecordingUrl": "https://api.twilio.example/RE1", "RecordingSid": "RE1", "RecordingDuration": "12"}
    over = await line.asks(taken, **recording)
    assert verbs(over) == ["Hangup"]
    await line.ends(40)
    [call] = await rows(parts, schema.call)
    wanted = ("status", "talk_s", "recording_url")
    assert [call[name] for name in wanted] == ["voicemail", 0, "https://api.twilio.example/RE1"]


async def test_a_call_that_a_filter_turns_away_is_rejected_and_says_so(parts: Parts) -> None:
    busy = {"do": "reject", "id": "nuisance", "reason": "busy", "when": {"blocked": True}}
    line = Line(await route(parts, busy, SALES, blocked=["+14155550142"]))
    answer = await line.rings()
    assert 'reason="busy"' in answer.text
    [call] = await rows(parts, schema.call)
    assert (call["status"], call["refusal"], call["destination"]) == ("rejected", "routing", None)
    other = await Line(line.carrier, "CA2").rings(From="+14155550143")
    assert dialled(other) == ANNA


async def test_a_caller_who_rings_too_often_and_a_known_one_are_told_apart(parts: Parts) -> None:
    often = {
        "do": "message",
        "id": "often",
        "prompt": {"text": "Later."},
        "when": {"more_than": {"calls": 2, "minutes": 10}},
    }
    known = {**SALES, "id": "known", "destinations": BOTH[1:], "when": {"first_time": False}}
    carrier = await route(parts, often, known, SALES)
    assert dialled(await Line(carrier, "CA1").rings()) == ANNA
    advance(parts, 60_000)
    assert dialled(await Line(carrier, "CA2").rings()) == BOB
    advance(parts, 60_000)
    assert verbs(await Line(carrier, "CA3").rings()) == ["Say", "Hangup"]
    assert (await rows(parts, schema.call))[2]["status"] == "rejected"
    advance(parts, 11 * 60_000)
    assert dialled(await Line(carrier, "CA4").rings()) == BOB
    assert dialled(await Line(carrier, "CA5").rings(From="anonymous")) == ANNA


async def test_what_brought_the_call_and_what_the_page_told_decide_where_it_goes(parts: Parts) -> None:
    paid = {
        **SALES,
        "id": "paid",
        "destinations": BOTH[1:],
        "when": {"sources": ["google"], "custom": {"plan": "gold"}},
    }
    carrier = await route(parts, paid, SALES)
    seen = await visit(parts)
    session = {"id": seen["session"], "visitor_id": seen["visitor"], "tag_id": "tag_1", "campaign_id": "cmp_1"}
    told = {"started_at_ms": START_MS, "last_seen_ms": START_MS, "page_views": 1, "consent": "granted"}
    async with parts.ledger.write() as connection:  # as the recorder writes it, a second later
        await connection.execute(insert(schema.session).values(**session, **told, custom={"plan": "Gold"}))
    assert dialled(await carrier.inbound(seen["number"], "CA1")) == BOB
    assert dialled(await carrier.inbound(numbers(3)[2], "CA2")) == ANNA


@pytest.mark.parametrize("cap", ["concurrent", "minute", "hour", "day", "month"])
async def test_a_cap_is_never_exceeded_by_a_hundred_calls_at_once(parts: Parts, cap: str) -> None:
    """A call that the ledger has no time for goes to who has no cap; those after it fill the places that are left."""
    carrier = await route(parts, SALES, caps={cap: 7})

    async def ring(n: int) -> str | None:
        return dialled(await Line(carrier, f"CA{n}").rings(From=f"+1415555{n:04}"))

    at_once = await asyncio.gather(*(ring(n) for n in range(100)))
    assert set(at_once) <= {ANNA, BOB}
    assert 1 <= at_once.count(ANNA) <= 7
    later = [await ring(n) for n in range(100, 110)]
    assert at_once.count(ANNA) + later.count(ANNA) == 7
    await drain_once(parts, Journal(parts))
    tried = [one["number"] for one in await rows(parts, schema.attempt)]
    assert (tried.count(ANNA), len(tried), len(await rows(parts, schema.call))) == (7, 110, 110)


async def test_a_place_is_free_again_when_nobody_picked_up_or_the_call_is_over(parts: Parts) -> None:
    carrier = await route(parts, {**SALES, "order": "all", "destinations": BOTH[:1]}, caps={"concurrent": 1, "day": 2})

    async def where(call: str) -> str | None:
        return dialled(await Line(carrier, call).rings())

    first = await Line(carrier, "CA1").rings()
    assert dialled(first) == ANNA
    assert await where("CA2") == DESTINATION  # one at once
    await Line(carrier, "CA1").dial_over(first, "no-answer")
    assert await where("CA3") == ANNA  # it was given back
    talking = Line(carrier, "CA3", "CAtalk")
    await talking.leg_is("in-progress", ANNA)
    assert await where("CA4") == DESTINATION
    await talking.leg_is("completed", ANNA, CallDuration="10")
    assert await where("CA5") == ANNA
    await Line(carrier, "CA5", "CAtalk5").leg_is("completed", ANNA, CallDuration="10")
    assert await where("CA6") == DESTINATION  # two a day
    advance(parts, 86_400_000)
    assert await where("CA7") == ANNA


async def test_a_call_whose_end_never_comes_is_closed_and_gives_back_its_place(parts: Parts) -> None:
    carrier = await route(parts, SALES, caps={"concurrent": 1})
    await Line(carrier, "CA1").rings()
    advance(parts, 1)
    talking = Line(carrier, "CA2", "CAtalk")
    await talking.rings(From="+14155550143")
    await talking.leg_is("in-progress", BOB)
    advance(parts, 29 * 60_000)
    assert await close_once(parts) == 0
    advance(parts, 2 * 60_000)
    assert await close_once(parts) == 1
    one, two = await rows(parts, schema.call)
    assert (one["status"], one["ended_at_ms"], one["talk_s"]) == ("no_answer", START_MS, 0)
    assert two["status"] == "in_progress"
    assert dialled(await Line(carrier, "CA3").rings(From="+14155550144")) == ANNA
    advance(parts, 4 * 3_600_000)
    assert await close_once(parts) == 2
    assert await close_once(parts) == 0
    two = (await rows(parts, schema.call))[1]
    assert (two["status"], two["talk_s"]) == ("completed", None)
    await talking.leg_is("completed", BOB, CallDuration="600")  # late, but told
    two = (await rows(parts, schema.call))[1]
    assert (two["status"], two["talk_s"]) == ("completed", 600)


async def test_with_the_ledger_locked_a_plan_is_followed_from_memory_and_recorded_later(sqlite_parts: Parts) -> None:
    parts = sqlite_parts
    often = {"do": "reject", "id": "often", "when": {"more_than": {"calls": 1, "minutes": 10}}}
    line = Line(await route(parts, often, MENU, SALES, caps={"day": 9}))
    async with parts.ledger.write():
        began = asyncio.get_running_loop().time()
        asked = await line.rings()
        assert asyncio.get_running_loop().time() - began < 0.5
        assert verbs(asked)[0] == "Gather"
        advance(parts, 1_000)
        first = await line.asks(asked, Digits="1")
        assert dialled(first) == BOB  # Anna has a cap, and nobody can count
        advance(parts, 1_000)
        second = await line.dial_over(first, "busy")
        assert dialled(second) == DESTINATION
    assert await drain_once(parts, Journal(parts)) == 3
    [call] = await rows(parts, schema.call)
    assert (call["keys"], call["phase"], call["destination"]) == ("1", "connecting", DESTINATION)
    assert [one["phase"] for one in await rows(parts, schema.decision)] == ["menu", "connecting", "connecting"]
    assert [(one["number"], one["state"]) for one in await rows(parts, schema.attempt)] == [(BOB, "busy")]
    assert (await line.rings()).content == asked.content


async def test_a_rule_that_fails_drops_nobody(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    line = Line(await route(parts, SALES))
    monkeypatch.setattr("dni.routing.plan.holds", broken)
    assert dialled(await line.rings()) == DESTINATION
    [call] = await rows(parts, schema.call)
    assert (call["status"], call["destination"]) == ("ringing", DESTINATION)


async def test_a_question_for_a_call_that_is_over_sends_nobody_anywhere(parts: Parts) -> None:
    line = Line(await route(parts, SALES))
    first = await line.rings()
    await line.carrier.status(NUMBER, "canceled", CALL)
    assert verbs(await line.dial_over(first, "canceled")) == ["Hangup"]
    assert len(await rows(parts, schema.attempt)) == 1


async def test_a_forged_place_leads_to_the_campaigns_own_phone(parts: Parts) -> None:
    carrier = await route(parts, SALES)
    for place in ("x", "e30", packed(Place("cmp_9")), packed(Place("cmp_1", "gone"))):
        answer = await carrier.post(f"step?at={place}", carrier.fields(NUMBER, f"CA{place[:30]}", "in-progress"))
        assert dialled(answer) == DESTINATION


async def test_a_destination_hears_its_whisper(parts: Parts) -> None:
    line = Line(await route(parts, {**SALES, "whisper": {"text": "A call from the <web> & shop"}}))
    rung = await line.rings()
    [url] = re.findall(r'url="https://dni\.example/voice/twilio/car_1/(step\?whisper=[^"]+)"', rung.text)
    leg = line.carrier.fields(ANNA, LEG, "in-progress", ParentCallSid=CALL)
    whispered = await line.carrier.post(url, leg)
    assert ElementTree.fromstring(whispered.text)[0].text == "A call from the <web> & shop"  # noqa: S314
    none = await line.carrier.post("step?whisper=x", leg)
    assert (none.status_code, verbs(none)) == (200, [])


async def test_events_of_a_routed_call_may_come_in_any_order(parts: Parts) -> None:
    """The carrier's own end comes before the question that a plan goes on with; everything ends alike."""
    carrier = await route(parts, SALES)
    line = Line(carrier)
    first = await line.rings()
    now_ms = advance(parts, 60_000)
    await line.ends(60, Timestamp=at(now_ms))
    await line.leg_is("completed", ANNA, CallDuration="55", Timestamp=at(now_ms))
    await line.leg_is("in-progress", ANNA, Timestamp=at(now_ms - 55_000))
    await line.asks(first, DialCallStatus="completed", DialCallSid=f"{LEG}1", DialCallDuration="55")
    [call] = await rows(parts, schema.call)
    assert [call[n] for n in ("status", "talk_s", "duration_s", "destination")] == ["completed", 55, 60, ANNA]
    async with parts.ledger.read() as connection:
        open_ = select(func.count()).where(schema.attempt.c.ended_at_ms.is_(None))
        assert (await connection.execute(open_)).scalar() == 0
