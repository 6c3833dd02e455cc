"""Storage of sessions and of the leases they held. Written by the recorder only, a batch in a transaction."""

from typing import Any

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger import schema
from dni.ledger.bulk import insert_many
from dni.ledger.engines import Ledger


class Batch:
    """What some stream entries come to. Rows of one session are merged, so that each is written once."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.seen: dict[str, int] = {}
        self.leases: dict[str, dict[str, Any]] = {}
        self.marks: list[dict[str, Any]] = []

    def session(self, row: dict[str, Any]) -> None:
        """A page view. The first one of a session tells how it came."""
        known = self.sessions.get(row["id"])
        if known is None:
            self.sessions[row["id"]] = {**row, "page_views": 1}
            return
        known["page_views"] += 1
        known["last_seen_ms"] = max(known["last_seen_ms"], row["last_seen_ms"])
        known["unleased"] = row["unleased"]

    def sign(self, session_id: str, at_ms: int) -> None:
        self.seen[session_id] = max(at_ms, self.seen.get(session_id, 0))

    def lease(self, row: dict[str, Any]) -> None:
        self.leases.setdefault(row["id"], row)

    def mark(self, lease_id: str, column: str, at_ms: int, sign_ms: int) -> None:
        self.marks.append({"lease": lease_id, "column": column, "at": at_ms, "sign": sign_ms})


async def write(ledger: Ledger, connection: AsyncConnection, batch: Batch) -> None:
    """All of the batch, on the caller's transaction. A row that is there already is only brought forward."""
    session, lease = schema.session, schema.lease
    if batch.sessions:
        insert = ledger.insert(session)
        later = insert.excluded.last_seen_ms > session.c.last_seen_ms
        upsert = insert.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "page_views": session.c.page_views + insert.excluded.page_views,
                "last_seen_ms": case((later, insert.excluded.last_seen_ms), else_=session.c.last_seen_ms),
                "unleased": insert.excluded.unleased,
            },
        )
        await insert_many(connection, upsert, list(batch.sessions.values()))
    if batch.leases:
        await insert_many(connection, ledger.insert(lease).on_conflict_do_nothing(), list(batch.leases.values()))
    if batch.seen:
        seen = (
            update(session)
            .where(session.c.id == bindparam("key"), session.c.last_seen_ms < bindparam("at"))
            .values(last_seen_ms=bindparam("at"))
        )
        await connection.execute(seen, [{"key": key, "at": at} for key, at in batch.seen.items()])
    for column in ("tapped_at_ms", "left_at_ms", "ended_at_ms"):
        marks = [m for m in batch.marks if m["column"] == column]
        if marks:
            sign = case((lease.c.last_sign_ms < bindparam("sign"), bindparam("sign")), else_=lease.c.last_sign_ms)
            statement = (
                update(lease)
                .where(lease.c.id == bindparam("key"))
                .values({column: bindparam("at"), "last_sign_ms": sign})
            )
            await connection.execute(statement, [{"key": m["lease"], "at": m["at"], "sign": m["sign"]} for m in marks])


async def recorded_id(connection: AsyncConnection, stream: str) -> str:
    """Stream id of the last entry applied; '0-0' before the first."""
    wanted = select(schema.recorded.c.last_id).where(schema.recorded.c.stream == stream)
    return (await connection.execute(wanted)).scalar_one_or_none() or "0-0"


async def set_recorded_id(ledger: Ledger, connection: AsyncConnection, stream: str, last_id: str) -> None:
    insert = ledger.insert(schema.recorded).values(stream=stream, last_id=last_id)
    await connection.execute(insert.on_conflict_do_update(index_elements=["stream"], set_={"last_id": last_id}))
