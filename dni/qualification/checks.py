"""Whether one term of a condition holds for a call, and what is told of it. Pure.

A check looks at one thing of the facts, and decides by that alone: who judges many calls need not ask it twice of the
same thing. What is not known (None) neither holds nor fails; a text that is known to be empty is "not set".
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from operator import attrgetter, eq, ge, gt, le, lt, ne
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dni.money import Money
from dni.qualification.expression import Test
from dni.qualification.model import Facts
from dni.qualification.words import WORDS, decimal
from dni.routing.hours import DAYS, is_open

NO_CALL_BEFORE = -1

Look = Callable[[Facts], Any]
Holds = Callable[[Any], bool | None]
Told = Callable[[Any, bool], str]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_OTHERWISE = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "in": "not in",
    "not in": "in",
}
_NEEDED = {
    ">=": "needed {}",
    ">": "needed more than {}",
    "<": "needed less than {}",
    "<=": "needed at most {}",
    "=": "needed {}",
    "!=": "needed other than {}",
}
_NEEDED_HOUR = _NEEDED | {">=": "needed {} or later", ">": "needed later than {}", "<": "needed before {}"}
_DAY_MS = 86_400_000
_TOLD_VALUES, _TOLD_CHARACTERS = 8, 60


class Check(msgspec.Struct, frozen=True, eq=False):
    """`about` names what `look` looks at. `told` has what was found, and what is needed for it to hold, or, where that
    is what a condition wants, not to hold."""

    about: str
    look: Look
    holds: Holds
    told: Told


class Moment(msgspec.Struct, frozen=True):
    """When a call began, on the campaign's clock."""

    local: datetime
    holidays: frozenset[date]


def moment(facts: Facts) -> Moment:
    return Moment(datetime.fromtimestamp(facts.began_ms / 1000, ZoneInfo(facts.timezone)), facts.holidays)


def age_ms(began_ms: int, last_ms: int | None) -> int | None:
    """Since the last earlier call that counts: NO_CALL_BEFORE; None: nobody can say of this telephone."""
    if last_ms is None:
        return None
    return began_ms - last_ms if last_ms else NO_CALL_BEFORE


@lru_cache(4_096)
def check(test: Test, hours: str = "") -> Check:
    """`hours`: what `during(name)` stands for."""
    word = test.word
    if word in ("answered", "sale"):
        return _flag(word)
    if word == "repeat":
        return _repeat(int(test.values[0]))
    if word == "during":
        return _during(test.name, hours or str(test.values[0]))
    if word in ("talk", "duration"):
        return _number(test, attrgetter(f"{word}_s"), "{} s".format)
    if word == "confidence":
        return _number(test, attrgetter("confidence"), _percent)
    if word == "value":
        return _value(test)
    if word == "hour":
        return _hour(test)
    if word == "day":
        return _among(test, moment, lambda at: DAYS[at.local.weekday()], about="moment")
    if word == "key":
        return _keys(test)
    return _text(test)


def _flag(word: str) -> Check:
    yes, no, not_known = ("answered", "not answered", "") if word == "answered" else ("a sale", "no sale", "sale")

    def told(found: bool | None, wanted: bool) -> str:
        if found is None:
            return f"{not_known} is not known"
        said, needed = (yes, no) if found else (no, yes)
        return said if found is wanted else f"{said}, needed {needed}"

    return Check(word, attrgetter(word), lambda found: found, told)


def _repeat(seconds: int) -> Check:
    longest_ms, within = 1000 * seconds, _days(1000 * seconds)

    def holds(found: int | None) -> bool:
        return found is not None and 0 <= found < longest_ms

    def told(found: int | None, wanted: bool) -> str:
        needed = f"needed {'a' if wanted else 'no'} call within {within}"
        if found is None:
            return f"the telephone is withheld or shared, counted as no repeat{f', {needed}' if wanted else ''}"
        if found == NO_CALL_BEFORE:
            return f"no call before{f', {needed}' if wanted else ''}"
        return f"called {_days(found)} ago, {needed}"

    return Check("age", lambda facts: age_ms(facts.began_ms, facts.last_ms), holds, told)


def _during(name: str, hours: str) -> Check:
    shown = f"{name} ({hours})" if name else hours

    def told(at: Moment, wanted: bool) -> str:
        holiday = ", a holiday" if at.local.date() in at.holidays else ""
        return f"{at.local:%a %H:%M}{holiday}, needed {'' if wanted else 'outside '}{shown}"

    return Check("moment", moment, lambda at: is_open(hours, at.local, at.holidays), told)


def _number(test: Test, look: Look, shown: Callable[[Any], str]) -> Check:
    compare, value = _COMPARE[test.operator], test.values[0]
    limit = float(value / 100) if isinstance(value, Decimal) else value
    needed = {wanted: _needed(test.operator, shown(limit), wanted) for wanted in (True, False)}

    def holds(found: Any) -> bool | None:
        return None if found is None else compare(found, limit)

    def told(found: Any, wanted: bool) -> str:
        return f"{test.word} {'is not known' if found is None else shown(found)}, {needed[wanted]}"

    return Check(test.word, look, holds, told)


def _value(test: Test) -> Check:
    compare, limit = _COMPARE[test.operator], Decimal(test.values[0])
    shown = f"{limit:,.2f}" if round(limit, 2) == limit else decimal(limit)

    def look(facts: Facts) -> Money | None:
        return None if facts.value is None else Money(facts.value, facts.currency)

    def holds(found: Money | None) -> bool | None:
        return None if found is None else compare(found.major, limit)

    def told(found: Money | None, wanted: bool) -> str:
        return f"value {'is not known' if found is None else found}, {_needed(test.operator, shown, wanted)}"

    return Check("value", look, holds, told)


