"""Pools: who owns them and how long they hold a number. Their numbers are in `numbers`."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import RowMapping, Select, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.campaign import model
from dni.campaign.model import Name, Phone
from dni.clock import rfc3339
from dni.errors import Conflict
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import number, pool

MOST_NUMBERS = 100_000
_PAGE_NUMBERS = 100_000  # numbers told in one page of pools

HoldSeconds = Annotated[int, msgspec.Meta(ge=0, le=3600)]
Numbers = Annotated[list[Phone], msgspec.Meta(max_length=MOST_NUMBERS)]
# ISO 3166-2, or a country's two letters.
Region = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}(-[A-Z0-9]{1,3})?$", examples=["US-CA"])]
Regions = dict[Region, Numbers]
RegionRule = Literal["prefer", "strict"]


class NewPool(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`shared`: all publishers of the campaign that claims the pool may use it.

    `regions` names those of the numbers that are a region's own; the others serve anywhere. A visitor gets a number of
    his region or, failing that, any (`prefer`) or none (`strict`).
    """

    name: Name
    numbers: Numbers = []
    hold_seconds: HoldSeconds = 120
    shared: bool = False
    regions: Regions = {}
    region_rule: RegionRule = "prefer"

    def __post_init__(self) -> None:
        self.name = model.text(self.name, "/name")
        self.numbers = model.phones(self.numbers, "/numbers")
        self.regions = model.regions(self.regions, "/regions")


class PoolChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`numbers` is the whole list: what is new joins the pool, what is missing is retired.

    So is `regions`; left out, numbers that stay keep theirs.
    """

    name: Name | UnsetType = UNSET
    numbers: Numbers | UnsetType = UNSET
    hold_seconds: HoldSeconds | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    regions: Regions | UnsetType = UNSET
    region_rule: RegionRule | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.regions is not UNSET:
            self.regions = model.regions(self.regions, "/regions")
        if self.name is not UNSET:
            self.name = model.text(self.name, "/name")
        if self.numbers is not UNSET:
            self.numbers = model.phones(self.numbers, "/numbers")


class PoolView(msgspec.Struct):
    """`campaign` and `publisher` are null until the pool's first tag claims it."""

    id: str
    name: str
    campaign: str | None
    publisher: str | None
    shared: bool
    hold_seconds: int
    number_count: int
    numbers: list[str]
    regions: dict[str, list[str]]
    region_rule: RegionRule
    created_at: Instant


class PoolBrief(msgspec.Struct):
    """A pool without its numbers, which may be 100,000: how many are live, in which region, and how many retired."""

    id: str
    name: str
    campaign: str | None
    publisher: str | None
    shared: bool
    hold_seconds: int
    region_rule: RegionRule
    number_count: int
    created_at: Instant


class PoolFilter(msgspec.Struct, kw_only=True):
    campaign: str | None = None
    publisher: str | None = None


async def create(connection: AsyncConnection, now_ms: int, new: NewPool) -> str:
    """The id of the new pool, which has no numbers yet."""
    made = new_id("pol", now_ms)
    values = {name: getattr(new, name) for name in ("name", "hold_seconds", "shared", "region_rule")}
    await connection.execute(insert(pool).values(id=made, created_at_ms=now_ms, **values))
    return made


async def change(connection: AsyncConnection, wanted: str, values: dict[str, Any]) -> None:
    """Writes these columns; the pool is known to be live."""
    if values:
        await connection.execute(update(pool).where(pool.c.id == wanted).values(**values))


async def claim(connection: AsyncConnection, wanted: str, campaign: str, publisher: str | None) -> None:
    """Makes a live pool the property of a campaign and publisher, if it is nobody's.

    Raises Conflict `pool_owned` if it is another's and not shared with this one.
    """
    free = pool.c.campaign_id.is_(None)
    may_share = or_(pool.c.shared, pool.c.publisher_id.is_not_distinct_from(publisher))
    claimed = (
        update(pool)
        .where(pool.c.id == wanted, or_(free, (pool.c.campaign_id == campaign) & may_share))
        .values(campaign_id=campaign, publisher_id=case((free, publisher), else_=pool.c.publisher_id))
    )
    if (await connection.execute(claimed)).rowcount:
        return
    query = select(pool.c.name, pool.c.campaign_id, pool.c.publisher_id).where(pool.c.id == wanted)
    name, owner, bringer = (await connection.execute(query)).one()
    whose = f"campaign {owner}" + (f" and publisher {bringer}" if bringer else "")
    hint = "; set its `shared` to share it among the campaign's publishers" if owner == campaign else ""
    raise Conflict(f"pool {name!r} ({wanted}) belongs to {whose}{hint}", code="pool_owned")


