"""Whatever is told of calls, in whatever order, however often and late, and whenever they are settled: the journal
balances, each call's postings come to what the terms say of it in the end, and no row of it ever changed."""

import asyncio
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dni.call import outcomes
from dni.call.outcome import TellOutcome
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.money import Money
from dni.qualification.model import Dedupe, Policy, Side, Terms
from tests.payout.by_hand import ByHand
from tests.support.trade import ADMIN, ADVERTISERS, BUYER, DAY, Trade, terms

MINUTE, HOUR = 60_000, 3_600_000
T = TypeVar("T")
EXAMPLES, STEPS, MOST_CALLS = 40, 40, 9

_SALE = Policy(name="Sale", when="sale and value >= 100", percent=10)
_SHORT = Policy(name="Short", when="talk >= 20s and not repeat(2d)", amount=300)
_SALES = Side(base=Policy(name="Base", when="talk >= 60s", amount=2_500), bonuses=(_SALE,), pick="best")
PLANS = (
    terms(),
    terms(payout=_SALES),
    terms(payout=_SALES, dedupe=Dedupe(days=1, counts="paid")),
    terms(dedupe=Dedupe(days=3, scope="advertiser", counts="paid")),
    terms(payout=_SALES, dedupe=Dedupe(days=3, scope="destination")),
    terms(dedupe=Dedupe(days=2, shared=("+12125550143",))),
    terms("talk >= 60s and publisher = pub_2", payout=Side(base=_SHORT, bonuses=(_SALE,), pick="best")),
    terms(payout=_SALES, dedupe=None),
)
plans = st.sampled_from(PLANS)
campaigns, publishers = st.sampled_from(["cmp_1", "cmp_2", "cmp_3"]), st.sampled_from(["pub_1", "pub_2", None])
moments = st.sampled_from([0, MINUTE, HOUR, DAY, DAY + 1, 2 * DAY, 3 * DAY])
# When it begins, who calls, seconds of talk, campaign, publisher: one telephone for the most part.
a_call = st.tuples(
    moments,
    st.sampled_from(["+14155550142", "+14155550142", "+14155550142", "+12125550143", None]),
    st.sampled_from([0, 30, 60, 300]),
    st.sampled_from(["cmp_1", "cmp_1", "cmp_2", "cmp_3"]),
    st.sampled_from(["pub_1", "pub_1", "pub_2", None]),
)
which = st.integers(0, 9)


class Told:
    """What will be told of one call, in any order."""

    def __init__(self, name: str, at_ms: int, caller: str | None, talk_s: int, campaign: str, publisher: str | None):
        self.name, self.owners = name, {"campaign": campaign, "publisher": publisher}
        self.events: dict[str, Any] = {
            "rings": lambda trade: trade.rings(name, at_ms, caller, **self.owners),
            "answered": lambda trade: trade.answered(name, at_ms + 2_000, **self.owners),
            "ended": lambda trade: trade.ended(name, at_ms + 2_000 + 1000 * talk_s, talk_s, **self.owners),
            "failed": lambda trade: trade.told(
                name, {"event": "failed", "sip_code": "486", "destination": BUYER}, at_ms + 3_000, **self.owners
            ),
        }
        self.whole = ("rings", "answered", "ended") if talk_s else ("rings", "failed")


