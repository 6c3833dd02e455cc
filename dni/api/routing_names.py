"""The names in a declared routing, for ids: a file names destinations and publishers as people do."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger import schema


async def steps_with_ids(connection: AsyncConnection, campaign: str, told: Any) -> Any:
    """What has another shape than a routing, and names that are nobody's, are left for the form to refuse."""
    if not isinstance(told, dict) or not isinstance(told.get("steps"), list):
        return told
    own, publisher = schema.destination.c, schema.publisher.c
    mine = (own.campaign_id == campaign) & own.deleted_at_ms.is_(None)
    destinations = await _ids(connection, select(own.name, own.id).where(mine))
    publishers = await _ids(connection, select(publisher.name, publisher.id).where(publisher.deleted_at_ms.is_(None)))
    return {**told, "steps": [_step(given, destinations, publishers) for given in told["steps"]]}


async def _ids(connection: AsyncConnection, query: Any) -> dict[str, str]:
    return {row.name: row.id for row in await connection.execute(query)}


def _step(given: Any, destinations: dict[str, str], publishers: dict[str, str]) -> Any:
    if not isinstance(given, dict):
        return given
    named = dict(given)
    for name in ("when", "unless"):
        if isinstance(given.get(name), dict):
            condition = given[name]
            lists = {"available": destinations, "publishers": publishers}
            replaced = {
                field: [_id(each, ids) for each in condition[field]]
                for field, ids in lists.items()
                if isinstance(condition.get(field), list)
            }
            named[name] = {**condition, **replaced}
    if isinstance(given.get("destinations"), list):
        named["destinations"] = [
            {**one, "destination": _id(one.get("destination"), destinations)} if isinstance(one, dict) else one
            for one in given["destinations"]
        ]
    return named


def _id(name: Any, ids: dict[str, str]) -> Any:
    return ids.get(name, name) if isinstance(name, str) else name
