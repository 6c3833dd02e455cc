"""Cells and lines of our CSV files (RFC 4180), which no spreadsheet takes for formulas. Pure.

A spreadsheet computes a cell that begins with = + - @, also in their full-width and small forms, or has a tab, a line
break or NUL before them; blanks and what cannot be seen may stand in front (OWASP, CSV Injection; ASVS 1.2.10). It may
also split a file elsewhere than we do: where lists are written with semicolons it splits at these, and at tabs, and
quotes inside a line mean nothing then. So a cell may begin, for somebody, behind each of these too.

Wherever one may begin like a formula we put an apostrophe: everywhere it makes a text of what follows. Such an
apostrophe in the text itself gets one more, so `read_back` finds every text as it was. A single phone number in E.164,
also with its end masked, stays as it is: + and digits are a number at worst. But not as the first cell of a line: who
splits at semicolons may have the whole line in it.
"""

import re
from collections.abc import Iterable

_FORMULA = "=＝﹦⁼₌+＋﹢⁺₊﬩\\-－﹣−⁻₋@＠﹫"
# What a program may skip before a formula: blanks, what cannot be seen, quotes, and our own apostrophe.
_SKIPPED = (
    "\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f \xa0\xad\u034f\u061c\u115f\u1160\u1680\u180b-\u180e\u2000-\u200f"
    "\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\"'"
)
_AT_START = f"(?=[{_SKIPPED}]*[{_FORMULA}\t\r\n\x00])"
_INSIDE = f"(?=[{_SKIPPED}]*[{_FORMULA}])"
_GUARDED = re.compile(f"^{_AT_START}|(?<=[;\t\r\n]){_INSIDE}")
_GUARDS = re.compile(f"^'{_AT_START}|(?<=[;\t\r\n])'{_INSIDE}")
_PHONE = re.compile(r"\+[0-9•]+")
_QUOTED = re.compile(r'[",;\t\r\n]|^\s|\s$')


def line(cells: Iterable[str]) -> str:
    """One record, ended by CRLF. The cells are guarded already, or are our own."""
    return ",".join(_quoted(cell) for cell in cells) + "\r\n"


def guarded(text: str, *, first: bool = False) -> str:
    """The text as a cell holds it; `first`: of its line."""
    return text if not first and _PHONE.fullmatch(text) else _GUARDED.sub("'", text)


def read_back(cell: str) -> str:
    """The text of which `guarded` made this cell."""
    return _GUARDS.sub("", cell)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell
