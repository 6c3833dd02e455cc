"""How likely a call is at a delay after a session's last sign of life; learns from calls, slowly. Pure.

A call is one session's or nobody's, and nothing says which. So a model never learns from the likeliest answer, but from
every candidate by its probability (expectation maximisation: Dempster, Laird, Rubin 1977), and begins from a prior that
counts as so many calls. Every constant here is of a prior and has its reason beside it; none was fitted to a log.
"""

from bisect import bisect_right
from itertools import pairwise
from math import log

import msgspec

VERSION = 1
"""Of what `Counts` mean. Counts of another version are not used: the model begins anew."""

# Delays are told apart by doubling: 5 s, 10 s, … 23 days. Nothing is told apart within the first seconds: a page says
# that it is there every 20 s at best.
_EDGES_MS: tuple[int, ...] = (0, *(5_000 * 2**n for n in range(19)))
_WIDTHS_MS = tuple(b - a for a, b in pairwise(_EDGES_MS))
_BINS = len(_WIDTHS_MS)

# From a tap to the ring: the dialler opens, the person confirms, the network connects. Some dial again.
_TAP_EDGES_MS = (0, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000)
_TAP_WIDTHS_MS = tuple(b - a for a, b in pairwise(_TAP_EDGES_MS))
TAP_MS = _TAP_EDGES_MS[-1]
"""After that a tap says nothing; for so long it also protects the number (lua/record.lua)."""

# The prior counts as so many calls. Whoever runs twenty numbers sees some thirty in a week; after a hundred, what was
# seen outweighs it.
_PRIOR_CALLS = 30.0
# A pool is taken to be like all pools until about so many calls of its own say otherwise.
_PARENT_CALLS = 60.0
# Half of those who call do it with the page before them: for that the number is printed there. Not known better.
_OPEN_SHARE = 0.5
# More than half of the web is read on telephones.
_ON_PHONE = 0.6
# The others: nobody knows the scale of their delays, so every doubling of it is as likely as the one before (Jeffreys'
# prior of a scale), from half a minute, below which leaving and calling are one act, to a day, after which whoever
# means to call has done so or looks the number up again. Beyond it falls off.
_NEAR_MS, _FAR_MS = 30_000.0, 86_400_000.0
# Three in four confirm what the telephone asks after a tap, most within some seconds.
_TAP_CALLS = 0.75
_TAP_SHARES = (0.25, 0.3, 0.2, 0.1, 0.06, 0.04, 0.03, 0.02)
# One visitor in twenty calls. Only what a tap is worth depends on it: the rest is relative.
_CALLING_SHARE = 0.05
# One call in twenty is nobody's: wrong numbers and robots (YouMail Robocall Index, 2023: three a week and number).
_NOBODY_SHARE = 0.05
# Three in four call from a number of the state where the address of their browser is looked up: some moved and kept
# theirs, some networks are looked up a state too far.
_HOME_SHARE = 0.75
# An advertiser serves some ten states, until it is seen which.
_STATE_SHARE, _PRIOR_STATES = 0.1, 20.0
# How long people look at a page that they call from: minutes.
_VISIT_MS, _PRIOR_VISITS = 180_000.0, 20.0


class Counts(msgspec.Struct):
    """What was seen, as soft counts of calls; nothing for a new pool.

    open, open_phone    of callers whose page was open, on a telephone or not, and who tapped nothing
    after, tap          by delay before the call: of those who were gone, and who had tapped
    nobody, somebody    whose calls they were
    home, away          of callers whose region and whose visitor's are known: the same, another
    callers             by region of the caller
    visits, visited_ms  leases that ended, and from their begin to their last sign
    phones, desks       of these, by the device
    """

    open: float = 0.0
    open_phone: float = 0.0
    after: list[float] = msgspec.field(default_factory=lambda: [0.0] * _BINS)
    tap: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(_TAP_WIDTHS_MS))
    nobody: float = 0.0
    somebody: float = 0.0
    home: float = 0.0
    away: float = 0.0
    callers: dict[str, float] = msgspec.field(default_factory=dict)
    visits: float = 0.0
    visited_ms: float = 0.0
    phones: float = 0.0
    desks: float = 0.0
    version: int = VERSION


def _prior_after() -> list[float]:
    def mass(to_ms: float) -> float:  # the integral of 1 / (d + near), tempered beyond `far`
        near = log(1 + min(to_ms, _FAR_MS) / _NEAR_MS)
        return near + max(0.0, 1 - _FAR_MS / to_ms) if to_ms else 0.0

    masses = [mass(b) - mass(a) for a, b in pairwise(_EDGES_MS)]
    return [each / sum(masses) for each in masses]


_PRIOR_AFTER = _prior_after()