class Trading(RuleBasedStateMachine):
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.file = self.template.with_name(f"{id(self)}.sqlite3")
        shutil.copy(self.template, self.file)
        self.trade = Trade(Ledger(f"sqlite+aiosqlite:///{self.file}"))
        self.calls: list[Told] = []
        self.journal: dict[str, list[tuple[Any, ...]]] = {}

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        self.trade.now_ms += 1
        return self.loop.run_until_complete(act)

    def teardown(self) -> None:
        try:
            for told in self.calls:
                for event in told.whole:
                    self.run(told.events[event](self.trade))
            self.run(self.trade.settle())
            self.run(self._ends_as_the_terms_say())
            self.run(self._stands())
        finally:
            self.run(self.trade.ledger.close())
            self.loop.close()
            self.file.unlink()

    @initialize(first=plans, second=plans, calls=st.lists(a_call, min_size=5, max_size=MOST_CALLS))
    def terms_are_there(self, first: Terms, second: Terms, calls: list[tuple[Any, ...]]) -> None:
        self.run(self.trade.put(first, "cmp_1"))
        self.run(self.trade.put(second, "cmp_2"))
        self.run(self.trade.put(second, "cmp_3"))
        for n, (at, *others) in enumerate(calls):
            self.calls.append(Told(f"call-{n}", self.trade.now_ms + at, *others))

    @rule(n=which, event=which)
    def something_is_told(self, n: int, event: int) -> None:
        told = self.calls[n % len(self.calls)]
        self.run(told.events[told.whole[event % len(told.whole)]](self.trade))

    @rule(n=which)
    def a_whole_call_is_told_and_settled(self, n: int) -> None:
        told = self.calls[n % len(self.calls)]
        for event in told.whole:
            self.run(told.events[event](self.trade))
        self.run(self.trade.settle(self.trade.ids[told.name]))

    @precondition(lambda self: self.trade.ids)
    @rule(n=which)
    def one_is_settled(self, n: int) -> None:
        self.run(self.trade.settle(self._known(n)))

    @rule()
    def all_is_settled(self) -> None:
        self.run(self.trade.settle())

    @precondition(lambda self: self.trade.ids)
    @rule(n=which, sale=st.booleans(), amount=st.sampled_from([None, 9_999, 10_000, 33_333]))
    def an_outcome_is_told(self, n: int, sale: bool, amount: int | None) -> None:
        value = None if amount is None else Money(amount, "USD")
        self.run(self._tell(self._known(n), TellOutcome(sale=sale, value=value)))

    @precondition(lambda self: self.trade.ids)
    @rule(n=which, payout=st.sampled_from([None, 0, 777]), revenue=st.sampled_from([None, 0, 888]))
    def a_person_decides(self, n: int, payout: int | None, revenue: int | None) -> None:
        self.run(self.trade.adjust(self._known(n), payout, revenue))

    @precondition(lambda self: self.trade.ids)
    @rule(n=which, to=st.sampled_from(["pub_1", "pub_2"]))
    def it_is_credited_to_another(self, n: int, to: str) -> None:
        self.run(self.trade.credit_anew(self._known(n), to))

    @rule(plan=st.one_of(st.none(), plans), campaign=campaigns, publisher=publishers)
    def other_terms_apply(self, plan: Terms | None, campaign: str, publisher: str | None) -> None:
        self.run(self.trade.put(plan, campaign, publisher))

    @rule(ms=moments)
    def time_passes(self, ms: int) -> None:
        self.trade.now_ms += ms

    @invariant()
    def the_journal_stands(self) -> None:
        self.run(self._stands())

    def _known(self, n: int) -> str:
        return list(self.trade.ids.values())[n % len(self.trade.ids)]

    async def _tell(self, call_id: str, told: TellOutcome) -> None:
        async with self.trade.ledger.write() as connection:
            await outcomes.tell(connection, ADMIN, self.trade.now_ms, call_id, told)

    async def _stands(self) -> None:
        """Every posting sums to zero and says what its entries do; a settled call is the sum of its postings; and what
        was there is there as it was."""
        now = {table.name: [tuple(row.items()) for row in await self.trade.rows(table)] for table in _JOURNAL}
        for name, before in self.journal.items():
            assert set(before) <= set(now[name])
        self.journal = now
        postings = {row["id"]: row for row in await self.trade.rows(schema.posting)}
        entries: dict[str, dict[str, int]] = {}
        for row in await self.trade.rows(schema.entry):
            entries.setdefault(row["posting_id"], {})[row["account"]] = row["amount"]
        assert entries.keys() == postings.keys()
        for name, row in postings.items():
            payout, revenue = row["payout"], row["revenue"]
            assert sum(entries[name].values()) == 0
            assert entries[name] == {
                "advertiser_receivable": revenue,
                "publisher_payable": -payout,
                "margin": payout - revenue,
            }
        for call in await self.trade.rows(schema.call):
            mine = [row for row in postings.values() if row["call_id"] == call["id"]]
            assert sum(row["payout"] for row in mine) == (call["payout"] or 0)
            assert sum(row["revenue"] for row in mine) == (call["revenue"] or 0)
            by_publisher: dict[str | None, int] = {}
            for row in mine:
                by_publisher[row["publisher_id"]] = by_publisher.get(row["publisher_id"], 0) + row["payout"]
            assert len([owed for owed in by_publisher.values() if owed]) <= 1
            await self.trade.posted(call["id"])  # one chain

    async def _ends_as_the_terms_say(self) -> None:
        calls, versions, put = [
            await self.trade.rows(table) for table in (schema.call, schema.terms, schema.adjustment)
        ]
        found = {row["id"]: (row["qualified"], row["payout"], row["revenue"]) for row in calls}
        assert found == ByHand(calls, versions, put, ADVERTISERS).pays


_JOURNAL = (schema.posting, schema.entry)


def test_whatever_happens_the_journal_stands(tmp_path: Path) -> None:
    template = tmp_path / "template.sqlite3"

    async def make() -> None:
        ledger = Ledger(f"sqlite+aiosqlite:///{template}")
        await migrate(ledger)
        await Trade(ledger).open()
        await ledger.empty_log()
        await ledger.close()

    asyncio.run(make())
    Trading.template = template
    run_state_machine_as_test(
        Trading,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
        ),
    )
