"""Instructions as carriers' documents: what their own packages write, within their grammar, and whole."""

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from plivo import plivoxml
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from dni.telephony.model import (
    Connect,
    HangUp,
    Instruction,
    Last,
    Menu,
    Port,
    Prompt,
    Reject,
    Voicemail,
)
from dni.telephony.plivo import Plivo
from dni.telephony.ports import PORTS
from dni.telephony.telnyx import Telnyx
from dni.telephony.twilio import Twilio
from tests.support import grammar, reading

STATUS = "https://dni.example/voice/x/car_1/status?a=1&b=2"
STEP = "https://dni.example/voice/x/car_1/step?at=abc"
HELLO = Prompt(text='Press 1 for <sales> & "more"')
GRAMMARS = {
    "twilio": grammar.TWILIO,
    "signalwire": grammar.SIGNALWIRE,
    "telnyx": grammar.TELNYX,
    "plivo": grammar.PLIVO,
}
XML = pytest.mark.parametrize("kind", sorted(GRAMMARS))


def canonical(port: Port, last: Last, *say: Prompt) -> str:
    return ElementTree.canonicalize(port.answer(Instruction(last, say)).body.decode())


def written(expected: VoiceResponse | plivoxml.ResponseElement) -> str:
    text = expected.to_string(pretty=False) if isinstance(expected, plivoxml.ResponseElement) else str(expected)
    return ElementTree.canonicalize(text)


# As Twilio's package writes it.


def dialled(**change: object) -> Connect:
    usual = {"destinations": ("+14155550199",), "timeout_s": 25, "status_url": STATUS}
    return Connect(**{**usual, **change})  # type: ignore[arg-type]


def test_connecting_is_what_the_twilio_package_writes() -> None:
    expected, dial = VoiceResponse(), Dial(answer_on_bridge=True, timeout=25, time_limit=14_400)
    dial.number(
        "+14155550199",
        status_callback=STATUS,
        status_callback_event="initiated ringing answered completed",
        status_callback_method="POST",
    )
    expected.append(dial)
    assert canonical(Twilio(), dialled()) == written(expected)


def test_connecting_with_all_that_there_is() -> None:
    whisper_url = f"{STEP}&whisper=1"
    expected = VoiceResponse()
    expected.say("This call is recorded.", language="en-US")
    dial = Dial(
        answer_on_bridge=True,
        timeout=25,
        time_limit=14_400,
        caller_id="+12025550100",
        action=STEP,
        method="POST",
        record="record-from-answer-dual",
        recording_status_callback=STATUS,
        recording_status_callback_method="POST",
    )
    for number in ("+14155550199", "+14155550198"):
        dial.number(
            number,
            status_callback=STATUS,
            status_callback_event="initiated ringing answered completed",
            status_callback_method="POST",
            url=whisper_url,
            method="POST",
        )
    expected.append(dial)
    connect = dialled(
        destinations=("+14155550199", "+14155550198"),
        step_url=STEP,
        whisper_url=whisper_url,
        record=True,
        caller_id="+12025550100",
    )
    assert canonical(Twilio(), connect, Prompt(text="This call is recorded.")) == written(expected)


def test_a_menu_is_what_the_twilio_package_writes() -> None:
    expected = VoiceResponse()
    gather = Gather(
        input="dtmf",
        num_digits=1,
        timeout=5,
        finish_on_key="",
        action=STEP,
        method="POST",
        action_on_empty_result=True,
    )
    gather.say(HELLO.text, language="en-US")
    expected.append(gather)
    expected.redirect(STEP, method="POST")
    menu = Menu(prompt=HELLO, keys=("1", "#"), timeout_s=5, step_url=STEP)
    assert canonical(Twilio(), menu) == written(expected)


def test_a_voicemail_is_what_the_twilio_package_writes() -> None:
    expected = VoiceResponse()
    expected.play("https://media.example/beep.mp3")
    expected.record(
        action=STEP,
        method="POST",
        max_length=120,
        play_beep=True,
        finish_on_key="#",
        timeout=10,
        recording_status_callback=STATUS,
        recording_status_callback_method="POST",
    )
    beep = Prompt(audio="https://media.example/beep.mp3")
    voicemail = Voicemail(prompt=beep, longest_s=120, step_url=STEP, status_url=STATUS)
    assert canonical(Twilio(), voicemail) == written(expected)


