"""Storage of destinations: the phones that a campaign's calls are connected to, with their hours and caps."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.campaign import model
from dni.campaign.model import Id, Name, Phone, Timezone
from dni.clock import rfc3339
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import destination
from dni.phone import e164
from dni.routing import hours
from dni.routing.model import Caps

Hours = str


class NewDestination(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`hours`: `Mo-Fr 09:00-17:00; PH off`, in `timezone` (null: the campaign's); null: always. `paused`: no calls."""

    campaign: Id
    name: Name
    number: Phone
    timezone: Timezone | None = None
    hours: Hours | None = None
    caps: Caps = msgspec.field(default_factory=Caps)
    paused: bool = False

    def __post_init__(self) -> None:
        self.name = model.text(self.name, "/name")
        self.number = e164(self.number, "/number")
        self.timezone, self.hours = _when(self.timezone, self.hours)


class DestinationChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; `caps` are replaced as a whole."""

    name: Name | UnsetType = UNSET
    number: Phone | UnsetType = UNSET
    timezone: Timezone | UnsetType | None = UNSET
    hours: Hours | UnsetType | None = UNSET
    caps: Caps | UnsetType = UNSET
    paused: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            self.name = model.text(self.name, "/name")
        if self.number is not UNSET:
            self.number = e164(self.number, "/number")
        if isinstance(self.timezone, str):
            self.timezone, _ = _when(self.timezone, None)
        if isinstance(self.hours, str):
            _, self.hours = _when(None, self.hours)


class DestinationView(msgspec.Struct):
    id: str
    campaign: str
    name: str
    number: str
    timezone: str | None
    hours: str | None
    caps: Caps
    paused: bool
    created_at: Instant


class DestinationFilter(msgspec.Struct, frozen=True):
    campaign: str | None = None


async def create(connection: AsyncConnection, now_ms: int, new: NewDestination) -> str:
    """The id of the new destination; its campaign is known to be live."""
    made = new_id("dst", now_ms)
    values = columns(msgspec.structs.asdict(new))
    values["campaign_id"] = values.pop("campaign")
    await connection.execute(insert(destination).values(id=made, created_at_ms=now_ms, **values))
    return made


async def change(connection: AsyncConnection, wanted: str, values: dict[str, Any]) -> None:
    """Writes these fields; the destination is known to be live."""
    if values:
        await connection.execute(update(destination).where(destination.c.id == wanted).values(**columns(values)))


async def delete(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await connection.execute(update(destination).where(destination.c.id == wanted).values(deleted_at_ms=now_ms))


async def delete_of(connection: AsyncConnection, now_ms: int, campaign: str) -> None:
    """All of a campaign."""
    mine = (destination.c.campaign_id == campaign) & destination.c.deleted_at_ms.is_(None)
    await connection.execute(update(destination).where(mine).values(deleted_at_ms=now_ms))


async def one(connection: AsyncConnection, principal: Principal, wanted: str) -> DestinationView:
    """Raises NotFound, also for a destination behind the principal's walls."""
    query = _visible(principal).where(destination.c.id == wanted)
    return _view(await rows.one(connection, query, f"destination {wanted}"))


async def page(
    connection: AsyncConnection,
    principal: Principal,
    limit: int,
    cursor: str | None = None,
    only: DestinationFilter | None = None,
) -> tuple[list[DestinationView], str | None]:
    """Newest first."""
    query = _visible(principal)
    if only is not None and only.campaign is not None:
        query = query.where(destination.c.campaign_id == only.campaign)
    found, after = await rows.page(connection, query, (destination.c.id,), limit, cursor)
    return [_view(row) for row in found], after


async def phones(connection: AsyncConnection) -> list[RowMapping]:
    """`id`, `name` and `number` of all live destinations."""
    query = select(destination.c.id, destination.c.name, destination.c.number)
    return list((await connection.execute(query.where(destination.c.deleted_at_ms.is_(None)))).mappings())


async def of_campaign(connection: AsyncConnection, campaign: str) -> set[str]:
    """Ids of its live destinations."""
    mine = (destination.c.campaign_id == campaign) & destination.c.deleted_at_ms.is_(None)
    return set((await connection.execute(select(destination.c.id).where(mine))).scalars())


def columns(values: dict[str, Any]) -> dict[str, Any]:
    """Fields as the table has them."""
    return {**values, "caps": msgspec.to_builtins(values["caps"])} if "caps" in values else values


def _when(timezone: str | None, told: str | None) -> tuple[str | None, str | None]:
    if timezone is not None:
        timezone = model.timezone(timezone)
    if told is not None:
        told = " ".join(told.split())
        hours.read(told, "/hours")
    return timezone, told


def _visible(principal: Principal) -> Select[Any]:
    return select(destination).where(destination.c.deleted_at_ms.is_(None), walls.destinations(principal))


def _view(row: RowMapping) -> DestinationView:
    return DestinationView(
        id=row["id"],
        campaign=row["campaign_id"],
        name=row["name"],
        number=row["number"],
        timezone=row["timezone"],
        hours=row["hours"],
        caps=msgspec.convert(row["caps"], Caps),
        paused=row["paused"],
        created_at=rfc3339(row["created_at_ms"]),
    )
