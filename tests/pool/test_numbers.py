import asyncio

import pytest
from sqlalchemy import insert, select, update

from dni.access.model import Principal
from dni.campaign import declare, withdraw
from dni.campaign.campaigns import CampaignChange, NewCampaign
from dni.campaign.change import one_change
from dni.campaign.publishers import NewPublisher
from dni.catalog.model import Rule, Use, When
from dni.errors import Conflict, InvalidField
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.pool import numbers, pools
from dni.pool.numbers import NewNumber, NumberFilter
from dni.pool.pools import NewPool, PoolChange
from dni.tag.model import NewTag

NOW = 1_800_000_000_000
HOUR = 3_600_000
ADMIN = Principal("admin", "admin", "admin")
A, B, C = "+14155550101", "+14155550102", "+14155550103"


async def _campaign(ledger: Ledger, destination: str = "+14155550100") -> str:
    async with one_change(ledger) as connection:
        return await declare.campaign(connection, NOW, NewCampaign(name="Plumbing", destination=destination))


async def _pool(ledger: Ledger, some: list[str], name: str = "Pool", now_ms: int = NOW) -> str:
    async with one_change(ledger) as connection:
        return await declare.pool(connection, now_ms, NewPool(name=name, numbers=some))


async def _placed_at(ledger: Ledger, number: str) -> int | None:
    live = schema.number.c.number == number, schema.number.c.retired_at_ms.is_(None)
    async with ledger.read() as connection:
        found: int | None = (await connection.execute(select(schema.number.c.placed_at_ms).where(*live))).scalar_one()
    return found


async def test_a_number_in_another_pool_is_refused_with_that_pools_name(ledger: Ledger) -> None:
    first = await _pool(ledger, [A, B], "Google")
    with pytest.raises(Conflict) as refused:
        await _pool(ledger, [C, B], "Bing")
    assert refused.value.code == "number_taken"
    assert refused.value.errors[0].path == "/numbers/1"
    assert all(part in refused.value.detail for part in (B, "Google", first))
    async with ledger.read() as connection:
        assert len((await pools.page(connection, ADMIN, 10))[0]) == 1, "nothing of the second pool stays"


async def test_the_place_of_a_taken_number_is_that_of_the_request(ledger: Ledger) -> None:
    await _pool(ledger, [C])
    other = await _pool(ledger, [A, B], "Other")
    with pytest.raises(Conflict) as refused:
        async with one_change(ledger) as connection:
            await declare.change_pool(connection, NOW, other, PoolChange(numbers=[A, B, C]))
    assert refused.value.errors[0].path == "/numbers/2"


async def test_static_and_pooled_numbers_exclude_each_other(ledger: Ledger) -> None:
    campaign = await _campaign(ledger)
    async with one_change(ledger) as connection:
        await declare.number(connection, NOW, NewNumber(number=A, campaign=campaign, source="billboard"))
    with pytest.raises(Conflict) as refused:
        await _pool(ledger, [A])
    assert campaign in refused.value.detail
    with pytest.raises(Conflict) as refused:
        async with one_change(ledger) as connection:
            await declare.number(connection, NOW, NewNumber(number=A, campaign=campaign))
    assert refused.value.errors[0].path == "/number"


async def test_of_many_pools_that_want_a_number_at_once_one_gets_it(ledger: Ledger) -> None:
    answers = await asyncio.gather(*(_pool(ledger, [A], f"Pool {n}") for n in range(10)), return_exceptions=True)
    assert sum(isinstance(answer, str) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) and answer.code == "number_taken" for answer in answers) == 9


async def test_the_index_decides_also_against_a_writer_who_does_not_queue(ledger: Ledger) -> None:
    pool = await _pool(ledger, [])
    row = {"id": "num_x", "number": A, "pool_id": pool, "created_at_ms": NOW}
    async with ledger.write() as connection:
        await connection.execute(insert(schema.number).values(**row))
    async with one_change(ledger) as connection:
        with pytest.raises(Conflict):
            await numbers.add_pooled(connection, NOW, pool, [B, A])
        # The transaction is usable after the refusal, and has nothing of it.
        await numbers.add_pooled(connection, NOW, pool, [B])


