"""Tracking numbers: pooled ones, which are leased, and static ones, which are bound to a source.

A live number is unique by the ledger's index, not by a look beforehand. Retired rows stay: the number still rings.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import RowMapping, Select, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.campaign import model
from dni.campaign.model import Id, Label, Phone
from dni.clock import rfc3339
from dni.errors import Conflict, FieldError, InvalidField
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import campaign, number, pool
from dni.phone import e164

# Rows a statement: both engines bind fewer than 32,767 values, and the event loop breathes in between.
_CHUNK = 2_000
_TOLD = 20  # taken numbers named in one answer
# A number that was live this recently may still be on a screen or in a call (no call protects longer than 4 h).
_MAY_BE_SHOWN_MS = 4 * 3600 * 1000
_LABELS = ("source", "medium", "campaign_name", "keyword")


class NewNumber(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A static number: who calls it came from this source."""

    number: Phone
    campaign: Id
    publisher: Id | None = None
    source: Label | None = None
    medium: Label | None = None
    campaign_name: Label | None = None
    keyword: Label | None = None

    def __post_init__(self) -> None:
        self.number = e164(self.number, "/number")
        for name in _LABELS:
            value = getattr(self, name)
            if value is not None:
                setattr(self, name, model.text(value, f"/{name}"))


class NumberChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Of a static number. What is left out stays; null clears."""

    publisher: Id | UnsetType | None = UNSET
    source: Label | UnsetType | None = UNSET
    medium: Label | UnsetType | None = UNSET
    campaign_name: Label | UnsetType | None = UNSET
    keyword: Label | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        for name in _LABELS:
            value = getattr(self, name)
            if isinstance(value, str):
                setattr(self, name, model.text(value, f"/{name}"))


class NumberView(msgspec.Struct):
    """A pooled number is its pool's campaign's and publisher's."""

    id: str
    number: str
    kind: Literal["static", "pooled"]
    pool: str | None
    campaign: str | None
    publisher: str | None
    source: str | None
    medium: str | None
    campaign_name: str | None
    keyword: str | None
    region: str | None
    created_at: Instant


class NumberFilter(msgspec.Struct, kw_only=True):
    """`digits`: the number has them, one after the other."""

    kind: Literal["static", "pooled"] | None = None
    pool: str | None = None
    campaign: str | None = None
    publisher: str | None = None
    digits: str | None = None


async def add_static(connection: AsyncConnection, now_ms: int, new: NewNumber) -> str:
    """The id of the new number. Raises Conflict `number_taken`."""
    made = new_id("num", now_ms)
    labels = {name: getattr(new, name) for name in _LABELS}
    owners = {"campaign_id": new.campaign, "publisher_id": new.publisher}
    row = {"id": made, "number": new.number, "created_at_ms": now_ms, **owners, **labels}
    await _insert(connection, [row], {new.number: "/number"})
    return made


async def add_pooled(connection: AsyncConnection, now_ms: int, to_pool: str, numbers: list[str]) -> None:
    """Puts numbers, in E.164 and each once, into a pool. Raises Conflict `number_taken` naming every holder.

    One that was live a short time ago may still be on somebody's screen, so it enters as if it had been placed: the
    lease engine then waits before it gives it away.
    """
    shown = await _maybe_shown(connection, now_ms, numbers)
    # Ids made at one moment sort by chance; sorted, they keep the order in which the numbers were given.
    ids = sorted(new_id("num", now_ms) for _ in numbers)
    added = [
        {
            "id": made,
            "number": one,
            "pool_id": to_pool,
            "created_at_ms": now_ms,
            "placed_at_ms": now_ms if one in shown else None,
        }
        for made, one in zip(ids, numbers, strict=True)
    ]
    places = {one: f"/numbers/{place}" for place, one in enumerate(numbers)}
    await _insert(connection, added, places)


async def replace_pooled(connection: AsyncConnection, now_ms: int, of_pool: str, numbers: list[str]) -> tuple[int, int]:
    """Makes these the pool's numbers; answers how many joined and how many were retired."""
    live = number.c.pool_id == of_pool, number.c.retired_at_ms.is_(None)
    before = set((await connection.execute(select(number.c.number).where(*live))).scalars())
    gone = before.difference(numbers)
    for some in _chunks(sorted(gone)):
        retired = update(number).where(*live, number.c.number.in_(some)).values(retired_at_ms=now_ms)
        await connection.execute(retired)
    places = {one: place for place, one in enumerate(numbers) if one not in before}
    try:
        await add_pooled(connection, now_ms, of_pool, list(places))
    except Conflict as error:
        # The places counted only what joins; told are those of the request.
        told = [FieldError(f"/numbers/{places[e.message.split()[0]]}", e.message) for e in error.errors]
        raise Conflict(error.detail, code=error.code, errors=tuple(told)) from None
    return len(places), len(gone)


async def set_regions(connection: AsyncConnection, of_pool: str, regions: dict[str, list[str]]) -> None:
    """Makes these the regions of the pool's live numbers; all others serve anywhere.

    Raises InvalidField for a number that is not the pool's.
    """
    live = number.c.pool_id == of_pool, number.c.retired_at_ms.is_(None)
    rows = await connection.execute(select(number.c.number, number.c.region).where(*live))
    before: dict[str, str | None] = {row[0]: row[1] for row in rows}
    after: dict[str, str] = {}
    for region, numbers in regions.items():
        for place, one in enumerate(numbers):
            if one not in before:
                raise InvalidField(f"/regions/{region}/{place}", f"{one} is not one of the pool's numbers")
            after[one] = region
    moved: dict[str | None, list[str]] = {}
    for one, region_before in before.items():
        if after.get(one) != region_before:
            moved.setdefault(after.get(one), []).append(one)
    for to_region, some_moved in moved.items():
        for some in _chunks(some_moved):
            await connection.execute(update(number).where(*live, number.c.number.in_(some)).values(region=to_region))


