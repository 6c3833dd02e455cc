"""Tables of others: lines, columns, and which one is meant."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.sheet import Broken, Line, NoColumn, delimiter, lines, places, plain, text_of

NAMES = {"id": ("call id", "id"), "phone": ("caller", "phone"), "at": ("time", "date")}


def cells(text: str) -> list[list[str]]:
    return [one.cells for one in lines(io.StringIO(text, newline="")) if isinstance(one, Line)]


@pytest.mark.parametrize("between", [",", ";", "\t", "|"])
def test_what_stands_between_columns_is_told_by_the_first_line(between: str) -> None:
    text = f"a{between}b{between}c\n1{between}2,5{between}3\n".replace("2,5", "2" if between == "," else "2,5")
    assert delimiter(text) == between
    assert [len(row) for row in cells(text)] == [3, 3]


def test_lines_are_counted_as_in_the_file_and_blank_ones_left_out() -> None:
    text = 'a,b\r\n\r\n1,"two\r\nlines"\r\n , \r\n3,4'
    assert list(lines(io.StringIO(text, newline=""))) == [
        Line(1, ["a", "b"]),
        Line(4, ["1", "two\r\nlines"]),
        Line(6, ["3", "4"]),
    ]


def test_what_is_no_line_does_not_end_the_table() -> None:
    text = f"a\n{'x' * (csv.field_size_limit() + 1)}\n1\n"
    first, broken, last = lines(io.StringIO(text, newline=""))
    assert isinstance(broken, Broken)
    assert (first, last) == (Line(1, ["a"]), Line(3, ["1"]))


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=2, max_size=2), max_size=6))
def test_what_a_program_writes_is_read(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["first", "second"], *rows])
    wanted = [row for row in rows if any(cell.strip() for cell in row)]
    assert cells(text_of(out.getvalue().encode()))[1:] == wanted


@pytest.mark.parametrize(
    ("headings", "found"),
    [
        (["Call ID", "Caller #", "Date"], {"id": 0, "at": 2}),
        (["ID", "PHONE", "time"], {"id": 0, "phone": 1, "at": 2}),
        (["phone", "caller"], {"phone": 1}),
        (["id", "id"], {"id": 0}),
        ([], {}),
    ],
)
def test_which_column_is_meant(headings: list[str], found: dict[str, int]) -> None:
    assert places(headings, NAMES, {}) == found


def test_a_heading_that_is_named_wins_and_must_be_there() -> None:
    assert places(["id", "Reference no."], NAMES, {"id": "reference NO"}) == {"id": 1}
    with pytest.raises(NoColumn, match="no column 'other'"):
        places(["id"], NAMES, {"id": "other"})


def test_headings_are_compared_by_their_words() -> None:
    assert plain(" Caller-ID #1 ") == "caller id number 1"
