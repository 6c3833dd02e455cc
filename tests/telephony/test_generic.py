"""A SIP server's JSON into call events, instructions into JSON."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import insert

from dni.call.drain import drain_once
from dni.call.journal import Journal
from dni.errors import BadBody, Forbidden, InvalidField
from dni.ledger import schema
from dni.parts import Parts
from dni.telephony.generic import Generic
from dni.telephony.model import (
    AT,
    Connect,
    HangUp,
    Instruction,
    Last,
    Menu,
    Prompt,
    RawRequest,
    Reject,
    Voicemail,
)
from tests.support.carrier import BASE, configure, door, rows
from tests.support.world import DESTINATION, START_MS, add, numbers

NOW_MS = 1_790_000_000_000
TOKEN = "a-token-of-the-users-own-choosing"
CALL = {"call_id": "7d2f@203.0.113.9", "from": "+14155550142", "to": "+12025550100"}
LEG = {"call_id": CALL["call_id"], "destination": "+14155550199"}


def opened(body: bytes, authorization: str | None = f"Bearer {TOKEN}") -> dict[str, str]:
    headers = {} if authorization is None else {"authorization": authorization}
    return Generic().open(RawRequest("https://dni.example/x", headers, body), TOKEN).values


def told(**fields: Any) -> dict[str, str]:
    """Fields as the door hands them to the port."""
    return opened(json.dumps(fields).encode())


# Who is let in.


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_token_opens_the_door_and_names_no_account(scheme: str) -> None:
    fields = Generic().open(RawRequest("https://x/", {"authorization": f"{scheme}{TOKEN}"}, b"{}"), TOKEN)
    assert (fields.account_sid, fields.values) == (None, {})


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "missing_signature"),
        ("", "missing_signature"),
        ("Bearer", "missing_signature"),
        ("Bearer  ", "missing_signature"),
        (TOKEN, "missing_signature"),
        (f"Basic {TOKEN}", "missing_signature"),
        (f"Bearer {TOKEN}x", "bad_signature"),
        (f"Bearer {TOKEN[:-1]}", "bad_signature"),
        ("Bearer ü\xff", "bad_signature"),
    ],
)
def test_another_token_does_not_whatever_the_body(authorization: str | None, code: str) -> None:
    with pytest.raises(Forbidden) as refused:
        opened(b"no JSON", authorization)
    assert (refused.value.status, refused.value.code) == (403, code)
    assert TOKEN not in refused.value.detail


# What is read.


def test_every_field_is_kept_as_text() -> None:
    body = '{"call_id":"c","n":1790000000000,"f":1.5,"t":true,"o":{"a":["ü",null]},"l":[1],"no":null,"Ö":"ü","":""}'
    assert opened(body.encode()) == {
        "call_id": "c",
        "n": "1790000000000",
        "f": "1.5",
        "t": "true",
        "o": '{"a":["\\u00fc",null]}',
        "l": "[1]",
        "no": "",
        "Ö": "ü",
        "": "",
    }


def test_what_no_ledger_can_keep_is_replaced() -> None:
    assert opened(b'{"a":"x\\u0000y","b":"\\ud800","\\u0000":"\\ud83d\\ude00"}') == {
        "a": "x\ufffdy",
        "b": "\ufffd",
        "\ufffd": "😀",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"call_id=1&from=2",
        b'{"call_id":',
        b'{"call_id":"\xff"}',
        b'{"a":1,"a":2}',
        b'{"o":{"a":1,"b":2,"a":3}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":[1,{"b":-1e9999}]}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a":' + b"[" * 900 + b"]" * 900 + b"}" * 2,
        json.dumps({str(i): i for i in range(600)}).encode(),
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        opened(body)


def test_a_name_that_stands_twice_is_said() -> None:
    with pytest.raises(BadBody, match="'call_id' stands twice"):
        opened(b'{"call_id":"a","from":"b","call_id":"c"}')


@pytest.mark.parametrize("body", [b"[]", b'"call"', b"1", b"null", b"true"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidField):
        opened(body)


# A call arrives.


def test_an_arriving_call() -> None:
    event = Generic().inbound(told(**CALL, time_ms=NOW_MS - 7, attestation="A", phone_type="mobile"), NOW_MS)
    assert (event.provider_id, event.kind, event.state, event.at_ms) == (
        CALL["call_id"],
        "inbound",
        "ringing",
        NOW_MS - 7,
    )
    assert (event.tracking_number, event.caller) == (CALL["to"], CALL["from"])
    assert (event.attestation, event.phone_type) == ("A", "mobile")


@pytest.mark.parametrize("caller", ["anonymous", "", None, "sip:bob@example.com", 12, {"user": "bob"}])
def test_a_withheld_or_odd_caller_is_none(caller: object) -> None:
    assert Generic().inbound(told(**CALL | {"from": caller}), NOW_MS).caller is None


@pytest.mark.parametrize("to", ["sip:x@y.example", "", None, {}, "\0"])
def test_a_call_to_what_is_no_number_is_one_to_an_unknown_number(to: object) -> None:
    assert Generic().inbound(told(**CALL | {"to": to}), NOW_MS).tracking_number is None


@pytest.mark.parametrize(
    ("number", "e164"), [("12025550100", "+12025550100"), (12025550100, "+12025550100"), ("2025550100", "+12025550100")]
)
def test_numbers_are_read_as_people_write_them(number: object, e164: str) -> None:
    assert Generic().inbound(told(**CALL | {"to": number}), NOW_MS).tracking_number == e164


@pytest.mark.parametrize(("value", "read"), [("b", "B"), ("FAILED", "failed"), ("D", None), ("", None), (7, None)])
def test_a_verdict_that_we_do_not_know_is_none(value: object, read: str | None) -> None:
    assert Generic().inbound(told(**CALL, attestation=value, phone_type=value), NOW_MS).attestation == read


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"call_id": ""}, "/call_id"),
        ({"call_id": None}, "/call_id"),
        ({"call_id": "a b"}, "/call_id"),
        ({"call_id": "ü"}, "/call_id"),
        ({"call_id": "c\0"}, "/call_id"),
        ({"call_id": "c" * 256}, "/call_id"),
        ({"time_ms": "now"}, "/time_ms"),
        ({"time_ms": 1_790_000_000}, "/time_ms"),
        ({"time_ms": -1}, "/time_ms"),
        ({"time_ms": 10**30}, "/time_ms"),
        ({"time_ms": True}, "/time_ms"),
        ({"time_ms": [1]}, "/time_ms"),
        ({"time_ms": "١٧٩٠٠٠٠٠٠٠٠٠٠"}, "/time_ms"),
    ],
)
def test_what_cannot_be_a_call_is_refused_by_field(change: dict[str, Any], path: str) -> None:
    for read in (Generic().inbound, Generic().progress, Generic().step):
        with pytest.raises(InvalidField) as refused:
            read(told(**CALL | {"event": "ringing"} | change), NOW_MS)
        assert refused.value.errors[0].path == path


def test_a_call_says_which_number_was_dialled() -> None:
    with pytest.raises(InvalidField) as refused:
        Generic().inbound({"call_id": "c"}, NOW_MS)
    assert refused.value.errors[0].path == "/to"


@pytest.mark.parametrize(
    ("time", "at_ms"), [(NOW_MS, NOW_MS), (float(NOW_MS), NOW_MS), (str(NOW_MS), NOW_MS), (None, NOW_MS + 5)]
)
def test_the_servers_time_counts_where_it_tells_one(time: object, at_ms: int) -> None:
    assert Generic().inbound(told(**CALL, time_ms=time), NOW_MS + 5).at_ms == at_ms


# A call goes on.


@pytest.mark.parametrize(
    ("event", "code", "by", "leg", "call"),
    [
        ("ringing", None, None, "ringing", "ringing"),
        ("ringing", 180, None, "ringing", "ringing"),
        ("answered", None, None, "in_progress", "in_progress"),
        ("answered", 200, None, "in_progress", "in_progress"),
        ("ended", None, "caller", "completed", "completed"),
        ("ended", 200, "destination", "completed", "completed"),
        ("ended", 487, "caller", "canceled", "canceled"),
        ("ended", 486, None, "busy", "busy"),
        ("failed", 486, None, "busy", "busy"),
        ("failed", 600, "destination", "busy", "busy"),
        ("failed", 603, None, "busy", "rejected"),
        ("failed", 408, None, "no_answer", "no_answer"),
        ("failed", 480, None, "no_answer", "no_answer"),
        ("failed", 487, None, "no_answer", "canceled"),
        ("failed", 487, "caller", "canceled", "canceled"),
        ("failed", None, "caller", "canceled", "canceled"),
        ("failed", 404, None, "failed", "failed"),
        ("failed", 503, None, "failed", "failed"),
        ("failed", None, None, "failed", "failed"),
        ("parked", None, None, None, None),
    ],
)
def test_each_event_with_a_destination_and_of_the_call(
    event: str, code: int | None, by: str | None, leg: str | None, call: str | None
) -> None:
    fields: dict[str, Any] = {"event": event, "sip_code": code, "hung_up_by": by, "time_ms": NOW_MS}
    with_leg = Generic().progress(told(**LEG, **fields), NOW_MS + 5)
    assert (with_leg.destination, with_leg.leg, with_leg.at_ms) == (LEG["destination"], LEG["destination"], NOW_MS)
    assert (with_leg.destination_state, with_leg.state, with_leg.hung_up_by) == (leg, leg, by)
    assert with_leg.kind == (f"destination_{leg}" if leg else "other")
    without = Generic().progress(told(call_id="c", **fields), NOW_MS + 5)
    assert (without.destination, without.leg, without.destination_state) == (None, None, None)
    assert (without.state, without.kind) == (call, call or "other")


def test_a_destination_that_is_not_the_last_does_not_end_the_call() -> None:
    event = Generic().progress(told(**LEG, event="failed", sip_code=486, final=False), NOW_MS)
    assert (event.state, event.destination_state, event.kind) == (None, "busy", "destination_busy")


def test_a_leg_may_have_a_name_of_its_own_and_a_destination_need_not_be_a_number() -> None:
    event = Generic().progress(told(call_id="c", event="answered", leg="2", destination="sip:desk@pbx"), NOW_MS)
    assert (event.leg, event.destination, event.destination_state) == ("2", None, "in_progress")


@pytest.mark.parametrize(("talk", "read"), [(95, 95), (94.6, 95), ("95", 95), (0, 0), (None, None)])
def test_seconds_spoken_are_the_legs_or_the_calls(talk: object, read: int | None) -> None:
    of_leg = Generic().progress(told(**LEG, event="ended", talk_s=talk), NOW_MS)
    assert (of_leg.talk_s, of_leg.duration_s) == (read, None)
    of_call = Generic().progress(told(call_id="c", event="ended", talk_s=talk), NOW_MS)
    assert (of_call.talk_s, of_call.duration_s) == (None, read)


def test_an_event_of_a_call_that_was_never_announced_may_tell_both_numbers() -> None:
    event = Generic().progress(told(**CALL, event="ringing"), NOW_MS)
    assert (event.tracking_number, event.caller) == (CALL["to"], CALL["from"])


def test_a_recording_is_an_event_of_its_own_or_comes_with_another() -> None:
    url = "https://pbx.example/1.wav"
    alone = Generic().progress(told(call_id="c", recording_url=url), NOW_MS)
    assert (alone.kind, alone.state, alone.recording_url) == ("recording", None, url)
    ended = Generic().progress(told(call_id="c", event="ended", recording_url=url), NOW_MS)
    assert (ended.kind, ended.state, ended.recording_url) == ("completed", "completed", url)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"event": ""}, "/event"),
        ({"event": None}, "/event"),
        ({"sip_code": "busy"}, "/sip_code"),
        ({"sip_code": 99}, "/sip_code"),
        ({"sip_code": 700}, "/sip_code"),
        ({"sip_code": 486.5}, "/sip_code"),
        ({"sip_code": [486]}, "/sip_code"),
        ({"hung_up_by": "nobody"}, "/hung_up_by"),
        ({"hung_up_by": 1}, "/hung_up_by"),
        ({"final": "no"}, "/final"),
        ({"talk_s": -1}, "/talk_s"),
        ({"talk_s": 10**9}, "/talk_s"),
        ({"talk_s": "long"}, "/talk_s"),
        ({"talk_s": 1e300}, "/talk_s"),
    ],
)
def test_what_an_event_gets_wrong_is_refused_by_field(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Generic().progress(told(**LEG | {"event": "failed"} | change), NOW_MS)
    assert refused.value.errors[0].path == path


def test_the_same_event_has_the_same_identity_and_another_one_another() -> None:
    ringing = {**LEG, "event": "ringing", "time_ms": NOW_MS}
    events: list[dict[str, Any]] = [
        ringing,
        {**ringing, "event": "answered"},
        {**ringing, "time_ms": NOW_MS + 1},
        {**ringing, "destination": "+14155550198"},
        {**ringing, "leg": "2"},
        {**ringing, "event": "failed", "sip_code": 486},
        {**ringing, "event": "failed", "sip_code": 480},
        {"call_id": "c", "recording_url": "https://pbx.example/1"},
        {"call_id": "c", "recording_url": "https://pbx.example/" + "x" * 500 + "1"},
        {"call_id": "c", "recording_url": "https://pbx.example/" + "x" * 500 + "2"},
    ]
    identities = [Generic().progress(told(**fields), NOW_MS).identity for fields in events]
    assert len(set(identities)) == len(events)
    assert identities == [Generic().progress(told(**fields), NOW_MS + 9_999).identity for fields in events]
    assert max(len(identity) for identity in identities) <= 200


# A server asks what to do next.


@pytest.mark.parametrize("keys", ["1", "", "*2#", "0123456789"])
def test_what_was_pressed(keys: str) -> None:
    event = Generic().step(told(call_id="c", keys=keys) | {AT: "menu"}, NOW_MS)
    assert (event.kind, event.keys, event.state) == ("keys", keys, None)


@pytest.mark.parametrize("keys", ["x", "1 2", "٣", "1" * 65, True, [1]])
def test_what_is_no_key_is_refused(keys: object) -> None:
    with pytest.raises(InvalidField) as refused:
        Generic().step(told(call_id="c", keys=keys), NOW_MS)
    assert refused.value.errors[0].path == "/keys"


def test_a_destination_that_did_not_take_the_call() -> None:
    event = Generic().step(told(**LEG, event="failed", sip_code=486) | {AT: "sales"}, NOW_MS)
    assert (event.kind, event.state, event.destination, event.destination_state) == (
        "dialled",
        None,
        LEG["destination"],
        "busy",
    )


def test_a_caller_who_is_gone() -> None:
    event = Generic().step(told(**LEG, event="failed", sip_code=487, hung_up_by="caller"), NOW_MS)
    assert (event.kind, event.state, event.destination_state) == ("dialled", "canceled", "canceled")


def test_a_message_was_left() -> None:
    event = Generic().step(told(call_id="c", recording_url="https://pbx.example/1.wav"), NOW_MS)
    assert (event.kind, event.recording_url) == ("recorded", "https://pbx.example/1.wav")


def test_a_step_says_what_happened() -> None:
    with pytest.raises(InvalidField) as refused:
        Generic().step({"call_id": "c", AT: "menu"}, NOW_MS)
    assert refused.value.errors[0].path == "/keys"


def test_the_same_answer_at_another_place_is_another_event() -> None:
    fields = told(call_id="c", keys="1")
    first, second = (Generic().step(fields | {AT: at}, NOW_MS).identity for at in ("menu", "menu-2"))
    assert first != second
    assert first == Generic().step(fields | {AT: "menu"}, NOW_MS + 1).identity
    long = [Generic().step(fields | {AT: "x" * 2_000 + end}, NOW_MS).identity for end in "ab"]
    assert long[0] != long[1]


# What stays when who called is forgotten.


def test_who_called_goes_and_what_the_call_is_folded_from_stays() -> None:
    fields = told(**CALL, destination=DESTINATION, event="failed", sip_code=486, from_name="Ann", time_ms=NOW_MS)
    bare = Generic().bare(fields)
    assert "+14155550142" not in bare.values()
    assert "Ann" not in bare.values()
    before, after = Generic().progress(fields, NOW_MS), Generic().progress(bare, NOW_MS)
    assert before == replace(after, caller=CALL["from"])


def test_a_recording_can_be_taken_away_and_the_event_can_still_be_read() -> None:
    url = "https://pbx.example/1"
    fields = Generic().unrecorded(told(call_id="c", event="ended", recording_url=url, recording_s=9))
    assert fields == {"call_id": "c", "event": "ended", "recording_url": ""}
    alone = Generic().unrecorded(told(call_id="c", recording_url=url))
    for read, kind in ((Generic().progress, "recording"), (Generic().step, "recorded")):
        event = read(alone, NOW_MS)
        assert (event.kind, event.recording_url) == (kind, None)


# What is answered.

_STATUS, _STEP = "https://dni.example/voice/generic/car_1/status", "https://dni.example/voice/generic/car_1/step?at=x"
_HELLO, _JINGLE = Prompt(text="Hello"), Prompt(audio="https://x.example/jingle.mp3")


@pytest.mark.parametrize(
    ("last", "document"),
    [
        (
            Connect(destinations=(DESTINATION,), timeout_s=25, status_url=_STATUS),
            {"action": "connect", "destinations": [DESTINATION], "timeout_s": 25, "record": False},
        ),
        (
            Connect(
                destinations=(DESTINATION, "+14155550198"),
                timeout_s=20,
                status_url=_STATUS,
                step_url=_STEP,
                whisper_url=_STEP,
                whisper=Prompt(text="Un appel", language="fr-FR"),
                record=True,
                caller_id="+12025550100",
            ),
            {
                "action": "connect",
                "destinations": [DESTINATION, "+14155550198"],
                "timeout_s": 20,
                "record": True,
                "step_url": _STEP,
                "whisper": {"text": "Un appel", "language": "fr-FR"},
                "caller_id": "+12025550100",
            },
        ),
        (
            Menu(prompt=_HELLO, keys=("1", "2"), timeout_s=5, step_url=_STEP),
            {
                "action": "menu",
                "prompt": "Hello",
                "prompt_language": "en-US",
                "keys": ["1", "2"],
                "timeout_s": 5,
                "step_url": _STEP,
            },
        ),
        (
            Menu(prompt=_JINGLE, keys=("1",), timeout_s=5, step_url=_STEP),
            {
                "action": "menu",
                "prompt": "",
                "prompt_audio": "https://x.example/jingle.mp3",
                "keys": ["1"],
                "timeout_s": 5,
                "step_url": _STEP,
            },
        ),
        (
            Voicemail(prompt=_HELLO, longest_s=120, step_url=_STEP),
            {
                "action": "voicemail",
                "prompt": "Hello",
                "prompt_language": "en-US",
                "longest_s": 120,
                "step_url": _STEP,
            },
        ),
        (Reject(), {"action": "reject", "sip_code": 603, "reason": "rejected"}),
        (Reject(reason="busy"), {"action": "reject", "sip_code": 486, "reason": "busy"}),
        (HangUp(), {"action": "hang_up"}),
    ],
)
def test_each_instruction(last: Last, document: dict[str, Any]) -> None:
    answer = Generic().answer(Instruction(last))
    assert answer.media_type == "application/json"
    assert json.loads(answer.body) == document
    spoken = Generic().answer(Instruction(last, say=(_HELLO, _JINGLE)))
    assert json.loads(spoken.body) == document | {
        "say": [{"text": "Hello"}, {"audio": "https://x.example/jingle.mp3"}],
    }


def test_what_a_destination_hears() -> None:
    assert json.loads(Generic().whisper(_HELLO).body) == {"action": "whisper", "whisper": {"text": "Hello"}}
    assert json.loads(Generic().whisper(None).body) == {"action": "whisper"}


# No body is an error of ours.

_names = st.sampled_from(
    (*CALL, *LEG, "time_ms", "event", "leg", "sip_code", "hung_up_by", "final", "talk_s", "keys", "recording_url")
)
_odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "\0", "\ud800", CALL["to"], DESTINATION, "ended", "failed", "caller", "x" * 300, 10**40])
    | st.sampled_from([NOW_MS, 486, 487, 200, "https://x.example/r", 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A valid object, some fields of which are changed, dropped, added or not even text."""
    event = draw(st.sampled_from(["ringing", "answered", "ended", "failed", "parked"]))
    fields: dict[str, Any] = {**CALL, "call_id": draw(st.sampled_from("abc")), "event": event}
    fields |= draw(st.dictionaries(_names | st.text(max_size=8), _odd, max_size=4))
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=1)):
        del fields[name]
    body = json.dumps(fields).encode()
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=6)) + body[at:]
    return body