def test_refusing_and_hanging_up_are_what_the_twilio_package_writes() -> None:
    rejected, busy, over = VoiceResponse(), VoiceResponse(), VoiceResponse()
    rejected.reject()
    busy.reject(reason="busy")
    over.hangup()
    for last, expected in ((Reject(), rejected), (Reject(reason="busy"), busy), (HangUp(), over)):
        assert canonical(Twilio(), last) == written(expected)


# As Plivo's package writes it.


def test_connecting_is_what_the_plivo_package_writes() -> None:
    whisper_url = f"{STEP}&whisper=1"
    for connect, change in (
        (dialled(), {"action": STATUS, "redirect": False}),
        (dialled(step_url=STEP), {"action": STEP, "redirect": True}),
        (
            dialled(step_url=STEP, whisper_url=whisper_url, caller_id="+12025550100"),
            {
                "action": STEP,
                "redirect": True,
                "confirm_sound": whisper_url,
                "caller_id": "12025550100",
            },
        ),
    ):
        dial = plivoxml.DialElement(
            timeout=25, time_limit=14_400, callback_url=STATUS, callback_method="POST", method="POST", **change
        )
        dial.add(plivoxml.NumberElement("14155550199"))
        assert canonical(Plivo(), connect) == written(plivoxml.ResponseElement().add(dial))


def test_a_menu_is_what_the_plivo_package_writes() -> None:
    asked = plivoxml.GetInputElement(
        action=STEP,
        method="POST",
        input_type="dtmf",
        execution_timeout=5,
        num_digits=1,
        finish_on_key="none",
        redirect=True,
    )
    asked.add(plivoxml.SpeakElement(HELLO.text, language="en-US"))
    expected = plivoxml.ResponseElement().add(asked).add(plivoxml.RedirectElement(STEP, method="POST"))
    menu = Menu(prompt=HELLO, keys=("1", "#"), timeout_s=5, step_url=STEP)
    assert canonical(Plivo(), menu) == written(expected)


def test_a_recorded_call_and_a_message_are_what_the_plivo_package_writes() -> None:
    of_call = plivoxml.RecordElement(
        start_on_dial_answer=True, redirect=False, max_length=14_400, callback_url=STATUS, callback_method="POST"
    )
    dial = plivoxml.DialElement(
        timeout=25,
        time_limit=14_400,
        callback_url=STATUS,
        callback_method="POST",
        action=STATUS,
        method="POST",
        redirect=False,
    ).add(plivoxml.NumberElement("14155550199"))
    expected = plivoxml.ResponseElement().add(of_call).add(dial)
    assert canonical(Plivo(), dialled(record=True)) == written(expected)
    message = plivoxml.RecordElement(
        action=STEP,
        method="POST",
        redirect=True,
        max_length=120,
        timeout=10,
        play_beep=True,
        finish_on_key="#",
        callback_url=STATUS,
        callback_method="POST",
    )
    expected = plivoxml.ResponseElement().add(plivoxml.SpeakElement("Speak.", language="es-US")).add(message)
    prompt = Prompt(text="Speak.", language="es-MX")  # which its own voice does not read
    voicemail = Voicemail(prompt=prompt, longest_s=120, step_url=STEP, status_url=STATUS)
    assert canonical(Plivo(), voicemail) == written(expected)


def test_refusing_and_hanging_up_are_what_the_plivo_package_writes() -> None:
    told: tuple[tuple[Last, str | None], ...] = (
        (Reject(), "rejected"),
        (Reject(reason="busy"), "busy"),
        (HangUp(), None),
    )
    for last, reason in told:
        expected = plivoxml.ResponseElement().add(plivoxml.HangupElement(reason=reason))
        assert canonical(Plivo(), last) == written(expected)


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [("en-US", "en-US"), ("EN-gb", "en-GB"), ("es-MX", "es-US"), ("pt-PT", "pt-BR"), ("de", "de-DE"), ("cy", "en-US")],
)
def test_plivo_speaks_a_language_that_it_has(wanted: str, spoken: str) -> None:
    assert f'language="{spoken}"' in Plivo().whisper(Prompt(text="x", language=wanted)).body.decode()


@pytest.mark.parametrize(
    ("keys", "finish"), [(("1",), None), (("1", "#"), "*"), (("#", "*"), "0"), (tuple("0123456789*#"), None)]
)
def test_a_hash_that_telnyx_takes_for_the_end_can_be_pressed_where_it_is_a_key(
    keys: tuple[str, ...], finish: str | None
) -> None:
    menu = Menu(prompt=HELLO, keys=keys, timeout_s=5, step_url=STEP)
    gather = ElementTree.fromstring(Telnyx().answer(Instruction(menu)).body)[0]  # noqa: S314
    assert gather.get("finishOnKey") == finish


