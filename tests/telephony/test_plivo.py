"""Plivo's form fields into call events."""

from urllib.parse import urlencode

import pytest

from dni.errors import Forbidden, InvalidField
from dni.telephony import signatures
from dni.telephony.model import AT, RawRequest
from dni.telephony.plivo import Plivo

NOW_MS = 1_790_000_000_000
URL = "https://dni.example/voice/plivo/car_1/status"
CALL = {"CallUUID": "a-1", "From": "14155550142", "To": "12025550100", "Direction": "inbound"}
LEG = {"CallUUID": "a-1", "DialALegUUID": "a-1", "DialBLegUUID": "b-1", "DialBLegTo": "14155550199"}


def test_an_arriving_call_has_its_numbers_without_a_plus() -> None:
    event = Plivo().inbound({**CALL, "Event": "StartApp", "CallStatus": "ringing"}, NOW_MS)
    assert (event.provider_id, event.kind, event.tracking_number, event.caller, event.at_ms, event.state) == (
        "a-1",
        "inbound",
        "+12025550100",
        "+14155550142",
        NOW_MS,
        "ringing",
    )


@pytest.mark.parametrize(
    ("told", "caller"),
    [
        ("+14155550142", "+14155550142"),
        ("442079460123", "+442079460123"),  # not a number of North America without its plus
        ("anonymous", None),
        ("Restricted", None),
        ("266696687", None),
        ("sip:bob@phone.example", None),
        ("", None),
        ("12", None),
    ],
)
def test_a_caller_is_read_with_its_countrys_code_and_a_withheld_one_is_none(told: str, caller: str | None) -> None:
    assert Plivo().inbound({**CALL, "From": told}, NOW_MS).caller == caller


@pytest.mark.parametrize("change", [{"CallUUID": ""}, {"CallUUID": "a 1"}, {"CallUUID": "a" * 129}])
def test_what_cannot_be_a_call_is_refused_by_field(change: dict[str, str]) -> None:
    for read in (Plivo().inbound, Plivo().progress, Plivo().step):
        with pytest.raises(InvalidField) as refused:
            read({**CALL, **change}, NOW_MS)
        assert refused.value.errors[0].path == "/CallUUID"


@pytest.mark.parametrize(
    ("told", "attestation"),
    [
        ({"STIRVerification": "Verified"}, "A"),
        ({"STIRVerification": "Not Verified", "STIRAttestation": "B"}, "B"),
        ({"STIRVerification": "Not Verified"}, None),
        ({"STIRVerification": "Not Applicable"}, None),
        ({}, None),
    ],
)
def test_the_verdict_on_the_callers_number(told: dict[str, str], attestation: str | None) -> None:
    assert Plivo().inbound({**CALL, **told}, NOW_MS).attestation == attestation


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("ringing", None),
        ("in-progress", None),  # taken by Plivo, which says nothing of a destination
        ("completed", "completed"),
        ("busy", "busy"),
        ("failed", "failed"),
        ("timeout", "no_answer"),
        ("no-answer", "no_answer"),
        ("cancel", "canceled"),
        ("something-new", None),
    ],
)
def test_each_status_of_the_callers_leg(status: str, state: str | None) -> None:
    hangup = {**CALL, "Event": "Hangup", "CallStatus": status, "Duration": "31", "HangupSource": "Caller"}
    event = Plivo().progress(hangup, NOW_MS)
    assert (event.state, event.kind, event.duration_s) == (state, state or "other", None)
    assert event.hung_up_by == ("caller" if state == "completed" else None)


