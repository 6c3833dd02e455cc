"""The form of one step of a routing, the step that comes of it, and back. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dni.dashboard import condition_form, words
from dni.dashboard.condition_form import Group
from dni.dashboard.forms import Choice, Field
from dni.dashboard.routing_words import Names
from dni.errors import FieldError, InvalidField
from dni.routing.model import Ask, Condition, Refuse, Ring, Step, TakeMessage
from dni.telephony.model import Prompt
from dni.web.body import invalid

ORDERS = {
    "listed": "as they stand here",
    "weight": "by chance, by weight",
    "round_robin": "who waits longest",
    "least_used": "who had the fewest calls today",
    "all": "all at once; the first to pick up has it",
}

_NAME = Field(
    name="id",
    label="Name of the step",
    help="Calls' pages and later steps call it so: a-z, 0-9, - and _.",
    placeholder="sales-menu",
)
_USUAL = Prompt().language
_KEY_LINE = re.compile(r"([0-9*#])\s*(?:[=:]\s*)?(.*)")


class Part(msgspec.Struct, frozen=True):
    """A part of the form. `is_folded`: it opens when something is filled in."""

    title: str
    groups: list[Group]
    is_folded: bool = False
    note: str = ""

    @property
    def fields(self) -> list[Field]:
        return [field for group in self.groups for field in group.fields]


def parts(what: str, names: Names, phones: Mapping[str, str], present: Step | None = None) -> list[Part]:
    """`what`: a key of `routing_words.KINDS`; `names.menus`: those before it; `phones`: of destinations, by id."""
    when, unless = (present.when, present.unless or Condition()) if present else (Condition(), Condition())
    return [
        Part("", [Group((_NAME,)), *_own(what, names, phones, present)]),
        Part(
            "Only when",
            condition_form.groups("when", names, when),
            is_folded=True,
            note="All that you fill in must be so, or the call passes this step over. What is empty may be anything.",
        ),
        Part(
            "But not when",
            condition_form.groups("unless", names, unless),
            is_folded=True,
            note="When all that you fill in is so, the call passes this step over.",
        ),
    ]


def blank(name: str) -> dict[str, str]:
    """What stands in the form of a new step."""
    told = {"id": name, "prompt/language": _USUAL, "whisper/language": _USUAL}
    return {
        **told,
        "timeout_s": "5",
        "repeats": "1",
        "ring_s": "25",
        "order": "listed",
        "longest_s": "120",
        "reason": "rejected",
    }


def written(step: Step) -> dict[str, str]:
    told = {
        "id": step.id,
        **condition_form.written("when", step.when),
        **condition_form.written("unless", step.unless or Condition()),
        **_prompt_written("prompt", getattr(step, "prompt", None)),
        **_prompt_written("whisper", getattr(step, "whisper", None)),
    }
    match step:
        case Ask():
            keys = "\n".join(f"{key} = {label}" for key, label in step.keys.items())
            told |= {"keys": keys, "timeout_s": str(step.timeout_s), "repeats": str(step.repeats)}
        case Ring():
            told |= {"order": step.order, "ring_s": str(step.ring_s), "record": "on" if step.record else ""}
            for one in step.destinations:
                told[f"destinations/{one.destination}/priority"] = str(one.priority)
                told[f"destinations/{one.destination}/weight"] = str(one.weight)
        case TakeMessage():
            told["longest_s"] = str(step.longest_s)
        case Refuse():
            told["reason"] = step.reason
    return told


def step(what: str, body: Mapping[str, Any], present: Step | None = None) -> Step:
    """Of what the form's fields say. Destinations keep the order of `present`. Raises InvalidField."""
    told: dict[str, Any] = {"do": what, **{name: body[name] for name in _PLAIN if name in body}}
    for name in ("prompt", "whisper"):
        # What is usual is left out, so that a step that was only looked at stays the same.
        given = {"text": "", "audio": "", "language": _USUAL, **body.get(name, {})}
        said = {each: value for each, value in given.items() if value and (each, value) != ("language", _USUAL)}
        if name in body and (name == "prompt" or said.keys() - {"language"}):
            told[name] = said
    if "keys" in body:
        told["keys"] = _keys(body["keys"])
    turns = _turns(body, present) if what == "connect" else []
    if what == "connect":
        told["destinations"] = turns
    for name in ("when", "unless"):
        if condition := condition_form.condition(name, body.get(name, {})):
            told[name] = condition
    try:
        made: Step = msgspec.convert(told, Step)
    except msgspec.ValidationError as error:
        raise _of_fields(invalid(error), turns) from None
    return made


_PLAIN = ("id", "timeout_s", "repeats", "order", "ring_s", "record", "longest_s", "reason")


