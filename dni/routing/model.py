"""A campaign's routing, as people write it: steps that a call goes through, and what they look at. Pure.

A call goes through the steps in order, from the first to the last and never back, so that every plan ends. A step that
does not hold for a call is passed over. Behind the last one the call is connected to the campaign's own destination.
"""

import re
from datetime import date
from typing import Annotated, Literal

import msgspec

from dni.errors import InvalidField
from dni.phone import e164
from dni.routing import hours
from dni.telephony.model import Prompt

MOST_STEPS, MOST_BLOCKED, MOST_HOLIDAYS = 50, 5_000, 400
PHONE_TYPES = ("mobile", "landline", "voip", "tollfree", "payphone")

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_REGION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_KEY = re.compile(r"[0-9*#]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")

Days = Annotated[int, msgspec.Meta(ge=1, le=3_650)]
Seconds = Annotated[int, msgspec.Meta(ge=5, le=600)]
Cap = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Texts = tuple[Annotated[str, msgspec.Meta(max_length=200)], ...]


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is not told is left out of its JSON."""


class Caps(_Told, frozen=True, kw_only=True):
    """The most calls at once, and in each minute, hour, day and month of the destination's time zone; None: no limit.
    A call counts while it is under way and when it was answered."""

    concurrent: Cap | None = None
    minute: Cap | None = None
    hour: Cap | None = None
    day: Cap | None = None
    month: Cap | None = None


class Often(_Told, frozen=True, kw_only=True):
    """More than so many calls of one telephone to the campaign, this one too, within so many minutes."""

    calls: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=10_080)]


class Condition(_Told, frozen=True, kw_only=True):
    """All that are given must hold; of a list, one of its entries. Texts match whatever their case.

    hours         as `dni.routing.hours` reads them, in the campaign's time zone
    holiday       whether the day is one of the campaign's holidays
    regions, countries  of the caller's area code: ISO 3166-2 (`US-CA`), ISO 3166-1 (`US`)
    phone_types   where the carrier tells: PHONE_TYPES
    first_time    no earlier call of this telephone to the campaign, within `within_days` if that is given
    anonymous     the caller withheld the number
    blocked       the caller is on the campaign's block list
    more_than     the caller rings often
    source .. publisher  of what brought the call; `publishers` by id
    custom        what the page told of the session
    keys          by a menu's id: what was pressed there, `""` for nothing
    available     ids of destinations: one of them is open now and has room
    within_budget  whether the campaign's and the publisher's budgets both have room for the call
    share         of all calls, from 0 to 1; which ones is settled by chance, for good
    """

    hours: str | None = None
    holiday: bool | None = None
    regions: Texts = ()
    countries: Texts = ()
    phone_types: Texts = ()
    first_time: bool | None = None
    within_days: Days | None = None
    anonymous: bool | None = None
    blocked: bool | None = None
    more_than: Often | None = None
    sources: Texts = ()
    mediums: Texts = ()
    channels: Texts = ()
    campaign_names: Texts = ()
    keywords: Texts = ()
    publishers: Texts = ()
    custom: dict[str, str] = {}
    keys: dict[str, Texts] = {}
    available: Texts = ()
    within_budget: bool | None = None
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


class _Step(_Told, frozen=True, kw_only=True, tag_field="do"):
    """`id` names the step within its plan; `when` holds and `unless` does not, or the step is passed over."""

    id: str
    when: Condition = Condition()
    unless: Condition | None = None


class Say(_Step, frozen=True, kw_only=True, tag="say"):
    """Says something, such as that calls are recorded, and goes on."""

    prompt: Prompt


class Ask(_Step, frozen=True, kw_only=True, tag="menu"):
    """A voice menu: waits for one of `keys` (key: what it stands for), and goes on. Who presses nothing, or a wrong
    key, hears it again, `repeats` times at most."""

    prompt: Prompt
    keys: dict[str, str]
    timeout_s: Seconds = 5
    repeats: Annotated[int, msgspec.Meta(ge=0, le=5)] = 1


class Choice(_Told, frozen=True, kw_only=True):
    """A destination that calls may go to. A lower `priority` is tried first."""

    destination: str
    priority: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    weight: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1


Order = Literal["listed", "weight", "round_robin", "least_used", "all"]


class Ring(_Step, frozen=True, kw_only=True, tag="connect"):
    """Connects the caller to the first destination that is open, has room and answers; else it goes on.

    order   among those of one priority: as listed; by chance, by weight; who waits longest; who had the fewest calls
            today; all at once
    """

    destinations: tuple[Choice, ...]
    order: Order = "listed"
    ring_s: Seconds = 25
    whisper: Prompt | None = None
    record: bool = False


class TakeMessage(_Step, frozen=True, kw_only=True, tag="voicemail"):
    """Records what the caller says, and ends the call."""

    prompt: Prompt
    longest_s: Seconds = 120


class Tell(_Step, frozen=True, kw_only=True, tag="message"):
    """Says something and ends the call."""

    prompt: Prompt


class Refuse(_Step, frozen=True, kw_only=True, tag="reject"):
    """Does not take the call: the caller hears a busy tone, or that the number is not in service. Behind a step that
    spoke to the caller, the call ends."""

    reason: Literal["rejected", "busy"] = "rejected"


Step = Say | Ask | Ring | TakeMessage | Tell | Refuse


class Routing(_Told, frozen=True, kw_only=True):
    """`holidays` are days of the campaign's time zone; `blocked` callers in E.164."""

    steps: tuple[Step, ...] = ()
    holidays: tuple[date, ...] = ()
    blocked: tuple[str, ...] = ()


