"""A carrier's or a network's list of calls, as CSV: which column is what, and what a row says. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from dni import sheet
from dni.cells import read_back
from dni.errors import BadArgument
from dni.payout import listed_values as read
from dni.sheet import NoColumn

# As exports of carriers, call trackers and networks call them; of several that are there the first one counts.
NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        *("call id", "call sid", "callsid", "inbound call id", "provider call id", "provider id", "call uuid"),
        *("call control id", "call session id", "complete call id", "call record id", "resource id", "sid", "uuid"),
        *("transaction id", "call", "id"),
    ),
    "number": (
        *("tracking number", "tracking phone number", "dialed number", "dialled number", "called number"),
        *("to number", "destination did", "did", "promo number", "called", "to", "number"),
    ),
    "caller": (
        *("caller", "caller id", "caller number", "caller phone number", "callerid", "customer phone number"),
        *("customer number", "calling phone number", "inbound phone number", "from number", "ani", "from"),
    ),
    "time": (
        *("start time", "started at", "start time local", "call start time", "call start", "call date", "call dt"),
        *("calldt", "date time", "datetime", "timestamp", "date created", "started", "start", "time", "date"),
    ),
    "duration": (
        *("duration", "call duration", "duration seconds", "duration in seconds", "call length", "total duration"),
        *("call length in seconds", "length", "seconds", "billsec"),
    ),
    "talk": (
        *("talk seconds", "talk time", "talk duration", "connect duration", "connected duration"),
        *("connected call length", "conversation duration"),
    ),
    "payout": ("payout", "payout amount", "publisher payout", "affiliate payout", "commission"),
    "revenue": ("revenue", "revenue amount", "conversion amount", "billed", "billed amount", "advertiser amount"),
}
_ABOUT_A_CALL = ("id", "number", "time")


class Columns(msgspec.Struct, frozen=True):
    """Place and heading of each column that the list has, by what it is (`NAMES`)."""

    places: dict[str, int]
    headings: tuple[str, ...]

    def heading(self, what: str) -> str:
        return self.headings[self.places[what]]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A row. `line`: of the file, from 1. `number` and `caller` in E.164; `caller` None: withheld, hidden or not told.
    Amounts are decimals of the currency, with its code in front where the list tells it: `12.50`, `USD 12.50`."""

    line: int
    id: str | None = None
    number: str | None = None
    caller: str | None = None
    at_ms: int | None = None
    duration_s: int | None = None
    talk_s: int | None = None
    payout: str | None = None
    revenue: str | None = None


class Unreadable(Exception):
    """A row that says nothing that could be compared: which column, and what would be right."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


def columns(headings: Iterable[str], given: Mapping[str, str]) -> Columns:
    """`given`: headings by what they are, in place of the usual ones. Raises BadArgument."""
    told = tuple(read_back(heading).strip() for heading in headings)
    # Our own lists tell minor units there.
    known = ["" if heading.endswith(".amount") else heading for heading in told]
    try:
        found = sheet.places(known, NAMES, given)
    except NoColumn as error:
        raise BadArgument(f"--columns: {error}") from None
    if "id" not in found and not {"number", "time"} <= found.keys():
        raise BadArgument(
            "the list needs a column with call ids, or one with tracking numbers and one with times; its columns are "
            f"{', '.join(told)[:300]}. Say which is which: --columns id=Heading,number=Heading,time=Heading"
        )
    return Columns(found, told)


def row(cells: list[str], line: int, of: Columns, zone: str, *, day_first: bool = False) -> Listed:
    """`zone`: of times that tell none. Raises Unreadable."""
    told = {what: cells[at].strip() for what, at in of.places.items() if at < len(cells)}
    told = {what: read_back(text) if "'" in text else text for what, text in told.items()}
    values: dict[str, object] = {"id": told.get("id") or None, "caller": read.caller_of(told.get("caller", ""))}
    for what, name, reads in (
        ("number", "number", read.number),
        ("duration", "duration_s", read.seconds),
        ("talk", "talk_s", read.seconds),
        ("payout", "payout", read.amount),
        ("revenue", "revenue", read.amount),
    ):
        if text := told.get(what):
            try:
                values[name] = reads(text)
            except ValueError as error:
                raise Unreadable(of.heading(what), str(error)) from None
    if text := told.get("time"):
        try:
            values["at_ms"] = read.moment_ms(text, zone, day_first=day_first)
        except ValueError as error:
            raise Unreadable(of.heading("time"), str(error)) from None
    if values["id"] is None and (values.get("number") is None or values.get("at_ms") is None):
        empty = next((of.heading(what) for what in _ABOUT_A_CALL if what in of.places and not told.get(what)), "")
        raise Unreadable(empty, "which call this is: its id, or its tracking number and its time")
    return Listed(line=line, **values)  # type: ignore[arg-type]
