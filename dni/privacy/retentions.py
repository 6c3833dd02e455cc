"""Storage of how long each kind of data is kept, and of what a day's forgetting came to."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.clock import rfc3339
from dni.ledger.engines import Ledger
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import forgotten, retention, retention_run
from dni.privacy.model import DAY_MS, DEFAULTS, KINDS, RetentionChange, RetentionDays

_RUNS_KEPT_MS = 400 * DAY_MS

Cursor = tuple[int, str]
"""Time (ms) and id of the last row that was looked at."""


class Run(msgspec.Struct):
    """One day's forgetting. `removed`: rows that went or were cleared, by kind."""

    started_at: Instant
    ended_at: Instant | None
    removed: dict[str, int]


class RetentionView(msgspec.Struct):
    """`default`: what holds where nobody said otherwise. `last_run` null: there was none yet."""

    days: RetentionDays
    default: RetentionDays
    last_run: Run | None


async def days(connection: AsyncConnection) -> RetentionDays:
    said = {row.kind: row.days for row in await connection.execute(select(retention))}
    return RetentionDays(**{kind.name: said.get(kind.name, kind.days) for kind in KINDS})


async def view(connection: AsyncConnection) -> RetentionView:
    runs = await last_runs(connection, 1)
    return RetentionView(await days(connection), DEFAULTS, runs[0] if runs else None)


async def change(ledger: Ledger, connection: AsyncConnection, to: RetentionChange) -> None:
    """Holds from the next run on. Needs a write transaction."""
    for kind, many in to.given().items():
        made = ledger.insert(retention).values(kind=kind, days=many)
        await connection.execute(made.on_conflict_do_update(index_elements=["kind"], set_={"days": many}))


async def last_runs(connection: AsyncConnection, limit: int) -> list[Run]:
    """The latest first."""
    wanted = select(retention_run).order_by(retention_run.c.started_at_ms.desc()).limit(limit)
    return [
        Run(rfc3339(row["started_at_ms"]), instant(row["ended_at_ms"]), row["removed"])
        for row in (await connection.execute(wanted)).mappings()
    ]


async def last_run(connection: AsyncConnection) -> Mapping[Any, Any] | None:
    """The row of the latest run."""
    wanted = select(retention_run).order_by(retention_run.c.started_at_ms.desc()).limit(1)
    return (await connection.execute(wanted)).mappings().first()


async def begin(connection: AsyncConnection, now_ms: int) -> None:
    await connection.execute(delete(retention_run).where(retention_run.c.started_at_ms < now_ms - _RUNS_KEPT_MS))
    await connection.execute(insert(retention_run).values(started_at_ms=now_ms, removed={}))


async def note(connection: AsyncConnection, started_ms: int, removed: dict[str, int], ended_ms: int | None) -> None:
    values = {"removed": removed, "ended_at_ms": ended_ms}
    await connection.execute(update(retention_run).where(retention_run.c.started_at_ms == started_ms).values(values))


async def cursor(connection: AsyncConnection, step: str) -> Cursor:
    wanted = select(forgotten.c.until_ms, forgotten.c.until_id).where(forgotten.c.step == step)
    found = (await connection.execute(wanted)).first()
    return (found[0], found[1]) if found else (0, "")


async def move(ledger: Ledger, connection: AsyncConnection, step: str, to: Cursor) -> None:
    values = {"until_ms": to[0], "until_id": to[1]}
    made = ledger.insert(forgotten).values(step=step, **values)
    await connection.execute(made.on_conflict_do_update(index_elements=["step"], set_=values))
