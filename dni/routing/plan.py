"""Which step of its routing a call takes now, and why. Pure: values in, what to do out.

The call's place in the plan travels with the carrier, in the address that it asks next: nothing is to be remembered
here, so nothing that breaks here loses a caller. A plan may be changed meanwhile: a call goes on behind its step of the
same id, and where that is gone, at the end.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec.structs import replace

from dni.routing.conditions import Facts, Now, holds
from dni.routing.lots import draw
from dni.routing.model import Ask, Choice, Refuse, Ring, Routing, Say, Step, TakeMessage, Tell
from dni.telephony.model import Prompt

RING_S = 25
"""About five rings: long enough to reach the phone, short of most voice mails."""
OWN = "~"
"""Stands for the campaign's own destination, where every plan ends; no step or destination is called so."""

PLACE_MAX = 2_000
"""Characters of a packed place: fifty destinations that were tried, and all menus answered."""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a call is.

    campaign  whose plan it is
    step      of this id ("" at the beginning)
    tried     ids of destinations that were rung
    keys      what was pressed, by menu
    asked     how often this menu was heard
    spoke     whether the caller was told or asked anything
    """

    campaign: str = ""
    step: str = ""
    tried: tuple[str, ...] = ()
    keys: dict[str, str] = {}
    asked: int = 0
    spoke: bool = False


class Heard(msgspec.Struct, frozen=True):
    """What the carrier tells at that place: the keys that were pressed, or whether a destination picked up. `gone`:
    the caller has hung up."""

    keys: str | None = None
    picked_up: bool = False
    gone: bool = False


class Target(msgspec.Struct, frozen=True):
    """Where to ring; `id` None: the campaign's own destination."""

    id: str | None
    number: str


class Passage(msgspec.Struct, frozen=True):
    """One step that the call came to: `taken` or `passed`, and why. `step` "" is the end of the plan."""

    step: str
    did: str
    why: str


class Ringing(msgspec.Struct, frozen=True, kw_only=True):
    targets: tuple[Target, ...]
    ring_s: int
    whisper: Prompt | None = None
    record: bool = False
    is_last: bool = False


class Over(msgspec.Struct, frozen=True):
    """`told`: the caller was told something that ends the call."""

    told: bool = False


Then = Ringing | Ask | TakeMessage | Refuse | Over


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to the call now: what it hears, then what is done. `place` is where it is then."""

    then: Then
    place: Place
    say: tuple[Prompt, ...] = ()
    path: tuple[Passage, ...] = ()

    @property
    def phase(self) -> str:
        """`connecting`, `menu`, `voicemail`, `rejected` or `over`."""
        match self.then:
            case Ringing():
                return "connecting"
            case Ask():
                return "menu"
            case TakeMessage():
                return "voicemail"
            case Refuse():
                return "rejected"
        return "rejected" if self.then.told else "over"


def move(routing: Routing, facts: Facts, own: str, place: Place, heard: Heard | None = None) -> Move:
    """`own`: the campaign's own destination, E.164. `heard` None: the call begins."""
    say: list[Prompt] = []
    path: list[Passage] = []
    ahead = routing.steps
    if heard is not None:
        here, ahead = _at(routing, place.step)
        going = _goes_on(here, facts, place, heard, path)
        if isinstance(going, Move):
            return going
        place = going
    for step in ahead:
        takes, why = _takes(step, facts, place)
        path.append(Passage(step.id, "taken" if takes else "passed", why))
        if not takes:
            continue
        if isinstance(step, Say):
            say.append(step.prompt)
            continue
        then = _then(step, facts, place, path, spoke=bool(say) or place.spoke)
        if then is None:
            continue
        if isinstance(step, Tell):
            say.append(step.prompt)
        return _moved(then, step, place, say, path)
    return _last_resort(own, facts, place, say, path)


