"""Phone numbers: anything a person may write in, E.164 stored, display forms out (by `phonenumbers`)."""

import re
from functools import lru_cache

import phonenumbers

from dni.errors import InvalidField

# Carriers write these where a caller has withheld the number; +266696687 spells ANONYMOUS on a keypad.
_WITHHELD = {"", "anonymous", "restricted", "unknown", "unavailable", "private", "withheld", "+266696687", "266696687"}
_MAX_LENGTH = 64  # far above any written number; guards the parser against megabytes


_NANP = re.compile(r"\+1[2-9][0-9]{9}")


def e164(text: str, path: str = "", region: str = "US") -> str:
    """`+14155550100` for any usual way to write it. A number without + is read as one of `region`.

    Raises InvalidField with `path`, saying what would be right. Fictional numbers (555-01xx) are valid by length.
    """
    if _NANP.fullmatch(text):  # possible by its length, which is all that is asked; the library takes 40 us
        return text
    try:
        if len(text) > _MAX_LENGTH or not text.isprintable():
            raise phonenumbers.NumberParseException(1, "")
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise InvalidField(path, _wrong(text), code="invalid_number") from None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    # Some countries' plans allow more digits than E.164 has.
    if parsed.extension or len(number) > 16 or not phonenumbers.is_possible_number(parsed):
        raise InvalidField(path, _wrong(text), code="invalid_number")
    return number


def national(number: str) -> str:
    """`(415) 555-0100` for `+14155550100`: how people of that country write it."""
    if number.startswith("+1") and len(number) == 12:  # all of the NANP is written one way, and the library takes 40 us
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return _national(number)


@lru_cache(65_536)
def _national(number: str) -> str:
    return phonenumbers.format_number(_parsed(number), phonenumbers.PhoneNumberFormat.NATIONAL)


@lru_cache(65_536)
def international(number: str) -> str:
    """`+1 415-555-0100` for `+14155550100`."""
    return phonenumbers.format_number(_parsed(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def caller(text: str | None) -> str | None:
    """A caller as the carrier tells it: E.164, or None where it is withheld or no number (a SIP name, a short code)."""
    if text is None or text.strip().lower() in _WITHHELD:
        return None
    try:
        return e164(text.strip())
    except InvalidField:
        return None


@lru_cache(65_536)
def country(number: str | None) -> str | None:
    """ISO 3166-1, such as US, of a number in E.164; None where it is of none, such as a toll-free one."""
    if number is None:
        return None
    found: str | None = phonenumbers.region_code_for_number(_parsed(number))
    return found if found and found.isalpha() else None


def masked(number: str | None) -> str | None:
    """`+1415555••••`: the last four digits hidden, for readers who may not see callers."""
    return None if number is None else number[:-4] + "••••"


def _parsed(number: str) -> phonenumbers.PhoneNumber:
    return phonenumbers.parse(number, None)


def _wrong(text: str) -> str:
    return f"not a phone number: write it with its country's code, such as +14155550100, not {text[:40]!r}"
