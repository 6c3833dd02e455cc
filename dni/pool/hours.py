"""Storage of how pools were used, hour by hour (`pool_hour`), and what it is counted from."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Select, and_, delete, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.ledger import rows
from dni.ledger.engines import Ledger
from dni.ledger.schema import call, campaign, lease, number, pool, pool_hour, session, tag
from dni.pool.use import HOUR_MS, Hour, Lease

_KEY = ("pool_id", "hour_ms")
_LEASE = (
    lease.c.number,
    lease.c.started_at_ms,
    lease.c.last_sign_ms,
    lease.c.ended_at_ms,
    or_(
        lease.c.last_sign_ms > lease.c.started_at_ms, lease.c.left_at_ms.is_not(None), lease.c.tapped_at_ms.is_not(None)
    ),
    lease.c.session_id,
    lease.c.pool_id,
)


class UsedPool(msgspec.Struct, frozen=True):
    """`timezone` None: no campaign has claimed the pool yet."""

    id: str
    name: str
    hold_seconds: int
    numbers: int
    timezone: str | None


class Ring(msgspec.Struct, frozen=True):
    """A credited call. `delay_ms`: from the last sign of the lease that it came from; None: that may still go on."""

    at_ms: int
    confidence: float
    delay_ms: int | None


async def one(connection: AsyncConnection, principal: Principal, wanted: str) -> UsedPool:
    """Raises NotFound, also for a pool behind the principal's walls."""
    live = select(func.count()).where(number.c.pool_id == pool.c.id, number.c.retired_at_ms.is_(None))
    query = (
        select(
            pool.c.id, pool.c.name, pool.c.hold_seconds, live.scalar_subquery().label("numbers"), campaign.c.timezone
        )
        .select_from(pool.outerjoin(campaign, campaign.c.id == pool.c.campaign_id))
        .where(pool.c.id == wanted, pool.c.deleted_at_ms.is_(None), walls.pools(principal))
    )
    return UsedPool(**await rows.one(connection, query, f"pool {wanted}"))


async def of(connection: AsyncConnection, wanted: str, from_ms: int, to_ms: int) -> dict[int, Hour]:
    """The hours that began from `from_ms` until `to_ms`, by when they began, in order."""
    columns = [pool_hour.c.hour_ms, *(pool_hour.c[name] for name in Hour.__struct_fields__)]
    mine = (pool_hour.c.pool_id == wanted, pool_hour.c.hour_ms >= from_ms, pool_hour.c.hour_ms < to_ms)
    query = select(*columns).where(*mine).order_by(pool_hour.c.hour_ms)
    return {row[0]: Hour(*row[1:]) for row in await connection.execute(query)}


async def first(connection: AsyncConnection) -> int | None:
    """When the first visit began that is kept; 0 where leases are kept without their visits, None where neither is."""
    begun, leased = select(func.min(session.c.started_at_ms)).scalar_subquery(), exists().select_from(lease)
    first_ms, has_leases = (await connection.execute(select(begun, leased))).one()
    return 0 if first_ms is None and has_leases else first_ms


async def newest(connection: AsyncConnection) -> int | None:
    """When the last hour began that is kept of any pool."""
    found: int | None = (await connection.execute(select(func.max(pool_hour.c.hour_ms)))).scalar()
    return found


async def keep(
    ledger: Ledger, connection: AsyncConnection, of_pool: str, hours: Mapping[int, Hour], sure_ms: int
) -> None:
    """Hours by when they began. Before `sure_ms` one that lacks what is kept of it stays as it is."""
    before = await of(connection, of_pool, min(hours), sure_ms) if hours else {}
    fresh = {at: hour for at, hour in hours.items() if at not in before or not hour.lacks(before[at])}
    if not fresh:
        return
    insert = ledger.insert(pool_hour)
    statement = insert.on_conflict_do_update(
        index_elements=_KEY, set_={name: insert.excluded[name] for name in Hour.__struct_fields__}
    )
    values = [{"pool_id": of_pool, "hour_ms": at, **msgspec.structs.asdict(hour)} for at, hour in fresh.items()]
    await connection.execute(statement, values)


async def forget(connection: AsyncConnection, until_ms: int) -> None:
    """Hours that began before."""
    await connection.execute(delete(pool_hour).where(pool_hour.c.hour_ms < until_ms))