def _hour(test: Test) -> Check:
    if "in" in test.operator:
        return _among(test, moment, lambda at: at.local.hour, about="moment")
    compare, limit = _COMPARE[test.operator], test.values[0]

    def told(at: Moment, wanted: bool) -> str:
        return f"{at.local:%H:%M}, {_needed(test.operator, f'{limit}:00', wanted, _NEEDED_HOUR)}"

    return Check("moment", moment, lambda at: compare(at.local.hour, limit), told)


def _keys(test: Test) -> Check:
    """Pressed one after the other, somewhere among all that was pressed."""
    is_plain, values = _is_plain(test), tuple(str(value) for value in test.values)

    def holds(found: str) -> bool:
        return any(value in found for value in values) is is_plain

    def told(found: str, wanted: bool) -> str:
        return f"{f'keys {_short(found)}' if found else 'no key pressed'}, {_needed_among(test, wanted)}"

    return Check("key", lambda facts: facts.keys or "", holds, told)


def _text(test: Test) -> Check:
    """Whatever the case."""
    word, is_plain = test.word, _is_plain(test)
    subject = f"{word}({_short(test.name)})" if test.name else word
    if word == "region":
        matches = _region(test)
    elif WORDS[word].kind.is_pattern:
        matches = _patterns(tuple(str(value) for value in test.values))
    else:
        matches = frozenset(str(value).casefold() for value in test.values).__contains__

    def holds(found: str | None) -> bool | None:
        return None if found is None else matches(found.casefold()) is is_plain

    def told(found: str | None, wanted: bool) -> str:
        said = " is not known" if found is None else f" {_short(found)}" if found else " is not set"
        return f"{subject}{said}, {_needed_among(test, wanted)}"

    return Check(subject, _looks(word, test.name), holds, told)


def _region(test: Test) -> Callable[[str], bool]:
    """`ca` is the state of any country: no two have one of the same name."""
    wanted = frozenset(str(value).casefold() for value in test.values)
    return lambda found: found in wanted or found.partition("-")[2] in wanted


def _among(test: Test, look: Look, found_of: Callable[[Any], Any], about: str) -> Check:
    is_plain, values = _is_plain(test), frozenset(test.values)

    def told(found: Any, wanted: bool) -> str:
        return f"{test.word} {found_of(found)}, {_needed_among(test, wanted)}"

    return Check(about, look, lambda found: (found_of(found) in values) is is_plain, told)


_TOUCH = {"campaign": "campaign_name"}
_OTHERS = {"lead": "lead_status", "phone": "phone_type"}


def _looks(word: str, name: str) -> Look:
    if word == "custom":
        return lambda facts: of_touch((facts.custom or {}).get(name), facts.source if facts.custom is None else "")
    if word == "param":
        return lambda facts: of_touch((facts.params or {}).get(name), facts.source)
    if word == "publisher":
        return lambda facts: facts.publisher or ""
    if word in ("source", "medium", "channel", "campaign", "keyword", "content"):
        field = attrgetter(_TOUCH.get(word, word))
        return lambda facts: of_touch(field(facts), facts.source)
    return attrgetter(_OTHERS.get(word, word))


def of_touch(found: str | None, source: str | None) -> str | None:
    """A field of how a visit came: not set where the visit is known, not known where it is not."""
    return "" if found is None and source is not None else found


def _patterns(values: tuple[str, ...]) -> Callable[[str], bool]:
    pieces = [_pieces(value) for value in values]
    whole = frozenset(each[0] for each in pieces if len(each) == 1)
    others = [each for each in pieces if len(each) > 1]
    if not others:
        return whole.__contains__
    return lambda found: found in whole or any(_fits(each, found) for each in others)


def _pieces(pattern: str) -> tuple[str, ...]:
    """What stands between the stars."""
    found = [""]
    is_plain = False
    for char in pattern:
        if is_plain or char not in "\\*":
            found[-1] += char
            is_plain = False
        elif char == "\\":
            is_plain = True
        else:
            found.append("")
    return tuple(piece.casefold() for piece in found)


def _fits(pieces: tuple[str, ...], text: str) -> bool:
    """From the left, each piece at its first place: takes no longer for many stars."""
    first, *middle, last = pieces
    if not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return at <= end


def _is_plain(test: Test) -> bool:
    return test.operator in ("=", "in")


def _needed(operator: str, shown: str, wanted: bool, words: dict[str, str] = _NEEDED) -> str:
    return words[operator if wanted else _OTHERWISE[operator]].format(shown)


def _needed_among(test: Test, wanted: bool) -> str:
    values = [str(value) or '""' for value in test.values]
    more = len(values) - _TOLD_VALUES
    *others, last = [*values[:_TOLD_VALUES], f"{more} more"] if more > 0 else values
    listed = f"{', '.join(others)} or {last}" if others else last
    is_plain = _is_plain(test) is wanted
    return f"needed {listed}" if is_plain else f"needed other than {listed}"


def _percent(found: float) -> str:
    """Rounded down: 79.96 % is not 80 %."""
    return f"{decimal((Decimal(repr(found)) * 100).quantize(Decimal('0.1'), ROUND_DOWN))} %"


def _days(ms: int) -> str:
    """`3 days`, `5 hours`."""
    for length, word in ((_DAY_MS, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")):
        if ms >= length:
            return f"{ms // length} {word}{'' if ms // length == 1 else 's'}"
    return "0 seconds"


def _short(found: str) -> str:
    return found if len(found) <= _TOLD_CHARACTERS else f"{found[:_TOLD_CHARACTERS]}…"
