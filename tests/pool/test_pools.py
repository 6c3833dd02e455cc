import asyncio

import pytest

from dni.access.model import Principal
from dni.campaign import declare, withdraw
from dni.campaign.campaigns import NewCampaign
from dni.campaign.change import one_change
from dni.campaign.publishers import NewPublisher
from dni.errors import Conflict, InvalidField, NotFound
from dni.ledger.engines import Ledger
from dni.pool import pools
from dni.pool.pools import NewPool, PoolChange, PoolFilter
from dni.tag.model import NewTag

NOW = 1_800_000_000_000
ADMIN = Principal("admin", "admin", "admin")


async def _campaign(ledger: Ledger, name: str = "Plumbing") -> str:
    async with one_change(ledger) as connection:
        return await declare.campaign(connection, NOW, NewCampaign(name=name, destination="+14155550100"))


async def _publisher(ledger: Ledger, name: str = "Ads") -> str:
    async with one_change(ledger) as connection:
        return await declare.publisher(connection, NOW, NewPublisher(name=name))


async def _pool(ledger: Ledger, numbers: list[str], *, shared: bool = False) -> str:
    async with one_change(ledger) as connection:
        return await declare.pool(connection, NOW, NewPool(name="Pool", numbers=numbers, shared=shared))


async def _tag(ledger: Ledger, campaign: str, publisher: str | None, pool: str) -> str:
    origins, targets = ["https://a.example"], ["+14155550100"]
    async with one_change(ledger) as connection:
        owners = {"campaign": campaign, "publisher": publisher, "pool": pool}
        new = NewTag(name="Tag", **owners, origins=origins, targets=targets)  # type: ignore[arg-type]
        return await declare.tag(connection, NOW, new)


async def _read(ledger: Ledger, pool: str) -> pools.PoolView:
    async with ledger.read() as connection:
        return await pools.one(connection, ADMIN, pool)


async def test_a_pool_belongs_to_the_campaign_and_publisher_of_its_first_tag(ledger: Ledger) -> None:
    one, other = await _campaign(ledger), await _campaign(ledger, "Roofing")
    ads, more = await _publisher(ledger), await _publisher(ledger, "More")
    pool = await _pool(ledger, ["+14155550101"])
    assert (await _read(ledger, pool)).campaign is None
    await _tag(ledger, one, ads, pool)
    assert ((await _read(ledger, pool)).campaign, (await _read(ledger, pool)).publisher) == (one, ads)
    await _tag(ledger, one, ads, pool)
    for campaign, publisher in ((other, ads), (one, more), (one, None)):
        with pytest.raises(Conflict) as refused:
            await _tag(ledger, campaign, publisher, pool)
        assert refused.value.code == "pool_owned"
        assert one in refused.value.detail


async def test_publishers_of_one_campaign_may_share_a_pool(ledger: Ledger) -> None:
    one, other = await _campaign(ledger), await _campaign(ledger, "Roofing")
    ads, more = await _publisher(ledger), await _publisher(ledger, "More")
    pool = await _pool(ledger, ["+14155550101"], shared=True)
    for publisher in (ads, more, None):
        await _tag(ledger, one, publisher, pool)
    with pytest.raises(Conflict):
        await _tag(ledger, other, ads, pool)
    with pytest.raises(Conflict) as refused:
        async with one_change(ledger) as connection:
            await declare.change_pool(connection, NOW, pool, PoolChange(shared=False))
    assert refused.value.code == "in_use"


async def test_of_many_campaigns_that_claim_a_pool_at_once_one_gets_it(ledger: Ledger) -> None:
    campaigns = [await _campaign(ledger, f"Campaign {n}") for n in range(8)]
    pool = await _pool(ledger, ["+14155550101"])
    answers = await asyncio.gather(*(_tag(ledger, c, None, pool) for c in campaigns), return_exceptions=True)
    won = [campaign for campaign, answer in zip(campaigns, answers, strict=True) if isinstance(answer, str)]
    lost = [answer for answer in answers if isinstance(answer, Conflict)]
    assert len(won) == 1
    assert len(lost) == 7
    assert {error.code for error in lost} == {"pool_owned"}
    assert (await _read(ledger, pool)).campaign == won[0]


async def test_changing_the_numbers_adds_and_retires(ledger: Ledger) -> None:
    pool = await _pool(ledger, ["+14155550101", "+14155550102"])
    async with one_change(ledger) as connection:
        change = PoolChange(numbers=["+14155550102", "+14155550103"], hold_seconds=0)
        await declare.change_pool(connection, NOW + 1, pool, change)
    view = await _read(ledger, pool)
    assert (view.numbers, view.number_count, view.hold_seconds) == (["+14155550102", "+14155550103"], 2, 0)


