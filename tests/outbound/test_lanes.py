from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dni.outbound.circuit import OPENS_AT, Health
from dni.outbound.lanes import ALL, EACH, FIRST, SLOW_MS, Item, Lanes, Turn
from dni.outbound.model import Claim, Endpoint, Kind, Message, Outgoing
from tests.outbound.telling import kind

NOW_MS = 1_790_000_000_000


def lanes(count: int, its: Kind | None = None) -> Lanes:
    made = Lanes()
    made.keep([(Endpoint(id=f"end_{n}", kind="plain", name=""), its or kind()) for n in range(count)])
    return made


def add(to: Lanes, lane: int, count: int, *, until_ms: int = NOW_MS + 60_000, probe: bool = False) -> None:
    for n in range(count):
        claim = Claim(f"dlv_{lane}_{n}", f"end_{lane}", n, f"call_{n}", "tell", 0, NOW_MS, "lse_1", until_ms)
        message = Message(seq=n, id=f"msg_{n}", type="call.started", at_ms=NOW_MS, subject=f"call_{n}", data={})
        to.add(Item(claim, Outgoing(delivery=claim.id, message=message), probe))


def go(of: Lanes, now_ms: int = NOW_MS) -> list[Turn]:
    turns = []
    while (turn := of.next(now_ms)) is not None:
        turns.append(turn)
    return turns


def widened(of: Lanes, lane: int) -> None:
    """It answered often enough to take as many as it may."""
    add(of, lane, EACH)
    while turns := go(of):
        for turn in turns:
            of.over(turn, 5, failed=False)


def test_a_lane_takes_few_at_first_and_more_when_it_answers() -> None:
    some = lanes(1)
    add(some, 0, 100)
    first = go(some)
    assert len(first) == FIRST
    some.over(first[0], 5, failed=False)
    assert len(go(some)) == 2
    some = lanes(1)
    widened(some, 0)
    add(some, 0, 100)
    assert len(go(some)) == EACH


def test_one_that_fails_takes_half_as_many_and_then_one() -> None:
    some = lanes(1)
    widened(some, 0)
    add(some, 0, 100)
    turns = go(some)
    for turn in turns[: OPENS_AT - 1]:
        some.over(turn, 5, failed=True)
    assert go(some) == []
    for turn in turns[OPENS_AT - 1 :]:
        some.over(turn, 5, failed=False)
    assert len(go(some)) == 1 + EACH - OPENS_AT + 1


def test_one_that_failed_five_times_gives_back_what_waits() -> None:
    some = lanes(1)
    widened(some, 0)
    add(some, 0, 20)
    for turn in go(some)[:OPENS_AT]:
        some.over(turn, 5, failed=True)
    assert len(some.left) == 20 - EACH
    assert go(some) == []


def test_lanes_take_turns() -> None:
    some = lanes(3)
    for lane in range(3):
        widened(some, lane)
    for lane in range(3):
        add(some, lane, 2)
    assert [turn.lane.endpoint.id for turn in go(some)] == ["end_0", "end_1", "end_2"] * 2


def test_all_together_take_so_many_and_slow_ones_give_their_place_to_others() -> None:
    some = lanes(100)
    for lane in range(100):
        add(some, lane, 5)
    assert len(go(some)) == ALL
    assert go(some, NOW_MS + SLOW_MS - 1) == []
    assert len(go(some, NOW_MS + SLOW_MS)) == ALL
    slow = go(some, NOW_MS + 2 * SLOW_MS)
    assert len(slow) == ALL
    for turn in slow:
        some.over(turn, 5, failed=False)
    assert len(go(some, NOW_MS + 2 * SLOW_MS)) == ALL, "a place is given back once"


def test_many_go_in_one_request_where_the_kind_says_so() -> None:
    some = lanes(1, kind(batch=10))
    add(some, 0, 25)
    assert [len(turn.items) for turn in go(some)] == [10, 10]


def test_a_lease_that_is_nearly_over_is_given_back() -> None:
    some = lanes(1)
    add(some, 0, 2, until_ms=NOW_MS + 10_000)
    add(some, 0, 1)
    [turn] = go(some)
    assert len(turn.items) == 1
    assert len(some.left) == 2


def test_more_is_claimed_ahead_of_those_that_answer_quickly() -> None:
    some = lanes(2)
    assert some.wants("end_0", Health(), NOW_MS) == (FIRST, False)
    for _ in range(10):
        widened(some, 0)
    most, probe = some.wants("end_0", Health(), NOW_MS) or (0, True)
    assert most > EACH
    assert not probe
    add(some, 0, most)
    assert some.wants("end_0", Health(), NOW_MS) is None
    assert some.wants("end_9", Health(), NOW_MS) is None


def test_an_open_circuit_is_left_alone_then_one_is_claimed_as_a_probe() -> None:
    some, health = lanes(1), Health(failures=5, not_before_ms=NOW_MS + 5)
    assert some.wants("end_0", health, NOW_MS) is None
    assert some.wants("end_0", health, NOW_MS + 5) == (1, True)
    add(some, 0, 1, probe=True)
    assert some.wants("end_0", health, NOW_MS + 5) is None
    [turn] = go(some)
    assert some.wants("end_0", health, NOW_MS + 5) is None
    some.over(turn, 5, failed=False)
    assert some.wants("end_0", health, NOW_MS + 5) == (1, True)


def test_one_that_is_gone_gives_back_what_waits() -> None:
    some = lanes(2)
    add(some, 1, 3)
    some.keep([(Endpoint(id="end_0", kind="plain", name=""), kind())])
    assert len(some.left) == 3
    assert go(some) == []
    add(some, 1, 1)
    assert len(some.left) == 4


@given(st.lists(st.tuples(st.sampled_from(["add", "go", "ok", "fail", "later"]), st.integers(0, 4)), max_size=80))
def test_nothing_is_lost_and_no_bound_is_passed(steps: list[tuple[str, int]]) -> None:
    some, under_way, now_ms = lanes(5), list[Turn](), NOW_MS
    added = over = 0
    for act, which in steps:
        if act == "add":
            add(some, which, 7)
            added += 7
        elif act == "go":
            under_way += go(some, now_ms)
        elif act == "later":
            now_ms += 400
        elif under_way:
            turn = under_way.pop(which % len(under_way))
            some.over(turn, 5, failed=act == "fail")
            over += len(turn.items)
        by_lane: dict[Any, int] = {}
        for turn in under_way:
            by_lane[turn.lane] = by_lane.get(turn.lane, 0) + 1
        assert all(count <= EACH for count in by_lane.values())
        assert len([turn for turn in under_way if now_ms - turn.began_ms < SLOW_MS]) <= ALL
    some.empty()
    assert added == over + sum(len(turn.items) for turn in under_way) + len(some.left)
    assert msgspec.json.encode(some.left)
