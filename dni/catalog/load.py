"""Reads the whole configuration from the ledger, as it stands at one instant."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.catalog import model
from dni.catalog.model import Catalog
from dni.ledger import schema
from dni.ledger.engines import Ledger


async def load(ledger: Ledger) -> Catalog:
    """Deleted campaigns, pools and carriers are left out of it only for pages: a call to an old number is still theirs.

    Tags leave at once. Retired numbers stay, not `live`.
    """
    async with ledger.read() as connection:
        revision = await current_revision(connection)
        campaigns = await _rows(connection, schema.campaign)
        publishers = await _rows(connection, schema.publisher)
        pools = await _rows(connection, schema.pool)
        tags = await _rows(connection, schema.tag)
        numbers = await _rows(connection, schema.number)
        carriers = await _rows(connection, schema.carrier)
        destinations = await _rows(connection, schema.destination)
        budgets = await _rows(connection, schema.budget)
        drafts = await _rows(connection, schema.tag_draft)
        with_terms = (await connection.execute(select(schema.terms.c.campaign_id).distinct())).scalars().all()
        pinned = await connection.execute(select(schema.tag_script.c.tag_id, schema.tag_script.c.version))
    regions: dict[str, set[str]] = defaultdict(set)
    for row in numbers:
        if row["region"] and row["retired_at_ms"] is None:
            regions[row["pool_id"]].add(row["region"])
    budgets_by_campaign: dict[str, tuple[model.Budget, ...]] = defaultdict(tuple)
    for row in budgets:
        if row["deleted_at_ms"] is None:
            one = model.Budget(row["id"], row["publisher_id"], row["destination_id"])
            budgets_by_campaign[row["campaign_id"]] += (one,)
    tags_by_id = {row["id"]: tag(row) for row in tags if row["deleted_at_ms"] is None}
    return Catalog(
        revision=revision,
        campaigns={r["id"]: _campaign(r) for r in campaigns},
        publishers={r["id"]: _pick(model.Publisher, r) for r in publishers},
        pools={r["id"]: _pool(r, regions[r["id"]]) for r in pools},
        tags=tags_by_id,
        tags_by_key={one.key: one for one in tags_by_id.values()},
        # Oldest first and retired first, so that the live row of a number is the one that stays.
        numbers={r["number"]: _number(r) for r in sorted(numbers, key=lambda r: (r["retired_at_ms"] is None, r["id"]))},
        carriers={r["id"]: _pick(model.Carrier, r) for r in carriers if r["deleted_at_ms"] is None},
        drafts={
            row["tag_id"]: model.Draft(row["token"], live.changed(row["change"]))
            for row in drafts
            if (live := tags_by_id.get(row["tag_id"]))
        },
        pinned=frozenset((tag_id, version) for tag_id, version in pinned),
        destinations={r["id"]: destination(r) for r in destinations if r["deleted_at_ms"] is None},
        budgets=dict(budgets_by_campaign),
        judged=frozenset(with_terms) | budgets_by_campaign.keys(),
    )


async def current_revision(connection: AsyncConnection) -> int:
    value: int = (await connection.execute(select(schema.revision.c.value))).scalar_one()
    return value


async def raise_revision(connection: AsyncConnection) -> None:
    """Call it in the transaction of every change of configuration: workers poll it."""
    await connection.execute(update(schema.revision).values(value=schema.revision.c.value + 1))


async def _rows(connection: AsyncConnection, table: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in (await connection.execute(select(table))).mappings()]


def _pick(kind: Any, row: dict[str, Any]) -> Any:
    return kind(**{name: row[name] for name in kind.__struct_fields__})


def destination(row: Mapping[Any, Any]) -> model.Destination:
    """A row of the destination table as the catalog has it."""
    same = ("id", "name", "number", "timezone", "hours", "caps", "paused")
    return msgspec.convert({**{name: row[name] for name in same}, "campaign": row["campaign_id"]}, model.Destination)


def _campaign(row: Mapping[Any, Any]) -> model.Campaign:
    return msgspec.convert({name: row[name] for name in model.Campaign.__struct_fields__}, model.Campaign)


def tag(row: Mapping[Any, Any]) -> model.Tag:
    """A row of the tag table as the catalog has it."""
    same = ("id", "key", "name", "origins", "targets", "rules", "params")
    owners = {name: row[f"{name}_id"] for name in ("campaign", "publisher", "pool")}
    return msgspec.convert({**{name: row[name] for name in same}, **owners, **row["options"]}, model.Tag)


def _pool(row: dict[str, Any], regions: set[str]) -> model.Pool:
    return model.Pool(
        id=row["id"],
        name=row["name"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        shared=row["shared"],
        hold_ms=row["hold_seconds"] * 1000,
        strict=row["region_rule"] == "strict",
        regions=frozenset(regions),
    )


def _number(row: dict[str, Any]) -> model.Number:
    return model.Number(
        id=row["id"],
        number=row["number"],
        pool=row["pool_id"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        source=row["source"],
        medium=row["medium"],
        campaign_name=row["campaign_name"],
        keyword=row["keyword"],
        live=row["retired_at_ms"] is None,
        region=row["region"],
    )