@settings(max_examples=2_000, deadline=None)
@given(bodies() | st.binary(max_size=60))
def test_the_port_reads_or_refuses_whatever_comes(body: bytes) -> None:
    try:
        values = opened(body)
    except (BadBody, InvalidField):
        return
    for text in (*values, *values.values()):
        text.encode()
        assert "\0" not in text
    for read in (Generic().inbound, Generic().progress, Generic().step):
        try:
            event = read(values, NOW_MS)
        except InvalidField:
            continue
        assert event == read(values, NOW_MS)
        assert len(event.identity) <= 200
        assert event.at_ms == NOW_MS or "time_ms" in values


async def test_no_body_is_a_server_error_at_the_door(parts: Parts) -> None:
    await add(parts)
    account = {"id": "car_9", "kind": "generic", "name": "SIP", "account_sid": "sip", "auth_token": TOKEN}
    await configure(parts, insert(schema.carrier).values(**account, created_at_ms=START_MS))
    outcomes: set[tuple[str, int]] = set()
    requests: list[tuple[str, bytes]] = []

    @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(name=st.sampled_from(["inbound", "status"]), body=bodies())
    def collect(name: str, body: bytes) -> None:
        requests.append((name, body))

    collect()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door(parts)), base_url=BASE) as http:

        async def post(name: str, body: bytes) -> None:
            answer = await http.post(f"/voice/generic/car_9/{name}", content=body, headers=headers)
            outcomes.add((name, answer.status_code))
            assert answer.status_code in (200, 204, 400, 422), (name, body, answer.text)

        for begin in range(0, len(requests), 8):
            await asyncio.gather(*(post(*request) for request in requests[begin : begin + 8]))
    assert {("inbound", 200), ("inbound", 422), ("status", 204), ("status", 422), ("status", 400)} <= outcomes
    await drain_once(parts, Journal(parts))
    assert not (parts.settings.data_dir / "spool" / "unreadable.jsonl").exists()