@pytest.mark.parametrize(
    ("told", "state", "talk_s"),
    [
        ({"DialAction": "answer", "DialBLegStatus": "answer"}, "in_progress", None),
        ({"DialAction": "connected", "DialBLegStatus": "connected"}, "in_progress", None),
        ({"DialBLegDuration": "30", "DialBLegHangupCause": "NORMAL_CLEARING"}, "completed", 30),
        ({"DialBLegDuration": "30", "DialBLegHangupCause": "MEDIA_TIMEOUT"}, "completed", 30),
        ({"DialBLegDuration": "0", "DialBLegHangupCause": "NORMAL_CLEARING"}, "completed", 0),
        ({"DialBLegDuration": "0", "DialBLegHangupCause": "USER_BUSY"}, "busy", None),
        ({"DialBLegDuration": "0", "DialBLegHangupCause": "CALL_REJECTED"}, "busy", None),
        ({"DialBLegDuration": "0", "DialBLegHangupCause": "NO_ANSWER"}, "no_answer", None),
        ({"DialBLegHangupCause": "ORIGINATOR_CANCEL"}, "canceled", None),
        ({"DialBLegHangupCause": "LOSE_RACE"}, "canceled", None),
        ({"DialBLegHangupCause": "UNALLOCATED_NUMBER"}, "failed", None),
        ({}, "failed", None),
        ({"DialAction": "digits", "DialBLegStatus": "digits"}, None, None),
    ],
)
def test_each_thing_that_happens_to_a_destinations_leg(
    told: dict[str, str], state: str | None, talk_s: int | None
) -> None:
    event = Plivo().progress({**LEG, "DialAction": "hangup", "DialBLegStatus": "hangup", **told}, NOW_MS)
    assert (event.provider_id, event.leg, event.destination) == ("a-1", "b-1", "+14155550199")
    assert (event.state, event.destination_state, event.talk_s) == (None, state, talk_s)


@pytest.mark.parametrize(("source", "who"), [("Callee", "destination"), ("Caller", "caller"), ("Plivo", None)])
def test_who_hung_up_on_whom(source: str, who: str | None) -> None:
    over = {**LEG, "DialAction": "hangup", "DialBLegStatus": "hangup", "DialBLegHangupSource": source}
    assert Plivo().progress({**over, "DialBLegDuration": "9"}, NOW_MS).hung_up_by == who
    assert Plivo().progress({**over, "DialBLegHangupCause": "USER_BUSY"}, NOW_MS).hung_up_by is None


@pytest.mark.parametrize(("status", "state"), [("completed", "completed"), ("timeout", "no_answer"), ("new", None)])
def test_how_the_legs_ended_is_told_also_when_nothing_is_asked(status: str, state: str | None) -> None:
    over = {**CALL, "Event": "Redirect", "DialStatus": status, "DialALegUUID": "a-1", "DialBLegUUID": ""}
    event = Plivo().progress({**over, "CallStatus": "in-progress"}, NOW_MS)
    assert (event.provider_id, event.destination_state, event.leg, event.state) == ("a-1", state, None, None)
    asked = Plivo().step({**over, AT: "1", "CallStatus": "in-progress"}, NOW_MS)
    assert (asked.kind, asked.destination_state, asked.keys) == ("dialled", state, None)


def test_a_key_that_was_pressed_and_that_none_was() -> None:
    pressed = Plivo().step({**CALL, AT: "1", "Event": "GetInput", "Digits": "*", "InputType": "dtmf"}, NOW_MS)
    assert (pressed.provider_id, pressed.kind, pressed.keys) == ("a-1", "keys", "*")
    silent = Plivo().step({**CALL, AT: "1", "Event": "Redirect", "CallStatus": "in-progress"}, NOW_MS)
    assert (silent.kind, silent.keys, silent.state) == ("keys", "", None)


def test_a_recording_is_told_by_its_address() -> None:
    ready = {**CALL, "RecordUrl": "https://media.example/1.mp3", "RecordingID": "r-1", "RecordingDuration": "5"}
    event = Plivo().progress(ready, NOW_MS)
    assert (event.kind, event.recording_url) == ("recording", "https://media.example/1.mp3")
    assert Plivo().step({**ready, AT: "1", "Digits": ""}, NOW_MS).kind == "recorded"
    assert Plivo().progress({**ready, "RecordUrl": "javascript:alert(1)"}, NOW_MS).recording_url is None
    assert Plivo().unrecorded(ready) == CALL


