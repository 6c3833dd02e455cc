"""Any SIP server that speaks JSON: its fields become call events, our instructions become JSON objects.

The bearer token alone says whose request it is. Every field and its meaning: docs/sip.md. What the format does not name
is kept and changes nothing; what it names and is wrong is refused by its name, so that whoever writes the other side
learns it at the first call.
"""

import hmac
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from dni import phone
from dni.errors import BadBody, Forbidden, InvalidField
from dni.telephony.fields import identity
from dni.telephony.links import https
from dni.telephony.model import (
    AT,
    Answer,
    CallEvent,
    Connect,
    Fields,
    HangUp,
    Instruction,
    Last,
    Menu,
    Prompt,
    RawRequest,
    Reject,
    Voicemail,
)

EVENTS = ("ringing", "answered", "ended", "failed")
_STATES = {"ringing": "ringing", "answered": "in_progress", "ended": "completed"}
_PARTIES = ("caller", "destination")
_BUSY = {486, 600, 603}
_NO_ANSWER = {408, 480, 487}
_CANCELED, _DECLINED = 487, 603  # RFC 3261
_REJECTIONS = {"rejected": 603, "busy": 486}
_ATTESTATIONS = {"a": "A", "b": "B", "c": "C", "failed": "failed"}
_PHONE_TYPES = ("mobile", "landline", "voip", "tollfree", "payphone")
# What `inbound`, `progress` and `step` read, but for who calls.
_FOLDED = {
    "call_id",
    "event",
    "time_ms",
    "to",
    "destination",
    "leg",
    "sip_code",
    "hung_up_by",
    "final",
    "talk_s",
    "keys",
    "recording_url",
    AT,
}
_FIELDS_MAX = 512
_ID = re.compile(r"[!-~]{1,255}")
_NUMBER = re.compile(r"(\d{1,15})(?:\.\d{1,20})?", re.ASCII)
_KEYS = re.compile(r"[0-9*#A-D]{0,64}")
_LONGEST_S = 7 * 86_400  # no call lasts longer; what says so is a mistake
_FIRST_MS, _LAST_MS = 946_684_800_000, 4_102_444_800_000  # the years 2000 and 2100


