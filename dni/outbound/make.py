"""Makes deliveries of what happened: what a message says, and one for each endpoint that wants it. In one transaction,
so that whatever is cut off is done again as a whole; one maker at a time."""

import logging
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Integer, Row, RowMapping, Select, Text, bindparam, func, select, update

from dni.call import outcomes
from dni.call.views import OutcomeView
from dni.errors import Unavailable
from dni.ids import new_id
from dni.ledger.bulk import Many
from dni.ledger.engines import Ledger
from dni.ledger.prepared import padded
from dni.ledger.schema import delivery, endpoint, outbox
from dni.outbound import told_of_call, told_of_others, wants
from dni.outbound.kinds import KINDS
from dni.outbound.model import OF_CALLS, Action, Only
from dni.outbound.told_of_call import encode
from dni.outbound.wants import DIRECTED, Asks, Near, Seen
from dni.parts import Parts

log = logging.getLogger("dni.outbound")

_LOCK = int.from_bytes(b"dnimake", "big")
# Messages, and deliveries, of one transaction: with SQLite calls wait meanwhile.
_TOGETHER = {"sqlite": (50, 400), "postgresql": (1_000, 20_000)}


class Told(msgspec.Struct, frozen=True):
    """What is to be kept of a message that somebody wants."""

    message: Row[Any]
    seen: Seen
    data: bytes
    actions: list[tuple[str, Action]]


async def make(parts: Parts, most: int = 200) -> int:
    """So many messages at most, the oldest first; how many were made. Raises Unavailable.

    One that cannot be made does not hold up the others: it stays, and is tried again.
    """
    try:
        return await _make_together(parts, most)
    except Unavailable:
        raise
    except Exception:
        log.exception("messages cannot be made together; each is made by itself")
    done = 0
    async with parts.ledger.read() as connection:
        seqs = (await connection.execute(_SEQS, {"most": most})).scalars().all()
    for seq in seqs:
        try:
            done += await parts.ledger.commit(partial(_make, parts=parts, wanted=_ONE, values={"most": 1, "this": seq}))
        except Unavailable:
            raise
        except Exception:
            log.exception("message %d cannot be made; it is tried again", seq)
    return done


async def _make_together(parts: Parts, most: int) -> int:
    done = 0
    while done < most:
        step = partial(_make, parts=parts, wanted=_UNMADE, values={"most": most - done})
        if not (made := await parts.ledger.commit(step)):
            break
        done += made
    return done


def _make(connection: Connection, parts: Parts, wanted: Select[Any], values: Mapping[str, int]) -> int:
    if not parts.ledger.is_sqlite and not connection.execute(_TURN).scalar():
        return 0
    most, most_deliveries = _TOGETHER[connection.dialect.name]
    batch = connection.execute(wanted, {**values, "most": min(values["most"], most)}).all()
    if not batch:
        return 0
    asking = _asking(connection)
    types = {one for asks in asking for one in asks.types}.union(DIRECTED)
    all_told = _told(connection, [one for one in batch if one.type in types], asking)
    told = _fitting(all_told, most_deliveries)
    if len(told) < len(all_told):
        batch = [one for one in batch if one.seq < all_told[len(told)].message.seq]
    _keep(connection, parts.ledger, told, {one.seq for one in batch}, parts.clock.now_ms())
    return len(batch)


def _fitting(told: list[Told], most: int) -> list[Told]:
    """The first of them, one at least, with so many deliveries at most."""
    for n, one in enumerate(told):
        most -= len(one.actions)
        if most < 0 and n:
            return told[:n]
    return told


def _asking(connection: Connection) -> list[Asks]:
    """All endpoints that are not deleted, of kinds that this version knows; paused ones too: theirs waits."""
    return [
        Asks(
            id=row.id,
            kind=KINDS[row.kind],
            campaign=row.campaign_id,
            publisher=row.publisher_id,
            types=frozenset(row.types),
            only=msgspec.convert(row.only, Only),
        )
        for row in connection.execute(_ASKING)
        if row.kind in KINDS
    ]


def _told(connection: Connection, messages: Sequence[Row[Any]], asking: Sequence[Asks]) -> list[Told]:
    """Of messages that somebody wants."""
    of_calls = [one for one in messages if one.type in OF_CALLS]
    calls = told_of_call.calls(connection, {one.subject_id for one in of_calls})
    converted = _converted(connection, calls, asking)
    near = Near(asking)
    chosen: list[tuple[Row[Any], Seen, bytes | None, list[tuple[str, Action]]]] = []
    for one in messages:
        data: bytes | None = None
        if one.type in OF_CALLS:
            if one.subject_id not in calls:
                continue
            seen = _seen(calls[one.subject_id], one)
        elif other := told_of_others.told(connection, one.type, one.subject_id, one.detail):
            seen, data = other
        else:
            continue
        if actions := _actions(one, seen, asking if one.type in DIRECTED else near.to(seen), converted):
            chosen.append((one, seen, data, actions))
    rows = [calls[one] for one in {m.subject_id for m, *_ in chosen} if one in calls]
    said = told_of_call.told(connection, rows, _former([one for one, *_ in chosen]))
    changes = _changes(connection, [one for one, *_ in chosen])
    return [
        Told(one, seen, data or encode({**said[one.subject_id], "change": changes.get(one.seq)}), actions)
        for one, seen, data, actions in chosen
    ]