async def test_a_pool_that_a_tag_uses_stays(ledger: Ledger) -> None:
    campaign, pool = await _campaign(ledger), await _pool(ledger, ["+14155550101"])
    tag = await _tag(ledger, campaign, None, pool)
    with pytest.raises(Conflict) as refused:
        async with one_change(ledger) as connection:
            await withdraw.pool(connection, NOW, pool)
    assert refused.value.code == "in_use"
    assert tag in refused.value.detail
    async with one_change(ledger) as connection:
        await withdraw.tag(connection, NOW, tag)
        await withdraw.pool(connection, NOW, pool)
    with pytest.raises(NotFound):
        await _read(ledger, pool)
    assert await _pool(ledger, ["+14155550101"]), "its number is free again"


async def test_a_page_of_pools_does_not_tell_numbers_without_bound(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_PAGE_NUMBERS", 100)
    made = [await _pool(ledger, [f"+1{2_000_000_000 + 60 * n + i}" for i in range(60)]) for n in range(2)]
    async with ledger.read() as connection:
        first, after = await pools.page(connection, ADMIN, 50)
        rest, end = await pools.page(connection, ADMIN, 50, after)
    assert sorted(view.id for view in (*first, *rest)) == sorted(made)
    assert [view.number_count for view in first] == [60]
    assert end is None


async def test_a_deleted_pool_is_as_one_that_never_was(ledger: Ledger) -> None:
    campaign, pool = await _campaign(ledger), await _pool(ledger, [])
    async with one_change(ledger) as connection:
        await withdraw.pool(connection, NOW, pool)
    for unknown in (pool, "pol_nobody", "a\0b"):
        with pytest.raises(InvalidField) as refused:
            await _tag(ledger, campaign, None, unknown)
        assert refused.value.errors[0].path == "/pool"


async def test_regions_are_kept_by_numbers_that_stay_and_replaced_as_a_whole(ledger: Ledger) -> None:
    one, two, three = "+14155550101", "+14155550102", "+14155550103"
    async with one_change(ledger) as connection:
        new = NewPool(name="Pool", numbers=[one, two], regions={"US-CA": [one], "US-NY": [two]}, region_rule="strict")
        pool = await declare.pool(connection, NOW, new)
    view = await _read(ledger, pool)
    assert (view.regions, view.region_rule) == ({"US-CA": [one], "US-NY": [two]}, "strict")
    async with one_change(ledger) as connection:
        await declare.change_pool(connection, NOW, pool, PoolChange(numbers=[three, one]))
    assert (await _read(ledger, pool)).regions == {"US-CA": [one]}
    async with one_change(ledger) as connection:
        await declare.change_pool(connection, NOW, pool, PoolChange(regions={"DE": [three]}, region_rule="prefer"))
    view = await _read(ledger, pool)
    assert (view.regions, view.region_rule) == ({"DE": [three]}, "prefer")
    with pytest.raises(InvalidField, match="not one of the pool's numbers"):
        async with one_change(ledger) as connection:
            await declare.change_pool(connection, NOW, pool, PoolChange(regions={"DE": [two]}))
    assert (await _read(ledger, pool)).regions == {"DE": [three]}


async def test_a_brief_counts_numbers_without_telling_them(ledger: Ledger) -> None:
    campaign, publisher = await _campaign(ledger), await _publisher(ledger)
    pool = await _pool(ledger, ["+14155550101", "+14155550102", "+14155550103"])
    other = await _pool(ledger, [])
    await _tag(ledger, campaign, publisher, pool)
    async with one_change(ledger) as connection:
        change = PoolChange(numbers=["+14155550101", "+14155550102"], regions={"US-CA": ["+14155550102"]})
        await declare.change_pool(connection, NOW, pool, change)
    async with ledger.read() as connection:
        found = await pools.brief(connection, ADMIN, pool)
        assert (found.number_count, found.campaign, found.publisher) == (2, campaign, publisher)
        assert await pools.tally(connection, pool) == ({None: 1, "US-CA": 1}, 1)
        assert await pools.tally(connection, other) == ({}, 0)
        every, _ = await pools.briefs(connection, ADMIN, 50)
        assert {one.id for one in every} == {pool, other}
        for only in (PoolFilter(campaign=campaign), PoolFilter(publisher=publisher)):
            assert [one.id for one in (await pools.briefs(connection, ADMIN, 50, only=only))[0]] == [pool]
        walled = Principal("tok", "tok", "publisher", publisher="pub_of_nobody")
        assert (await pools.briefs(connection, walled, 50))[0] == []
        with pytest.raises(NotFound):
            await pools.brief(connection, walled, pool)
