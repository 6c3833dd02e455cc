"""What carriers' documents may look like: which elements stand in which, and their attributes with their values.

Twilio's and Plivo's are read from their own packages. SignalWire and Telnyx have none that knows it, so theirs are
tables of what their docs say, as far as we write it: what is not in them is not allowed.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import msgspec
from plivo import plivoxml
from plivo.xml import PlivoXMLElement
from twilio.twiml import TwiML, voice_response

Allowed = Callable[[str], object]
"""Whether an attribute may have this value."""


class Grammar(msgspec.Struct, frozen=True):
    """`most`: how many of an element may stand in its parent."""

    source: str
    children: dict[str, frozenset[str]]
    attributes: dict[str, dict[str, Allowed]]
    most: dict[str, int] = {}


def checked(document: bytes, grammar: Grammar) -> Element:
    """The document's root, if the carrier's grammar allows it all."""
    root = ElementTree.fromstring(document)  # noqa: S314  our own answer
    assert root.tag == "Response", root.tag
    for element in root.iter():
        known = grammar.attributes.get(element.tag, {})
        for name, value in element.attrib.items():
            assert name in known, f"<{element.tag}> has no {name}: {grammar.source}"
            assert known[name](value), f"<{element.tag} {name}={value!r}>: {grammar.source}"
        inside = [child.tag for child in element]
        for tag in inside:
            assert tag in grammar.children.get(element.tag, ()), f"no <{tag}> in <{element.tag}>: {grammar.source}"
            assert inside.count(tag) <= grammar.most.get(tag, 999), f"too many <{tag}>: {grammar.source}"
        # Text stands in the innermost elements alone; no carrier reads what stands beside another element.
        assert not inside or not (element.text or "").strip(), element.tag
        assert not (element.tail or "").strip(), element.tag
    return root


def _any(_value: str) -> bool:
    return True


def _one_of(*values: str) -> Allowed:
    return lambda value: value in values


def _some_of(*values: str) -> Allowed:
    return lambda value: bool(value) and set(value.split(" ")) <= set(values)


def _within(low: int, high: int) -> Allowed:
    return lambda value: re.fullmatch("[0-9]+", value) and low <= int(value) <= high


_url: Allowed = re.compile(r"https://[!-~]+").fullmatch
_e164: Allowed = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_digits: Allowed = re.compile(r"[1-9][0-9]{6,14}").fullmatch
_language: Allowed = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*").fullmatch
_keys: Allowed = re.compile(r"[0-9*#]*").fullmatch
_method, _bool = _one_of("GET", "POST"), _one_of("true", "false")
_events = _some_of("initiated", "ringing", "answered", "completed")
_recorded = _one_of(
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
)

# Values of the attributes that we write, where carriers are of one mind on them.
_VALUES: dict[str, Allowed] = {
    "action": _url,
    "actionOnEmptyResult": _bool,
    "answerOnBridge": _bool,
    "callbackMethod": _method,
    "callbackUrl": _url,
    "callerId": _e164,
    "confirmSound": _url,
    "finishOnKey": _keys,
    "input": _some_of("dtmf", "speech"),
    "language": _language,
    "maxLength": _within(1, 14_400),
    "method": _method,
    "numDigits": _within(1, 99),
    "playBeep": _bool,
    "reason": _one_of("rejected", "busy"),
    "record": _recorded,
    "recordingStatusCallback": _url,
    "recordingStatusCallbackMethod": _method,
    "redirect": _bool,
    "startOnDialAnswer": _bool,
    "statusCallback": _url,
    "statusCallbackEvent": _events,
    "statusCallbackMethod": _method,
    "timeLimit": _within(1, 14_400),
    "timeout": _within(1, 600),
    "url": _url,
}


def _valued(names: Iterator[str] | list[str], **own: Allowed) -> dict[str, Allowed]:
    return {name: own.get(name) or _VALUES.get(name, _any) for name in names}


# Twilio: what the methods of its package take.

_VERBS = ("Say", "Play", "Gather", "Dial", "Record", "Reject", "Redirect", "Hangup", "Pause")
_NOUNS = {"Response": voice_response.VoiceResponse, "Gather": voice_response.Gather, "Dial": voice_response.Dial}
_NO_ATTRIBUTES = {"self", "kwargs", "message", "phone_number"}  # what stands between the tags


def _twilio() -> Grammar:
    children: dict[str, frozenset[str]] = {}
    attributes: dict[str, dict[str, Allowed]] = {}
    for parent, kind in _NOUNS.items():
        methods = [name for name in vars(kind) if not name.startswith("_") and not hasattr(TwiML, name)]
        children[parent] = frozenset("".join(map(str.capitalize, name.split("_"))) for name in methods)
        for name in methods:
            takes = [each for each in inspect.signature(getattr(kind, name)).parameters if each not in _NO_ATTRIBUTES]
            tag = "".join(map(str.capitalize, name.split("_")))
            attributes.setdefault(tag, {}).update(_valued([_camel(each) for each in takes]))
    assert {*_VERBS, "Number"} <= attributes.keys()
    return Grammar("the package twilio, VoiceResponse", children, attributes, {"Number": 10})


def _camel(name: str) -> str:
    first, *rest = name.strip("_").split("_")
    return first + "".join(map(str.capitalize, rest))


TWILIO = _twilio()

# SignalWire: developer.signalwire.com, "cXML Voice": <Say>, <Play>, <Gather>, <Dial>, <Number>, <Record>, <Reject> …
SIGNALWIRE = Grammar(
    "SignalWire's docs of cXML",
    {
        "Response": frozenset(_VERBS),
        "Gather": frozenset({"Say", "Play", "Pause"}),
        "Dial": frozenset({"Number", "Sip", "Conference", "Queue", "Verto"}),
    },
    {
        "Say": _valued(["voice", "language", "loop"]),
        "Play": _valued(["loop"]),
        "Gather": _valued(
            ["action", "actionOnEmptyResult", "finishOnKey", "input", "language", "method", "numDigits", "timeout"]
        ),
        "Dial": _valued(
            [
                *("action", "answerOnBridge", "callerId", "callerName", "hangupOnStar", "method", "record"),
                *("recordingStatusCallback", "recordingStatusCallbackEvent", "recordingStatusCallbackMethod"),
                *("recordingTrack", "ringTone", "timeLimit", "timeout", "trim"),
            ],
            timeout=_within(5, 600),
        ),
        "Number": _valued(
            ["sendDigits", "url", "method", "statusCallback", "statusCallbackEvent", "statusCallbackMethod"]
        ),
        "Record": _valued(
            [
                *("action", "method", "timeout", "finishOnKey", "maxLength", "playBeep", "trim"),
                *("recordingStatusCallback", "recordingStatusCallbackEvent", "recordingStatusCallbackMethod"),
            ]
        ),
        "Reject": _valued(["reason"]),
        "Redirect": _valued(["method"]),
    },
    {"Number": 10},
)

# Telnyx: developers.telnyx.com, "TeXML verbs". <Gather> has no method and says nothing of an empty result.
TELNYX = Grammar(
    "Telnyx's docs of TeXML verbs",
    {
        "Response": frozenset(_VERBS),
        "Gather": frozenset({"Say", "Play"}),
        "Dial": frozenset({"Number", "Sip", "Queue", "Conference"}),
    },
    {
        "Say": _valued(["voice", "language", "loop"], voice=_one_of("man", "woman", "alice")),
        "Play": _valued(["loop", "mediaStorage", "digits"]),
        "Gather": _valued(
            [
                *("action", "timeout", "input", "finishOnKey", "numDigits", "language", "validDigits"),
                *("invalidDigitsAction", "minDigits", "maxDigits"),
            ],
            timeout=_within(1, 120),
            finishOnKey=re.compile(r"[0-9*#]+").fullmatch,
        ),
        "Dial": _valued(
            [
                *("action", "method", "callerId", "fromDisplayName", "hangupOnStar", "timeout", "timeLimit", "record"),
                *("recordingChannels", "recordMaxLength", "recordingStatusCallback", "recordingStatusCallbackMethod"),
                *("recordingStatusCallbackEvent", "sendRecordingUrl", "ringTone", "audioUrl", "answerOnBridge"),
            ],
            timeout=_within(5, 120),
            timeLimit=_within(60, 14_400),
        ),
        "Number": _valued(
            ["statusCallback", "statusCallbackEvent", "statusCallbackMethod", "url", "method", "sendDigits"]
        ),
        "Record": _valued(
            [
                *("action", "method", "finishOnKey", "timeout", "maxLength", "playBeep", "trim", "channels", "format"),
                *("recordingStatusCallback", "recordingStatusCallbackMethod", "recordingStatusCallbackEvent"),
            ]
        ),
        "Reject": _valued(["reason"]),
        "Redirect": _valued(["method"]),
    },
)


# Plivo: what the classes of its package may hold and write.


def _plivo() -> Grammar:
    classes: dict[str, type[PlivoXMLElement]] = {
        "Response": plivoxml.ResponseElement,
        "Dial": plivoxml.DialElement,
        "Number": plivoxml.NumberElement,
        "GetInput": plivoxml.GetInputElement,
        "Record": plivoxml.RecordElement,
        "Hangup": plivoxml.HangupElement,
        "Redirect": plivoxml.RedirectElement,
        "Speak": plivoxml.SpeakElement,
        "Play": plivoxml.PlayElement,
    }
    return Grammar(
        "the package plivo, plivoxml",
        {tag: frozenset(kind._nestable) for tag, kind in classes.items()},
        {tag: _valued(_written(kind), **_PLIVO_VALUES.get(tag, {})) for tag, kind in classes.items()},
    )


def _written(kind: Any) -> Iterator[str]:
    """Attributes that a class writes: each name in its `to_dict`."""
    return (name for name in re.findall(r"'(\w+)':", inspect.getsource(kind.to_dict)))


# Plivo's docs of <GetInput>, <Dial>, <Record> and <Speak>, where they say more than the classes or other carriers.
_PLIVO_VALUES: dict[str, dict[str, Allowed]] = {
    "GetInput": {
        "executionTimeout": _within(5, 60),
        "inputType": _some_of("dtmf", "speech"),
        "finishOnKey": _one_of(*"0123456789*#", "", "none"),
    },
    "Dial": {"timeout": _within(1, 86_400), "callerId": _digits},
    "Record": {"maxLength": _within(2, 86_400), "finishOnKey": _one_of(*"0123456789*#", "none")},
    "Speak": {
        "language": _one_of(
            *("da-DK", "nl-NL", "en-AU", "en-GB", "en-US", "fr-FR", "fr-CA", "de-DE", "it-IT", "pl-PL", "pt-BR"),
            *("ru-RU", "es-ES", "es-US", "sv-SE"),  # those that its own voice, WOMAN, reads
        )
    },
}
PLIVO = _plivo()