class Generic:
    """The port's side of `generic` accounts."""

    def open(self, request: RawRequest, secret: str) -> Fields:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise Forbidden("the header Authorization: Bearer TOKEN is missing", code="missing_signature")
        if not hmac.compare_digest(token.strip().encode(), secret.encode()):
            raise Forbidden("the bearer token is not the account's auth token", code="bad_signature")
        return Fields(None, _values(request.body))

    def inbound(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        if "to" not in values:
            raise InvalidField("/to", "the number that was dialled")
        return CallEvent(
            provider_id=_call(values),
            kind="inbound",
            identity="inbound",
            at_ms=_time(values, received_ms),
            state="ringing",
            tracking_number=phone.caller(values["to"]),  # a SIP name is a number that we do not know
            caller=phone.caller(values.get("from")),
            attestation=_ATTESTATIONS.get(values.get("attestation", "").lower()),
            phone_type=told if (told := values.get("phone_type")) in _PHONE_TYPES else None,
        )

    def progress(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        if not values.get("event") and values.get("recording_url") is None:
            raise InvalidField("/event", f"one of {', '.join(EVENTS)}")
        state = _state(values)
        leg = values.get("leg") or values.get("destination")
        named = f"destination_{state}" if leg else state
        talk_s = _seconds(values)
        return CallEvent(
            provider_id=_call(values),
            kind=named if state and named else "recording" if "recording_url" in values else "other",
            identity=_identity(values, "status"),
            at_ms=_time(values, received_ms),
            state=None if _is_leg_only(values) else state,
            duration_s=None if leg else talk_s,
            leg=leg[:64] if leg else None,
            destination=phone.caller(values.get("destination")),
            destination_state=state if leg else None,
            talk_s=talk_s if leg else None,
            tracking_number=phone.caller(values.get("to")),
            caller=phone.caller(values.get("from")),
            recording_url=https(values.get("recording_url")),
            hung_up_by=_party(values),
        )

    def step(self, values: Mapping[str, str], received_ms: int) -> CallEvent:
        event = self.progress(values, received_ms) if values.get("event") else None
        keys, recording = values.get("keys"), values.get("recording_url")
        if keys is not None and not _KEYS.fullmatch(keys):
            raise InvalidField("/keys", "what was pressed, such as 1 or *2; empty when nothing was")
        if keys is None and recording is None and event is None:
            raise InvalidField("/keys", "what was pressed; or else `event`, or `recording_url`")
        return CallEvent(
            provider_id=_call(values),
            kind="keys" if keys is not None else "dialled" if recording is None else "recorded",
            identity=_identity(values, f"step|{values.get(AT, '')}|{keys}"),
            at_ms=_time(values, received_ms),
            state=event.state if event and event.hung_up_by == "caller" else None,
            leg=event.leg if event else None,
            destination=event.destination if event else None,
            destination_state=event.destination_state if event else None,
            talk_s=event.talk_s if event else None,
            tracking_number=phone.caller(values.get("to")),
            caller=phone.caller(values.get("from")),
            recording_url=https(recording),
            keys=keys,
        )

    def bare(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in values.items() if name in _FOLDED}

    def unrecorded(self, values: Mapping[str, str]) -> dict[str, str]:
        # That there was one stays: it may be all that an event told.
        was = {"recording_url": ""} if "recording_url" in values else {}
        return {name: value for name, value in values.items() if not name.startswith("recording")} | was

    def answer(self, instruction: Instruction) -> Answer:
        said = {"say": [msgspec.to_builtins(prompt) for prompt in instruction.say]} if instruction.say else {}
        return _json({**_action(instruction.last), **said})

    def whisper(self, prompt: Prompt | None) -> Answer:
        return _json({"action": "whisper"} | ({"whisper": msgspec.to_builtins(prompt)} if prompt else {}))


def _action(last: Last) -> dict[str, Any]:
    match last:
        case Connect():
            more = {
                "step_url": last.step_url,
                "whisper": msgspec.to_builtins(last.whisper) if last.whisper else None,
                "caller_id": last.caller_id,
            }
            return {
                "action": "connect",
                "destinations": last.destinations,
                "timeout_s": last.timeout_s,
                "record": last.record,
            } | {name: value for name, value in more.items() if value is not None}
        case Menu():
            asked = {"keys": last.keys, "timeout_s": last.timeout_s, "step_url": last.step_url}
            return {"action": "menu"} | _prompt(last.prompt) | asked
        case Voicemail():
            left = {"longest_s": last.longest_s, "step_url": last.step_url}
            return {"action": "voicemail"} | _prompt(last.prompt) | left
        case Reject():
            return {"action": "reject", "sip_code": _REJECTIONS[last.reason], "reason": last.reason}
        case HangUp():
            return {"action": "hang_up"}


def _prompt(prompt: Prompt) -> dict[str, str]:
    """`prompt` is always there, empty beside an audio file: who only reads aloud needs to know nothing else."""
    more = {"prompt_audio": prompt.audio, "prompt_language": prompt.language if prompt.text else None}
    return {"prompt": prompt.text or ""} | {name: value for name, value in more.items() if value is not None}


def _json(document: dict[str, Any]) -> Answer:
    return Answer(msgspec.json.encode(document), "application/json")


def _values(body: bytes) -> dict[str, str]:
    """Every field as text: a number as JSON writes it, what is nested as JSON. null is as empty."""
    try:
        told = json.loads(body.decode(), object_pairs_hook=_object, parse_float=_float, parse_constant=_float)
        if not isinstance(told, dict):
            raise InvalidField("", "an object with `call_id` and more")
        if len(told) > _FIELDS_MAX:
            raise BadBody(f"at most {_FIELDS_MAX} fields")
        return {_plain(name): _text(value) for name, value in told.items()}
    except RecursionError:
        raise BadBody("the body is nested too deeply") from None
    except ValueError as error:  # no UTF-8, no JSON, a name twice, a number without an end
        raise BadBody(f"the body is no JSON: {str(error)[:200]}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a name that stands twice: which of the two counts is anybody's guess (RFC 8259, 4)."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"{name[:64]!r} stands twice in one object")
        made[name] = value
    return made


def _float(text: str) -> float:
    """Python reads `1e999` and `NaN`; JSON can write neither."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:32]} is no number that can be told on")
    return number


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _plain(value)
    return "" if value is None else json.dumps(value, separators=(",", ":"))


def _plain(text: str) -> str:
    """No ledger keeps a NUL or half a surrogate pair."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _call(values: Mapping[str, str]) -> str:
    call = values.get("call_id", "")
    if _ID.fullmatch(call):
        return call
    raise InvalidField("/call_id", "your id of the call, such as its SIP Call-ID: 1 to 255 printable ASCII, no blanks")


def _time(values: Mapping[str, str], received_ms: int) -> int:
    text = values.get("time_ms", "")
    if not text:
        return received_ms
    found = _NUMBER.fullmatch(text)
    if found and _FIRST_MS <= int(found[1]) <= _LAST_MS:
        return int(found[1])
    raise InvalidField("/time_ms", "milliseconds since 1970, such as 1790000000000")


def _code(values: Mapping[str, str]) -> int | None:
    text = values.get("sip_code", "")
    if not text:
        return None
    if re.fullmatch(r"[1-6][0-9]{2}", text):
        return int(text)
    raise InvalidField("/sip_code", "a code of SIP, 100 to 699")


def _party(values: Mapping[str, str]) -> str | None:
    party = values.get("hung_up_by", "")
    if party and party not in _PARTIES:
        raise InvalidField("/hung_up_by", " or ".join(_PARTIES))
    return party or None


def _seconds(values: Mapping[str, str]) -> int | None:
    text = values.get("talk_s", "")
    if not text:
        return None
    found = _NUMBER.fullmatch(text)
    if found and (seconds := round(float(text))) <= _LONGEST_S:
        return seconds
    raise InvalidField("/talk_s", f"seconds, at most {_LONGEST_S}")


def _state(values: Mapping[str, str]) -> str | None:
    """Of whichever legs the event is about; None: an event that we do not know."""
    event, code, party = values.get("event", ""), _code(values), _party(values)
    if event == "ended" and (code is None or code < 300):
        return "completed"
    if event not in ("ended", "failed"):
        return _STATES.get(event)
    named = values.get("destination") or values.get("leg")
    if party == "caller" or (code == _CANCELED and not named):
        return "canceled"
    if code in _BUSY:
        return "busy" if named or code != _DECLINED else "rejected"
    return "no_answer" if code in _NO_ANSWER else "failed"


def _is_leg_only(values: Mapping[str, str]) -> bool:
    """`final: false`: one destination did not take the call, and it goes on to the next."""
    final = values.get("final", "")
    if final not in ("", "true", "false"):
        raise InvalidField("/final", "true or false")
    return final == "false"


def _identity(values: Mapping[str, str], door: str) -> str:
    """Of the leg, what happened to it, and when, as it was told: told again it is the same."""
    names = ("event", "leg", "destination", "sip_code", "time_ms", "recording_url")
    return identity(door, *(values.get(name) for name in names))
