"""Instructions as Plivo XML. Only what Plivo documents is written. Pure."""

from dni.telephony.markup import answer, element, words
from dni.telephony.model import Answer, Connect, HangUp, Instruction, Last, Menu, Prompt, Reject, Voicemail
from dni.telephony.twiml import LONGEST_CALL_S

_WAIT_S = (5, 60)
_SILENCE_S = 10  # ends a message; a caller may think for a while
# Languages of <Speak> in the voice that it has by itself; one's first stands for its others. Plivo, "Speak Attributes".
_SPOKEN = (
    *("en-US", "en-GB", "en-AU", "es-US", "es-ES", "fr-FR", "fr-CA", "de-DE"),
    *("it-IT", "pt-BR", "nl-NL", "pl-PL", "ru-RU", "sv-SE", "da-DK"),
)


def document(instruction: Instruction) -> Answer:
    last = instruction.last
    said = () if isinstance(last, Reject) else instruction.say  # to speak would be to take the call
    return answer(*(_said(prompt) for prompt in said), _last(last))


def whisper(prompt: Prompt | None) -> Answer:
    """At the end of the document the two are connected."""
    return answer(_said(prompt)) if prompt else answer()


def _last(last: Last) -> str:
    match last:
        case Connect():
            return _dial(last)
        case Menu():
            return _get_input(last)
        case Voicemail():
            return _said(last.prompt) + _record(last)
        case Reject():
            return element("Hangup", reason=last.reason)
        case HangUp():
            return element("Hangup")


def _said(prompt: Prompt) -> str:
    if prompt.text is None:
        return element("Play", words(prompt.audio or ""))
    return element("Speak", words(prompt.text), language=_spoken(prompt.language))


def _spoken(language: str) -> str:
    """One that Plivo reads: this, else of the same language, else English."""
    same = language.partition("-")[0].lower()
    alike = [one for one in _SPOKEN if one.startswith(f"{same}-")]
    return next((one for one in alike if one.lower() == language.lower()), alike[0] if alike else _SPOKEN[0])


def _dial(connect: Connect) -> str:
    recording = element(
        "Record",
        startOnDialAnswer="true",
        redirect="false",
        maxLength=LONGEST_CALL_S,
        callbackUrl=connect.status_url,
        callbackMethod="POST",
    )
    dial = element(
        "Dial",
        "".join(element("Number", words(number.removeprefix("+"))) for number in connect.destinations),
        timeout=connect.timeout_s,
        timeLimit=LONGEST_CALL_S,
        callerId=connect.caller_id.removeprefix("+") if connect.caller_id else None,
        callbackUrl=connect.status_url,
        callbackMethod="POST",
        # Without a step it is told all the same how the legs ended, and asks nothing.
        action=connect.step_url or connect.status_url,
        method="POST",
        redirect="true" if connect.step_url else "false",
        confirmSound=connect.whisper_url,
    )
    return (recording if connect.record else "") + dial


def _get_input(menu: Menu) -> str:
    asked = element(
        "GetInput",
        _said(menu.prompt),
        action=menu.step_url,
        method="POST",
        inputType="dtmf",
        executionTimeout=min(max(menu.timeout_s, _WAIT_S[0]), _WAIT_S[1]),
        numDigits=1,
        finishOnKey="none",
        redirect="true",
    )
    # When nothing was pressed the document goes on: to the same address.
    return asked + element("Redirect", words(menu.step_url), method="POST")


def _record(voicemail: Voicemail) -> str:
    return element(
        "Record",
        action=voicemail.step_url,
        method="POST",
        redirect="true",
        maxLength=voicemail.longest_s,
        timeout=_SILENCE_S,
        playBeep="true",
        finishOnKey="#",
        callbackUrl=voicemail.status_url,
        callbackMethod="POST" if voicemail.status_url else None,
    )
