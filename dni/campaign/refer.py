"""Finds what a request names in other rooms. What is unknown or deleted is a wrong field, told by its path."""

from collections.abc import Iterable

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.campaign import campaigns
from dni.catalog.model import Rule, Use
from dni.errors import InvalidField, NotFound
from dni.ledger import schema
from dni.pool import numbers
from dni.pool.numbers import where_it_is
from dni.routing import destinations, model
from dni.routing.model import Routing
from dni.tag import tags


async def to_campaign(connection: AsyncConnection, wanted: str, path: str = "/campaign") -> None:
    await _named(connection, schema.campaign, wanted, path)


async def to_publisher(connection: AsyncConnection, wanted: str, path: str = "/publisher") -> None:
    await _named(connection, schema.publisher, wanted, path)


async def to_destination(connection: AsyncConnection, campaign: str, wanted: str, path: str = "/destination") -> None:
    if wanted not in await destinations.of_campaign(connection, campaign):
        raise InvalidField(path, f"the campaign has no destination {wanted[:64]!r}")


async def to_pool(connection: AsyncConnection, wanted: str, path: str = "/pool") -> None:
    await _named(connection, schema.pool, wanted, path)


async def live(connection: AsyncConnection, table: Table, wanted: str) -> None:
    """Raises NotFound unless the thing that the request is about is there."""
    if not await _is_live(connection, table, wanted):
        raise NotFound(f"there is no {table.name} {wanted}")


async def to_rule_numbers(connection: AsyncConnection, campaign: str, rules: list[Rule]) -> None:
    """A number that a rule shows is shown to everybody: it must not be one that is leased, or another campaign's."""
    places = {
        number: f"/rules/{place}/use/{name}"
        for place, rule in enumerate(rules)
        for name, number in (("number", rule.use.number), ("overflow", rule.use.overflow))
        if number is not None
    }
    for number, row in (await numbers.live(connection, places)).items():
        if row["pool_id"]:
            raise InvalidField(places[number], f"{number} is leased from {where_it_is(row)}: name a static number")
        if row["campaign_id"] != campaign:
            raise InvalidField(places[number], f"{number} belongs to {where_it_is(row)}")


async def no_rule_shows(connection: AsyncConnection, pooled: Iterable[str]) -> None:
    """The other side: a number that a rule shows cannot be leased."""
    places = {number: f"/numbers/{place}" for place, number in enumerate(pooled)}
    for row, given in await tags.uses(connection):
        for number in shown(given):
            if number in places:
                raise InvalidField(places[number], f"{number} is shown by a rule of tag {row['name']!r} ({row['id']})")


async def to_a_person(connection: AsyncConnection, destination: str | None, path: str = "/destination") -> None:
    """Calls sent to one of our own tracking numbers would go in circles."""
    if destination and (found := await numbers.live(connection, [destination])):
        raise InvalidField(path, f"{destination} is a tracking number itself, of {where_it_is(found[destination])}")


async def no_campaigns_destination(connection: AsyncConnection, added: Iterable[str], path: str) -> None:
    """The other side: where calls go to cannot become a tracking number. `{place}` in `path` is the number's."""
    ends = {
        row["number"]: f"is destination {row['name']!r} ({row['id']})" for row in await destinations.phones(connection)
    }
    ends |= {
        row["destination"]: f"is where the calls of campaign {row['name']!r} ({row['id']}) go"
        for row in await campaigns.destinations(connection)
    }
    for place, number in enumerate(added):
        if number in ends:
            raise InvalidField(path.format(place=place), f"{number} {ends[number]}")


async def to_routing(connection: AsyncConnection, campaign: str, routing: Routing) -> None:
    """Its destinations are live ones of the campaign, its publishers are there."""
    own = await destinations.of_campaign(connection, campaign)
    for wanted, path in model.destinations(routing).items():
        if wanted not in own:
            raise InvalidField(path, f"the campaign has no destination {wanted[:64]!r}")
    for wanted, path in model.publishers(routing).items():
        await to_publisher(connection, wanted, path)


def shown(given: list[Use]) -> set[str]:
    """The numbers that rules show by themselves."""
    return {number for use in given for number in (use.number, use.overflow) if number is not None}


async def _named(connection: AsyncConnection, table: Table, wanted: str, path: str) -> None:
    if not await _is_live(connection, table, wanted):
        raise InvalidField(path, f"there is no {table.name} {wanted!r}")


async def _is_live(connection: AsyncConnection, table: Table, wanted: str) -> bool:
    gone = table.c.retired_at_ms if table is schema.number else table.c.deleted_at_ms
    if "\0" in wanted or not wanted.isprintable():
        return False
    query = select(table.c.id).where(table.c.id == wanted, gone.is_(None))
    return (await connection.execute(query)).first() is not None
