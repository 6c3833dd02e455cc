"""What calls keep when who called is forgotten: whether it was a first call, and events without what names a person."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.schema import call, call_event, carrier


async def first_times(connection: AsyncConnection, calls: Sequence[Any]) -> dict[str, bool | None]:
    """Of calls whose callers are about to go, the oldest first: whether each was its telephone's first of the campaign.

    None where no caller is known and nothing was noted before.
    """
    told: dict[str, bool | None] = {}
    seen: set[tuple[str, str]] = set()
    for row in calls:
        if row["first_time"] is not None or row["caller"] is None:
            told[row["id"]] = row["first_time"]
            continue
        of = (row["caller"], row["campaign_id"] or row["id"])
        is_first = of not in seen
        if is_first and row["campaign_id"] is not None:
            before = select(func.min(call.c.started_at_ms)).where(
                call.c.caller == row["caller"],
                call.c.campaign_id == row["campaign_id"],
                call.c.started_at_ms <= row["started_at_ms"],
                call.c.id != row["id"],
                (call.c.started_at_ms < row["started_at_ms"]) | (call.c.id < row["id"]),
            )
            is_first = (await connection.execute(before)).scalar_one() is None
        seen.add(of)
        told[row["id"]] = is_first
    return told


async def bare_events(
    connection: AsyncConnection,
    events: Sequence[Any],
    carriers: dict[str, str],
    bare: Callable[[str, dict[str, str]], dict[str, str]],
) -> int:
    """What stays of events of calls (call -> carrier); how many changed."""
    ports = {row.id: row.kind for row in await connection.execute(select(carrier.c.id, carrier.c.kind))}
    changed = 0
    for row in events:
        kept = bare(ports.get(carriers[row["call_id"]], ""), row["fields"])
        if kept != row["fields"]:
            changed += 1
            await connection.execute(update(call_event).where(call_event.c.id == row["id"]).values(fields=kept))
    return changed
