"""Publishers: whoever brings traffic to campaigns."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.campaign import model
from dni.campaign.model import Name
from dni.clock import rfc3339
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import publisher


class NewPublisher(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name

    def __post_init__(self) -> None:
        self.name = model.text(self.name, "/name")


class PublisherChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            self.name = model.text(self.name, "/name")


class PublisherView(msgspec.Struct):
    id: str
    name: str
    created_at: Instant


async def create(connection: AsyncConnection, now_ms: int, new: NewPublisher) -> str:
    """The id of the new publisher."""
    made = new_id("pub", now_ms)
    await connection.execute(insert(publisher).values(id=made, name=new.name, created_at_ms=now_ms))
    return made


async def change(connection: AsyncConnection, wanted: str, values: dict[str, Any]) -> None:
    """Writes these columns; the publisher is known to be live."""
    if values:
        await connection.execute(update(publisher).where(publisher.c.id == wanted).values(**values))


async def delete(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await connection.execute(update(publisher).where(publisher.c.id == wanted).values(deleted_at_ms=now_ms))


async def one(connection: AsyncConnection, principal: Principal, wanted: str) -> PublisherView:
    """Raises NotFound, also for a publisher behind the principal's walls."""
    query = _visible(principal).where(publisher.c.id == wanted)
    return _view(await rows.one(connection, query, f"publisher {wanted}"))


async def page(
    connection: AsyncConnection, principal: Principal, limit: int, cursor: str | None = None
) -> tuple[list[PublisherView], str | None]:
    """Newest first."""
    found, after = await rows.page(connection, _visible(principal), (publisher.c.id,), limit, cursor)
    return [_view(row) for row in found], after


def _visible(principal: Principal) -> Select[Any]:
    return select(publisher).where(publisher.c.deleted_at_ms.is_(None), walls.publishers(principal))


def _view(row: RowMapping) -> PublisherView:
    return PublisherView(id=row["id"], name=row["name"], created_at=rfc3339(row["created_at_ms"]))
