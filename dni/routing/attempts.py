"""Storage of attempts: each destination that a call was sent to. Caps are counted from these rows.

Who adds one has counted in the same transaction, and no other adds one meanwhile: SQLite has one writer, on PostgreSQL
the destinations' rows are locked. So no cap is exceeded, nothing is counted twice, and what a lost event leaves open
stops counting by itself.
"""

from collections.abc import Collection, Iterable, Mapping
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, func, insert, literal, select, update

from dni import ids
from dni.catalog.model import Destination
from dni.ledger import schema
from dni.ledger.schema import attempt
from dni.routing.conditions import Now
from dni.routing.doors import began, why_closed
from dni.routing.plan import Target

LONGEST_MS = (4 * 60 + 10) * 60_000
"""Carriers end a call after four hours, as we tell them; whatever is open longer lost its end."""

_PERIODS = ("minute", "hour", "day", "month")


def lock(connection: Connection, wanted: Collection[str]) -> None:
    """Until the end of the transaction nobody else counts these."""
    rows = select(schema.destination.c.id).where(schema.destination.c.id.in_(wanted))
    # NO KEY UPDATE: who adds an attempt without counting need not wait.
    connection.execute(rows.order_by(schema.destination.c.id).with_for_update(key_share=True))


def now_of(connection: Connection, one: Destination, at_ms: int, zone: str, *, ordered: bool) -> Now:
    """How a destination is now. `zone`: its campaign's; `ordered`: how much it was used is wanted too."""
    here = ZoneInfo(one.timezone or zone)
    closed = why_closed(one, at_ms, zone)
    full = "" if closed else _full(connection, one, at_ms, here)
    today = last_ms = 0
    if ordered:
        since = began("day", at_ms, here)
        today = _count(connection, attempt.c.counted & (attempt.c.at_ms >= since), one.id)
        last = select(func.max(attempt.c.at_ms)).where(attempt.c.destination_id == one.id)
        last_ms = connection.execute(last).scalar() or 0
    return Now(
        id=one.id,
        name=one.name,
        number=one.number,
        is_open=not closed,
        has_room=not full,
        why=closed or full,
        today=today,
        last_ms=last_ms,
    )


def add(connection: Connection, call_id: str, targets: Iterable[Target], at_ms: int) -> None:
    """The campaign's own destination has no caps and no attempts."""
    rows = [
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
    if rows:
        connection.execute(insert(attempt), rows)


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
    mine = select(attempt).where(attempt.c.call_id == call_id)
    for row in connection.execute(mine).mappings().all():
        state, ended_ms = legs.get(row["number"], (row["state"], row["ended_at_ms"]))
        if ended_ms is None and row["ended_at_ms"] is not None:  # the carrier went on, and told the leg's end to nobody
            ended_ms = row["ended_at_ms"]
            state = "completed" if state in _ANSWERED else row["state"]
        elif ended_ms is None and over_ms is not None:
            ended_ms = over_ms
            state = "completed" if state in _ANSWERED else "canceled"
        values = {"state": state, "ended_at_ms": ended_ms, "counted": ended_ms is None or state in _ANSWERED}
        if any(row[name] != value for name, value in values.items()):
            connection.execute(update(attempt).where(attempt.c.id == row["id"]).values(values))


_ANSWERED = ("in_progress", "completed")


def _full(connection: Connection, one: Destination, at_ms: int, here: ZoneInfo) -> str:
    """Which cap is reached; empty: none."""
    if (most := one.caps.concurrent) is not None:
        open_ = attempt.c.ended_at_ms.is_(None) & (attempt.c.at_ms > at_ms - LONGEST_MS)
        if _count(connection, open_, one.id, most) >= most:
            return f"is full: {most} at once"
    for period in _PERIODS:
        most = getattr(one.caps, period)
        if most is None:
            continue
        within = attempt.c.counted & (attempt.c.at_ms >= began(period, at_ms, here))
        if _count(connection, within, one.id, most) >= most:
            return f"is full: {most} a {period}"
    return ""


def _count(connection: Connection, which: ColumnElement[bool], wanted: str, most: int | None = None) -> int:
    """Of a destination's attempts; no further than `most`."""
    rows = select(literal(1)).where(attempt.c.destination_id == wanted, which)
    if most is not None:
        rows = rows.limit(max(most, 1))
    return connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one()
