"""What calls keep when who called is forgotten: whether it was a first call, and events without what names a person."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.schema import call, call_event, carrier


async def first_times(connection: AsyncConnection, calls: Sequence[Any]) -> dict[str, bool]:
    """Of calls whose callers are about to go: whether each was its telephone's first of the campaign.

    Those of withheld callers, and those of which it was noted before, are left out.
    """
    asked = [row for row in calls if row["first_time"] is None and row["caller"] is not None]
    of = {(row["caller"], row["campaign_id"]) for row in asked if row["campaign_id"] is not None}
    columns = call.c.caller, call.c.campaign_id
    mine = call.c.caller.in_({caller for caller, _ in of}) & tuple_(*columns).in_(of)
    began = select(*columns, func.min(call.c.started_at_ms)).where(mine).group_by(*columns)
    starts = [tuple(row) for row in await connection.execute(began)] if of else []
    at = tuple_(*columns, call.c.started_at_ms).in_(starts)
    first = select(func.min(call.c.id)).where(mine, at).group_by(*columns)
    firsts = set((await connection.execute(first)).scalars()) if starts else set()
    return {row["id"]: row["campaign_id"] is None or row["id"] in firsts for row in asked}


async def bare_events(
    connection: AsyncConnection,
    events: Sequence[Any],
    carriers: dict[str, str],
    bare: Callable[[str, dict[str, str]], dict[str, str]],
) -> int:
    """What stays of events of calls (call -> carrier); how many changed."""
    ports = {row.id: row.kind for row in await connection.execute(select(carrier.c.id, carrier.c.kind))}
    changed = []
    for row in events:
        kept = bare(ports.get(carriers[row["call_id"]], ""), row["fields"])
        if kept != row["fields"]:
            changed.append({"of": row["id"], "kept": kept})
    if changed:
        this = call_event.c.id == bindparam("of")
        await connection.execute(update(call_event).where(this).values(fields=bindparam("kept")), changed)
    return len(changed)
