"""The same stories with every carrier: what people do, in the carrier's own words, and what is known of it afterwards.

A line (tests/support/line.py) signs with the carrier's own library and checks each answer against its grammar. Where
carriers differ, the difference is named: TELLS_WHO, SIGNS_ADDRESS, …
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, update

from dni.call import calls
from dni.call.drain import drain_once
from dni.call.journal import Journal
from dni.call.model import Ours, fold
from dni.ledger import schema
from dni.parts import Parts
from dni.routing.model import Ask, Choice, Condition, Refuse, Ring, Routing, Say, Step, TakeMessage, Tell, checked
from dni.telephony.model import STEPS, CallEvent, Connect, HangUp, Instruction, Menu, Prompt, Reject, Voicemail
from dni.telephony.ports import PORTS
from tests.support.carrier import CALLER, configure, rows
from tests.support.line import MESSAGE, RECORDING, Ended, Line
from tests.support.lines import LINES
from tests.support.twiml_lines import TelnyxLine, telnyx_signed
from tests.support.world import DESTINATION, START_MS, add, numbers

[NUMBER] = numbers(1)
FIRST, SECOND = "+14155550181", "+14155550182"
STRANGE = "+14155550177"

TELLS_WHO = {"signalwire", "telnyx", "plivo", "generic"}
"""Who tells which of the two hung up."""
TELLS_TALK_TWICE = {"twilio", "signalwire", "telnyx", "generic"}
"""Who tells how long they talked not only with the destination's leg."""
SIGNS_ADDRESS = {"twilio", "signalwire", "plivo"}
"""Whose signature covers the address; Telnyx's covers the time instead."""
SIGNS_BODY = SIGNS_ADDRESS | {"telnyx"}
"""Whose signature covers what is told; a bearer token covers nothing."""
TELLS_ACCOUNT = {"twilio", "signalwire", "telnyx"}
"""Whose requests name the account; others are known by the secret alone."""


class Scene:
    """A campaign with two destinations beside its own, and a line."""

    def __init__(self, parts: Parts, line: Line) -> None:
        self.parts = parts
        self.line = line

    async def plan(self, *steps: Step, blocked: tuple[str, ...] = ()) -> None:
        routing = msgspec.to_builtins(checked(Routing(steps=steps, blocked=blocked)))
        await configure(self.parts, update(schema.campaign).values(routing=routing))

    async def call(self) -> dict[str, Any]:
        """The only one, as the ledger has it."""
        [call] = await rows(self.parts, schema.call)
        return call

    async def events(self) -> list[dict[str, Any]]:
        return await rows(self.parts, schema.call_event)


@pytest.fixture(params=sorted(LINES))
async def scene(request: pytest.FixtureRequest, sqlite_parts: Parts) -> AsyncIterator[Scene]:
    kind = LINES[request.param]
    await add(sqlite_parts)
    account = {"kind": kind.kind, "account_sid": kind.account_sid, "auth_token": kind.secret}
    await configure(sqlite_parts, update(schema.carrier).values(account))
    at = {"campaign_id": "cmp_1", "created_at_ms": START_MS}
    for name, number in (("first", FIRST), ("second", SECOND)):
        await configure(sqlite_parts, insert(schema.destination).values(id=name, name=name, number=number, **at))
    line = kind(sqlite_parts, "car_1")
    yield Scene(sqlite_parts, line)
    await line.http.aclose()


def says(text: str) -> Prompt:
    return Prompt(text=text)


def rings(*wanted: str, **change: Any) -> Ring:
    return Ring(**{"id": "ring", "destinations": tuple(Choice(destination=each) for each in wanted), **change})


def asks(**change: Any) -> Ask:
    return Ask(
        **{"id": "menu", "prompt": says("Sales 1, service 2."), "keys": {"1": "Sales", "2": "Service"}, **change}
    )


def dialled(instruction: Instruction | None) -> tuple[str, ...]:
    assert instruction is not None
    assert isinstance(instruction.last, Connect), instruction
    return instruction.last.destinations


def told_by(scene: Scene, who: str) -> str | None:
    return who if scene.line.kind in TELLS_WHO else None


