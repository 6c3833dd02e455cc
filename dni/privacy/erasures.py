"""Storage of which erasures were done: when, by whom, how much; never of whom."""

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access.model import Principal
from dni.ids import new_id
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import erasure


class ErasureView(msgspec.Struct):
    """An erasure that was done, or with `id` null one that was only tried.

    `removed`: rows that went or name nobody now, by table; `holders` are records of numbers in Redis. `by`: whose token
    asked.
    """

    id: str | None
    at: Instant
    kind: str
    by: str
    removed: dict[str, int]


async def add(
    connection: AsyncConnection, now_ms: int, kind: str, principal: Principal, removed: dict[str, int]
) -> ErasureView:
    row = {"id": new_id("era", now_ms), "at_ms": now_ms, "kind": kind}
    by = {"by_id": principal.id, "by_name": principal.name}
    await connection.execute(insert(erasure).values(**row, **by, removed=removed))
    return ErasureView(str(row["id"]), instant(now_ms) or "", kind, principal.name, removed)


async def latest(connection: AsyncConnection, limit: int) -> list[ErasureView]:
    """The latest first."""
    found = await connection.execute(select(erasure).order_by(erasure.c.id.desc()).limit(limit))
    return [
        ErasureView(row["id"], instant(row["at_ms"]) or "", row["kind"], row["by_name"], row["removed"])
        for row in found.mappings()
    ]
