"""Twilio's Programmable Voice: its form fields become call events, our instructions become TwiML.

Two kinds of callback come to one address. Of the caller's leg: CallSid is the call. Of a leg that <Dial> made:
ParentCallSid is the call, CallSid the leg. Source: Twilio's docs of the voice webhook, <Number>, <Dial>, <Gather> and
<Record>; FACTS of its form fields. Callbacks come out of order and more than once.
"""

from collections.abc import Mapping
from typing import ClassVar

from dni import phone
from dni.errors import Forbidden
from dni.telephony import fields, signatures, twiml
from dni.telephony.links import https
from dni.telephony.model import AT, Answer, CallEvent, Fields, Instruction, Prompt, RawRequest
from dni.telephony.twiml import Dialect

_STATES = {
    "queued": "ringing",
    "initiated": "ringing",
    "ringing": "ringing",
    "in-progress": "in_progress",
    "answered": "in_progress",
    "completed": "completed",
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failed",
    "canceled": "canceled",
}
_OVER = frozenset({"completed", "busy", "no_answer", "failed", "canceled"})
_PASSED, _FAILED = "TN-Validation-Passed-", "TN-Validation-Failed"


class Twilio:
    """The port's Twilio side. Carriers that speak its language inherit it, and say what they do otherwise."""

    dialect: ClassVar[Dialect] = Dialect()
    example: ClassVar[str] = "CA and 32 hexadecimal digits"
    # What events are read from, but for who calls: `To` is ours, or the destination's.
    folded: ClassVar[frozenset[str]] = frozenset(
        {
            "CallSid",
            "ParentCallSid",
            "CallStatus",
            "CallDuration",
            "DialCallSid",
            "DialCallStatus",
            "DialCallDuration",
            "Digits",
            "RecordingUrl",
            "RecordingSid",
            "SequenceNumber",
            "StirVerstat",
            "Timestamp",
            "To",
            AT,
        }
    )

    def open(self, request: RawRequest, secret: str) -> Fields:
        pairs = fields.pairs(request)
        signature = request.headers.get("x-twilio-signature")
        if not signature:
            raise Forbidden("the header X-Twilio-Signature is missing", code="missing_signature")
        digest = next((value for name, value in fields.query(request.url) if name == "bodySHA256"), None)
        right = (
            signatures.is_twilio(request.url, pairs, secret, signature)
            if digest is None
            else signatures.is_twilio_body(request.url, request.body, digest, secret, signature)
        )
        if not right:
            raise Forbidden(
                "the signature does not fit this address, these fields and the account's auth token; the address "
                "that Twilio called must be the one we think we have: see DNI_PUBLIC_URL",
                code="bad_signature",
            )
        values = fields.values(pairs)
        return Fields(values.get("AccountSid", ""), values)

    def inbound(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        return CallEvent(
            provider_id=self._call(values),
            kind="inbound",
            identity="inbound",
            at_ms=self._at_ms(values, received_ms),
            state="ringing",
            tracking_number=phone.caller(values.get("To")),  # a SIP name or nonsense is a number that we do not know
            caller=phone.caller(values.get("From")),
            attestation=self._attestation(values),
        )

    def progress(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        if values.get("ParentCallSid"):
            return self._of_destination(values, received_ms)
        state = _STATES.get(values.get("CallStatus", ""))
        recording = https(values.get("RecordingUrl"))
        kind = "recording" if recording and not state else state or "other"
        return CallEvent(
            provider_id=self._call(values),
            kind=kind,
            identity=_identity(values, kind),
            at_ms=self._at_ms(values, received_ms),
            state=state,
            duration_s=fields.seconds(values.get("CallDuration")),
            leg=values.get("DialCallSid") or None,
            destination_state=_STATES.get(values.get("DialCallStatus", "")),
            talk_s=fields.seconds(values.get("DialCallDuration")),
            tracking_number=phone.caller(values.get("To")),
            caller=phone.caller(values.get("From")),
            recording_url=recording,
            hung_up_by=self._hung_up_by(values) if state == "completed" else None,
            attestation=self._attestation(values),
        )

    def step(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        recording = https(values.get("RecordingUrl"))
        kind = "dialled" if "DialCallStatus" in values else "recorded" if recording else "keys"
        turn = values.get("DialCallSid") or values.get("RecordingSid")
        state = _STATES.get(values.get("CallStatus", ""))
        return CallEvent(
            provider_id=self._call(values),
            kind=kind,
            identity=fields.identity(kind, values.get(AT), turn),
            at_ms=self._at_ms(values, received_ms),
            state=state if state in _OVER else None,  # that the caller is connected to us says nothing of a destination
            leg=values.get("DialCallSid") or None,
            destination_state=_STATES.get(values.get("DialCallStatus", "")),
            talk_s=fields.seconds(values.get("DialCallDuration")),
            tracking_number=phone.caller(values.get("To")),
            caller=phone.caller(values.get("From")),
            recording_url=recording,
            keys=values.get("Digits", "")[:32] if kind == "keys" else None,
        )

    def bare(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in values.items() if name in self.folded}

    def unrecorded(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in values.items() if not name.startswith("Recording")}

    def answer(self, instruction: Instruction) -> Answer:
        return twiml.document(instruction, self.dialect)

    def whisper(self, prompt: Prompt | None) -> Answer:
        return twiml.whisper(prompt, self.dialect)

    def _of_destination(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        state = _STATES.get(values.get("CallStatus", ""))
        recording = https(values.get("RecordingUrl"))
        kind = f"destination_{state}" if state else "recording" if recording else "other"
        return CallEvent(
            provider_id=fields.sid(values, "ParentCallSid", self.example),
            kind=kind,
            identity=_identity(values, kind),
            at_ms=self._at_ms(values, received_ms),
            leg=self._call(values),
            destination=phone.caller(values.get("To")),
            destination_state=state,
            talk_s=fields.seconds(values.get("CallDuration")),
            recording_url=recording,
            hung_up_by=self._hung_up_by(values) if state == "completed" else None,
        )

    def _call(self, values: Mapping[str, str]) -> str:
        return fields.sid(values, "CallSid", self.example)

    def _at_ms(self, values: Mapping[str, str], received_ms: int) -> int:
        found = fields.moment(values.get("Timestamp"))
        return received_ms if found is None else found

    def _attestation(self, values: Mapping[str, str]) -> str | None:
        """Of StirVerstat, such as `TN-Validation-Passed-A`. What it says of a call passed on counts as well."""
        verdict = values.get("StirVerstat", "")
        if verdict.startswith(_FAILED):
            return "failed"
        level = verdict.removeprefix(_PASSED)[:1]
        return level if verdict.startswith(_PASSED) and level in ("A", "B", "C") else None

    def _hung_up_by(self, _values: Mapping[str, str]) -> str | None:
        """Of a leg that was connected; Twilio does not tell."""
        return None


def _identity(values: Mapping[str, str], kind: str) -> str:
    """Of the leg, what happened to it, and which time: Twilio counts with SequenceNumber where it counts."""
    turn = values.get("SequenceNumber") or values.get("RecordingSid") or values.get("Timestamp")
    return fields.identity(values.get("CallSid"), kind, values.get("CallStatus"), values.get("DialCallSid"), turn)