def packed(place: Place) -> str:
    """For an address."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def unpacked(text: str) -> Place | None:
    """None: it is none of ours."""
    if len(text) > PLACE_MAX or not text.isascii():
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Place)
    except (ValueError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _at(routing: Routing, wanted: str) -> tuple[Step | None, tuple[Step, ...]]:
    """The step of that id and those behind it; none when it is gone."""
    for place, step in enumerate(routing.steps):
        if step.id == wanted:
            return step, routing.steps[place + 1 :]
    return None, ()


def _goes_on(here: Step | None, facts: Facts, place: Place, heard: Heard, path: list[Passage]) -> Move | Place:
    """The next move at the same step, or the place from which the call goes on behind it."""
    if heard.picked_up or heard.gone:
        why = "a destination picked up" if heard.picked_up else "the caller has hung up"
        return Move(then=Over(), place=place, path=(Passage(place.step, "taken", why),))
    if isinstance(here, Ask):
        if heard.keys in here.keys:
            path.append(Passage(here.id, "taken", f"{heard.keys} was pressed: {here.keys[heard.keys]}"))
            return replace(place, keys={**place.keys, here.id: heard.keys}, asked=0)
        said = f"{heard.keys} is no key of the menu" if heard.keys else "nothing was pressed"
        path.append(Passage(here.id, "taken", said))
        if place.asked <= here.repeats:
            return Move(then=here, place=replace(place, asked=place.asked + 1), path=tuple(path))
        return replace(place, keys={**place.keys, here.id: ""}, asked=0)
    if isinstance(here, Ring):
        path.append(Passage(here.id, "passed", "nobody picked up"))
        then = _ring(here, facts, place, path)
        if then is not None:
            return _moved(then, here, place, [], path)
    if isinstance(here, TakeMessage | Refuse | Tell):
        return Move(then=Over(), place=place, path=tuple(path))
    return place


def _takes(step: Step, facts: Facts, place: Place) -> tuple[bool, str]:
    """Whether the step is taken, and why or why not."""
    held, why = holds(step.when, facts, place.keys, step.id)
    if held and step.unless is not None:
        spared, but = holds(step.unless, facts, place.keys, step.id)
        return not spared, but if spared or not why else f"{why}; {but}"
    return held, why or "always"


def _then(step: Step, facts: Facts, place: Place, path: list[Passage], *, spoke: bool) -> Then | None:
    match step:
        case Ring():
            return _ring(step, facts, place, path)
        case Tell():
            return Over(told=True)
        case Refuse():
            return Over(told=True) if spoke else step
        case Ask() | TakeMessage():
            return step
    return None


def _ring(step: Ring, facts: Facts, place: Place, path: list[Passage]) -> Ringing | None:
    """The next of its destinations, or several at once; None: no further one takes calls."""
    free: list[tuple[Choice, Now]] = []
    for choice in step.destinations:
        if choice.destination in place.tried:
            continue
        now = facts.destinations.get(choice.destination)
        if now is None:
            path.append(Passage(step.id, "passed", f"destination {choice.destination} is gone"))
        elif not now.takes_calls:
            path.append(Passage(step.id, "passed", f"{now.name} {now.why}"))
        else:
            free.append((choice, now))
    if not free:
        return None
    first = min(choice.priority for choice, _now in free)
    among = [(choice, now) for choice, now in free if choice.priority == first]
    chosen = [now for _choice, now in among] if step.order == "all" else [_one(step, facts, place, among)]
    path.append(Passage(step.id, "taken", f"rings {', '.join(now.name for now in chosen)}{_though(facts)}"))
    return Ringing(
        targets=tuple(Target(now.id, now.number) for now in chosen),
        ring_s=step.ring_s,
        whisper=step.whisper,
        record=step.record,
    )


def _though(facts: Facts) -> str:
    return f", though {facts.over_budget}" if facts.over_budget else ""


def _one(step: Ring, facts: Facts, place: Place, among: list[tuple[Choice, Now]]) -> Now:
    """The order that the step wants; ties are settled as listed."""
    match step.order:
        case "weight":
            total = sum(choice.weight for choice, _now in among)
            drawn = total * draw(facts.call, f"{step.id}|{len(place.tried)}")
            for choice, now in among:
                drawn -= choice.weight
                if drawn < 0:
                    return now
        case "round_robin":
            return min((now for _choice, now in among), key=lambda now: now.last_ms)
        case "least_used":
            return min((now for _choice, now in among), key=lambda now: now.today)
    return among[0][1]


def _moved(then: Then, step: Step, place: Place, say: list[Prompt], path: list[Passage]) -> Move:
    tried = tuple(one.id or OWN for one in then.targets) if isinstance(then, Ringing) else ()
    after = replace(
        place,
        step=step.id,
        tried=place.tried + tried,
        asked=1 if isinstance(step, Ask) else 0,
        spoke=place.spoke or bool(say) or isinstance(step, Ask),
    )
    return Move(then=then, place=after, say=tuple(say), path=tuple(path))


def _last_resort(own: str, facts: Facts, place: Place, say: list[Prompt], path: list[Passage]) -> Move:
    rung = {now.number for one in place.tried if (now := facts.destinations.get(one))}
    if OWN in place.tried or own in rung:
        path.append(Passage("", "taken", "nobody is left to ring"))
        return Move(then=Over(), place=place, say=tuple(say), path=tuple(path))
    path.append(Passage("", "taken", f"the end of the plan: rings the campaign's own destination{_though(facts)}"))
    after = replace(place, step=OWN, tried=(*place.tried, OWN), spoke=place.spoke or bool(say))
    then = Ringing(targets=(Target(None, own),), ring_s=RING_S, is_last=True)
    return Move(then=then, place=after, say=tuple(say), path=tuple(path))
