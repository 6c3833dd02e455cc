"""Campaigns: where an advertiser's calls go."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import RowMapping, Select, false, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import money
from dni.access import walls
from dni.access.model import Principal
from dni.campaign import model
from dni.campaign.model import Name, Phone, Timezone
from dni.clock import rfc3339
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import campaign
from dni.phone import e164
from dni.routing.model import Routing


class NewCampaign(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`destination` is where its calls are connected. `advertiser`: whose offer it is, the same text for all campaigns
    of one."""

    name: Name
    destination: Phone
    timezone: Timezone = "UTC"
    currency: str = "USD"
    advertiser: Name | None = None

    def __post_init__(self) -> None:
        self.name = model.text(self.name, "/name")
        self.destination = e164(self.destination, "/destination")
        self.timezone = model.timezone(self.timezone)
        self.currency = money.currency(self.currency)
        self.advertiser = _advertiser(self.advertiser)


class CampaignChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays."""

    name: Name | UnsetType = UNSET
    destination: Phone | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    advertiser: Name | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            self.name = model.text(self.name, "/name")
        if self.destination is not UNSET:
            self.destination = e164(self.destination, "/destination")
        if self.timezone is not UNSET:
            self.timezone = model.timezone(self.timezone)
        if self.advertiser is not UNSET:
            self.advertiser = _advertiser(self.advertiser)


class CampaignView(msgspec.Struct):
    """`destination` is null for a publisher: who buys its calls is not its to know."""

    id: str
    name: str
    destination: str | None
    timezone: str
    currency: str
    created_at: Instant
    advertiser: str | None


def _advertiser(name: str | None) -> str | None:
    return None if name is None else model.text(name, "/advertiser")


async def create(connection: AsyncConnection, now_ms: int, new: NewCampaign) -> str:
    """The id of the new campaign."""
    made = new_id("cmp", now_ms)
    values = msgspec.structs.asdict(new)
    await connection.execute(insert(campaign).values(id=made, created_at_ms=now_ms, **values))
    return made


async def change(connection: AsyncConnection, wanted: str, values: dict[str, Any]) -> None:
    """Writes these columns; the campaign is known to be live."""
    if values:
        await connection.execute(update(campaign).where(campaign.c.id == wanted).values(**values))


async def delete(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await connection.execute(update(campaign).where(campaign.c.id == wanted).values(deleted_at_ms=now_ms))


async def one(connection: AsyncConnection, principal: Principal, wanted: str) -> CampaignView:
    """Raises NotFound, also for a campaign behind the principal's walls."""
    query = _visible(principal).where(campaign.c.id == wanted)
    return _view(await rows.one(connection, query, f"campaign {wanted}"), principal)


async def page(
    connection: AsyncConnection, principal: Principal, limit: int, cursor: str | None = None
) -> tuple[list[CampaignView], str | None]:
    """Newest first."""
    found, after = await rows.page(connection, _visible(principal), (campaign.c.id,), limit, cursor)
    return [_view(row, principal) for row in found], after


async def destinations(connection: AsyncConnection) -> Sequence[RowMapping]:
    """`id`, `name` and `destination` of all live campaigns."""
    columns = campaign.c.id, campaign.c.name, campaign.c.destination
    found = await connection.execute(select(*columns).where(campaign.c.deleted_at_ms.is_(None)))
    return found.mappings().all()


async def routing(connection: AsyncConnection, principal: Principal, wanted: str) -> Routing:
    """Raises NotFound as `one` does, and for who sees no destinations."""
    query = _visible(principal).where(campaign.c.id == wanted)
    if principal.publisher:
        query = query.where(false())
    row = await rows.one(connection, query, f"campaign {wanted}")
    return msgspec.convert(row["routing"], Routing)


async def reroute(connection: AsyncConnection, wanted: str, routing: Routing) -> None:
    """The campaign is known to be live, and what the routing names to be its own."""
    values = {"routing": msgspec.to_builtins(routing)}
    await connection.execute(update(campaign).where(campaign.c.id == wanted).values(values))


def _visible(principal: Principal) -> Select[Any]:
    return select(campaign).where(campaign.c.deleted_at_ms.is_(None), walls.campaigns(principal))


def _view(row: RowMapping, principal: Principal) -> CampaignView:
    return CampaignView(
        id=row["id"],
        name=row["name"],
        destination=None if principal.publisher else row["destination"],
        timezone=row["timezone"],
        currency=row["currency"],
        created_at=rfc3339(row["created_at_ms"]),
        advertiser=row["advertiser"],
    )
