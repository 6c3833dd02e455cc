"""Opening hours, as a text that people write and machines read. Pure.

The words are those of OpenStreetMap's `opening_hours` (its wiki's specification), of which this is the part that a
telephone needs: `Mo-Fr 09:00-12:30,13:30-17:00; Sa 10:00-14:00; PH off`, or `24/7`. A later rule replaces what an
earlier one said of the same day. A span may pass midnight (`22:00-06:00`): it is of the day on which it begins.
"""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from dni.errors import InvalidField

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
HOLIDAY = "PH"
LONGEST = 300

_DAY_MIN = 24 * 60
_ALWAYS = "24/7"
_EXAMPLE = "write them as Mo-Fr 09:00-17:00; Sa 10:00-14:00; PH off"
_SPAN = re.compile(r"([0-2]\d):([0-5]\d)\s?-\s?([0-2]\d):([0-5]\d)")

Spans = tuple[tuple[int, int], ...]
"""Minutes since the day began: from, until; until is past 1,440 where a span passes midnight."""


def is_open(hours: str, local: datetime, holidays: frozenset[date] = frozenset()) -> bool:
    """Whether `local`, the wall clock's time at the place, is within `hours`, which are known to be right.

    An hour that the clock shows twice, in autumn, is open twice; one that it leaps over is not there.
    """
    by_day = read(hours)
    minute = 60 * local.hour + local.minute
    today, yesterday = (_spans(by_day, day, holidays) for day in (local.date(), local.date() - timedelta(days=1)))
    return any(begin <= minute < end for begin, end in today) or any(
        minute + _DAY_MIN < end for _begin, end in yesterday
    )


@lru_cache(1_024)
def read(hours: str, path: str = "") -> dict[str, Spans]:
    """The spans of each day that a rule speaks of. Raises InvalidField with `path`, saying what would be right."""
    if len(hours) > LONGEST:
        raise InvalidField(path, f"at most {LONGEST} characters")
    found: dict[str, Spans] = {}
    rules = [rule.strip() for rule in hours.split(";") if rule.strip()]
    if not rules:
        raise InvalidField(path, f"no hours: {_EXAMPLE}")
    for rule in rules:
        if rule == _ALWAYS:
            found |= dict.fromkeys(DAYS, ((0, _DAY_MIN),))
            continue
        days, _, times = rule.partition(" ")
        if days[:1].isdigit():  # no days: every day
            days, times = "Mo-Su", rule
        spans = () if times.strip() in ("off", "closed") else _times(times, path)
        found |= dict.fromkeys(_days(days, path), spans)
    return found


def _spans(by_day: dict[str, Spans], day: date, holidays: frozenset[date]) -> Spans:
    if day in holidays and HOLIDAY in by_day:
        return by_day[HOLIDAY]
    return by_day.get(DAYS[day.weekday()], ())


def _days(text: str, path: str) -> list[str]:
    found: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first == HOLIDAY and not dash:
            found.append(HOLIDAY)
            continue
        if first not in DAYS or (dash and last not in DAYS):
            raise InvalidField(path, f"{part[:20]!r} is no day: {', '.join((*DAYS, HOLIDAY))}; {_EXAMPLE}")
        begin = DAYS.index(first)
        count = (DAYS.index(last) - begin) % 7 if dash else 0
        found += [DAYS[(begin + step) % 7] for step in range(count + 1)]
    return found


def _times(text: str, path: str) -> Spans:
    found = []
    for part in text.split(","):
        told = _SPAN.fullmatch(part.strip())
        if told is None:
            raise InvalidField(path, f"{part.strip()[:20]!r} is no span of time: {_EXAMPLE}")
        begin, end = (60 * int(told[n]) + int(told[n + 1]) for n in (1, 3))
        if begin >= _DAY_MIN or end > _DAY_MIN:
            raise InvalidField(path, f"{part.strip()!r} is past midnight, 24:00: write 22:00-06:00 for a night")
        found.append((begin, end if end > begin else end + _DAY_MIN))
    return tuple(found)
