"""How the answer of `dni what-if` reads: as a table without colour, or as JSON."""

import msgspec

from dni.money import Money
from dni.qualification.what_if import Came, WhatIf

_HEAD = ("", "calls", "qualified", "payout", "revenue", "margin")


def as_text(found: WhatIf) -> str:
    """Each publisher in two lines: what was, and what would be; then all calls, and the difference."""
    lines: list[tuple[str, ...]] = [_HEAD]
    for one in found.publishers:
        name = one.name or one.publisher or "nobody's calls"
        kept = f", {one.kept:,} kept" if one.kept else ""
        lines += [_row(f"{name}: was", one.was), _row(f"  would be{kept}", one.would_be)]
    was, would_be = found.was, found.would_be
    lines += [_row("All calls: was", was), _row("  would be", would_be), _difference(was, would_be)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEAD))]
    told = "\n".join(_line(line, widths) for line in lines)
    return f"{found.from_} to {found.to}, in {was.payout.currency}\n\n{told}"


def as_json(found: WhatIf) -> str:
    return msgspec.json.encode(found).decode()


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    figures = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "  ".join((cells[0].ljust(widths[0]), *figures)).rstrip()


def _row(name: str, came: Came) -> tuple[str, ...]:
    money = (_amount(each) for each in (came.payout, came.revenue, came.margin))
    return (name, f"{came.calls:,}", f"{came.qualified:,}", *money)


def _difference(was: Came, would_be: Came) -> tuple[str, ...]:
    pairs = ((was.payout, would_be.payout), (was.revenue, would_be.revenue), (was.margin, would_be.margin))
    money = (_signed(_amount(after + -before)) for before, after in pairs)
    return ("  difference", "", _signed(f"{would_be.qualified - was.qualified:,}"), *money)


def _amount(money: Money) -> str:
    return str(money).removesuffix(f" {money.currency}")


def _signed(told: str) -> str:
    return told if told.startswith("-") else f"+{told}"
