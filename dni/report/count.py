"""Counts columns by groups. Pure; made for millions of rows, so it thinks in arrays.

Each row gets one number, the group's: dimension by dimension the number is multiplied and added to. Where there are
more possible groups than fit, those that occur are numbered anew.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import prod

import msgspec
import numpy as np

from dni.report.columns import Column, Columns

_FEW, _MANY = 1 << 18, 5 << 18
"""So many possible groups are counted without a look at which of them occur; where there are more rows, so many."""
_SEEN, _SEEN_PER_ROW = 1 << 22, 32
"""So many, at least, are looked for in a table of all possible ones; else what occurs is sorted."""

Key = Callable[[], Column]
"""The group of each row of a block."""

Step = tuple[int, Column | None]


class Block(msgspec.Struct, frozen=True):
    """Rows of one kind and one of two periods: 0 what is asked for, 1 before it."""

    kind: str
    period: int
    from_ms: int
    columns: Columns
    rows: int


class Dimension(msgspec.Struct, frozen=True):
    """`labels`: of a block's rows, from 0; `many`: how many there can be."""

    many: int
    labels: Callable[[Block], Column]


class Counted(msgspec.Struct, frozen=True):
    """`sums`: by period and figure, one value a group; groups in which nothing counts are among them."""

    sums: Mapping[tuple[int, str], Column]
    steps: list[Step]

    def labels(self, groups: Column) -> list[Column]:
        """Of each of these groups, one array a dimension."""
        found = []
        for many, occurring in reversed(self.steps):
            if occurring is not None:
                groups = occurring[groups]
            found.append(groups % many)
            groups = groups // many
        return found[::-1]


def count(blocks: Sequence[Block], dimensions: Sequence[Dimension], model: str) -> Counted:
    """Figures: sessions and leased; payout and revenue in minor units; expected as it is; of calls all others in
    millionths."""
    keys, groups, steps = _keys(blocks, dimensions)
    sums: dict[tuple[int, str], Column] = {}
    for period in (0, 1):
        of = [(block, key) for block, key in zip(blocks, keys, strict=True) if block.period == period]
        sums |= {(period, name): column for name, column in _sessions(of, groups).items()}
        sums |= {(period, name): column for name, column in _calls(of, groups, model).items()}
    return Counted(sums, steps)


def order(counted: Counted, most: int) -> tuple[Column, int]:
    """Groups of the period that is asked for, at most `most`: those with the most calls first, then with the most
    sessions. And how many there are."""
    now = {name: column for (period, name), column in counted.sums.items() if period == 0}
    calls, sessions = now["calls"], now["sessions"]
    there = np.flatnonzero((calls != 0) | (sessions != 0) | (now["expected"] != 0))
    found = _most(_most(there, calls, most), sessions, most, but=calls)
    by: Column = np.lexsort((found, -sessions[found], -calls[found]))
    return found[by][:most], len(there)


def _most(groups: Column, by: Column, most: int, but: Column | None = None) -> Column:
    """The groups that can be among the first ones; `but`: only of those that share the last place by it."""
    if len(groups) <= most:
        return groups
    last = None if but is None else but[groups].min()
    equal = groups if but is None else groups[but[groups] == last]
    above = groups[:0] if but is None else groups[but[groups] > last]
    room = most - len(above)
    if room <= 0 or len(equal) <= room:
        return groups
    least = np.partition(by[equal], len(equal) - room)[len(equal) - room]
    return np.concatenate([above, equal[by[equal] >= least]])


def _keys(blocks: Sequence[Block], dimensions: Sequence[Dimension]) -> tuple[list[Key], int, list[Step]]:
    """Of each block the groups of its rows; how many groups; and how to tell their labels (see `Counted.labels`)."""
    groups = prod(each.many for each in dimensions)
    if groups <= max(_FEW, min(_MANY, sum(block.rows for block in blocks))):
        made: list[Key] = [partial(_key, dimensions, block) for block in blocks]
        return made, groups, [(each.many, None) for each in dimensions]
    keys: list[Column] = [np.zeros(block.rows, np.int64) for block in blocks]
    groups, steps = 1, list[Step]()
    for each in dimensions:
        for key, block in zip(keys, blocks, strict=True):
            _add(key, each, block)
        groups *= each.many
        occurring = None
        if groups > _FEW:
            occurring = numbered(keys, groups)
            groups = len(occurring)
        steps.append((each.many, occurring))
    return [partial(_same, key) for key in keys], max(groups, 1), steps


def _key(dimensions: Sequence[Dimension], block: Block) -> Column:
    """Made when it is counted, so that it is still near to the processor."""
    key = np.zeros(block.rows, np.int64)
    for each in dimensions:
        _add(key, each, block)
    return key


def _add(key: Column, dimension: Dimension, block: Block) -> None:
    np.multiply(key, dimension.many, key)
    np.add(key, dimension.labels(block), key)


def _same(key: Column) -> Column:
    return key


def numbered(keys: list[Column], groups: int) -> Column:
    """Numbers the groups that occur anew, in place; what each was."""
    if groups <= max(_SEEN, _SEEN_PER_ROW * sum(len(key) for key in keys)):
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


def _sessions(of: Sequence[tuple[Block, Key]], groups: int) -> dict[str, Column]:
    # Leased or not is a group of its own.
    keys = (key() * 2 + block.columns["leased"] for block, key in of if block.kind == "session")
    both = np.zeros(groups * 2, np.int64)
    for each in _together(keys, groups):
        both += np.bincount(each, minlength=groups * 2)
    return {"sessions": both[::2] + both[1::2], "leased": both[1::2]}


def _together(keys: Iterable[Column], least: int) -> Iterator[Column]:
    """As many at once as it takes, so that adding up is worth it."""
    waiting: list[Column] = []
    for key in keys:
        waiting.append(key)
        if sum(map(len, waiting)) >= least:
            yield np.concatenate(waiting) if len(waiting) > 1 else key
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def _calls(of: Sequence[tuple[Block, Key]], groups: int, model: str) -> dict[str, Column]:
    of = [(block, key) for block, key in of if block.kind == "call"]
    key = np.concatenate([key() for _, key in of]) if of else np.zeros(0, np.int64)

    def column(name: str) -> Column:
        whole = np.concatenate([block.columns[name] for block, _ in of]) if of else np.zeros(0)
        return whole.astype(np.float64)

    def total(values: Column) -> Column:
        return np.bincount(key, values, groups)

    share = column(model)
    # Sums of whole numbers below 2**53: exact.
    his = share * column("credited")

    def money(name: str, weight: Column | float = 1.0) -> Column:
        is_there = any(block.columns[name].any() for block, _ in of)
        return total(weight * column(name)) if is_there else np.zeros(groups)

    return {
        "calls": total(his),
        "first": total(his * column("first")),
        "answered": total(his * column("answered")),
        "duration": total(his * column("duration")),
        "talk": total(his * column("talk")),
        "expected": total(share * column("stated")) / 1e6,
        **{name: money(name, his) for name in ("judged", "elsewhere", "qualified", "billable")},
        **{name: money(name) for name in ("payout", "revenue")},
    }
