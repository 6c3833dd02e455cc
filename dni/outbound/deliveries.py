"""Deliveries as people read them, newest first, with each try; and that some are sent again."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, exists, false, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.clock import rfc3339
from dni.errors import Conflict, NotFound
from dni.ids import first_id
from dni.ledger import rows
from dni.ledger.engines import Ledger
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import delivery, delivery_attempt, endpoint, endpoint_health, outbox
from dni.outbound.model import OF_CALLS, STATES, Action, Sent, State, Type

# Deliveries that are looked at for one page: a tenth of a second's work.
_LOOKED_AT = 20_000
# Changed in one transaction: others wait no longer than for these.
_TOGETHER = 500

# As text, not as a parameter: else its index is not known to fit.
_IS = {state: delivery.c.state == literal_column(f"'{state}'") for state in STATES}

_other = delivery.alias("other")
# A call is told as a conversion once, though it may have been skipped before.
_is_told_since = and_(
    delivery.c.action == literal_column("'convert'"),
    _IS["skipped"],
    exists(
        select(literal_column("1")).where(
            _other.c.endpoint_id == delivery.c.endpoint_id,
            _other.c.subject_id == delivery.c.subject_id,
            _other.c.action == literal_column("'convert'"),
            or_(_other.c.state != literal_column("'skipped'"), _other.c.message_seq > delivery.c.message_seq),
        )
    ),
)

PREFIX = "dlv"
"""Of a delivery's id, which holds when it was made."""


class DeliveryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that are given must hold. `from_ms` is within, `to_ms` is not: of when it was made."""

    endpoint: str | None = None
    state: State | None = None
    type: Type | None = None
    call: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


class DeliveryView(msgspec.Struct):
    """`message` stays the same over retries and endpoints. `call` null: it tells of something else, `subject`. `at`:
    when it was made, or was last asked to be sent again; `attempts` are counted from then. `next_try_at`: while it
    waits. `why` it was not delivered, or not yet."""

    id: str
    endpoint: str
    endpoint_name: str
    kind: str
    type: Type
    message: str
    subject: str
    call: str | None
    action: Action
    state: State
    at: Instant
    next_try_at: Instant | None
    attempts: int
    done_at: Instant | None
    why: str | None


class AttemptView(msgspec.Struct):
    """One try. `status` null: no answer came, `why` says what happened. `answer`: its beginning."""

    at: Instant
    took_ms: int
    result: str
    status: int | None
    why: str | None
    answer: str | None


class WholeDelivery(DeliveryView):
    """`request`: as it was sent last, without secrets. `data` of the message. `tries`: the latest first."""

    request: Sent | None
    data: dict[str, Any] | None
    tries: list[AttemptView]


async def page(
    connection: AsyncConnection, wanted: DeliveryFilter, limit: int, cursor: str | None = None
) -> tuple[list[DeliveryView], str | None]:
    """Newest first. Where few of many are sought, a page may be short, or empty, and still have a next one."""
    among = select(delivery.c.id).where(*_by_index(wanted))
    query = _seen.where(*_by_index(wanted), *_others(wanted))
    found, after = await rows.page_looked_for(connection, query, among, (delivery.c.id,), limit, cursor, _LOOKED_AT)
    return [DeliveryView(**_values(row)) for row in found], after


async def one(connection: AsyncConnection, wanted: str) -> WholeDelivery:
    """Needs a connection that sees one moment, or its state and its tries may be of two. Raises NotFound."""
    query = _seen.add_columns(delivery.c.request, outbox.c.data).where(delivery.c.id == wanted)
    row = await rows.one(connection, query, f"delivery {wanted}")
    tried = select(delivery_attempt).where(delivery_attempt.c.delivery_id == wanted)
    latest = delivery_attempt.c.at_ms.desc(), delivery_attempt.c.id.desc()
    tries = (await connection.execute(tried.order_by(*latest))).mappings()
    return WholeDelivery(
        **_values(row),
        request=msgspec.convert(row["request"], Sent | None),
        data=msgspec.json.decode(row["data"]) if row["data"] is not None else None,
        tries=[_attempt(each) for each in tries],
    )


async def again(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    """It is sent once more, soon, whatever became of it; one that is being sent just now stays as it is. Raises
    NotFound, Conflict `endpoint_deleted`, and Conflict `told_since` for a conversion that was skipped and told by a
    later message."""
    columns = (delivery.c.endpoint_id, endpoint.c.deleted_at_ms, _is_told_since.label("told"))
    joined = delivery.join(endpoint, endpoint.c.id == delivery.c.endpoint_id)
    query = select(*columns).select_from(joined).where(delivery.c.id == wanted)
    found = (await connection.execute(query)).first()
    if found is None:
        raise NotFound(f"there is no delivery {wanted}")
    if found.deleted_at_ms is not None:
        raise Conflict("where it would be sent was deleted", code="endpoint_deleted")
    if found.told:
        raise Conflict("the call was told by a later message: send that one again", code="told_since")
    its = found.endpoint_id
    await _again(connection, now_ms, delivery.c.id == wanted)
    await _try_now(connection, now_ms, its)


async def again_since(
    connection: AsyncConnection, now_ms: int, endpoint: str, since_ms: int, states: Collection[State]
) -> int:
    """The same of deliveries that were made since then and are now in one of these states; how many. At most 500 in a
    transaction, the oldest first: see `all_again`."""
    its = [
        delivery.c.endpoint_id == endpoint,
        or_(false(), *(_IS[state] for state in states if state != "waiting")),
        delivery.c.id >= first_id(PREFIX, since_ms),
        ~_is_told_since,
    ]
    oldest = select(delivery.c.id).where(*its).order_by(delivery.c.id).limit(_TOGETHER).scalar_subquery()
    sent = await _again(connection, now_ms, and_(delivery.c.id.in_(oldest), *its))
    await _try_now(connection, now_ms, endpoint)
    return sent


async def all_again(ledger: Ledger, now_ms: int, endpoint: str, since_ms: int, states: Collection[State]) -> int:
    """All of them, in transactions that hold nobody up."""
    total = sent = 0
    while not total or sent == _TOGETHER:
        async with ledger.write() as connection:
            sent = await again_since(connection, now_ms, endpoint, since_ms, states)
        total += sent
        if not sent:
            break
    return total


async def _again(connection: AsyncConnection, now_ms: int, which: ColumnElement[bool]) -> int:
    is_being_sent = and_(delivery.c.lease.is_not(None), delivery.c.leased_until_ms >= now_ms)
    afresh = {"state": "waiting", "at_ms": now_ms, "due_ms": now_ms, "attempts": 0, "done_ms": None, "why": None}
    changed = await connection.execute(
        update(delivery)
        .where(which, ~is_being_sent, ~_is_told_since)
        .values(**afresh, lease=None, leased_until_ms=None)
    )
    return changed.rowcount


async def _try_now(connection: AsyncConnection, now_ms: int, its: str) -> None:
    """Whoever asks for it has mended something: an endpoint that is left alone is tried at once."""
    left_alone = endpoint_health.c.endpoint_id == its, endpoint_health.c.not_before_ms > now_ms
    await connection.execute(update(endpoint_health).where(*left_alone).values(not_before_ms=now_ms))


def _by_index(wanted: DeliveryFilter) -> list[ColumnElement[bool]]:
    """What an index knows, with the id."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.endpoint is not None:
        conditions.append(delivery.c.endpoint_id == wanted.endpoint)
        if wanted.state == "dead":
            conditions.append(_IS["dead"])
    if wanted.call is not None:
        conditions.append(delivery.c.subject_id == wanted.call)
    if wanted.from_ms is not None:
        conditions.append(delivery.c.id >= first_id(PREFIX, wanted.from_ms))
    if wanted.to_ms is not None:
        conditions.append(delivery.c.id < first_id(PREFIX, wanted.to_ms))
    return conditions


