"""The words that conditions are made of: what each is compared with, and how that is read and written. Pure."""

import re
from collections.abc import Callable
from decimal import Decimal
from difflib import get_close_matches

import msgspec
from phonenumbers import SUPPORTED_REGIONS

from dni.attribution.area_codes import REGIONS
from dni.call.model import STATES
from dni.errors import InvalidField
from dni.phone import e164
from dni.routing.hours import DAYS
from dni.routing.model import PHONE_TYPES

Value = int | Decimal | str

KEYWORDS = frozenset({"and", "or", "not", "in"})
LONGEST_TEXT = 200
EQUAL, ORDERED, LISTED = ("=", "!="), ("<", "<=", ">", ">="), ("in", "not in")

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LARGEST_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))
_LONGEST_CALL_S, _LONGEST_SPAN_S = 86_400, 3_650 * 86_400
_LARGEST_MONEY = Decimal(10) ** 10
_SPAN = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,6})?)\s?([a-z]*)")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s?%")
_MONEY = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,3})?")
_BARE = re.compile(r"[A-Za-z0-9_+.#*/:@-]+")
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PLACES = sorted({*REGIONS, *(region[3:] for region in REGIONS)})


class Given(msgspec.Struct, frozen=True):
    """A value as it stands in a condition. `text`: what it says; `pattern`: the same with `\\` before what is plain."""

    text: str
    pattern: str
    is_quoted: bool = False


class Kind(msgspec.Struct, frozen=True):
    """What words are compared with. `read` raises ValueError, saying what would be right; a text may be several values
    (`Mo-Fr`). `write` gives one that it reads again."""

    operators: tuple[str, ...]
    read: Callable[[Given], tuple[Value, ...]]
    write: Callable[[Value], str]
    is_pattern: bool = False


class Word(msgspec.Struct, frozen=True):
    """`has_name`: what is asked for is named behind it, in brackets: `custom(plan)`."""

    kind: Kind
    example: str
    has_name: bool = False


def near(wanted: str, known: "list[str] | tuple[str, ...] | frozenset[str]") -> str:
    """`: did you mean region?` where one of them is like it, else nothing."""
    by_fold = {each.casefold(): each for each in sorted(known)}
    found = get_close_matches(wanted.casefold(), list(by_fold), 1, 0.6)
    return f": did you mean {by_fold[found[0]]}?" if found else ""


def span(seconds: int) -> str:
    """`30d`, `12h`, `90m`: in the largest unit that fits."""
    for unit, length in _LARGEST_UNITS:
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def read_span(text: str) -> int:
    """Seconds of `30d`; a bare number means days. Raises ValueError."""
    found = _SPAN.fullmatch(text.lower())
    seconds = _seconds(found, "d") if found else None
    if seconds is None or not 0 < seconds <= _LONGEST_SPAN_S:
        raise ValueError("a span of time, up to 3650d: 30d, 12h or 90m")
    return seconds


def text(plain: str) -> str:
    """As it can be written between others: in quotes where that is needed."""
    return plain if _BARE.fullmatch(plain) and plain.lower() not in KEYWORDS else quoted(plain)


def quoted(plain: str) -> str:
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def decimal(number: Decimal) -> str:
    """Without an exponent, and without zeros behind the point."""
    return f"{number.normalize():f}"


def _seconds(found: re.Match[str], unit: str) -> int | None:
    length = _UNITS.get(found[2] or unit)
    seconds = Decimal(found[1]) * length if length else Decimal("0.5")
    return int(seconds) if seconds == int(seconds) else None


def _duration(given: Given) -> tuple[Value, ...]:
    found = _SPAN.fullmatch(given.text.lower())
    seconds = _seconds(found, "s") if found else None
    if seconds is None or seconds > _LONGEST_CALL_S:
        raise ValueError("a length of time, up to 24h: 90s, 2m or 1h")
    return (seconds,)


def _percent(given: Given) -> tuple[Value, ...]:
    found = _PERCENT.fullmatch(given.text)
    if not found or Decimal(found[1]) > 100:
        raise ValueError("a share from 0% to 100%, such as 80%")
    return (Decimal(found[1]),)


def _money(given: Given) -> tuple[Value, ...]:
    if not _MONEY.fullmatch(given.text) or Decimal(given.text) > _LARGEST_MONEY:
        raise ValueError("an amount in the campaign's currency, such as 100.00")
    return (Decimal(given.text),)


def _hour(given: Given) -> tuple[Value, ...]:
    if not re.fullmatch("[0-9]{1,2}", given.text) or int(given.text) > 23:
        raise ValueError("an hour of the day, from 0 to 23")
    return (int(given.text),)


def _days(given: Given) -> tuple[Value, ...]:
    first, dash, last = given.text.partition("-")
    begin, end = _day(first), _day(last) if dash else _day(first)
    return tuple(DAYS[(begin + step) % 7] for step in range((end - begin) % 7 + 1))


