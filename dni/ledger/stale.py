"""The copy of sessions and calls that reports are counted from (`chunk`), as seen by who changes these rows.

Stands here, and not with the reports, because every room that writes sessions or calls must say so.
"""

from collections.abc import Iterable
from typing import Literal

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.schema import chunk

Kind = Literal["session", "call"]

SETTLED_MS = 35 * 60_000
"""What began so long ago hardly changes any more: only that is copied. A visit ends after 30 minutes without activity,
and the touches of a call are kept after 15."""


async def mark(connection: AsyncConnection, kind: Kind, times_ms: Iterable[int]) -> None:
    """Rows that began at these moments came, changed or went: what is copied of then counts no more.

    In the transaction of the change.
    """
    times = list(times_ms)
    if not times:
        return
    # A stretch: some chunks between may be made anew for nothing, none is forgotten.
    of = (chunk.c.kind == kind, chunk.c.from_ms <= max(times), chunk.c.to_ms > min(times), chunk.c.final.is_(False))
    await connection.execute(update(chunk).where(*of).values(version=chunk.c.version + 1, sealed=False))


async def make_final(connection: AsyncConnection, kind: Kind, until_ms: int) -> None:
    """Rows that began before `until_ms` are about to be forgotten for their age: reports go on counting them.

    In the transaction that forgets, before it. Only what `sealed_until` says is copied may be forgotten so.
    """
    of = (chunk.c.kind == kind, chunk.c.from_ms < until_ms, chunk.c.sealed)
    await connection.execute(update(chunk).where(*of).values(final=True))
