"""Storage of calls and their events. A call's row is the fold of its events; `record` is the only way in."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids
from dni.attribution.model import Attribution
from dni.call.model import STATES, Ours, fold, legs, longest_ms
from dni.ledger import schema, stale
from dni.ledger.engines import Ledger
from dni.routing import attempts
from dni.routing.decision import Decision
from dni.telephony.model import STEPS, CallEvent, Instruction
from dni.telephony.ports import PORTS

_TOUCH = ("source", "medium", "campaign_name", "keyword", "content", "channel", "landing_page", "referrer")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a carrier, with what we decided when it came. All that is needed to record it, now or later.

    `inbound`, `step`: by which door; neither: its progress. `decision`: what memory alone answers it; `refusal`: why
    the call is no campaign's, though it may be connected. A duplicate never overwrites.
    """

    carrier: str
    port: str
    inbound: bool
    received_ms: int
    fields: dict[str, str]
    step: bool = False
    decision: Decision | None = None
    destination: str | None = None  # of lines that an earlier version left on disk
    refusal: str | None = None
    campaign: str | None = None
    publisher: str | None = None
    attribution: Attribution | None = None

    def event(self) -> CallEvent:
        return _read(
            self.port, "inbound" if self.inbound else STEPS[0] if self.step else "", self.fields, self.received_ms
        )


class Choose(Protocol):
    """What to answer, by the call's row; it reads the ledger, in the transaction that keeps the answer."""

    def __call__(self, connection: Connection, row: Mapping[str, Any]) -> Decision | None: ...

    def stands(self, decision: Decision | None) -> bool:
        """Whether that answer may be kept still, at the end of the transaction."""
        ...


class Superseded(Exception):
    """The carrier got another answer, with which the event is safe on disk: nothing of this one is kept."""


class Recorded(msgspec.Struct, frozen=True):
    """A call as it stands now. `fresh`: this event was not known before. `pending`: nobody was credited yet.
    `instruction`: what this event was answered, now or when it was told first; None: nothing was asked."""

    id: str
    carrier: str
    provider_id: str
    tracking_number: str
    caller: str | None
    started_ms: int
    ended_ms: int | None
    fresh: bool
    pending: bool
    instruction: Instruction | None = None

    @property
    def ring(self) -> str:
        """What the lease engine calls this call; it is the same before the call is in the ledger."""
        return ring(self.carrier, self.provider_id)


def ring(carrier: str, provider_id: str) -> str:
    return f"{carrier}|{provider_id}"


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
    row = _first(event, told)
    decision = _chosen(connection, row, told, choose)
    if decision is not None:
        row |= _decided(row, decision)
        row |= _state(row, [event])
    known = {name: value for name, value in row.items() if value is not None}
    made = ledger.insert(schema.call).values(known).on_conflict_do_nothing().returning(schema.call.c.id)
    if connection.execute(made).first() is not None:
        _add_event(connection, ledger, row["id"], event, told)
        _keep(connection, row["id"], event.identity, told.received_ms, decision)
        _mark(connection, row)
        return _recorded(row, fresh=True, decision=decision), decision
    # The row is ours until the commit: two events at once must see each other.
    same = {"carrier_id": told.carrier, "provider_id": event.provider_id}
    wanted = select(schema.call).filter_by(**same).with_for_update()
    row = dict(connection.execute(wanted).mappings().one())
    if row["forgot_ms"] is not None:
        told = replace(told, fields=nameless(told.port, told.fields))
        event = replace(told.event(), identity=event.identity)
    if not _add_event(connection, ledger, row["id"], event, told):
        return _recorded(row, fresh=False, decision=_former(connection, row["id"], event.identity)), None
    changes = _facts(row, event, told)
    if event.kind == "dialled":
        attempts.end(connection, row["id"], event.destination_state, told.received_ms)
    decision = _chosen(connection, {**row, **changes}, told, choose)
    changes |= _decided({**row, **changes}, decision)
    events = _events(connection, row["id"], told.port)
    changes |= _state({**row, **changes}, events)
    connection.execute(update(schema.call).where(schema.call.c.id == row["id"]).values(changes))
    row = {**row, **changes}
    _keep(connection, row["id"], event.identity, told.received_ms, decision)
    _follow(connection, row, events)
    _mark(connection, row, {**row, **changes})
    return _recorded(row, fresh=True, decision=decision), decision


