"""What the ledger knows of a call when its next step is chosen; asked in the transaction that keeps the answer."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, func, literal, select

from dni.ledger.schema import call, session
from dni.routing import attempts, model
from dni.routing.conditions import Earlier, Facts
from dni.routing.decision import Route
from dni.routing.model import Ring, Routing
from dni.session.model import Touch

_MINUTE_MS = 60_000
_TOUCH = tuple(name for name in Touch.__struct_fields__ if name in call.c)


def known(connection: Connection, route: Route, row: Mapping[str, Any]) -> Facts:
    """Asks only for what the plan looks at. `row`: the call's, with the columns of its table.

    Until the end of the transaction nobody else is sent to these destinations, where it matters.
    """
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
    minutes = {one.more_than.minutes for one in looked_at if one.more_than}
    if row["caller"] and (minutes or any(one.first_time is not None for one in looked_at)):
        facts = replace(facts, earlier=_earlier(connection, route, row, minutes))
    return replace(facts, destinations=_destinations(connection, route, routing))


def _earlier(connection: Connection, route: Route, row: Mapping[str, Any], minutes: set[int]) -> Earlier:
    began_ms = row["started_at_ms"]
    same = (call.c.caller == row["caller"]) & (call.c.campaign_id == route.campaign.id)
    before = same & (call.c.started_at_ms <= began_ms) & (call.c.provider_id != row["provider_id"])
    last = connection.execute(select(func.max(call.c.started_at_ms)).where(before)).scalar()
    lately = {}
    for span in minutes:
        within = before & (call.c.started_at_ms > began_ms - span * _MINUTE_MS)
        some = select(literal(1)).where(within).limit(1_001).subquery()
        lately[span] = 1 + connection.execute(select(func.count()).select_from(some)).scalar_one()
    return Earlier(last, lately)


def _destinations(connection: Connection, route: Route, routing: Routing) -> dict[str, Any]:
    rings = [step for step in routing.steps if isinstance(step, Ring) and step.order in ("round_robin", "least_used")]
    ordered = {one.destination for step in rings for one in step.destinations}
    if capped := [one.id for one in route.destinations.values() if one.caps != model.Caps()]:
        attempts.lock(connection, capped)
    return {
        one.id: attempts.now_of(connection, one, route.at_ms, route.campaign.timezone, ordered=one.id in ordered)
        for one in route.destinations.values()
    }