async def delete(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    """The pool and its numbers: they stop being leased and stay known, because they still ring."""
    await connection.execute(update(pool).where(pool.c.id == wanted).values(deleted_at_ms=now_ms))
    live = number.c.pool_id == wanted, number.c.retired_at_ms.is_(None)
    await connection.execute(update(number).where(*live).values(retired_at_ms=now_ms))


async def one(connection: AsyncConnection, principal: Principal, wanted: str) -> PoolView:
    """Raises NotFound, also for a pool behind the principal's walls."""
    query = _visible(principal).where(pool.c.id == wanted)
    row = await rows.one(connection, query, f"pool {wanted}")
    numbers = await _numbers(connection, [wanted])
    return _view(row, numbers.get(wanted, {}))


async def page(
    connection: AsyncConnection, principal: Principal, limit: int, cursor: str | None = None
) -> tuple[list[PoolView], str | None]:
    """Newest first. A page ends early before it tells more than 100,000 numbers, unless one pool alone does."""
    found, after = await rows.page(connection, _visible(principal), (pool.c.id,), limit, cursor)
    told = 0
    for place, row in enumerate(found):
        told += row["number_count"]
        if told > _PAGE_NUMBERS and place:
            found, after = found[:place], rows.cursor_after((pool.c.id,), found[place - 1])
            break
    numbers = await _numbers(connection, [row["id"] for row in found])
    return [_view(row, numbers.get(row["id"], {})) for row in found], after


async def brief(connection: AsyncConnection, principal: Principal, wanted: str) -> PoolBrief:
    """Raises NotFound, also for a pool behind the principal's walls."""
    return _brief(await rows.one(connection, _visible(principal).where(pool.c.id == wanted), f"pool {wanted}"))


async def briefs(
    connection: AsyncConnection,
    principal: Principal,
    limit: int,
    cursor: str | None = None,
    only: PoolFilter | None = None,
) -> tuple[list[PoolBrief], str | None]:
    """Newest first."""
    query = _visible(principal)
    if only and only.campaign:
        query = query.where(pool.c.campaign_id == only.campaign)
    if only and only.publisher:
        query = query.where(pool.c.publisher_id == only.publisher)
    found, after = await rows.page(connection, query, (pool.c.id,), limit, cursor)
    return [_brief(row) for row in found], after


async def tally(connection: AsyncConnection, wanted: str) -> tuple[dict[str | None, int], int]:
    """Live numbers of a pool by region (None: anywhere), and how many are retired."""
    of_pool, live = number.c.pool_id == wanted, number.c.retired_at_ms.is_(None)
    by_region = select(number.c.region, func.count()).where(of_pool, live).group_by(number.c.region)
    counted = {row[0]: row[1] for row in await connection.execute(by_region)}
    retired = select(func.count()).where(of_pool, number.c.retired_at_ms.is_not(None))
    return counted, (await connection.execute(retired)).scalar_one()


def _visible(principal: Principal) -> Select[Any]:
    live = select(func.count()).where(number.c.pool_id == pool.c.id, number.c.retired_at_ms.is_(None))
    counted = select(pool, live.scalar_subquery().label("number_count"))
    return counted.where(pool.c.deleted_at_ms.is_(None), walls.pools(principal))


async def _numbers(connection: AsyncConnection, pools: list[str]) -> dict[str, dict[str, str | None]]:
    """The live numbers of each pool with their regions, in the order in which they joined."""
    live = number.c.pool_id.in_(pools), number.c.retired_at_ms.is_(None)
    query = select(number.c.pool_id, number.c.number, number.c.region).where(*live).order_by(number.c.id)
    found: dict[str, dict[str, str | None]] = {}
    for owner, e164, region in await connection.execute(query):
        found.setdefault(owner, {})[e164] = region
    return found


def _brief(row: RowMapping) -> PoolBrief:
    return PoolBrief(
        id=row["id"],
        name=row["name"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        shared=row["shared"],
        hold_seconds=row["hold_seconds"],
        region_rule=row["region_rule"],
        number_count=row["number_count"],
        created_at=rfc3339(row["created_at_ms"]),
    )


def _view(row: RowMapping, numbers: dict[str, str | None]) -> PoolView:
    regions: dict[str, list[str]] = {region: [] for region in sorted({*filter(None, numbers.values())})}
    for e164, region in numbers.items():
        if region:
            regions[region].append(e164)
    return PoolView(
        id=row["id"],
        name=row["name"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        shared=row["shared"],
        hold_seconds=row["hold_seconds"],
        number_count=row["number_count"],
        numbers=list(numbers),
        regions=regions,
        region_rule=row["region_rule"],
        created_at=rfc3339(row["created_at_ms"]),
    )
