"""Puts the pools of the ledger into Redis: after a change of configuration, and when Redis was lost.

Any process may do it at any time. A number is marked `placed` in the ledger in the transaction around its first
placing, so two processes never disagree on whether a number may already be on a screen.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from sqlalchemy import select, update

from dni.errors import Unavailable
from dni.ledger import schema
from dni.live.connection import RedisError
from dni.parts import Parts
from dni.pool.keys import SHARDS

log = logging.getLogger("dni.pool")

# Numbers a script call: some 5 ms of Redis' time, so that page views in between hardly wait.
_CHUNK = 5_000


class _Pool:
    def __init__(self) -> None:
        self.fresh: list[str] = []
        self.known: list[str] = []
        self.retired: list[str] = []
        self.regions: dict[str, str] = {}


async def place(parts: Parts, only: Collection[str] = SHARDS) -> None:
    """Every claimed pool's numbers, or those of some shards.

    Raises Unavailable when the ledger is away, or Redis; shards of a Cluster that are not away are placed all the same.
    Done again, it goes on.
    """
    async with parts.ledger.read() as connection:
        owners = select(schema.pool.c.campaign_id).where(schema.pool.c.campaign_id.is_not(None)).distinct()
        campaigns = (await connection.execute(owners)).scalars().all()
    of_shard: dict[str, list[str]] = defaultdict(list)
    for campaign in campaigns:
        of_shard[parts.keys.shard(campaign)].append(campaign)
    failed: Unavailable | None = None
    for shard in of_shard.keys() & set(only):
        try:
            await _place(parts, of_shard[shard])
        except Unavailable as error:
            failed = error
    if failed:
        raise failed


async def _place(parts: Parts, campaigns: list[str]) -> None:
    number, pool = schema.number, schema.pool
    unplaced = (
        number.c.placed_at_ms.is_(None) & number.c.retired_at_ms.is_(None) & number.c.pool_id.in_(
            select(pool.c.id).where(pool.c.campaign_id.in_(campaigns))
        )
    )  # fmt: skip
    async with parts.ledger.read() as connection:
        any_fresh = (await connection.execute(select(number.c.id).where(unplaced).limit(1))).first() is not None
    if not any_fresh:
        async with parts.ledger.read() as connection:
            await _to_redis(parts, await _pools(connection, campaigns, set()))
        return
    async with parts.ledger.write() as connection:
        marked = update(number).where(unplaced).values(placed_at_ms=parts.clock.now_ms()).returning(number.c.id)
        fresh = set((await connection.execute(marked)).scalars())
        await _to_redis(parts, await _pools(connection, campaigns, fresh))


async def trust(parts: Parts, former_run_id: str) -> None:
    """The server was stopped in order and has forgotten nothing: pools that knew its former run go on at once."""
    for pool in parts.catalog.now.pools.values():
        if pool.campaign:
            await parts.leases.trust(pool.campaign, pool.id, former_run_id)


async def keep_placed(parts: Parts, stop: asyncio.Event) -> None:
    """The parent's duty: places at every change of the catalog and of the server that serves a shard."""
    placed: dict[str, tuple[int, str]] = {}
    while not stop.is_set():
        await parts.catalog.refresh()
        revision = parts.catalog.now.revision
        now = {shard: (revision, run_id) for shard, run_id in _servers(parts)}
        changed = {shard: state for shard, state in now.items() if placed.get(shard) != state}
        if changed:
            try:
                await place(parts, changed)
                placed |= changed
            except (Unavailable, RedisError) as error:
                log.warning("pools cannot be placed yet: %s", error)
        try:
            await asyncio.wait_for(stop.wait(), 0.4)
        except TimeoutError:
            continue


def _servers(parts: Parts) -> Iterator[tuple[str, str]]:
    """Each shard that is served now, with its server's run id."""
    for shard in SHARDS:
        with suppress(Unavailable):
            node = parts.live.node(shard)
            if node.is_up:
                yield shard, node.run_id


async def place_missing(parts: Parts) -> None:
    """A worker's duty, until cancelled: a page view found no pool, so Redis was lost under us."""
    while True:
        await parts.pool_missing.wait()
        try:
            await place(parts)
        except (Unavailable, RedisError) as error:
            log.warning("pools cannot be placed yet: %s", error)
        parts.pool_missing.clear()
        await asyncio.sleep(0.2)  # a pool that no place can mend must not make us spin


async def _pools(connection: Any, campaigns: list[str], fresh: set[str]) -> dict[tuple[str, str, int], _Pool]:
    """By (campaign, pool, hold in ms)."""
    number, pool = schema.number, schema.pool
    rows = await connection.execute(
        select(number.c.id, number.c.number, number.c.retired_at_ms, number.c.region)
        .add_columns(pool.c.id, pool.c.campaign_id, pool.c.hold_seconds)
        .join(pool, pool.c.id == number.c.pool_id)
        .where(pool.c.campaign_id.in_(campaigns))
    )
    pools: dict[tuple[str, str, int], _Pool] = defaultdict(_Pool)
    for row_id, e164, retired_at_ms, region, pool_id, campaign, hold_seconds in rows:
        one = pools[campaign, pool_id, hold_seconds * 1000]
        side = one.retired if retired_at_ms is not None else one.fresh if row_id in fresh else one.known
        side.append(e164)
        if region and retired_at_ms is None:
            one.regions[e164] = region
    return pools


async def _to_redis(parts: Parts, pools: dict[tuple[str, str, int], _Pool]) -> None:
    for (campaign, pool, hold_ms), one in pools.items():
        # A number that was retired and added again is live: it must not be taken out after it was put in.
        retired = set(one.retired) - set(one.fresh) - set(one.known)
        kinds = [("f", n) for n in one.fresh] + [("k", n) for n in one.known] + [("r", n) for n in retired]
        lost = 0
        for at in range(0, len(kinds), _CHUNK):
            chunk = kinds[at : at + _CHUNK]
            fresh, known, gone = ([n for kind, n in chunk if kind == wanted] for wanted in "fkr")
            lost += await parts.leases.place(
                parts.clock.now_ms(), campaign, pool, hold_ms, fresh, known, gone, one.regions or None
            )
        if lost:
            log.warning(
                "pool %s: %d numbers were lost with Redis; it gives none until no screen can show them", pool, lost
            )
