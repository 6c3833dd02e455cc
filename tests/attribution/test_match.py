"""Which session made a call, and how sure that is: cases that a person can judge, and what must hold in any case."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dni.attribution.match import MOST_CANDIDATES, match
from dni.attribution.model import Earlier, Holding, Match

T = 1_790_000_000_000
S = 1_000
NUMBER = "+12125550100"


def holding(session: str, started: float, sign: float, ended: float | None = None, **more: Any) -> Holding:
    """Times in seconds from the call."""
    tapped = more.pop("tapped", None)
    return Holding(
        session=session,
        visitor=more.pop("visitor", f"v{session}"),
        tag="tag_1",
        started_ms=T + round(started * S),
        sign_ms=T + round(sign * S),
        ended_ms=None if ended is None else T + round(ended * S),
        tapped_ms=None if tapped is None else T + round(tapped * S),
        **more,
    )


def again(seconds: float, *whose: tuple[Holding, float], number: str = NUMBER) -> Earlier:
    """The telephone called so long before."""
    at_ms = T - round(seconds * S)
    held = tuple((replace(one, started_ms=at_ms, sign_ms=at_ms, ended_ms=at_ms), p) for one, p in whose)
    return Earlier(at_ms, number, held)


NOW = holding("a", -60, -12)
BEFORE = holding("b", -7200, -3600, ended=-60)

CASES = [
    ("nobody ever held it", [], 0, "none", []),
    ("held now", [NOW], T + 90 * S, "current", ["held it now, last seen 12 s ago"]),
    ("protection ran out", [NOW], T - 1, "recent", ["last seen 12 s ago"]),
    ("protection not known, seen just now", [NOW], 0, "current", ["held it now, last seen 12 s ago"]),
    ("protection not known, seen long ago", [holding("a", -600, -400)], 0, "recent", ["last seen 6 min ago"]),
    (
        "held now and before",
        [NOW, BEFORE],
        T + 1,
        "current",
        ["held it now, last seen 12 s ago", "last seen 60 min ago"],
    ),
    (
        "left just now, another just came",
        [holding("a", -9, -9), holding("b", -900, -40, ended=-9, left=True)],
        T + 90 * S,
        "current",
        ["held it now, last seen 9 s ago", "left 40 s ago"],
    ),
    (
        "asked late: another holds it by now",
        [holding("c", 30, 40), holding("a", -60, -12, ended=30)],
        T + 200 * S,
        "current",
        ["held it now, last seen 12 s ago"],
    ),
    (
        "asked late: its page lived on through the call",
        [holding("c", 900, 910), holding("a", -60, 500, ended=900)],
        T,
        "current",
        ["held it now, still there"],
    ),
    ("began after the call", [holding("c", 1, 2)], T + 200 * S, "none", []),
    (
        "tapped",
        [holding("a", -60, -4, tapped=-4)],
        T + 600 * S,
        "tap",
        ["tapped the number 4 s before, held it now, last seen 4 s ago"],
    ),
    (
        "a tap outweighs an open page",
        [holding("a", -20, -1), holding("b", -90, -8, ended=-20, tapped=-8)],
        T + 600 * S,
        "tap",
        ["tapped the number 8 s before, last seen 8 s ago", "held it now, last seen 1 s ago"],
    ),
    (
        "one session, two leases",
        [holding("a", -60, -5), holding("a", -5000, -4000, ended=-60)],
        T + 1,
        "current",
        ["held it now, last seen 5 s ago"],
    ),
    (
        "gone for months: likelier a wrong number",
        [holding("a", -90 * 86400, -90 * 86400, ended=-89 * 86400)],
        0,
        "none",
        ["last seen 90 days ago"],
    ),
]


@pytest.mark.parametrize(("name", "holdings", "protected", "method", "why"), CASES, ids=[c[0] for c in CASES])
def test_a_call(name: str, holdings: list[Holding], protected: int, method: str, why: list[str]) -> None:
    for order in itertools.permutations(holdings):
        found = match(order, T, protected)
        assert (found.method, [c.why for c in found.candidates]) == (method, why)
        assert (found.best and found.best.session) == (found.candidates[0].session if method != "none" else None)


def test_a_lease_lost_in_a_failover_is_two_candidates() -> None:
    """Two pages show one number: nothing tells which of them calls."""
    found = match([holding("a", -60, -12), holding("b", -61, -12)], T, T + S)
    one, other = found.candidates
    assert one.confidence == other.confidence
    assert 0.4 < (one.confidence or 0) < 0.5


def test_the_callers_state_tells_two_apart() -> None:
    here, there = holding("a", -60, -12, region="US-CA"), holding("b", -60, -12, region="US-TX")
    found = match([here, there], T, caller="+12145550142")  # of Dallas
    assert (found.best, found.candidates[0].why) == (there, "held it now, last seen 12 s ago, same state")
    assert found.candidates[1].why.endswith("another state")


@pytest.mark.parametrize("caller", [None, "+18005550142", "+442079460123"])
def test_a_caller_of_no_state_says_nothing(caller: str | None) -> None:
    both = [holding("a", -60, -12, region="US-CA"), holding("b", -60, -12)]
    assert match(both, T, caller=caller) == match(both, T)


def test_who_calls_again_is_who_called() -> None:
    """The number is another's by now, whose page is open."""
    ann, bob = holding("a", -7200, -5000, ended=-60), holding("b", -60, -5)
    found = match([bob], T, T + S, number=NUMBER, earlier=again(600, (ann, 0.9)))
    assert found.best is not None
    assert (found.method, found.best.session) == ("returning", "a")
    assert found.candidates[0].why == "called from this telephone 10 min before"
    assert found.lessons is None  # it tells nothing of how long others wait


