"""Cells of a list of calls, as people and other systems write them. What cannot be read is a ValueError that says what
would be right; what could be two things is never guessed. Pure."""

import re
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache

from dni.errors import InvalidField
from dni.phone import caller, e164

_US_HOURS = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_ZONES: dict[str, tzinfo] = {name: timezone(timedelta(hours=hours)) for name, hours in _US_HOURS.items()}
_ZONES |= {"UTC": UTC, "GMT": UTC}
_NAMED = re.compile(r" \(?([A-Z]{3})\)?$")
_CLOCK = r"[ T,]+([0-9]{1,2}):([0-9][0-9])(?::([0-9][0-9])(?:\.[0-9]+)?)? ?([AaPp])?\.?[Mm]?\.?"
_SLASHED = re.compile(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})" + _CLOCK)
_DASHED = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})" + _CLOCK)
_PARTS = re.compile(
    r"(?:([0-9]{1,4}) ?h(?:ours?|rs?)?)? ?(?:([0-9]{1,6}) ?m(?:in(?:utes?)?)?)? ?"
    r"(?:([0-9]{1,9}) ?s(?:ec(?:onds?)?)?)?",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"(-?)(?:[A-Z]{0,3}[$€£¥] ?)?(-?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]+)?")
_CODE = re.compile(r"^([A-Z]{3}) ?(?=[-0-9])|(?<=[0-9]) ?([A-Z]{3})$")
_HIDDEN = re.compile(r"[•*xX]{2,}")
_LATEST_MS = 253_402_300_800_000  # 10000


@lru_cache(10_000)
def number(text: str) -> str:
    """A tracking number in E.164, however it is written."""
    digits = re.sub(r"[ ().-]", "", text)
    if re.fullmatch(r"[2-9][0-9]{9}", digits):
        return f"+1{digits}"
    try:
        return e164(f"+{digits}" if re.fullmatch(r"1[2-9][0-9]{9}", digits) else text)
    except InvalidField as error:
        raise ValueError(error.errors[0].message) from None


def caller_of(text: str) -> str | None:
    """In E.164; None where it is withheld, hidden or no number."""
    if not text or _HIDDEN.search(text):
        return None
    digits = re.sub(r"[ ().+-]", "", text)
    if re.fullmatch(r"1?[2-9][0-9]{9}", digits):
        return f"+1{digits[-10:]}"
    return caller(text)


def seconds(text: str) -> int:
    """`95`, `95.0`, `1:35`, `0:01:35` or `1m 35s`."""
    clock = re.fullmatch(r"(?:([0-9]{1,4}):)?([0-9]{1,4}):([0-5][0-9])(?:\.[0-9]+)?", text)
    if clock:
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3])
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]+)?", text):
        return round(float(text))
    parts = _PARTS.fullmatch(text)
    if parts and any(parts.groups()):
        hours, minutes, seconds = (int(part or 0) for part in parts.groups())
        return hours * 3600 + minutes * 60 + seconds
    raise ValueError(f"a duration in seconds or as h:mm:ss, not {text[:40]!r}")


def amount(text: str) -> str:
    """`12.50`, `$1,250.00`, `(5.00)`, `USD 12.50` as a decimal, with its code in front if it has one."""
    code = _CODE.search(text)
    plain = (text[: code.start()] + text[code.end() :] if code else text).strip()
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1]}"
    found = _AMOUNT.fullmatch(plain)
    # 12,50 may be 12.50 or 1250.
    if not found or len(found[3]) > 18:
        raise ValueError(f"an amount such as 12.50 or 1,250.00, not {text[:40]!r}")
    value = Decimal(found[3].replace(",", "") + (found[4] or ""))
    if found[1] or found[2]:
        value = -value
    return f"{code[1] or code[2]} {value}" if code else str(value)


def moment_ms(text: str, zone: str, *, day_first: bool) -> int:
    """ISO 8601, RFC 2822, `11/22/2026 06:37 PM`, or seconds or milliseconds since 1970. `zone`: of what tells none."""
    if re.fullmatch(r"[0-9]{10}(?:\.[0-9]+)?|[0-9]{13}", text):
        return int(text) if len(text) == 13 else round(float(text) * 1000)
    named = _NAMED.search(text)
    where = _ZONES.get(named[1]) if named else None
    moment = _read(text[: named.start()] if named and where else text, day_first=day_first)
    if moment is None:
        raise ValueError(f"a date with a time of day, such as 2026-11-22 18:37:55, not {text[:40]!r}")
    if moment.tzinfo is None:
        moment = _placed(moment, where, zone)
    ms = round(moment.timestamp() * 1000)
    if not 0 <= ms < _LATEST_MS:
        raise ValueError(f"a time after 1970, not {text[:40]!r}")
    return ms


def _placed(moment: datetime, where: tzinfo | None, zone: str) -> datetime:
    """Raises ValueError in the hour that comes twice, or not at all, when clocks are changed."""
    if where is not None:
        return moment.replace(tzinfo=where)
    first = moment.replace(tzinfo=_zone(zone))
    if first.utcoffset() != first.replace(fold=1).utcoffset():
        raise ValueError(f"{moment} comes twice in {zone}, or not at all: write it with its offset")
    return first


@lru_cache(8)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def _read(text: str, *, day_first: bool) -> datetime | None:
    if len(text) > 10:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    try:
        if found := _DASHED.fullmatch(text):
            year, month, day = int(found[1]), int(found[2]), int(found[3])
            return _at(year, month, day, found)
        if found := _SLASHED.fullmatch(text):
            month, day = (int(found[2]), int(found[1])) if day_first else (int(found[1]), int(found[2]))
            return _at(int(found[3]), month, day, found)
        return parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None


def _at(year: int, month: int, day: int, found: re.Match[str]) -> datetime:
    hour, minute, second, half = found[4], found[5], found[6], found[7]
    if half is not None and not 1 <= int(hour) <= 12:
        raise ValueError
    of_day = int(hour) if half is None else int(hour) % 12 + (12 if half in "pP" else 0)
    return datetime(year, month, day, of_day, int(minute), int(second or 0))  # noqa: DTZ001  the caller knows the zone
