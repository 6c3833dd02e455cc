"""Takes configuration away: only what nothing lives on. Rows stay in the ledger, because what happened names them.

Every function runs in the transaction of `change.one_change` and raises NotFound, or Conflict `in_use` naming a user.
"""

from typing import Any

import msgspec
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import tokens
from dni.campaign import campaigns, publishers, refer
from dni.errors import Conflict
from dni.ledger import schema
from dni.pool import numbers, pools
from dni.qualification import limits
from dni.routing import destinations, model
from dni.routing.model import Routing
from dni.tag import tags
from dni.telephony import carriers


async def campaign(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await refer.live(connection, schema.campaign, wanted)
    await _unused(connection, "campaign_id", wanted)
    await limits.delete_of(connection, now_ms, campaign_id=wanted)
    await destinations.delete_of(connection, now_ms, wanted)
    await campaigns.delete(connection, now_ms, wanted)


async def destination(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    """Only one that its campaign's routing does not name."""
    await refer.live(connection, schema.destination, wanted)
    query = select(schema.campaign.c.name, schema.campaign.c.id, schema.campaign.c.routing).join(
        schema.destination, schema.destination.c.campaign_id == schema.campaign.c.id
    )
    row = (await connection.execute(query.where(schema.destination.c.id == wanted))).one()
    if wanted in model.destinations(msgspec.convert(row.routing, Routing)):
        raise _in_use(f"the routing of campaign {row.name!r} ({row.id})")
    await limits.delete_of(connection, now_ms, destination_id=wanted)
    await destinations.delete(connection, now_ms, wanted)


async def budget(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await refer.live(connection, schema.budget, wanted)
    await limits.delete(connection, now_ms, wanted)


async def publisher(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await refer.live(connection, schema.publisher, wanted)
    await _unused(connection, "publisher_id", wanted)
    await limits.delete_of(connection, now_ms, publisher_id=wanted)
    await publishers.delete(connection, now_ms, wanted)


async def pool(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    """Its numbers are retired with it."""
    await refer.live(connection, schema.pool, wanted)
    for row, given in await tags.uses(connection):
        if any(use.pool == wanted for use in given):
            raise _in_use(f"tag {row['name']!r} ({row['id']})")
    await pools.delete(connection, now_ms, wanted)


async def number(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await refer.live(connection, schema.number, wanted)
    e164 = (await connection.execute(select(schema.number.c.number).where(schema.number.c.id == wanted))).scalar_one()
    for row, given in await tags.uses(connection):
        if e164 in refer.shown(given):
            raise _in_use(f"a rule of tag {row['name']!r} ({row['id']})")
    await numbers.retire(connection, now_ms, wanted)


async def tag(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await refer.live(connection, schema.tag, wanted)
    await tags.delete(connection, now_ms, wanted)


async def carrier(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await refer.live(connection, schema.carrier, wanted)
    await carriers.delete(connection, now_ms, wanted)


async def token(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await tokens.revoke(connection, now_ms, wanted)


async def _unused(connection: AsyncConnection, column: str, wanted: str) -> None:
    tables: tuple[tuple[Table, Any], ...] = (
        (schema.tag, schema.tag.c.name),
        (schema.pool, schema.pool.c.name),
        (schema.number, schema.number.c.number),
        (schema.endpoint, schema.endpoint.c.name),
    )
    for table, name in tables:
        gone = table.c.retired_at_ms if table is schema.number else table.c.deleted_at_ms
        users = select(table.c.id, name).where(table.c[column] == wanted, gone.is_(None)).limit(1)
        if found := (await connection.execute(users)).first():
            raise _in_use(f"{table.name} {found[1]!r} ({found[0]})")


def _in_use(by: str) -> Conflict:
    return Conflict(f"it is in use by {by}; take that away first", code="in_use")
