"""Credit models, against examples worked out by hand, and what must hold for every path."""

from fractions import Fraction
from itertools import permutations
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.attribution.credit import MODELS, MOST_CHANNELS, Seen, Step, Worth, credit, in_millionths, split

DAY = 86_400_000
F = Fraction


def path(*steps: tuple[float, str]) -> list[Step]:
    """Days before the call, and channel."""
    return [Step(round(-days * DAY), channel) for days, channel in steps]


FOUR = path((14, "Paid Search"), (7, "Email"), (1, "Organic Search"), (0, "Direct"))


@pytest.mark.parametrize(
    ("model", "steps", "expected"),
    [
        ("first_touch", FOUR, [1, 0, 0, 0]),
        ("last_touch", FOUR, [0, 0, 0, 1]),
        ("last_non_direct", FOUR, [0, 0, 1, 0]),
        ("last_non_direct", path((3, "Direct"), (2, "Direct")), [0, 1]),
        ("last_non_direct", path((3, "Email"), (2, "Direct"), (1, "Direct")), [1, 0, 0]),
        ("linear", FOUR, [F(1, 4)] * 4),
        ("linear", FOUR[:3], [F(1, 3)] * 3),
        ("position_based", FOUR, [F(2, 5), F(1, 10), F(1, 10), F(2, 5)]),
        ("position_based", FOUR[:3], [F(2, 5), F(1, 5), F(2, 5)]),
        ("position_based", FOUR[:2], [F(1, 2), F(1, 2)]),
        # Two weeks, one week and none before the last: 1/4, 1/2 and 1 of 7/4.
        ("time_decay", path((14, "Email"), (7, "Direct"), (0, "Email")), [F(1, 7), F(2, 7), F(4, 7)]),
        # How long before the call the last one was changes nothing in their proportion.
        ("time_decay", path((28, "Email"), (21, "Direct"), (14, "Email")), [F(1, 7), F(2, 7), F(4, 7)]),
        ("data_driven", FOUR, [F(1, 4)] * 4),
    ],
)
def test_by_hand(model: str, steps: list[Step], expected: list[Fraction]) -> None:
    assert list(credit(model, steps)) == expected


def test_one_touch_has_it_all() -> None:
    for model in MODELS:
        assert credit(model, path((3, "Email"))) == (F(1),)


def many(**rates: float) -> Worth:
    """Rates of so many visitors that nothing but them counts; a set's channels are its letters."""
    return Worth({frozenset(name): Seen(1e12, 1e12 * rate) for name, rate in rates.items()})


def test_shapley_values_by_hand() -> None:
    """Two channels: a alone calls at 2 %, b alone at 4 %, both at 9 %: a adds 2 or 5, b adds 4 or 7."""
    shares = many(a=0.02, b=0.04, ab=0.09).shares(frozenset("ab"))
    assert float(shares["a"]) == pytest.approx(3.5 / 9)
    assert float(shares["b"]) == pytest.approx(5.5 / 9)


def test_shapley_values_of_three_channels_by_hand() -> None:
    worth = many(a=0.01, b=0.02, c=0.03, ab=0.05, ac=0.06, bc=0.04, abc=0.12)
    shares = worth.shares(frozenset("abc"))
    # a first 1; second after b 3 or c 3; last 8: (2*1 + 3 + 3 + 2*8) / 6 = 4, and so on; together 12.
    a = (2 * 1 + (5 - 2) + (6 - 3) + 2 * (12 - 4)) / 6
    b = (2 * 2 + (5 - 1) + (4 - 3) + 2 * (12 - 6)) / 6
    c = (2 * 3 + (6 - 1) + (4 - 2) + 2 * (12 - 5)) / 6
    assert a + b + c == pytest.approx(12)
    assert [float(shares[one]) for one in "abc"] == pytest.approx([a / 12, b / 12, c / 12])


def test_a_channel_that_adds_nothing_gets_nothing_and_equal_ones_the_same() -> None:
    shares = many(a=0.03, b=0.03, c=0.0, ab=0.06, ac=0.03, bc=0.03, abc=0.06).shares(frozenset("abc"))
    assert float(shares["c"]) == pytest.approx(0, abs=1e-9)
    assert float(shares["a"]) == pytest.approx(float(shares["b"])) == pytest.approx(0.5)


def test_a_channel_that_keeps_people_from_calling_gets_nothing() -> None:
    shares = many(a=0.05, b=0.001, ab=0.01).shares(frozenset("ab"))
    assert shares == {"a": 1, "b": 0}


