"""Plivo's Voice: its form fields become call events, our instructions become Plivo XML.

The caller's leg (A) is the call; legs of <Dial> (B) are told of with fields that begin with DialBLeg. Plivo takes the
call as soon as it is to do anything but refuse, so the caller's leg is connected while a destination still rings: how
long it was says nothing. Its times of a call are in the time zone of the account's console, which it does not tell:
what counts is when we heard of it. Sources: Plivo's docs of the voice request, of <Dial>, <GetInput> and <Record>, and
of "Signature validation".
"""

from collections.abc import Mapping

from dni import phone
from dni.errors import Forbidden
from dni.telephony import fields, plivo_xml, signatures
from dni.telephony.links import https
from dni.telephony.model import AT, Answer, CallEvent, Fields, Instruction, Prompt, RawRequest

_STATES = {
    "completed": "completed",
    "busy": "busy",
    "failed": "failed",
    "timeout": "no_answer",
    "no-answer": "no_answer",
    "cancel": "canceled",
    "canceled": "canceled",
}
"""Of CallStatus and DialStatus, where a leg is over."""
_CAUSES = {
    "NORMAL_CLEARING": "completed",
    "USER_BUSY": "busy",
    "CALL_REJECTED": "busy",
    "NO_ANSWER": "no_answer",
    "NO_USER_RESPONSE": "no_answer",
    "ALLOTTED_TIMEOUT": "no_answer",
    "PROGRESS_TIMEOUT": "no_answer",
    "ORIGINATOR_CANCEL": "canceled",
    "LOSE_RACE": "canceled",  # another leg that rang was quicker
}
"""Of a B leg that was never connected; any other is a failure."""
_PICKED_UP = ("answer", "connected")
_FOLDED = frozenset(
    {
        "CallUUID",
        "CallStatus",
        "DialALegUUID",
        "DialAction",
        "DialBLegDuration",
        "DialBLegHangupCause",
        "DialBLegHangupSource",
        "DialBLegStatus",
        "DialBLegTo",
        "DialBLegUUID",
        "DialStatus",
        "Digits",
        "Event",
        "HangupSource",
        "RecordUrl",
        "RecordingID",
        "STIRAttestation",
        "STIRVerification",
        "To",
        AT,
    }
)
_EXAMPLE = "32 hexadecimal digits with hyphens"


class Plivo:
    """The port's Plivo side."""

    def open(self, request: RawRequest, secret: str) -> Fields:
        pairs, headers = fields.pairs(request), request.headers
        # Those of the account or subaccount whose number it is, and of the main account ("Ma").
        third = [headers[name] for name in ("x-plivo-signature-v3", "x-plivo-signature-ma-v3") if headers.get(name)]
        second = [headers[name] for name in ("x-plivo-signature-v2", "x-plivo-signature-ma-v2") if headers.get(name)]
        if third:
            nonce = headers.get("x-plivo-signature-v3-nonce", "")
            is_right = signatures.is_plivo_v3(request.url, pairs, nonce, secret, third)
        elif second:
            nonce = headers.get("x-plivo-signature-v2-nonce", "")
            is_right = signatures.is_plivo_v2(request.url, nonce, secret, second)
        else:
            raise Forbidden("the header X-Plivo-Signature-V3 is missing", code="missing_signature")
        if not is_right:
            raise Forbidden(
                "the signature does not fit this address, these fields and the account's auth token; the address "
                "that Plivo called must be the one we think we have: see DNI_PUBLIC_URL",
                code="bad_signature",
            )
        return Fields(None, fields.values(pairs))

    def inbound(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        return CallEvent(
            provider_id=_call(values),
            kind="inbound",
            identity="inbound",
            at_ms=received_ms,
            state="ringing",
            tracking_number=_number(values.get("To")),
            caller=_number(values.get("From")),
            attestation=_attestation(values),
        )

    def progress(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        if values.get("DialBLegStatus"):
            return _of_destination(values, received_ms)
        state = _STATES.get(values.get("CallStatus", ""))
        recording = https(values.get("RecordUrl"))
        dialled = _STATES.get(values.get("DialStatus", ""))
        kind = "recording" if recording else f"destination_{dialled}" if dialled else state or "other"
        return CallEvent(
            provider_id=_call(values),
            kind=kind,
            identity=fields.identity(
                values.get("CallUUID"),
                kind,
                values.get("CallStatus"),
                values.get("DialBLegUUID"),
                values.get("RecordingID") or values.get("Event"),
            ),
            at_ms=received_ms,
            state=state,
            leg=values.get("DialBLegUUID") or None,
            destination_state=dialled,
            tracking_number=_number(values.get("To")),
            caller=_number(values.get("From")),
            recording_url=recording,
            hung_up_by="caller" if state == "completed" and values.get("HangupSource") == "Caller" else None,
            attestation=_attestation(values),
        )

    def step(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        recording = https(values.get("RecordUrl"))
        kind = "dialled" if "DialStatus" in values else "recorded" if recording else "keys"
        turn = values.get("DialBLegUUID") or values.get("RecordingID")
        return CallEvent(
            provider_id=_call(values),
            kind=kind,
            identity=fields.identity(kind, values.get(AT), turn),
            at_ms=received_ms,
            state=_STATES.get(values.get("CallStatus", "")),
            leg=values.get("DialBLegUUID") or None,
            destination_state=_STATES.get(values.get("DialStatus", "")),
            tracking_number=_number(values.get("To")),
            caller=_number(values.get("From")),
            recording_url=recording,
            keys=values.get("Digits", "")[:32] if kind == "keys" else None,
        )

    def bare(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in values.items() if name in _FOLDED}

    def unrecorded(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in values.items() if not name.startswith(("Record", "Transcription"))}

    def answer(self, instruction: Instruction) -> Answer:
        return plivo_xml.document(instruction)

    def whisper(self, prompt: Prompt | None) -> Answer:
        return plivo_xml.whisper(prompt)


def _of_destination(values: Mapping[str, str], received_ms: int) -> CallEvent:
    action = values.get("DialAction") or values.get("DialBLegStatus")
    talk = fields.seconds(values.get("DialBLegDuration"))
    state = None
    if action in _PICKED_UP:
        state = "in_progress"
    elif action == "hangup":
        state = "completed" if talk else _CAUSES.get(values.get("DialBLegHangupCause", ""), "failed")
    by = {"Callee": "destination", "Caller": "caller"}.get(values.get("DialBLegHangupSource", ""))
    kind = f"destination_{state}" if state else "other"
    return CallEvent(
        provider_id=_call(values),
        kind=kind,
        identity=fields.identity(values.get("DialBLegUUID"), kind, action),
        at_ms=received_ms,
        leg=values.get("DialBLegUUID") or None,
        destination=_number(values.get("DialBLegTo")),
        destination_state=state,
        talk_s=talk if state == "completed" else None,
        hung_up_by=by if state == "completed" else None,
    )


def _call(values: Mapping[str, str]) -> str:
    """Of the caller's leg, also where another leg is told of."""
    return fields.sid(values, "DialALegUUID" if values.get("DialALegUUID") else "CallUUID", _EXAMPLE)


def _number(text: str | None) -> str | None:
    """Plivo writes E.164 without its plus."""
    digits = text if text and len(text) > 7 and text.isascii() and text.isdecimal() else None
    return phone.caller(f"+{digits}" if digits else text)


def _attestation(values: Mapping[str, str]) -> str | None:
    """`Verified` stands for A alone, `Not Verified` for B or C."""
    level = values.get("STIRAttestation")
    if level in ("A", "B", "C"):
        return level
    return "A" if values.get("STIRVerification") == "Verified" else None
