"""Storage of whose turn it is to send which delivery, and of what became of it.

A claim is a lease: for a time nobody else sends the delivery, and what became of it is recorded only while the lease is
still that one. Whoever is too late has sent it, and so has another: at least once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ids import new_id
from dni.ledger.bulk import as_json
from dni.ledger.engines import Ledger
from dni.ledger.prepared import Prepared, padded
from dni.ledger.schema import delivery, delivery_attempt, endpoint, endpoint_health, outbox
from dni.outbound import health
from dni.outbound.backoff import GIVEN_UP_MS
from dni.outbound.circuit import Told
from dni.outbound.model import Claim, Sent, State

LEASE_MS = 60_000
IN_ORDER_MS = 600_000
"""So long at most a delivery waits for an earlier one of the same subject."""
PROBE_MS = 30_000
"""So long at most a probe takes, its lease's holder being alive."""

MOST_COUNTED = 10_001
SWEPT = 500


class Try(NamedTuple):
    """As a row of `delivery_attempt`, whose `id` makes that it is there once however often it is written."""

    id: str
    at_ms: int
    took_ms: int
    result: str
    status: int | None
    why: str | None
    answer: str | None


class Became(NamedTuple):
    """What became of a claim. `tried` None: nothing was sent."""

    claim: Claim
    state: State
    due_ms: int
    done_ms: int | None
    why: str | None
    tried: Try | None = None
    request: Sent | None = None
    kept: Mapping[str, Any] | None = None


class Wanted(NamedTuple):
    """`probe`: one, to see whether it answers again."""

    endpoint: str
    most: int
    probe: bool


def claim(connection: Connection, wanted: Iterable[Wanted], now_ms: int) -> list[Claim]:
    """At most so many of each endpoint, those that are due longest. In order: not behind an earlier one of the same
    subject that still waits, and no adjustment of a conversion that does."""
    claimed: list[Claim] = []
    until_ms = now_ms + LEASE_MS
    for its, most, probe in wanted:
        if probe and not health.takes_probe(connection, its, now_ms, now_ms + PROBE_MS):
            continue
        lease = new_id("lse", now_ms)
        values = {"its": its, "now": now_ms, "ordered": now_ms - IN_ORDER_MS, "most": most}
        rows = _CLAIM.run(connection, {**values, "new_lease": lease, "until": until_ms})
        if probe and not rows:
            health.give_probe_back(connection, its, now_ms)
        # Returned in any order.
        claimed += sorted((Claim._make((*row, lease, until_ms)) for row in rows), key=lambda one: one.seq)
    return claimed


async def messages(connection: AsyncConnection, seqs: Sequence[int]) -> Sequence[Any]:
    """Rows of the outbox."""
    return (await connection.execute(_MESSAGES, {"seqs": padded(seqs)})).all()


class Conversion(NamedTuple):
    """`kept`: when it was sent, or by the last adjustment of it that kept something."""

    is_delivered: bool
    kept: Mapping[str, Any]


async def conversions(connection: AsyncConnection, adjustments: Sequence[Claim]) -> dict[tuple[str, str], Conversion]:
    """By endpoint and subject, what they adjust; those that were never told, or skipped, are left out."""
    keys = [(one.endpoint, one.subject) for one in adjustments]
    found: dict[tuple[str, str], Conversion] = {}
    for row in await connection.execute(_CONVERSIONS, {"keys": padded(keys)}):
        key, delivered = (row.endpoint_id, row.subject_id), row.state == "delivered"
        if row.action == "convert":
            found[key] = Conversion(delivered, row.kept or {})
        elif key in found and delivered and row.kept:
            found[key] = found[key]._replace(kept=row.kept)
    return found


def convert(connection: Connection, these: Sequence[Claim]) -> list[str]:
    """Adjustments of what was never told become conversions, unless another one is by now; the ids of those."""
    return [
        one.id
        for one in these
        if connection.execute(_CONVERT, {"this": one.id, "its_lease": one.lease}).first() is not None
    ]


