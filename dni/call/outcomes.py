"""What became of a call, told afterwards by who knows: a sale, its value, the lead's status. Rows are only added."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids
from dni.access import walls
from dni.access.model import Principal
from dni.call.outcome import TellOutcome
from dni.call.views import CallOutcome, OutcomeView, outcome_as_seen
from dni.campaign import model
from dni.clock import rfc3339
from dni.errors import NotFound
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import call, outcome
from dni.money import Money
from dni.outbound import outbox
from dni.phone import e164

FIELDS = ("sale", "value", "currency", "lead_status", "note")


class TellOutcomeOf(TellOutcome, kw_only=True, forbid_unknown_fields=True):
    """Of the latest call of this telephone that began from `since` until before `until`."""

    caller: model.Phone
    since: Instant
    until: Instant
    campaign: model.Id | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.caller = e164(self.caller, "/caller")


class Heard(msgspec.Struct, frozen=True):
    """What was told of a call, and before that; `before` by FIELDS."""

    view: OutcomeView
    before: dict[str, Any]


async def tell(
    connection: AsyncConnection, principal: Principal, now_ms: int, wanted: str, told: TellOutcome
) -> OutcomeView:
    """The same again adds nothing. Raises NotFound, also for a call behind the principal's walls."""
    made = await connection.run_sync(tell_many, principal, now_ms, {wanted: told})
    if wanted not in made:
        raise NotFound(f"there is no call {wanted}")
    return made[wanted].view


def tell_many(
    connection: Connection, principal: Principal, now_ms: int, told: Mapping[str, TellOutcome]
) -> dict[str, Heard]:
    """The same of several calls; of those that are not there, or behind the walls, nothing is said."""
    # As calls are locked everywhere: an earlier one before a later one.
    locked = select(call.c.id).where(walls.calls(principal), call.c.id.in_(told))
    found = connection.execute(locked.order_by(call.c.started_at_ms, call.c.id).with_for_update()).scalars().all()
    past = connection.execute(select(outcome).where(outcome.c.call_id.in_(found)).order_by(outcome.c.id)).mappings()
    last = {row["call_id"]: row for row in past}
    heard: dict[str, Heard] = {}
    new: list[dict[str, Any]] = []
    for wanted in found:
        before = {name: last[wanted][name] if wanted in last else None for name in FIELDS}
        after = before | _values(told[wanted])
        if wanted in last and after == before:
            heard[wanted] = Heard(_view(last[wanted]), before)
            continue
        made = {"id": ids.new_id("out", now_ms), "call_id": wanted, "at_ms": now_ms, **after}
        made |= {"by_id": principal.id, "by_name": principal.name}
        heard[wanted] = Heard(_view(made), before)
        new.append(made)
    if new:
        connection.execute(insert(outcome), new)
        copies = [{"this": row["call_id"], "copy": msgspec.to_builtins(_copy(row)), "since": now_ms} for row in new]
        connection.execute(_CHANGE, copies)
        outbox.add_all(connection, "outcome.recorded", now_ms, {row["call_id"]: {"outcome": row["id"]} for row in new})
    return heard


async def tell_of(connection: AsyncConnection, principal: Principal, now_ms: int, told: TellOutcomeOf) -> OutcomeView:
    """Raises NotFound when no such call is within the principal's walls."""
    since_ms, until_ms = model.moment_ms(told.since, "/since"), model.moment_ms(told.until, "/until")
    query = select(call.c.id).where(
        walls.calls(principal),
        call.c.caller == told.caller,
        call.c.started_at_ms >= since_ms,
        call.c.started_at_ms < until_ms,
    )
    if told.campaign is not None:
        query = query.where(call.c.campaign_id == told.campaign)
    found = (await connection.execute(query.order_by(call.c.started_at_ms.desc()).limit(1))).scalar()
    if found is None:
        raise NotFound("no call of this caller began in that time")
    return await tell(connection, principal, now_ms, found, told)


async def of_call(connection: AsyncConnection, principal: Principal, wanted: str) -> list[OutcomeView]:
    """All that was told, the latest first. Raises NotFound as `tell` does."""
    await rows.one(connection, select(call).where(walls.calls(principal), call.c.id == wanted), f"call {wanted}")
    found = (await connection.execute(_of(wanted))).mappings()
    return [outcome_as_seen(_view(row), principal) for row in found]


def told(connection: Connection, wanted: Iterable[str]) -> dict[str, OutcomeView]:
    """Those of these outcomes that are there, by id."""
    found = connection.execute(select(outcome).where(outcome.c.id.in_(list(wanted)))).mappings()
    return {row["id"]: _view(row) for row in found}


def _of(wanted: str) -> Any:
    return select(outcome).where(outcome.c.call_id == wanted).order_by(outcome.c.id.desc())


def _values(told: TellOutcome) -> dict[str, Any]:
    values = {name: given for name in ("sale", "lead_status", "note") if (given := getattr(told, name)) is not UNSET}
    if told.value is not UNSET:
        values |= {
            "value": told.value.amount if told.value else None,
            "currency": told.value.currency if told.value else None,
        }
    return values


def _copy(row: Mapping[Any, Any]) -> CallOutcome:
    value = None if row["value"] is None else Money(row["value"], row["currency"])
    return CallOutcome(sale=row["sale"], value=value, lead_status=row["lead_status"], note=row["note"])


def _view(row: RowMapping | Mapping[str, Any]) -> OutcomeView:
    copy = _copy(row)
    return OutcomeView(
        id=row["id"],
        call=row["call_id"],
        at=rfc3339(row["at_ms"]),
        sale=copy.sale,
        value=copy.value,
        lead_status=copy.lead_status,
        note=copy.note,
        by=row["by_name"],
    )


_CHANGE = (
    update(call)
    .where(call.c.id == bindparam("this"))
    .values(outcome=bindparam("copy", type_=call.c.outcome.type), unsettled_ms=bindparam("since"))
)
