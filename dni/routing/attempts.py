"""Storage of attempts: each destination that a call was sent to. Caps are counted from these rows.

Who adds one has counted in the same transaction, and no other adds one meanwhile: SQLite has one writer, on PostgreSQL
the destinations' rows are locked. So no cap is exceeded, nothing is counted twice, and what a lost event leaves open
stops counting by itself.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Text,
    bindparam,
    func,
    literal,
    select,
    update,
)

from dni import ids
from dni.catalog.model import Destination
from dni.ledger import schema
from dni.ledger.prepared import Prepared
from dni.ledger.schema import attempt
from dni.routing.conditions import Now
from dni.routing.doors import why_closed
from dni.routing.periods import began
from dni.routing.plan import Target

LONGEST_MS = (4 * 60 + 10) * 60_000
"""Carriers end a call after four hours, as we tell them; whatever is open longer lost its end."""

_ALL = 10_000_000
_FULL = {
    "concurrent": "is full: {} at once",
    "minute": "is full: {} a minute",
    "hour": "is full: {} an hour",
    "day": "is full: {} a day",
    "month": "is full: {} a month",
}


_OF_CALL = Prepared(select(attempt).where(attempt.c.call_id == bindparam("call_id", type_=Text)))
_FOLLOWED = ("state", "ended_at_ms", "counted")
_FOLLOW = Prepared(
    update(attempt)
    .where(attempt.c.id == bindparam("this", type_=Text))
    .values({name: bindparam(f"new_{name}", type_=attempt.c[name].type) for name in _FOLLOWED})
)


def lock(connection: Connection, wanted: Collection[str]) -> None:
    """Until the end of the transaction nobody else counts these."""
    if connection.dialect.name == "sqlite":  # has one writer
        return
    rows = select(schema.destination.c.id).where(schema.destination.c.id.in_(wanted))
    # NO KEY UPDATE: who adds an attempt without counting need not wait.
    connection.execute(rows.order_by(schema.destination.c.id).with_for_update(key_share=True))


def now_of(
    connection: Connection, wanted: Collection[Destination], at_ms: int, zone: str, ordered: Collection[str] = ()
) -> dict[str, Now]:
    """How destinations are now, by id, in one look. `zone`: their campaign's; `ordered`: of these it is wanted too how
    much they were used."""
    look = Look(wanted, at_ms, zone, ordered)
    return look.now(_looks(look.whats).run(connection, look.values)[0] if look.whats else ())


class Look:
    """What is asked for `now_of`: `whats` in order, each of a destination, with `values`. `columns` makes the
    statement's columns of it, and `now` takes what they said."""

    def __init__(self, wanted: Collection[Destination], at_ms: int, zone: str, ordered: Collection[str] = ()) -> None:
        self._wanted, self._at_ms, self._zone = wanted, at_ms, zone
        self._asked: list[tuple[str, str]] = []
        self.values: dict[str, object] = {}
        for one in wanted:
            here = ZoneInfo(one.timezone or zone)
            used = [("today", None), ("last", None)] if one.id in ordered else []
            for what, most in (*_caps(one), *used):
                n = len(self._asked)
                self._asked.append((one.id, what))
                self.values |= {
                    f"of{n}": one.id,
                    f"since{n}": _since(what, at_ms, here),
                    f"most{n}": max(most or _ALL, 1),
                }
        self.whats = tuple(what for _, what in self._asked)

    def now(self, said: Iterable[int]) -> dict[str, Now]:
        found = dict(zip(self._asked, said, strict=True))
        return {one.id: _now(one, self._at_ms, self._zone, found) for one in self._wanted}


def columns(whats: Iterable[str]) -> list[ColumnElement[int]]:
    return [_look(what, n).label(f"n{n}") for n, what in enumerate(whats)]


