"""Money in a report: each call's amounts in whole minor units, divided among the touches that led to it. Pure."""

import msgspec
import numpy as np

from dni.report.columns import Column, Columns

_JUDGED, _QUALIFIED, _BILLABLE = 1, 2, 4
_WHOLE = 1_000_000


class Seen(msgspec.Struct, frozen=True):
    """The currency of a report's amounts; `payout`, `revenue`: whether these are the reader's to know."""

    currency: str
    payout: bool = True
    revenue: bool = True


def verdict(qualified: bool | None, billable: bool | None) -> int:
    """As a column has it, in bits. None: the call is not judged."""
    if qualified is None and billable is None:
        return 0
    return _JUDGED | (_QUALIFIED if qualified else 0) | (_BILLABLE if billable else 0)


def is_judged(verdicts: Column) -> Column:
    found: Column = verdicts & _JUDGED != 0
    return found


def parts(amounts: Column, shares: Column) -> Column:
    """What each row has of its call's amount. Rows of a call follow each other, their shares are a million together.

    A row gets what lies between the rounded amounts before and after it, so the parts of a call sum to its amount under
    every credit model, and are the same whatever a report is grouped by.
    """
    amounts, shares = amounts.astype(np.int64), shares.astype(np.int64)
    before = (np.cumsum(shares) - shares) % _WHOLE
    found: Column = amounts * (before + shares) // _WHOLE - amounts * before // _WHOLE
    return found


def figures(columns: Columns, counts: Column | None) -> Columns:
    """What is counted of verdicts and amounts. `counts`: rows of the report's currency; None: all are."""
    verdicts = columns["verdict"]
    judged = is_judged(verdicts)
    ours = judged if counts is None else judged & counts
    return {
        "judged": ours,
        "elsewhere": judged & ~ours,
        "qualified": verdicts & _QUALIFIED != 0,
        "billable": verdicts & _BILLABLE != 0,
        "payout": columns["payout"] * ours,
        "revenue": columns["revenue"] * ours,
    }