class Recording:
    """What is written of many deliveries at once, made once for a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._attempts = ledger.many(
            ledger.insert(delivery_attempt)
            .from_select(list(_ATTEMPT), select(*_ATTEMPT.values()).where(delivery.c.id == _ATTEMPT["delivery_id"]))
            .on_conflict_do_nothing()
        )
        self._deliveries = ledger.many(_BECAME)
        self._given_back = ledger.many(_GIVEN_BACK)

    def record(self, connection: Connection, all_became: Sequence[Became], told: Mapping[str, Iterable[Told]],
               now_ms: int) -> None:  # fmt: skip
        """Written twice, it is there once. `told`: what it says of endpoints."""
        tries = [{"delivery_id": one.claim.id, **one.tried._asdict()} for one in all_became if one.tried is not None]
        self._attempts.run(connection, self._attempts.tuples(tries))
        self._deliveries.run(connection, self._deliveries.tuples([_row(one) for one in all_became]))
        if told:
            health.tell(connection, self._ledger, told, now_ms)

    def give_back(self, connection: Connection, claims: Sequence[Claim]) -> None:
        rows = [{"this": one.id, "its_lease": one.lease} for one in claims]
        self._given_back.run(connection, self._given_back.tuples(rows))


def give_up(connection: Connection, its: str, now_ms: int) -> int:
    """What waits for too long for an endpoint that does not answer is dead, 500 at a time; how many."""
    values = {"its": its, "now": now_ms, "oldest": now_ms - GIVEN_UP_MS}
    return len(connection.execute(_GIVE_UP, values).all())


async def count_waiting(connection: AsyncConnection) -> int:
    return int(await connection.scalar(_WAITING) or 0)


def _row(one: Became) -> dict[str, Any]:
    return {
        "this": one.claim.id,
        "its_lease": one.claim.lease,
        "new_state": one.state,
        "due": one.due_ms,
        "tried": 0 if one.tried is None else 1,
        "done": one.done_ms,
        "new_why": one.why,
        "sent": None if one.request is None else msgspec.json.encode(one.request).decode(),
        "to_keep": as_json(one.kept),
    }


# Of states as text, not as parameters: else the indexes of those that wait are not known to fit.
_waits = delivery.c.state == literal_column("'waiting'")
_due = and_(
    _waits,
    delivery.c.due_ms <= bindparam("now", type_=BigInteger),
    or_(delivery.c.lease.is_(None), delivery.c.leased_until_ms < bindparam("now", type_=BigInteger)),
)
_its = delivery.c.endpoint_id == bindparam("its", type_=Text)

DUE = (
    # Endpoints that are not paused and have something due `now`, with their health.
    select(endpoint.c.id, endpoint_health)
    .outerjoin(endpoint_health, endpoint_health.c.endpoint_id == endpoint.c.id)
    .where(
        endpoint.c.deleted_at_ms.is_(None),
        ~endpoint.c.paused,
        exists(select(literal(1)).where(delivery.c.endpoint_id == endpoint.c.id, _due)),
    )
)

_earlier = delivery.alias("earlier")
_is_behind = exists(
    select(literal(1)).where(
        _earlier.c.endpoint_id == delivery.c.endpoint_id,
        _earlier.c.subject_id == delivery.c.subject_id,
        _earlier.c.message_seq < delivery.c.message_seq,
        _earlier.c.state == literal_column("'waiting'"),
        or_(
            _earlier.c.at_ms > bindparam("ordered", type_=BigInteger),
            and_(delivery.c.action == "adjust", _earlier.c.action == "convert"),
        ),
    )
)
_taken = (
    select(delivery.c.id)
    .where(_its, _due, ~_is_behind)
    .order_by(delivery.c.due_ms)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(of=delivery, skip_locked=True)
    .cte("taken")
)
_CLAIM = Prepared(
    update(delivery)
    .where(delivery.c.id.in_(select(_taken.c.id)))
    .values(lease=bindparam("new_lease", type_=Text), leased_until_ms=bindparam("until", type_=BigInteger))
    .returning(
        delivery.c.id,
        delivery.c.endpoint_id,
        delivery.c.message_seq,
        delivery.c.subject_id,
        delivery.c.action,
        delivery.c.attempts,
        delivery.c.at_ms,
    )
)

_MESSAGES = select(outbox.c.seq, outbox.c.id, outbox.c.type, outbox.c.at_ms, outbox.c.subject_id, outbox.c.data).where(
    outbox.c.seq.in_(bindparam("seqs", expanding=True))
)
_CONVERSIONS = (
    select(delivery.c.endpoint_id, delivery.c.subject_id, delivery.c.action, delivery.c.state, delivery.c.kept)
    .where(
        delivery.c.action != "tell",
        delivery.c.state != "skipped",
        tuple_(delivery.c.endpoint_id, delivery.c.subject_id).in_(bindparam("keys", expanding=True)),
    )
    .order_by(delivery.c.message_seq)
)

_ours = (
    delivery.c.id == bindparam("this", type_=Text),
    delivery.c.lease == bindparam("its_lease", type_=Text),
)
_BECAME = (
    update(delivery)
    .where(*_ours)
    .values(
        state=bindparam("new_state", type_=Text),
        due_ms=bindparam("due", type_=BigInteger),
        attempts=delivery.c.attempts + bindparam("tried", type_=Integer),
        lease=null(),
        leased_until_ms=null(),
        done_ms=bindparam("done", type_=BigInteger),
        why=bindparam("new_why", type_=Text),
        request=func.coalesce(bindparam("sent", type_=delivery.c.request.type), delivery.c.request),
        kept=func.coalesce(bindparam("to_keep", type_=delivery.c.kept.type), delivery.c.kept),
    )
)
_other = delivery.alias("other")
_CONVERT = (
    update(delivery)
    .where(
        *_ours,
        ~exists(
            select(literal(1)).where(
                _other.c.endpoint_id == delivery.c.endpoint_id,
                _other.c.subject_id == delivery.c.subject_id,
                _other.c.action == literal_column("'convert'"),
                _other.c.state != literal_column("'skipped'"),
            )
        ),
    )
    .values(action="convert")
    .returning(delivery.c.id)
)
_GIVEN_BACK = update(delivery).where(*_ours).values(lease=null(), leased_until_ms=null())
_ATTEMPT = {column.name: bindparam(column.name, type_=column.type) for column in delivery_attempt.c}

_given_up = (
    select(delivery.c.id)
    .where(_its, _due, delivery.c.due_ms < bindparam("oldest", type_=BigInteger))
    .order_by(delivery.c.due_ms)
    .limit(SWEPT)
    .with_for_update(of=delivery, skip_locked=True)
    .cte("given_up")
)
_GIVE_UP = (
    update(delivery)
    .where(delivery.c.id.in_(select(_given_up.c.id)))
    .values(
        state="dead",
        done_ms=bindparam("now", type_=BigInteger),
        why="given up after 72 hours in which its endpoint did not answer",
    )
    .returning(delivery.c.id)
)
_WAITING = select(func.count()).select_from(
    select(literal(1).label("one")).where(_waits).limit(MOST_COUNTED).subquery()
)
