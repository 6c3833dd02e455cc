"""Terms applied to many calls at once: what `judge` says of amounts, without explanations. Pure.

Values are told once: a column is a code a call, and a term is judged for each value that occurs, not for each call.
Truth is -1 (no), 0 (not known) and 1 (yes), so that `and` is the least, `or` the greatest, and `not` minus.

How long before a call its telephone rang is settled by the calls before it, so it cannot stand in a column. But terms
ask only whether that is within some spans: calls are judged for each stretch between these, and who knows takes one.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from dni.qualification.checks import Look
from dni.qualification.judge import Condition, Leaf, Node, amount_of, condition
from dni.qualification.model import Policy, Side, Terms

Array = npt.NDArray[Any]

SOLD = "sold"
"""The column of a sale and its value, in minor units: what shares are taken of."""
_AGE = "age"
_MOST_VALUES = 65_536


class Column:
    """`codes`: of each call's value its place in `values`. `age`: rises when the places are given anew."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.codes: Array = np.zeros(0, np.int32)
        self.age = 0


class Coder(Column):
    """Codes what is read; `make` gives the value that it stands for. Holds some ten thousand values at most."""

    def __init__(self, make: Callable[[Any], Any] = lambda read: read) -> None:
        super().__init__()
        self._codes = _Codes(make, self.values)

    def code(self, read: Iterable[Any], many: int) -> None:
        if len(self.values) > _MOST_VALUES:
            self.values.clear()
            self._codes.clear()
            self.age += 1
        self.codes = np.fromiter(map(self._codes.__getitem__, read), np.int32, many)


class _Codes(dict[Any, int]):
    def __init__(self, make: Callable[[Any], Any], values: list[Any]) -> None:
        super().__init__()
        self._make, self._values = make, values

    def __missing__(self, read: Any) -> int:
        self._values.append(self._make(read))
        code = self[read] = len(self._values) - 1
        return code


class Amounts(msgspec.Struct, frozen=True):
    """Of each call, whether a policy of the side matched, and what it pays in minor units."""

    matched: Array
    amount: Array


class Judged(msgspec.Struct, frozen=True):
    payout: Amounts
    revenue: Amounts


class Quick:
    """Terms, ready for many calls.

    looks         the columns that it needs, and what of a call's facts is in each; SOLD besides, where `needs_sold`
    needs_shared  it asks whether a call's number is of a shared pool
    spans_ms      of every `repeat`, the shortest first
    """

    def __init__(self, terms: Terms) -> None:
        self._sides = (_compiled(terms, terms.payout), _compiled(terms, terms.revenue))
        leaves = [
            leaf for side in self._sides for one in side.policies for leaf in (*one.own.leaves, *one.shared.leaves)
        ]
        self.looks: dict[str, Look] = {leaf.check.about: leaf.check.look for leaf in leaves if leaf.check.about != _AGE}
        self.needs_sold = any(one.policy.percent is not None for side in self._sides for one in side.policies)
        self.needs_shared = any(
            len(one.own.leaves) != len(one.shared.leaves) for side in self._sides for one in side.policies
        )
        self.spans_ms = tuple(sorted({1000 * leaf.seconds for leaf in leaves if leaf.check.about == _AGE}))
        self._tables: dict[Leaf | str, _Table] = {}

    def stretch(self, age_ms: int | None) -> int:
        """Which of the answers of `judge` holds for a call whose telephone rang so long before; None: it did not."""
        return len(self.spans_ms) if age_ms is None else bisect_right(self.spans_ms, age_ms)

    def judge(self, columns: Mapping[str, Column], shared: Array) -> list[Judged]:
        """One answer for each stretch of `stretch`. `shared`: whether publishers share the pool of a call's number."""
        found = _Batch(columns, shared, self._tables, self.spans_ms)
        return [
            Judged(*(found.side(side, stretch) for side in self._sides)) for stretch in range(len(self.spans_ms) + 1)
        ]


class _Policy(msgspec.Struct, frozen=True):
    """`shared`: with what is asked of calls to a shared pool, too."""

    policy: Policy
    own: Condition
    shared: Condition

    @property
    def asks_more_where_shared(self) -> bool:
        return len(self.shared.leaves) != len(self.own.leaves)


class _Side(msgspec.Struct, frozen=True):
    is_best: bool
    policies: tuple[_Policy, ...]


def _compiled(terms: Terms, side: Side) -> _Side:
    policies = [_Policy(one, condition(terms, one, False), condition(terms, one, True)) for one in side.policies]
    return _Side(side.pick == "best", tuple(policies))


class _Table:
    """Of each value of a column what is made of it."""

    def __init__(self, kind: type[Any]) -> None:
        self._age = 0
        self._made: Array = np.zeros(0, kind)

    def of(self, column: Column, make: Callable[[Any], int]) -> Array:
        if self._age != column.age:
            self._age, self._made = column.age, self._made[:0]
        if fresh := column.values[len(self._made) :]:
            self._made = np.append(self._made, np.array([make(value) for value in fresh], self._made.dtype))
        found: Array = self._made[column.codes]
        return found


class _Batch:
    """Some calls; a term is looked up once for all policies and stretches."""

    def __init__(
        self, columns: Mapping[str, Column], shared: Array, tables: dict[Leaf | str, _Table], spans_ms: tuple[int, ...]
    ) -> None:
        self._columns, self._shared, self._tables, self._spans_ms = columns, shared, tables, spans_ms
        self._known: dict[Leaf, Array] = {}

    def side(self, side: _Side, stretch: int) -> Amounts:
        many = len(self._shared)
        matched, amount = np.zeros(many, bool), np.zeros(many, np.int64)
        for one in side.policies:
            pays = self._pays(one.policy)
            holds = self._holds(one, stretch)
            taken = holds & (~matched | (pays > amount) if side.is_best else ~matched)
            amount = np.where(taken, pays, amount)
            matched |= holds
        return Amounts(matched, amount)

    def _holds(self, one: _Policy, stretch: int) -> Array:
        truth = self._truth(one.own.node, stretch)
        if one.asks_more_where_shared and self._shared.any():
            truth = np.where(self._shared, self._truth(one.shared.node, stretch), truth)
        return np.broadcast_to(np.asarray(truth > 0), self._shared.shape)

    def _pays(self, policy: Policy) -> Any:
        """A column, or one value for all."""
        if policy.amount is not None:
            return policy.amount
        table = self._tables.setdefault(f"{policy.percent} %", _Table(np.int64))
        return table.of(self._columns[SOLD], lambda sold: amount_of(policy, *sold) or 0)

    def _truth(self, node: Node, stretch: int) -> Any:
        if isinstance(node, Leaf):
            if node.check.about == _AGE:
                holds = stretch <= self._spans_ms.index(1000 * node.seconds)
                return np.int8(1 if holds is node.is_wanted else -1)
            return self._of(node)
        least = np.minimum if node.is_all else np.maximum
        found: Any = np.int8(1 if node.is_all else -1)
        for part in node.parts:
            found = least(found, self._truth(part, stretch))
        return found

    def _of(self, leaf: Leaf) -> Array:
        found = self._known.get(leaf)
        if found is None:
            found = self._known[leaf] = self._looked_up(leaf)
        return found

    def _looked_up(self, leaf: Leaf) -> Array:
        def truth(value: Any) -> int:
            holds = leaf.check.holds(value)
            return 0 if holds is None else 1 if holds is leaf.is_wanted else -1

        return self._tables.setdefault(leaf, _Table(np.int8)).of(self._columns[leaf.check.about], truth)