def checked(routing: Routing) -> Routing:
    """With phone numbers in E.164. Raises InvalidField: which field, and what would be right.

    Whether its destinations and publishers are there is for the ledger to say.
    """
    for name, most in (("steps", MOST_STEPS), ("holidays", MOST_HOLIDAYS), ("blocked", MOST_BLOCKED)):
        if len(getattr(routing, name)) > most:
            raise InvalidField(f"/{name}", f"at most {most}")
    menus: dict[str, Ask] = {}
    seen: set[str] = set()
    for place, step in enumerate(routing.steps):
        path = f"/steps/{place}"
        if not _ID.fullmatch(step.id):
            raise InvalidField(f"{path}/id", "1 to 32 of a-z, 0-9, - and _, such as sales-menu")
        if step.id in seen:
            raise InvalidField(f"{path}/id", f"{step.id!r} is the id of an earlier step")
        seen.add(step.id)
        _check_condition(step.when, f"{path}/when", menus)
        if step.unless is not None:
            if step.unless == Condition():
                raise InvalidField(f"{path}/unless", "name a condition, or leave it out: the step would never be taken")
            _check_condition(step.unless, f"{path}/unless", menus)
        _check_step(step, path)
        if isinstance(step, Ask):
            menus[step.id] = step
    blocked = [e164(number, f"/blocked/{place}") for place, number in enumerate(routing.blocked)]
    return msgspec.structs.replace(
        routing, blocked=tuple(dict.fromkeys(blocked)), holidays=tuple(sorted(set(routing.holidays)))
    )


def destinations(routing: Routing) -> dict[str, str]:
    """Ids of all destinations that it names, each with the first place that names it."""
    found: dict[str, str] = {}
    for place, step in enumerate(routing.steps):
        if isinstance(step, Ring):
            for n, one in enumerate(step.destinations):
                found.setdefault(one.destination, f"/steps/{place}/destinations/{n}/destination")
        for name, condition in (("when", step.when), ("unless", step.unless)):
            for n, wanted in enumerate(condition.available if condition else ()):
                found.setdefault(wanted, f"/steps/{place}/{name}/available/{n}")
    return found


