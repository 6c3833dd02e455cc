"""How many numbers a pool needs at its busiest hour, and what more of them buy. Pure."""

from collections.abc import Callable
from math import exp, expm1, lgamma, log, log1p, sqrt

import msgspec

MOST = 1_000_000
"""Neither traffic (erlangs) nor a pool is looked at beyond this many numbers."""


class AroundMean(msgspec.Struct, frozen=True):
    """Every call comes after its visit's end, by an exponentially distributed time. `mean_seconds` > 0.

    The exponential is what assumes least when only a mean is known.
    """

    mean_seconds: float


class AsMeasured(msgspec.Struct, frozen=True):
    """Equally likely times from a visit's last sign of life to its call, in seconds; 0: it came during the visit."""

    seconds: tuple[float, ...]


class Demand(msgspec.Struct, frozen=True):
    """What a pool is asked for in its busiest hour. All are finite; `arrivals_per_hour` and `visit_seconds` > 0."""

    arrivals_per_hour: float
    visit_seconds: float
    hold_seconds: float
    delay: AroundMean | AsMeasured

    @property
    def per_second(self) -> float:
        return self.arrivals_per_hour / 3600

    @property
    def erlangs(self) -> float:
        """Mean count of numbers in use if none were refused: arrivals times how long each keeps its number."""
        return self.per_second * (self.visit_seconds + self.hold_seconds)


def erlang_b(numbers: int, erlangs: float) -> float:
    """Share of visits that find none of `numbers` >= 0 free, when `erlangs` > 0 of traffic are offered.

    Visits come as a Poisson stream, one that finds no number goes without; lengths may be distributed in any way.
    A. K. Erlang, Solution of some problems in the theory of probabilities of significance in automatic telephone
    exchanges, Elektroteknikeren 13 (1917); for lengths of any distribution B. A. Sevastyanov, An ergodic theorem for
    Markov processes and its application to telephone systems with refusals, Theory Probab. Appl. 2 (1957); how it is
    used for the busiest hour: Teletraffic Engineering Handbook, ITU-D Study Group 2 (2005), chapter 7.
    """
    return exp(-_log_inverse(numbers, erlangs))


def late_share(demand: Demand, numbers: int) -> float:
    """Share of calls that come when the number has already gone to another visit. `numbers` >= 1.

    Beside Erlang B's assumptions: free numbers are given oldest first, a number is free one visit and hold after it was
    given, and when a visit calls depends neither on its length nor on other visits. Returning visitors who get their
    last number back, protection by taps and calls, regions, and beats (a visit whose leave is lost keeps its number
    for 1.5 beats more) are left out. It is the busiest hour's share; in quieter hours numbers rest longer.

    Let N be the numbers, a the traffic, l the arrivals per second and h the hold. Numbers leave the queue of free ones
    in the order in which they came, so one that finds F others free is given to the (F+1)-th visit from then on: it is
    free for Erlang(F+1, l). Departures of a process that goes up and down by one see what accepted arrivals see, and
    those of a Poisson stream see the time average (R. W. Wolff, Poisson arrivals see time averages, Oper. Res. 30,
    1982): K = N-1-F is Poisson(a) cut to 0..N-1. With t > h after the visit's end and x = l(t-h)

        P(reused before t) = P(K + Poisson(x) >= N) = 1 - Q(a+x)/Q(a),  Q(m) = P(Poisson(m) <= N-1)

    and 0 up to h. That is exact for one t; for measured delays it is averaged over them. For an exponential delay of
    mean d, with r = ld/(1+ld), the integral has the closed form exp(-h/d) r B(N-1, a)/B(N-1, a/r).
    """
    match demand.delay:
        case AroundMean(mean):
            odds = demand.per_second * mean
            sooner = odds / (1 + odds)
            lost = _log_inverse(numbers - 1, demand.erlangs)
            kept = _log_inverse(numbers - 1, demand.erlangs / sooner)
            return min(1.0, exp(kept - lost + log(sooner) - demand.hold_seconds / mean))
        case AsMeasured(seconds):
            return sum(_reused_within(demand, numbers, each) for each in seconds) / len(seconds)


def rest_seconds(demand: Demand, numbers: int) -> float:
    """Mean time from a visit's end to the next visit that is given its number. Assumes what `late_share` does."""
    busy = demand.erlangs * (1 - erlang_b(numbers - 1, demand.erlangs))
    return demand.hold_seconds + (numbers - busy) / demand.per_second


def numbers_for_blocking(erlangs: float, most: float) -> int:
    """The fewest numbers with which at most the share `most` (0..1, exclusive) of visits goes without one.

    `erlangs` is at most MOST.
    """
    found = fewest(lambda numbers: erlang_b(numbers, erlangs) <= most, 4 * MOST)
    assert found, "three MOST above the traffic, blocking is 0 to a float"
    return found


def numbers_for_late_share(demand: Demand, most: float) -> int | None:
    """The fewest numbers with which at most the share `most` of calls comes after reuse; None: more than MOST."""
    return fewest(lambda numbers: late_share(demand, numbers) <= most, MOST)


def fewest(enough: Callable[[int], bool], most: int) -> int | None:
    """The smallest count from 1 to `most` that is enough, by doubling and bisection; None if none is.

    What is enough stays enough with one number more.
    """
    low, high = 0, 1
    while not enough(high):
        if high == most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _reused_within(demand: Demand, numbers: int, seconds: float) -> float:
    """P(reused before) of `late_share` for one delay."""
    free = demand.per_second * (seconds - demand.hold_seconds)
    seen = demand.erlangs + free
    if free <= 0 or numbers > _far_above(seen):
        return 0.0
    known = _log_inverse(numbers - 1, seen) - _log_inverse(numbers - 1, demand.erlangs)
    return max(0.0, -expm1(known - free + (numbers - 1) * log1p(free / demand.erlangs)))


def _log_inverse(numbers: int, erlangs: float) -> float:
    """ln(1/B). 1/B = 1 + n/a + n(n-1)/a^2 + ... + n!/a^n: all terms are positive, so no digit is lost at any size.

    It is the recursion 1/B(n) = 1 + n/(a B(n-1)) written out, begun at its large end: what is left after some standard
    deviations does not count. Far above the traffic the sum is n! e^a/a^n to more digits than a float has.
    """
    if numbers > _far_above(erlangs):
        return lgamma(numbers + 1) - numbers * log(erlangs) + erlangs
    total = term = 1.0
    for busy in range(numbers, 0, -1):
        term *= busy / erlangs
        total += term
        if busy < erlangs and term < 1e-18 * total:
            break
    return log(total)


def _far_above(mean: float) -> float:
    """What a Poisson count of this mean never exceeds, as far as a float can tell: 12 standard deviations and some."""
    return mean + 12 * sqrt(mean) + 20
