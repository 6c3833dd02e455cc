"""The copy of sessions and calls that reports are counted from (`chunk`), as seen by who changes these rows.

Stands here, and not with the reports, because every room that writes sessions or calls must say so.
"""

from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, select, update

from dni.ledger.schema import call, chunk

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


def mark_stretch(connection: Connection, kind: Kind, first_ms: int, last_ms: int) -> None:
    """The same of a stretch. Some chunks between may be made anew for nothing, none is forgotten."""
    begun = chunk.c.from_ms <= last_ms
    of = (chunk.c.kind == kind, chunk.c.to_ms > first_ms, begun, chunk.c.final.is_(False))
    connection.execute(update(chunk).where(*of).values(version=chunk.c.version + 1, sealed=False))


def of_calls(first_ms: int, last_ms: int, caller: str | None, campaign: str | None) -> dict[str, Any]:
    """What MARK_CALLS is told: a stretch, as above. It goes until the last call of its telephone to the campaign:
    whether that is its first may have changed."""
    return {"first_ms": first_ms, "last_ms": last_ms, "of_caller": caller, "of_campaign": campaign}


_LAST_CALL = (
    select(func.max(call.c.started_at_ms))
    .where(
        call.c.caller == bindparam("of_caller", type_=Text), call.c.campaign_id == bindparam("of_campaign", type_=Text)
    )
    .scalar_subquery()
)
# Made once: each event of a call asks it.
MARK_CALLS = (
    update(chunk)
    .where(
        chunk.c.kind == "call",
        chunk.c.to_ms > bindparam("first_ms", type_=BigInteger),
        (chunk.c.from_ms <= bindparam("last_ms", type_=BigInteger)) | (chunk.c.from_ms <= _LAST_CALL),
        chunk.c.final.is_(False),
    )
    .values(version=chunk.c.version + 1, sealed=False)
)


def make_final(connection: Connection, kind: Kind, until_ms: int) -> None:
    """Rows that began before `until_ms` are about to be forgotten for their age: reports go on counting them.

    In the transaction that forgets, before it. Only what `sealed_until` says is copied may be forgotten so.
    """
    of = (chunk.c.kind == kind, chunk.c.from_ms < until_ms, chunk.c.sealed)
    connection.execute(update(chunk).where(*of).values(final=True))
