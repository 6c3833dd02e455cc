"""Instructions as TwiML: Twilio's XML, which SignalWire (cXML) and Telnyx (TeXML) read too, each with its own limits.

Only what a carrier documents is written: one unknown attribute may cost the whole answer, and with it the caller.
Sources: Twilio, "TwiML for Programmable Voice"; SignalWire, "The cXML Specification"; Telnyx, "TeXML verbs". Pure.
"""

import msgspec

from dni.telephony.markup import answer, element, words
from dni.telephony.model import Answer, Connect, HangUp, Instruction, Last, Menu, Prompt, Reject, Voicemail

LONGEST_CALL_S = 4 * 3600
"""As long as a lease may be protected by a call."""

_EVENTS = "initiated ringing answered completed"
_SILENCE_S = 10  # ends a message; a caller may think for a while
_PHONE_KEYS = "#*0123456789"


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How a carrier's TwiML differs from Twilio's.

    ring_s, wait_s      shortest and longest time that it rings, and that it waits for a key
    voice               the one that speaks a prompt's language; None: whatever the account has chosen
    gather_is_told      <Gather> knows `method` and `actionOnEmptyResult`; else it asks as the whole account does, and
                        perhaps not at all when nothing was pressed
    no_finish_key       <Gather> and no key that ends it, so that each counts as pressed
    silence_ends        <Record> may end by itself when nobody speaks
    most_numbers        that ring at once
    """

    ring_s: tuple[int, int] = (1, 600)
    wait_s: tuple[int, int] = (1, 120)
    voice: str | None = None
    gather_is_told: bool = True
    no_finish_key: bool = True
    silence_ends: bool = True
    most_numbers: int = 10


def document(instruction: Instruction, dialect: Dialect) -> Answer:
    last = instruction.last
    said = () if isinstance(last, Reject) else instruction.say  # to speak would be to take the call
    return answer(*(_said(prompt, dialect) for prompt in said), _last(last, dialect))


def whisper(prompt: Prompt | None, dialect: Dialect) -> Answer:
    """At the end of the document the two are connected."""
    return answer(_said(prompt, dialect)) if prompt else answer()


def _last(last: Last, dialect: Dialect) -> str:
    match last:
        case Connect():
            return _dial(last, dialect)
        case Menu():
            return _gather(last, dialect)
        case Voicemail():
            return _said(last.prompt, dialect) + _record(last, dialect)
        case Reject():
            return element("Reject", reason=last.reason if last.reason != "rejected" else None)
        case HangUp():
            return element("Hangup")


def _said(prompt: Prompt, dialect: Dialect) -> str:
    if prompt.text is None:
        return element("Play", words(prompt.audio or ""))
    return element("Say", words(prompt.text), voice=dialect.voice, language=prompt.language)


def _dial(connect: Connect, dialect: Dialect) -> str:
    # answerOnBridge: the caller hears ringing, and pays, only as if he had dialled the destination himself.
    numbers = "".join(
        element(
            "Number",
            words(number),
            statusCallback=connect.status_url,
            statusCallbackEvent=_EVENTS,
            statusCallbackMethod="POST",
            url=connect.whisper_url,
            method="POST" if connect.whisper_url else None,
        )
        for number in connect.destinations[: dialect.most_numbers]
    )
    return element(
        "Dial",
        numbers,
        answerOnBridge="true",
        timeout=_within(connect.timeout_s, dialect.ring_s),
        timeLimit=LONGEST_CALL_S,
        callerId=connect.caller_id,
        action=connect.step_url,
        method="POST" if connect.step_url else None,
        record="record-from-answer-dual" if connect.record else None,
        recordingStatusCallback=connect.status_url if connect.record else None,
        recordingStatusCallbackMethod="POST" if connect.record else None,
    )


def _gather(menu: Menu, dialect: Dialect) -> str:
    gather = element(
        "Gather",
        _said(menu.prompt, dialect),
        input="dtmf",
        numDigits=1,
        timeout=_within(menu.timeout_s, dialect.wait_s),
        finishOnKey=_finish_key(menu, dialect),
        action=menu.step_url,
        method="POST" if dialect.gather_is_told else None,
        actionOnEmptyResult="true" if dialect.gather_is_told else None,
    )
    # Where silence is not told to `action`, the document goes on: to the same address.
    return gather + element("Redirect", words(menu.step_url), method="POST")


def _finish_key(menu: Menu, dialect: Dialect) -> str | None:
    """None: the carrier's own, `#`."""
    if dialect.no_finish_key:
        return ""
    return None if "#" not in menu.keys else next((key for key in _PHONE_KEYS if key not in menu.keys), None)


def _record(voicemail: Voicemail, dialect: Dialect) -> str:
    return element(
        "Record",
        action=voicemail.step_url,
        method="POST",
        maxLength=voicemail.longest_s,
        playBeep="true",
        finishOnKey="#",
        timeout=_SILENCE_S if dialect.silence_ends else None,
        recordingStatusCallback=voicemail.status_url,
        recordingStatusCallbackMethod="POST" if voicemail.status_url else None,
    )


def _within(value: int, limits: tuple[int, int]) -> int:
    return min(max(value, limits[0]), limits[1])