async def pools(connection: AsyncConnection) -> list[tuple[str, int]]:
    """Id and hold in ms of those that are in use."""
    query = select(pool.c.id, pool.c.hold_seconds).where(pool.c.deleted_at_ms.is_(None)).order_by(pool.c.id)
    return [(row[0], row[1] * 1000) for row in await connection.execute(query)]


async def numbers(connection: AsyncConnection, of_pool: str) -> list[str]:
    """For `leases`: ids, one for each number that is or was the pool's."""
    query = select(func.max(number.c.id)).where(number.c.pool_id == of_pool).group_by(number.c.number)
    return list((await connection.execute(query)).scalars())


async def leases(connection: AsyncConnection, some: Sequence[str], from_ms: int, to_ms: int) -> dict[str, list[Lease]]:
    """By number, in order: leases that began from `from_ms` until `to_ms`, the last before and the first after.

    By the primary key alone, whatever the age of the ledger.
    """
    chosen = select(number.c.number).where(number.c.id.in_(some))
    within = lease.c.number.in_(chosen), lease.c.started_at_ms >= from_ms, lease.c.started_at_ms < to_ms
    found: dict[str, list[Lease]] = {}
    for query in (
        _beside(some, before_ms=from_ms),
        select(*_LEASE).where(*within).order_by(lease.c.number, lease.c.started_at_ms),
        _beside(some, from_ms=to_ms),
    ):
        for row in await connection.execute(query):
            found.setdefault(row[0], []).append(Lease(*row[1:]))
    return found


async def refused(
    connection: AsyncConnection, from_ms: int, to_ms: int
) -> dict[str, list[tuple[int, Literal["exhausted", "no_region"], int]]]:
    """By pool: when an hour began, why sessions of that hour got no number, and how many.

    Which pool refused is not recorded: they count for the pool of their tag.
    """
    hour = session.c.started_at_ms // HOUR_MS
    why = session.c.unleased.in_(("exhausted", "no_region"))
    query = (
        select(tag.c.pool_id, hour, session.c.unleased, func.count())
        .join(tag, tag.c.id == session.c.tag_id)
        .where(session.c.started_at_ms >= from_ms, session.c.started_at_ms < to_ms, why, tag.c.pool_id.is_not(None))
        .group_by(tag.c.pool_id, hour, session.c.unleased)
    )
    found: dict[str, list[tuple[int, Literal["exhausted", "no_region"], int]]] = {}
    for of_pool, hours, reason, count in await connection.execute(query):
        found.setdefault(of_pool, []).append((hours * HOUR_MS, reason, count))
    return found


async def rings(connection: AsyncConnection, from_ms: int, to_ms: int) -> dict[str, list[Ring]]:
    """By pool: calls from `from_ms` until `to_ms` that are credited to a session which held the number they rang on."""
    other = lease.alias()
    is_over = exists().where(other.c.number == lease.c.number, other.c.started_at_ms > lease.c.started_at_ms)
    query = (
        select(call.c.id, call.c.started_at_ms, call.c.confidence, lease.c.pool_id, lease.c.last_sign_ms, is_over)
        .join(lease, and_(lease.c.session_id == call.c.session_id, lease.c.number == call.c.tracking_number))
        .where(call.c.started_at_ms >= from_ms, call.c.started_at_ms < to_ms)
        .where(lease.c.started_at_ms <= call.c.started_at_ms)
        .order_by(lease.c.started_at_ms)
    )
    # A session may have held the number twice: the last time counts.
    last = {row[0]: row[1:] for row in await connection.execute(query)}
    found: dict[str, list[Ring]] = {}
    for at_ms, confidence, of_pool, sign_ms, over in last.values():
        ring = Ring(at_ms, confidence or 0.0, max(0, at_ms - sign_ms) if over else None)
        found.setdefault(of_pool, []).append(ring)
    return found


def _beside(some: Sequence[str], *, before_ms: int | None = None, from_ms: int | None = None) -> Select[Any]:
    """The last lease before, or the first one from then on, of each of the numbers."""
    other = lease.alias()
    picked = func.max(other.c.started_at_ms) if from_ms is None else func.min(other.c.started_at_ms)
    side = other.c.started_at_ms < before_ms if from_ms is None else other.c.started_at_ms >= from_ms
    at = select(picked).where(other.c.number == number.c.number, side).correlate(number).scalar_subquery()
    edge = select(number.c.number, at.label("at_ms")).where(number.c.id.in_(some)).subquery()
    return select(*_LEASE).join(edge, and_(lease.c.number == edge.c.number, lease.c.started_at_ms == edge.c.at_ms))
