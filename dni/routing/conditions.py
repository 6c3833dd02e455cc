"""Whether a condition holds for a call, and why. Pure.

What is not known, because a part is away, does not hold: a filter then lets the call pass.
"""

from collections.abc import Iterator
from datetime import date, datetime

import msgspec

from dni.qualification.budget import Hold
from dni.routing.hours import is_open
from dni.routing.lots import draw
from dni.routing.model import Condition
from dni.session.model import Touch

_DAY_MS = 86_400_000
_OF_TOUCH = (
    ("sources", "source"),
    ("mediums", "medium"),
    ("channels", "channel"),
    ("campaign_names", "campaign_name"),
    ("keywords", "keyword"),
)


class Earlier(msgspec.Struct, frozen=True):
    """Of the caller's telephone, to this campaign: when it last rang before this call, and how often of late, by
    minutes, this call too."""

    last_ms: int | None
    lately: dict[int, int] = {}


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """A destination at the moment of the call.

    is_open, has_room  by its own hours and caps
    why       what holds calls back: that it is closed, or paused, or which cap is reached
    today     calls it was sent today; `last_ms` when the last one was (0: never)
    """

    id: str
    name: str
    number: str
    is_open: bool = True
    has_room: bool = True
    why: str = ""
    today: int = 0
    last_ms: int = 0

    @property
    def takes_calls(self) -> bool:
        return self.is_open and self.has_room


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a call when its next step is chosen.

    call      names it for good: what chance settles is settled by it
    at_ms     when it began; `local` now, on the wall clock of the campaign's time zone
    caller    E.164, None where withheld; `region`, `country`, `phone_type` of it, None where not known
    custom, earlier   None: not known
    over_budget  which limit of the campaign's or the publisher's budget is reached; empty: none, None: not known
    holds     what the call takes of budgets when it is sent on
    """

    call: str
    at_ms: int
    local: datetime
    caller: str | None = None
    region: str | None = None
    country: str | None = None
    phone_type: str | None = None
    touch: Touch = Touch()
    publisher: str | None = None
    custom: dict[str, str] | None = None
    earlier: Earlier | None = None
    destinations: dict[str, Now] = {}
    holidays: frozenset[date] = frozenset()
    blocked: frozenset[str] = frozenset()
    over_budget: str | None = ""
    holds: tuple[Hold, ...] = ()


def holds(condition: Condition, facts: Facts, keys: dict[str, str], step: str) -> tuple[bool, str]:
    """And why: of the first part that does not hold, else of all. `keys` by menu; `step` whose condition it is."""
    reasons = []
    for held, why in _parts(condition, facts, keys, step):
        if not held:
            return False, why
        reasons.append(why)
    return True, "; ".join(reasons)


def _parts(condition: Condition, facts: Facts, keys: dict[str, str], step: str) -> Iterator[tuple[bool, str]]:
    if condition.hours is not None:
        held = is_open(condition.hours, facts.local, facts.holidays)
        yield held, f"it is {facts.local:%a %H:%M}, {'within' if held else 'outside'} {condition.hours}"
    if condition.holiday is not None:
        is_one = facts.local.date() in facts.holidays
        yield is_one == condition.holiday, f"{facts.local:%d %b} is {'a' if is_one else 'no'} holiday"
    yield from _of_caller(condition, facts)
    for plural, name in _OF_TOUCH:
        if wanted := getattr(condition, plural):
            yield _among(getattr(facts.touch, name), wanted, name.replace("_", " "))
    if condition.publishers:
        held = facts.publisher in condition.publishers
        yield held, f"the publisher is {'' if held else 'not '}one of those named"
    for name, value in condition.custom.items():
        told = (facts.custom or {}).get(name)
        yield _same(told, value), f"{name} is {told!r}" if told is not None else f"{name} is not known"
    for menu, wanted in condition.keys.items():
        pressed = keys.get(menu)
        said = "was not asked" if pressed is None else f"got {pressed}" if pressed else "got no key"
        yield pressed in wanted, f"{menu} {said}"
    if condition.available:
        yield _available(condition.available, facts)
    if condition.within_budget is not None:
        yield _within_budget(condition.within_budget, facts.over_budget)
    if condition.share is not None:
        drawn = draw(facts.call, step)
        held = drawn < condition.share
        yield held, f"chance drew {drawn:.1%}, {'below' if held else 'not below'} {condition.share:.1%}"


def _of_caller(condition: Condition, facts: Facts) -> Iterator[tuple[bool, str]]:
    if condition.anonymous is not None:
        withheld = facts.caller is None
        yield withheld == condition.anonymous, f"the caller's number is {'withheld' if withheld else 'known'}"
    if condition.blocked is not None:
        listed = facts.caller in facts.blocked
        yield listed == condition.blocked, f"the caller is {'' if listed else 'not '}on the block list"
    if condition.regions:
        yield _among(facts.region, condition.regions, "the caller's region")
    if condition.countries:
        yield _among(facts.country, condition.countries, "the caller's country")
    if condition.phone_types:
        yield _among(facts.phone_type, condition.phone_types, "the phone's type")
    if condition.first_time is not None:
        yield _first_time(condition.first_time, condition.within_days, facts)
    if (often := condition.more_than) is not None:
        count = facts.earlier.lately.get(often.minutes) if facts.earlier else None
        if count is None:
            yield False, "how often the caller rang is not known"
        else:
            times = "once" if count == 1 else f"{count} times"
            yield count > often.calls, f"the caller rang {times} within {often.minutes} minutes"


def _first_time(wanted: bool, within_days: int | None, facts: Facts) -> tuple[bool, str]:
    """Of a withheld caller nobody can say: that is neither."""
    if facts.caller is None:
        return False, "whether a withheld caller rings for the first time is not known"
    if facts.earlier is None:
        return False, "the caller's earlier calls are not known"
    last_ms = facts.earlier.last_ms
    days = None if last_ms is None else (facts.at_ms - last_ms) / _DAY_MS
    is_first = days is None or (within_days is not None and days > within_days)
    said = "no earlier call" if days is None else f"the last call was {days:.0f} days ago"
    return is_first == wanted, said


def _within_budget(wanted: bool, over: str | None) -> tuple[bool, str]:
    if over is None:
        return False, "what is left of the budget is not known"
    return (not over) == wanted, over or "there is room in the budget"


def _among(value: str | None, wanted: tuple[str, ...], name: str) -> tuple[bool, str]:
    held = any(_same(value, one) for one in wanted)
    return held, f"{name} is {value}" if value is not None else f"{name} is not known"


def _same(value: str | None, wanted: str) -> bool:
    return value is not None and value.casefold() == wanted.casefold()


def _available(wanted: tuple[str, ...], facts: Facts) -> tuple[bool, str]:
    known = [one for each in wanted if (one := facts.destinations.get(each))]
    free = [one for one in known if one.takes_calls]
    if free:
        return True, f"{free[0].name} takes calls"
    return False, "; ".join(f"{one.name} {one.why}" for one in known) or "those destinations are gone"
