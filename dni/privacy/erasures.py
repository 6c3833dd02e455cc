"""Storage of which erasures were done: when, by whom, how much; never of whom."""

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access.model import Principal
from dni.clock import rfc3339
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant
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
    return ErasureView(str(row["id"]), rfc3339(now_ms), kind, principal.name, removed)


async def page(
    connection: AsyncConnection, limit: int, cursor: str | None = None
) -> tuple[list[ErasureView], str | None]:
    """Newest first."""
    found, after = await rows.page(connection, select(erasure), (erasure.c.id,), limit, cursor)
    return [
        ErasureView(row["id"], rfc3339(row["at_ms"]), row["kind"], row["by_name"], row["removed"]) for row in found
    ], after