def test_touches_of_one_channel_share_what_it_gets() -> None:
    worth = many(a=0.02, b=0.04, ab=0.09)
    first, second, third = credit("data_driven", path((3, "a"), (2, "b"), (1, "a")), worth)
    assert first == third
    assert float(second) == pytest.approx(5.5 / 9)
    assert first + second + third == 1


def test_few_visitors_say_little() -> None:
    """One visitor who called does not make a channel worth everything."""
    crowd = {frozenset("a"): Seen(10_000, 500), frozenset("b"): Seen(10_000, 500)}
    worth = Worth({**crowd, frozenset("c"): Seen(1, 1)})
    assert worth.of(frozenset("c")) < 0.06
    assert worth.of(frozenset("ab")) == pytest.approx(1 - 0.95**2, rel=0.01), "never seen: as if independent"


def test_of_very_many_channels_the_latest_count() -> None:
    steps = path(*((100 - n, f"c{n}") for n in range(MOST_CHANNELS + 3)))
    weights = credit("data_driven", steps)
    assert sum(weights[:3]) == 0
    assert sum(weights) == 1


def test_a_split_call_gives_each_visitor_his_probability() -> None:
    ann, bob = path((7, "Email"), (0, "Direct")), path((0, "Paid Search"))
    weights = split("linear", [(0.625, ann), (0.25, bob)])
    assert weights == [(F(5, 16), F(5, 16)), (F(1, 4),)]


def test_what_is_no_path_or_no_model() -> None:
    with pytest.raises(ValueError, match="at least one"):
        credit("linear", [])
    with pytest.raises(KeyError):
        credit("best", FOUR)


channels = st.sampled_from(["Direct", "Email", "Paid Search", "Organic Search", "Display", "Referral"])
steps = st.lists(st.tuples(st.integers(0, 3_000 * DAY), channels), min_size=1, max_size=12).map(
    lambda pairs: [Step(at, channel) for at, channel in sorted(pairs)]
)
counts = st.builds(
    lambda visitors, share: Seen(visitors, visitors * share), st.floats(0, 1e6), st.floats(0, 1, allow_subnormal=False)
)
worths = st.dictionaries(st.frozensets(channels, min_size=1, max_size=4), counts, max_size=12).map(Worth)


@given(steps, worths, st.sampled_from(MODELS))
def test_weights_sum_to_exactly_one(steps: list[Step], worth: Worth, model: str) -> None:
    weights = credit(model, steps, worth)
    assert sum(weights) == 1
    assert len(weights) == len(steps)
    assert all(0 <= weight <= 1 for weight in weights)
    assert weights == credit(model, steps, worth)


@given(worths, st.frozensets(channels, min_size=1, max_size=5))
def test_shapley_values_are_the_mean_over_all_orders(worth: Worth, some: frozenset[str]) -> None:
    """The definition, by brute force: what each adds to those before it, averaged over every order."""
    added = dict.fromkeys(some, 0.0)
    for order in permutations(sorted(some)):
        for at, channel in enumerate(order):
            added[channel] += worth.of(frozenset(order[: at + 1])) - worth.of(frozenset(order[:at]))
    added = {channel: max(0.0, value / factorial(len(some))) for channel, value in added.items()}
    total = sum(added.values())
    shares = worth.shares(some)
    if total > 1e-9:
        assert {one: float(share) for one, share in shares.items()} == pytest.approx(
            {one: value / total for one, value in added.items()}, abs=1e-6
        )


@given(worths, st.frozensets(channels))
def test_worth_is_a_probability(worth: Worth, some: frozenset[str]) -> None:
    assert 0 <= worth.of(some) <= 1 + 1e-12


@given(st.lists(st.tuples(st.floats(0, 1), steps), max_size=4), worths, st.sampled_from(MODELS))
def test_a_split_is_exact(candidates: list[tuple[float, list[Step]]], worth: Worth, model: str) -> None:
    for (probability, _), weights in zip(candidates, split(model, candidates, worth), strict=True):
        assert sum(weights) == Fraction(probability)


@given(steps, st.sampled_from(MODELS))
def test_millionths_sum_to_a_million(steps: list[Step], model: str) -> None:
    weights = credit(model, steps)
    whole = in_millionths(weights)
    assert sum(whole) == 1_000_000
    assert all(abs(part - weight * 1_000_000) < 1 for part, weight in zip(whole, weights, strict=True))


def test_what_a_third_leaves_goes_to_the_first() -> None:
    assert in_millionths((F(1, 3),) * 3) == [333_334, 333_333, 333_333]


@given(steps)
def test_later_touches_never_decay_more(steps: list[Step]) -> None:
    weights = credit("time_decay", steps)
    assert list(weights) == sorted(weights)
