"""A report as CSV: amounts are plain numbers of minor units, and their currency has a column of its own. Pure."""

from collections.abc import Sequence

import msgspec

from dni.api.table import csv_of
from dni.money import Money
from dni.report.model import ReportRow

_FIELDS = msgspec.structs.fields(ReportRow)
_AMOUNTS = [field.name for field in _FIELDS if field.type == Money | None]
_Line = msgspec.defstruct(
    "_Line",
    [
        *((field.name, int | None if field.name in _AMOUNTS else field.type, None) for field in _FIELDS),
        ("currency", str | None, None),
    ],
)


def report_csv(_query: object, rows: Sequence[ReportRow]) -> str:
    return csv_of(_Line, [_line(row) for row in rows])


def _line(row: ReportRow) -> msgspec.Struct:
    told = {field.name: getattr(row, field.name) for field in _FIELDS}
    amounts = {name: told[name] for name in _AMOUNTS if told[name] is not None}
    currency = next((money.currency for money in amounts.values()), None)
    return _Line(**told | {name: money.amount for name, money in amounts.items()}, currency=currency)
