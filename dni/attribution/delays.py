"""Storage of what was learnt of each pool and of all; a process's newest reading of it."""

import asyncio
import logging
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.attribution.delay import VERSION, Counts, Delay
from dni.errors import Unavailable
from dni.ledger.engines import Ledger
from dni.ledger.schema import delay_counts

log = logging.getLogger("dni.attribution")

ALL = ""
"""Stands for all pools together, the parent of each."""

_READ_EVERY_S = 60.0


class Learnt(msgspec.Struct):
    """Counts by pool, and the last call that they hold, by time and id."""

    counts: dict[str, Counts]
    until: tuple[int, str]

    def of(self, pool: str) -> Counts:
        return self.counts.setdefault(pool, Counts())

    def delay(self, pool: str) -> Delay:
        return Delay(self.counts.get(pool), self.counts.get(ALL))


async def load(connection: AsyncConnection) -> Learnt:
    """Counts of an older version are not read: what they hold is learnt anew from the calls that there are."""
    found = (await connection.execute(select(delay_counts).where(delay_counts.c.version == VERSION))).mappings().all()
    until = next(((row["until_ms"], row["until_call"]) for row in found if row["pool_id"] == ALL), (0, ""))
    return Learnt({row["pool_id"]: msgspec.convert(row["counts"], Counts) for row in found}, until)


async def save(ledger: Ledger, connection: AsyncConnection, learnt: Learnt, pools: set[str]) -> None:
    """The counts of these pools and of all, with the last call that they hold."""
    for pool in (*sorted(pools), ALL):
        values: dict[str, Any] = {
            "pool_id": pool,
            "counts": msgspec.to_builtins(learnt.of(pool)),
            "version": VERSION,
            "until_ms": learnt.until[0],
            "until_call": learnt.until[1],
        }
        insert = ledger.insert(delay_counts).values(values)
        await connection.execute(insert.on_conflict_do_update(index_elements=["pool_id"], set_=values))


class Delays:
    """`.of` a pool is what this process read last. It stays what it was while the ledger is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._learnt = Learnt({}, (0, ""))
        self._delays: dict[str, Delay] = {}

    def of(self, pool: str) -> Delay:
        delay = self._delays.get(pool)
        if delay is None:
            delay = self._delays[pool] = self._learnt.delay(pool)
        return delay

    async def refresh(self) -> None:
        """Raises Unavailable."""
        async with self._ledger.read() as connection:
            self._learnt = await load(connection)
        self._delays = {}

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.refresh()
            except Unavailable as error:
                log.debug("what was learnt of delays cannot be read; the last reading stays: %s", error.detail)
            await asyncio.sleep(_READ_EVERY_S)
