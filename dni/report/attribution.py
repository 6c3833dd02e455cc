"""The attribution report: sessions and calls by what brought them, counted from columns."""

import asyncio
from typing import TYPE_CHECKING

import msgspec

from dni.access.model import Principal
from dni.ledger.engines import Ledger
from dni.report.amounts import Seen
from dni.report.model import ReportFilter, ReportRow, Sums

if TYPE_CHECKING:
    from dni.report.columns import Column
    from dni.report.count import Counted


class Report(msgspec.Struct, frozen=True):
    """`rows`: groups with the most calls first, then with the most sessions. `before`: the same groups in the period
    before, None where they had nothing then. `total`, `total_before`: of all groups. `groups`: how many there are.
    `currency`: of all amounts; `others`: those that judged calls have beside it, whose money is in no figure."""

    rows: list[ReportRow]
    before: list[ReportRow | None]
    total: ReportRow
    total_before: ReportRow
    groups: int
    currency: str
    others: list[str]


async def attribution(
    ledger: Ledger, principal: Principal, only: ReportFilter, names: tuple[str, ...], model: str, limit: int
) -> list[ReportRow]:
    """Groups by `names` (of DIMENSIONS), at most `limit` of them. `model`: one of MODELS."""
    return (await report(ledger, principal, only, names, model, limit)).rows


async def report(
    ledger: Ledger,
    principal: Principal,
    only: ReportFilter,
    names: tuple[str, ...],
    model: str,
    limit: int,
    before_ms: int | None = None,
) -> Report:
    """`before_ms`: where the period before begins, which ends where the one asked for begins."""
    # A tenth of a second of imports, which a worker can do without until somebody asks.
    from dni.report.count import order
    from dni.report.gather import gather

    async with ledger.snapshot() as connection:
        gathered = await gather(connection, ledger, principal, only, names, model, before_ms)
        # Beside the event loop: the page path goes on meanwhile.
        counted = await asyncio.to_thread(gathered.count)
        shown, groups = order(counted, limit)
        keys = await gathered.values(connection, counted, shown)
    seen = Seen(gathered.currency, principal.sees_payout, principal.sees_revenue)
    now, before = _sums(counted, 0, shown), _sums(counted, 1, shown)

    def row(sums: Sums, key: tuple[object, ...] = (None,) * len(names)) -> ReportRow:
        return sums.row(seen, names, key, of_calls_alone=only.of_calls_alone)

    return Report(
        rows=[row(sums, key) for sums, key in zip(now, keys, strict=True)],
        before=[row(sums, key) if sums != Sums() else None for sums, key in zip(before, keys, strict=True)],
        total=row(_total(counted, 0)),
        total_before=row(_total(counted, 1)),
        groups=groups,
        currency=gathered.currency,
        others=gathered.others,
    )


def _sums(counted: "Counted", period: int, groups: "Column") -> list[Sums]:
    columns = [_values(counted.sums[period, name][groups]) for name in Sums.__struct_fields__]
    return [Sums(*values) for values in zip(*columns, strict=True)]


def _total(counted: "Counted", period: int) -> Sums:
    whole = (_values(counted.sums[period, name].sum(keepdims=True))[0] for name in Sums.__struct_fields__)
    return Sums(*whole)  # type: ignore[arg-type]


def _values(column: "Column") -> list[float]:
    """Figures but the expected ones are whole."""
    return [value if value % 1 else int(value) for value in column.tolist()]
