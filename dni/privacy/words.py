"""What people wrote of a call, and what its routing and its terms say of who called: goes with who called."""

from collections.abc import Collection

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.schema import adjustment, call, decision, dispute, outcome, verdict
from dni.qualification.model import Verdict
from dni.qualification.verdicts import wordless


async def forget_words(connection: AsyncConnection, calls: Collection[str], *, notes: bool = True) -> None:
    """What was decided, what became of the calls and what they pay stays, without the reasons and, of the caller, the
    notes."""
    await connection.execute(update(decision).where(decision.c.call_id.in_(calls)).values(path=[]))
    await forget_found(connection, calls)
    if not notes:
        return
    await connection.execute(update(adjustment).where(adjustment.c.call_id.in_(calls)).values(reason=""))
    await connection.execute(update(dispute).where(dispute.c.call_id.in_(calls)).values(reason="", note=None))
    await connection.execute(update(outcome).where(outcome.c.call_id.in_(calls)).values(note=None))
    noted = select(call.c.id, call.c.outcome).where(call.c.id.in_(calls), call.c.outcome.is_not(None))
    for row in (await connection.execute(noted)).all():
        bare = {**row.outcome, "note": None}
        await connection.execute(update(call).where(call.c.id == row.id).values(outcome=bare))


async def forget_found(
    connection: AsyncConnection, calls: Collection[str], words: Collection[str] | None = None
) -> None:
    """What the calls' terms found, such as the caller's region, of these `words` alone if they are given. What held and
    what it pays stays."""
    judged = select(verdict.c.call_id, verdict.c.told).where(verdict.c.call_id.in_(calls))
    for row in (await connection.execute(judged)).all():
        told = msgspec.convert(row.told, Verdict)
        bare = wordless(told, words)
        if bare != told:
            this = update(verdict).where(verdict.c.call_id == row.call_id)
            await connection.execute(this.values(told=msgspec.to_builtins(bare)))