# A plan of nothing: the campaign's own destination.


async def test_the_destination_answers_and_hangs_up(scene: Scene) -> None:
    assert dialled(await scene.line.arrives(NUMBER)) == (DESTINATION,)
    await scene.line.talks(30)
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["destination"]) == ("completed", 30, DESTINATION)
    assert (call["caller"], call["tracking_number"], call["duration_s"]) == (CALLER, NUMBER, 33)
    assert call["answered_at_ms"] == START_MS + 3_000
    assert call["hung_up_by"] == told_by(scene, "destination")


async def test_the_destination_answers_and_the_caller_hangs_up(scene: Scene) -> None:
    await scene.line.arrives(NUMBER)
    await scene.line.talks(41, by="caller")
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["hung_up_by"]) == ("completed", 41, told_by(scene, "caller"))


async def test_while_it_rings_and_while_they_talk_the_call_is_shown_so(scene: Scene) -> None:
    await scene.line.arrives(NUMBER)
    assert (await scene.call())["status"] == "ringing"
    await scene.line.rings()
    scene.line.passes(4)
    await scene.line.answers()
    call = await scene.call()
    assert (call["status"], call["answered_at_ms"]) == ("in_progress", START_MS + 4_000)
    assert (call["ended_at_ms"], call["talk_s"]) == (None, None)


@pytest.mark.parametrize("state", ["busy", "no_answer", "failed"])
async def test_nobody_answers(scene: Scene, state: Ended) -> None:
    await scene.line.arrives(NUMBER)
    assert await scene.line.fails(state) is None
    call = await scene.call()
    assert (call["status"], call["answered_at_ms"], call["talk_s"]) == (state, None, 0)


async def test_the_caller_hangs_up_while_it_rings(scene: Scene) -> None:
    await scene.line.arrives(NUMBER)
    await scene.line.rings()
    scene.line.passes(9)
    await scene.line.hangs_up()
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["hung_up_by"]) == ("canceled", 0, "caller")
    assert call["ended_at_ms"] == START_MS + 9_000


async def test_a_withheld_caller_is_nobody(scene: Scene) -> None:
    assert dialled(await scene.line.arrives(NUMBER, caller=None)) == (DESTINATION,)
    assert (await scene.call())["caller"] is None


async def test_a_call_to_an_unknown_number_is_turned_away_and_kept(scene: Scene) -> None:
    assert (await scene.line.arrives(STRANGE)).last == Reject()
    call = await scene.call()
    assert (call["status"], call["refusal"], call["tracking_number"]) == ("rejected", "unknown_number", STRANGE)


async def test_a_call_to_an_unknown_number_goes_to_the_accounts_own_phone_where_there_is_one(scene: Scene) -> None:
    await configure(scene.parts, update(schema.carrier).values(default_destination=DESTINATION))
    assert dialled(await scene.line.arrives(STRANGE)) == (DESTINATION,)
    await scene.line.talks(5)
    call = await scene.call()
    assert (call["status"], call["refusal"], call["campaign_id"]) == ("completed", "unknown_number", None)


# Several destinations.


async def test_a_busy_destination_is_followed_by_the_next_which_answers(scene: Scene) -> None:
    await scene.plan(rings("first", "second"))
    assert dialled(await scene.line.arrives(NUMBER)) == (FIRST,)
    assert dialled(await scene.line.fails("busy")) == (SECOND,)
    over = await scene.line.talks(20)
    assert over == Instruction(HangUp())
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["destination"]) == ("completed", 20, SECOND)


async def test_when_no_destination_answers_the_campaigns_own_is_rung_last(scene: Scene) -> None:
    await scene.plan(rings("first", "second", ring_s=15))
    assert dialled(await scene.line.arrives(NUMBER)) == (FIRST,)
    assert dialled(await scene.line.fails("no_answer")) == (SECOND,)
    assert dialled(await scene.line.fails("failed")) == (DESTINATION,)
    assert await scene.line.fails("busy") is None
    call = await scene.call()
    assert (call["status"], call["answered_at_ms"], call["talk_s"]) == ("busy", None, 0)
    attempts = await rows(scene.parts, schema.attempt)
    assert sorted((one["number"], one["state"]) for one in attempts) == [(FIRST, "no_answer"), (SECOND, "failed")]


