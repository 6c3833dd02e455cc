"""What happens leaves a row for others in its own transaction: once, in order, and none where nothing happened."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, delete

from dni.attribution.model import Attribution
from dni.call import calls, credits, outcomes
from dni.call.journal import Journal
from dni.call.model import STATES
from dni.call.outcome import TellOutcome
from dni.call.told import Told
from dni.call.views import OutcomeView
from dni.errors import Conflict
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.prepared import Compiled
from dni.parts import Parts
from dni.payout.close import NewStatement, close
from tests.support.trade import ADMIN, BILLS, BUYER, CALLER, DAY, OTHER, PAYS, START_MS, Trade, terms

MINUTE = 60_000
STARTED, COMPLETED, ATTRIBUTED = "call.started", "call.completed", "call.attributed"
QUALIFIED, CORRECTED, RECORDED = "call.qualified", "call.corrected", "outcome.recorded"
BEGUN = [STARTED, ATTRIBUTED]
ANOTHER = "+14155550198"
LEG_ENDED = {"event": "ended", "final": "false", "talk_s": "5"}


@pytest.fixture
async def trade(ledger: Ledger) -> Trade:
    made = Trade(ledger)
    await made.open()
    return made


async def told(trade: Trade, subject: str | None = None) -> list[str]:
    """Types, in order."""
    return [row["type"] for row in await trade.rows(schema.outbox) if subject in (None, row["subject_id"])]


def event_of(name: str, fields: dict[str, str], at_ms: int, **more: Any) -> Told:
    told = {"call_id": name, "time_ms": str(at_ms), **fields}
    usual = {"carrier": "car_1", "port": "generic", "received_ms": START_MS, "campaign": "cmp_1", "publisher": "pub_1"}
    return Told(**{"inbound": False, **usual, **more}, fields=told)


async def last(trade: Trade) -> dict[str, Any]:
    return (await trade.rows(schema.outbox))[-1]


async def tell(trade: Trade, call_id: str, **what: Any) -> OutcomeView:
    trade.now_ms += 1
    async with trade.ledger.write() as connection:
        return await outcomes.tell(connection, ADMIN, trade.now_ms, call_id, TellOutcome(**what))


async def test_a_call_is_told_when_it_begins_and_when_it_is_over(trade: Trade) -> None:
    call = (await trade.rings("a", START_MS)).id
    assert await told(trade) == BEGUN
    await trade.answered("a", START_MS + 5_000)
    assert await told(trade) == BEGUN
    trade.now_ms += 95_000
    await trade.ended("a", START_MS + 95_000, 90)
    rows = await trade.rows(schema.outbox)
    assert [row["type"] for row in rows] == [*BEGUN, COMPLETED]
    assert [row["at_ms"] for row in rows] == [START_MS, START_MS, START_MS + 95_000]
    assert {row["subject_id"] for row in rows} == {call}
    assert {(row["made_ms"], row["data"], row["detail"]) for row in rows} == {(None, None, None)}
    assert len({row["id"] for row in rows}) == 3


async def test_a_call_of_which_only_the_end_is_told_began_as_well(trade: Trade) -> None:
    await trade.ended("a", START_MS + 95_000, 90)
    assert await told(trade) == [STARTED, COMPLETED]
    await trade.rings("a", START_MS)
    assert await told(trade) == [STARTED, COMPLETED, ATTRIBUTED]


async def test_an_event_that_is_told_again_is_no_news(trade: Trade) -> None:
    for _ in range(2):
        await trade.rings("a", START_MS)
        await trade.ended("a", START_MS + 95_000, 90)
    assert await told(trade) == [*BEGUN, COMPLETED]


async def test_what_is_told_late_of_a_call_that_is_over_is_no_second_end(trade: Trade) -> None:
    await trade.rings("a", START_MS)
    await trade.ended("a", START_MS + 95_000, 0)
    await trade.answered("a", START_MS + 5_000)
    await trade.told("a", {"event": "ended", "destination": BUYER, "talk_s": "99"}, START_MS + 99_000)
    assert await told(trade) == [*BEGUN, COMPLETED]


async def goes_on(trade: Trade) -> str:
    """A leg was hung up, so the call seemed over; then another one is answered."""
    call = (await trade.rings("a", START_MS)).id
    await trade.answered("a", START_MS + 1_000)
    await trade.told("a", {**LEG_ENDED, "destination": BUYER}, START_MS + 6_000)
    assert STATES[(await trade.row(call))["status"]].ends
    await trade.told("a", {"event": "answered", "destination": ANOTHER}, START_MS + 8_000)
    assert (await trade.row(call))["status"] == "in_progress"
    return call


async def test_a_call_that_goes_on_after_all_is_over_once(trade: Trade) -> None:
    call = await goes_on(trade)
    await trade.told("a", {**LEG_ENDED, "destination": ANOTHER}, START_MS + 15_000)
    assert (await trade.row(call))["status"] == "completed"
    assert await told(trade) == [*BEGUN, COMPLETED]


async def test_a_call_is_over_as_well_when_nobody_told_of_its_end(trade: Trade) -> None:
    call = (await trade.rings("a", START_MS)).id
    for at_ms in (START_MS + MINUTE, START_MS + DAY, START_MS + 2 * DAY):
        await trade.ledger.commit(partial(calls.give_up, wanted=call, at_ms=at_ms))
    assert await told(trade) == [*BEGUN, COMPLETED]
    assert (await last(trade))["at_ms"] == START_MS + DAY
    await trade.ended("a", START_MS + 3 * DAY, 90)
    assert await told(trade) == [*BEGUN, COMPLETED]


async def test_a_call_that_goes_on_and_is_given_up_is_over_once(trade: Trade) -> None:
    call = await goes_on(trade)
    assert await trade.ledger.commit(partial(calls.give_up, wanted=call, at_ms=START_MS + DAY))
    assert await told(trade) == [*BEGUN, COMPLETED]


async def test_what_is_rolled_back_is_not_told(trade: Trade) -> None:
    told_of = event_of("a", {"to": "+14155550120", "from": CALLER}, START_MS, inbound=True)

    def falls(connection: Connection) -> None:
        calls.record(connection, trade.ledger, told_of)
        raise LookupError

    with pytest.raises(LookupError):
        await trade.ledger.commit(falls)
    assert await told(trade) == []


async def test_what_is_told_costs_a_call_no_further_round_trip(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL gets it with what it gets anyway."""
    asked: list[str] = []
    ordered = Compiled.ordered

    def note(compiled: Compiled, values: Mapping[str, Any]) -> tuple[Any, ...]:
        asked.append(compiled.sql)
        return ordered(compiled, values)

    monkeypatch.setattr(Compiled, "ordered", note)
    await trade.rings("a", START_MS)
    await trade.ended("a", START_MS + 95_000, 90)
    found = [one for one in asked if "INSERT INTO outbox" in one]
    assert len(found) == 2
    if not trade.ledger.is_sqlite:
        assert all("UPDATE chunk" in one for one in found)


