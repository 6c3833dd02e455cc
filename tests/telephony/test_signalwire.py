"""What SignalWire does otherwise than Twilio: its signatures, and who hung up."""

import hashlib
import hmac
import json

import pytest
from twilio.request_validator import RequestValidator

from dni.errors import Forbidden
from dni.telephony.model import RawRequest
from dni.telephony.signalwire import SignalWire

NOW_MS = 1_790_000_000_000
URL = "https://dni.example/voice/signalwire/car_1/status"
KEY = "PSK_made_up"
PROJECT = "3c0a6d8e-0000-4000-8000-000000000001"
CALL = {"AccountSid": PROJECT, "CallSid": "c1", "From": "+14155550142", "To": "+12025550100"}
LEG = {**CALL, "CallSid": "c2", "ParentCallSid": "c1", "To": "+14155550199"}


def form() -> bytes:
    return f"AccountSid={PROJECT}&CallSid=c1".encode()


def signed() -> str:
    return str(RequestValidator(KEY).compute_signature(URL, {"AccountSid": PROJECT, "CallSid": "c1"}))


@pytest.mark.parametrize("header", ["x-signalwire-signature", "x-twilio-signature"])
def test_a_form_is_signed_as_twilio_signs_under_either_name(header: str) -> None:
    opened = SignalWire().open(RawRequest(URL, {header: signed()}, form()), KEY)
    assert (opened.account_sid, opened.values["CallSid"]) == (PROJECT, "c1")


def test_any_body_may_be_signed_as_it_is() -> None:
    for body, kind in ((form(), "application/x-www-form-urlencoded"), (json.dumps(CALL).encode(), "application/json")):
        signature = hmac.new(KEY.encode(), URL.encode() + body, hashlib.sha1).hexdigest()
        headers = {"x-signalwire-signature": signature, "content-type": kind}
        assert SignalWire().open(RawRequest(URL, headers, body), KEY).values["CallSid"] == "c1"
        with pytest.raises(Forbidden):
            SignalWire().open(RawRequest(URL, headers, body + b" "), KEY)


def test_the_members_of_a_json_body_may_be_signed_as_a_forms_fields_are() -> None:
    headers = {
        "x-signalwire-signature": RequestValidator(KEY).compute_signature(URL, CALL),
        "content-type": "application/json",
    }
    assert SignalWire().open(RawRequest(URL, headers, json.dumps(CALL).encode()), KEY).account_sid == PROJECT


def test_no_signature_and_a_bad_one_are_told_apart() -> None:
    with pytest.raises(Forbidden) as missing:
        SignalWire().open(RawRequest(URL, {}, form()), KEY)
    with pytest.raises(Forbidden) as bad:
        SignalWire().open(RawRequest(URL, {"x-signalwire-signature": signed()}, form() + b"x"), KEY)
    assert (missing.value.code, bad.value.code) == ("missing_signature", "bad_signature")


@pytest.mark.parametrize(
    ("leg", "by", "who"),
    [
        (CALL, CALL["From"], "caller"),
        (CALL, CALL["To"], None),  # our own side ended it
        (LEG, LEG["To"], "destination"),
        (LEG, LEG["From"], "caller"),
        (LEG, "", None),
        (LEG, "sip:x@y.example", None),
    ],
)
def test_who_hung_up_is_told_by_number(leg: dict[str, str], by: str, who: str | None) -> None:
    told = {**leg, "CallStatus": "completed", "HangupBy": by}
    assert SignalWire().progress(told, NOW_MS).hung_up_by == who
    bare = SignalWire().bare(told)
    assert CALL["From"] not in bare.values()
    assert SignalWire().progress(bare, NOW_MS).hung_up_by == who


def test_who_ended_a_leg_that_nobody_answered_did_not_hang_up() -> None:
    assert SignalWire().progress({**LEG, "CallStatus": "busy", "HangupBy": LEG["To"]}, NOW_MS).hung_up_by is None