async def test_several_ring_at_once_and_one_answers(scene: Scene) -> None:
    await scene.plan(rings("first", "second", order="all"))
    assert dialled(await scene.line.arrives(NUMBER)) == (FIRST, SECOND)
    await scene.line.rings(0)
    await scene.line.rings(1)
    scene.line.passes(3)
    await scene.line.answers(1)
    scene.line.passes(12)
    await scene.line.leg_ends("completed", 1, "destination")
    assert await scene.line.dial_ends() == Instruction(HangUp())
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["destination"]) == ("completed", 12, SECOND)


async def test_several_ring_at_once_and_none_answers(scene: Scene) -> None:
    await scene.plan(rings("first", "second", order="all"))
    await scene.line.arrives(NUMBER)
    assert dialled(await scene.line.fails("no_answer")) == (DESTINATION,)
    await scene.line.talks(8)
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["destination"]) == ("completed", 8, DESTINATION)


async def test_the_caller_gives_up_on_the_second_destination(scene: Scene) -> None:
    await scene.plan(rings("first", "second"))
    await scene.line.arrives(NUMBER)
    await scene.line.fails("busy")
    await scene.line.rings()
    scene.line.passes(5)
    await scene.line.hangs_up()
    call = await scene.call()
    assert (call["status"], call["answered_at_ms"], call["hung_up_by"]) == ("canceled", None, "caller")


async def test_a_destination_without_room_is_passed_over(scene: Scene) -> None:
    await configure(
        scene.parts, update(schema.destination).where(schema.destination.c.id == "first").values(caps={"day": 1})
    )
    await scene.plan(rings("first", "second"))
    assert dialled(await scene.line.arrives(NUMBER)) == (FIRST,)
    await scene.line.talks(5)
    scene.line.new_call()
    assert dialled(await scene.line.arrives(NUMBER)) == (SECOND,)


async def test_a_cap_counts_no_call_that_nobody_answered(scene: Scene) -> None:
    await configure(
        scene.parts, update(schema.destination).where(schema.destination.c.id == "first").values(caps={"day": 1})
    )
    await scene.plan(rings("first"))
    for _ in range(2):
        assert dialled(await scene.line.arrives(NUMBER)) == (FIRST,)
        await scene.line.fails("busy")
        scene.line.new_call()


# Menus.

SALES = rings("first", id="sales", when=Condition(keys={"menu": ("1",)}))
SERVICE = rings("second", id="service", when=Condition(keys={"menu": ("2",)}))


async def test_a_key_leads_where_the_menu_says(scene: Scene) -> None:
    await scene.plan(asks(), SALES, SERVICE)
    menu = await scene.line.arrives(NUMBER)
    assert isinstance(menu.last, Menu)
    assert (menu.last.prompt, menu.last.timeout_s) == (says("Sales 1, service 2."), 5)
    assert (await scene.call())["status"] == "menu"
    assert dialled(await scene.line.presses("2")) == (SECOND,)
    assert (await scene.call())["status"] == "connecting"
    await scene.line.talks(25)
    call = await scene.call()
    assert (call["status"], call["keys"], call["destination"]) == ("completed", "2", SECOND)


async def test_a_wrong_key_is_asked_again(scene: Scene) -> None:
    await scene.plan(asks(), SALES, SERVICE)
    await scene.line.arrives(NUMBER)
    assert isinstance((await scene.line.presses("9")).last, Menu)
    assert dialled(await scene.line.presses("1")) == (FIRST,)
    assert (await scene.call())["keys"] == "91"


async def test_silence_in_the_menu_is_asked_again_and_then_leads_on(scene: Scene) -> None:
    await scene.plan(asks(repeats=1), SALES, SERVICE)
    await scene.line.arrives(NUMBER)
    assert isinstance((await scene.line.waits()).last, Menu)
    assert dialled(await scene.line.waits()) == (DESTINATION,)
    await scene.line.talks(3)
    call = await scene.call()
    assert (call["status"], call["keys"]) == ("completed", None)