async def test_a_call_that_is_credited_late_or_anew_is_told_as_attributed(trade: Trade) -> None:
    nobody = Attribution(method=None)
    call = (await trade.rings("a", START_MS, attribution=nobody)).id
    assert await told(trade) == [STARTED]
    await trade.credit_anew(call, "pub_1", confidence=0.9)
    assert await told(trade) == BEGUN
    assert (await last(trade))["detail"] is None
    async with trade.ledger.write() as connection:
        assert not await credits.credit(connection, call, nobody, "cmp_1", trade.now_ms)
    assert await told(trade) == BEGUN
    await trade.credit_anew(call, "pub_1", confidence=0.5)
    assert await told(trade) == [*BEGUN, ATTRIBUTED]
    change = (await last(trade))["detail"]
    assert change["session"] == {"before": "ses_1", "after": "ses_1"}
    assert change["confidence"] == {"before": 0.9, "after": 0.5}


async def test_a_call_is_qualified_once_and_then_corrected(trade: Trade) -> None:
    await trade.put(terms())
    call = await trade.call("a", START_MS, talk_s=59)
    await trade.settle()
    assert await told(trade) == [*BEGUN, COMPLETED, QUALIFIED]
    assert (await last(trade))["detail"] is None
    await trade.settle(call)
    await trade.told("a", {"event": "ended", "destination": BUYER, "talk_s": "90"}, START_MS + 95_001)
    await trade.settle()
    assert await told(trade) == [*BEGUN, COMPLETED, QUALIFIED, CORRECTED]
    nothing, pays, bills = ({"amount": amount, "currency": "USD"} for amount in (0, PAYS, BILLS))
    assert (await last(trade))["detail"] == {
        "kind": "verdict",
        "reason": "payout: Base, revenue: Base",
        "payout": {"before": nothing, "after": pays},
        "revenue": {"before": nothing, "after": bills},
        "qualified": {"before": False, "after": True},
        "billable": {"before": False, "after": True},
    }


