"""A call takes of budgets when it is sent on, and gives back what it does not use. With Twilio's requests."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select, update

from dni.call.close_silent import close_once
from dni.call.drain import drain_once
from dni.call.journal import Journal
from dni.catalog.load import raise_revision
from dni.ledger import schema
from dni.parts import Parts
from dni.qualification import budgets
from dni.routing.rehearse import Rehearsal, rehearse
from dni.routing.search import busy
from tests.call.test_routed import ANNA, BOB, BOTH, NUMBER, SALES, Line, route, verbs
from tests.support.carrier import CALL, advance, at, dialled, rows
from tests.support.counting import counted, summed
from tests.support.until import until
from tests.support.world import DESTINATION, START_MS

TERMS = {"payout": {"base": {"name": "a", "amount": 300}}, "revenue": {"base": {"name": "a", "amount": 500}}}
FULL = {"do": "reject", "id": "full", "reason": "busy", "when": {"within_budget": False}}


async def bound(parts: Parts, wanted: str, limits: dict[str, Any], **owner: str) -> None:
    """One more budget of the campaign, with terms of its calls."""
    at_ms = {"created_at_ms": START_MS}
    by = {"by_id": "admin", "by_name": "admin", "looks_back_ms": 0}
    async with parts.ledger.write() as connection:
        await connection.execute(
            insert(schema.budget).values(id=wanted, campaign_id="cmp_1", limits=limits, **owner, **at_ms)
        )
        terms = {"id": f"trm_{wanted}", "campaign_id": "cmp_1", "from_ms": 0, "settings": TERMS}
        await connection.execute(insert(schema.terms).values(**terms, **by, **at_ms))
        await raise_revision(connection)
    await parts.catalog.refresh()


async def states(parts: Parts, wanted: str = "all") -> list[str]:
    async with parts.ledger.read() as connection:
        found = await connection.execute(select(schema.hold.c.state).where(schema.hold.c.budget_id == wanted))
        return sorted(found.scalars())


async def kept(parts: Parts, count: int) -> None:
    """All calls are in the ledger, and counters are what they are counted from."""

    async def all_kept() -> bool:
        await drain_once(parts, Journal(parts))
        return len(await rows(parts, schema.call)) == count

    await until(all_kept, "what the disk was given is in the ledger", 60)
    async with parts.ledger.read() as connection:
        assert await connection.run_sync(counted) == await connection.run_sync(summed)


async def connect(parts: Parts) -> None:
    """So many connections to the ledger that calls are really written at once."""
    all_there = asyncio.Barrier(6)

    async def one() -> None:
        async with parts.ledger.read() as connection:
            await connection.execute(select(1))
            await all_there.wait()

    await asyncio.gather(*(one() for _ in range(6)))


async def settle(
    parts: Parts, call: dict[str, Any], payout: int = 300, revenue: int = 500
) -> tuple[int, int, list[Any]]:
    now_ms = parts.clock.now_ms()
    return await parts.ledger.commit(
        lambda c: budgets.settle(c, call, payout, revenue, payout > 0, revenue > 0, now_ms)
    )


@pytest.mark.parametrize(
    "limits",
    [
        *({"calls": {period: 7}} for period in ("concurrent", "hour", "day", "week", "month", "total")),
        {"money": {"day": 3_999}},
    ],
    ids=str,
)
async def test_a_budget_is_never_exceeded_by_a_hundred_calls_at_once(parts: Parts, limits: dict[str, Any]) -> None:
    """A call that the ledger has no time for is connected, and holds nothing; the places that are left are filled."""
    carrier = await route(parts, FULL, SALES)
    await bound(parts, "all", limits)

    await connect(parts)

    async def ring(n: int) -> list[str]:
        return verbs(await Line(carrier, f"CA{n}").rings(From=f"+1415555{n:04}"))

    answers = list(await asyncio.gather(*(ring(n) for n in range(100))))
    while answers.count(["Reject"]) == 0 and len(answers) < 200:
        answers.append(await ring(len(answers)))
    assert await states(parts) == ["held"] * 7
    answers += [await ring(len(answers) + n) for n in range(3)]
    assert answers[-3:] == [["Reject"]] * 3
    assert await states(parts) == ["held"] * 7
    await kept(parts, len(answers))
    assert await states(parts) == ["held"] * 7


async def test_a_full_destination_is_passed_over_by_a_hundred_calls_at_once(parts: Parts) -> None:
    carrier = await route(parts, SALES)
    await bound(parts, "anna", {"calls": {"day": 7}}, destination_id="dst_anna")

    await connect(parts)

    async def ring(n: int) -> str | None:
        return dialled(await Line(carrier, f"CA{n}").rings(From=f"+1415555{n:04}"))

    went = list(await asyncio.gather(*(ring(n) for n in range(100))))
    assert went.count(ANNA) <= 7
    while went.count(ANNA) < 7 and len(went) < 200:
        went.append(await ring(len(went)))
    went += [await ring(len(went) + n) for n in range(3)]
    assert (went.count(ANNA), went.count(BOB)) == (7, len(went) - 7)
    await kept(parts, len(went))
    assert await states(parts, "anna") == ["held"] * 7
    why = {passage["why"] for one in await rows(parts, schema.decision) for passage in one["path"]}
    assert "Anna budget day: 7 of 7 calls are used" in why


async def test_of_a_hundred_calls_judged_at_once_as_many_count_as_there_is_room_for(parts: Parts) -> None:
    """Sent on though the budget is full, or while nobody could count: none of them pays more than there is."""
    carrier = await route(parts, SALES)
    await bound(parts, "all", {"calls": {"day": 7}})
    await bound(parts, "its", {"money": {"day": 1_000}}, publisher_id="pub_1")
    await asyncio.gather(*(Line(carrier, f"CA{n}").rings(From=f"+1415555{n:04}") for n in range(100)))
    await kept(parts, 100)
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.call).values(publisher_id="pub_1"))
    calls = await rows(parts, schema.call)
    paid = await asyncio.gather(*(settle(parts, one) for one in calls))
    assert sorted(one[:2] for one in paid)[-7:] == [(0, 500)] * 4 + [(300, 500)] * 3
    assert {one[:2] for one in paid} == {(0, 0), (0, 500), (300, 500)}
    assert sorted(await states(parts)).count("spent") == 7
    await kept(parts, 100)
    again = await asyncio.gather(*(settle(parts, one) for one in calls))
    assert again == paid


async def test_a_plan_may_send_what_is_over_budget_elsewhere(parts: Parts) -> None:
    elsewhere = {**SALES, "id": "backup", "destinations": BOTH[1:], "when": {"within_budget": False}}
    first = {**SALES, "destinations": BOTH[:1]}
    carrier = await route(parts, elsewhere, first)
    await bound(parts, "all", {"calls": {"day": 1}})
    assert dialled(await Line(carrier, "CA1").rings()) == ANNA
    advance(parts, 1_000)
    assert dialled(await Line(carrier, "CA2").rings()) == BOB
    _, decided = await rows(parts, schema.decision)
    full = "the campaign's budget day: 1 of 1 calls are used"
    assert [one["why"] for one in decided["path"]] == [full, f"rings Bob, though {full}"]
    assert [one["held"] for one in await rows(parts, schema.call)] == [True, None]


async def test_without_steps_a_call_takes_of_the_budget_too(parts: Parts) -> None:
    carrier = await route(parts)
    await bound(parts, "all", {"calls": {"day": 5}})
    line = Line(carrier)
    assert dialled(await line.rings()) == DESTINATION
    assert (await line.rings()).status_code == 200  # the carrier tells it twice
    assert await states(parts) == ["held"]


async def test_who_does_not_pick_up_gives_back_and_the_call_keeps_its_place(parts: Parts) -> None:
    line = Line(await route(parts, FULL, SALES))
    await bound(parts, "all", {"calls": {"concurrent": 1}})
    await bound(parts, "anna", {"calls": {"day": 1}}, destination_id="dst_anna")
    first = await line.rings()
    assert dialled(first) == ANNA
    assert await states(parts, "anna") == ["held"]
    assert dialled(await line.dial_over(first, "busy")) == BOB
    assert (await states(parts), await states(parts, "anna")) == (["held"], ["given_back"])
    whys = [[one["why"] for one in decided["path"]] for decided in await rows(parts, schema.decision)]
    assert ["nobody picked up", "rings Bob"] in whys, "its own place does not stand in its way"
    other = Line(line.carrier, "CA2", "CAother")
    assert verbs(await other.rings(From="+14155550143")) == ["Reject"]
    now_ms = advance(parts, 60_000)
    await line.leg_is("in-progress", BOB, Timestamp=at(now_ms - 50_000))
    await line.leg_is("completed", BOB, CallDuration="50", Timestamp=at(now_ms))
    await line.ends(60, Timestamp=at(now_ms))
    assert await states(parts) == ["spent"]
    third = Line(line.carrier, "CA3", "CAthird")
    assert dialled(await third.rings(From="+14155550144")) == ANNA
    await third.carrier.status(NUMBER, "canceled", "CA3")
    assert (await states(parts), await states(parts, "anna")) == (["given_back", "spent"], ["given_back", "given_back"])
    await kept(parts, 3)


async def test_a_call_whose_end_never_comes_gives_back_what_it_held(parts: Parts) -> None:
    line = Line(await route(parts, FULL, SALES))
    await bound(parts, "all", {"calls": {"concurrent": 1}})
    await line.rings()
    advance(parts, 31 * 60_000)
    assert await close_once(parts) == 1
    assert await states(parts) == ["given_back"]
    assert dialled(await Line(line.carrier, "CA2").rings(From="+14155550143")) == ANNA


async def test_with_the_ledger_locked_nobody_counts_so_the_call_holds_nothing(sqlite_parts: Parts) -> None:
    parts = sqlite_parts
    line = Line(await route(parts, FULL, SALES))
    await bound(parts, "all", {"calls": {"day": 0}})
    await bound(parts, "anna", {"calls": {"day": 9}}, destination_id="dst_anna")
    async with parts.ledger.write():
        assert dialled(await line.rings()) == BOB
    assert await drain_once(parts, Journal(parts)) == 1
    [decided] = await rows(parts, schema.decision)
    told = [
        "what is left of the budget is not known",
        "always",
        "Anna has a budget, and nobody can count now",
        "rings Bob",
    ]
    assert [one["why"] for one in decided["path"]] == told
    assert await states(parts) == []
    [call] = await rows(parts, schema.call)
    assert (await settle(parts, call))[:2] == (0, 0)


async def test_without_a_budget_a_call_asks_nothing_more(parts: Parts) -> None:
    line = Line(await route(parts, SALES))
    asked: list[str] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    try:
        first = await line.rings()
        await line.dial_over(first, "busy")
        await line.leg_is("in-progress", BOB)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert asked
    assert not [
        one for one in asked if any(f" {name} " in f"{one} " for name in ("budget", "hold", "counter", "terms"))
    ]


async def test_who_looks_at_a_destination_is_told_that_its_budget_is_full(parts: Parts) -> None:
    carrier = await route(parts, SALES)
    await bound(parts, "anna", {"calls": {"day": 1}}, destination_id="dst_anna")

    async def keeps_away() -> str:
        one = parts.catalog.now.destinations["dst_anna"]
        async with parts.ledger.read() as connection:
            return (await connection.run_sync(busy, [one], START_MS, "America/New_York"))[one.id].holds

    assert await keeps_away() == ""
    await carrier.inbound(NUMBER, CALL)
    assert await keeps_away() == "budget day: 1 of 1 calls are used"


async def test_trying_a_call_says_how_the_budget_is(parts: Parts) -> None:
    carrier = await route(parts, FULL, SALES)
    await bound(parts, "all", {"calls": {"day": 1}})
    await bound(parts, "anna", {"calls": {"day": 0}}, destination_id="dst_anna")

    async def tried() -> list[str]:
        catalog = parts.catalog.now
        async with parts.ledger.read() as connection:
            said = await connection.run_sync(
                rehearse,
                catalog.campaigns["cmp_1"],
                catalog.destinations,
                START_MS,
                Rehearsal(),
                catalog.budgets["cmp_1"],
            )
        return [one.why for one in said.scenes[0].path]

    full = "Anna budget day: 0 of 0 calls are used"
    assert await tried() == ["there is room in the budget", "always", full, "rings Bob"]
    await carrier.inbound(NUMBER, CALL)
    assert await tried() == ["the campaign's budget day: 1 of 1 calls are used"]
    assert await states(parts) == ["held"], "trying takes nothing"
