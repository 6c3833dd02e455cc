"""What the admin API does with a campaign's routing: reads it, writes it, and tries a call with it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.api.model import Ask, Operation
from dni.campaign import campaigns, declare
from dni.parts import Parts
from dni.routing.model import Routing
from dni.routing.rehearse import Rehearsal, RehearsalView, rehearse

_LIMIT = 512 * 1024
"""Room for a block list."""


async def _routing(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await campaigns.routing(connection, ask.principal, ask.id)


async def _as_it_is(connection: AsyncConnection, ask: Ask) -> Any:
    return await campaigns.routing(connection, ask.principal, ask.id)


async def _reroute(connection: AsyncConnection, ask: Ask) -> Any:
    return await declare.routing(connection, ask.id, ask.body)


async def try_routing(parts: Parts, ask: Ask) -> RehearsalView:
    async with ask.ledger.read() as connection:
        await campaigns.routing(connection, ask.principal, ask.id)
        await parts.catalog.refresh()
        campaign = parts.catalog.now.campaigns[ask.id]
        own = {one.id: one for one in parts.catalog.now.destinations.values() if one.campaign == ask.id}
        budgets = parts.catalog.now.budgets.get(ask.id, ())
        return await connection.run_sync(rehearse, campaign, own, ask.now_ms, ask.body, budgets)


OPERATIONS = (
    Operation(
        method="GET",
        path="/campaigns/{id}/routing",
        name="get_routing",
        summary="The steps that a campaign's calls go through",
        room="campaigns",
        run=_routing,
        answer=Routing,
    ),
    Operation(
        method="PUT",
        path="/campaigns/{id}/routing",
        name="put_routing",
        summary="Replace the steps that a campaign's calls go through; calls under way go on behind theirs",
        room="campaigns",
        access="write",
        run=_reroute,
        body=Routing,
        body_limit=_LIMIT,
        answer=Routing,
        before=_as_it_is,
        whole=True,
    ),
    Operation(
        method="POST",
        path="/campaigns/{id}/routing/try",
        name="try_routing",
        summary="Play a call that does not ring: which steps it would take now, and why",
        room="campaigns",
        run=try_routing,
        body=Rehearsal,
        body_limit=_LIMIT,
        answer=RehearsalView,
        workflow=True,
    ),
)