def give_up(connection: Connection, wanted: str, at_ms: int) -> Recorded | None:
    """Closes a call whose end nobody told. None: it is over, or was told of since. Needs a write transaction."""
    row = dict(connection.execute(select(schema.call).filter_by(id=wanted).with_for_update()).mappings().one())
    port = connection.execute(select(schema.carrier.c.kind).filter_by(id=row["carrier_id"])).scalar()
    events = _events(connection, wanted, port or "")
    heard_ms = max(e.at_ms for e in events)
    if STATES[row["status"]].ends or at_ms - heard_ms <= longest_ms(row["status"]):
        return None
    changes: dict[str, Any] = {"given_up_ms": at_ms}
    changes |= _state({**row, **changes}, events)
    connection.execute(update(schema.call).where(schema.call.c.id == wanted).values(changes))
    row |= changes
    _follow(connection, row, events)
    _mark(connection, row)
    return _recorded(row, fresh=True)


async def credit(connection: AsyncConnection, call_id: str, attribution: Attribution, campaign: str | None) -> bool:
    """Credits a call that was not credited yet; False when it was."""
    still = (schema.call.c.id == call_id) & schema.call.c.method.is_(None)
    values = {"campaign_id": campaign} | _credit(attribution)
    told = (schema.call.c.started_at_ms, schema.call.c.campaign_id, schema.call.c.caller)
    done = (await connection.execute(update(schema.call).where(still).values(values).returning(*told))).mappings()
    row = done.first()
    if row is not None:
        await connection.run_sync(_mark, row)
    return row is not None


async def is_as_read(connection: AsyncConnection, row: Mapping[Any, Any]) -> bool:
    """Whether a call's answer is still that of the row, until the end of this transaction: no other was given since,
    and nobody whom it names was erased."""
    call = schema.call.c
    now = select(call.session_id, call.visitor_id, call.candidates).where(call.id == row["id"]).with_for_update()
    found = (await connection.execute(now)).one()
    return tuple(found) == (row["session_id"], row["visitor_id"], row["candidates"])


async def credit_anew(
    connection: AsyncConnection, row: Mapping[Any, Any], attribution: Attribution, now_ms: int
) -> None:
    """Another answer for a call that was credited before; the former one is kept. What it taught stays taught, and the
    touches of those who may have called now are still to be kept."""
    kept = {name: row[name] for name in ("session_id", "visitor_id", "method", "confidence", "candidates")}
    former = insert(schema.former_attribution).values(call_id=row["id"], until_ms=now_ms, **kept)
    await connection.execute(former)
    values = {name: value for name, value in _credit(attribution).items() if name != "lessons"}
    values["touches_kept_ms"] = None
    await connection.execute(update(schema.call).where(schema.call.c.id == row["id"]).values(values))
    await connection.run_sync(_mark, row)


async def uncredited(connection: AsyncConnection, since_ms: int, limit: int) -> list[Recorded]:
    """Calls that nobody was credited for yet and whose number is known, oldest first."""
    call = schema.call.c
    wanted = (
        select(schema.call)
        .where(call.method.is_(None), call.tracking_number != "", call.started_at_ms >= since_ms)
        .order_by(call.started_at_ms)
        .limit(limit)
    )
    return [_recorded(dict(row), fresh=False) for row in (await connection.execute(wanted)).mappings()]


async def ended(connection: AsyncConnection, since_ms: int, started_since_ms: int) -> list[Recorded]:
    """Calls that began and ended after these moments."""
    call = schema.call.c
    wanted = select(schema.call).where(call.started_at_ms > started_since_ms, call.ended_at_ms > since_ms)
    return [_recorded(dict(row), fresh=False) for row in (await connection.execute(wanted)).mappings()]


def _mark(connection: Connection, *rows: Mapping[Any, Any]) -> None:
    """The call changed, and with it perhaps whether a later one of the same telephone is its first."""
    times = {row["started_at_ms"] for row in rows}
    call, row, last = schema.call.c, rows[-1], None
    if row["caller"] is not None:
        same = (call.caller == row["caller"], call.campaign_id == row["campaign_id"])
        last = select(func.max(call.started_at_ms)).where(*same).scalar_subquery()
    stale.mark_stretch(connection, "call", min(times), max(times), last)


