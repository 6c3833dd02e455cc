"""Twilio's form fields into call events."""

import json

import pytest
from twilio.request_validator import RequestValidator

from dni.errors import BadBody, Forbidden, InvalidField
from dni.telephony.model import AT, RawRequest
from dni.telephony.signatures import twilio as sign
from dni.telephony.twilio import Twilio

NOW_MS = 1_790_000_000_000
PARENT = {"CallSid": "CA1", "From": "+14155550142", "To": "+12025550100"}
LEG = {"CallSid": "CA2", "ParentCallSid": "CA1", "From": "+14155550142", "To": "+14155550199"}


def test_an_arriving_call() -> None:
    event = Twilio().inbound({**PARENT, "CallStatus": "ringing"}, NOW_MS)
    assert (event.provider_id, event.kind, event.tracking_number, event.caller, event.at_ms) == (
        "CA1",
        "inbound",
        "+12025550100",
        "+14155550142",
        NOW_MS,
    )


@pytest.mark.parametrize("caller", ["anonymous", "Restricted", "+266696687", "", "sip:bob@example.com", "12"])
def test_a_withheld_or_odd_caller_is_none(caller: str) -> None:
    assert Twilio().inbound({**PARENT, "From": caller}, NOW_MS).caller is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"CallSid": ""}, "/CallSid"),
        ({"CallSid": "CA 1"}, "/CallSid"),
        ({"CallSid": "C" * 129}, "/CallSid"),
    ],
)
def test_what_cannot_be_a_call_is_refused_by_field(change: dict[str, str], path: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Twilio().inbound({**PARENT, **change}, NOW_MS)
    assert refused.value.errors[0].path == path


@pytest.mark.parametrize(
    ("told", "attestation"),
    [
        ("TN-Validation-Passed-A", "A"),
        ("TN-Validation-Passed-B", "B"),
        ("TN-Validation-Passed-C", "C"),
        ("TN-Validation-Passed-A-Diverted", "A"),
        ("TN-Validation-Failed", "failed"),
        ("TN-Validation-Failed-B", "failed"),
        ("TN-Validation-Passed-", None),
        ("TN-Validation-Passed-Z", None),
        ("No-TN-Validation", None),
        ("", None),
    ],
)
def test_the_verdict_on_the_callers_number(told: str, attestation: str | None) -> None:
    for read in (Twilio().inbound, Twilio().progress):
        assert read({**PARENT, "CallStatus": "ringing", "StirVerstat": told}, NOW_MS).attestation == attestation


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", "ringing"),
        ("initiated", "ringing"),
        ("ringing", "ringing"),
        ("in-progress", "in_progress"),
        ("completed", "completed"),
        ("busy", "busy"),
        ("no-answer", "no_answer"),
        ("failed", "failed"),
        ("canceled", "canceled"),
        ("something-new", None),
    ],
)
def test_each_status_of_either_leg(status: str, state: str | None) -> None:
    of_caller = Twilio().progress({**PARENT, "CallStatus": status, "CallDuration": "7"}, NOW_MS)
    assert (of_caller.state, of_caller.duration_s, of_caller.destination_state) == (state, 7, None)
    of_leg = Twilio().progress({**LEG, "CallStatus": status, "CallDuration": "7"}, NOW_MS)
    assert (of_leg.provider_id, of_leg.leg, of_leg.destination) == ("CA1", "CA2", "+14155550199")
    assert (of_leg.state, of_leg.destination_state, of_leg.talk_s) == (None, state, 7)
    assert of_leg.tracking_number is None


def test_a_dial_action_tells_of_both_legs() -> None:
    dial = {"DialCallSid": "CA2", "DialCallStatus": "completed", "DialCallDuration": "30"}
    event = Twilio().progress({**PARENT, "CallStatus": "in-progress", **dial}, NOW_MS)
    assert (event.state, event.leg, event.destination_state, event.talk_s) == ("in_progress", "CA2", "completed", 30)


def test_a_key_that_was_pressed_and_that_none_was() -> None:
    pressed = Twilio().step({**PARENT, AT: "1", "CallStatus": "in-progress", "Digits": "#"}, NOW_MS)
    assert (pressed.provider_id, pressed.kind, pressed.keys, pressed.state) == ("CA1", "keys", "#", None)
    for silent in ({"Digits": ""}, {}):
        event = Twilio().step({**PARENT, AT: "1", "CallStatus": "in-progress", **silent}, NOW_MS)
        assert (event.kind, event.keys) == ("keys", "")


