"""What the ledger knows of a call when its next step is chosen; asked in the transaction that keeps the answer."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from msgspec.structs import replace
from sqlalchemy import BigInteger, ColumnElement, Connection, Text, bindparam, func, literal, select

from dni.ledger.prepared import Prepared
from dni.ledger.schema import call, session
from dni.qualification import budgets
from dni.qualification.budgets import Room
from dni.routing import attempts, model
from dni.routing.conditions import Earlier, Facts
from dni.routing.decision import Route
from dni.routing.model import Ring, Routing
from dni.session.model import Touch

_MINUTE_MS = 60_000
_TOUCH = tuple(name for name in Touch.__struct_fields__ if name in call.c)


def known(connection: Connection, route: Route, row: Mapping[str, Any]) -> Facts:
    """Asks only for what the plan looks at. `row`: the call's, with the columns of its table.

    Until the end of the transaction nobody else is sent to these destinations, or takes of these budgets, where it
    matters.
    """
    if not route.budgets:
        return _of_plan(connection, route, row)
    # Budgets are locked before destinations: who ends a call locks budgets too.
    room = budgets.room(
        connection,
        route.campaign.id,
        row["publisher_id"],
        route.destinations,
        call=row["id"] if row["held"] else None,
        began_ms=row["started_at_ms"],
        now_ms=route.at_ms,
    )
    return _bounded(_of_plan(connection, route, row), room)


def _bounded(facts: Facts, room: Room) -> Facts:
    """A destination whose budget is full is passed over like one whose cap is."""
    full = {
        one: replace(now, has_room=False, why=now.why or why)
        for one, why in room.full.items()
        if (now := facts.destinations.get(one))
    }
    return replace(facts, destinations=facts.destinations | full, over_budget=room.over, holds=room.holds)


def _of_plan(connection: Connection, route: Route, row: Mapping[str, Any]) -> Facts:
    routing = route.campaign.routing
    facts = replace(
        route.blind(),
        touch=Touch(**{name: row[name] for name in _TOUCH if row[name] is not None}),
        publisher=row["publisher_id"],
    )
    if not routing.steps:
        return facts
    looked_at = model.conditions(routing)
    if any(one.custom for one in looked_at) and row["session_id"]:
        query = select(session.c.custom).where(session.c.id == row["session_id"])
        told = connection.execute(query).scalar() or {}
        facts = replace(facts, custom={name: str(value) for name, value in told.items()})
    minutes = sorted({one.more_than.minutes for one in looked_at if one.more_than})
    looks_back = bool(row["caller"]) and (bool(minutes) or any(one.first_time is not None for one in looked_at))
    look = _destinations(connection, route, routing)
    values = look.values | (_callers(route, row, minutes) if looks_back else {})
    spans = len(minutes) if looks_back else None
    if spans is None and not look.whats:
        return replace(facts, destinations=look.now(()))
    [said] = _looks(look.whats, spans).run(connection, values)
    now = look.now(said[: len(look.whats)])
    if spans is None:
        return replace(facts, destinations=now)
    last, *counts = said[len(look.whats) :]
    lately = {span: 1 + count for span, count in zip(minutes, counts, strict=True)}
    return replace(facts, destinations=now, earlier=Earlier(last, lately))


def _callers(route: Route, row: Mapping[str, Any], minutes: Collection[int]) -> dict[str, Any]:
    began_ms = row["started_at_ms"]
    values = {"caller": row["caller"], "campaign": route.campaign.id, "began": began_ms, "this": row["provider_id"]}
    return values | {f"after{n}": began_ms - span * _MINUTE_MS for n, span in enumerate(minutes)}


@lru_cache(256)
def _looks(whats: tuple[str, ...], spans: int | None) -> Prepared:
    """All that is asked, in one statement: how destinations are, and (`spans`) of the same telephone. Made once."""
    looks: list[ColumnElement[Any]] = [*attempts.columns(whats), *(() if spans is None else _looks_back(spans))]
    return Prepared(select(*looks))


def _looks_back(spans: int) -> list[ColumnElement[Any]]:
    """When the same telephone rang last, and how often since so many moments."""
    before = (
        (call.c.caller == bindparam("caller", type_=Text))
        & (call.c.campaign_id == bindparam("campaign", type_=Text))
        & (call.c.started_at_ms <= bindparam("began", type_=BigInteger))
        & (call.c.provider_id != bindparam("this", type_=Text))
    )
    looks: list[ColumnElement[Any]] = [select(func.max(call.c.started_at_ms)).where(before).scalar_subquery()]
    for n in range(spans):
        within = before & (call.c.started_at_ms > bindparam(f"after{n}", type_=BigInteger))
        some = select(literal(1)).where(within).limit(1_001).subquery()
        looks.append(select(func.count()).select_from(some).scalar_subquery())
    return [each.label(f"earlier{n}") for n, each in enumerate(looks)]


def _destinations(connection: Connection, route: Route, routing: Routing) -> attempts.Look:
    rings = [step for step in routing.steps if isinstance(step, Ring) and step.order in ("round_robin", "least_used")]
    ordered = {one.destination for step in rings for one in step.destinations}
    if capped := [one.id for one in route.destinations.values() if one.caps != model.Caps()]:
        attempts.lock(connection, capped)
    return attempts.Look(route.destinations.values(), route.at_ms, route.campaign.timezone, ordered)