def test_the_same_event_has_the_same_identity_and_another_one_another() -> None:
    hangup = {**LEG, "DialAction": "hangup", "DialBLegStatus": "hangup"}
    events = [
        {**LEG, "DialAction": "answer", "DialBLegStatus": "answer"},
        {**LEG, "DialAction": "connected", "DialBLegStatus": "connected"},
        hangup,
        {**hangup, "DialBLegUUID": "b-2"},
        {**CALL, "Event": "Hangup", "CallStatus": "completed"},
        {**CALL, "Event": "Redirect", "DialStatus": "busy", "CallStatus": "in-progress"},
        {**CALL, "RecordUrl": "https://media.example/1.mp3", "RecordingID": "r-1"},
        {**CALL, "RecordUrl": "https://media.example/2.mp3", "RecordingID": "r-2"},
    ]
    identities = [Plivo().progress(fields, NOW_MS).identity for fields in events]
    assert len(set(identities)) == len(events)
    assert identities == [Plivo().progress(fields, NOW_MS + 9_999).identity for fields in events]
    steps = [{**CALL, AT: at, "Digits": "1"} for at in ("1", "2")]
    assert len({Plivo().step(fields, NOW_MS).identity for fields in steps}) == 2


def test_what_stays_of_a_forgotten_call_is_read_as_before() -> None:
    told = {"Event": "Hangup", "CallStatus": "completed", "HangupSource": "Caller", "CallerName": "Ann"}
    over = {**LEG, "From": CALL["From"], "DialAction": "hangup", "DialBLegStatus": "hangup", "DialBLegDuration": "9"}
    for read, fields in [
        (Plivo().progress, {**CALL, **told}),
        (Plivo().progress, over),
        (Plivo().step, {**CALL, AT: "1", "Digits": "2"}),
        (Plivo().step, {**CALL, AT: "1", "DialStatus": "busy"}),
    ]:
        bare = Plivo().bare(fields)
        assert CALL["From"] not in bare.values()
        before, after = read(fields, NOW_MS), read(bare, NOW_MS)
        assert (after.kind, after.state, after.destination_state, after.keys, after.talk_s, after.hung_up_by) == (
            before.kind,
            before.state,
            before.destination_state,
            before.keys,
            before.talk_s,
            before.hung_up_by,
        )
        assert after.identity == before.identity


def request(**headers: str) -> RawRequest:
    return RawRequest(URL, headers, urlencode(CALL).encode())


def named(**headers: str) -> dict[str, str]:
    return {f"x-plivo-signature-{name.replace('_', '-')}": value for name, value in headers.items()}


THIRD = signatures.plivo_v3(URL, CALL.items(), "7", "t")
SECOND = signatures.plivo_v2(URL, "7", "t")


@pytest.mark.parametrize(
    "headers",
    [
        named(v3=THIRD, v3_nonce="7"),
        named(ma_v3=THIRD, v3_nonce="7"),
        named(v3="of a subaccount", ma_v3=f"an older one,{THIRD}", v3_nonce="7"),
        named(v2=SECOND, v2_nonce="7"),
        named(ma_v2=SECOND, v2_nonce="7"),
    ],
)
def test_each_form_of_its_signature_opens_a_request(headers: dict[str, str]) -> None:
    opened = Plivo().open(request(**headers), "t")
    assert (opened.account_sid, opened.values) == (None, CALL)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_signature"),
        (named(v3_nonce="7"), "missing_signature"),
        (named(v3=THIRD), "bad_signature"),
        (named(v3=THIRD, v3_nonce="8"), "bad_signature"),
        (named(v3="ünfug", v3_nonce="7"), "bad_signature"),
        (named(v2=SECOND, v2_nonce="8"), "bad_signature"),
        # The weaker form does not make up for a wrong one of the stronger.
        (named(v3="x", v3_nonce="7", v2=SECOND, v2_nonce="7"), "bad_signature"),
    ],
)
def test_any_other_request_is_refused(headers: dict[str, str], code: str) -> None:
    with pytest.raises(Forbidden) as refused:
        Plivo().open(request(**headers), "t")
    assert refused.value.code == code
