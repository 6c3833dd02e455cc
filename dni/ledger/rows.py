"""Reading rows for answers: one row, or a page of them newest first, continued by an opaque cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from zlib import crc32

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import clock
from dni.clock import rfc3339
from dni.errors import InvalidField, NotFound

Instant = clock.Instant

_by_id = msgspec.json.Decoder(tuple[str])
_by_time = msgspec.json.Decoder(tuple[Annotated[int, msgspec.Meta(ge=0, le=2**53)], str])


def instant(ms: int | None) -> str | None:
    return None if ms is None else rfc3339(ms)


async def one(connection: AsyncConnection, query: Select[Any], what: str) -> RowMapping:
    """The only row of `query`. Raises NotFound, which says `what` is not there."""
    row: RowMapping | None = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no {what}")
    return row


async def page(
    connection: AsyncConnection,
    query: Select[Any],
    keys: tuple[ColumnElement[Any], ...],
    limit: int,
    cursor: str | None,
) -> tuple[Sequence[RowMapping], str | None]:
    """At most `limit` rows, the greatest `keys` first, and the cursor of the next page or None.

    `keys` are (id) or (time in ms, id); the query selects them. Raises InvalidField at /cursor for one that we did not
    make for this query's table.
    """
    kind = str(keys[-1])
    if cursor is not None:
        # Typed as the columns: a time in ms is no 32-bit integer.
        last = zip(_decode(kind, len(keys), cursor), keys, strict=True)
        query = query.where(tuple_(*keys) < tuple_(*(literal(value, key.type) for value, key in last)))
    query = query.order_by(*(key.desc() for key in keys)).limit(limit + 1)
    rows = (await connection.execute(query)).mappings().all()
    return rows[:limit], cursor_after(keys, rows[limit - 1]) if len(rows) > limit else None


async def page_looked_for(
    connection: AsyncConnection,
    query: Select[Any],
    among: Select[Any],
    keys: tuple[ColumnElement[Any], ...],
    limit: int,
    cursor: str | None,
    most: int,
) -> tuple[Sequence[RowMapping], str | None]:
    """As `page`, but looks at some `most` rows only, which `among` can find by an index, so that a
    reader never waits for a rare row. The page may then be short, or empty, and still have a next one.

    `among`: a SELECT of the first key, with those conditions of `query` that an index knows.
    """
    first = keys[0]
    if cursor is not None:
        until = _decode(str(keys[-1]), len(keys), cursor)[0]
        among = among.where(first <= until)
    edge = await connection.scalar(among.order_by(first.desc()).offset(most).limit(1))
    if edge is not None:
        query = query.where(first >= edge)
    rows, after = await page(connection, query, keys, limit, cursor)
    if after is None and edge is not None:
        after = cursor_after(keys, {**{key.key: "" for key in keys}, first.key: edge})
    return rows, after


def cursor_after(keys: tuple[ColumnElement[Any], ...], row: Mapping[Any, Any]) -> str:
    """The cursor of the page that begins behind `row`."""
    payload = msgspec.json.encode([row[key.name] for key in keys if key.name])
    return urlsafe_b64encode(_check(str(keys[-1]), payload) + payload).rstrip(b"=").decode()


def _decode(kind: str, parts: int, cursor: str) -> tuple[Any, ...]:
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        check, payload = raw[:4], raw[4:]
        if check == _check(kind, payload):
            return _by_id.decode(payload) if parts == 1 else _by_time.decode(payload)
    except (ValueError, msgspec.DecodeError):
        pass
    raise InvalidField("/cursor", "not a cursor of this list: use `next` of the page before, unchanged")


def _check(kind: str, payload: bytes) -> bytes:
    """Tells a cursor of another list or a damaged one; no secret, because the walls are in the query."""
    return crc32(kind.encode() + payload).to_bytes(4, "big")
