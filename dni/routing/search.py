"""Finds for people where a call was sent, and how busy destinations are."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.catalog.model import Destination
from dni.clock import rfc3339
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import attempt, destination
from dni.qualification import budgets
from dni.routing import attempts
from dni.routing.periods import began


class Busy(msgspec.Struct, frozen=True):
    """Of a destination, now. `holds`: what keeps calls away, `is closed: …`; empty: it takes them. `under_way`: calls
    that ring or talk there; `today`: those and the answered ones, by its own clock."""

    holds: str
    under_way: int
    today: int


class AttemptView(msgspec.Struct):
    """A destination that a call was sent to. `number` as it was then, `state` a key of `call.model.STATES`."""

    at: Instant
    ended_at: Instant | None
    name: str
    number: str
    state: str


def busy(connection: Connection, wanted: Iterable[Destination], at_ms: int, zone: str) -> dict[str, Busy]:
    """By id. `zone`: the campaign's."""
    found = {}
    wanted = list(wanted)
    now = attempts.now_of(connection, wanted, at_ms, zone)
    full = budgets.full(connection, [one.id for one in wanted], at_ms)
    for one in wanted:
        mine = attempt.c.destination_id == one.id
        still = mine & attempt.c.ended_at_ms.is_(None) & (attempt.c.at_ms > at_ms - attempts.LONGEST_MS)
        since = began("day", at_ms, ZoneInfo(one.timezone or zone))
        counted = mine & attempt.c.counted & (attempt.c.at_ms >= since)
        under_way, today = (
            connection.execute(select(func.count()).select_from(attempt).where(which)).scalar_one()
            for which in (still, counted)
        )
        found[one.id] = Busy(now[one.id].why or full.get(one.id, ""), under_way, today)
    return found


async def attempts_of(connection: AsyncConnection, call_id: str) -> list[AttemptView]:
    """In their order. Who may read the call, and of destinations, was asked before."""
    query = select(attempt, destination.c.name).join(destination, destination.c.id == attempt.c.destination_id)
    found = await connection.execute(query.where(attempt.c.call_id == call_id).order_by(attempt.c.at_ms, attempt.c.id))
    return [
        AttemptView(
            at=rfc3339(row["at_ms"]),
            ended_at=instant(row["ended_at_ms"]),
            name=row["name"],
            number=row["number"],
            state=row["state"],
        )
        for row in found.mappings()
    ]
