"""How a call's credit is shared between the touches that came before it: seven models. Pure.

Weights are fractions, so that those of a call sum to exactly one and reports add up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import factorial, prod

import msgspec

DIRECT = "Direct"
HALF_LIFE_MS = 7 * 86_400_000
MOST_CHANNELS = 12
"""Of a path, the latest ones: for data-driven credit every set of them is looked at."""
# With one visitor in twenty calling, the rate of a hundred visitors is still off by a half as often as not: until then
# it counts no more than the guess that channels work independently of each other.
_PRIOR_VISITORS = 100.0


class Step(msgspec.Struct, frozen=True):
    """One touch of a path. `channel`: Google Analytics 4's name."""

    at_ms: int
    channel: str


Weights = tuple[Fraction, ...]


class Seen(msgspec.Struct):
    """Of the visitors who came through exactly these channels: how many there were, and how many of them called."""

    visitors: float = 0.0
    callers: float = 0.0


class Worth:
    """How likely a visitor calls who came through a set of channels, as it was seen. Nobody calls who never came."""

    def __init__(self, seen: Mapping[frozenset[str], Seen] | None = None) -> None:
        self._seen = seen or {}
        visitors = sum(one.visitors for one in self._seen.values())
        self._base = sum(one.callers for one in self._seen.values()) / visitors if visitors else 0.0
        self._shares: dict[frozenset[str], dict[str, Fraction]] = {}

    def of(self, channels: frozenset[str]) -> float:
        """In 0..1. What was seen of exactly this set, on top of a guess that counts as a hundred visitors: for one
        channel the rate of all visitors, for several that each works as it does alone."""
        if not channels:
            return 0.0
        alone = (self.of(frozenset((one,))) for one in sorted(channels))
        guess = self._base if len(channels) == 1 else 1 - prod(1 - each for each in alone)
        seen = self._seen.get(channels)
        if seen is None:
            return guess
        return (seen.callers + _PRIOR_VISITORS * guess) / (seen.visitors + _PRIOR_VISITORS)

    def shares(self, channels: frozenset[str]) -> Mapping[str, Fraction]:
        """Of one call by a visitor who came through these: what each channel added, on average over all orders in which
        they might have come. They sum to one; a channel that made calls less likely gets nothing.

        Shapley, A value for n-person games (1953); for advertising Dalessandro, Perlich, Stitelman, Provost, Causally
        motivated attribution for online advertising (ADKDD 2012), with the game restricted to the channels of the path.
        """
        known = self._shares.get(channels)
        if known is None:
            known = self._shares[channels] = self._shapley(channels)
        return known

    def _shapley(self, channels: frozenset[str]) -> dict[str, Fraction]:
        count = len(channels)
        worth = {
            frozenset(some): self.of(frozenset(some)) for n in range(count + 1) for some in combinations(channels, n)
        }
        added = dict.fromkeys(channels, 0.0)
        for some, worth_of_some in worth.items():
            if len(some) < count:
                orders = factorial(len(some)) * factorial(count - len(some) - 1) / factorial(count)
                for channel in channels - some:
                    added[channel] += orders * (worth[some | {channel}] - worth_of_some)
        return dict(zip(added, _summing_to_one([max(0.0, each) for each in added.values()]), strict=True))


def credit(model: str, path: Sequence[Step], worth: Worth | None = None) -> Weights:
    """What each step of a path to a call is given, in order; they sum to one.

    path    the visitor's touches until the call, the oldest first
    worth   what `data_driven` learnt; without it channels share alike

    Raises ValueError for an empty path, KeyError for a model that is not in MODELS.
    """
    if not path:
        raise ValueError("a path has at least one touch")
    return _RULES[model](path, worth or Worth())


def in_millionths(weights: Weights) -> list[int]:
    """The same as whole numbers that sum to a million: rounded down, and what is left to the largest remainders, the
    earliest first (Hamilton's method)."""
    exact = [weight * 1_000_000 for weight in weights]
    whole = [int(each) for each in exact]
    by_rest = sorted(range(len(exact)), key=lambda at: whole[at] - exact[at])
    for at in by_rest[: 1_000_000 - sum(whole)]:
        whole[at] += 1
    return whole


def split(model: str, candidates: Iterable[tuple[float, Sequence[Step]]], worth: Worth | None = None) -> list[Weights]:
    """Of a call that one of several visitors made: what each one's steps are given. They sum to his probability; what
    all of them lack to one is nobody's."""
    return [
        tuple(Fraction(probability) * weight for weight in credit(model, path, worth))
        for probability, path in candidates
    ]


def _first_touch(path: Sequence[Step], _worth: Worth) -> Weights:
    return _all_to(0, path)


def _last_touch(path: Sequence[Step], _worth: Worth) -> Weights:
    return _all_to(len(path) - 1, path)


def _last_non_direct(path: Sequence[Step], _worth: Worth) -> Weights:
    """The last touch where all are direct."""
    others = [at for at, step in enumerate(path) if step.channel != DIRECT]
    return _all_to(others[-1] if others else len(path) - 1, path)


def _linear(path: Sequence[Step], _worth: Worth) -> Weights:
    return (Fraction(1, len(path)),) * len(path)


def _position_based(path: Sequence[Step], worth: Worth) -> Weights:
    """Two fifths each to the first and the last, one fifth to those between; of two touches each has a half."""
    between = len(path) - 2
    if between < 1:
        return _linear(path, worth)
    return (Fraction(2, 5), *(Fraction(1, 5 * between),) * between, Fraction(2, 5))


def _time_decay(path: Sequence[Step], _worth: Worth) -> Weights:
    """A touch a week before another has half of its weight."""
    last_ms = path[-1].at_ms
    return _summing_to_one([0.5 ** (max(0, last_ms - step.at_ms) / HALF_LIFE_MS) for step in path])


def _data_driven(path: Sequence[Step], worth: Worth) -> Weights:
    """Channels by their Shapley values; a channel's touches share alike. Of more than MOST_CHANNELS the earlier
    ones get nothing."""
    latest = list(dict.fromkeys(step.channel for step in reversed(path)))[:MOST_CHANNELS]
    shares = worth.shares(frozenset(latest))
    touches = {channel: sum(step.channel == channel for step in path) for channel in latest}
    return tuple(
        shares[step.channel] / touches[step.channel] if step.channel in touches else Fraction(0) for step in path
    )


def _all_to(winner: int, path: Sequence[Step]) -> Weights:
    return tuple(Fraction(at == winner) for at in range(len(path)))


def _summing_to_one(parts: Sequence[float]) -> Weights:
    """Their proportions, exactly; alike where all are nothing."""
    exact = [Fraction(part) for part in parts]
    total = sum(exact)
    return tuple(part / total if total else Fraction(1, len(exact)) for part in exact)


_RULES: Mapping[str, Callable[[Sequence[Step], Worth], Weights]] = {
    "first_touch": _first_touch,
    "last_touch": _last_touch,
    "last_non_direct": _last_non_direct,
    "linear": _linear,
    "position_based": _position_based,
    "time_decay": _time_decay,
    "data_driven": _data_driven,
}
MODELS = tuple(_RULES)
