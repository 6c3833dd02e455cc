"""The box that tries a call: its fields, the request that comes of them, and the answer as the page shows it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dni.dashboard import forms, words
from dni.dashboard.condition_form import Group
from dni.dashboard.forms import Choice, Field
from dni.dashboard.routing_words import KINDS, PHONES, Names, kind
from dni.errors import FieldError, InvalidField
from dni.routing.model import Step
from dni.routing.plan import Passage
from dni.routing.rehearse import RehearsalView, Scene

OWN = "own"
"""Stands for the campaign's own destination among those that do not pick up."""

_PHASES = {
    "connecting": "A phone rings",
    "menu": "The caller is asked",
    "voicemail": "The caller leaves a message",
    "rejected": "The call is not connected",
    "over": "The call ends",
}
_TEXTS = ("source", "medium", "channel", "campaign_name", "keyword")
_SPELT = {"*": "star", "#": "hash"}


class Passed(msgspec.Struct, frozen=True):
    """A step that a call came to. `name`: `2 · Menu “language”`."""

    name: str
    is_taken: bool
    why: str


class Played(msgspec.Struct, frozen=True):
    """A scene: what happens, what the caller hears, whose phones ring, and the way there."""

    title: str
    says: list[str]
    rings: list[str]
    path: list[Passed]


def groups(names: Names, zone: str) -> list[Group]:
    """`names`: of the campaign; `names.menus`: those of the routing that is tried."""
    phones = tuple(Choice(value, label) for value, label in PHONES.items())
    call = (
        _field("at", "When", kind="moment", help=f"On the clock of {zone.replace('_', ' ')}. Empty: now."),
        _field("caller", "Caller", kind="phone", placeholder="(312) 555-0142", help="Empty: withheld."),
        _field("phone_type", "Telephone", kind="select", choices=phones, placeholder="not known"),
    )
    came = [_field(name, name.replace("_", " ").capitalize()) for name in _TEXTS]
    if names.publishers:
        choices = tuple(Choice(wanted, name) for wanted, name in names.publishers.items())
        came.append(_field("publisher", "Publisher", kind="select", choices=choices, placeholder="none"))
    came.append(_field("custom", "The page told", kind="lines", rows=2, help="name=value, one a line."))
    found = [Group(call, is_row=True), Group(tuple(came), "What brought it", is_row=True, is_folded=True)]
    pressed = tuple(
        _field(
            f"keys/{menu}",
            f"Pressed in “{menu}”",
            kind="select",
            choices=tuple(Choice(_SPELT.get(key, key), f"{key} {label[:80]}") for key, label in keys.items()),
            placeholder="nothing",
        )
        for menu, keys in names.menus.items()
    )
    if pressed:
        found.append(Group(pressed, is_row=True))
    silent = {**names.destinations, OWN: "the campaign's own number"}
    boxes = tuple(_field(f"unanswered/{one}", name[:80], kind="checkbox") for one, name in silent.items())
    return [*found, Group(boxes, "Who does not pick up", is_row=True)]


def request(body: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Of a Rehearsal, without its routing. Raises InvalidField."""
    given: Mapping[str, Any] = body.get("try", {})
    told: dict[str, Any] = {
        name: given[name] for name in ("caller", "phone_type", "publisher", *_TEXTS) if given.get(name)
    }
    if given.get("at"):
        told["at"] = _at(given["at"], zone)
    told["custom"] = dict(_told(line, place) for place, line in enumerate(given.get("custom", ())))
    spelt = {value: key for key, value in _SPELT.items()}
    told["keys"] = {menu: spelt.get(key, key) for menu, key in given.get("keys", {}).items()}
    told["unanswered"] = [one for one, is_on in given.get("unanswered", {}).items() if is_on]
    return told


def of_fields(error: InvalidField) -> InvalidField:
    """A refusal of the request as one of the box."""
    told = [FieldError(f"/try{each.path}", each.message) for each in error.errors]
    return InvalidField(told[0].path, told[0].message, *told[1:], code=error.code)


def played(view: RehearsalView, steps: Sequence[Step], called: Mapping[str, str]) -> list[Played]:
    """`called`: names of destinations, by number."""
    labels = labelled(steps)
    return [_scene(one, labels, called) for one in view.scenes]


def labelled(steps: Sequence[Step]) -> dict[str, str]:
    """`2 · Menu “language”`, by id."""
    return {step.id: f"{place} · {KINDS[kind(step)][0]} “{step.id}”" for place, step in enumerate(steps, 1)}


def way(path: Sequence[Passage], labels: Mapping[str, str]) -> list[Passed]:
    """`labels`: of steps that are known, by id."""
    return [
        Passed(
            labels.get(one.step, f"“{one.step}”") if one.step else "The end",
            one.did == "taken",
            forms.sentence(one.why),
        )
        for one in path
    ]


def title(phase: str) -> str:
    return _PHASES.get(phase, phase)


def _scene(scene: Scene, labels: Mapping[str, str], called: Mapping[str, str]) -> Played:
    rings = [f"{called[one]}, {words.number(one)}" if one in called else words.number(one) for one in scene.rings]
    return Played(title(scene.phase), scene.says, rings, way(scene.path, labels))


def _field(name: str, label: str, **more: Any) -> Field:
    return Field(name=f"try/{name}", label=label, **{"empty": "omit", **more})


def _at(text: str, zone: ZoneInfo) -> str:
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidField("/at", "a day and an hour, such as 2026-11-22T18:37") from None
    return (local if local.tzinfo else local.replace(tzinfo=zone)).isoformat()


def _told(line: str, place: int) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals or not name.strip():
        raise InvalidField(f"/custom/{place}", "name=value, such as plan=gold")
    return name.strip(), value.strip()
