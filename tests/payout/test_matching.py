"""Which row is which call, when no id says it: found when there is one answer only, against a count by hand."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from dni.payout.matching import Alone, Ambiguous, Event, Pair, match

N, M = "+14155550100", "+14155550101"
A, B = "+13125550142", "+13125550143"
WINDOW = 120


def found(theirs: list[tuple[int, str | None]], ours: list[tuple[int, str | None]]) -> list[Pair | Ambiguous | Alone]:
    """Of times and callers on one number; rows are 0, 1, … and calls a, b, …"""
    rows = [Event(N, at, line, caller) for line, (at, caller) in enumerate(theirs)]
    calls = [Event(N, at, "abcdefgh"[n], caller) for n, (at, caller) in enumerate(ours)]
    return list(match(rows, calls, WINDOW))


def test_the_only_call_of_a_caller_within_the_window_is_it() -> None:
    assert found([(0, A)], [(120, A)]) == [Pair(0, "a")]
    assert found([(0, A)], [(121, A)]) == [Alone(0), Alone("a")]
    assert found([(0, A)], [(0, B)]) == [Alone(0), Alone("a")]


def test_who_rang_twice_is_not_guessed() -> None:
    assert found([(0, A)], [(10, A), (60, A)]) == [Ambiguous(0, ("a", "b"))]
    assert found([(0, A), (60, A)], [(10, A)]) == [Ambiguous(0, ("a",)), Ambiguous(1, ("a",))]


def test_two_calls_of_two_callers_are_told_apart() -> None:
    assert found([(0, A), (0, B)], [(1, B), (2, A)]) == [Pair(0, "b"), Pair(1, "a")]


def test_a_caller_that_is_not_known_may_be_anybody_who_is_not_found_otherwise() -> None:
    assert found([(0, None)], [(5, A)]) == [Pair(0, "a")]
    assert found([(0, A)], [(5, None)]) == [Pair(0, "a")]
    assert found([(0, A)], [(5, None), (9, A)]) == [Pair(0, "b"), Alone("a")]
    assert found([(0, None)], [(5, A), (9, B)]) == [Ambiguous(0, ("a", "b"))]


def test_other_numbers_are_other_calls() -> None:
    made = match([Event(N, 0, 1, A)], [Event(M, 0, "a", A)], WINDOW)
    assert list(made) == [Alone(1), Alone("a")]


events = st.lists(st.tuples(st.sampled_from([N, M]), st.integers(0, 900), st.sampled_from([A, B, None])), max_size=9)


@given(events, events)
def test_it_is_what_comparing_each_with_each_finds(
    theirs: list[tuple[str, int, str | None]], ours: list[tuple[str, int, str | None]]
) -> None:
    rows = sorted((Event(number, at, n, who) for n, (number, at, who) in enumerate(theirs)), key=_order)
    calls = sorted((Event(number, at, f"c{n}", who) for n, (number, at, who) in enumerate(ours)), key=_order)
    near = [(r, c) for r, c in product(rows, calls) if r.number == c.number and abs(r.at_ms - c.at_ms) <= WINDOW]
    exact = [(r, c) for r, c in near if r.caller == c.caller and r.caller]
    sure = {one.key for pair in exact for one in pair}
    loose = [(r, c) for r, c in near if None in (r.caller, c.caller) and r.key not in sure and c.key not in sure]
    expected = {}
    for row in rows:
        of_it = [c for r, c in exact + loose if r is row]
        back = [r for r, c in exact + loose if of_it and c is of_it[0]]
        expected[row.key] = "alone" if not of_it else "pair" if len(of_it) == len(back) == 1 else "ambiguous"
    expected |= {call.key: "alone" for call in calls if not any(c is call for _, c in exact + loose)}
    told: dict[int | str, str] = {}
    for one in match(rows, calls, WINDOW):
        key = one.key if isinstance(one, Alone) else one.line
        assert key not in told
        told[key] = {Alone: "alone", Pair: "pair", Ambiguous: "ambiguous"}[type(one)]
    assert told == expected


def _order(event: Event) -> tuple[str, int]:
    return event.number, event.at_ms
