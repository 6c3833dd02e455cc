"""Storage of what happened that others are to be told: a row in the transaction of its cause."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Insert,
    Select,
    Text,
    bindparam,
    exists,
    insert,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ids import new_id
from dni.ledger.schema import outbox
from dni.outbound.model import Type

# A call may go on that was over, by what a carrier tells late; that it is over again is no news.
_ONCE: tuple[Type, ...] = ("call.completed",)
_NAMES = ("id", "type", "at_ms", "subject_id", "detail")


def add(connection: Connection, kind: Type, subject_id: str, now_ms: int, detail: dict[str, Any] | None = None) -> None:
    """Needs the write transaction of the cause, in which the subject's row is locked."""
    connection.execute(adding((kind,)), named((kind,), subject_id, now_ms, detail))


def add_all(connection: Connection, kind: Type, now_ms: int, details: Mapping[str, dict[str, Any]]) -> None:
    """The same of several subjects: the detail of each."""
    connection.execute(adding((kind,)), [named((kind,), subject, now_ms, told) for subject, told in details.items()])


async def tell(
    connection: AsyncConnection, kind: Type, subject_id: str, now_ms: int, detail: dict[str, Any] | None = None
) -> None:
    """The same."""
    await connection.execute(adding((kind,)), named((kind,), subject_id, now_ms, detail))


def row(kind: Type, subject_id: str, now_ms: int, detail: dict[str, Any] | None = None) -> dict[str, Any]:
    """For who adds many of its own."""
    return {"id": new_id("msg", now_ms), "type": kind, "at_ms": now_ms, "subject_id": subject_id, "detail": detail}


@lru_cache(64)
def adding(types: tuple[Type, ...]) -> Insert:
    """Rows of these types, in this order, for who adds them together with other rows."""
    return adding_where(types, true())


def adding_where(types: tuple[Type, ...], where: ColumnElement[bool]) -> Insert:
    """The same where that holds; made anew each time."""
    found = [_selected(n, kind).where(where) for n, kind in enumerate(types)]
    return insert(outbox).from_select(_NAMES, union_all(*found) if len(found) > 1 else found[0])


def named(
    types: tuple[Type, ...], subject_id: str, now_ms: int, detail: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What `adding` is told. `detail` is that of the last one."""
    values: dict[str, Any] = {}
    for n, kind in enumerate(types):
        told = row(kind, subject_id, now_ms, detail if n == len(types) - 1 else None)
        values |= {f"told{n}_{name}": value for name, value in told.items() if name != "type"}
    return values


def is_told(subject_id: ColumnElement[str], kind: Type) -> Exists:
    """Whether there is a row of this type already."""
    before = outbox.alias()
    return exists(select(literal(1)).where(before.c.subject_id == subject_id, before.c.type == kind))


def _selected(n: int, kind: Type) -> Select[Any]:
    new = {name: bindparam(f"told{n}_{name}", type_=outbox.c[name].type) for name in _NAMES if name != "type"}
    new["type"] = literal(kind, Text)
    found = select(*(new[name] for name in _NAMES))
    if kind not in _ONCE:
        return found
    return found.where(~is_told(new["subject_id"], kind))
