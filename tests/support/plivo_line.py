"""Plivo's line. It takes the call itself, so its word on the caller's leg says nothing of a destination."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import httpx
from plivo.utils.signature_v3 import construct_post_url, get_signature_v3

from dni.telephony.model import Instruction, Prompt
from tests.support import grammar, reading
from tests.support.line import Fields, Leg, Line

_CAUSES = {
    "completed": "NORMAL_CLEARING",
    "busy": "USER_BUSY",
    "no_answer": "NO_ANSWER",
    "failed": "UNALLOCATED_NUMBER",
    "canceled": "ORIGINATOR_CANCEL",
}
_DIAL = {"no_answer": "no-answer", "canceled": "cancel"}
_CONSOLE = timedelta(hours=5, minutes=30)  # the zone of the account's console, which no request tells


class PlivoLine(Line):
    kind: ClassVar[str] = "plivo"
    account_sid: ClassVar[str] = "MA00000000000000TEST"
    secret: ClassVar[str] = "plivo-token-made-up"
    tells_of_every_dial: ClassVar[bool] = True
    of_leg_alone: ClassVar[str] = "DialBLegStatus"

    def id_of(self, what: str, n: int) -> str:
        return f"{what.encode().hex()[:8]}-0000-4000-8000-{n:012}"

    def arriving(self) -> Fields:
        return self.of_call("StartApp", "ringing")

    def pressed(self, key: str) -> Fields:
        return {**self.of_call("GetInput", "in-progress"), "Digits": key, "InputType": "dtmf"}

    def silent(self) -> Fields:
        return self.of_call("Redirect", "in-progress")

    def leg_told(self, leg: Leg, what: str, by: str | None = None) -> Fields | None:
        if what == "ringing":
            return None
        told = {
            "DialALegUUID": self.call,
            "DialBLegUUID": leg.id,
            "DialBLegFrom": _bare(self.caller),
            "DialBLegTo": _bare(leg.number),
            "DialBLegPosition": "1",
        }
        if what == "answered":
            return {
                **self.of_call("DialAnswer", "in-progress"),
                **told,
                "DialAction": "answer",
                "DialBLegStatus": "answer",
            }
        return {
            **self.of_call("DialHangup", "in-progress"),
            **told,
            "DialAction": "hangup",
            "DialBLegStatus": "hangup",
            "DialBLegDuration": str(leg.talk_s),
            "DialBLegBillDuration": str(-(-leg.talk_s // 60) * 60),
            "DialBLegHangupCause": _CAUSES[what],
            "DialBLegHangupSource": {"destination": "Callee", "caller": "Caller"}.get(by or "", "Plivo"),
        }

    def dial_over(self, state: str, best: Leg | None) -> Fields:
        return {
            **self.of_call("Redirect", "in-progress"),
            "DialStatus": _DIAL.get(state, state),
            "DialRingStatus": "true",
            "DialHangupCause": _CAUSES[state],
            "DialALegUUID": self.call,
            "DialBLegUUID": best.id if best else "",
        }

    def call_over(self, state: str, by: str | None) -> Fields:
        seconds = (self.clock.now_ms() - self.began_ms) // 1000
        return {
            # Taken is completed; only a call that we refused ends otherwise.
            **self.of_call("Hangup", "busy" if state == "busy" and not self.legs else "completed"),
            "StartTime": self._console(self.began_ms),
            "AnswerTime": self._console(self.began_ms),
            "EndTime": self._console(self.clock.now_ms()),
            "Duration": str(seconds),
            "BillDuration": str(-(-seconds // 60) * 60),
            "HangupCause": "NORMAL_CLEARING",
            "HangupSource": "Caller" if by == "caller" else "Answer XML",
        }

    def message(self, url: str) -> Fields:
        recorded = {"RecordUrl": url, "RecordingID": "r-1", "RecordingDuration": "7", "Digits": "hangup"}
        return {**self.of_call("Record", "completed"), **recorded}

    def file_ready(self, url: str) -> Fields:
        ready = {"RecordUrl": url, "RecordingID": "r-2", "RecordingDuration": "7"}
        return {**self.of_call("RecordStop", "completed"), **ready}

    def whispering(self, leg: Leg) -> Fields:
        return self.of_call("DialRemoteSounds", "in-progress")

    def signed(self, url: str, fields: Fields, body: bytes, secret: str) -> dict[str, str]:
        nonce = f"{self.clock.now_ms()}"
        signature = get_signature_v3(secret, construct_post_url(url, fields).decode(), nonce).decode()
        return {
            "X-Plivo-Signature-V3": signature,
            "X-Plivo-Signature-V3-Nonce": nonce,
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def read(self, answer: httpx.Response) -> Instruction:
        return reading.instruction(grammar.checked(answer.content, grammar.PLIVO))

    def read_whisper(self, answer: httpx.Response) -> Prompt | None:
        return reading.whisper(grammar.checked(answer.content, grammar.PLIVO))

    def of_call(self, event: str, status: str) -> Fields:
        return {
            "CallUUID": self.call,
            "From": _bare(self.caller),
            "To": _bare(self.to),
            "CallStatus": status,
            "Direction": "inbound",
            "Event": event,
            "ALegUUID": self.call,
            "ParentAuthID": self.account_sid,
            "STIRVerification": "Not Applicable",
            "SessionStart": f"{datetime.fromtimestamp(self.began_ms / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}",
        }

    def _console(self, at_ms: int) -> str:
        return f"{datetime.fromtimestamp(at_ms / 1000, UTC) + _CONSOLE:%Y-%m-%d %H:%M:%S}"


def _bare(number: str) -> str:
    return number.removeprefix("+")