async def test_star_and_hash_are_keys_like_others(scene: Scene) -> None:
    keys = {"*": "Sales", "#": "Service"}
    await scene.plan(
        asks(keys=keys),
        rings("first", id="star", when=Condition(keys={"menu": ("*",)})),
        rings("second", id="hash", when=Condition(keys={"menu": ("#",)})),
    )
    for key, number in (("*", FIRST), ("#", SECOND)):
        await scene.line.arrives(NUMBER)
        assert dialled(await scene.line.presses(key)) == (number,)
        scene.line.new_call()


async def test_the_caller_hangs_up_in_the_menu(scene: Scene) -> None:
    await scene.plan(asks())
    await scene.line.arrives(NUMBER)
    scene.line.passes(6)
    await scene.line.hangs_up()
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["answered_at_ms"]) == ("canceled", 0, None)


async def test_two_menus_one_behind_the_other(scene: Scene) -> None:
    inner = asks(id="inner", prompt=says("Old 7, new 8."), keys={"7": "Old", "8": "New"})
    await scene.plan(asks(), inner, rings("second", when=Condition(keys={"menu": ("1",), "inner": ("8",)})))
    await scene.line.arrives(NUMBER)
    second = await scene.line.presses("1")
    assert isinstance(second.last, Menu)
    assert second.last.prompt == says("Old 7, new 8.")
    assert dialled(await scene.line.presses("8")) == (SECOND,)
    assert (await scene.call())["keys"] == "18"


# Turned away, told something, a message.


async def test_a_rejected_call_is_not_taken(scene: Scene) -> None:
    await scene.plan(Refuse(id="no"))
    assert (await scene.line.arrives(NUMBER)).last == Reject()
    call = await scene.call()
    assert (call["status"], call["refusal"], call["talk_s"]) == ("rejected", "routing", 0)


async def test_a_busy_signal_is_heard_by_who_is_blocked(scene: Scene) -> None:
    blocked = Refuse(id="no", reason="busy", when=Condition(blocked=True))
    await scene.plan(blocked, blocked=(CALLER,))
    assert (await scene.line.arrives(NUMBER)).last == Reject(reason="busy")
    scene.line.new_call()
    assert dialled(await scene.line.arrives(NUMBER, caller="+14155550143")) == (DESTINATION,)


async def test_a_withheld_caller_is_told_why_and_the_call_ends(scene: Scene) -> None:
    await scene.plan(Tell(id="told", prompt=says("Show your number."), when=Condition(anonymous=True)))
    told = await scene.line.arrives(NUMBER, caller=None)
    assert told == Instruction(HangUp(), (says("Show your number."),))
    assert (await scene.call())["status"] == "rejected"


async def test_a_notice_is_heard_before_it_rings(scene: Scene) -> None:
    notice = Prompt(audio="https://media.example/recorded.mp3")
    await scene.plan(Say(id="notice", prompt=notice), Say(id="more", prompt=says("One moment.")), rings("first"))
    told = await scene.line.arrives(NUMBER)
    assert told.say == (notice, says("One moment."))
    assert dialled(told) == (FIRST,)


async def test_a_message_is_left_when_nobody_answers(scene: Scene) -> None:
    await scene.plan(rings("first"), TakeMessage(id="message", prompt=says("After the beep."), longest_s=90))
    await scene.line.arrives(NUMBER)
    asked = await scene.line.fails("no_answer")
    assert asked is not None
    assert isinstance(asked.last, Voicemail)
    assert (asked.last.prompt, asked.last.longest_s) == (says("After the beep."), 90)
    assert await scene.line.leaves_message() == Instruction(HangUp())
    call = await scene.call()
    assert (call["status"], call["recording_url"], call["answered_at_ms"]) == ("voicemail", MESSAGE, None)


async def test_the_caller_hangs_up_before_the_beep(scene: Scene) -> None:
    await scene.plan(TakeMessage(id="message", prompt=says("After the beep.")))
    await scene.line.arrives(NUMBER)
    scene.line.passes(2)
    await scene.line.hangs_up()
    call = await scene.call()
    assert (call["status"], call["recording_url"]) == ("canceled", None)


# Whispers and recordings.