async def test_what_changes_no_money_is_no_correction(trade: Trade) -> None:
    await trade.put(terms())
    call = await trade.call("a", START_MS)
    await trade.settle()
    await tell(trade, call, note="called back")
    await trade.told("a", {"event": "ended", "destination": BUYER, "talk_s": "99"}, START_MS + 99_000)
    await trade.settle()
    assert await told(trade) == [*BEGUN, COMPLETED, QUALIFIED, RECORDED]


async def test_a_correction_by_hand_is_told(trade: Trade) -> None:
    await trade.put(terms())
    call = await trade.call("a", START_MS)
    await trade.settle()
    await trade.adjust(call, payout=0)
    await trade.settle()
    found = await last(trade)
    assert (found["type"], found["detail"]["kind"]) == (CORRECTED, "correction")
    assert found["detail"]["qualified"] == {"before": True, "after": False}
    assert found["detail"]["billable"] == {"before": True, "after": True}


async def test_a_call_that_is_another_publishers_now_is_corrected_whatever_it_pays(trade: Trade) -> None:
    await trade.put(terms())
    call = await trade.call("a", START_MS)
    await trade.settle()
    await trade.credit_anew(call, "pub_2")
    await trade.settle()
    assert await told(trade) == [*BEGUN, COMPLETED, QUALIFIED, ATTRIBUTED, CORRECTED]
    change = (await last(trade))["detail"]
    assert change["kind"] == "reattribution"
    assert change["payout"]["before"] == change["payout"]["after"] == {"amount": PAYS, "currency": "USD"}


async def test_a_call_without_terms_is_not_qualified(trade: Trade) -> None:
    await trade.call("a", START_MS)
    await trade.settle()
    assert await told(trade) == [*BEGUN, COMPLETED]


async def test_a_call_that_was_judged_before_others_were_told_is_corrected(trade: Trade) -> None:
    await trade.put(terms())
    call = await trade.call("a", START_MS)
    await trade.settle()
    async with trade.ledger.write() as connection:
        await connection.execute(delete(schema.outbox))
    await trade.adjust(call, revenue=0)
    await trade.settle()
    assert await told(trade) == [CORRECTED]


async def test_an_outcome_is_told_unless_it_is_the_same_again(trade: Trade) -> None:
    call = await trade.call("a", START_MS)
    outcome = await tell(trade, call, sale=True)
    await tell(trade, call, sale=True)
    assert await told(trade) == [*BEGUN, COMPLETED, RECORDED]
    assert (await last(trade))["detail"] == {"outcome": outcome.id}


async def test_a_closed_statement_is_told(trade: Trade) -> None:
    await trade.put(terms())
    await trade.call("a", START_MS)
    await trade.settle()
    new = NewStatement(publisher="pub_1", to="2026-09-23")
    async with trade.ledger.write() as connection:
        closed = await close(connection, ADMIN, START_MS + 3 * DAY, new)
    assert await told(trade, closed) == ["statement.closed"]
    with pytest.raises(Conflict):
        async with trade.ledger.write() as connection:
            await close(connection, ADMIN, START_MS + 3 * DAY, new)
    assert await told(trade, closed) == ["statement.closed"]


def happening(trade: Trade, name: str) -> list[Coroutine[Any, Any, Any]]:
    return [
        trade.rings(name, START_MS),
        trade.answered(name, START_MS + 1_000),
        trade.told(name, {**LEG_ENDED, "destination": BUYER}, START_MS + 9_000),
        trade.told(name, {"event": "answered", "destination": ANOTHER}, START_MS + 9_500),
        trade.ended(name, START_MS + 95_000, 90),
    ]


async def test_of_a_call_all_is_told_in_the_order_in_which_it_happened(trade: Trade) -> None:
    """Whatever comes at once: an event waits for the one before it, and is numbered after it."""
    names = [f"call{n}" for n in range(12)]
    at_once = [act for name in names for act in happening(trade, name)]
    random.Random(9).shuffle(at_once)  # noqa: S311
    await asyncio.gather(*at_once)
    for name in names:
        found = await told(trade, trade.ids[name])
        assert sorted(found) == sorted([*BEGUN, COMPLETED])
        assert found[0] == STARTED


def differs(before: dict[str, Any], after: dict[str, Any], *names: str) -> bool:
    return any(before.get(name) != after[name] for name in names)


Act = Callable[[], Awaitable[None]]


