"""Numbers that join a pool or leave it, without the whole list: a change of the pool, made where it is read."""

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.api.model import Ask, Operation
from dni.campaign import declare
from dni.errors import FieldError, InvalidField
from dni.pool import pools
from dni.pool.pools import MOST_NUMBERS, PoolBrief, PoolChange

_TOLD = 20  # wrong numbers named in one answer


async def _add(connection: AsyncConnection, ask: Ask) -> PoolBrief:
    """Numbers that are the pool's already stay, and take the region that is given."""
    before = await pools.one(connection, ask.principal, ask.id)
    given: PoolChange = ask.body
    added, regions = set(given.numbers or ()), given.regions or {}
    # What is new stands first, so that places in errors are those of the form.
    every = [*(given.numbers or ()), *(one for one in before.numbers if one not in added)]
    if len(every) > MOST_NUMBERS:
        raise InvalidField("/numbers", f"a pool has at most {MOST_NUMBERS:,} numbers; with these it has {len(every):,}")
    moved = {one for members in regions.values() for one in members}
    kept = {region: [one for one in members if one not in moved] for region, members in before.regions.items()}
    merged = {region: [*kept.get(region, ()), *regions.get(region, ())] for region in {*kept, *regions}}
    await declare.change_pool(connection, ask.now_ms, ask.id, PoolChange(numbers=every, regions=merged))
    return await pools.brief(connection, ask.principal, ask.id)


async def _retire(connection: AsyncConnection, ask: Ask) -> PoolBrief:
    before = await pools.one(connection, ask.principal, ask.id)
    known, gone = set(before.numbers), list(ask.body.numbers or ())
    strange = [
        FieldError(f"/numbers/{place}", f"{one} is not one of this pool's numbers")
        for place, one in enumerate(gone)
        if one not in known
    ]
    if strange:
        raise InvalidField(strange[0].path, strange[0].message, *strange[1:_TOLD])
    stay = known.difference(gone)
    change = PoolChange(numbers=[one for one in before.numbers if one in stay])
    await declare.change_pool(connection, ask.now_ms, ask.id, change)
    return await pools.brief(connection, ask.principal, ask.id)


ADD = Operation(
    method="PATCH",
    path="/pools/{id}/add",
    name="add_pool_numbers",
    summary="Numbers join the pool",
    room="pools",
    access="write",
    run=_add,
    body=PoolChange,
    answer=PoolBrief,
)
RETIRE = Operation(
    method="PATCH",
    path="/pools/{id}/retire",
    name="retire_pool_numbers",
    summary="Numbers leave the pool",
    room="pools",
    access="write",
    run=_retire,
    body=PoolChange,
    answer=PoolBrief,
)