def nameless(port: str, fields: Mapping[str, str]) -> dict[str, str]:
    """What stays of an event's fields when who called is forgotten: the call's fold is the same."""
    carrier = PORTS.get(port)
    return carrier.unrecorded(carrier.bare(fields)) if carrier else {}


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


def _add_event(connection: Connection, ledger: Ledger, call_id: str, event: CallEvent, told: Told) -> bool:
    """False: it was told before."""
    made = (
        ledger.insert(schema.call_event)
        .values(
            id=ids.new_id("evt", told.received_ms),
            call_id=call_id,
            identity=event.identity,
            kind=event.kind,
            at_ms=event.at_ms,
            received_at_ms=told.received_ms,
            fields=told.fields,
        )
        .on_conflict_do_nothing()
        .returning(schema.call_event.c.id)
    )
    return connection.execute(made).first() is not None


def _events(connection: Connection, call_id: str, port: str) -> list[CallEvent]:
    event = schema.call_event.c
    wanted = select(event.kind, event.received_at_ms, event.fields).where(event.call_id == call_id)
    rows = connection.execute(wanted)
    return [_read(port, kind, fields, received) for kind, received, fields in rows]


def _read(port: str, kind: str, fields: dict[str, str], received_ms: int) -> CallEvent:
    carrier = PORTS[port]
    if kind in STEPS:
        return carrier.step(fields, received_ms)
    return carrier.inbound(fields, received_ms) if kind == "inbound" else carrier.progress(fields, received_ms)


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
    if decision.refusal and not row["refusal"]:
        changes["refusal"] = decision.refusal
    return changes


def _keep(connection: Connection, call_id: str, identity: str, at_ms: int, decision: Decision | None) -> None:
    if decision is None:
        return
    values = {
        "id": ids.new_id("dec", at_ms),
        "call_id": call_id,
        "identity": identity,
        "at_ms": at_ms,
        "phase": decision.phase,
        "path": msgspec.to_builtins(decision.path),
        "instruction": msgspec.to_builtins(decision.instruction),
    }
    connection.execute(insert(schema.decision).values(values))
    attempts.add(connection, call_id, decision.targets, at_ms)


def _former(connection: Connection, call_id: str, identity: str) -> Decision | None:
    """What the same event was answered."""
    wanted = select(schema.decision.c.phase, schema.decision.c.instruction).filter_by(
        call_id=call_id, identity=identity
    )
    row = connection.execute(wanted).first()
    return row and Decision(phase=row.phase, instruction=msgspec.convert(row.instruction, Instruction))


def _follow(connection: Connection, row: Mapping[str, Any], events: list[CallEvent]) -> None:
    if row["phase"] is None:  # no plan was asked, so nothing was counted
        return
    heard = {leg.number: (leg.state, leg.ended_ms) for leg in legs(events) if leg.number}
    attempts.follow(connection, row["id"], heard, row["ended_at_ms"] if STATES[row["status"]].ends else None)


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
        changes |= _credit(told.attribution)
    return changes


def _credit(attribution: Attribution) -> dict[str, Any]:
    touch = attribution.touch
    publisher = {"publisher_id": attribution.publisher} if attribution.publisher else {}
    return publisher | {
        **{name: getattr(touch, name) for name in _TOUCH},
        "click_ids": touch.click_ids,
        "params": touch.params,
        "session_id": attribution.session,
        "visitor_id": attribution.visitor,
        "tag_id": attribution.tag,
        "method": attribution.method,
        "confidence": attribution.confidence,
        "candidates": [msgspec.to_builtins(candidate) for candidate in attribution.candidates],
        "lessons": msgspec.to_builtins(attribution.lessons),
    }


def _state(row: dict[str, Any], events: list[CallEvent]) -> dict[str, Any]:
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


def _recorded(row: dict[str, Any], fresh: bool, decision: Decision | None = None) -> Recorded:
    return Recorded(
        id=row["id"],
        carrier=row["carrier_id"],
        provider_id=row["provider_id"],
        tracking_number=row["tracking_number"],
        caller=row["caller"],
        started_ms=row["started_at_ms"],
        ended_ms=row["ended_at_ms"] if STATES[row["status"]].ends else None,
        fresh=fresh,
        pending=row["method"] is None,
        instruction=decision.instruction if decision else None,
    )
