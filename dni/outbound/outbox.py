"""Storage of what happened that others are to be told: a row in the transaction of its cause."""

from typing import Any

from sqlalchemy import Connection, insert

from dni.ids import new_id
from dni.ledger.schema import outbox
from dni.outbound.model import Type


def add(connection: Connection, kind: Type, subject_id: str, now_ms: int, detail: dict[str, Any] | None = None) -> None:
    """Needs the write transaction of the cause, in which the subject's row is locked."""
    connection.execute(_ADD, row(kind, subject_id, now_ms, detail))


def row(kind: Type, subject_id: str, now_ms: int, detail: dict[str, Any] | None = None) -> dict[str, Any]:
    """For who adds it together with other rows."""
    return {"id": new_id("msg", now_ms), "type": kind, "at_ms": now_ms, "subject_id": subject_id, "detail": detail}


_ADD = insert(outbox)