async def test_a_destination_hears_a_whisper_before_it_is_connected(scene: Scene) -> None:
    await scene.plan(rings("first", whisper=says("A call of the spring campaign.")))
    await scene.line.arrives(NUMBER)
    await scene.line.rings()
    assert await scene.line.whispers() == says("A call of the spring campaign.")
    await scene.line.answers()
    scene.line.passes(30)
    await scene.line.leg_ends("completed", 0, "destination")
    await scene.line.dial_ends()
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["destination"]) == ("completed", 30, FIRST)
    assert len(await rows(scene.parts, schema.call)) == 1


async def test_a_whisper_that_is_gone_holds_nobody_up(scene: Scene) -> None:
    if scene.line.kind == "generic":
        pytest.skip("it comes with the order to ring")
    await scene.plan(rings("first", whisper=says("A call.")))
    await scene.line.arrives(NUMBER)
    await scene.plan(rings("first"))
    assert await scene.line.whispers() is None


async def test_a_recording_is_known_when_it_is_ready_after_the_call(scene: Scene) -> None:
    await scene.plan(rings("first", record=True))
    asked = await scene.line.arrives(NUMBER)
    assert isinstance(asked.last, Connect)
    assert asked.last.record
    await scene.line.talks(60)
    assert (await scene.call())["recording_url"] is None
    await scene.line.recording_is_ready()
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["recording_url"]) == ("completed", 60, RECORDING)


# Twice, late, out of order, never.


async def test_an_arrival_told_again_gets_the_same_answer_and_changes_nothing(scene: Scene) -> None:
    await scene.plan(rings("first", "second", order="weight"))
    first = await scene.line.arrives(NUMBER)
    before = await scene.call(), await scene.events()
    scene.line.passes(2)
    for _ in range(3):
        assert scene.line.read(await scene.line.again()) == first
    assert (await scene.call(), await scene.events()) == before


async def test_a_step_told_again_gets_the_same_answer_and_changes_nothing(scene: Scene) -> None:
    await scene.plan(asks(), SALES, SERVICE)
    await scene.line.arrives(NUMBER)
    first = await scene.line.presses("1")
    before = await scene.call(), await scene.events(), await rows(scene.parts, schema.attempt)
    for _ in range(3):
        assert scene.line.read(await scene.line.again()) == first
    assert (await scene.call(), await scene.events(), await rows(scene.parts, schema.attempt)) == before


async def test_progress_told_again_changes_nothing(scene: Scene) -> None:
    await scene.line.arrives(NUMBER)
    await scene.line.rings()
    await scene.line.answers()
    scene.line.passes(10)
    await scene.line.leg_ends("completed")
    before = await scene.call(), await scene.events()
    assert (await scene.line.again()).status_code == 204
    assert (await scene.call(), await scene.events()) == before


@pytest.mark.parametrize("backwards", [False, True])
async def test_progress_that_comes_late_or_backwards_is_the_same_call(scene: Scene, backwards: bool) -> None:
    await scene.plan(rings("first", "second"))
    await scene.line.arrives(NUMBER)
    scene.line.holding = True
    await scene.line.fails("busy")
    await scene.line.talks(20)
    await scene.line.deliver(backwards=backwards)
    call = await scene.call()
    assert (call["status"], call["destination"], call["answered_at_ms"] is None) == ("completed", SECOND, False)
    assert call["talk_s"] == 20


async def test_progress_of_a_call_that_was_never_announced_is_kept(scene: Scene) -> None:
    line = scene.line
    line.to = NUMBER
    await line.ends("completed", "caller")
    call = await scene.call()
    assert (call["tracking_number"], call["caller"], call["ended_at_ms"]) == (NUMBER, CALLER, START_MS)
    assert dialled(await line.arrives(NUMBER)) == (DESTINATION,)
    assert len(await rows(scene.parts, schema.call)) == 1


async def test_without_a_word_of_the_destination_it_is_told_by_the_caller(scene: Scene) -> None:
    """Its leg's progress is lost; how the legs ended, and the caller's own end, are not."""
    await scene.plan(rings("first"))
    await scene.line.arrives(NUMBER)
    scene.line.loses = lambda fields: scene.line.of_leg_alone in fields
    await scene.line.talks(30)
    call = await scene.call()
    assert call["status"] == "completed"
    assert call["talk_s"] == (30 if scene.line.kind in TELLS_TALK_TWICE else None)


