"""What `dni reconcile` says: a table of how many, the first of each, and lines of the report. Pure."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from rich.table import Table

from dni.cells import guarded, line


class Reconciled(msgspec.Struct, frozen=True):
    """`rows` of the list; `outside`: of another time; `same`: those that are calls of ours, `by_id` of them by an id.
    `counts` by kind (`MEANING`). Times in ms, `to_ms` not within."""

    rows: int
    outside: int
    same: int
    by_id: int
    from_ms: int
    to_ms: int
    counts: dict[str, int]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not the same, ready to be read. `line`: of the list; `call`: ours."""

    kind: str
    line: int | None
    call: str | None
    at: str
    number: str
    caller: str
    field: str
    theirs: str
    ours: str


HEADINGS = ("kind", "line", "call", "at", "number", "caller", "field", "theirs", "ours")
MEANING = {
    "missing": "in the list, and no call of ours",
    "extra": "our calls that the list does not have",
    "different": "the same call, told otherwise",
    "ambiguous": "may be one of several; nothing was guessed",
    "repeated": "a call that the list has already",
    "unreadable": "rows that cannot be read",
}
"""By kind of finding, in the order in which they are told."""
SHOWN = 5


def report_line(values: Sequence[object]) -> str:
    """Of the report, as CSV that no spreadsheet computes; `values` as HEADINGS."""
    return line(guarded("" if value is None else str(value), first=not at) for at, value in enumerate(values))


def table(name: str, zone: str, done: Reconciled) -> Table:
    """How many there are of what, and over which time."""
    begins, ends = (datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)) for ms in (done.from_ms, done.to_ms))
    shown = Table(title=f"{name}, {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} {zone}")
    shown.add_column("")
    shown.add_column("calls", justify="right")
    shown.add_column("")
    shown.add_row("in the list", f"{done.rows:,}", f"{done.outside:,} of them of another time" if done.outside else "")
    shown.add_row("the same", f"{done.same:,}", f"{done.by_id:,} of them by id")
    for kind, meaning in MEANING.items():
        shown.add_row(kind, f"{done.counts.get(kind, 0):,}", meaning)
    return shown


def in_words(one: Finding) -> str:
    """One finding in a line, without a caller: others may look at the screen."""
    said = {
        "missing": f"line {one.line}: {one.at or one.theirs} {one.number} is no call of ours",
        "extra": f"{one.call} of {one.at} is not in the list",
        "different": f"line {one.line}, {one.call}: {one.field} {one.theirs or 'none'}, ours {one.ours or 'none'}",
        "ambiguous": f"line {one.line} may be {one.ours}",
        "repeated": f"line {one.line} is {one.theirs}",
        "unreadable": f"line {one.line}, {one.field}: {one.theirs}" if one.field else f"line {one.line}: {one.theirs}",
    }[one.kind]
    return f"{one.kind:10}  {said}"
