"""How a pool was used: what the counts mean, by tables; and against a count of every lease at every moment."""

import random
from itertools import pairwise

import pytest

from dni.pool.use import BOUNDS_MS, HOUR_MS, SILENT_MS, Counting, Hour, Lease, add, below, quantile, sample, summed

MINUTE = 60_000
NOON = 500_000 * HOUR_MS


def lease(began_ms: int, visit_ms: int = MINUTE, *, session: str = "", pool: str = "a", **more: bool | int) -> Lease:
    ended = more.get("ended_ms")
    at = NOON + began_ms
    return Lease(at, at + visit_ms, ended, bool(more.get("signed", True)), session or f"s{began_ms}", pool)


def counted(*numbers: list[Lease], hold_ms: int = 2 * MINUTE, hours: int = 3) -> dict[int, Hour]:
    """By hours since noon."""
    counting = Counting("a", hold_ms, NOON, NOON + hours * HOUR_MS)
    for leases in numbers:
        counting.number(leases)
    return {(at - NOON) // HOUR_MS: hour for at, hour in counting.hours().items()}


def test_a_number_is_in_use_until_its_hold_after_the_last_sign() -> None:
    [(at, hour)] = counted([lease(0, 5 * MINUTE)]).items()
    assert (at, hour.begun, hour.peak, hour.busy_ms) == (0, 1, 1, 7 * MINUTE)
    assert (hour.visits, hour.visit_ms, hour.gaps) == (0, 0, []), "it may still go on"


def test_a_page_that_never_gave_a_sign_uses_a_number_for_a_beat_and_a_half() -> None:
    assert counted([lease(0, 0, signed=False)])[0].busy_ms == SILENT_MS
    assert counted([lease(0, 0)])[0].busy_ms == 2 * MINUTE, "it left at once"


def test_a_number_is_never_in_use_twice() -> None:
    long = 30 * MINUTE
    found = counted([lease(0, long), lease(10 * MINUTE, long)], [lease(5 * MINUTE, long)])[0]
    assert (found.begun, found.peak, found.busy_ms) == (3, 2, 10 * MINUTE + 32 * MINUTE + 32 * MINUTE)
    assert counted([lease(0, long, ended_ms=NOON + MINUTE)])[0].busy_ms == MINUTE


def test_a_number_that_is_freed_as_another_is_taken_is_one_at_a_moment() -> None:
    assert counted([lease(0, 3 * MINUTE)], [lease(5 * MINUTE)])[0].peak == 1
    assert counted([lease(0, 3 * MINUTE)], [lease(5 * MINUTE - 1)])[0].peak == 2


def test_a_long_visit_counts_in_each_of_its_hours_but_began_in_one() -> None:
    found = counted([lease(-30 * MINUTE, 100 * MINUTE)], hold_ms=0)
    assert {at: (hour.begun, hour.peak, hour.busy_ms) for at, hour in found.items()} == {
        0: (0, 1, HOUR_MS),
        1: (0, 1, 10 * MINUTE),
    }
    assert counted([lease(2 * HOUR_MS, 5 * HOUR_MS)])[2].busy_ms == HOUR_MS, "what is after the hours is not counted"


def test_rest_is_from_the_last_sign_to_the_next_lease_of_the_number() -> None:
    first = lease(-HOUR_MS, MINUTE)
    found = counted([first, lease(0), lease(5 * HOUR_MS)])[0]
    assert found.gaps == [0] * (len(found.gaps) - 1) + [1]
    assert quantile(found.gaps, 1) == HOUR_MS, "59 minutes are less than an hour"
    assert (found.visits, found.visit_ms) == (1, MINUTE)
    assert counted([first, lease(0, session=first.session)])[0].gaps == [], "his own number again"


def test_leases_of_a_former_pool_tell_only_when_the_number_was_used() -> None:
    found = counted([lease(0, pool="b"), lease(10 * MINUTE), lease(20 * MINUTE, pool="b")])
    assert (found[0].begun, found[0].visits, sum(found[0].gaps)) == (1, 1, 1)
    assert found[0].busy_ms == 3 * MINUTE


@pytest.mark.parametrize("seed", range(8))
def test_hours_equal_a_count_of_every_lease_at_every_moment(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    numbers: list[list[Lease]] = []
    for _ in range(chance.randint(1, 12)):
        at, leases = -2 * HOUR_MS, []
        while at < 4 * HOUR_MS:
            at += 1 + round(chance.expovariate(1 / (12 * MINUTE)))
            visit = round(chance.expovariate(1 / (6 * MINUTE)))
            leases.append(lease(at, visit, signed=chance.random() < 0.9, pool=chance.choice("aaab")))
            at += chance.choice((0, visit))
        inside = [n for n, each in enumerate(leases) if 0 <= each.started_ms - NOON < 3 * HOUR_MS]
        numbers.append(leases[max(0, inside[0] - 1) : inside[-1] + 2] if inside else [])
    hold = chance.choice((0, MINUTE, 10 * MINUTE))
    spans = [
        (each.started_ms, min(each.free_ms(hold), *(after.started_ms for after in leases[n + 1 : n + 2]), 2**60))
        for leases in numbers
        for n, each in enumerate(leases)
        if each.pool == "a"
    ]
    found = counted(*numbers, hold_ms=hold)
    for hour in range(3):
        low, high = NOON + hour * HOUR_MS, NOON + (hour + 1) * HOUR_MS
        moments = [low, *(began for began, _ in spans if low <= began < high)]
        one = found.get(hour, Hour())
        assert one.peak == max(sum(began <= at < until for began, until in spans) for at in moments)
        assert one.busy_ms == sum(max(0, min(until, high) - max(began, low)) for began, until in spans)
        assert one.begun == sum(low <= began < high for began, _ in spans)


def test_spans_are_found_again_between_their_bounds() -> None:
    counts: list[int] = []
    for span in (-5, 0, 1_999, 2_000, 599_999, 600_000, 10**12):
        add(counts, span)
    assert sum(counts) == 7
    assert below(counts, 2_000) == 3
    assert below(counts, 600_000) == 5
    assert len(counts) == len(BOUNDS_MS) + 1
    assert quantile(counts, 1) == BOUNDS_MS[-1]
    assert sum(summed([counts, [1], []])) == 8
    assert quantile([], 0.5) is None


def test_bounds_rise_and_no_class_is_wide() -> None:
    assert list(BOUNDS_MS) == sorted(set(BOUNDS_MS))
    assert all(high / low <= 2 for low, high in pairwise(BOUNDS_MS))


def test_a_quantile_is_near_that_of_the_spans_themselves() -> None:
    chance = random.Random(3)  # noqa: S311
    spans = sorted(round(1000 * chance.expovariate(1 / 1800)) for _ in range(5000))
    counts: list[int] = []
    for span in spans:
        add(counts, span)
    for share in (0.1, 0.5, 0.9):
        assert quantile(counts, share) == pytest.approx(spans[round(share * 5000)], rel=0.05)
    taken = sample(counts, 100)
    assert len(taken) == 100
    assert list(taken) == sorted(taken)
    assert sum(taken) / 100 == pytest.approx(sum(spans) / 5_000_000, rel=0.05)
    assert sample([3, 0, 1], 100)[:3] == (0.0, 0.0, 0.0)