async def test_a_call_whose_end_never_comes_goes_on(scene: Scene) -> None:
    await scene.line.arrives(NUMBER)
    await scene.line.rings()
    await scene.line.answers()
    scene.line.loses = lambda _fields: True
    scene.line.passes(60)
    await scene.line.leg_ends("completed")
    call = await scene.call()
    assert (call["status"], call["ended_at_ms"]) == ("in_progress", None)


async def test_a_status_that_is_news_to_us_breaks_nothing_and_every_field_is_kept(scene: Scene) -> None:
    told = await scene.line.arrives(NUMBER, NewField="ünfug\0", EmptyField="")
    assert dialled(told) == (DESTINATION,)
    fields = {**scene.line.call_over("completed", None), scene.line.status: "transmogrified", "More": "x"}
    assert (await scene.line.post(f"{scene.line.door}/status", fields)).status_code == 204
    kept = {event["kind"]: event["fields"] for event in await scene.events()}
    arrived, news = kept["inbound"], kept["other"]
    assert (arrived["NewField"], arrived["EmptyField"]) == ("ünfug\ufffd", "")
    assert news == fields
    assert (await scene.call())["status"] == "ringing"


async def test_a_locked_ledger_keeps_no_caller_waiting_and_learns_it_later(scene: Scene) -> None:
    async with scene.parts.ledger.write():
        assert dialled(await scene.line.arrives(NUMBER)) == (DESTINATION,)
    assert await rows(scene.parts, schema.call) == []
    await drain_once(scene.parts, Journal(scene.parts))
    await scene.line.talks(30)
    call = await scene.call()
    assert (call["status"], call["talk_s"], call["caller"]) == ("completed", 30, CALLER)


async def test_a_place_in_no_plan_leads_to_the_campaigns_own_destination(scene: Scene) -> None:
    await scene.plan(asks())
    await scene.line.arrives(NUMBER)
    answer = await scene.line.post(f"{scene.line.door}/step?at=forged", scene.line.pressed("1"))
    assert dialled(scene.line.read(answer)) == (DESTINATION,)


# Who is let in.


async def refused(scene: Scene, answer: Any) -> str:
    assert answer.status_code == 403, answer.text
    kept = await rows(scene.parts, schema.refusal)
    code = str(answer.json()["code"])
    assert [(row["code"], row["carrier_id"]) for row in kept] == [(code, "car_1")]
    assert await rows(scene.parts, schema.call) == []
    assert CALLER not in msgspec.json.encode(kept[0]).decode()
    return code


def arrival(line: Line) -> dict[str, str]:
    line.to = NUMBER
    return line.arriving()


async def test_a_request_without_a_signature_is_refused(scene: Scene) -> None:
    line = scene.line
    fields = arrival(line)
    answer = await line.http.post(f"{line.door}/inbound", content=line.body(fields))
    assert await refused(scene, answer) == "missing_signature"


async def test_a_request_with_anothers_signature_is_refused(scene: Scene) -> None:
    answer = await scene.line.post(f"{scene.line.door}/inbound", arrival(scene.line), secret="of another account")
    assert await refused(scene, answer) == "bad_signature"


async def test_a_request_that_was_changed_is_refused(scene: Scene) -> None:
    line, url = scene.line, f"{scene.line.door}/inbound"
    fields = arrival(line)
    headers = line.signed(url, fields, line.body(fields), line.secret)
    answer = await line.http.post(url, content=line.body({**fields, "More": "x"}), headers=headers)
    if line.kind in SIGNS_BODY:
        assert await refused(scene, answer) == "bad_signature"
    else:
        assert answer.status_code == 200


async def test_a_request_to_another_address_than_the_one_that_was_signed_is_refused(scene: Scene) -> None:
    line, url = scene.line, f"{scene.line.door}/inbound"
    fields = arrival(line)
    headers = line.signed(url.replace("dni.example", "behind.example"), fields, line.body(fields), line.secret)
    answer = await line.http.post(url, content=line.body(fields), headers=headers)
    if line.kind in SIGNS_ADDRESS:
        assert await refused(scene, answer) == "bad_signature"
    else:
        assert answer.status_code == 200


