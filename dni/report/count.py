"""Counts columns by groups. Pure; made for millions of rows, so it thinks in arrays.

Each row gets one number, the group's: dimension by dimension the number is multiplied and added to. Where there are
more possible groups than fit, those that occur are numbered anew.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from dni.report.columns import Column, Columns

DENSE = 1 << 22
"""Possible groups that are counted without a look at which of them occur."""
_SEEN = 1 << 27

Labels = tuple[Column, int]
"""The number of each row, from 0, and how many there can be."""


class Block(msgspec.Struct, frozen=True):
    """Rows of one kind and one of two periods: 0 what is asked for, 1 before it."""

    kind: str
    period: int
    from_ms: int
    columns: Columns
    rows: int


class Counted(msgspec.Struct, frozen=True):
    """`labels`: of each group, one array a dimension. `sums`: by period and figure, one value a group."""

    labels: list[Column]
    sums: Mapping[tuple[int, str], Column]

    @property
    def groups(self) -> int:
        return len(next(iter(self.sums.values())))


def count(blocks: Sequence[Block], dimensions: Sequence[Callable[[Block], Labels]], model: str) -> Counted:
    """Figures: sessions and leased; calls, first, answered, duration and talk in millionths, expected as it is."""
    keys, groups, steps = _keys(blocks, dimensions)
    sums: dict[tuple[int, str], Column] = {}
    for period in (0, 1):
        of = [(block, key) for block, key in zip(blocks, keys, strict=True) if block.period == period]
        sums |= {(period, name): column for name, column in _sessions(of, groups).items()}
        sums |= {(period, name): column for name, column in _calls(of, groups, model).items()}
    kept = np.flatnonzero(np.logical_or.reduce([column != 0 for column in sums.values()]))
    return Counted(_labels(kept, steps), {name: column[kept] for name, column in sums.items()})


def order(counted: Counted) -> Column:
    """Groups of the period that is asked for: those with the most calls first, then with the most sessions."""
    now = {name: column for (period, name), column in counted.sums.items() if period == 0}
    there = np.flatnonzero(np.logical_or.reduce([column != 0 for column in now.values()]))
    by: Column = np.lexsort((there, -now["sessions"][there], -now["calls"][there]))
    found: Column = there[by]
    return found


def _keys(
    blocks: Sequence[Block], dimensions: Sequence[Callable[[Block], Labels]]
) -> tuple[list[Column], int, list[tuple[int, Column | None]]]:
    """Of each block the groups of its rows; how many groups; and how to tell a group's labels (see `_labels`)."""
    keys = [np.zeros(block.rows, np.int64) for block in blocks]
    groups = 1
    steps: list[tuple[int, Column | None]] = []
    for dimension in dimensions:
        told = [dimension(block) for block in blocks]
        many = max((many for _, many in told), default=1)
        for key, (labels, _) in zip(keys, told, strict=True):
            np.multiply(key, many, key)
            np.add(key, labels, key)
        groups *= many
        occurring = None
        if groups > DENSE:
            occurring = _occurring(keys, groups)
            groups = len(occurring)
        steps.append((many, occurring))
    return keys, max(groups, 1), steps


def _occurring(keys: list[Column], groups: int) -> Column:
    """Numbers the groups that occur anew, in place; what each was."""
    if groups <= _SEEN:
        seen = np.zeros(groups, bool)
        for key in keys:
            seen[key] = True
        found: Column = np.flatnonzero(seen)
        again = np.zeros(groups, np.int32)
        again[found] = np.arange(len(found), dtype=np.int32)
        for key in keys:
            key[:] = again[key]
        return found
    whole = np.concatenate(keys) if keys else np.zeros(0, np.int64)
    found, numbers = np.unique(whole, return_inverse=True)
    at = 0
    for key in keys:
        key[:] = numbers[at : at + len(key)]
        at += len(key)
    return found


def _labels(groups: Column, steps: Sequence[tuple[int, Column | None]]) -> list[Column]:
    found = []
    for many, occurring in reversed(steps):
        if occurring is not None:
            groups = occurring[groups]
        found.append(groups % many)
        groups = groups // many
    return found[::-1]


def _sessions(of: Sequence[tuple[Block, Column]], groups: int) -> dict[str, Column]:
    of = [(block, key) for block, key in of if block.kind == "session"]
    leased = [key[block.columns["leased"].view(bool)] for block, key in of]
    return {"sessions": _count([key for _, key in of], groups), "leased": _count(leased, groups)}


def _calls(of: Sequence[tuple[Block, Column]], groups: int, model: str) -> dict[str, Column]:
    of = [(block, key) for block, key in of if block.kind == "call"]
    key = np.concatenate([key for _, key in of]) if of else np.zeros(0, np.int64)

    def column(name: str) -> Column:
        whole = np.concatenate([block.columns[name] for block, _ in of]) if of else np.zeros(0)
        return whole.astype(np.float64)

    def total(values: Column) -> Column:
        return np.bincount(key, values, groups)

    share = column(model)
    # Sums of whole numbers below 2**53: exact.
    his = share * column("credited")
    return {
        "calls": total(his),
        "first": total(his * column("first")),
        "answered": total(his * column("answered")),
        "duration": total(his * column("duration")),
        "talk": total(his * column("talk")),
        "expected": total(share * column("stated")) / 1e6,
    }


def _count(keys: Sequence[Column], groups: int) -> Column:
    if not keys:
        return np.zeros(groups, np.int64)
    return np.bincount(np.concatenate(keys), minlength=groups)
