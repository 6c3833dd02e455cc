"""A table of sales, as shops, CRM systems and people write it: which column is what, and what its rows tell. Pure."""

import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import UNSET

from dni import sheet
from dni.call.bring_model import Click, Reading, Row, Wrong, click, in_words, made
from dni.cells import read_back
from dni.errors import InvalidField
from dni.payout import listed, listed_values
from dni.session.click_ids import CLICK_IDS
from dni.sheet import Broken, Line, NoColumn

_CLICK_NAMES = {"gclid": ("google click id",), "msclkid": ("microsoft click id",), "fbclid": ("facebook click id",)}

# What they may be called, as `sheet.plain` has headings; of several that are there the first one counts.
NAMES: dict[str, tuple[str, ...]] = {
    "call": ("call id", "dni call id", "dni call", "call"),
    **{name: (sheet.plain(name), *_CLICK_NAMES.get(name, ())) for name in CLICK_IDS},
    "click_id": ("click id",),
    "caller": (
        *listed.NAMES["caller"],
        *("phone", "phone number", "telephone", "telephone number", "customer phone", "contact phone"),
        *("mobile", "mobile phone", "mobile number", "cell", "cell phone", "tel"),
    ),
    "at": (
        *("at", "sale at", "sale time", "sale date", "sold at", "sold on", "conversion time", "conversion date time"),
        *("conversion date", "close date", "closed at", "closed on", "order time", "order date", "ordered at"),
        *("date time", "datetime", "timestamp", "created at", "created", "date", "time"),
    ),
    "since": ("since",),
    "until": ("until",),
    "within_days": ("within days",),
    "campaign": ("campaign id", "dni campaign", "campaign"),
    "sale": ("sale", "sold", "won", "is won", "converted"),
    "value": (
        *("value", "sale value", "sale amount", "conversion value", "order value", "order total", "deal amount"),
        *("amount", "revenue", "total", "price"),
    ),
    "currency": ("currency", "currency code", "conversion currency", "value currency"),
    "lead_status": ("lead status", "status", "deal stage", "stage"),
    "note": ("note", "notes", "comment", "comments"),
}
_FINDS = ("call", "click_id", *CLICK_IDS)
_YES, _NO = {"yes", "y", "true", "1", "won", "sold"}, {"no", "n", "false", "0", "lost"}
_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_SLASHED_DAY = re.compile(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})")
_COMMA = re.compile(r"([^0-9]*)([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+),([0-9]{1,2})([^0-9]*)")
_DOTS_ALONE = re.compile(r"[^0-9]*[0-9]{1,3}(?:\.[0-9]{3})+[^0-9]*")


def read(raw: str, of: Reading, columns: Mapping[str, str] | None = None) -> Iterator[Row | Wrong]:
    """`columns`: headings by what they are (NAMES), in place of the usual ones. Raises InvalidField for a table whose
    rows could not name a call."""
    told = sheet.lines(io.StringIO(raw, newline=""))
    head = next(told, Line(1, []))
    if isinstance(head, Broken):
        raise InvalidField("", f"no CSV: {head.why}")
    headings = [read_back(cell).strip() for cell in head.cells]
    try:
        at = sheet.places(headings, NAMES, columns or {})
    except NoColumn as error:
        raise InvalidField("/columns", str(error)) from None
    if not at.keys() & _FINDS and not ("caller" in at and at.keys() & {"at", "since"}):
        raise InvalidField(
            "",
            "no row could name its call: the table needs a column `call id`, one with a click id such as `gclid`, or "
            "one with the caller's telephone and one with the time of the sale. Its columns: "
            f"{', '.join(headings)[:300]}",
        )
    # Where lists are written with semicolons, amounts are with a comma.
    has_commas = sheet.delimiter(raw) == ";"
    for one in told:
        if isinstance(one, Broken):
            yield Wrong(one.line, f"no CSV: {one.why}")
            continue
        cells = {what: read_back(one.cells[place]).strip() for what, place in at.items() if place < len(one.cells)}
        try:
            yield _row(one.line, {what: cell for what, cell in cells.items() if cell}, of, has_commas=has_commas)
        except InvalidField as error:
            yield Wrong(one.line, in_words(error))


def _row(line: int, cells: Mapping[str, str], of: Reading, *, has_commas: bool) -> Row:
    clicks = [Click(name, cells[name]) for name in CLICK_IDS if name in cells]
    if "click_id" in cells:
        clicks.append(click(cells["click_id"]))
    told: dict[str, Any] = {name: " ".join(cells[name].split()) for name in ("lead_status", "note") if name in cells}
    if "sale" in cells:
        told["sale"] = _yes(cells["sale"])
    return made(
        line,
        of,
        call=cells.get("call"),
        clicks=clicks,
        caller=cells.get("caller"),
        at_ms=_moment_ms("at", cells, of),
        since_ms=_moment_ms("since", cells, of),
        until_ms=_moment_ms("until", cells, of),
        within_days=_days(cells.get("within_days")),
        campaign=cells.get("campaign"),
        told=told,
        value=_amount(cells, has_commas=has_commas) if "value" in cells else UNSET,
    )


def _moment_ms(name: str, cells: Mapping[str, str], of: Reading) -> int | None:
    """A day alone is meant until its end: what is sold on it may follow a call on it."""
    text = cells.get(name)
    if text is None:
        return None
    try:
        if (day := _day(text, day_first=of.day_first)) is not None:
            if name != "at":
                raise InvalidField(f"/{name}", "a date with a time of day")
            return _begins_ms(day + timedelta(days=1), of.timezone) - 1
        return listed_values.moment_ms(text, of.timezone, day_first=of.day_first)
    except (ValueError, OverflowError) as error:
        raise InvalidField(f"/{name}", str(error)) from None


def _day(text: str, *, day_first: bool) -> datetime | None:
    if found := _DAY.fullmatch(text):
        return datetime(int(found[1]), int(found[2]), int(found[3]))  # noqa: DTZ001  the caller knows the zone
    if found := _SLASHED_DAY.fullmatch(text):
        month, day = (int(found[2]), int(found[1])) if day_first else (int(found[1]), int(found[2]))
        return datetime(int(found[3]), month, day)  # noqa: DTZ001
    return None


def _begins_ms(day: datetime, zone: str) -> int:
    return round(day.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def _days(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 6:
        raise InvalidField("/within_days", "a number of days")
    return int(text)


def _yes(text: str) -> bool:
    word = text.lower()
    if word not in _YES | _NO:
        raise InvalidField("/sale", f"yes or no, not {text[:40]!r}")
    return word in _YES


def _amount(cells: Mapping[str, str], *, has_commas: bool) -> str:
    """A decimal, with the currency in front where the row tells it."""
    text = cells["value"].rstrip(" \xa0$€£¥")
    if has_commas:
        if _DOTS_ALONE.fullmatch(text):
            raise InvalidField("/value", f"an amount with its decimals, such as 1.250,00: {text[:40]!r} may be two")
        if found := _COMMA.fullmatch(text):
            text = f"{found[1]}{found[2].replace('.', '')}.{found[3]}{found[4]}"
    try:
        amount = listed_values.amount(text)
    except ValueError as error:
        raise InvalidField("/value", str(error)) from None
    return amount if " " in amount or "currency" not in cells else f"{cells['currency']} {amount}"
