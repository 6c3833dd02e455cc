"""Answers of creating requests, kept for a day by the caller's `Idempotency-Key`, so that a retry creates nothing."""

from hashlib import sha256

import msgspec
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.errors import Conflict, InvalidField
from dni.ledger.engines import Ledger
from dni.ledger.schema import idempotency

KEPT_MS = 24 * 3600 * 1000


class Stored(msgspec.Struct, frozen=True):
    status: int
    body: bytes


def key_of(header: str | None) -> str | None:
    """Raises InvalidField for a key that is not 1 to 255 printable ASCII characters."""
    if header is None:
        return None
    if 0 < len(header) <= 255 and header.isascii() and header.isprintable():
        return header
    raise InvalidField("/Idempotency-Key", "1 to 255 printable ASCII characters")


def digest(method: str, path: str, body: bytes) -> bytes:
    return sha256(b"\n".join((method.encode(), path.encode(), body))).digest()


async def begin(
    ledger: Ledger, connection: AsyncConnection, principal: str, key: str, request: bytes, now_ms: int
) -> Stored | None:
    """The answer that this key got before; None: take the request's way, then `finish`, in this transaction.

    The row is made first: of two requests at once the second waits here until the first is committed or rolled back.
    Raises Conflict `idempotency_mismatch` when the key came with another request.
    """
    await forget(connection, now_ms)
    row = {"token_id": principal, "key": key, "request": request, "status": 0, "body": b"", "created_at_ms": now_ms}
    made = await connection.execute(ledger.insert(idempotency).values(**row).on_conflict_do_nothing())
    if made.rowcount:
        return None
    query = select(idempotency.c.request, idempotency.c.status, idempotency.c.body).where(_this(principal, key))
    before, status, body = (await connection.execute(query)).one()
    if bytes(before) != request:
        raise Conflict("this Idempotency-Key came with another request before", code="idempotency_mismatch")
    return Stored(status, bytes(body))


async def forget(connection: AsyncConnection, now_ms: int) -> None:
    """Answers that were kept for a day."""
    await connection.execute(delete(idempotency).where(idempotency.c.created_at_ms < now_ms - KEPT_MS))


async def finish(connection: AsyncConnection, principal: str, key: str, answer: Stored) -> None:
    """Keeps the answer. It must hold no secret."""
    kept = update(idempotency).where(_this(principal, key)).values(status=answer.status, body=answer.body)
    await connection.execute(kept)


def _this(principal: str, key: str) -> ColumnElement[bool]:
    return (idempotency.c.token_id == principal) & (idempotency.c.key == key)