def _former(messages: Sequence[Row[Any]]) -> dict[str, set[str]]:
    """By call: the sessions that it was credited to before, as its messages name them."""
    found: dict[str, set[str]] = {}
    for one in messages:
        if one.type == "call.attributed" and one.detail and one.detail["session"]["before"] is not None:
            found.setdefault(one.subject_id, set()).add(one.detail["session"]["before"])
    return found


def _seen(row: RowMapping, message: Row[Any]) -> Seen:
    corrects = message.type == "call.corrected" and message.detail
    return Seen(
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        standing=wants.Standing(bool(row["qualified"]), bool(row["billable"])),
        former=wants.former(message.detail) if corrects else None,
        answered=row["answered_at_ms"] is not None,
        talk_seconds=row["talk_s"] or 0,
        confidence=row["confidence"],
    )


def _actions(
    message: Row[Any], seen: Seen, asking: Sequence[Asks], converted: set[tuple[str, str]]
) -> list[tuple[str, Action]]:
    """By endpoint. What becomes a conversion is noted."""
    found: list[tuple[str, Action]] = []
    for asks in asking:
        of_call = (asks.id, message.subject_id)
        action = wants.action(asks, message.type, seen, converted=of_call in converted)
        if action is not None:
            found.append((asks.id, action))
        if action == "convert":
            converted.add(of_call)
    return found


def _converted(connection: Connection, calls: Collection[str], asking: Sequence[Asks]) -> set[tuple[str, str]]:
    """Endpoints and calls that they were told as a conversion, or will be."""
    if not calls or not any(asks.kind.converts for asks in asking):
        return set()
    return {(row.endpoint_id, row.subject_id) for row in connection.execute(_CONVERTED, {"these": padded(list(calls))})}


def _changes(connection: Connection, messages: Sequence[Row[Any]]) -> dict[int, Any]:
    """What only the cause knew, by `seq`."""
    details: dict[int, Mapping[str, Any]] = {one.seq: one.detail for one in messages if one.detail}
    told = {seq: detail["outcome"] for seq, detail in details.items() if "outcome" in detail}
    views: dict[str, OutcomeView] = outcomes.told(connection, told.values()) if told else {}
    return {seq: views.get(told[seq]) if seq in told else detail for seq, detail in details.items()}


def _keep(connection: Connection, ledger: Ledger, told: Sequence[Told], seqs: set[int], now_ms: int) -> None:
    # In the order of the messages: lists show the newest first.
    names = iter(sorted(new_id("dlv", now_ms) for one in told for _ in one.actions))
    deliveries = [
        {
            "id": next(names),
            "endpoint_id": endpoint_id,
            "message_seq": one.message.seq,
            "subject_id": one.message.subject_id,
            "action": action,
            "state": "waiting",
            "at_ms": now_ms,
            "due_ms": now_ms,
        }
        for one in told
        for endpoint_id, action in one.actions
    ]
    made = [
        {
            "this": one.message.seq,
            "now_ms": now_ms,
            "of_campaign": one.seen.campaign,
            "of_publisher": one.seen.publisher,
            "says": one.data.decode(),
        }
        for one in told
    ]
    tell, add = _tell(ledger), _add(ledger)
    tell.run(connection, tell.tuples(made))
    add.run(connection, add.tuples(deliveries))
    if rest := seqs - {one.message.seq for one in told}:
        connection.execute(_NOBODYS, {"these": padded(list(rest)), "now_ms": now_ms})


# Made once: to make a statement takes longer than to ask it.
_TURN = select(func.pg_try_advisory_xact_lock(_LOCK))
_ASKING = (
    select(*(endpoint.c[name] for name in ("id", "kind", "campaign_id", "publisher_id", "types", "only")))
    .where(endpoint.c.deleted_at_ms.is_(None))
    .order_by(endpoint.c.id)
)
# Locked: who forgets a call just now waits until its deliveries are there, or is waited for.
_UNMADE = (
    select(*(outbox.c[name] for name in ("seq", "type", "subject_id", "detail")))
    .where(outbox.c.made_ms.is_(None))
    .order_by(outbox.c.seq)
    .limit(bindparam("most", type_=Integer))
    .with_for_update()
)
_ONE = _UNMADE.where(outbox.c.seq == bindparam("this", type_=BigInteger))
_SEQS = (
    select(outbox.c.seq)
    .where(outbox.c.made_ms.is_(None))
    .order_by(outbox.c.seq)
    .limit(bindparam("most", type_=Integer))
)
_CONVERTED = select(delivery.c.endpoint_id, delivery.c.subject_id).where(
    delivery.c.subject_id.in_(bindparam("these", type_=Text, expanding=True)),
    delivery.c.action == "convert",
    delivery.c.state != "skipped",
)
_NOBODYS = (
    update(outbox)
    .where(outbox.c.seq.in_(bindparam("these", type_=BigInteger, expanding=True)))
    .values(made_ms=bindparam("now_ms", type_=BigInteger))
)
_COLUMNS = ("id", "endpoint_id", "message_seq", "subject_id", "action", "state", "at_ms", "due_ms")


@lru_cache(8)
def _add(ledger: Ledger) -> Many:
    return ledger.many(ledger.insert(delivery).on_conflict_do_nothing(), _COLUMNS)


@lru_cache(8)
def _tell(ledger: Ledger) -> Many:
    new = {
        "made_ms": bindparam("now_ms", type_=BigInteger),
        "campaign_id": bindparam("of_campaign", type_=Text),
        "publisher_id": bindparam("of_publisher", type_=Text),
        "data": bindparam("says", type_=Text),
    }
    return ledger.many(update(outbox).where(outbox.c.seq == bindparam("this", type_=BigInteger)).values(new))