class Delay:
    """The distribution that the counts of a pool and of all pools (`parent`) give. Densities are per ms."""

    def __init__(self, own: Counts | None = None, parent: Counts | None = None) -> None:
        own, parent = own or Counts(), parent or Counts()
        at_once = _PRIOR_CALLS * _OPEN_SHARE
        prior = [
            at_once * (1 - _ON_PHONE),
            at_once * _ON_PHONE,
            *(_PRIOR_CALLS * (1 - _OPEN_SHARE) * share for share in _PRIOR_AFTER),
        ]
        open_desk, open_phone, *after = _blend(
            prior, [parent.open, parent.open_phone, *parent.after], [own.open, own.open_phone, *own.after]
        )
        visits = _PRIOR_VISITS + parent.visits + own.visits
        visit_ms = (_PRIOR_VISITS * _VISIT_MS + parent.visited_ms + own.visited_ms) / visits
        densities = [share / width for share, width in zip(after, _WIDTHS_MS, strict=True)]
        # Who was seen later is never the less likely one.
        self._after = _falling(densities, _WIDTHS_MS)
        phones, desks = _blend(
            [_PRIOR_VISITS * _ON_PHONE, _PRIOR_VISITS * (1 - _ON_PHONE)],
            [parent.phones, parent.desks],
            [own.phones, own.desks],
        )
        least = self.after(30_000)
        self._open = {
            None: max((open_desk + open_phone) / visit_ms, least),
            False: max(open_desk / desks / visit_ms, least),
            True: max(open_phone / phones / visit_ms, least),
        }
        tap = _blend([_PRIOR_CALLS * share for share in _TAP_SHARES], parent.tap, own.tap)
        per_ms = [share / width for share, width in zip(tap, _TAP_WIDTHS_MS, strict=True)]
        worth = _TAP_CALLS / _CALLING_SHARE
        self._tap = [worth * each for each in _falling(per_ms, _TAP_WIDTHS_MS)]
        nobody, _ = _blend(
            [_PRIOR_CALLS * _NOBODY_SHARE, _PRIOR_CALLS * (1 - _NOBODY_SHARE)],
            [parent.nobody, parent.somebody],
            [own.nobody, own.somebody],
        )
        self.nobody_odds = nobody / (1 - nobody)
        """Nobody's calls for each visitor's."""
        self.home, _ = _blend(
            [_PRIOR_CALLS * _HOME_SHARE, _PRIOR_CALLS * (1 - _HOME_SHARE)],
            [parent.home, parent.away],
            [own.home, own.away],
        )
        """The share of callers that call from a number of the state where they are."""
        self._callers, self._parents_callers = own.callers, parent.callers
        self._called = _PRIOR_STATES + sum(own.callers.values()) + sum(parent.callers.values())

    def from_region(self, region: str) -> float:
        """The share of all callers that have a number of this region."""
        seen = self._callers.get(region, 0.0) + self._parents_callers.get(region, 0.0)
        return (_PRIOR_STATES * _STATE_SHARE + seen) / self._called

    def open(self, phone: bool | None) -> float:
        """While the page is before the visitor, who tapped nothing; who reads on a telephone taps."""
        return self._open[phone]

    def after(self, delay_ms: float) -> float:
        """Of a visitor who is gone, so long after the last sign of life."""
        at = _bin(delay_ms)
        return self._after[at] if at < _BINS else 0.0

    def later(self, delay_ms: float) -> float:
        """The share of calls that come after so long."""
        at = _bin(delay_ms)
        if at >= _BINS:
            return 0.0
        rest = self._after[at] * (_EDGES_MS[at + 1] - max(0.0, delay_ms))
        return rest + sum(self._after[n] * _WIDTHS_MS[n] for n in range(at + 1, _BINS))

    def tap(self, delay_ms: float) -> float:
        """What a tap so long ago adds."""
        at = bisect_right(_TAP_EDGES_MS, delay_ms) - 1
        return self._tap[max(0, at)] if at < len(_TAP_WIDTHS_MS) else 0.0


def learn_after(counts: Counts, delay_ms: float, weight: float) -> None:
    """A call by one who was gone so long, with this probability."""
    at = _bin(delay_ms)
    if at < _BINS:
        counts.after[at] += weight


def learn_later(counts: Counts, delay_ms: float, weight: float) -> None:
    """A call by one who was gone for longer than that, nobody knows how much longer: spread as the prior is."""
    bins = range(_bin(delay_ms) + 1, _BINS)
    total = sum(_PRIOR_AFTER[at] for at in bins)
    for at in bins:
        counts.after[at] += weight * _PRIOR_AFTER[at] / total


def learn_tap(counts: Counts, delay_ms: float, weight: float) -> None:
    at = bisect_right(_TAP_EDGES_MS, delay_ms) - 1
    if 0 <= at < len(_TAP_WIDTHS_MS):
        counts.tap[at] += weight


def _bin(delay_ms: float) -> int:
    return max(0, bisect_right(_EDGES_MS, delay_ms) - 1)


def _blend(prior: list[float], parent: list[float], own: list[float]) -> list[float]:
    """Shares: what was seen in the pool, on top of what was seen in all, on top of the prior."""
    whole = [a + b for a, b in zip(prior, parent, strict=True)]
    total = sum(whole)
    counts = [_PARENT_CALLS * a / total + b for a, b in zip(whole, own, strict=True)]
    total = sum(counts)
    return [each / total for each in counts]


def _falling(densities: list[float], widths: tuple[int, ...]) -> list[float]:
    """The nearest densities that never rise, with the same mass (pool adjacent violators: Barlow et al. 1972)."""
    blocks: list[tuple[float, float, int]] = []  # mass, width, bins
    for density, width in zip(densities, widths, strict=True):
        mass, wide, count = density * width, float(width), 1
        while blocks and mass / wide > blocks[-1][0] / blocks[-1][1]:
            former = blocks.pop()
            mass, wide, count = mass + former[0], wide + former[1], count + former[2]
        blocks.append((mass, wide, count))
    return [mass / wide for mass, wide, count in blocks for _ in range(count)]
