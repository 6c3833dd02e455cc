"""Storage of holds and of counters, their sum by period: written together, by who has locked the budget."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Text, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from dni.ledger.schema import counter, hold
from dni.qualification.budget import NOTHING, PERIODS, Used, since

ACTIVE = ("held", "over", "spent")
"""States of holds that count."""

Sums = dict[tuple[str, str, int], list[int]]
"""Calls and money by budget, period and when that began."""

# Made once: to make a statement takes longer than to ask it.
_COUNTERS = select(counter).where(
    counter.c.budget_id.in_(bindparam("budgets", expanding=True, type_=Text)),
    counter.c.period.in_(PERIODS),
    counter.c.since_ms.in_(bindparam("since", expanding=True, type_=BigInteger)),
)


def used_of(connection: Connection, asked: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, Used]]:
    """By budget and period. `asked`: a budget's id, its campaign's time zone, and a moment of those periods."""
    wanted = {one: since(at_ms, zone) for one, zone, at_ms in asked}
    if not wanted:
        return {}
    moments = {at_ms for begun in wanted.values() for at_ms in begun.values()}
    rows = connection.execute(_COUNTERS, {"budgets": list(wanted), "since": list(moments)})
    found: dict[str, dict[str, Used]] = {one: dict.fromkeys(PERIODS, NOTHING) for one in wanted}
    for row in rows:
        if wanted[row.budget_id][row.period] == row.since_ms:
            found[row.budget_id][row.period] = Used(row.calls, row.amount)
    return found


class Changes:
    """Holds to be written, and what that adds to the counters."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sums: Sums = defaultdict(lambda: [0, 0])
        self.rows: list[dict[str, Any]] = []

    def to(self, old: Mapping[Any, Any] | None, new: dict[str, Any], zone: str) -> None:
        if old is not None:
            if all(old[name] == value for name, value in new.items()):
                return
            add(self._sums, old, zone, -1)
        add(self._sums, new, zone, 1)
        self.rows.append(new)

    def write(self) -> None:
        if self.rows:
            self._connection.execute(_put(self._connection.dialect.name), self.rows)
            write(self._connection, self._sums)


def add(sums: Sums, row: Mapping[Any, Any], zone: str, sign: int) -> None:
    """What a hold counts for."""
    if row["state"] not in ACTIVE:
        return
    for period, since_ms in since(row["at_ms"], zone).items():
        if period != "concurrent" or row["state"] == "held":
            now = sums[row["budget_id"], period, since_ms]
            now[0] += sign
            now[1] += sign * row["amount"]


def write(connection: Connection, sums: Sums) -> None:
    rows = [
        {"budget_id": one, "period": period, "since_ms": since_ms, "calls": calls, "amount": amount}
        for (one, period, since_ms), (calls, amount) in sorted(sums.items())
        if calls or amount
    ]
    if rows:
        connection.execute(_count(connection.dialect.name), rows)


@lru_cache(2)
def _put(engine: str) -> Any:
    """A hold as it is now, new or not."""
    added = sqlite.insert(hold) if engine == "sqlite" else postgresql.insert(hold)
    changed = {name: added.excluded[name] for name in ("at_ms", "state", "amount", "asked", "why")}
    return added.on_conflict_do_update(index_elements=["call_id", "budget_id"], set_=changed)


@lru_cache(2)
def _count(engine: str) -> Any:
    """Adds to a counter, new or not."""
    added = sqlite.insert(counter) if engine == "sqlite" else postgresql.insert(counter)
    sums = {name: counter.c[name] + added.excluded[name] for name in ("calls", "amount")}
    return added.on_conflict_do_update(index_elements=["budget_id", "period", "since_ms"], set_=sums)