async def change(connection: AsyncConnection, wanted: str, values: dict[str, Any]) -> None:
    """Writes these columns; the number is known to be live and static."""
    if values:
        await connection.execute(update(number).where(number.c.id == wanted).values(**values))


async def retire(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await connection.execute(update(number).where(number.c.id == wanted).values(retired_at_ms=now_ms))


async def live(connection: AsyncConnection, numbers: Iterable[str]) -> dict[str, RowMapping]:
    """Those of `numbers` that are ours and live: number -> id, number, pool_id, pool (its name), campaign_id."""
    found: dict[str, RowMapping] = {}
    columns = number.c.id, number.c.number, number.c.pool_id, number.c.campaign_id, pool.c.name.label("pool")
    joined = select(*columns, campaign.c.name.label("campaign")).select_from(
        number.outerjoin(pool, pool.c.id == number.c.pool_id).outerjoin(campaign, campaign.c.id == number.c.campaign_id)
    )
    for some in _chunks(list(numbers)):
        query = joined.where(number.c.retired_at_ms.is_(None), number.c.number.in_(some))
        for row in (await connection.execute(query)).mappings():
            found[row["number"]] = row
    return found


def where_it_is(row: RowMapping) -> str:
    """What holds a number of `live`: `pool 'Google' (pol_…)` or `campaign 'Plumbing' (cmp_…)`."""
    if row["pool_id"]:
        return f"pool {row['pool']!r} ({row['pool_id']})"
    return f"campaign {row['campaign']!r} ({row['campaign_id']}) as a static number"


async def one(connection: AsyncConnection, principal: Principal, wanted: str) -> NumberView:
    """Raises NotFound, also for a retired number and one behind the principal's walls."""
    query = _visible(principal).where(number.c.id == wanted)
    return _view(await rows.one(connection, query, f"number {wanted}"))


async def page(
    connection: AsyncConnection,
    principal: Principal,
    limit: int,
    cursor: str | None = None,
    only: NumberFilter | None = None,
) -> tuple[list[NumberView], str | None]:
    """Newest first, static and pooled."""
    query = _visible(principal)
    if only and only.kind:
        query = query.where(number.c.pool_id.is_(None) if only.kind == "static" else number.c.pool_id.is_not(None))
    if only and only.pool:
        query = query.where(number.c.pool_id == only.pool)
    if only and only.campaign:
        query = query.where(or_(number.c.campaign_id == only.campaign, pool.c.campaign_id == only.campaign))
    if only and only.publisher:
        query = query.where(or_(number.c.publisher_id == only.publisher, pool.c.publisher_id == only.publisher))
    if only and only.digits:
        query = query.where(number.c.number.contains(only.digits, autoescape=True))
    found, after = await rows.page(connection, query, (number.c.id,), limit, cursor)
    return [_view(row) for row in found], after


async def _insert(connection: AsyncConnection, added: list[dict[str, Any]], places: dict[str, str]) -> None:
    try:
        async with connection.begin_nested():
            for some in _chunks(added):
                await connection.execute(insert(number), some)
    except IntegrityError:
        taken = await live(connection, places)
        if not taken:  # not the index on live numbers
            raise
        told = [(one, f"{one} is already in {where_it_is(taken[one])}") for one in places if one in taken]
        errors = tuple(FieldError(places[one], message) for one, message in told[:_TOLD])
        more = f", and {len(told) - 1} more" if len(told) > 1 else ""
        raise Conflict(errors[0].message + more, code="number_taken", errors=errors) from None


async def _maybe_shown(connection: AsyncConnection, now_ms: int, numbers: list[str]) -> set[str]:
    found: set[str] = set()
    lately = number.c.retired_at_ms > now_ms - _MAY_BE_SHOWN_MS
    # A pooled number that was never placed was never shown; a static one is shown by rules.
    seen = or_(number.c.placed_at_ms.is_not(None), number.c.pool_id.is_(None))
    for some in _chunks(numbers):
        query = select(number.c.number).where(number.c.number.in_(some), lately, seen)
        found.update((await connection.execute(query)).scalars())
    return found


def _visible(principal: Principal) -> Select[Any]:
    joined = number.outerjoin(pool, pool.c.id == number.c.pool_id)
    query = select(
        number,
        func.coalesce(number.c.campaign_id, pool.c.campaign_id).label("owner"),
        func.coalesce(number.c.publisher_id, pool.c.publisher_id).label("bringer"),
    )
    return query.select_from(joined).where(number.c.retired_at_ms.is_(None), walls.numbers(principal))


def _view(row: RowMapping) -> NumberView:
    return NumberView(
        id=row["id"],
        number=row["number"],
        kind="pooled" if row["pool_id"] else "static",
        pool=row["pool_id"],
        campaign=row["owner"],
        publisher=row["bringer"],
        source=row["source"],
        medium=row["medium"],
        campaign_name=row["campaign_name"],
        keyword=row["keyword"],
        region=row["region"],
        created_at=rfc3339(row["created_at_ms"]),
    )


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
