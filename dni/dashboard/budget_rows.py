"""Budgets as pages show them: whose each is, and of every limit what is used and left. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from dni.dashboard.budget_form import LABELS
from dni.money import Money
from dni.qualification.budget import PERIODS
from dni.qualification.limits import BudgetView

_NOW = {
    "concurrent": "now",
    "hour": "this hour",
    "day": "today",
    "week": "this week",
    "month": "this month",
    "total": "in all",
}


class Limit(msgspec.Struct, frozen=True):
    """`label`: `Calls a day`; `share`: of the limit that is used, at most 1; `left`: what is left, in words."""

    label: str
    used: str
    left: str
    share: float
    is_full: bool


class Row(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    kind: str
    is_paced: bool
    full: str
    limits: list[Limit]


def rows(found: Sequence[BudgetView], publishers: Mapping[str, str], destinations: Mapping[str, str]) -> list[Row]:
    """The campaign's own first, then publishers, then destinations, each by name."""
    made = [_row(one, publishers, destinations) for one in found]
    order = ("campaign", "publisher", "destination")
    return sorted(made, key=lambda row: (order.index(row.kind), row.name.casefold(), row.id))


def _row(view: BudgetView, publishers: Mapping[str, str], destinations: Mapping[str, str]) -> Row:
    if view.publisher is not None:
        kind, name = "publisher", publishers.get(view.publisher, view.publisher)
    elif view.destination is not None:
        kind, name = "destination", destinations.get(view.destination, view.destination)
    else:
        kind, name = "campaign", "The whole campaign"
    limits = [*_of(view, "calls"), *_of(view, "money")]
    return Row(id=view.id, name=name, kind=kind, is_paced=view.limits.paced, full=view.full or "", limits=limits)


def _of(view: BudgetView, what: str) -> list[Limit]:
    def said(figure: int) -> str:
        return f"{figure:,}" if what == "calls" else str(Money(figure, view.currency)).partition(" ")[0]

    unit = "calls" if what == "calls" else view.currency
    found = []
    for period in PERIODS:
        most = getattr(getattr(view.limits, what), period, None)
        if most is None:
            continue
        used = getattr(getattr(view.used, what), period) or 0
        left = getattr(getattr(view.left, what), period) or 0
        share = min(1.0, used / most) if most else 1.0
        told = f"{said(used)} of {said(most)} {_NOW[period]}"
        label = f"{unit[:1].upper()}{unit[1:]} {LABELS[period].lower()}"
        found.append(Limit(label, told, f"{said(left)} left", share, left == 0))
    return found