def _day(name: str) -> int:
    fold = name.strip().casefold()
    found = [n for n, day in enumerate(_WEEK) if len(fold) > 1 and day.startswith(fold)]
    if not found:
        raise ValueError(f"a day: {', '.join(DAYS)}, or a stretch such as Mo-Fr" + near(fold, _WEEK))
    return found[0]


def _region(given: Given) -> tuple[Value, ...]:
    code = given.text.upper()
    if code not in _PLACES:
        said = "a state or province that area codes tell of, such as CA or US-CA"
        raise ValueError(said + (near(code, _PLACES) if len(code) > 2 else ""))
    return (code,)


def _country(given: Given) -> tuple[Value, ...]:
    code = given.text.upper()
    if code not in SUPPORTED_REGIONS:
        meant = {"UK": "GB", "USA": "US", "EN": "GB"}.get(code)
        raise ValueError("a country's two letters, such as US" + (f": did you mean {meant}?" if meant else ""))
    return (code,)


def _keys(given: Given) -> tuple[Value, ...]:
    if not re.fullmatch("[0-9*#]{1,32}", given.text):
        raise ValueError("keys of a telephone, 0 to 9, * and #, such as 1")
    return (given.text,)


def _number(given: Given) -> tuple[Value, ...]:
    try:
        return (e164(given.text),)
    except InvalidField as error:
        raise ValueError(f"a telephone number: {error.errors[0].message}") from None


def _id(given: Given) -> tuple[Value, ...]:
    if not re.fullmatch("[A-Za-z0-9_-]{1,64}", given.text):
        raise ValueError("an id, such as pub_0198c3")
    return (given.text,)


def _pattern(given: Given) -> tuple[Value, ...]:
    if not given.is_quoted and given.text.lower() in KEYWORDS:
        raise ValueError(f'a text: if {given.text} is meant as one, write "{given.text}"')
    if len(given.pattern) > LONGEST_TEXT:
        raise ValueError(f"a text of at most {LONGEST_TEXT} characters")
    return (given.pattern,)


def _written_pattern(value: Value) -> str:
    found = str(value)
    is_bare = _BARE.fullmatch(found) and found.lower() not in KEYWORDS
    return found if is_bare else '"' + found.replace('"', '\\"') + '"'


def _choice(noun: str, known: tuple[str, ...]) -> Callable[[Given], tuple[Value, ...]]:
    def read(given: Given) -> tuple[Value, ...]:
        fold = given.text.casefold()
        if fold not in known:
            raise ValueError(f"{noun}: {', '.join(known)}{near(fold, known)}")
        return (fold,)

    return read


def _alone(_given: Given) -> tuple[Value, ...]:
    raise ValueError("nothing: it stands alone")


_ALONE = Kind((), _alone, str)
_SECONDS = Kind((*EQUAL, *ORDERED), _duration, lambda value: f"{value}s")
_PATTERN = Kind((*EQUAL, *LISTED), _pattern, _written_pattern, is_pattern=True)


def _listed(read: Callable[[Given], tuple[Value, ...]]) -> Kind:
    return Kind((*EQUAL, *LISTED), read, str)


WORDS = {
    "talk": Word(_SECONDS, "talk >= 90s"),
    "duration": Word(_SECONDS, "duration >= 2m"),
    "answered": Word(_ALONE, "answered"),
    "status": Word(_listed(_choice("a state of a call", tuple(STATES))), "status = completed"),
    "region": Word(_listed(_region), "region in (CA, NV)"),
    "country": Word(_listed(_country), "country = US"),
    "phone": Word(_listed(_choice("a type of telephone", PHONE_TYPES)), "phone = mobile"),
    "key": Word(_listed(_keys), "key = 1"),
    "source": Word(_PATTERN, "source = google"),
    "medium": Word(_PATTERN, "medium = cpc"),
    "channel": Word(_PATTERN, 'channel = "Paid Search"'),
    "campaign": Word(_PATTERN, "campaign = spring*"),
    "keyword": Word(_PATTERN, "keyword not in (*free*, *cheap*)"),
    "content": Word(_PATTERN, "content = banner-1"),
    "publisher": Word(_listed(_id), "publisher = pub_0198c3"),
    "destination": Word(_listed(_number), "destination = +14155550100"),
    "custom": Word(_PATTERN, "custom(plan) = gold", has_name=True),
    "param": Word(_PATTERN, "param(sub1) = 4711", has_name=True),
    "confidence": Word(
        Kind((*EQUAL, *ORDERED), _percent, lambda value: f"{decimal(Decimal(value))}%"), "confidence >= 80%"
    ),
    "sale": Word(_ALONE, "sale"),
    "value": Word(Kind((*EQUAL, *ORDERED), _money, lambda value: decimal(Decimal(value))), "value >= 100.00"),
    "lead": Word(_PATTERN, "lead = appointment"),
    "repeat": Word(_ALONE, "repeat(30d)"),
    "during": Word(_ALONE, 'during("Mo-Fr 09:00-17:00")'),
    "day": Word(_listed(_days), "day in (Sa, Su)"),
    "hour": Word(Kind((*EQUAL, *ORDERED, *LISTED), _hour, str), "hour >= 9"),
}
"""In the order in which people are told of them."""
