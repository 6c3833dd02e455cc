"""The box that tries terms on past calls: its fields, the request that comes of them, the answer as a table. Pure."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dni.clock import from_rfc3339
from dni.dashboard import moments, words
from dni.dashboard.forms import Field
from dni.errors import FieldError, InvalidField
from dni.money import Money
from dni.qualification.what_if import Came, WhatIf

FIELDS = (
    Field(name="try/first", label="First day", empty="omit", placeholder="2026-11-01", help="Empty: the last 30 days."),
    Field(name="try/last", label="Last day", empty="omit", placeholder="2026-11-30", help="Empty: until now."),
)
_HEADS = ("Calls", "Qualified", "Payout", "Revenue", "Margin")


class Cell(msgspec.Struct, frozen=True):
    """What a figure would be, and what it was."""

    would: str
    was: str
    is_same: bool


class Row(msgspec.Struct, frozen=True):
    name: str
    cells: list[Cell]
    is_total: bool = False


class Tried(msgspec.Struct, frozen=True):
    """`said`: which calls were looked at, and what the difference is."""

    said: str
    heads: tuple[str, ...]
    rows: list[Row]


def request(typed: Mapping[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """The times of a request: days on the campaign's clock, both within. Raises InvalidField."""
    told: dict[str, Any] = {}
    for name, field, more in (("try/first", "from", 0), ("try/last", "to", 1)):
        if text := typed.get(name, "").strip():
            try:
                day = date.fromisoformat(text) + timedelta(days=more)
            except (ValueError, OverflowError):
                raise InvalidField(f"/{name}", "a day, such as 2026-11-15") from None
            told[field] = moments.rfc3339_of(day.isoformat(), zone, f"/{name}")
    return told


def of_fields(error: InvalidField) -> InvalidField:
    """A refusal of the request as one of the page: of its times, or of the terms."""
    named = {"/from": "/try/first", "/to": "/try/last"}
    told = [FieldError(named.get(each.path, each.path.removeprefix("/terms")), each.message) for each in error.errors]
    return InvalidField(told[0].path, told[0].message, *told[1:], code=error.code)


def shown(found: WhatIf, zone: ZoneInfo, now_ms: int) -> Tried:
    rows = [
        _row(one.name or one.publisher or "Nobody's calls", one.was, one.would_be, kept=one.kept)
        for one in found.publishers
    ]
    total = _row("Together", found.was, found.would_be, is_total=True)
    since, until = (words.moment(from_rfc3339(each), zone, now_ms) for each in (found.from_, found.to))
    kept = f" {found.kept:,} of them keep the terms of their publisher." if found.kept else ""
    of = f"Calls from {since} to {until}: {found.was.calls:,}.{kept}"
    return Tried(f"{of} {_difference(found)}", _HEADS, [*rows, total] if len(rows) != 1 else rows)


def _row(name: str, was: Came, would_be: Came, *, kept: int = 0, is_total: bool = False) -> Row:
    cells = [_cell(f"{would_be.calls:,}", f"{was.calls:,}"), _cell(f"{would_be.qualified:,}", f"{was.qualified:,}")]
    cells += [_cell(_bare(getattr(would_be, side)), _bare(getattr(was, side))) for side in _MONEY]
    return Row(f"{name} ({kept:,} kept)" if kept else name, cells, is_total)


_MONEY = ("payout", "revenue", "margin")


def _cell(would: str, was: str) -> Cell:
    return Cell(would, was, would == was)


def _bare(money: Money) -> str:
    return str(money).removesuffix(f" {money.currency}")


def _difference(found: WhatIf) -> str:
    """`Payouts would be 12.50 USD more, the margin 7.50 USD less.`"""
    told = [
        f"{name} {_more(getattr(found.would_be, side), getattr(found.was, side))}"
        for name, side in (("payouts would be", "payout"), ("revenue", "revenue"), ("the margin", "margin"))
    ]
    said = ", ".join(told)
    return f"{said[:1].upper()}{said[1:]}."


def _more(would: Money, was: Money) -> str:
    difference = would + -was
    if not difference.amount:
        return "the same"
    return f"{difference} more" if difference.amount > 0 else f"{-difference} less"
