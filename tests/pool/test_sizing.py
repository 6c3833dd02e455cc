from fractions import Fraction
from heapq import heappop, heappush
from itertools import pairwise
from math import log, sqrt
from random import Random

import pytest

from dni.pool.sizing import (
    AroundMean,
    AsMeasured,
    Demand,
    erlang_b,
    fewest,
    late_share,
    numbers_for_blocking,
    numbers_for_late_share,
    rest_seconds,
)

# Erlang B tables as printed in textbooks: servers, then the traffic at which 0.1, 0.5, 1, 2, 5 and 10 % are blocked.
_SHARES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1)
_TABLE = {
    1: ("0.001", "0.005", "0.010", "0.020", "0.053", "0.111"),
    2: ("0.046", "0.105", "0.153", "0.223", "0.381", "0.595"),
    5: ("0.762", "1.132", "1.361", "1.657", "2.22", "2.881"),
    10: ("3.092", "3.961", "4.461", "5.084", "6.216", "7.511"),
    15: ("6.077", "7.376", "8.108", "9.010", "10.63", "12.48"),
    20: ("9.411", "11.09", "12.03", "13.18", "15.25", "17.61"),
    30: ("16.68", "19.03", "20.34", "21.93", "24.80", "28.11"),
    50: ("32.51", "36.0", "37.90", "40.26", "44.53", "49.56"),
    100: ("75.24", "80.91", "84.06", "87.97", "95.24", "104.1"),
}
_CELLS = [(n, share, text) for n, row in _TABLE.items() for share, text in zip(_SHARES, row, strict=True)]


@pytest.mark.parametrize(("numbers", "share", "printed"), _CELLS)
def test_blocking_is_that_of_published_erlang_b_tables(numbers: int, share: float, printed: str) -> None:
    half = 0.5 * 10.0 ** -len(printed.partition(".")[2])
    assert erlang_b(numbers, float(printed) - half) <= share <= erlang_b(numbers, float(printed) + half)


@pytest.mark.parametrize(
    ("numbers", "erlangs", "logarithm"),
    # Made with a computer algebra system by others.
    [(100, 120, -1.62826407041), (10_000, 12_000, -1.78927734649), (100, 20, -84.1661482002),
     (100, 10_000, -0.01004931575)],
)  # fmt: skip
def test_blocking_is_exact_for_large_and_lopsided_pools(numbers: int, erlangs: float, logarithm: float) -> None:
    assert log(erlang_b(numbers, erlangs)) == pytest.approx(logarithm, rel=1e-9)


@pytest.mark.parametrize("erlangs", [Fraction(1, 1000), Fraction(7, 10), Fraction(10), Fraction(333)])
def test_blocking_is_its_definition_in_whole_numbers(erlangs: Fraction) -> None:
    term = total = Fraction(1)
    for numbers in range(1, 500):
        term *= erlangs / numbers
        total += term
        if term / total > 1e-290:
            assert erlang_b(numbers, float(erlangs)) == pytest.approx(float(term / total), rel=1e-11)
    assert erlang_b(0, float(erlangs)) == 1


def test_a_hundred_thousand_erlangs_agree_with_the_recursion() -> None:
    erlangs, inverse = 100_000.0, 1.0
    looked_at = {90_000, 99_092, 100_000, 101_000, 104_500}
    for numbers in range(1, 104_501):
        inverse = 1 + inverse * numbers / erlangs
        if numbers in looked_at:
            assert erlang_b(numbers, erlangs) == pytest.approx(1 / inverse, rel=1e-9)
    assert numbers_for_blocking(erlangs, 0.01) == 99_092


@pytest.mark.parametrize(
    ("visit", "hold", "blocking", "numbers"),
    [(180, 0, 0.01, 18), (180, 1200, 0.01, 93), (1200, 0, 0.01, 82), (1800, 0, 0.01, 117), (180, 0, 0.3, 9)],
)
def test_numbers_needed_for_200_visits_an_hour(visit: float, hold: float, blocking: float, numbers: int) -> None:
    erlangs = Demand(200, visit, hold, AroundMean(600)).erlangs
    assert numbers_for_blocking(erlangs, blocking) == numbers
    assert erlang_b(numbers, erlangs) <= blocking < erlang_b(numbers - 1, erlangs)


@pytest.mark.parametrize("first", [1, 2, 3, 4, 5, 99, 100])
def test_the_fewest_is_the_first_that_is_enough(first: int) -> None:
    assert fewest(lambda count: count >= first, 100) == first
    assert fewest(lambda count: count >= first, first - 1 or 1) == (1 if first == 1 else None)