class Life:
    """A call's random life; what others must have been told of it is counted from its row before and after each act."""

    def __init__(self, trade: Trade, journal: Journal, name: str, rng: random.Random) -> None:
        self.trade, self.journal, self.name, self.rng = trade, journal, name, rng
        self.expected: list[str] = []
        self.id = ""

    def acts(self) -> list[Act]:
        """In a random order, some of them twice; an event comes first, or there is no call."""
        talk = self.rng.choice((0, 30, 90))
        end = START_MS + 5_000 + 1000 * talk
        caller = self.rng.choice((CALLER, OTHER))
        events = [
            ({"to": "+14155550120", "from": caller}, START_MS),
            ({"event": "answered", "destination": BUYER}, START_MS + 5_000),
            ({**LEG_ENDED, "destination": BUYER}, START_MS + 6_000),
            ({"event": "answered", "destination": ANOTHER}, START_MS + self.rng.choice((5_500, 8_000))),
            ({"event": "ended", "destination": ANOTHER, "talk_s": str(talk)}, end),
        ]
        told = [partial(self.tell, fields, at_ms) for fields, at_ms in self.rng.sample(events, self.rng.randint(1, 5))]
        more = [self.credit, self.credit_again, self.outcome, self.adjust, self.give_up]
        rest: list[Act] = [*told[1:], *told, *self.rng.sample(more, self.rng.randint(0, 5)), self.settle, self.settle]
        self.rng.shuffle(rest)
        return [told[0], *rest]

    async def live(self) -> None:
        for act in self.acts():
            before = await self.now()
            await act()
            self.note(before, await self.now())
            assert await told(self.trade, self.id) == self.expected

    async def now(self) -> dict[str, Any]:
        rows = [row for row in await self.trade.rows(schema.call) if row["provider_id"] == self.name]
        if not rows:
            return {}
        self.id = rows[0]["id"]
        outcomes = [row for row in await self.trade.rows(schema.outcome) if row["call_id"] == self.id]
        moved = [one for one in await self.trade.posted(self.id) if one[0] == "reattribution"]
        return rows[0] | {"outcomes": len(outcomes) or None, "moved": len(moved) or None}

    def note(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        if not before:
            self.expected.append(STARTED)
        if after["method"] and differs(before, after, "method", "session_id", "confidence"):
            self.expected.append(ATTRIBUTED)
        if STATES[after["status"]].ends and COMPLETED not in self.expected:
            self.expected.append(COMPLETED)
        if after["qualified"] is not None and QUALIFIED not in self.expected:
            self.expected.append(QUALIFIED)
        elif differs(before, after, "qualified", "billable", "payout", "revenue", "moved"):
            self.expected.append(CORRECTED)
        if differs(before, after, "outcomes"):
            self.expected.append(RECORDED)

    async def tell(self, fields: dict[str, str], at_ms: int) -> None:
        inbound = "to" in fields
        credited = Attribution(method=self.rng.choice(("static", None))) if inbound else None
        told_of = event_of(self.name, fields, at_ms, inbound=inbound, attribution=credited)
        assert await self.journal.keep(told_of) is not None

    async def settle(self) -> None:
        self.trade.now_ms += 1
        await self.trade.settle(self.id)

    async def credit(self) -> None:
        if (await self.now())["method"] is None:
            await self.trade.credit_anew(self.id, "pub_1")

    async def credit_again(self) -> None:
        if (await self.now())["method"] is not None:
            confidence = self.rng.random()
            await self.trade.credit_anew(self.id, self.rng.choice(("pub_1", "pub_2")), confidence)

    async def outcome(self) -> None:
        await tell(self.trade, self.id, sale=self.rng.choice((True, False)))

    async def adjust(self) -> None:
        await self.trade.adjust(self.id, payout=self.rng.choice((None, 0, PAYS)), revenue=self.rng.choice((None, 1)))

    async def give_up(self) -> None:
        await self.trade.ledger.commit(partial(calls.give_up, wanted=self.id, at_ms=START_MS + DAY))


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_becomes_of_calls_others_are_told_just_that(parts: Parts, seed: int) -> None:
    trade = Trade(parts.ledger)
    await trade.open()
    rng = random.Random(seed)  # noqa: S311
    for when in ("talk >= 60s", "talk >= 10s and sale"):
        await trade.put(terms(when))
        trade.now_ms += 1
        for n in range(10):
            await Life(trade, Journal(parts), f"{len(when)}.{n}", rng).live()
    # Which call is a repeat of which goes by ids, where they begin at once: corrections are not in every run.
    assert set(await told(trade)) >= {STARTED, COMPLETED, ATTRIBUTED, QUALIFIED, RECORDED}