@pytest.mark.parametrize(
    ("status", "state"),
    [("completed", "completed"), ("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed"), ("new", None)],
)
def test_how_the_legs_ended_is_a_step(status: str, state: str | None) -> None:
    dial = {
        "DialCallStatus": status,
        "DialCallSid": "CA2",
        "DialCallDuration": "30",
        "RecordingUrl": "https://x.example/1",
    }
    event = Twilio().step({**PARENT, AT: "1", "CallStatus": "in-progress", **dial}, NOW_MS)
    assert (event.kind, event.leg, event.destination_state, event.talk_s) == ("dialled", "CA2", state, 30)
    assert (event.keys, event.state, event.recording_url) == (None, None, "https://x.example/1")


def test_a_message_is_a_step_also_when_the_caller_hung_up_on_it() -> None:
    message = {
        "RecordingUrl": "https://x.example/1",
        "RecordingSid": "RE1",
        "Digits": "hangup",
        "CallStatus": "completed",
    }
    event = Twilio().step({**PARENT, AT: "1", **message}, NOW_MS)
    assert (event.kind, event.recording_url, event.keys) == ("recorded", "https://x.example/1", None)
    assert event.state == "completed"


def test_a_question_at_another_place_is_another_event_and_the_same_one_is_the_same() -> None:
    keys = {**PARENT, AT: "1", "Digits": "1"}
    dialled = {**PARENT, AT: "1", "DialCallStatus": "busy", "DialCallSid": "CA2"}
    events = [keys, {**keys, AT: "2"}, {**keys, AT: "x" * 2_000}, dialled, {**dialled, "DialCallSid": "CA3"}]
    identities = [Twilio().step(fields, NOW_MS).identity for fields in events]
    assert len(set(identities)) == len(events)
    assert identities == [Twilio().step({**fields, "Timestamp": "x"}, NOW_MS + 5).identity for fields in events]
    assert max(map(len, identities)) <= 200


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2026-09-21T14:13:20Z", NOW_MS),
        ("2026-09-21 14:13:20.731479Z", NOW_MS + 731),
        ("Mon, 21 Sep 2026 14:13:20 +0000", NOW_MS),
        ("Mon, 21 Sep 2026 10:13:20 -0400", NOW_MS),
        ("", NOW_MS + 5),
        ("yesterday", NOW_MS + 5),
        ("Mon, 21 Sep 1926 14:13:20 +0000", NOW_MS + 5),
        ("Mon, 99 Sep 2026 14:13:20 +0000", NOW_MS + 5),
        ("Mon, 21 Sep 99999999999 14:13:20 +0000", NOW_MS + 5),
    ],
)
def test_the_carriers_time_counts_where_it_is_one(text: str, at_ms: int) -> None:
    event = Twilio().progress({**PARENT, "CallStatus": "completed", "Timestamp": text}, NOW_MS + 5)
    assert event.at_ms == at_ms


@pytest.mark.parametrize("seconds", ["", "-1", "1.5", "x", "٣", "9" * 30, "99999999"])
def test_a_duration_that_is_none_is_not_known(seconds: str) -> None:
    assert Twilio().progress({**PARENT, "CallDuration": seconds}, NOW_MS).duration_s is None


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.twilio.com/2010-04-01/Recordings/RE1", True),
        ("http://api.twilio.com/RE1", False),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://[::1/x", False),
        ("https://x.example/" + "x" * 3000, False),
    ],
)
def test_a_recordings_address_is_kept_only_if_a_page_may_link_to_it(url: str, kept: bool) -> None:
    event = Twilio().progress({**PARENT, "RecordingUrl": url, "RecordingSid": "RE1"}, NOW_MS)
    assert event.recording_url == (url if kept else None)
    assert event.kind == ("recording" if kept else "other")


def test_the_same_event_has_the_same_identity_and_another_one_another() -> None:
    completed = {
        **PARENT,
        "CallStatus": "completed",
        "SequenceNumber": "3",
        "Timestamp": "Mon, 21 Sep 2026 14:13:20 +0000",
    }
    events = [
        completed,
        {**completed, "SequenceNumber": "4"},
        {**completed, "CallStatus": "busy"},
        {**LEG, "CallStatus": "completed", "SequenceNumber": "3"},
        {**PARENT, "CallStatus": "completed", "Timestamp": "Mon, 21 Sep 2026 14:13:20 +0000"},
        {**PARENT, "CallStatus": "completed", "Timestamp": "Mon, 21 Sep 2026 14:13:21 +0000"},
        {**PARENT, "RecordingSid": "RE1", "RecordingUrl": "https://x.example/1"},
        {**PARENT, "RecordingSid": "RE2", "RecordingUrl": "https://x.example/2"},
    ]
    identities = [Twilio().progress(fields, NOW_MS).identity for fields in events]
    assert len(set(identities)) == len(events)
    assert identities == [Twilio().progress(fields, NOW_MS + 9_999).identity for fields in events]