async def test_many_numbers_go_in_and_come_out_in_order(ledger: Ledger) -> None:
    many = [f"+1{2_000_000_000 + n}" for n in range(20_000)]
    pool = await _pool(ledger, many)
    async with ledger.read() as connection:
        view = await pools.one(connection, ADMIN, pool)
    assert view.numbers == many


async def test_a_number_that_may_still_be_shown_enters_as_placed(ledger: Ledger) -> None:
    pool = await _pool(ledger, [A, B])
    assert await _placed_at(ledger, A) is None
    async with one_change(ledger) as connection:
        placed = update(schema.number).where(schema.number.c.number == A).values(placed_at_ms=NOW)
        await connection.execute(placed)
        await withdraw.pool(connection, NOW, pool)
    await _pool(ledger, [A, B], "Other", NOW + HOUR)
    assert await _placed_at(ledger, A) == NOW + HOUR, "it was on screens an hour ago"
    assert await _placed_at(ledger, B) is None, "it was never placed"


async def test_a_number_retired_long_ago_enters_as_new(ledger: Ledger) -> None:
    pool = await _pool(ledger, [A])
    async with one_change(ledger) as connection:
        await connection.execute(update(schema.number).values(placed_at_ms=NOW))
        await withdraw.pool(connection, NOW, pool)
    await _pool(ledger, [A], "Other", NOW + 5 * HOUR)
    assert await _placed_at(ledger, A) is None


async def test_a_number_that_a_rule_shows_is_never_leased(ledger: Ledger) -> None:
    campaign = await _campaign(ledger)
    pool = await _pool(ledger, [A])

    async def tag(use: Use) -> None:
        async with one_change(ledger) as connection:
            rules = [Rule(When(), use)]
            origins, targets = ["https://a.example"], ["+14155550100"]
            new = NewTag(name="Tag", campaign=campaign, origins=origins, targets=targets, rules=rules)
            await declare.tag(connection, NOW, new)

    for use, path in ((Use(number=A), "number"), (Use(pool=pool, overflow=A), "overflow")):
        with pytest.raises(InvalidField) as refused:
            await tag(use)
        assert refused.value.errors[0].path == f"/rules/0/use/{path}"
    await tag(Use(number=B))
    with pytest.raises(InvalidField) as refused:
        await _pool(ledger, [C, B], "Other")
    assert refused.value.errors[0].path == "/numbers/1"


async def test_calls_cannot_go_in_circles(ledger: Ledger) -> None:
    campaign = await _campaign(ledger, "+14155550150")
    await _pool(ledger, [A])
    with pytest.raises(InvalidField) as refused:
        await _campaign(ledger, A)
    assert refused.value.errors[0].path == "/destination"
    with pytest.raises(InvalidField):
        async with one_change(ledger) as connection:
            await declare.change_campaign(connection, NOW, campaign, CampaignChange(destination=A))
    with pytest.raises(InvalidField) as refused:
        await _pool(ledger, [B, "+14155550150"], "Other")
    assert refused.value.errors[0].path == "/numbers/1"


async def test_numbers_are_found_by_their_digits_and_by_who_brings_them(ledger: Ledger) -> None:
    campaign = await _campaign(ledger)
    await _pool(ledger, [A, B])
    async with one_change(ledger) as connection:
        publisher = await declare.publisher(connection, NOW, NewPublisher(name="Ads"))
        await declare.number(connection, NOW, NewNumber(number=C, campaign=campaign, publisher=publisher))

    async def found(**only: str) -> list[str]:
        async with ledger.read() as connection:
            page, _ = await numbers.page(connection, ADMIN, 50, only=NumberFilter(**only))  # type: ignore[arg-type]
        return sorted(one.number for one in page)

    assert await found(digits="5550101") == [A]
    assert await found(digits="415555") == [A, B, C]
    assert await found(digits="%") == []
    assert await found(publisher=publisher) == [C]
    assert await found(kind="pooled", digits="0102") == [B]