# Within each carrier's grammar, and whole.

_texts = st.text(st.characters(codec="utf-8"), max_size=40)
_languages = st.sampled_from(["en-US", "es-MX", "fr", "de-AT", "zh-Hans-CN"])
_prompts = st.one_of(
    st.builds(Prompt, text=_texts, language=_languages),
    st.builds(Prompt, audio=st.sampled_from(["https://media.example/a.mp3?b=1&c=2", "https://media.example/<x>'\""])),
)
_urls = st.text("abcXYZ019&=%'-_~", max_size=12).map(lambda tail: f"https://dni.example/voice/x/car_1/step?at={tail}")
_numbers = st.lists(st.integers(100, 199).map(lambda n: f"+14155550{n}"), min_size=1, max_size=12).map(tuple)
_seconds = st.integers(5, 600)
_lasts = st.one_of(
    st.builds(
        Connect,
        destinations=_numbers,
        timeout_s=_seconds,
        status_url=_urls,
        step_url=st.none() | _urls,
        whisper_url=st.none() | _urls,
        record=st.booleans(),
        caller_id=st.sampled_from([None, "+12025550100"]),
    ),
    st.builds(
        Menu,
        prompt=_prompts,
        keys=st.lists(st.sampled_from("0123456789*#"), unique=True, min_size=1).map(tuple),
        timeout_s=_seconds,
        step_url=_urls,
    ),
    st.builds(Voicemail, prompt=_prompts, longest_s=_seconds, step_url=_urls, status_url=st.none() | _urls),
    st.builds(Reject, reason=st.sampled_from(["rejected", "busy"])),
    st.just(HangUp()),
)


@XML
@settings(max_examples=300, deadline=None)
@given(last=_lasts, say=st.lists(_prompts, max_size=3))
def test_any_instruction_is_within_the_carriers_grammar_and_comes_back_whole(
    kind: str, last: Last, say: list[Prompt]
) -> None:
    made = PORTS[kind].answer(Instruction(last, tuple(say)))
    assert made.media_type == "application/xml"
    found = reading.instruction(grammar.checked(made.body, GRAMMARS[kind]))
    expected = () if isinstance(last, Reject) else tuple(say)
    assert [_heard(prompt, kind) for prompt in found.say] == [_heard(prompt, kind) for prompt in expected]
    assert found.last == _told(last, kind, found.last)


@XML
@settings(max_examples=100, deadline=None)
@given(prompt=st.none() | _prompts)
def test_a_whisper_is_within_the_carriers_grammar(kind: str, prompt: Prompt | None) -> None:
    found = reading.whisper(grammar.checked(PORTS[kind].whisper(prompt).body, GRAMMARS[kind]))
    assert (found is None) == (prompt is None)
    if prompt and found:
        assert _heard(found, kind) == _heard(prompt, kind)


def _heard(prompt: Prompt, kind: str) -> tuple[str | None, str | None, str | None]:
    """What XML can hold of it; Plivo reads some languages in another's voice."""
    text = prompt.text and "".join(char for char in prompt.text if _is_xml(char)).replace("\r\n", "\n").replace(
        "\r", "\n"
    )
    return text or None, prompt.audio, None if kind == "plivo" or prompt.audio else prompt.language


def _is_xml(char: str) -> bool:
    return char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff")


def _told(last: Last, kind: str, found: Last) -> Last:
    """What a document tells of it, within the carrier's limits."""
    match last:
        case Connect() if isinstance(found, Connect):
            most = 12 if kind == "plivo" else 10
            ring = {"telnyx": (5, 120)}.get(kind, (5, 600))
            return replace(
                last,
                destinations=last.destinations[:most],
                timeout_s=min(max(last.timeout_s, ring[0]), ring[1]),
            )
        case Menu() if isinstance(found, Menu):
            assert _heard(found.prompt, kind) == _heard(last.prompt, kind)
            longest = 60 if kind == "plivo" else 120
            return replace(last, keys=(), prompt=found.prompt, timeout_s=min(last.timeout_s, longest))
        case Voicemail() if isinstance(found, Voicemail):
            assert _heard(found.prompt, kind) == _heard(last.prompt, kind)
            return replace(last, prompt=found.prompt)
    return last
