"""Where forgetting meets the reports: what they count of the past must not change because rows grow old."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.errors import Unavailable
from dni.ledger import stale
from dni.ledger.stale import Kind
from dni.report import chunks

# Changes that are no further apart are told together: what lies between them is copied anew too.
_TOGETHER_MS = 3_600_000


async def kept_until(connection: AsyncConnection) -> int:
    """Visits that began before then (ms) are in copies that reports count, so their rows may go."""
    return await chunks.sealed_until(connection, "session") or 0


async def keep(connection: AsyncConnection, until_ms: int) -> None:
    """Visits that began before then are about to go, in this transaction: their copies stay as they are.

    Raises Unavailable when one of them is just being made anew.
    """
    if await kept_until(connection) < until_ms:
        raise Unavailable("reports do not have a copy of visits that are to be forgotten yet")
    await connection.run_sync(stale.make_final, "session", until_ms)


async def changed(connection: AsyncConnection, kind: Kind, started_at_ms: Collection[int]) -> None:
    """Rows that began at these moments (ms) went or changed because a person was erased."""
    together: list[int] = []
    for at_ms in sorted(started_at_ms):
        if together and at_ms - together[-1] > _TOGETHER_MS:
            await connection.run_sync(stale.mark, kind, together)
            together = []
        together.append(at_ms)
    await connection.run_sync(stale.mark, kind, together)
