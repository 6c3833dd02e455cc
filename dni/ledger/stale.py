"""The copy of sessions and calls that reports are counted from (`chunk`), as seen by who changes these rows.

Stands here, and not with the reports, because every room that writes sessions or calls must say so.
"""

from collections.abc import Iterable
from typing import Literal

from sqlalchemy import Connection, ScalarSelect, update

from dni.ledger.schema import chunk

Kind = Literal["session", "call"]

SETTLED_MS = 35 * 60_000
"""What began so long ago hardly changes any more: only that is copied. A visit ends after 30 minutes without activity,
and the touches of a call are kept after 15."""


def mark(connection: Connection, kind: Kind, times_ms: Iterable[int]) -> None:
    """Rows that began at these moments came, changed or went: what is copied of then counts no more.

    In the transaction of the change.
    """
    if times := list(times_ms):
        mark_stretch(connection, kind, min(times), max(times))


def mark_stretch(
    connection: Connection, kind: Kind, first_ms: int, last_ms: int, and_until: ScalarSelect[int] | None = None
) -> None:
    """The same of a stretch; it goes on to what a query says. Some chunks between may be made anew for nothing, none is
    forgotten."""
    begun = chunk.c.from_ms <= last_ms
    if and_until is not None:
        begun |= chunk.c.from_ms <= and_until
    of = (chunk.c.kind == kind, chunk.c.to_ms > first_ms, begun, chunk.c.final.is_(False))
    connection.execute(update(chunk).where(*of).values(version=chunk.c.version + 1, sealed=False))


def make_final(connection: Connection, kind: Kind, until_ms: int) -> None:
    """Rows that began before `until_ms` are about to be forgotten for their age: reports go on counting them.

    In the transaction that forgets, before it. Only what `sealed_until` says is copied may be forgotten so.
    """
    of = (chunk.c.kind == kind, chunk.c.from_ms < until_ms, chunk.c.sealed)
    connection.execute(update(chunk).where(*of).values(final=True))
