"""What people wrote of a call, and what its way through the routing says of who called: goes with who called."""

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.schema import call, decision, outcome


async def forget_words(connection: AsyncConnection, calls: Collection[str], *, notes: bool = True) -> None:
    """What was decided and what became of the calls stays, without the reasons and, of the caller, the notes."""
    await connection.execute(update(decision).where(decision.c.call_id.in_(calls)).values(path=[]))
    if not notes:
        return
    await connection.execute(update(outcome).where(outcome.c.call_id.in_(calls)).values(note=None))
    noted = select(call.c.id, call.c.outcome).where(call.c.id.in_(calls), call.c.outcome.is_not(None))
    for row in (await connection.execute(noted)).all():
        bare = {**row.outcome, "note": None}
        await connection.execute(update(call).where(call.c.id == row.id).values(outcome=bare))
