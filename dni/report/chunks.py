"""Storage of chunks: stretches of time whose sessions or calls are copied in columns."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Select, delete, exists, func, insert, literal, not_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.engines import Ledger
from dni.ledger.schema import chunk, chunk_column
from dni.ledger.stale import Kind
from dni.report.columns import Columns, loaded, stored

_AT_ONCE = 500

Copied = Literal["session", "call", "path"]


class Chunk(msgspec.Struct, frozen=True):
    """What began from `from_ms` on, before `to_ms`. Columns of one `version` never change."""

    id: int
    kind: Copied
    from_ms: int
    to_ms: int
    rows: int
    version: int
    sealed: bool
    final: bool


_ALL = tuple(chunk.c[name] for name in Chunk.__struct_fields__)


async def within(connection: AsyncConnection, kind: Copied, from_ms: int, to_ms: int) -> list[Chunk]:
    """The chunks that the stretch touches, in the order of time."""
    return [Chunk(*row) for row in await connection.execute(_within(kind, from_ms, to_ms))]


async def columns(
    connection: AsyncConnection, ids: Sequence[int], names: Collection[str] | None = None
) -> dict[int, Columns]:
    """By chunk and name; `names`: all when None."""
    found: dict[int, Columns] = {of: {} for of in ids}
    for at in range(0, len(ids), _AT_ONCE):
        asked = select(chunk_column).where(chunk_column.c.chunk_id.in_(ids[at : at + _AT_ONCE]))
        if names is not None:
            asked = asked.where(chunk_column.c.name.in_(sorted(names)))
        for of, name, kind, data in await connection.execute(asked):
            found[of][name] = loaded(kind, data)
    return found


async def copied_until(connection: AsyncConnection, kind: Kind) -> int | None:
    """Where the next chunk begins; None: there is none yet."""
    last: int | None = await connection.scalar(select(func.max(chunk.c.to_ms)).where(chunk.c.kind == kind))
    return last


async def sealed_until(connection: AsyncConnection, kind: Kind) -> int | None:
    """Until when all is copied, without a gap that is counted from the rows; None: nothing is."""
    first = select(func.min(chunk.c.from_ms)).where(chunk.c.kind == kind, chunk.c.sealed.is_(False))
    gap: int | None = await connection.scalar(first)
    return gap if gap is not None else await copied_until(connection, kind)


async def unsealed(connection: AsyncConnection, kind: Kind) -> Chunk | None:
    """The oldest whose columns are not true, or not there."""
    of = (chunk.c.kind == kind, chunk.c.sealed.is_(False))
    row = (await connection.execute(select(*_ALL).where(*of).order_by(chunk.c.from_ms).limit(1))).first()
    return None if row is None else Chunk(*row)


def announce(connection: Connection, ledger: Ledger, kind: Kind, from_ms: int, to_ms: int) -> None:
    """From the commit on who changes a row of the stretch marks the chunk; all changes of before are committed then."""
    _alone(connection, ledger, kind)
    values = {"kind": kind, "from_ms": from_ms, "to_ms": to_ms, "rows": 0, "version": 0}
    connection.execute(insert(chunk).values(**values, sealed=False, final=False))


def add_paths(connection: Connection, first: int, made: Columns) -> None:
    """What new paths stand for: a chunk whose moments are codes. Nothing ever changes there."""
    rows = len(made["source"])
    values = {"kind": "path", "from_ms": first, "to_ms": first + rows, "rows": rows, "version": 0}
    done = connection.execute(insert(chunk).values(**values, sealed=True, final=False).returning(chunk.c.id))
    _write(connection, done.scalar_one(), made)


def seal(connection: Connection, of: Chunk, rows: int, made: Columns) -> bool:
    """False: a row changed while the columns were made; nothing is written."""
    same = (chunk.c.id == of.id, chunk.c.version == of.version)
    done = connection.execute(update(chunk).where(*same).values(sealed=True, rows=rows))
    if done.rowcount != 1:
        return False
    _write(connection, of.id, made)
    return True


def merge(connection: Connection, ledger: Ledger, parts: Sequence[Chunk], made: Columns) -> bool:
    """Puts chunks that follow each other into the first one. False: one changed meanwhile; nothing is written."""
    _alone(connection, ledger, parts[0].kind)
    now = [Chunk(*row) for row in connection.execute(_within(parts[0].kind, parts[0].from_ms, parts[-1].to_ms))]
    if now != list(parts):
        return False
    first, *rest = (part.id for part in parts)
    connection.execute(delete(chunk_column).where(chunk_column.c.chunk_id.in_(rest)))
    connection.execute(delete(chunk).where(chunk.c.id.in_(rest)))
    connection.execute(
        update(chunk)
        .where(chunk.c.id == first)
        .values(
            to_ms=parts[-1].to_ms,
            rows=sum(part.rows for part in parts),
            version=chunk.c.version + 1,
            final=any(part.final for part in parts),
        )
    )
    _write(connection, first, made)
    return True


async def open_all(connection: AsyncConnection) -> int:
    """All are made anew, but those whose rows are forgotten; how many."""
    of = chunk.c.final.is_(False) & (chunk.c.kind != "path")
    done = await connection.execute(update(chunk).where(of).values(sealed=False, version=chunk.c.version + 1))
    return done.rowcount


async def lacking(connection: AsyncConnection, kind: Kind, name: str) -> list[Chunk]:
    """Sealed chunks that were made before there was a column of this name; the oldest first."""
    has_it = exists(select(literal(1)).where(chunk_column.c.chunk_id == chunk.c.id, chunk_column.c.name == name))
    of = (chunk.c.kind == kind, chunk.c.sealed, chunk.c.rows > 0, not_(has_it))
    return [Chunk(*row) for row in await connection.execute(select(*_ALL).where(*of).order_by(chunk.c.from_ms))]


def reopen(connection: Connection, of: Chunk) -> None:
    """It is made anew."""
    connection.execute(update(chunk).where(chunk.c.id == of.id).values(sealed=False, version=chunk.c.version + 1))


def _within(kind: Copied, from_ms: int, to_ms: int) -> Select[Any]:
    of = (chunk.c.kind == kind, chunk.c.from_ms < to_ms, chunk.c.to_ms > from_ms)
    return select(*_ALL).where(*of).order_by(chunk.c.from_ms)


def _write(connection: Connection, of: int, made: Mapping[str, object]) -> None:
    connection.execute(delete(chunk_column).where(chunk_column.c.chunk_id == of))
    rows = []
    for name, column in made.items():
        kind, data = stored(column)  # type: ignore[arg-type]
        rows.append({"chunk_id": of, "name": name, "type": kind, "data": data})
    if rows:
        connection.execute(insert(chunk_column), rows)


def _alone(connection: Connection, ledger: Ledger, kind: Copied) -> None:
    """Waits for who is writing, so that what he marks and what he writes are both seen. SQLite has one writer."""
    if not ledger.is_sqlite and kind != "path":
        connection.execute(text(f'LOCK TABLE "{kind}", chunk IN SHARE ROW EXCLUSIVE MODE'))