def _played(demand: Demand, numbers: int, visits: int, visit_lengths: str) -> tuple[float, float, float]:
    """Oldest-first reuse, played: share of visits without a number, of calls after reuse, and mean rest in seconds.

    Each leased visit calls once, after an exponential time from its end.
    """
    random = Random(f"{demand} {numbers}")  # noqa: S311
    assert isinstance(demand.delay, AroundMean)
    free = [(0.0, number) for number in range(numbers)]
    ended: dict[int, tuple[float, float]] = {}  # number -> end of its last visit, when that one calls
    now, none, late, rest = 0.0, 0, 0, 0.0
    counted = 0
    for visit in range(visits):
        now += random.expovariate(demand.per_second)
        if free[0][0] > now:
            none += 1
            continue
        _, number = heappop(free)
        if number in ended and visit > visits // 20:
            counted += 1
            late += ended[number][1] > now
            rest += now - ended[number][0]
        mean = demand.visit_seconds
        length = {"fixed": mean, "exponential": random.expovariate(1 / mean)}[visit_lengths]
        end = now + length
        ended[number] = end, end + random.expovariate(1 / demand.delay.mean_seconds)
        heappush(free, (end + demand.hold_seconds, number))
    return none / visits, late / counted, rest / counted


@pytest.mark.parametrize("visit_lengths", ["fixed", "exponential"])
@pytest.mark.parametrize(
    ("numbers", "visit", "hold", "delay"),
    [(1, 30, 10, 60), (6, 60, 0, 120), (6, 60, 30, 120), (10, 150, 0, 40), (20, 60, 10, 400)],
)
def test_calls_after_reuse_are_those_of_a_played_pool(
    numbers: int, visit: float, hold: float, delay: float, visit_lengths: str
) -> None:
    demand = Demand(240, visit, hold, AroundMean(delay))
    visits = 60_000
    none, late, rest = _played(demand, numbers, visits, visit_lengths)
    # Neighbouring visits depend on each other, so five standard errors of independent ones, and some.
    for told, seen in ((erlang_b(numbers, demand.erlangs), none), (late_share(demand, numbers), late)):
        assert abs(told - seen) < 5 * sqrt(told * (1 - told) / visits) + 0.004
    assert rest_seconds(demand, numbers) == pytest.approx(rest, rel=0.03)


@pytest.mark.parametrize("numbers", [1, 2, 18, 60, 200])
@pytest.mark.parametrize("hold", [0.0, 120.0])
def test_the_closed_form_is_the_integral_over_delays(numbers: int, hold: float) -> None:
    steps = 20_000
    delays = tuple(-600 * log(1 - (step + 0.5) / steps) for step in range(steps))
    around = late_share(Demand(200, 180, hold, AroundMean(600)), numbers)
    summed = late_share(Demand(200, 180, hold, AsMeasured(delays)), numbers)
    assert summed == pytest.approx(around, abs=1e-5)


def test_a_call_during_the_visit_or_within_the_hold_never_comes_late() -> None:
    assert late_share(Demand(200, 180, 120, AsMeasured((0.0, 60.0, 120.0))), 1) == 0
    assert late_share(Demand(200, 180, 120, AsMeasured((0.0, 1e6))), 18) == pytest.approx(0.5)


@pytest.mark.parametrize("delay", [AroundMean(600), AsMeasured((0.0, 30.0, 500.0, 4000.0))])
def test_more_numbers_never_make_it_worse(delay: AroundMean | AsMeasured) -> None:
    demand = Demand(200, 180, 60, delay)
    shares = [late_share(demand, numbers) for numbers in range(1, 400)]
    assert all(0 <= more <= less + 1e-12 <= 1 + 1e-12 for less, more in pairwise(shares))
    enough = numbers_for_late_share(demand, 0.1)
    assert enough is not None
    assert shares[enough - 1] <= 0.1 < shares[enough - 2]


def test_what_no_pool_can_reach_is_said() -> None:
    assert numbers_for_late_share(Demand(1e9, 1, 0, AroundMean(1e6)), 0.1) is None


@pytest.mark.parametrize("erlangs", [3e-13, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("numbers", [1, 20, 21, 1_000, 1_300, 4_000_000])
def test_extremes_stay_within_bounds(erlangs: float, numbers: int) -> None:
    assert 0 <= erlang_b(numbers, erlangs) <= 1
    demand = Demand(3600 * erlangs, 1, 0, AroundMean(1e7))
    assert 0 <= late_share(demand, numbers) <= 1
    assert rest_seconds(demand, numbers) > 0
