"""What Telnyx does otherwise than Twilio: the signature with its time, the verdict on the caller, and who hung up."""

from base64 import b64encode

import pytest
from nacl.signing import SigningKey

from dni.errors import Forbidden
from dni.telephony.model import RawRequest
from dni.telephony.telnyx import TOLERANCE_S, Telnyx

NOW_MS = 1_790_000_000_000
KEY = SigningKey(bytes(range(32)))
PUBLIC = b64encode(bytes(KEY.verify_key)).decode()
BODY = b"AccountSid=acc-1&CallSid=v3%3Aabc"
CALL = {"AccountSid": "acc-1", "CallSid": "v3:abc", "From": "+14155550142", "To": "+12025550100"}
LEG = {**CALL, "CallSid": "v3:def", "ParentCallSid": "v3:abc", "To": "+14155550199"}


SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"


def request(at_s: float = NOW_MS / 1000, body: bytes = BODY, change: dict[str, str] | None = None) -> RawRequest:
    timestamp = str(round(at_s))
    signature = b64encode(KEY.sign(f"{timestamp}|".encode() + BODY).signature).decode()
    made = {TIMESTAMP: timestamp, SIGNATURE: signature, **(change or {})}
    return RawRequest("https://dni.example/x", {name: value for name, value in made.items() if value}, body, NOW_MS)


@pytest.mark.parametrize("late_s", [0, 1, TOLERANCE_S, -TOLERANCE_S])
def test_a_request_of_these_minutes_is_opened(late_s: int) -> None:
    opened = Telnyx().open(request(NOW_MS / 1000 - late_s), PUBLIC)
    assert (opened.account_sid, opened.values["CallSid"]) == ("acc-1", "v3:abc")


@pytest.mark.parametrize("late_s", [TOLERANCE_S + 1, -TOLERANCE_S - 1, NOW_MS / 1000])
def test_a_request_that_was_kept_and_sent_again_is_refused_as_stale(late_s: float) -> None:
    with pytest.raises(Forbidden) as refused:
        Telnyx().open(request(NOW_MS / 1000 - late_s), PUBLIC)
    assert refused.value.code == "stale_signature"


@pytest.mark.parametrize("name", [SIGNATURE, TIMESTAMP])
def test_a_request_without_one_of_the_headers_is_not_signed(name: str) -> None:
    with pytest.raises(Forbidden) as refused:
        Telnyx().open(request(change={name: ""}), PUBLIC)
    assert refused.value.code == "missing_signature"


@pytest.mark.parametrize(
    "wrong",
    [
        request(body=BODY + b"x"),
        request(change={TIMESTAMP: str(NOW_MS // 1000 + 1)}),
        request(change={TIMESTAMP: "ünfug"}),
        request(change={SIGNATURE: "ünfug"}),
        request(change={SIGNATURE: b64encode(bytes(64)).decode()}),
    ],
)
def test_a_changed_request_is_refused(wrong: RawRequest) -> None:
    with pytest.raises(Forbidden) as refused:
        Telnyx().open(wrong, PUBLIC)
    assert refused.value.code == "bad_signature"


@pytest.mark.parametrize("key", [b64encode(bytes(32)).decode(), "", "not base64"])
def test_another_key_than_the_accounts_is_refused(key: str) -> None:
    with pytest.raises(Forbidden) as refused:
        Telnyx().open(request(), key)
    assert refused.value.code == "bad_signature"


def test_a_time_that_was_signed_but_is_none_is_refused() -> None:
    for timestamp in ("", "1e9", "-5", "9" * 30, "١٧٩٠٠٠٠٠٠٠"):
        signature = b64encode(KEY.sign(f"{timestamp}|".encode() + BODY).signature).decode()
        headers = {TIMESTAMP: timestamp, SIGNATURE: signature}
        with pytest.raises(Forbidden):
            Telnyx().open(RawRequest("https://dni.example/x", headers, BODY, NOW_MS), PUBLIC)


@pytest.mark.parametrize(
    ("level", "validated", "attestation"),
    [("A", "true", "A"), ("B", "", "B"), ("C", "true", "C"), ("A", "false", "failed"), ("", "false", None)],
)
def test_the_verdict_on_the_callers_number(level: str, validated: str, attestation: str | None) -> None:
    told = {**CALL, "ShakenStirAttestation": level, "ShakenStirValidated": validated}
    assert Telnyx().inbound(told, NOW_MS).attestation == attestation
    assert Telnyx().progress(Telnyx().bare(told), NOW_MS).attestation == attestation


@pytest.mark.parametrize(
    ("leg", "source", "who"),
    [
        (CALL, "caller", "caller"),
        (CALL, "callee", None),  # our own side ended it
        (LEG, "callee", "destination"),
        (LEG, "caller", "caller"),
        (LEG, "unknown", None),
    ],
)
def test_who_hung_up(leg: dict[str, str], source: str, who: str | None) -> None:
    told = {**leg, "CallStatus": "completed", "HangupSource": source}
    assert Telnyx().progress(told, NOW_MS).hung_up_by == who
    assert Telnyx().progress(Telnyx().bare(told), NOW_MS).hung_up_by == who


def test_its_times_are_iso_8601_and_its_sequence_does_not_tell_events_apart_alone() -> None:
    told = {**CALL, "SequenceNumber": "0", "Timestamp": "2026-09-21 14:13:20.731479Z"}
    events = [
        Telnyx().progress({**told, "CallStatus": status}, 5) for status in ("ringing", "in-progress", "completed")
    ]
    assert {event.at_ms for event in events} == {NOW_MS + 731}
    assert len({event.identity for event in events}) == 3
