"""What the model begins from, and what calls make of it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.attribution.area_codes import region_of
from dni.attribution.delay import Counts, Delay
from dni.attribution.learn import learn
from dni.attribution.match import MOST_CANDIDATES, match
from tests.attribution.test_match import S, T, holding

MINUTE = 60_000
HOUR = 60 * MINUTE


def test_the_prior_is_a_distribution_that_falls() -> None:
    delay = Delay()
    at = [0, 4_000, 9_000, MINUTE, HOUR, 24 * HOUR, 7 * 24 * HOUR]
    densities = [delay.after(each) for each in at]
    assert densities == sorted(densities, reverse=True)
    assert delay.later(0) == pytest.approx(0.5)  # the other half calls during the visit
    assert delay.later(0) > delay.later(MINUTE) > delay.later(HOUR) > delay.later(24 * HOUR) > 0
    assert delay.after(365 * 24 * HOUR) == delay.later(365 * 24 * HOUR) == 0
    assert min(delay.open(phone) for phone in (None, False, True)) >= delay.after(30_000)
    assert delay.tap(0) > delay.tap(MINUTE) > delay.tap(9 * MINUTE) > delay.tap(10 * MINUTE) == 0


def test_calls_that_come_late_teach_that_calls_come_late() -> None:
    counts = Counts()
    for n in range(200):
        call = match([holding("a", -4000, -3600, ended=-3000, left=True), holding("b", -40, -2, left=True)], T + n)
        learn(counts, call.lessons)
    assert Delay(counts, counts).after(HOUR) < Delay().after(HOUR)  # the likelier one taught more
    counts = Counts()
    for n in range(200):
        learn(counts, match([holding("a", -4000, -3600, left=True)], T + n).lessons)
    assert Delay(counts, counts).after(HOUR) > 5 * Delay().after(HOUR)
    assert sum(counts.after) + counts.open + counts.nobody == pytest.approx(200)


def test_who_is_no_candidate_any_more_teaches_too() -> None:
    """Where so many held a number that the oldest are left out, their calls are not nobody's."""
    counts = Counts()
    held = [holding(f"s{n}", -100 * (n + 1), -100 * n - 30, ended=-100 * n, left=True) for n in range(MOST_CANDIDATES)]
    found = match(held, T)
    assert found.lessons is not None
    learn(counts, found.lessons)
    assert sum(counts.after) + counts.nobody == pytest.approx(1)
    assert counts.nobody < 0.3 * found.nobody, "one call in twenty is nobody's, a third comes after half an hour"
    last = sum(lesson.p for lesson in found.lessons.of if lesson.state == "older")
    assert counts.nobody + last == pytest.approx(found.nobody)


def test_a_call_with_a_tap_teaches_of_taps_alone() -> None:
    counts = Counts()
    learn(counts, match([holding("a", -60, -4, tapped=-4), holding("b", -900, -800, ended=-60)], T).lessons)
    assert counts.open == counts.open_phone == sum(counts.after) == counts.nobody == counts.somebody == 0
    assert 0.9 < sum(counts.tap) <= 1


def test_who_reads_on_a_telephone_taps() -> None:
    counts = Counts()
    before = Delay()
    assert before.open(True) == pytest.approx(before.open(False)) == pytest.approx(before.open(None))
    for n in range(300):
        learn(counts, match([holding("a", -60, -4, phone=n % 10 == 0)], T).lessons)
        learn(counts, match([holding("a", -60, -4, ended=-1, left=True, phone=True)], T).lessons)
        learn(counts, match([holding("a", -60, -4, ended=-1, left=True, phone=False)], T).lessons)
    after = Delay(counts, counts)
    assert after.open(True) < after.open(None) < after.open(False)


def test_states_are_learnt() -> None:
    counts = Counts()
    before = Delay().home
    for _ in range(300):
        learn(counts, match([holding("a", -60, -4, region="US-TX")], T, caller="+12145550142").lessons)
    after = Delay(counts, counts)
    assert after.home > before
    assert after.from_region("US-TX") > 0.9 > after.from_region("US-CA")


def test_a_pool_is_like_all_pools_until_it_is_known() -> None:
    every = Counts()
    for _ in range(500):
        learn(every, match([holding("a", -4000, -3600, left=True)], T).lessons)
    fresh = Delay(None, every)
    assert fresh.after(HOUR) == pytest.approx(Delay(Counts(), every).after(HOUR))
    own = Counts()
    for _ in range(500):
        learn(own, match([holding("a", -60, -20, left=True)], T).lessons)
    assert Delay(own, every).after(HOUR) < fresh.after(HOUR) / 3


@given(st.integers(0, 2**32), st.sampled_from([20.0, 300.0, 5000.0]))
def test_whatever_is_learnt_the_later_is_never_the_less_likely(seed: int, scale: float) -> None:
    chance = random.Random(seed)  # noqa: S311  a simulation
    counts = Counts()
    for _ in range(40):
        gone = chance.expovariate(1 / scale)
        held = [
            holding("a", -gone - 60, -gone, left=chance.random() < 0.5),
            holding("b", -9 * gone - 60, -9 * gone, ended=-gone - 60),
        ]
        learn(counts, match(held, T).lessons)
    delay = Delay(counts, counts)
    densities = [delay.after(S * 1.7**n) for n in range(26)]
    assert densities == sorted(densities, reverse=True)
    assert min(delay.open(phone) for phone in (None, False, True)) >= delay.after(30_000)


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("+14155550142", "US-CA"),
        ("+12125550142", "US-NY"),
        ("+14165550142", "CA-ON"),
        ("+12025550142", "US-DC"),
        ("+12065550142", "US-WA"),
        ("+18005550142", None),
        ("+442079460123", None),
        ("+1415", None),
        ("", None),
        (None, None),
    ],
)
def test_the_state_of_an_area_code(number: str | None, region: str | None) -> None:
    assert region_of(number) == region
