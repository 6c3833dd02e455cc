"""Which paths are one to a report: they agree in what it groups by. Pure; made for millions of paths.

Dimension by dimension a path's number is multiplied and added to, and those that occur are numbered anew, in order: so
it is known of a path that comes later whether its group is there already.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from dni.report.columns import Column
from dni.report.count import numbered


class PathGroups(msgspec.Struct, frozen=True):
    """`numbers`: of each path its group. `told`: of each group its codes, a row for each dimension. `steps`: how many
    codes each dimension had, and which of all possible numbers occurred."""

    numbers: Column
    told: Column
    steps: list[tuple[int, Column]]

    @property
    def many(self) -> int:
        return int(self.told.shape[1])

    @property
    def bytes(self) -> int:
        return int(self.numbers.nbytes + self.told.nbytes + sum(found.nbytes for _, found in self.steps))

    def first(self, paths: int) -> "PathGroups":
        """Of as many paths; groups of others may be among these."""
        return PathGroups(self.numbers[:paths], self.told, self.steps)


def grouped(columns: Sequence[Column]) -> PathGroups:
    """`columns`: of each dimension the code of each path."""
    key = np.zeros(len(columns[0]), np.int64)
    many, steps = 1, list[tuple[int, Column]]()
    for column in columns:
        most = int(column.max(initial=0)) + 1
        np.multiply(key, most, key)
        np.add(key, column, key)
        found = numbered([key], many * most)
        many = len(found)
        steps.append((most, found))
    told = np.zeros((len(columns), many), np.int32)
    for at, column in enumerate(columns):
        told[at, key] = column
    return PathGroups(key.astype(np.int32), told, steps)


def extended(known: PathGroups, columns: Sequence[Column]) -> PathGroups:
    """With more paths behind those that are known, which may make more groups."""
    key = np.zeros(len(columns[0]), np.int64)
    there = np.full(len(key), known.many > 0)
    for (most, found), column in zip(known.steps, columns, strict=True):
        there &= column < most
        key = np.where(there, key * most + column, 0)
        at = np.minimum(np.searchsorted(found, key), max(len(found) - 1, 0))
        there[there] = found[at[there]] == key[there]
        key = at
    if there.all():
        return PathGroups(np.concatenate([known.numbers, key.astype(np.int32)]), known.told, known.steps)
    new = grouped([column[~there] for column in columns])
    key[~there] = new.numbers + known.many
    numbers = np.concatenate([known.numbers, key.astype(np.int32)])
    return PathGroups(numbers, np.concatenate([known.told, new.told], axis=1), known.steps)
