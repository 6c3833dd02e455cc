"""A routing's steps as sentences: what each does, and when. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType

import msgspec

from dni.dashboard import words
from dni.routing.model import Ask, Choice, Condition, Refuse, Ring, Routing, Say, Step, TakeMessage, Tell
from dni.telephony.model import Prompt

# By what a step does, in the order in which they are offered: its name, and what it is for.
KINDS = {
    "say": ("Say", "The caller hears something and goes on: a greeting, a notice that calls are recorded."),
    "menu": ("Menu", "The caller presses a key. Later steps look at which."),
    "connect": ("Connect", "Destinations ring until one answers; else the call goes on."),
    "voicemail": ("Voicemail", "The caller leaves a message, and the call ends."),
    "message": ("Message", "The caller hears something, and the call ends."),
    "reject": ("Reject", "The call is not taken."),
}
PHONES = {
    "mobile": "mobile",
    "landline": "landline",
    "voip": "internet telephony",
    "tollfree": "toll-free",
    "payphone": "payphone",
}
NOBODY: Mapping[str, str] = MappingProxyType({})

_TOUCH = (
    ("sources", "source"),
    ("mediums", "medium"),
    ("channels", "channel"),
    ("campaign_names", "campaign name"),
    ("keywords", "keyword"),
)
_LONGEST = 80


class Names(msgspec.Struct, frozen=True):
    """What people call destinations and publishers, by id; and of each menu what its keys stand for."""

    destinations: Mapping[str, str] = NOBODY
    publishers: Mapping[str, str] = NOBODY
    menus: Mapping[str, Mapping[str, str]] = MappingProxyType({})


def menus(steps: Iterable[Step]) -> dict[str, Mapping[str, str]]:
    return {step.id: step.keys for step in steps if isinstance(step, Ask)}


def kind(step: Step) -> str:
    """A key of KINDS."""
    return str(type(step).__struct_config__.tag)


def does(step: Step, names: Names) -> str:
    """`Rings Anna, then Bob, 25 s each`; without a full stop."""
    match step:
        case Say():
            return _says(step.prompt)
        case Ask():
            keys = ", ".join(f"{key} {_short(label)}" for key, label in step.keys.items())
            return f"{_says(step.prompt)} and waits for a key: {keys}"
        case Ring():
            return _rings(step, names)
        case TakeMessage():
            return f"{_says(step.prompt)} and records a message, {words.span(1000 * step.longest_s)} at most"
        case Tell():
            return f"{_says(step.prompt)} and ends the call"
        case Refuse():
            return "Gives a busy tone" if step.reason == "busy" else "Tells that the number is not in service"


def when(step: Step, names: Names) -> str:
    """`When it is a holiday, but not when the caller is on the block list`; empty: always."""
    held, spared = conditions(step.when, names), conditions(step.unless, names) if step.unless else []
    if held and spared:
        return f"When {_all(held)}, but not when {_all(spared)}"
    if spared:
        return f"Not when {_all(spared)}"
    return f"When {_all(held)}" if held else ""


def conditions(condition: Condition, names: Names) -> list[str]:
    """Each as part of a sentence that goes on after `when `."""
    told = []
    if condition.hours is not None:
        told.append(f"it is within {condition.hours}")
    if condition.holiday is not None:
        told.append(f"the day is {'a' if condition.holiday else 'no'} holiday")
    told += _of_caller(condition)
    for plural, singular in _TOUCH:
        if wanted := getattr(condition, plural):
            told.append(f"the {singular} is {_any(map(_quoted, wanted))}")
    if condition.publishers:
        told.append(f"the publisher is {_any(names.publishers.get(one, one) for one in condition.publishers)}")
    told += [f"the page told {_short(name)} = {_quoted(value)}" for name, value in condition.custom.items()]
    for menu, wanted in condition.keys.items():
        told.append(f"{_any(_key(key, names.menus.get(menu, {})) for key in wanted)} was pressed in {_quoted(menu)}")
    if condition.available:
        free = [names.destinations.get(one, "a destination that is gone") for one in condition.available]
        told.append(f"{_any(free)} takes calls")
    if condition.within_budget is not None:
        told.append("there is room in the budget" if condition.within_budget else "the budget is full")
    if condition.share is not None:
        told.append(f"chance picks it, {percent(condition.share)} of calls")
    return told


def always_ends(step: Step) -> bool:
    """Whether no call comes to what stands behind it."""
    return isinstance(step, TakeMessage | Tell | Refuse) and step.when == Condition() and step.unless is None


def percent(share: float) -> str:
    return f"{100 * share:.6g}%"


def summary(routing: Routing) -> str:
    """`4 steps: Menu, Connect, Connect, Voicemail`."""
    named = [KINDS[kind(step)][0] for step in routing.steps]
    shown = [*named[:6], "…"] if len(named) > 6 else named
    return f"{len(named)} {'step' if len(named) == 1 else 'steps'}: {', '.join(shown)}"


def _of_caller(condition: Condition) -> list[str]:
    told = []
    if condition.regions:
        told.append(f"the caller's region is {_any(condition.regions)}")
    if condition.countries:
        told.append(f"the caller's country is {_any(condition.countries)}")
    if condition.phone_types:
        told.append(f"the telephone is {_any(PHONES.get(one, one) for one in condition.phone_types)}")
    if condition.first_time is not None:
        days = condition.within_days
        within = f" within {days} {'day' if days == 1 else 'days'}" if days else ""
        rang = f"did not ring before{within}" if condition.first_time else f"rang before{within}"
        told.append(f"the telephone {rang}")
    if condition.anonymous is not None:
        told.append(f"the caller's number is {'withheld' if condition.anonymous else 'known'}")
    if condition.blocked is not None:
        told.append(f"the caller is {'' if condition.blocked else 'not '}on the block list")
    if (often := condition.more_than) is not None:
        told.append(f"the telephone rang more than {often.calls:,} times within {often.minutes:,} minutes")
    return told


def _rings(step: Ring, names: Names) -> str:
    by_turn = sorted(step.destinations, key=lambda one: one.priority)
    turns = [_turn(list(among), step.order, names) for _, among in groupby(by_turn, key=lambda one: one.priority)]
    each = "" if len(step.destinations) == 1 else " each"
    told = f"Rings {', then '.join(turns)}, {step.ring_s} s{each}"
    if step.whisper is not None:
        told += f"; whispers {_prompt(step.whisper)}"
    return told + ("; records the call" if step.record else "")


def _turn(among: Sequence[Choice], order: str, names: Names) -> str:
    called = [_short(names.destinations.get(one.destination, "a destination that is gone")) for one in among]
    if len(among) == 1:
        return called[0]
    match order:
        case "weight":
            total = sum(one.weight for one in among)
            shares = [f"{name} ({one.weight / total:.0%})" for name, one in zip(called, among, strict=True)]
            return f"{_any(shares)} by chance"
        case "round_robin":
            return f"{_any(called)}, who waits longest"
        case "least_used":
            return f"{_any(called)}, who had the fewest calls today"
        case "all":
            return f"{_all(called)} at once"
    return ", then ".join(called)


def _says(prompt: Prompt) -> str:
    return f"{'Plays' if prompt.audio else 'Says'} {_prompt(prompt)}"


def _prompt(prompt: Prompt) -> str:
    return prompt.audio or _quoted(" ".join((prompt.text or "").split()))


def _key(key: str, keys: Mapping[str, str]) -> str:
    if not key:
        return "nothing"
    return f"{key} ({_short(keys[key])})" if keys.get(key) else key


def _any(told: Iterable[str]) -> str:
    *rest, last = list(told) or ["nothing"]
    return f"{', '.join(rest)} or {last}" if rest else last


def _all(told: Iterable[str]) -> str:
    return " and ".join(told)


def _quoted(text: str) -> str:
    return f"“{_short(text)}”"


def _short(text: str) -> str:
    return f"{text[:_LONGEST]}{'…' if len(text) > _LONGEST else ''}"
