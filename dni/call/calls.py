"""Storage of calls and their events. A call's row is the fold of its events; `record` is the only way in."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids
from dni.attribution.model import Attribution
from dni.call.model import STATES, fold
from dni.ledger import schema, stale
from dni.ledger.engines import Ledger
from dni.telephony.model import CallEvent
from dni.telephony.ports import PORTS

_TOUCH = ("source", "medium", "campaign_name", "keyword", "content", "channel", "landing_page", "referrer")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a carrier, with what we decided when it came. All that is needed to record it, now or later.

    `destination`: where we connected the caller; `refusal`: why not to a campaign. A duplicate never overwrites.
    """

    carrier: str
    port: str
    inbound: bool
    received_ms: int
    fields: dict[str, str]
    destination: str | None = None
    refusal: str | None = None
    campaign: str | None = None
    publisher: str | None = None
    attribution: Attribution | None = None

    def event(self) -> CallEvent:
        return _read(self.port, self.inbound, self.fields, self.received_ms)


class Recorded(msgspec.Struct, frozen=True):
    """A call as it stands now. `fresh`: this event was not known before. `pending`: nobody was credited yet."""

    id: str
    carrier: str
    provider_id: str
    tracking_number: str
    caller: str | None
    started_ms: int
    ended_ms: int | None
    fresh: bool
    pending: bool

    @property
    def ring(self) -> str:
        """What the lease engine calls this call; it is the same before the call is in the ledger."""
        return ring(self.carrier, self.provider_id)


def ring(carrier: str, provider_id: str) -> str:
    return f"{carrier}|{provider_id}"


def record(connection: Connection, ledger: Ledger, told: Told) -> Recorded:
    """Adds an event to its call, which begins with the first event that we hear of it, whichever that is.

    The same event again changes nothing. Needs a write transaction. Raises InvalidField as the port does.
    """
    event = told.event()
    row = _first(event, told)
    known = {name: value for name, value in row.items() if value is not None}
    made = ledger.insert(schema.call).values(known).on_conflict_do_nothing().returning(schema.call.c.id)
    if connection.execute(made).first() is not None:
        _add_event(connection, ledger, row["id"], event, told)
        _mark(connection, row)
        return _recorded(row, fresh=True)
    # The row is ours until the commit: two events at once must see each other.
    same = {"carrier_id": told.carrier, "provider_id": event.provider_id}
    wanted = select(schema.call).filter_by(**same).with_for_update()
    row = dict(connection.execute(wanted).mappings().one())
    if row["forgot_ms"] is not None:
        told = replace(told, fields=nameless(told.port, told.fields))
        event = replace(told.event(), identity=event.identity)
    if not _add_event(connection, ledger, row["id"], event, told):
        return _recorded(row, fresh=False)
    changes = _facts(row, event, told)
    changes |= _state({**row, **changes}, _events(connection, row["id"], told.port))
    connection.execute(update(schema.call).where(schema.call.c.id == row["id"]).values(changes))
    _mark(connection, row, {**row, **changes})
    return _recorded({**row, **changes}, fresh=True)


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
    return [_read(port, kind == "inbound", fields, received) for kind, received, fields in rows]


def _read(port: str, inbound: bool, fields: dict[str, str], received_ms: int) -> CallEvent:
    carrier = PORTS[port]
    return carrier.inbound(fields, received_ms) if inbound else carrier.progress(fields, received_ms)


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
    state = fold(events, rejected=row["refusal"] is not None and row["destination"] is None)
    changes = {
        "status": state.status,
        "started_at_ms": state.started_ms,
        "answered_at_ms": state.answered_ms,
        "ended_at_ms": state.ended_ms,
        "duration_s": state.duration_s,
        "talk_s": state.talk_s,
        "hung_up_by": state.hung_up_by,
        "recording_url": state.recording_url,
    }
    if row["destination"] is None and row["refusal"] is None and state.destination:
        changes["destination"] = state.destination
    return changes


def _recorded(row: dict[str, Any], fresh: bool) -> Recorded:
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
    )