def publishers(routing: Routing) -> dict[str, str]:
    """Ids of all publishers that it names, each with the first place that names it."""
    found: dict[str, str] = {}
    for place, step in enumerate(routing.steps):
        for name, condition in (("when", step.when), ("unless", step.unless)):
            for n, wanted in enumerate(condition.publishers if condition else ()):
                found.setdefault(wanted, f"/steps/{place}/{name}/publishers/{n}")
    return found


def conditions(routing: Routing) -> list[Condition]:
    """All that any step looks at."""
    return [one for step in routing.steps for one in (step.when, step.unless) if one is not None]


def _check_condition(condition: Condition, path: str, menus: dict[str, Ask]) -> None:
    if condition.hours is not None:
        hours.read(condition.hours, f"{path}/hours")
    for name, pattern, example in (("regions", _REGION, "US-CA"), ("countries", _COUNTRY, "US")):
        for n, value in enumerate(getattr(condition, name)):
            if not pattern.fullmatch(value):
                raise InvalidField(f"{path}/{name}/{n}", f"as ISO 3166 writes it, such as {example}")
    for n, value in enumerate(condition.phone_types):
        if value not in PHONE_TYPES:
            raise InvalidField(f"{path}/phone_types/{n}", f"one of {', '.join(PHONE_TYPES)}")
    if condition.within_days is not None and condition.first_time is None:
        raise InvalidField(f"{path}/within_days", "belongs to first_time, which is not given")
    for menu, keys in condition.keys.items():
        if menu not in menus:
            raise InvalidField(f"{path}/keys/{menu}", f"no menu before this step has the id {menu[:32]!r}")
        for n, key in enumerate(keys):
            if key and key not in menus[menu].keys:
                offered = ", ".join(menus[menu].keys)
                raise InvalidField(f"{path}/keys/{menu}/{n}", f'the menu has {offered}, and "" for nothing pressed')


def _check_step(step: Step, path: str) -> None:
    for name in ("prompt", "whisper"):
        if (prompt := getattr(step, name, None)) is not None:
            _check_prompt(prompt, f"{path}/{name}")
    if isinstance(step, Ask):
        if not 1 <= len(step.keys) <= 12:
            raise InvalidField(f"{path}/keys", "one to twelve keys, such as {'1': 'Sales'}")
        for key, label in step.keys.items():
            if not _KEY.fullmatch(key):
                raise InvalidField(f"{path}/keys/{key[:8]}", "a key of a telephone: 0 to 9, * or #")
            if len(label) > 100:
                raise InvalidField(f"{path}/keys/{key}", "at most 100 characters")
    if isinstance(step, Ring):
        if not 1 <= len(step.destinations) <= 50:
            raise InvalidField(f"{path}/destinations", "one to fifty destinations")
        named = [one.destination for one in step.destinations]
        for n, one in enumerate(named):
            if one in named[:n]:
                raise InvalidField(f"{path}/destinations/{n}/destination", "is named twice")


def _check_prompt(prompt: Prompt, path: str) -> None:
    if bool(prompt.text) == bool(prompt.audio):
        raise InvalidField(path, "a text to be read aloud, or the address of an audio file: one of both")
    if prompt.text and (len(prompt.text) > 1_000 or not _is_readable(prompt.text)):
        raise InvalidField(f"{path}/text", "1 to 1,000 characters, no control characters")
    if prompt.audio and not (prompt.audio.startswith("https://") and _is_address(prompt.audio)):
        raise InvalidField(f"{path}/audio", "an address that begins with https://, without blanks")
    if not _LANGUAGE.fullmatch(prompt.language):
        raise InvalidField(f"{path}/language", "a language such as en-US or es-MX")


def _is_readable(text: str) -> bool:
    return bool(text.strip()) and all(char.isprintable() or char in "\n\t" for char in text)


def _is_address(url: str) -> bool:
    return len(url) <= 1_000 and url.isascii() and url.isprintable() and not set(url) & set(' "<>\\')
