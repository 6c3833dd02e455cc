"""The line of a SIP server that speaks our JSON. What it may be told is a table of docs/carriers.md."""

import re
from collections.abc import Callable
from typing import Any, ClassVar

import httpx
import msgspec

from dni.telephony.model import Connect, HangUp, Instruction, Last, Menu, Prompt, Reject, Voicemail
from tests.support.line import Fields, Leg, Line

Allowed = Callable[[Any], object]

_CODES = {"busy": 486, "no_answer": 408, "failed": 503, "canceled": 487}


def _url(value: Any) -> object:
    return isinstance(value, str) and re.fullmatch(r"https://[!-~]+", value)


def _number(value: Any) -> object:
    return isinstance(value, str) and re.fullmatch(r"\+[1-9][0-9]{6,14}", value)


def _seconds(value: Any) -> object:
    return type(value) is int and 1 <= value <= 14_400


def _list_of(of: Allowed) -> Allowed:
    return lambda value: isinstance(value, list) and value and all(of(each) for each in value)


def _text(value: Any) -> object:
    return isinstance(value, str)


def _key(value: Any) -> object:
    return isinstance(value, str) and re.fullmatch("[0-9*#]", value)


def _said(value: Any) -> object:
    return (
        isinstance(value, dict) and value.keys() <= {"text", "audio", "language"} and {"text", "audio"} & value.keys()
    )


_PROMPT: dict[str, Allowed] = {"prompt": _text, "prompt_audio": _url, "prompt_language": _text}
_SAY: dict[str, Allowed] = {"say": _list_of(_said)}

# By action: what is always there, and what may be.
_ACTIONS: dict[str, tuple[dict[str, Allowed], dict[str, Allowed]]] = {
    "connect": (
        {"destinations": _list_of(_number), "timeout_s": _seconds, "record": lambda value: isinstance(value, bool)},
        {"step_url": _url, "whisper": _said, "caller_id": _number, **_SAY},
    ),
    "menu": (
        {"prompt": _text, "keys": _list_of(_key), "timeout_s": _seconds, "step_url": _url},
        {**_PROMPT, **_SAY},
    ),
    "voicemail": ({"prompt": _text, "longest_s": _seconds, "step_url": _url}, {**_PROMPT, **_SAY}),
    "reject": (
        {"sip_code": lambda value: value in (486, 603), "reason": lambda value: value in ("rejected", "busy")},
        {},
    ),
    "hang_up": ({}, _SAY),
    "whisper": ({}, {"whisper": _said}),
}


def checked(body: bytes) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(body)
    always, perhaps = _ACTIONS[told.pop("action")]
    assert always.keys() <= told.keys(), told
    for name, value in told.items():
        assert (always | perhaps)[name](value), (name, value)
    return {"action": msgspec.json.decode(body)["action"], **told}


def instruction(told: dict[str, Any]) -> Instruction:
    last: Last
    match told["action"]:
        case "connect":
            last = Connect(
                destinations=tuple(told["destinations"]),
                timeout_s=told["timeout_s"],
                status_url="",
                step_url=told.get("step_url"),
                whisper=_prompt(told["whisper"]) if "whisper" in told else None,
                record=told["record"],
                caller_id=told.get("caller_id"),
            )
        case "menu":
            last = Menu(
                prompt=_of(told), keys=tuple(told["keys"]), timeout_s=told["timeout_s"], step_url=told["step_url"]
            )
        case "voicemail":
            last = Voicemail(prompt=_of(told), longest_s=told["longest_s"], step_url=told["step_url"])
        case "reject":
            assert told["sip_code"] == {"busy": 486, "rejected": 603}[told["reason"]]
            last = Reject(reason=told["reason"])
        case _:
            assert told["action"] == "hang_up", told
            last = HangUp()
    return Instruction(last, tuple(_prompt(each) for each in told.get("say", ())))


def _prompt(told: dict[str, Any]) -> Prompt:
    return msgspec.convert(told, Prompt)


def _of(told: dict[str, Any]) -> Prompt:
    if "prompt_audio" in told:
        return Prompt(audio=told["prompt_audio"])
    return Prompt(text=told["prompt"], language=told.get("prompt_language", "en-US"))


class GenericLine(Line):
    kind: ClassVar[str] = "generic"
    account_sid: ClassVar[str] = "sip"
    secret: ClassVar[str] = "a-token-of-the-users-own-choosing"
    status: ClassVar[str] = "event"
    of_leg_alone: ClassVar[str] = "leg"

    def id_of(self, what: str, n: int) -> str:
        return f"{what}-{n}@203.0.113.9"

    async def whispers(self, n: int = 0) -> Prompt | None:
        """It came with the order to ring, so nothing is asked."""
        return self._now(Connect).whisper

    def arriving(self) -> Fields:
        return self.of_call()

    def pressed(self, key: str) -> Fields:
        return {**self.of_call(), "keys": key}

    def silent(self) -> Fields:
        return self.pressed("")

    def leg_told(self, leg: Leg, what: str, by: str | None = None) -> Fields | None:
        told = {**self.of_call(), "destination": leg.number, "leg": leg.id}
        if what in ("ringing", "answered"):
            return {**told, "event": what}
        if what == "completed":
            return {**told, "event": "ended", "talk_s": str(leg.talk_s), **({"hung_up_by": by} if by else {})}
        who = {"hung_up_by": by} if by else {}
        return {**told, "event": "failed", "sip_code": str(_CODES[what]), "final": "false", **who}

    def dial_over(self, state: str, best: Leg | None) -> Fields:
        leg = best or self.legs[-1]
        told = {**self.of_call(), "destination": leg.number, "leg": leg.id}
        if best:
            return {**told, "event": "ended", "talk_s": str(best.talk_s)}
        return {**told, "event": "failed", "sip_code": str(_CODES[state])}

    def call_over(self, state: str, by: str | None) -> Fields:
        told = {**self.of_call(), **({"hung_up_by": by} if by else {})}
        if state == "completed":
            return {**told, "event": "ended", "talk_s": str(sum(leg.talk_s for leg in self.legs))}
        return {**told, "event": "failed", "sip_code": str(_CODES[state])}

    def message(self, url: str) -> Fields:
        return {**self.of_call(), "recording_url": url}

    def file_ready(self, url: str) -> Fields:
        return {"call_id": self.call, "recording_url": url}

    def whispering(self, leg: Leg) -> Fields:
        return self.of_call()

    def signed(self, url: str, fields: Fields, body: bytes, secret: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def read(self, answer: httpx.Response) -> Instruction:
        assert answer.headers["content-type"] == "application/json"
        return instruction(checked(answer.content))

    def read_whisper(self, answer: httpx.Response) -> Prompt | None:
        told = checked(answer.content)
        return _prompt(told["whisper"]) if "whisper" in told else None

    def body(self, fields: Fields) -> bytes:
        return msgspec.json.encode(fields)

    def of_call(self) -> Fields:
        return {"call_id": self.call, "from": self.caller, "to": self.to, "time_ms": str(self.clock.now_ms())}
