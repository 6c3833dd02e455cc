"""Tables that other systems and spreadsheets write: what is a line, what a column, and which one is meant. Pure.

RFC 4180, as it is really written: with a comma, a semicolon (spreadsheets where , is the decimal point), a tab or | in
between, LF or CRLF, a byte order mark or none.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TextIO

import msgspec

_LONGEST_HEAD = 1_000_000


class Line(msgspec.Struct, frozen=True):
    """`line`: of the file, from 1, where it ends."""

    line: int
    cells: list[str]


class Broken(msgspec.Struct, frozen=True):
    """What is no line of a table."""

    line: int
    why: str


class NoColumn(Exception):
    """A heading was named that is not there."""


def text_of(raw: bytes) -> str:
    """UTF-8; what is none was written by a spreadsheet on Windows."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def lines(text: TextIO) -> Iterator[Line | Broken]:
    """With the header, without blank ones. `text` was opened with newline=''."""
    head = text.readline(_LONGEST_HEAD)
    text.seek(0)
    reader = csv.reader(text, delimiter=delimiter(head))
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Broken(reader.line_num, str(error))
            continue
        if any(cell.strip() for cell in cells):
            yield Line(reader.line_num, cells)


def delimiter(head: str) -> str:
    """What stands between the columns of the first line."""
    return max(",;\t|", key=head.partition("\n")[0].count)


def places(headings: Sequence[str], names: Mapping[str, Iterable[str]], given: Mapping[str, str]) -> dict[str, int]:
    """Where each column is that the table has. `names`: what it may be called, of several that are there the first;
    `given`: the heading to be taken in their place. A column is one thing only. Raises NoColumn."""
    place: dict[str, int] = {}
    for at, heading in enumerate(headings):
        place.setdefault(plain(heading), at)
    found: dict[str, int] = {}
    for what, usual in names.items():
        if what in given:
            if plain(given[what]) not in place:
                raise NoColumn(f"the list has no column {given[what]!r}: {', '.join(headings)[:300]}")
            found[what] = place[plain(given[what])]
            continue
        known = next((name for name in usual if name in place), None)
        if known is not None and place[known] not in found.values():
            found[what] = place[known]
    return found


def plain(heading: str) -> str:
    """As headings are compared: `Caller #` is `caller number`."""
    return " ".join(re.findall(r"[a-z0-9]+", heading.lower().replace("#", " number ")))
