"""The lease engine against a plain model, with browsers as they are: tabs, sleep, caches, and a network that fails.

Asserted after every event, over all that a person can read on a screen:

1. No number is on screens of two visitors at once. One visitor's pages may show his number for two of his sessions: a
   new session supersedes his old lease at once, and an older page learns it with its next signal or its protection's
   end. It is the same person, so a call from either is his.
2. A signal acts on the lease that it names alone: when that has ended, nothing in Redis changes.
3. Whatever a page may go on showing without asking is protected at least as long.
4. Outcomes, numbers and protection are those of the plain model, where that knows.
5. A retired number never comes back by itself, a call's number stays protected, memory is bounded by the pool.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from itertools import count
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dni.live.connection import Live
from dni.live.scripts import loading
from tests.stress.model_network import LINES, Network
from tests.stress.model_pair import Pair
from tests.stress.plain import CALL_MS
from tests.stress.tab import Request, Store, Tab
from tests.support.world import START_MS, TARGET, numbers

pytestmark = pytest.mark.stress

STEPS = 20_000
STEPS_AN_EXAMPLE = 100
VISITORS = 8
MOST_TABS = 24
MOST_MESSAGES = 40
TARGETS = [TARGET, "+14155550101"]
HOLDS_MS = [0, 30_000, 120_000, 600_000]
MOST_NUMBERS = 6
MINUTE = 60_000
AFTER_CALL_MS = 5 * MINUTE
REMEMBERED_MS = 4 * 60 * MINUTE
"""A number that was retired this recently is added again as a known one (dni/pool/numbers.py)."""

which = st.integers(0, 63)
visitor_names = st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7])
rarely = st.sampled_from([False, False, False, True])
soon_ms = st.sampled_from([0, 100, 100, 1_000])


T = TypeVar("T")


class Visitor:
    """A browser. Without consent each page view stands alone. `line`: how its requests travel now."""

    def __init__(self, name: int) -> None:
        self.name = name
        self.store = Store()
        self.consent = True
        self.line = "prompt"
        self.asleep = False


class Engine:
    """What outlives a run: the connection, its loop, and how many steps there were."""

    def __init__(self, url: str, prefix: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.live = Live(url, loading())
        self.loop.run_until_complete(self.live.open())
        self.prefix, self.examples, self.steps = prefix, count(), 0

    def close(self) -> None:
        self.loop.run_until_complete(self.live.close())
        self.loop.close()


class Browsing(RuleBasedStateMachine):
    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.made = count(1)
        self.tabs: list[Tab] = []
        self.visitors = [Visitor(name) for name in range(VISITORS)]
        self.owner: dict[Tab, Visitor] = {}
        self.live_numbers: list[str] = []
        self.retired: dict[str, int] = {}
        self.calls: dict[str, tuple[str, int]] = {}
        """Those that protect their number: number, and until when."""
        self.talking: list[str] = []
        self.network = Network(START_MS, self.tabs, self.line, self.serve, self.screens_are_right, self.promises_hold)
        self.pair = Pair(engine.live, f"{engine.prefix}{next(engine.examples)}", 0)

    @initialize(size=st.integers(2, 6), hold_ms=st.sampled_from(HOLDS_MS))
    def begin(self, size: int, hold_ms: int) -> None:
        self.pair.hold_ms = hold_ms
        self.live_numbers = numbers(size)
        self.run(self.pair.place(self.network.now_ms, self.live_numbers, [], []))

    def teardown(self) -> None:
        self.run(self.pair.close())

    # Time and network.

    @rule(ms=st.sampled_from([1, 5_000, 20_000, 31_000, 60_000, 120_000, 200_000]))
    def wait(self, ms: int) -> None:
        self.pass_time(ms)

    @rule(ms=st.sampled_from([310_000, 605_000, 31 * MINUTE]), more_ms=st.sampled_from([-1, 0, 1]), long=rarely)
    def wait_until_a_number_is_free(self, ms: int, more_ms: int, long: bool) -> None:
        now = self.network.now_ms
        later = [at - now for at in self.pair.plain.scores.values() if at > now]
        self.pass_time(ms if long else max(0, min(later) + more_ms) if later else 0)

    @rule(who=visitor_names, line=st.sampled_from(["prompt", "prompt", *LINES]))
    def change_line(self, who: int, line: str) -> None:
        self.visitors[who].line = line

    @precondition(lambda self: self.network.under_way)
    @rule(one=which, fate=st.sampled_from(["arrives", "arrives", "is lost", "comes twice"]), ms=soon_ms)
    def move(self, one: int, fate: str, ms: int) -> None:
        message = pick(self.network.under_way, one)
        if fate == "is lost":
            self.network.lose(message)
        elif fate == "comes twice" and not message.answered:
            self.network.double(message)
        else:
            self.run(self.network.deliver(message))
        self.pass_time(ms)

    # People and their browsers.

    @precondition(lambda self: len(self.tabs) < MOST_TABS)
    @rule(
        who=visitor_names,
        pages=st.sampled_from([1, 1, 1, 1, 1, 2, 10]),
        shown=st.sampled_from([1, 1, 2]),
        click=st.sampled_from([0, 0, 0, 1, 2]),
        beacons=st.booleans(),
        ms=soon_ms,
    )
    def open(self, who: int, pages: int, shown: int, click: int, beacons: bool, ms: int) -> None:
        """A page, a duplicate of one, or a window of them."""
        visitor = self.visitors[who]
        for _ in range(0 if visitor.asleep else pages):
            store = visitor.store if visitor.consent else Store()
            page = f"p{next(self.made)}"
            tab = Tab(page, store, TARGETS[:shown], click, beacons, self.network.now, self.network.post)
            self.owner[tab] = visitor
            self.tabs.append(tab)
            tab.sync()
        self.pass_time(ms)

    @precondition(lambda self: any(tab.awake for tab in self.tabs))
    @rule(one=which, ms=soon_ms)
    def hide_or_show(self, one: int, ms: int) -> None:
        tab = pick([tab for tab in self.tabs if tab.awake], one)
        tab.turn(not tab.visible)
        self.pass_time(ms)

    @precondition(lambda self: any(not tab.visible for tab in self.tabs))
    @rule(one=which, answers_first=st.booleans())
    def freeze_or_resume(self, one: int, answers_first: bool) -> None:
        """The browser stops a hidden page's timers, and lets them go on."""
        tab = pick([tab for tab in self.tabs if not tab.visible], one)
        if tab.awake:
            tab.asleep = True
        elif not (tab.away or tab.dark):
            tab.wake(answers_first)

    @precondition(lambda self: any(tab.awake for tab in self.tabs))
    @rule(one=which, ms=soon_ms)
    def leave(self, one: int, ms: int) -> None:
        """Into the back/forward cache."""
        pick([tab for tab in self.tabs if tab.awake], one).leave()
        self.pass_time(ms)

    @precondition(lambda self: any(tab.away and not tab.dark for tab in self.tabs))
    @rule(one=which, answers_first=st.booleans(), ms=soon_ms)
    def come_back(self, one: int, answers_first: bool, ms: int) -> None:
        pick([tab for tab in self.tabs if tab.away and not tab.dark], one).come_back(answers_first)
        self.pass_time(ms)

    @precondition(lambda self: self.tabs)
    @rule(one=which, all_of_them=st.booleans(), politely=st.sampled_from([True, True, False]), ms=soon_ms)
    def close(self, one: int, all_of_them: bool, politely: bool, ms: int) -> None:
        """A page, or all of its visitor's."""
        chosen = pick(self.tabs, one)
        for tab in self.of(self.owner[chosen]) if all_of_them else [chosen]:
            if politely and tab.awake:
                tab.leave()
            tab.close()
            self.tabs.remove(tab)
        self.pass_time(ms)

    @precondition(lambda self: any(tab.on_screen() for tab in self.tabs))
    @rule(one=which, ms=soon_ms)
    def tap(self, one: int, ms: int) -> None:
        tab = pick([tab for tab in self.tabs if tab.on_screen()], one)
        tab.tap(pick([*tab.leased], one))
        self.pass_time(ms)

    @precondition(lambda self: self.tabs)
    @rule(one=which, answers_first=st.booleans())
    def sleep_or_wake(self, one: int, answers_first: bool) -> None:
        """A closed lid: the screen is off, timers stand still, answers wait."""
        visitor = self.owner[pick(self.tabs, one)]
        visitor.asleep = not visitor.asleep
        for tab in self.of(visitor):
            if visitor.asleep:
                tab.asleep = tab.dark = True
            elif tab.away:
                tab.dark = False
            else:
                tab.wake(answers_first)

    @rule(who=visitor_names, consent=st.booleans(), really=rarely)
    def forget(self, who: int, consent: bool, really: bool) -> None:
        """Cookies are deleted."""
        if really:
            self.visitors[who].store.forget()
            self.visitors[who].consent = consent

    @precondition(lambda self: self.pair.given)
    @rule(one=which, other=which, kind=st.sampled_from(["beat", "view", "hide", "leave", "tap"]), seq=which)
    def meddle(self, one: int, other: int, kind: str, seq: int) -> None:
        """A signal for a lease of long ago, or with the parts of two, by a page that nobody knows."""
        given = self.pair.given
        stray = pick(given, one)._replace(number=pick(given, other).number)
        now = self.network.now_ms
        if self.pair.is_sure(now) and not self.pair.plain.current(stray.number, stray.nonce):
            signal = self.pair.signal(now, kind, "stray", seq, bytes(12), bytes(18), [stray], 0)
            answer = self.run(signal)
            assert answer
            assert answer.ended == {stray.nonce}

    # Calls.

    @precondition(lambda self: self.pair.plain.records)
    @rule(one=which, ends=st.booleans())
    def ring_or_hang_up(self, one: int, ends: bool) -> None:
        if ends and self.talking:
            call = self.talking.pop(one % len(self.talking))
            number, most_ms = self.calls[call]
            until = min(self.network.now_ms + AFTER_CALL_MS, most_ms)
            self.run(self.pair.hang_up(number, call, until))
        else:
            call = f"call{next(self.made)}"
            number, until = pick(sorted(self.pair.plain.records), one), self.network.now_ms + CALL_MS
            self.run(self.pair.ring(self.network.now_ms, number, call))
            self.talking.append(call)
        self.calls[call] = number, until

    # Its owner, and Redis.

    @rule(one=which, what=st.sampled_from(["retire", "add again", "retire", "add", "lose", "restart"]), really=rarely)
    def change_pool(self, one: int, what: str, really: bool) -> None:
        now, missing = self.network.now_ms, self.pair.plain.missing
        if missing:
            self.place(fresh=[])
        elif not really:
            return
        elif what == "retire" and len(self.live_numbers) > 1:
            number = self.live_numbers.pop(one % len(self.live_numbers))
            self.retired[number] = now
            self.place(fresh=[])
        elif what == "add" and len(self.live_numbers) < MOST_NUMBERS:
            number = numbers(1, 10 + next(self.made) % 90)[0]
            self.retired.pop(number, None)
            self.live_numbers = sorted({*self.live_numbers, number})
            self.place(fresh=[number])
        elif what == "add again" and self.retired:
            number = pick(sorted(self.retired), one)
            known = now - self.retired.pop(number) <= REMEMBERED_MS
            self.live_numbers.append(number)
            self.place(fresh=[] if known else [number])
        elif what == "lose":
            self.run(self.pair.lose())
            self.calls.clear()
            self.talking.clear()
            if one % 2:
                self.place(fresh=[])
        elif what == "restart":
            self.pair.restart()

    def place(self, fresh: list[str]) -> None:
        known = [number for number in self.live_numbers if number not in fresh]
        self.run(self.pair.place(self.network.now_ms, fresh, known, sorted(self.retired)))

    # What must hold.

    @invariant()
    def all_holds(self) -> None:
        self.engine.steps += 1
        self.promises_hold()

    def screens_are_right(self) -> None:
        """Between two events: nobody reads a number that another visitor reads."""
        readers: dict[str, set[bytes]] = defaultdict(set)
        for tab in self.tabs:
            for lease in tab.on_screen():
                readers[lease.number].add(tab.visitor)
        for number, visitors in readers.items():
            assert len(visitors) == 1, f"{number} is on the screens of {len(visitors)} visitors"

    def promises_hold(self) -> None:
        """Whatever a page may go on showing, now or when it is seen again, nobody else gets meanwhile."""
        now, scores = self.network.now_ms, self.pair.plain.scores
        for tab in self.tabs:
            for lease in tab.leased.values():
                if lease.number in scores and tab.protected_until > now:
                    over = tab.protected_until - self.pair.protected_ms(lease.number)
                    assert over <= 0, f"page {tab.page} may show {lease.number} for {over} ms too long"
        for number, until in self.calls.values():
            if number in scores and until > now:
                assert self.pair.protected_ms(number) >= until, f"{number} is in a call"
        assert not scores.keys() - {*self.live_numbers}, "a retired number came back"

    # Between network and engine.

    def line(self, tab: Tab) -> tuple[int | None, int | None]:
        return LINES[self.owner[tab].line] if len(self.network.under_way) < MOST_MESSAGES else LINES["prompt"]

    async def serve(self, request: Request) -> Any:
        if request.kind == "lease":
            return await self.pair.lease(self.network.now_ms, request, self.owner[request.tab].name)
        return await self.pair.signal(
            self.network.now_ms,
            request.kind,
            request.tab.page,
            request.seq,
            request.visitor,
            request.session,
            request.named,
            request.beat_ms,
        )

    def of(self, visitor: Visitor) -> list[Tab]:
        return [tab for tab in self.tabs if self.owner[tab] is visitor]

    def pass_time(self, ms: int) -> None:
        self.run(self.network.pass_time(ms))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.engine.loop.run_until_complete(work)


def pick(some: Sequence[T], one: int) -> T:
    return some[one % len(some)]


@pytest.fixture
def engine(redis_url: str, redis_prefix: str) -> Iterator[Engine]:
    made = Engine(redis_url, redis_prefix)
    yield made
    made.close()


def test_no_two_visitors_ever_read_one_number(engine: Engine) -> None:
    class Run(Browsing):
        def __init__(self) -> None:
            super().__init__(engine)

    while engine.steps < STEPS:
        run_state_machine_as_test(
            Run,
            settings=settings(
                max_examples=100,
                stateful_step_count=STEPS_AN_EXAMPLE,
                deadline=None,
                database=None,
                print_blob=True,
                report_multiple_bugs=False,
                suppress_health_check=[*HealthCheck],
            ),
        )
    print(f"{engine.steps} steps in {next(engine.examples)} runs")  # noqa: T201