async def test_a_call_from_ring_to_end_is_in_the_ledger(parts: Parts) -> None:
    await add(parts)
    account = {"id": "car_9", "kind": "generic", "name": "SIP", "account_sid": "sip", "auth_token": TOKEN}
    await configure(parts, insert(schema.carrier).values(**account, created_at_ms=START_MS))
    [number] = numbers(1)
    at = {"call_id": "c1", "destination": DESTINATION}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door(parts)), base_url=BASE) as http:

        async def post(name: str, token: str = TOKEN, **body: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}"}
            return await http.post(f"/voice/generic/car_9/{name}", json=body, headers=headers)

        refused = await post("inbound", "another", call_id="c1", to=number)
        assert (refused.status_code, refused.headers["dni-reason"]) == (403, "bad_signature")
        answer = await post("inbound", call_id="c1", to=number, **{"from": CALL["from"]}, time_ms=START_MS)
        assert answer.json() == {
            "action": "connect",
            "destinations": [DESTINATION],
            "timeout_s": answer.json()["timeout_s"],
            "record": False,
        }
        for event, after_ms in (("ended", 35_400), ("answered", 5_000), ("ringing", 400), ("answered", 5_000)):
            by = {"hung_up_by": "caller"} if event == "ended" else {}
            status = await post("status", **at, event=event, time_ms=START_MS + after_ms, **by)
            assert (status.status_code, status.content) == (204, b"")
    [refusal] = await rows(parts, schema.refusal)
    assert (refusal["carrier_id"], refusal["code"]) == ("car_9", "bad_signature")
    [call] = await rows(parts, schema.call)
    wanted = {
        "status": "completed",
        "provider_id": "c1",
        "tracking_number": number,
        "caller": CALL["from"],
        "started_at_ms": START_MS,
        "answered_at_ms": START_MS + 5_000,
        "ended_at_ms": START_MS + 35_400,
        "talk_s": 30,
        "destination": DESTINATION,
    }
    assert {name: call[name] for name in wanted} == wanted