def _others(wanted: DeliveryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(_IS[wanted.state])
    if wanted.type is not None:
        conditions.append(outbox.c.type == wanted.type)
    return conditions


_seen: Select[Any] = (
    select(
        delivery.c.id,
        delivery.c.endpoint_id,
        endpoint.c.name,
        endpoint.c.kind,
        outbox.c.type,
        outbox.c.id.label("message"),
        delivery.c.subject_id,
        delivery.c.action,
        delivery.c.state,
        delivery.c.at_ms,
        delivery.c.due_ms,
        delivery.c.attempts,
        delivery.c.done_ms,
        delivery.c.why,
    )
    .join(endpoint, endpoint.c.id == delivery.c.endpoint_id)
    .join(outbox, outbox.c.seq == delivery.c.message_seq)
)


def _values(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Of a view, by its fields."""
    return {
        "id": row["id"],
        "endpoint": row["endpoint_id"],
        "endpoint_name": row["name"],
        "kind": row["kind"],
        "type": row["type"],
        "message": row["message"],
        "subject": row["subject_id"],
        "call": row["subject_id"] if row["type"] in OF_CALLS else None,
        "action": row["action"],
        "state": row["state"],
        "at": rfc3339(row["at_ms"]),
        "next_try_at": instant(row["due_ms"]) if row["state"] == "waiting" else None,
        "attempts": row["attempts"],
        "done_at": instant(row["done_ms"]),
        "why": row["why"],
    }


def _attempt(row: Mapping[Any, Any]) -> AttemptView:
    return AttemptView(
        at=rfc3339(row["at_ms"]),
        took_ms=row["took_ms"],
        result=row["result"],
        status=row["status"],
        why=row["why"],
        answer=row["answer"],
    )