def opened(body: bytes, pairs: list[tuple[str, str]]) -> dict[str, str]:
    request = RawRequest(
        "https://dni.example/x", {"x-twilio-signature": sign("https://dni.example/x", pairs, "t")}, body
    )
    return Twilio().open(request, "t").values


def test_every_field_is_kept_empty_and_repeated_ones_too() -> None:
    pairs = [("AccountSid", "AC1"), ("CallerName", ""), ("X", "1"), ("X", "2"), ("Ö", "ü\0")]
    values = opened(b"AccountSid=AC1&CallerName=&X=1&X=2&%C3%96=%C3%BC%00", pairs)
    assert values == {"AccountSid": "AC1", "CallerName": "", "X": "1", "X#2": "2", "Ö": "ü\ufffd"}


def test_a_form_of_far_too_many_fields_is_no_form() -> None:
    with pytest.raises(BadBody):
        Twilio().open(RawRequest("https://x/", {}, b"a=1&" * 600), "t")


def test_no_signature_and_a_bad_one_are_told_apart() -> None:
    with pytest.raises(Forbidden) as missing:
        Twilio().open(RawRequest("https://x/", {}, b"a=1"), "t")
    with pytest.raises(Forbidden) as bad:
        Twilio().open(RawRequest("https://x/", {"x-twilio-signature": "ünfug"}, b"a=1"), "t")
    assert (missing.value.code, bad.value.code) == ("missing_signature", "bad_signature")


def json_request(body: str, digest: str | None = None) -> RawRequest:
    oracle = RequestValidator("t")
    url = f"https://dni.example/x?bodySHA256={digest or oracle.compute_hash(body)}"
    headers = {
        "x-twilio-signature": oracle.compute_signature(url, {}),
        "content-type": "application/json; charset=utf-8",
    }
    return RawRequest(url, headers, body.encode())


def test_a_json_body_is_signed_by_its_hash_and_kept_whole() -> None:
    told = {"AccountSid": "AC1", "CallSid": "CA1", "Nested": {"a": [1, None]}, "Number": 5}
    opened = Twilio().open(json_request(json.dumps(told)), "t")
    assert opened.account_sid == "AC1"
    assert opened.values == {"AccountSid": "AC1", "CallSid": "CA1", "Nested": '{"a":[1,null]}', "Number": "5"}


def test_a_json_body_that_was_changed_is_refused() -> None:
    signed = RequestValidator("t").compute_hash('{"AccountSid":"AC1"}')
    with pytest.raises(Forbidden) as refused:
        Twilio().open(json_request('{"AccountSid":"AC2"}', signed), "t")
    assert refused.value.code == "bad_signature"


@pytest.mark.parametrize(
    "body",
    ["[]", "1", "{", '{"a":', '{"a":"\\ud800"}', "{" + ",".join(f'"{i}":1' for i in range(600)) + "}", "[" * 9_000],
)
def test_what_is_no_object_is_no_body(body: str) -> None:
    with pytest.raises(BadBody):
        Twilio().open(json_request(body), "t")


def test_what_stays_of_a_forgotten_call_is_read_as_before() -> None:
    told = {
        **PARENT,
        "CallerName": "Ann",
        "FromCity": "X",
        "StirVerstat": "TN-Validation-Passed-A",
        "CallStatus": "completed",
    }
    steps = [
        {**PARENT, AT: "1", "Digits": "2"},
        {**PARENT, AT: "1", "DialCallStatus": "busy", "DialCallSid": "CA2"},
    ]
    for read, fields in [(Twilio().progress, told), (Twilio().progress, LEG), *((Twilio().step, one) for one in steps)]:
        bare = Twilio().bare(fields)
        assert "+14155550142" not in bare.values()
        before, after = read(fields, NOW_MS), read(bare, NOW_MS)
        assert (after.kind, after.state, after.keys, after.attestation, after.leg) == (
            before.kind,
            before.state,
            before.keys,
            before.attestation,
            before.leg,
        )
        assert (after.identity, after.destination_state) == (before.identity, before.destination_state)