def _own(what: str, names: Names, phones: Mapping[str, str], present: Step | None) -> Iterable[Group]:
    if what == "connect":
        yield from _ringing(names, phones, present)
        return
    if what == "reject":
        reasons = Choice("rejected", "that the number is not in service"), Choice("busy", "a busy tone")
        help_ = "Behind a step that spoke to the caller, the call just ends."
        yield Group((Field(name="reason", label="The caller hears", kind="select", choices=reasons, help=help_),))
        return
    yield _prompt("prompt", "What the caller hears")
    if what == "menu":
        keys = Field(
            name="keys",
            label="Keys",
            kind="lines",
            rows=4,
            some=True,
            help="Key = what it stands for, one a line. Keys are 0 to 9, * and #.",
            placeholder="1 = Sales\n2 = Service",
        )
        yield Group((keys,))
        yield Group(
            (
                Field(name="timeout_s", label="Waits for a key", kind="number", unit="s", help="5 to 600"),
                Field(
                    name="repeats",
                    label="Says it again",
                    kind="number",
                    unit="times",
                    help="0 to 5, for who presses nothing or a wrong key",
                ),
            ),
            is_row=True,
        )
    if what == "voicemail":
        yield Group((Field(name="longest_s", label="The longest message", kind="number", unit="s", help="5 to 600"),))


def _ringing(names: Names, phones: Mapping[str, str], present: Step | None) -> Iterable[Group]:
    named = [one.destination for one in present.destinations] if isinstance(present, Ring) else []
    for wanted in dict.fromkeys((*(one for one in named if re.fullmatch(r"[A-Za-z0-9_-]{1,128}", one)), *phones)):
        gone = f"{wanted} (is gone)"
        called = (
            f"{names.destinations.get(wanted, wanted)[:80]}, {words.number(phones[wanted])}"
            if wanted in phones
            else gone
        )
        turn = Field(name=f"destinations/{wanted}/priority", label="Turn", kind="number", empty="omit")
        weight = Field(name=f"destinations/{wanted}/weight", label="Weight", kind="number", empty="omit")
        yield Group((turn, weight), called, is_row=True, is_tight=True)
    choices = tuple(Choice(value, label) for value, label in ORDERS.items())
    yield Group(
        (
            Field(
                name="order",
                label="Among those of one turn",
                kind="select",
                choices=choices,
                help="Who is closed, paused or full is left out.",
            ),
            Field(name="ring_s", label="Each rings for", kind="number", unit="s", help="5 to 600; five rings are 25 s"),
        ),
        is_row=True,
    )
    yield _prompt("whisper", "What the destination hears before it is connected", optional=True)
    yield Group(
        (
            Field(
                name="record", label="Record the call", kind="checkbox", help="Say so to the caller, in a step before."
            ),
        )
    )


def _prompt(name: str, legend: str, *, optional: bool = False) -> Group:
    text = Field(
        name=f"{name}/text",
        label="Text, read aloud",
        kind="prose",
        rows=3,
        empty="omit",
        help="Empty: nothing is said." if optional else "Or else give the address of an audio file below.",
    )
    language = Field(
        name=f"{name}/language", label="Its language", empty="omit", placeholder="en-US", help="en-US, es-MX, …"
    )
    audio = Field(
        name=f"{name}/audio", label="Audio file", empty="omit", placeholder="https://www.example.com/hello.mp3"
    )
    return Group((text, language, audio), legend)


def _prompt_written(name: str, prompt: Prompt | None) -> dict[str, str]:
    said = prompt or Prompt()
    return {f"{name}/text": said.text or "", f"{name}/audio": said.audio or "", f"{name}/language": said.language}


def _keys(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, line in enumerate(lines):
        told = _KEY_LINE.fullmatch(line)
        if told is None:
            raise InvalidField(f"/keys/{place}", f"a key and what it stands for, such as 1 = Sales, not {line[:40]!r}")
        if told[1] in found:
            raise InvalidField(f"/keys/{place}", f"{told[1]} stands in an earlier line")
        if len(told[2]) > 100:
            raise InvalidField(f"/keys/{place}", "at most 100 characters")
        found[told[1]] = told[2]
    return found


def _turns(body: Mapping[str, Any], present: Step | None) -> list[dict[str, Any]]:
    given: Mapping[str, Mapping[str, Any]] = body.get("destinations", {})
    named = [one.destination for one in present.destinations] if isinstance(present, Ring) else []
    order = [one for one in dict.fromkeys((*named, *given)) if "priority" in given.get(one, {})]
    if not order:
        raise InvalidField("", "give a turn to at least one destination: who has turn 1 rings first")
    return [{"destination": one, **given[one]} for one in order]


def _of_fields(error: InvalidField, turns: list[dict[str, Any]]) -> InvalidField:
    """`/destinations/0/weight` is the field of that destination."""
    told = []
    for each in error.errors:
        found = re.fullmatch(r"/destinations/(\d+)(/.*)", each.path)
        path = f"/destinations/{turns[int(found[1])]['destination']}{found[2]}" if found else each.path
        told.append(FieldError(path, each.message))
    return InvalidField(told[0].path, told[0].message, *told[1:])