def _now(one: Destination, at_ms: int, zone: str, found: Mapping[tuple[str, str], int]) -> Now:
    closed = why_closed(one, at_ms, zone)
    full = next((_FULL[period].format(most) for period, most in _caps(one) if found[one.id, period] >= most), "")
    return Now(
        id=one.id,
        name=one.name,
        number=one.number,
        is_open=not closed,
        has_room=not full,
        why=closed or full,
        today=found.get((one.id, "today"), 0),
        last_ms=found.get((one.id, "last"), 0),
    )


def _caps(one: Destination) -> list[tuple[str, int]]:
    return [(period, most) for period in _FULL if (most := getattr(one.caps, period)) is not None]


def rows_of(call_id: str, targets: Iterable[Target], at_ms: int) -> list[dict[str, Any]]:
    """The campaign's own destination has no caps and no attempts."""
    return [
        {
            "id": ids.new_id("att", at_ms),
            "call_id": call_id,
            "destination_id": one.id,
            "number": one.number,
            "state": "ringing",
            "counted": True,
            "at_ms": at_ms,
            "ended_at_ms": None,
        }
        for one in targets
        if one.id is not None
    ]


def end(connection: Connection, call_id: str, state: str | None, at_ms: int) -> None:
    """The carrier asks what comes next: what a call's open attempts wait for is over. `state`: what became of it."""
    became = state if state is not None and state != "in_progress" else "no_answer"
    still = (attempt.c.call_id == call_id) & attempt.c.ended_at_ms.is_(None)
    values = {"state": became, "ended_at_ms": at_ms, "counted": became in _ANSWERED}
    connection.execute(update(attempt).where(still).values(values))


def follow(
    connection: Connection, call_id: str, legs: Mapping[str, tuple[str, int | None]], over_ms: int | None
) -> None:
    """Brings a call's attempts to where its legs are: by number the state, and when that ended. `over_ms`: when the
    call ended, and all its attempts with it. One that nobody answered gives back what it counted."""
    for row in _OF_CALL.rows(connection, {"call_id": call_id}):
        state, ended_ms = legs.get(row["number"], (row["state"], row["ended_at_ms"]))
        if ended_ms is None and row["ended_at_ms"] is not None:  # the carrier went on, and told the leg's end to nobody
            ended_ms = row["ended_at_ms"]
            state = "completed" if state in _ANSWERED else row["state"]
        elif ended_ms is None and over_ms is not None:
            ended_ms = over_ms
            state = "completed" if state in _ANSWERED else "canceled"
        now = dict(zip(_FOLLOWED, (state, ended_ms, ended_ms is None or state in _ANSWERED), strict=True))
        if any(row[name] != value for name, value in now.items()):
            _FOLLOW.run(connection, {f"new_{name}": value for name, value in now.items()} | {"this": row["id"]})


_ANSWERED = ("in_progress", "completed")


def _since(what: str, at_ms: int, here: ZoneInfo) -> int:
    """From when attempts are looked at."""
    if what in ("concurrent", "last"):
        return at_ms - LONGEST_MS if what == "concurrent" else 0
    return began("day" if what == "today" else what, at_ms, here)


@lru_cache(256)
def _looks(whats: tuple[str, ...]) -> Prepared:
    """One statement for all that is asked; made once, since making it takes longer than asking."""
    return Prepared(select(*columns(whats)))


def _look(what: str, n: int) -> ColumnElement[int]:
    mine = attempt.c.destination_id == bindparam(f"of{n}", type_=Text)
    since = attempt.c.at_ms >= bindparam(f"since{n}", type_=BigInteger)
    if what == "last":
        last = select(func.max(attempt.c.at_ms)).where(mine, since)
        return func.coalesce(last.scalar_subquery(), 0)
    counts = attempt.c.ended_at_ms.is_(None) if what == "concurrent" else attempt.c.counted
    rows = select(literal(1)).where(mine, since, counts).limit(bindparam(f"most{n}", type_=BigInteger))
    return select(func.count()).select_from(rows.subquery()).scalar_subquery()
