"""Storage of calls and their events. A call's row is the fold of its events; `record` is the only way in."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids
from dni.call import statements
from dni.call.credits import credit_row, mark, marked
from dni.call.model import STATES, Ours, fold, legs, longest_ms
from dni.call.told import Recorded, Told, nameless, read, recorded, unsettled
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.outbound import outbox
from dni.outbound.model import Type
from dni.qualification import budgets
from dni.routing import attempts
from dni.routing.decision import Decision
from dni.telephony.model import CallEvent, Instruction


class Choose(Protocol):
    """What to answer, by the call's row; it reads the ledger, in the transaction that keeps the answer."""

    def __call__(self, connection: Connection, row: Mapping[str, Any]) -> Decision | None: ...

    def stands(self, decision: Decision | None) -> bool:
        """Whether that answer may be kept still, at the end of the transaction."""
        ...


class Superseded(Exception):
    """The carrier got another answer, with which the event is safe on disk: nothing of this one is kept."""


# All that a call's attempts go by: where its legs are, by number, and when the call ended.
Followed = tuple[dict[str, tuple[str, int | None]], int | None]


def record(connection: Connection, ledger: Ledger, told: Told, choose: Choose | None = None) -> Recorded:
    """Adds an event to its call, which begins with the first event that we hear of it, whichever that is.

    `choose` says what to answer; without it `told.decision` was answered. The same event again changes nothing, and
    gets the same answer. Needs a write transaction. Raises InvalidField as the port does, and Superseded.
    """
    recorded, decision = _record(connection, ledger, told, choose)
    if choose is not None and not choose.stands(decision):
        raise Superseded
    return recorded


def _record(
    connection: Connection, ledger: Ledger, told: Told, choose: Choose | None
) -> tuple[Recorded, Decision | None]:
    event = told.event()
    same = {"carrier_id": told.carrier, "provider_id": event.provider_id}
    # Most calls are announced, so what arrives is new, and what goes on is known.
    row = None if told.inbound else _known(connection, same)
    if row is None:
        if begun := _begin(connection, ledger, event, told, choose):
            return begun
        row = _known(connection, same)
        assert row is not None
    return _go_on(connection, ledger, row, event, told, choose)


def _known(connection: Connection, same: dict[str, str]) -> dict[str, Any] | None:
    """The row, ours until the commit: two events at once must see each other."""
    return next(iter(statements.OURS_NOW.rows(connection, same)), None)


def _begin(
    connection: Connection, ledger: Ledger, event: CallEvent, told: Told, choose: Choose | None
) -> tuple[Recorded, Decision | None] | None:
    """None: the call is there already."""
    row = _first(event, told)
    decision = _chosen(connection, row, told, choose)
    if decision is not None:
        row |= _decided(row, decision)
        row |= _state(row, [event])
    row |= unsettled({}, row, told.received_ms)
    known = {name: value for name, value in row.items() if value is not None}
    attempted = attempts.rows_of(row["id"], decision.targets, told.received_ms) if decision is not None else []
    news = _news({}, row)
    values = _event_row(row["id"], event, told) | marked(row) | outbox.named(news, row["id"], told.received_ms)
    if decision is not None:
        values |= _decision_rows(row["id"], event.identity, told.received_ms, decision, attempted)
    if not _add(connection, ledger, known, values, (decision is not None, len(attempted), news)):
        return None
    _take(connection, row["id"], decision)
    return recorded(row, fresh=True, decision=decision), decision


def _add(
    connection: Connection,
    ledger: Ledger,
    known: dict[str, Any],
    values: dict[str, Any],
    what: tuple[bool, int, tuple[Type, ...]],
) -> bool:
    """The call, of which `known` columns are known, with `what` begins with it; False: it is there already."""
    new, names = statements.new(known), tuple(known)
    if not ledger.is_sqlite:
        return bool(statements.add_call_and_what_begins(ledger, names, *what).run(connection, values | new))
    if not statements.add_call(ledger, names).run(connection, new):
        return False
    statements.add_what_begins(*what).run(connection, values)
    return True


