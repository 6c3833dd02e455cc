"""Lines of the carriers that speak Twilio's language: Twilio, SignalWire and Telnyx."""

from base64 import b64encode
from datetime import UTC, datetime
from email.utils import formatdate
from typing import ClassVar
from xml.etree import ElementTree

import httpx
from nacl.signing import SigningKey
from twilio.request_validator import RequestValidator

from dni.parts import Parts
from dni.telephony.model import Instruction, Prompt
from tests.support import grammar, reading
from tests.support.grammar import Grammar
from tests.support.line import Fields, Leg, Line
from tests.support.world import AUTH_TOKEN

_STATUS = {"answered": "in-progress", "no_answer": "no-answer"}


class TwimlLine(Line):
    grammar: ClassVar[Grammar]
    of_leg_alone: ClassVar[str] = "ParentCallSid"

    def __init__(self, parts: Parts, account: str) -> None:
        self._told = 0
        super().__init__(parts, account)

    def arriving(self) -> Fields:
        return self.of_call("ringing")

    def pressed(self, key: str) -> Fields:
        return {**self.of_call("in-progress"), "Digits": key, "FinishedOnKey": "", "msg": "Gather End"}

    def silent(self) -> Fields:
        return self.pressed("")

    def leg_told(self, leg: Leg, what: str, by: str | None = None) -> Fields | None:
        over = {"CallDuration": str(leg.talk_s)} if what == "completed" else {}
        return {**self.of_leg(leg, _STATUS.get(what, what)), **over, **self.stamp(), **self.hung_up(by, leg)}

    def dial_over(self, state: str, best: Leg | None) -> Fields:
        of_best = {"DialCallSid": best.id, "DialCallDuration": str(best.talk_s)} if best else {}
        return {**self.of_call("in-progress"), "DialCallStatus": _STATUS.get(state, state), **of_best}

    def call_over(self, state: str, by: str | None) -> Fields:
        connected_s = sum(leg.talk_s for leg in self.legs)
        told = self.of_call(_STATUS.get(state, state))
        return {**told, "CallDuration": str(connected_s), **self.stamp(), **self.hung_up(by, None)}

    def message(self, url: str) -> Fields:
        recorded = {"RecordingUrl": url, "RecordingSid": "RE1", "RecordingDuration": "7", "Digits": "hangup"}
        return {**self.of_call("completed"), **recorded}

    def file_ready(self, url: str) -> Fields:
        """As for recordingStatusCallback, which tells nothing of who called."""
        ready = {"RecordingUrl": url, "RecordingSid": "RE2", "RecordingStatus": "completed", "RecordingDuration": "7"}
        return {"AccountSid": self.account_sid, "CallSid": self.call, **ready}

    def whispering(self, leg: Leg) -> Fields:
        return self.of_leg(leg, "in-progress")

    def read(self, answer: httpx.Response) -> Instruction:
        return reading.instruction(self._checked(answer))

    def read_whisper(self, answer: httpx.Response) -> Prompt | None:
        return reading.whisper(self._checked(answer))

    def of_call(self, status: str) -> Fields:
        return {
            "CallSid": self.call,
            "AccountSid": self.account_sid,
            "From": self.caller,
            "To": self.to,
            "CallStatus": status,
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
            "ForwardedFrom": "",
        }

    def of_leg(self, leg: Leg, status: str) -> Fields:
        of = {"CallSid": leg.id, "ParentCallSid": self.call, "To": leg.number, "Direction": "outbound-dial"}
        return {**self.of_call(status), **of}

    def stamp(self) -> Fields:
        self._told += 1
        return {"Timestamp": self.time(), "SequenceNumber": str(self._told), "CallbackSource": "call-progress-events"}

    def time(self) -> str:
        return formatdate(self.clock.now_ms() // 1000)

    def hung_up(self, by: str | None, leg: Leg | None) -> Fields:
        """How the carrier tells who it was; Twilio does not."""
        return {}

    def _checked(self, answer: httpx.Response) -> ElementTree.Element:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/xml")
        return grammar.checked(answer.content, self.grammar)


class TwilioLine(TwimlLine):
    kind: ClassVar[str] = "twilio"
    account_sid: ClassVar[str] = "AC1"
    secret: ClassVar[str] = AUTH_TOKEN
    grammar: ClassVar[Grammar] = grammar.TWILIO

    def id_of(self, what: str, n: int) -> str:
        return f"CA{what.encode().hex():0<24}{n:08}"

    def signed(self, url: str, fields: Fields, body: bytes, secret: str) -> dict[str, str]:
        signature = RequestValidator(secret).compute_signature(url, fields)
        return {"X-Twilio-Signature": signature, **_FORM}


class SignalWireLine(TwimlLine):
    """Its library signs a form by Twilio's, which is used here: see tests/telephony/test_signatures.py."""

    kind: ClassVar[str] = "signalwire"
    account_sid: ClassVar[str] = "6b1f0000-0000-4000-8000-000000000001"
    secret: ClassVar[str] = "PSK_made_up_for_tests"
    grammar: ClassVar[Grammar] = grammar.SIGNALWIRE

    def id_of(self, what: str, n: int) -> str:
        return f"{what.encode().hex()[:8]}-0000-4000-8000-{n:012}"

    def hung_up(self, by: str | None, leg: Leg | None) -> Fields:
        if by is None:
            return {}
        other = leg.number if leg else self.to
        return {"HangupBy": self.caller if by == "caller" else other, "HangupDirection": "inbound"}

    def signed(self, url: str, fields: Fields, body: bytes, secret: str) -> dict[str, str]:
        signature = RequestValidator(secret).compute_signature(url, fields)
        return {"X-SignalWire-Signature": signature, **_FORM}


class TelnyxLine(TwimlLine):
    kind: ClassVar[str] = "telnyx"
    account_sid: ClassVar[str] = "f0000000-0000-4000-8000-000000000001"
    grammar: ClassVar[Grammar] = grammar.TELNYX
    seed: ClassVar[str] = "of the account"
    secret: ClassVar[str] = b64encode(bytes(SigningKey(seed.encode().ljust(32, b"0")).verify_key)).decode()

    def id_of(self, what: str, n: int) -> str:
        return f"v3:{what}-{n:052}"

    def pressed(self, key: str) -> Fields:
        return {**self.of_call(""), "Digits": key}

    def silent(self) -> Fields:
        """What <Gather> tells then is not documented: we are asked by the <Redirect> behind it."""
        return self.of_call("in-progress")

    def time(self) -> str:
        return f"{datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}Z"

    def stamp(self) -> Fields:
        return {**super().stamp(), "SequenceNumber": "0"}

    def hung_up(self, by: str | None, leg: Leg | None) -> Fields:
        return {} if by is None else {"HangupSource": "caller" if by == "caller" else "callee"}

    def signed(self, url: str, fields: Fields, body: bytes, secret: str) -> dict[str, str]:
        """Only the account's key signs for it: another `secret` is another account's."""
        seed = self.seed if secret == self.secret else secret
        return telnyx_signed(body, self.clock.now_ms() // 1000, seed)


def telnyx_signed(body: bytes, at_s: int, seed: str = TelnyxLine.seed) -> dict[str, str]:
    """Signed by libsodium, which is what Telnyx's own library checks with."""
    key = SigningKey(seed.encode().ljust(32, b"0")[:32])
    signature = key.sign(f"{at_s}|".encode() + body).signature
    return {"Telnyx-Timestamp": str(at_s), "Telnyx-Signature-Ed25519": b64encode(signature).decode(), **_FORM}


_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
