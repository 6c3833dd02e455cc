"""Storage of what was turned away at the carrier's door, so that the operator sees why and can mend it."""

import asyncio

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids
from dni.ledger import schema
from dni.ledger.engines import Ledger

KEPT = 1_000
"""Rows an account: a stranger cannot fill the disk."""
_WAIT_S = 0.35


class Refusal(msgspec.Struct, frozen=True):
    """`url` is the address as we saw it, without a query: a stranger may write anything there."""

    carrier: str
    at_ms: int
    code: str
    detail: str
    url: str


class Refusals:
    """Refusals that come at once are written in one transaction, so a flood of them does not keep calls waiting."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[Refusal] = []
        self._turn = asyncio.Lock()

    async def since(self, at_ms: int) -> list[tuple[str, str, int]]:
        """Carrier, code and how many, the most first. Raises Unavailable."""
        refusal = schema.refusal.c
        count = func.count().label("count")
        wanted = (
            select(refusal.carrier_id, refusal.code, count)
            .where(refusal.at_ms >= at_ms)
            .group_by(refusal.carrier_id, refusal.code)
            .order_by(count.desc(), refusal.carrier_id, refusal.code)
        )
        async with self._ledger.read() as connection:
            return [(carrier, code, many) for carrier, code, many in await connection.execute(wanted)]

    async def keep(self, refusal: Refusal) -> None:
        """Returns when it is written. Raises Unavailable."""
        self._waiting.append(refusal)
        async with self._turn:
            batch, self._waiting = self._waiting, []
            if not batch:  # went with the batch before
                return
            async with self._ledger.write(_WAIT_S) as connection:
                await connection.execute(self._ledger.insert(schema.refusal), [_row(one) for one in batch])
                for carrier in sorted({one.carrier for one in batch}):
                    await _trim(connection, carrier)


def _row(refusal: Refusal) -> dict[str, object]:
    return {
        "id": ids.new_id("ref", refusal.at_ms),
        "carrier_id": refusal.carrier,
        "at_ms": refusal.at_ms,
        "code": refusal.code,
        "detail": refusal.detail,
        "url": refusal.url,
    }


async def _trim(connection: AsyncConnection, carrier: str) -> None:
    row = schema.refusal.c
    oldest_too_many = (
        select(row.id).where(row.carrier_id == carrier).order_by(row.id.desc()).offset(KEPT).limit(1).scalar_subquery()
    )
    await connection.execute(delete(schema.refusal).where(row.carrier_id == carrier, row.id <= oldest_too_many))