def _go_on(
    connection: Connection, ledger: Ledger, row: dict[str, Any], event: CallEvent, told: Told, choose: Choose | None
) -> tuple[Recorded, Decision | None]:
    if row["forgot_ms"] is not None:
        told = replace(told, fields=nameless(told.port, told.fields))
        event = replace(told.event(), identity=event.identity)
    events = _with_event(connection, ledger, row["id"], event, told)
    if events is None:
        return recorded(row, fresh=False, decision=_former(connection, row["id"], event.identity)), None
    changes = _facts(row, event, told)
    if event.kind == "dialled":
        attempts.end(connection, row["id"], event.destination_state, told.received_ms)
    decision = _chosen(connection, {**row, **changes}, told, choose)
    changes |= _decided({**row, **changes}, decision)
    changes |= _state({**row, **changes}, events.values())
    changes |= unsettled(row, changes, told.received_ms)
    changed = {name: value for name, value in changes.items() if row[name] != value}
    before, row = row, {**row, **changes}
    if changed:  # else nothing that reports read
        news = _news(before, row)
        values = statements.new(changed) | {"this": row["id"]} | marked(before, row)
        values |= outbox.named(news, row["id"], told.received_ms)
        statements.change(tuple(changed), news).run(connection, values)
    if decision is not None:
        _keep(connection, row["id"], event.identity, told.received_ms, decision)
    followed = _followed(row, events.values())
    former = [one for identity, one in events.items() if identity != event.identity]
    if decision is not None or event.kind == "dialled" or followed != _followed(before, former):
        _follow(connection, row, followed)
    return recorded(row, fresh=True, decision=decision), decision


def give_up(connection: Connection, wanted: str, at_ms: int) -> Recorded | None:
    """Closes a call whose end nobody told. None: it is over, or was told of since. Needs a write transaction."""
    row = dict(connection.execute(select(schema.call).filter_by(id=wanted).with_for_update()).mappings().one())
    port = connection.execute(select(schema.carrier.c.kind).filter_by(id=row["carrier_id"])).scalar()
    events = _events(connection, wanted, port or "")
    heard_ms = max(e.at_ms for e in events.values())
    if STATES[row["status"]].ends or at_ms - heard_ms <= longest_ms(row["status"]):
        return None
    changes: dict[str, Any] = {"given_up_ms": at_ms}
    changes |= _state({**row, **changes}, events.values())
    changes |= unsettled(row, changes, at_ms)
    connection.execute(update(schema.call).where(schema.call.c.id == wanted).values(changes))
    row |= changes
    outbox.add(connection, "call.completed", wanted, at_ms)
    _follow(connection, row, _followed(row, events.values()))
    mark(connection, row)
    return recorded(row, fresh=True)


async def ended(connection: AsyncConnection, since_ms: int, started_since_ms: int) -> list[Recorded]:
    """Calls that began and ended after these moments."""
    call = schema.call.c
    wanted = select(schema.call).where(call.started_at_ms > started_since_ms, call.ended_at_ms > since_ms)
    return [recorded(row, fresh=False) for row in (await connection.execute(wanted)).mappings()]


def _first(event: CallEvent, told: Told) -> dict[str, Any]:
    """The row of a call of which this is all that is known."""
    row: dict[str, Any] = dict.fromkeys(schema.call.c.keys())
    row |= {
        "id": ids.new_id("call", told.received_ms),
        "carrier_id": told.carrier,
        "provider_id": event.provider_id,
        "tracking_number": "",
    }
    row |= _facts(row, event, told)
    return row | _state(row, [event])


def _news(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Type, ...]:
    """What others are told of a call that was `before`: nothing, where it begins."""
    happened: dict[Type, bool] = {
        "call.started": not before,
        "call.attributed": after["method"] is not None and before.get("method") is None,
        "call.completed": STATES[after["status"]].ends and not (before and STATES[before["status"]].ends),
    }
    return tuple(kind for kind, has in happened.items() if has)


def _event_row(call_id: str, event: CallEvent, told: Told) -> dict[str, Any]:
    return {
        "event_id": ids.new_id("evt", told.received_ms),
        "event_call_id": call_id,
        "event_identity": event.identity,
        "event_kind": event.kind,
        "event_at_ms": event.at_ms,
        "event_received_at_ms": told.received_ms,
        "event_fields": told.fields,
    }


def _with_event(
    connection: Connection, ledger: Ledger, call_id: str, event: CallEvent, told: Told
) -> dict[str, CallEvent] | None:
    """Adds it. All of the call's events then, by identity; None: it was told before."""
    values = _event_row(call_id, event, told)
    if ledger.is_sqlite:
        if not statements.add_event(ledger).run(connection, values):
            return None
        return _events(connection, call_id, told.port)
    rows = statements.add_event_and_tell_all(ledger).run(connection, values | {"call_id": call_id})
    if not any(is_new for *_, is_new in rows):
        return None
    return {identity: read(told.port, kind, fields, received) for identity, kind, received, fields, _ in rows}