async def test_a_request_of_another_account_is_refused(scene: Scene) -> None:
    if scene.line.kind not in TELLS_ACCOUNT:
        pytest.skip("its requests do not name the account")
    answer = await scene.line.post(f"{scene.line.door}/inbound", {**arrival(scene.line), "AccountSid": "another"})
    assert await refused(scene, answer) == "wrong_account"


async def test_a_request_that_was_kept_and_sent_again_an_hour_later_changes_nothing(scene: Scene) -> None:
    line, url = scene.line, f"{scene.line.door}/inbound"
    await line.arrives(NUMBER)
    fields = line.arriving()
    headers = line.signed(url, fields, line.body(fields), line.secret)
    before = await scene.call(), await scene.events()
    line.passes(3_600)
    answer = await line.http.post(url, content=line.body(fields), headers=headers)
    if line.kind == "telnyx":
        assert (answer.status_code, answer.json()["code"]) == (403, "stale_signature")
    else:
        assert answer.status_code == 200
    assert (await scene.call(), await scene.events()) == before


async def test_a_clock_that_is_wrong_is_told_to_the_operator(scene: Scene) -> None:
    if not isinstance(scene.line, TelnyxLine):
        pytest.skip("its requests do not tell when they were signed")
    fields = arrival(scene.line)
    body = scene.line.body(fields)
    headers = telnyx_signed(body, START_MS // 1000 + 301)
    answer = await scene.line.http.post(f"{scene.line.door}/inbound", content=body, headers=headers)
    assert await refused(scene, answer) == "stale_signature"


async def test_an_account_is_no_other_carriers(scene: Scene) -> None:
    other = next(kind for kind in PORTS if kind != scene.line.kind)
    url = scene.line.door.replace(f"/{scene.line.kind}/", f"/{other}/")
    answer = await scene.line.post(f"{url}/inbound", arrival(scene.line))
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_account")


# Forgotten.


async def test_a_call_is_the_same_when_who_called_is_forgotten(scene: Scene) -> None:
    await scene.plan(asks(), rings("first", "second", record=True))
    await scene.line.arrives(NUMBER)
    await scene.line.presses("1")
    await scene.line.fails("busy")
    await scene.line.talks(30)
    await scene.line.recording_is_ready()
    call, kind = await scene.call(), scene.line.kind
    told: list[CallEvent] = []
    bare: list[CallEvent] = []
    for event in await scene.events():
        nameless = calls.nameless(kind, event["fields"])
        assert CALLER not in nameless.values()
        assert CALLER.removeprefix("+") not in nameless.values()
        assert RECORDING not in nameless.values()
        told.append(read(kind, event["kind"], event["fields"], event["received_at_ms"]))
        bare.append(read(kind, event["kind"], nameless, event["received_at_ms"]))
    ours = Ours(call["phase"], bool(call["spoke"]))
    before, after = fold(told, ours), fold(bare, ours)
    assert after == msgspec.structs.replace(before, recording_url=None)
    assert (before.status, before.talk_s, before.recording_url) == ("completed", 30, RECORDING)


def read(kind: str, event: str, fields: dict[str, str], received_ms: int) -> CallEvent:
    port = PORTS[kind]
    if event in STEPS:
        return port.step(fields, received_ms)
    return port.inbound(fields, received_ms) if event == "inbound" else port.progress(fields, received_ms)


async def test_every_story_is_told_of_every_carrier() -> None:
    assert LINES.keys() == PORTS.keys()


async def test_what_a_carrier_is_told_is_kept_with_the_way_that_led_to_it(scene: Scene) -> None:
    await scene.plan(asks(), SALES)
    told = await scene.line.arrives(NUMBER)
    async with scene.parts.ledger.read() as connection:
        kept = (await connection.execute(select(schema.decision.c.instruction))).scalars().all()
    assert [msgspec.convert(one, Instruction).say for one in kept] == [told.say]
