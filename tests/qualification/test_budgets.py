"""What calls take of budgets: whatever happens in whatever order, counters are the sum of the holds, and nothing is
ever taken that does not fit."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection, Engine, create_engine, event, insert, select, update

from dni.ledger import schema
from dni.qualification import budgets
from dni.qualification.budget import PERIODS
from dni.qualification.budgets import Room
from dni.qualification.model import Term
from tests.support.counting import counted, summed

START_MS = 1_790_000_000_000  # a Monday, 10:13 in New York
DAY_MS = 86_400_000
ZONES = ("America/New_York", "Asia/Kathmandu")
PUBLISHERS, PHONES = ("pub_1", "pub_2"), ("dst_1", "dst_2")
TERMS = {"payout": {"base": {"name": "a", "amount": 300}}, "revenue": {"base": {"name": "a", "amount": 500}}}


@contextmanager
def ledger() -> Iterator[Engine]:
    """An SQLite ledger with a campaign, two publishers and two destinations."""
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
    schema.metadata.create_all(engine)
    at = {"created_at_ms": 0}
    with engine.begin() as connection:
        zone = {"timezone": ZONES[0], "currency": "USD"}
        connection.execute(insert(schema.campaign).values(id="cmp", name="C", destination="+14155550199", **zone, **at))
        connection.execute(insert(schema.publisher), [{"id": one, "name": one, **at} for one in PUBLISHERS])
        phones = [{"id": one, "campaign_id": "cmp", "name": one, "number": "+14155550161", **at} for one in PHONES]
        connection.execute(insert(schema.destination), phones)
        by = {"by_id": "admin", "by_name": "admin", "looks_back_ms": 0}
        terms = {"id": "trm", "campaign_id": "cmp", "from_ms": 0, "settings": TERMS}
        connection.execute(insert(schema.terms).values(**terms, **by, **at))
    try:
        yield engine
    finally:
        engine.dispose()


def add_budget(connection: Connection, wanted: str, limits: dict[str, Any], **owner: str) -> None:
    values = {"id": wanted, "campaign_id": "cmp", "limits": limits, "created_at_ms": 0, **owner}
    connection.execute(insert(schema.budget).values(values))


def begin(connection: Connection, call: str, at_ms: int, publisher: str | None = None) -> None:
    values = {"id": call, "carrier_id": "car", "provider_id": call, "status": "ringing", "started_at_ms": at_ms}
    values |= {"tracking_number": "", "campaign_id": "cmp", "publisher_id": publisher}
    connection.execute(insert(schema.call).values(values))


def row(connection: Connection, call: str) -> dict[str, Any]:
    return dict(connection.execute(select(schema.call).where(schema.call.c.id == call)).mappings().one())


def room(connection: Connection, call: str, now_ms: int, *, has_holds: bool = False) -> Room:
    known = row(connection, call)
    began = {"began_ms": known["started_at_ms"], "now_ms": now_ms}
    return budgets.room(connection, "cmp", known["publisher_id"], PHONES, call=call if has_holds else None, **began)


def send(connection: Connection, call: str, phone: str | None, now_ms: int, *, has_holds: bool = False) -> Room:
    """As a decision does that sends the call to a phone, whatever there is room for."""
    found = room(connection, call, now_ms, has_holds=has_holds)
    budgets.take(connection, call, [one for one in found.holds if one.destination in (None, phone)])
    if phone is not None:
        values = {"id": f"{call} {phone}", "call_id": call, "destination_id": phone, "number": "+14155550161"}
        connection.execute(insert(schema.attempt).values(**values, state="ringing", counted=True, at_ms=now_ms))
    return found


def leg_ends(connection: Connection, call: str, *, answered: bool) -> None:
    change = update(schema.attempt).where(schema.attempt.c.call_id == call, schema.attempt.c.ended_at_ms.is_(None))
    connection.execute(change.values(ended_at_ms=1, counted=answered))


def end(connection: Connection, call: str, at_ms: int, *, answered: bool) -> None:
    leg_ends(connection, call, answered=answered)
    changed = {"ended_at_ms": at_ms, "answered_at_ms": at_ms - 1 if answered else None, "status": "completed"}
    connection.execute(update(schema.call).where(schema.call.c.id == call).values(changed))
    budgets.follow(connection, row(connection, call), is_over=True)


def settle(
    connection: Connection, call: str, payout: int, revenue: int, at_ms: int = START_MS + 60_000
) -> tuple[int, int, list[Term]]:
    return budgets.settle(connection, row(connection, call), payout, revenue, payout > 0, revenue > 0, at_ms)


def holds(connection: Connection, call: str) -> dict[str, tuple[str, int]]:
    found = connection.execute(select(schema.hold).where(schema.hold.c.call_id == call))
    return {one.budget_id: (one.state, one.amount) for one in found}


@pytest.fixture
def connection() -> Iterator[Connection]:
    with ledger() as engine, engine.begin() as lent:
        yield lent
        assert counted(lent) == summed(lent)


def test_a_call_holds_one_call_and_the_most_that_its_terms_may_pay(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"day": 2}})
    add_budget(connection, "its", {"money": {"day": 1_000}}, publisher_id="pub_1")
    add_budget(connection, "phone", {"calls": {"concurrent": 1}}, destination_id="dst_1")
    add_budget(connection, "other", {"calls": {"day": 1}}, publisher_id="pub_2")
    begin(connection, "one", START_MS, "pub_1")
    assert send(connection, "one", "dst_1", START_MS).over == ""
    assert holds(connection, "one") == {"all": ("held", 500), "its": ("held", 300), "phone": ("held", 500)}
    begin(connection, "two", START_MS, "pub_1")
    assert room(connection, "two", START_MS).full == {"dst_1": "budget concurrent: 1 of 1 calls are under way"}
    send(connection, "two", None, START_MS)
    begin(connection, "three", START_MS)
    assert send(connection, "three", None, START_MS).over == "the campaign's budget day: 2 of 2 calls are used"
    assert holds(connection, "three") == {}


def test_an_advertiser_is_not_told_what_publishers_are_paid(connection: Connection) -> None:
    """The words stand in the decision, which he reads."""
    add_budget(connection, "its", {"money": {"day": 299}}, publisher_id="pub_1")
    begin(connection, "one", START_MS, "pub_1")
    assert room(connection, "one", START_MS).over == "the publisher's budget day is used up"


def test_a_publisher_of_his_own_terms_holds_what_these_pay(connection: Connection) -> None:
    add_budget(connection, "its", {"money": {"day": 10_000}}, publisher_id="pub_1")
    same = {"campaign_id": "cmp", "by_id": "a", "by_name": "a", "created_at_ms": 0, "publisher_id": "pub_1"}
    same |= {"looks_back_ms": 0}
    own = {"payout": {"base": {"name": "a", "amount": 900}}}
    connection.execute(insert(schema.terms).values(id="own", from_ms=START_MS, settings=own, **same))
    connection.execute(insert(schema.terms).values(id="ended", from_ms=START_MS + DAY_MS, settings=None, **same))
    for call, at_ms, amount in (("a", START_MS - 1, 300), ("b", START_MS, 900), ("c", START_MS + DAY_MS, 300)):
        begin(connection, call, at_ms, "pub_1")
        send(connection, call, None, at_ms)
        assert holds(connection, call) == {"its": ("held", amount)}


def test_a_phone_that_does_not_answer_gives_back_its_hold(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"day": 9}})
    add_budget(connection, "phone", {"calls": {"day": 1}}, destination_id="dst_1")
    add_budget(connection, "next", {"calls": {"day": 1}}, destination_id="dst_2")
    begin(connection, "one", START_MS)
    send(connection, "one", "dst_1", START_MS)
    leg_ends(connection, "one", answered=False)
    budgets.follow(connection, row(connection, "one"), is_over=False)
    send(connection, "one", "dst_2", START_MS, has_holds=True)
    gone = {"all": ("held", 500), "phone": ("given_back", 0), "next": ("held", 500)}
    assert holds(connection, "one") == gone


def test_who_talked_counts_and_is_none_of_those_at_once_any_more(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"concurrent": 1, "day": 5}})
    begin(connection, "one", START_MS)
    send(connection, "one", None, START_MS)
    end(connection, "one", START_MS + 60_000, answered=True)
    assert holds(connection, "one") == {"all": ("over", 500)}
    begin(connection, "two", START_MS)
    assert room(connection, "two", START_MS).over == ""
    assert settle(connection, "one", 300, 400) == (300, 400, [])
    assert holds(connection, "one") == {"all": ("spent", 400)}


def test_nobody_answered_so_all_is_given_back(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"day": 1}})
    begin(connection, "one", START_MS)
    send(connection, "one", None, START_MS)
    end(connection, "one", START_MS + 60_000, answered=False)
    assert holds(connection, "one") == {"all": ("given_back", 0)}
    assert settle(connection, "one", 0, 0) == (0, 0, [])


def test_a_call_that_held_nothing_takes_its_place_late_or_does_not_count(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"day": 1}})
    for call in ("one", "two"):
        begin(connection, call, START_MS, "pub_1")
        end(connection, call, START_MS + 60_000, answered=True)
    assert settle(connection, "one", 300, 500) == (300, 500, [])
    full = Term("budget of the campaign", False, "budget day: 1 of 1 calls are used")
    assert settle(connection, "two", 300, 500) == (0, 0, [full])
    assert holds(connection, "two") == {"all": ("refused", 0)}
    # It is of the day on which it began.
    begin(connection, "late", START_MS - DAY_MS, "pub_1")
    assert settle(connection, "late", 300, 500) == (300, 500, [])


def test_what_was_said_once_stays_until_the_calls_own_facts_change(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"day": 1}})
    for call in ("one", "two"):
        begin(connection, call, START_MS, "pub_1")
    settle(connection, "one", 300, 500)
    refused = settle(connection, "two", 300, 500)
    settle(connection, "one", 0, 0)
    assert settle(connection, "two", 300, 500) == refused, "though there is room by now"
    assert settle(connection, "two", 300, 600) == (300, 600, []), "a sale told later"
    connection.execute(update(schema.budget).values(limits={"calls": {"day": 0}}))
    assert settle(connection, "two", 300, 600) == (300, 600, [])
    assert settle(connection, "one", 300, 500)[:2] == (0, 0)


def test_a_full_budget_of_the_publisher_cuts_the_payout_alone(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"day": 5}})
    add_budget(connection, "its", {"money": {"day": 400}}, publisher_id="pub_1")
    for call in ("one", "two"):
        begin(connection, call, START_MS, "pub_1")
    settle(connection, "one", 300, 500)
    told = "budget day: 3.00 USD of 4.00 USD are used; the call needs 3.00 USD"
    assert settle(connection, "two", 300, 500) == (0, 500, [Term("budget of the publisher", False, told)])
    assert holds(connection, "two") == {"all": ("spent", 500), "its": ("refused", 0)}
    # Where nobody else pays, it does not count at all.
    begin(connection, "three", START_MS, "pub_1")
    assert settle(connection, "three", 300, 0)[:2] == (0, 0)
    assert holds(connection, "three") == {"its": ("refused", 0)}


def test_a_full_phone_gives_back_what_the_campaign_held(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"day": 5}})
    add_budget(connection, "its", {"calls": {"day": 5}}, publisher_id="pub_1")
    add_budget(connection, "phone", {"calls": {"day": 0}}, destination_id="dst_1")
    begin(connection, "one", START_MS, "pub_1")
    send(connection, "one", "dst_1", START_MS)
    end(connection, "one", START_MS + 60_000, answered=True)
    assert holds(connection, "one") == {"all": ("over", 500), "its": ("over", 300)}
    full = Term("budget of the destination", False, "budget day: 0 of 0 calls are used")
    assert settle(connection, "one", 300, 500) == (0, 0, [full])
    states = {"all": ("given_back", 0), "its": ("given_back", 0), "phone": ("refused", 0)}
    assert holds(connection, "one") == states
    assert settle(connection, "one", 300, 500) == (0, 0, [full])
    assert holds(connection, "one") == states


def test_a_sale_is_cut_to_what_there_is_room_for_but_never_below_what_was_held(connection: Connection) -> None:
    add_budget(connection, "all", {"money": {"day": 1_200}})
    for call in ("one", "two"):
        begin(connection, call, START_MS)
        send(connection, call, None, START_MS)
        end(connection, call, START_MS + 60_000, answered=True)
    told = "budget day: 10.00 USD of 12.00 USD are used; the call needs 4.00 USD"
    cut = (0, 700, [Term("budget of the campaign", False, told)])
    assert settle(connection, "one", 0, 900) == cut
    assert settle(connection, "one", 0, 900) == cut
    assert settle(connection, "two", 0, 500) == (0, 500, [])


def test_what_a_person_put_there_stands_and_is_counted(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"day": 1}})
    add_budget(connection, "its", {"money": {"day": 500}}, publisher_id="pub_1")
    for call in ("one", "two", "three"):
        begin(connection, call, START_MS, "pub_1")
    settle(connection, "one", 300, 500)
    assert settle(connection, "two", 300, 500)[:2] == (0, 0)
    at_ms = START_MS + 60_000
    two = row(connection, "two")
    granted = budgets.settle(connection, two, 300, 500, True, True, at_ms, by_hand=("payout", "revenue"))
    assert granted == (300, 500, [])
    assert holds(connection, "two") == {"all": ("spent", 500), "its": ("spent", 300)}
    paid, billed, told = budgets.settle(
        connection, row(connection, "three"), 200, 500, True, True, at_ms, by_hand=("payout",)
    )
    assert (paid, billed, [one.text for one in told]) == (200, 0, ["budget of the campaign"])
    assert holds(connection, "three") == {"all": ("refused", 0), "its": ("spent", 200)}


def test_a_call_credited_to_another_publisher_leaves_the_first_ones_budget(connection: Connection) -> None:
    for one in PUBLISHERS:
        add_budget(connection, one, {"calls": {"day": 1}}, publisher_id=one)
    begin(connection, "one", START_MS, "pub_1")
    send(connection, "one", None, START_MS)
    end(connection, "one", START_MS + 60_000, answered=True)
    settle(connection, "one", 300, 500)
    connection.execute(update(schema.call).values(publisher_id="pub_2"))
    assert settle(connection, "one", 300, 500) == (300, 500, [])
    assert holds(connection, "one") == {"pub_1": ("given_back", 0), "pub_2": ("spent", 300)}


def test_a_budget_bounds_calls_from_when_it_was_made_until_it_is_deleted(connection: Connection) -> None:
    add_budget(connection, "all", {"calls": {"total": 1}})
    connection.execute(update(schema.budget).values(created_at_ms=START_MS))
    begin(connection, "before", START_MS - 1)
    assert settle(connection, "before", 300, 500) == (300, 500, [])
    for call in ("one", "two", "three"):
        begin(connection, call, START_MS)
    settle(connection, "one", 300, 500)
    refused = settle(connection, "two", 300, 500)
    connection.execute(update(schema.budget).values(deleted_at_ms=START_MS))
    assert settle(connection, "three", 300, 500) == (300, 500, [])
    assert settle(connection, "two", 300, 500) == refused
    assert settle(connection, "one", 300, 900) == (300, 900, [])
    assert room(connection, "three", START_MS) == Room()


def test_money_that_is_all_used_lets_no_call_in_whose_share_nobody_knows_yet(connection: Connection) -> None:
    share = {"revenue": {"base": {"name": "a", "percent": 10}}}
    connection.execute(update(schema.terms).values(settings=share))
    add_budget(connection, "all", {"money": {"day": 100}})
    begin(connection, "one", START_MS)
    send(connection, "one", None, START_MS)
    end(connection, "one", START_MS + 60_000, answered=True)
    assert settle(connection, "one", 0, 150)[1] == 100
    begin(connection, "two", START_MS)
    assert room(connection, "two", START_MS).over == "the campaign's budget day: 1.00 USD of 1.00 USD are used"


_LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "calls": st.dictionaries(st.sampled_from(PERIODS), st.integers(0, 4)),
        "money": st.dictionaries(st.sampled_from(PERIODS[1:]), st.integers(0, 2_000)),
    },
)
_OWNERS = st.sampled_from(
    [{}, *({"publisher_id": one} for one in PUBLISHERS), *({"destination_id": one} for one in PHONES)]
)
_AMOUNT = st.sampled_from([0, 100, 300, 500, 900])


class Walk(RuleBasedStateMachine):
    """Calls ring, are sent on, answered or not, end, are judged and judged anew, in any order, while people change the
    limits, the clock and who brought the call."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = ledger()
        self.engine = self.opened.__enter__()
        self.now_ms = START_MS
        self.calls: list[str] = []
        self.sent: set[str] = set()
        self.over: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)

    def _did(self, before: Counter[Any], connection: Connection) -> None:
        """Nothing was taken that does not fit."""
        after = counted(connection)
        limits = {one.id: one.limits for one in connection.execute(select(schema.budget)) if one.deleted_at_ms is None}
        for (wanted, period, since, of), used in after.items():
            if wanted in limits and used > before[wanted, period, since, of]:
                most = limits[wanted].get("calls" if of == "calls" else "money", {}).get(period)
                assert most is None or used <= most, (wanted, period, of, used, most)

    @initialize(limits=st.lists(_LIMITS, min_size=3, max_size=3))
    def budgets_are_made(self, limits: list[dict[str, Any]]) -> None:
        with self.engine.begin() as connection:
            for one, owner in zip(limits, ({}, {"publisher_id": "pub_1"}, {"destination_id": "dst_1"}), strict=True):
                self.count += 1
                add_budget(connection, f"bud_{self.count}", one, **owner)

    @rule(limits=_LIMITS, owner=_OWNERS)
    def one_is_made_in_place_of_another(self, limits: dict[str, Any], owner: dict[str, str]) -> None:
        self.count += 1
        with self.engine.begin() as connection:
            names = ("publisher_id", "destination_id")
            mine = [schema.budget.c[name].is_not_distinct_from(owner.get(name)) for name in names]
            connection.execute(update(schema.budget).where(*mine).values(deleted_at_ms=self.now_ms))
            add_budget(connection, f"bud_{self.count}", limits, **owner)
            made = update(schema.budget).where(schema.budget.c.id == f"bud_{self.count}")
            connection.execute(made.values(created_at_ms=self.now_ms))

    @rule(limits=_LIMITS, data=st.data())
    def limits_change(self, limits: dict[str, Any], data: st.DataObject) -> None:
        with self.engine.begin() as connection:
            one = data.draw(st.integers(1, self.count))
            connection.execute(update(schema.budget).where(schema.budget.c.id == f"bud_{one}").values(limits=limits))

    @rule(minutes=st.sampled_from([1, 50, 700, 9_000]))
    def time_goes_on(self, minutes: int) -> None:
        self.now_ms += minutes * 60_000

    @rule(zone=st.sampled_from(ZONES))
    def the_campaigns_clock_changes(self, zone: str) -> None:
        with self.engine.begin() as connection:
            budgets.lock(connection, "cmp")
            connection.execute(update(schema.campaign).values(timezone=zone))
            budgets.recount(connection, "cmp")

    @rule(publisher=st.sampled_from([None, *PUBLISHERS]), ago=st.sampled_from([0, 0, DAY_MS]))
    def a_call_begins(self, publisher: str | None, ago: int) -> None:
        call = f"call_{len(self.calls)}"
        with self.engine.begin() as connection:
            begin(connection, call, self.now_ms - ago, publisher)
        self.calls.append(call)

    @precondition(lambda self: set(self.calls) - self.over)
    @rule(phone=st.sampled_from([None, *PHONES]), data=st.data())
    def it_is_sent_on(self, phone: str | None, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(sorted(set(self.calls) - self.over)))
        with self.engine.begin() as connection:
            before = counted(connection)
            leg_ends(connection, call, answered=False)
            budgets.follow(connection, row(connection, call), is_over=False)
            was = select(schema.attempt.c.id).where(schema.attempt.c.id == f"{call} {phone}")
            if connection.execute(was).first() is None:
                send(connection, call, phone, self.now_ms, has_holds=call in self.sent)
                self.sent.add(call)
            self._did(before, connection)

    @precondition(lambda self: self.calls)
    @rule(answered=st.booleans(), data=st.data())
    def it_ends(self, answered: bool, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.calls))
        with self.engine.begin() as connection:
            before = counted(connection)
            end(connection, call, self.now_ms, answered=answered)
            self._did(before, connection)
        self.over.add(call)

    @precondition(lambda self: self.over)
    @rule(payout=_AMOUNT, revenue=_AMOUNT, publisher=st.sampled_from([None, *PUBLISHERS]), data=st.data())
    def it_is_judged(self, payout: int, revenue: int, publisher: str | None, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(sorted(self.over)))
        with self.engine.begin() as connection:
            before = counted(connection)
            if data.draw(st.booleans()):
                connection.execute(update(schema.call).where(schema.call.c.id == call).values(publisher_id=publisher))
            answer = settle(connection, call, payout, revenue, self.now_ms)
            self._did(before, connection)
            after = counted(connection)
            assert settle(connection, call, payout, revenue, self.now_ms + DAY_MS) == answer
            assert counted(connection) == after
            assert answer[0] <= payout
            assert answer[1] <= revenue
            for wanted, (state, amount) in holds(connection, call).items():
                owner = connection.execute(select(schema.budget.c.publisher_id).filter_by(id=wanted)).scalar()
                assert state in ("spent", "refused", "given_back"), "nothing is held for what is over and judged"
                if state == "spent":
                    assert amount == answer[0 if owner else 1]

    @invariant()
    def counters_are_the_sum_of_the_holds(self) -> None:
        with self.engine.connect() as connection:
            assert counted(connection) == summed(connection)
            negative = select(schema.counter).where((schema.counter.c.calls < 0) | (schema.counter.c.amount < 0))
            assert connection.execute(negative).first() is None


Walk.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestWalk = Walk.TestCase