def _events(connection: Connection, call_id: str, port: str) -> dict[str, CallEvent]:
    """By identity."""
    rows = statements.EVENTS.run(connection, {"call_id": call_id})
    return {identity: read(port, kind, fields, received) for identity, kind, received, fields in rows}


def _chosen(connection: Connection, row: Mapping[str, Any], told: Told, choose: Choose | None) -> Decision | None:
    return choose(connection, row) if choose else told.decision


def _decided(row: Mapping[str, Any], decision: Decision | None) -> dict[str, Any]:
    """What a decision changes in the call's row."""
    if decision is None:
        return {}
    changes: dict[str, Any] = {}
    if decision.phase != "over" or row["phase"] is None:  # that it is over does not say how
        changes["phase"] = decision.phase
    if decision.spoke:
        changes["spoke"] = True
    if decision.targets:
        changes["destination"] = decision.targets[0].number
    if decision.holds:
        changes["held"] = True
    if decision.refusal and not row["refusal"]:
        changes["refusal"] = decision.refusal
    return changes


def _keep(connection: Connection, call_id: str, identity: str, at_ms: int, decision: Decision) -> None:
    attempted = attempts.rows_of(call_id, decision.targets, at_ms)
    statements.add_decision(len(attempted)).run(
        connection, _decision_rows(call_id, identity, at_ms, decision, attempted)
    )
    _take(connection, call_id, decision)


def _take(connection: Connection, call_id: str, decision: Decision | None) -> None:
    if decision is not None and decision.holds:
        budgets.take(connection, call_id, decision.holds)


def _decision_rows(
    call_id: str, identity: str, at_ms: int, decision: Decision, attempted: list[dict[str, Any]]
) -> dict[str, Any]:
    values = {
        "id": ids.new_id("dec", at_ms),
        "call_id": call_id,
        "identity": identity,
        "at_ms": at_ms,
        "phase": decision.phase,
        "path": msgspec.to_builtins(decision.path),
        "instruction": msgspec.to_builtins(decision.instruction),
    }
    rows = {"decision": values} | {f"attempt{n}": row for n, row in enumerate(attempted)}
    return {f"{prefix}_{name}": value for prefix, row in rows.items() for name, value in row.items()}


def _former(connection: Connection, call_id: str, identity: str) -> Decision | None:
    """What the same event was answered."""
    wanted = select(schema.decision.c.phase, schema.decision.c.instruction).filter_by(
        call_id=call_id, identity=identity
    )
    row = connection.execute(wanted).first()
    return row and Decision(phase=row.phase, instruction=msgspec.convert(row.instruction, Instruction))


def _follow(connection: Connection, row: Mapping[str, Any], followed: Followed) -> None:
    if row["phase"] is not None:  # else no plan was asked, so nothing was counted
        attempts.follow(connection, row["id"], *followed)
    if row["held"]:
        budgets.follow(connection, row, is_over=followed[1] is not None)


def _followed(row: Mapping[str, Any], events: Iterable[CallEvent]) -> Followed:
    heard = {leg.number: (leg.state, leg.ended_ms) for leg in legs(events) if leg.number}
    return heard, row["ended_at_ms"] if STATES[row["status"]].ends else None


def _facts(row: dict[str, Any], event: CallEvent, told: Told) -> dict[str, Any]:
    """What an event adds to what the row does not know yet."""
    offered = {
        "tracking_number": event.tracking_number,
        "caller": event.caller,
        "destination": told.destination,
        "refusal": told.refusal,
        "campaign_id": told.campaign,
        "publisher_id": told.publisher,
    }
    changes = {name: value for name, value in offered.items() if value and not row[name]}
    if told.attribution is not None and row["method"] is None:
        changes |= credit_row(told.attribution)
    return changes


def _state(row: dict[str, Any], events: Iterable[CallEvent]) -> dict[str, Any]:
    rejected = row["refusal"] is not None and row["destination"] is None
    state = fold(events, Ours(row["phase"], bool(row["spoke"]), rejected, row["given_up_ms"]))
    changes = {
        "status": state.status,
        "started_at_ms": state.started_ms,
        "answered_at_ms": state.answered_ms,
        "ended_at_ms": state.ended_ms,
        "duration_s": state.duration_s,
        "talk_s": state.talk_s,
        "hung_up_by": state.hung_up_by,
        "recording_url": state.recording_url,
        "keys": state.keys,
        "attestation": state.attestation,
        "phone_type": state.phone_type,
    }
    is_unknown = row["destination"] is None and row["refusal"] is None
    if state.destination and (is_unknown or state.answered_ms is not None):
        changes["destination"] = state.destination
    return changes
