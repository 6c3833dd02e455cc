"""Whatever is posted and closed in whatever order: each posting is on one statement or open, never both or neither."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from dni.access.model import Principal
from dni.clock import rfc3339
from dni.errors import Conflict, InvalidField
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.payout import balances, statements
from dni.payout.close import NewStatement, close, preview
from tests.support import world
from tests.support.journal import post, ring
from tests.support.world import START_MS

DAY = 86_400_000
ADMIN = Principal("admin", "Admin", "admin")
OWNERS = ("pub_1", "pub_2")

# A call of a day, and what one of its postings pays one of two publishers.
posts = st.tuples(st.just("post"), st.integers(0, 9), st.integers(-3_000, 3_000), st.sampled_from(OWNERS))
closings = st.tuples(st.just("close"), st.integers(0, 12), st.integers(0, 12), st.sampled_from(OWNERS))


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def kept(request: pytest.FixtureRequest, runner: asyncio.Runner) -> Iterator[Ledger]:
    made = Ledger(request.getfixturevalue(f"{request.param}_url"))
    runner.run(_begin(made))
    yield made
    runner.run(made.close())


async def _begin(ledger: Ledger) -> None:
    await migrate(ledger)
    for suffix in ("1", "2"):
        await world.declare(ledger, suffix=suffix, first=100 * int(suffix))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.one_of(posts, closings), min_size=1, max_size=25))
def test_every_cent_is_stated_once(kept: Ledger, runner: asyncio.Runner, acts: list[tuple[str, int, int, str]]) -> None:
    runner.run(_play(kept, acts))


async def _play(ledger: Ledger, acts: list[tuple[str, int, int, str]]) -> None:
    """On calls and publishers of its own; the journal forgets nothing."""
    async with ledger.read() as connection:
        turn = await connection.scalar(select(func.count()).select_from(schema.call)) or 0
    owners = {name: f"{name}_{turn}" for name in OWNERS}
    async with ledger.write() as connection:
        for name in owners.values():
            await connection.execute(schema.publisher.insert().values(id=name, name=name, created_at_ms=0))
    for day in range(10):
        await ring(ledger, f"call_{turn}_{day}", started_at_ms=START_MS + day * DAY, publisher_id=owners["pub_1"])
    posted = dict.fromkeys(owners.values(), 0)
    closed: dict[str, int] = {}
    now_ms = START_MS + 30 * DAY
    for n, (act, first, second, name) in enumerate(acts):
        owner = owners[name]
        if act == "post":
            await post(ledger, f"call_{turn}_{first}", second, publisher=owner, at_ms=now_ms + n)
            posted[owner] += second
            continue
        given_from = rfc3339(START_MS + first * DAY) if first < second else None
        new = NewStatement(publisher=owner, currency="USD", from_=given_from, to=rfc3339(START_MS + second * DAY))
        try:
            async with ledger.write() as connection:
                seen = await preview(connection, now_ms + n, new)
                made = await close(connection, ADMIN, now_ms + n, new)
                closed[made] = (await statements.one(connection, ADMIN, made)).amount.amount
                assert seen.amount.amount == closed[made]
        except (Conflict, InvalidField):
            continue
        await _adds_up(ledger, owners, posted, closed)
    await _adds_up(ledger, owners, posted, closed)


async def _adds_up(ledger: Ledger, owners: dict[str, str], posted: dict[str, int], closed: dict[str, int]) -> None:
    async with ledger.snapshot() as connection:
        told = {one.publisher: one for one in await balances.of_publishers(connection, ADMIN)}
        stated = dict.fromkeys(owners.values(), 0)
        for wanted, amount in closed.items():
            one = await statements.one(connection, ADMIN, wanted)
            assert one.amount.amount == amount, "a closed one never changes"
            lines, _ = await statements.lines(connection, ADMIN, wanted, 500, None)
            assert sum(line.amount.amount for line in lines) == amount
            assert one.earned.amount + one.corrected.amount == amount
            assert sum(campaign.amount.amount for campaign in one.campaigns) == amount
            stated[one.publisher] += amount
        for owner, amount in posted.items():
            open_ = select(func.coalesce(func.sum(schema.posting.c.payout), 0)).where(statements.unstated(owner, "USD"))
            assert stated[owner] + int(await connection.scalar(open_) or 0) == amount
            if owner in told:
                balance = told[owner]
                assert (balance.earned.amount, balance.stated and balance.stated.amount) == (amount, stated[owner])
