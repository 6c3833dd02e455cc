"""Who called, of several calls at once: for lists that name calls of any campaign."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.schema import call


async def of_calls(connection: AsyncConnection, wanted: Collection[str]) -> dict[str, tuple[str | None, str]]:
    """By the call's id: its caller, null where withheld or forgotten, and the number that was dialled."""
    query = select(call.c.id, call.c.caller, call.c.tracking_number).where(call.c.id.in_(wanted))
    return {row.id: (row.caller, row.tracking_number) for row in await connection.execute(query)}