def test_who_calls_again_may_have_come_back_before() -> None:
    first, second = holding("a1", -90_000, -90_000, visitor="ann"), holding("a2", -60, -5, visitor="ann")
    found = match([second, holding("b", -60, -5)], T, T + S, number=NUMBER, earlier=again(90_000, (first, 0.9)))
    assert found.best is second
    assert found.method == "current"


def test_another_number_than_then_is_not_dialled_from_memory() -> None:
    """Who called before was never shown this one."""
    ann, bob = holding("a", -7200, -5000), holding("b", -60, -5)
    found = match([bob], T, T + S, number=NUMBER, earlier=again(600, (ann, 0.9), number="+12125550101"))
    assert found.best is bob
    assert [one.session for one in found.candidates] == ["b"]


def test_a_robot_calls_again() -> None:
    found = match(
        [holding("b", -60, -5)], T, T + S, number=NUMBER, earlier=again(600, (holding("a", -9e3, -8e3), 0.05))
    )
    assert found.method == "none"
    assert found.nobody > 0.9


def test_the_latest_holders_are_looked_at() -> None:
    many = [holding(f"s{n}", -100 * n - 60, -100 * n - 30) for n in range(100)]
    assert {one.session for one in match(many, T).candidates} == {f"s{n}" for n in range(MOST_CANDIDATES)}


# What must hold in any case.

seconds = st.floats(0, 1e6)
regions = st.sampled_from([None, "US-CA", "US-TX", "US-NY"])


@st.composite
def any_holding(draw: st.DrawFn, session: str = "") -> Holding:
    sign = draw(seconds)
    started = sign + draw(seconds)
    tapped = draw(st.none() | seconds)
    return holding(
        session or draw(st.text("abcdefgh", min_size=1, max_size=2)),
        -started,
        -sign,
        ended=draw(st.none() | st.floats(-sign, 100)),
        tapped=None if tapped is None else -tapped,
        left=draw(st.booleans()),
        beat_ms=draw(st.integers(20_000, 120_000)),
        region=draw(regions),
        phone=draw(st.none() | st.booleans()),
        visitor=draw(st.sampled_from(["", "ann", "bob", "cid"])),
    )


callers = st.sampled_from([None, "+12145550142", "+14155550142", "+18005550142"])
earlier_calls = st.none() | st.builds(
    lambda ago, one, other, p, same: again(ago, (one, p * 0.7), (other, p * 0.3), number=NUMBER if same else "+1"),
    seconds,
    any_holding("x1"),
    any_holding("x2"),
    st.floats(0, 1),
    st.booleans(),
)
held = st.lists(any_holding(), max_size=25, unique_by=lambda one: (one.session, one.started_ms))


@given(held, st.integers(0, T + 200 * S), callers, earlier_calls)
def test_probabilities_are_such_and_the_order_does_not_matter(
    holdings: list[Holding], protected: int, caller: str | None, earlier: Earlier | None
) -> None:
    def asked(order: list[Holding]) -> Match:
        return match(order, T, protected, number=NUMBER, caller=caller, earlier=earlier)

    found = asked(holdings)
    stated = [one.confidence or 0.0 for one in found.candidates]
    assert all(0 <= p <= 1 for p in [*stated, found.nobody])
    assert sum(stated) <= 1
    assert sum(stated) + found.nobody == pytest.approx(1, abs=0.0001 * (1 + len(stated)))
    assert stated == sorted(stated, reverse=True)
    assert asked(holdings[::-1]) == found == asked(holdings)


@given(any_holding("a"), seconds, callers)
def test_a_sign_of_life_closer_to_the_call_never_lowers_it(one: Holding, closer: float, caller: str | None) -> None:
    """Against a rival who is otherwise its equal."""
    one = replace(one, visitor="ann")
    rival = replace(one, session="b", visitor="bob")
    nearer = replace(one, sign_ms=min(T, one.sign_ms + round(closer * S)))
    assert of("a", match([nearer, rival], T, caller=caller)) >= of("a", match([one, rival], T, caller=caller))


@given(any_holding("a"), any_holding("b"), seconds, callers)
def test_a_tap_never_lowers_it(one: Holding, rival: Holding, ago: float, caller: str | None) -> None:
    untapped, tapped = replace(one, tapped_ms=None), replace(one, tapped_ms=T - round(ago * S))
    assert of("a", match([tapped, rival], T, caller=caller)) >= of("a", match([untapped, rival], T, caller=caller))


def of(session: str, found: Match) -> float:
    return next((one.confidence or 0.0 for one in found.candidates if one.session == session), 0.0)
