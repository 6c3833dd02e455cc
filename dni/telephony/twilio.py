"""Twilio's Programmable Voice: its form fields become call events, our instructions become TwiML.

Two kinds of callback come to one address. Of the caller's leg: CallSid is the call. Of a leg that <Dial> made:
ParentCallSid is the call, CallSid the leg. Source: Twilio's docs of the voice webhook, <Number> and <Dial>; FACTS of
its form fields. Callbacks come out of order and more than once.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, quoteattr

from dni import phone
from dni.errors import BadBody, Forbidden, InvalidField
from dni.telephony import signatures
from dni.telephony.model import Answer, CallEvent, Connect, Fields, Instruction, RawRequest

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
# What `inbound` and `progress` read, but for who calls: `To` is ours, or the destination's.
_FOLDED = {
    "CallSid",
    "ParentCallSid",
    "CallStatus",
    "CallDuration",
    "DialCallSid",
    "DialCallStatus",
    "DialCallDuration",
    "RecordingUrl",
    "RecordingSid",
    "SequenceNumber",
    "Timestamp",
    "To",
}
_FIELDS_MAX = 512
_SID = re.compile(r"[!-~]{1,64}")
_URL_MAX = 2048
_LONGEST_S = 7 * 86_400  # no call lasts longer; what says so is a mistake
_FIRST_MS, _LAST_MS = 946_684_800_000, 4_102_444_800_000  # the years 2000 and 2100


class Twilio:
    """The port's Twilio side."""

    def open(self, request: RawRequest, secret: str) -> Fields:
        pairs = _pairs(request.body)
        signature = request.headers.get("x-twilio-signature")
        if not signature:
            raise Forbidden("the header X-Twilio-Signature is missing", code="missing_signature")
        if not signatures.is_twilio(request.url, pairs, secret, signature):
            raise Forbidden(
                "the signature does not fit this address, these fields and the account's auth token; the address "
                "that Twilio called must be the one we think we have: see DNI_PUBLIC_URL",
                code="bad_signature",
            )
        values = _values(pairs)
        return Fields(values.get("AccountSid", ""), values)

    def inbound(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        return CallEvent(
            provider_id=_sid(values, "CallSid"),
            kind="inbound",
            identity="inbound",
            at_ms=_time(values) or received_ms,
            state="ringing",
            tracking_number=phone.caller(values.get("To")),  # a SIP name or nonsense is a number that we do not know
            caller=phone.caller(values.get("From")),
        )

    def progress(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        if values.get("ParentCallSid"):
            return _of_destination(values, received_ms)
        status = values.get("CallStatus", "")
        state = _STATES.get(status)
        dialed = _STATES.get(values.get("DialCallStatus", ""))
        recording = _https(values.get("RecordingUrl"))
        kind = "recording" if recording and not state else state or "other"
        return CallEvent(
            provider_id=_sid(values, "CallSid"),
            kind=kind,
            identity=_identity(values, kind),
            at_ms=_time(values) or received_ms,
            state=state,
            duration_s=_seconds(values.get("CallDuration")),
            leg=values.get("DialCallSid") or None,
            destination_state=dialed,
            talk_s=_seconds(values.get("DialCallDuration")),
            tracking_number=phone.caller(values.get("To")),
            caller=phone.caller(values.get("From")),
            recording_url=recording,
        )

    def bare(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in values.items() if name in _FOLDED}

    def unrecorded(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in values.items() if not name.startswith("Recording")}

    def answer(self, instruction: Instruction) -> Answer:
        verb = _dial(instruction) if isinstance(instruction, Connect) else "<Reject/>"
        document = f'<?xml version="1.0" encoding="UTF-8"?><Response>{verb}</Response>'
        return Answer(document.encode(), "application/xml")


def _of_destination(values: Mapping[str, str], received_ms: int) -> CallEvent:
    state = _STATES.get(values.get("CallStatus", ""))
    recording = _https(values.get("RecordingUrl"))
    kind = f"destination_{state}" if state else "recording" if recording else "other"
    return CallEvent(
        provider_id=_sid(values, "ParentCallSid"),
        kind=kind,
        identity=_identity(values, kind),
        at_ms=_time(values) or received_ms,
        leg=_sid(values, "CallSid"),
        destination=phone.caller(values.get("To")),
        destination_state=state,
        talk_s=_seconds(values.get("CallDuration")),
        recording_url=recording,
    )


def _dial(connect: Connect) -> str:
    # answerOnBridge: the caller hears ringing, and pays, only as if he had dialled the destination himself.
    caller_id = f" callerId={quoteattr(connect.caller_id)}" if connect.caller_id else ""
    status = (
        f"statusCallback={quoteattr(connect.status_url)} "
        'statusCallbackEvent="initiated ringing answered completed" statusCallbackMethod="POST"'
    )
    numbers = "".join(f"<Number {status}>{escape(number)}</Number>" for number in connect.destinations)
    return f'<Dial answerOnBridge="true" timeout="{connect.timeout_s}"{caller_id}>{numbers}</Dial>'


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise BadBody(f"at most {_FIELDS_MAX} fields") from None


def _values(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Every field. The first of a name counts; further ones are kept as `name#2`. No ledger keeps a NUL."""
    values: dict[str, str] = {}
    for raw_name, raw in pairs:
        name = key = raw_name.replace("\0", "\ufffd")
        count = 1
        while key in values:
            count += 1
            key = f"{name}#{count}"
        values[key] = raw.replace("\0", "\ufffd")
    return values


def _sid(values: Mapping[str, str], name: str) -> str:
    sid = values.get(name, "")
    if _SID.fullmatch(sid):
        return sid
    raise InvalidField(f"/{name}", "the id of a call, such as CA and 32 hexadecimal digits")


def _identity(values: Mapping[str, str], kind: str) -> str:
    """Of the leg, what happened to it, and which time: Twilio counts with SequenceNumber where it counts."""
    turn = values.get("SequenceNumber") or values.get("RecordingSid") or values.get("Timestamp", "")
    words = (values.get("CallSid", ""), kind, values.get("CallStatus", ""), values.get("DialCallSid", ""), turn)
    return "|".join(word[:64] for word in words)


def _time(values: Mapping[str, str]) -> int | None:
    """`Timestamp` (RFC 2822, whole seconds) as ms."""
    try:
        told = parsedate_to_datetime(values.get("Timestamp", ""))
        ms = round(told.replace(tzinfo=told.tzinfo or UTC).timestamp() * 1000)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return ms if _FIRST_MS <= ms <= _LAST_MS else None


def _seconds(text: str | None) -> int | None:
    if not text or len(text) > 9 or not (text.isascii() and text.isdecimal()):
        return None
    seconds = int(text)
    return seconds if seconds <= _LONGEST_S else None


def _https(url: str | None) -> str | None:
    """The address if it is one that a page may link to."""
    if not url or len(url) > _URL_MAX or not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme == "https" and parts.hostname else None
