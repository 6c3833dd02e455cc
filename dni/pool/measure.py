"""Measures in the ledger what a pool's size depends on: arrivals at the busiest hour, visit length, call delay."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.errors import NotFound
from dni.ledger.engines import Ledger
from dni.ledger.schema import call, lease, number, pool, session, tag
from dni.pool.use import Hour, sample, summed

DAYS = 28
"""How far back is looked: four whole weeks, so that every weekday counts."""

FEWEST_LEASES = 100
FEWEST_VISITS = 30
FEWEST_CALLS = 30

_HOUR_MS = 3_600_000
_BUSY_HOURS = 24  # the busiest of these with the refused visits is the busiest hour
_MOST_CALLS = 10_000  # the newest; more would not tell the delay better
_QUANTILES = 100


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger says of the last 28 days. A figure is None when too little is known of it.

    Visits are leases: a page with two targets takes two numbers. `refused` of the busiest hour's arrivals got none
    because the pool was exhausted. Delays are in seconds from the last sign of life, ascending, 0 for a call during the
    visit, at most 100 quantiles. They are those of the session that a call was credited to: a call after reuse that was
    credited to the next holder looks too early.
    """

    pools: int
    numbers: int
    hold_seconds: int | None
    leases: int
    arrivals_per_hour: float | None
    busiest_hour_ms: int | None
    refused: int
    visits: int
    visit_seconds: float | None
    calls: int
    delays: tuple[float, ...] | None


async def measure(ledger: Ledger, now_ms: int, wanted: str | None = None) -> Measured:
    """Of one pool, or of all as if they were one. Raises NotFound for a pool that is not there, Unavailable."""
    since_ms = now_ms - DAYS * 24 * _HOUR_MS
    async with ledger.read() as connection:
        pools, hold_seconds = await _pools(connection, wanted)
        in_pool = number.c.pool_id.is_not(None) if wanted is None else number.c.pool_id == wanted
        live = select(func.count()).select_from(number).where(in_pool, number.c.retired_at_ms.is_(None))
        numbers = (await connection.execute(live)).scalar_one()
        leases, visits, visit_ms, hours = await _visits(connection, in_pool, wanted, since_ms)
        busiest_ms, arrivals, refused = await _busiest(connection, wanted, hours)
        delays = await _delays(connection, in_pool, wanted, since_ms)
    enough = leases >= FEWEST_LEASES
    return Measured(
        pools=pools,
        numbers=numbers,
        hold_seconds=hold_seconds,
        leases=leases,
        arrivals_per_hour=arrivals if enough else None,
        busiest_hour_ms=busiest_ms if enough else None,
        refused=refused if enough else 0,
        visits=visits,
        visit_seconds=_mean_s(visit_ms, visits),
        calls=len(delays),
        delays=_quantiles(delays) if len(delays) >= FEWEST_CALLS else None,
    )


def from_hours(hours: Mapping[int, Hour], numbers: int, hold_seconds: int) -> Measured:
    """The same of one pool, from the whole hours that are counted already; delays are as exact as these counts."""
    leases = sum(hour.begun for hour in hours.values())
    visits = sum(hour.visits for hour in hours.values())
    delays = summed(hour.delays for hour in hours.values())
    busiest_ms = max(hours, key=lambda at: hours[at].begun + hours[at].exhausted, default=None)
    busiest = Hour() if busiest_ms is None else hours[busiest_ms]
    enough = leases >= FEWEST_LEASES
    return Measured(
        pools=1,
        numbers=numbers,
        hold_seconds=hold_seconds,
        leases=leases,
        arrivals_per_hour=busiest.begun + busiest.exhausted if enough else None,
        busiest_hour_ms=busiest_ms if enough else None,
        refused=busiest.exhausted if enough else 0,
        visits=visits,
        visit_seconds=_mean_s(sum(hour.visit_ms for hour in hours.values()), visits),
        calls=sum(delays),
        delays=sample(delays, _QUANTILES) if sum(delays) >= FEWEST_CALLS else None,
    )


def _mean_s(visit_ms: int, visits: int) -> float | None:
    # A pool whose pages never gave a sign still has visits of some length.
    return max(1, visit_ms / visits) / 1000 if visits >= FEWEST_VISITS else None


async def _pools(connection: AsyncConnection, wanted: str | None) -> tuple[int, int | None]:
    """How many there are, and their hold in seconds where all have the same."""
    query = select(pool.c.hold_seconds).where(pool.c.deleted_at_ms.is_(None))
    if wanted is not None:
        query = query.where(pool.c.id == wanted)
    holds = (await connection.execute(query)).scalars().all()
    if wanted is not None and not holds:
        raise NotFound(f"there is no pool {wanted}")
    return len(holds), holds[0] if len(set(holds)) == 1 else None


