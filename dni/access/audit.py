"""Storage of who did what: a row of each act, written in the transaction of the act. Rows are only added."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access.acts import Told
from dni.access.model import Principal
from dni.ids import first_id, new_id
from dni.ledger import rows, schema
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import audit

FORGOTTEN = "deleted account"


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`object`, `by`: ids. `from_ms` is within, `to_ms` is not."""

    object: str | None = None
    by: str | None = None
    act: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


class AuditView(msgspec.Struct):
    """`act`: the API's name of the operation, or one of signing in. `object`: the id of what it was done to."""

    id: str
    at: Instant
    by: str
    by_name: str
    role: str
    act: str
    object: str | None
    changes: list[Told]


async def note(
    connection: AsyncConnection,
    now_ms: int,
    principal: Principal,
    act: str,
    object_id: str | None,
    told: Sequence[Told] = (),
) -> None:
    """Needs the transaction of the act."""
    by = {"by_id": principal.id, "by_name": principal.name, "role": principal.role}
    values = {"id": new_id("aud", now_ms), "at_ms": now_ms, "act": act, "object_id": object_id, **by}
    await connection.execute(insert(audit).values(**values, told=msgspec.to_builtins(list(told))))


async def page(
    connection: AsyncConnection, only: AuditFilter, limit: int, cursor: str | None = None
) -> tuple[list[AuditView], str | None]:
    """Newest first."""
    wanted: list[ColumnElement[bool]] = []
    for column, value in ((audit.c.object_id, only.object), (audit.c.by_id, only.by), (audit.c.act, only.act)):
        if value is not None:
            wanted.append(column == value)
    if only.from_ms is not None:
        wanted.append(audit.c.id >= first_id("aud", only.from_ms))
    if only.to_ms is not None:
        wanted.append(audit.c.id < first_id("aud", only.to_ms))
    found, after = await rows.page(connection, select(audit).where(*wanted), (audit.c.id,), limit, cursor)
    return [_view(row) for row in found], after


async def people(connection: AsyncConnection) -> dict[str, str]:
    """Who did anything, by id, in the order of their names."""
    query = select(audit.c.by_id, func.max(audit.c.by_name)).group_by(audit.c.by_id)
    return dict(
        sorted(((row[0], row[1]) for row in await connection.execute(query)), key=lambda one: one[1].casefold())
    )


async def forget_person(connection: AsyncConnection, wanted: str) -> None:
    """An account's name goes wherever it stands beside the account's id, and what was told of the account itself.

    Closed statements cannot be changed: they keep the name of who closed them.
    """
    for table in schema.metadata.sorted_tables:
        if table is not schema.statement:
            for by in ("by", "decided_by"):
                if f"{by}_id" in table.c and f"{by}_name" in table.c:
                    await connection.execute(_nameless(table, by, wanted))
    await connection.execute(update(audit).where(audit.c.object_id == wanted).values(told=[]))


def _nameless(table: Table, by: str, wanted: str) -> Any:
    return update(table).where(table.c[f"{by}_id"] == wanted).values({f"{by}_name": FORGOTTEN})


def _view(row: Any) -> AuditView:
    return AuditView(
        id=row["id"],
        at=instant(row["at_ms"]) or "",
        by=row["by_id"],
        by_name=row["by_name"],
        role=row["role"],
        act=row["act"],
        object=row["object_id"],
        changes=msgspec.convert(row["told"], list[Told]),
    )
