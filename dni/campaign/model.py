"""The forms in which configuration is written: texts, time zones, lists of phone numbers. Pure.

Requests of all rooms are structs that check and normalise themselves when they are made, so that one which exists is
right by itself; what it names in the ledger is for the verbs of this room to find.
"""

import re
import unicodedata
import zoneinfo
from functools import lru_cache
from typing import Annotated

import msgspec

from dni.clock import from_rfc3339
from dni.errors import FieldError, InvalidField
from dni.phone import e164

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Phone = Annotated[str, msgspec.Meta(min_length=1, max_length=64, examples=["+14155550100"])]
Timezone = Annotated[str, msgspec.Meta(max_length=64, examples=["America/New_York"])]

# Cc, Cs: controls (NUL too) and lone surrogates, which neither screens nor PostgreSQL take; Zl, Zp: line separators.
_UNFIT = {"Cc", "Cs", "Zl", "Zp"}
# Most numbers are of the NANP, in one of the usual ways to write them: they need no parser, which takes 40 us.
_NANP = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]?([0-9]{3})[ .-]?([0-9]{4})")
_TOLD = 20  # wrong numbers named in one answer


def text(value: str, path: str, longest: int = 200) -> str:
    """Without outer blanks. Raises InvalidField for an empty one and for control characters."""
    stripped = value.strip()
    if not stripped or len(stripped) > longest:
        raise InvalidField(path, f"1 to {longest} characters")
    if not stripped.isprintable() and any(unicodedata.category(char) in _UNFIT for char in stripped):
        raise InvalidField(path, "no control characters, line breaks or lone surrogates")
    return stripped


def timezone(value: str, path: str = "/timezone") -> str:
    """An IANA name. Raises InvalidField."""
    if value not in _timezones():
        raise InvalidField(path, f"not a time zone: an IANA name, such as America/New_York, not {value[:40]!r}")
    return value


def moment_ms(value: str, path: str) -> int:
    """RFC 3339 with an offset, as ms. Raises InvalidField."""
    try:
        return from_rfc3339(value)
    except (ValueError, OverflowError):
        right = "a time with offset, RFC 3339, such as 2026-11-22T18:37:55+00:00"
        raise InvalidField(path, f"{right}, not {value!r}") from None


def phones(values: list[str], path: str) -> list[str]:
    """All in E.164, in the order given. Raises InvalidField naming each wrong and each repeated one by its place."""
    found: dict[str, int] = {}
    wrong: list[FieldError] = []
    for place, value in enumerate(values):
        try:
            plain = _NANP.fullmatch(value)
            number = f"+1{plain[1]}{plain[2]}{plain[3]}" if plain else e164(value, f"{path}/{place}")
        except InvalidField as error:
            wrong += error.errors
        else:
            first = found.setdefault(number, place)
            if first != place:
                wrong.append(FieldError(f"{path}/{place}", f"the same number as {path}/{first}: {number}"))
        if len(wrong) == _TOLD:
            break
    if wrong:
        raise InvalidField(wrong[0].path, wrong[0].message, *wrong[1:], code="invalid_number")
    return list(found)


def regions(given: dict[str, list[str]], path: str) -> dict[str, list[str]]:
    """Each region's numbers in E.164. Raises InvalidField, also for a number that is of two regions."""
    found = {region: phones(numbers, f"{path}/{region}") for region, numbers in given.items()}
    first: dict[str, str] = {}
    for region, numbers in found.items():
        for place, number in enumerate(numbers):
            if first.setdefault(number, region) != region:
                raise InvalidField(f"{path}/{region}/{place}", f"{number} is of {first[number]} already")
    return found


@lru_cache(1)
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