async def _visits(
    connection: AsyncConnection, in_pool: ColumnElement[bool], wanted: str | None, since_ms: int
) -> tuple[int, int, int, dict[int, int]]:
    """Leases, those of them that are over, how many ms these lasted in all, and leases by hour since the epoch."""
    newest = _newest(in_pool, since_ms).subquery()
    over = lease.c.started_at_ms < newest.c.started_at_ms
    hour = (lease.c.started_at_ms // _HOUR_MS).label("hour")
    lasted = func.sum(lease.c.last_sign_ms - lease.c.started_at_ms).filter(over)
    query = (
        select(hour, func.count(), func.count().filter(over), lasted)
        .join(newest, newest.c.number == lease.c.number)
        .where(lease.c.started_at_ms >= since_ms, *_of(wanted))
        .group_by(hour)
    )
    rows = (await connection.execute(query)).all()
    lasted_ms = sum(int(row[3] or 0) for row in rows)
    return sum(row[1] for row in rows), sum(row[2] for row in rows), lasted_ms, {row[0]: row[1] for row in rows}


def _newest(in_pool: ColumnElement[bool], since_ms: int) -> Select[tuple[str, int]]:
    """The last lease of each number: its length is not known yet, signs of life are written when a lease is over."""
    numbers = select(number.c.number).where(in_pool).distinct().subquery()
    return (
        select(lease.c.number, func.max(lease.c.started_at_ms).label("started_at_ms"))
        .join(numbers, numbers.c.number == lease.c.number)
        .where(lease.c.started_at_ms >= since_ms)
        .group_by(lease.c.number)
    )


async def _busiest(
    connection: AsyncConnection, wanted: str | None, hours: dict[int, int]
) -> tuple[int | None, int, int]:
    """When the busiest hour began (ms), its visits with those refused for want of a number, and these alone.

    Which pool refused is not recorded: refused visits of a tag count for the tag's own pool. An hour that refused was
    full, so it is among the busiest by leases.
    """
    best: tuple[int | None, int, int] = (None, 0, 0)
    for hour, leased in sorted(hours.items(), key=lambda item: -item[1])[:_BUSY_HOURS]:
        began_ms = hour * _HOUR_MS
        within = session.c.started_at_ms.between(began_ms, began_ms + _HOUR_MS - 1)
        query = select(func.count()).select_from(session).where(within, session.c.unleased == "exhausted")
        if wanted is not None:
            query = query.where(session.c.tag_id.in_(select(tag.c.id).where(tag.c.pool_id == wanted)))
        refused = (await connection.execute(query)).scalar_one()
        if leased + refused > best[1]:
            best = (began_ms, leased + refused, refused)
    return best


async def _delays(
    connection: AsyncConnection, in_pool: ColumnElement[bool], wanted: str | None, since_ms: int
) -> list[float]:
    """Seconds from the last sign of life to the call, of the newest calls whose leases are over."""
    newest = _newest(in_pool, since_ms).subquery()
    calls = (
        select(call.c.id, call.c.session_id, call.c.tracking_number, call.c.started_at_ms)
        .where(call.c.started_at_ms >= since_ms, call.c.session_id.is_not(None))
        .where(call.c.tracking_number.in_(select(number.c.number).where(in_pool)))
        .order_by(call.c.started_at_ms.desc())
        .limit(_MOST_CALLS)
        .subquery()
    )
    query = (
        select(calls.c.started_at_ms - func.max(lease.c.last_sign_ms))
        .join(lease, (lease.c.session_id == calls.c.session_id) & (lease.c.number == calls.c.tracking_number))
        .join(newest, newest.c.number == lease.c.number)
        .where(lease.c.started_at_ms <= calls.c.started_at_ms, lease.c.started_at_ms < newest.c.started_at_ms)
        .where(*_of(wanted))
        .group_by(calls.c.id, calls.c.started_at_ms)
    )
    return sorted(max(0, ms) / 1000 for ms in (await connection.execute(query)).scalars())


def _of(wanted: str | None) -> list[ColumnElement[bool]]:
    return [] if wanted is None else [lease.c.pool_id == wanted]


def _quantiles(ascending: list[float]) -> tuple[float, ...]:
    count = len(ascending)
    if count <= _QUANTILES:
        return tuple(ascending)
    return tuple(ascending[int((each + 0.5) * count / _QUANTILES)] for each in range(_QUANTILES))
