"""Which session made a call, and how sure that is: the posterior over the holders of its number, and nobody. Pure.

A candidate's weight is the density of a call at its delay (`delay`), times what else speaks for it. The probabilities
are the weights, made to sum to 1 with nobody's.
"""

from collections.abc import Iterable, Sequence
from math import floor

from dni.attribution.area_codes import region_of
from dni.attribution.delay import TAP_MS, Delay
from dni.attribution.model import Candidate, Earlier, Holding, Lesson, Lessons, Match

MOST_CANDIDATES = 20
"""Of a number's holders, the latest."""

# A page that gave a sign is protected for at least 1.5 beats (lua/record.lua): within that, it shows the number.
_BEATS_SHOWN = 1.5
# A number goes from one visitor to the next within the half hour in most pools: so it is taken to do where it has had
# too few holders to tell.
_USUAL_TURN_MS = 1_800_000
# A telephone is one person's. That another visitor calls from it is a matter of a house or a firm, or of somebody who
# comes with another browser: one in a hundred, and he would have to be of this house among a hundred others.
_ANOTHER_PERSON = 1e-4
_ROUNDED = 10_000

_PRIOR = Delay()


def match(
    holdings: Iterable[Holding],
    at_ms: int,
    protected_until_ms: int = 0,
    *,
    number: str = "",
    delay: Delay = _PRIOR,
    caller: str | None = None,
    earlier: Earlier | None = None,
) -> Match:
    """Candidates for a call at `at_ms`, the likeliest first.

    holdings            in any order; of one session's several leases of the number the last one counts
    protected_until_ms  how long the present holder's protection lasted, as known before the call (0: unknown)
    number              the one that rings, E.164; with `earlier` only
    caller              E.164, None where withheld
    earlier             None also where the telephone is shared

    Method `tap`: the best one tapped the number; `current`: it held the number and showed it; `recent`: it had held it;
    `returning`: it is known by the telephone alone, the number is another's by now; `none`: most likely nobody's call.
    """
    before = [one for one in holdings if one.started_ms <= at_ms]
    ordered = {one.session: one for one in sorted(before, key=lambda one: (one.started_ms, one.sign_ms, one.session))}
    held = sorted(ordered.values(), key=lambda one: (one.started_ms, one.session), reverse=True)[:MOST_CANDIDATES]
    from_region = region_of(caller)
    weighed = [_Weighed(one, at_ms, protected_until_ms, delay, from_region) for one in held]
    nobody, older = _nobody(held, at_ms, delay)
    if earlier is not None:
        nobody = _known_again(weighed, nobody, earlier, earlier.number == number, at_ms, delay)
    total = sum(one.weight for one in weighed) + nobody
    for one in weighed:
        one.p = one.weight / total if total else 0.0
    p_nobody = nobody / total if total else 1.0
    weighed.sort(key=lambda one: (one.p, one.holding.started_ms, one.holding.session), reverse=True)
    best = weighed[0] if weighed and weighed[0].p >= p_nobody else None
    return Match(
        best.method if best else "none",
        best.holding if best else None,
        tuple(one.candidate(at_ms) for one in weighed),
        p_nobody,
        # One who calls again says nothing of how long others wait.
        None if earlier is not None else _lessons(weighed, held, p_nobody, older, at_ms, from_region),
    )


class _Weighed:
    """A candidate, and what speaks for it."""

    def __init__(
        self, holding: Holding, at_ms: int, protected_until_ms: int, delay: Delay, from_region: str | None
    ) -> None:
        self.holding = holding
        self.p = 0.0
        self.called_ms: int | None = None
        self.gone_ms = max(0, at_ms - holding.sign_ms)
        self.shown = holding.at(at_ms) and at_ms <= _shown_until(holding, protected_until_ms)
        self.open = not holding.left and self.gone_ms <= _BEATS_SHOWN * holding.beat_ms
        self.rests = delay.open(holding.phone) if self.open else delay.after(self.gone_ms)
        self.tapped = self.tapped_ms = 0
        tapped_ms = holding.tapped_ms
        self.tap = 0.0
        self.since_tap_ms: int | None = None
        if tapped_ms is not None and tapped_ms <= at_ms:
            self.since_tap_ms = at_ms - tapped_ms
            self.tap = delay.tap(self.since_tap_ms)
        self.home: bool | None = None
        fits = 1.0
        if from_region and holding.region:
            self.home = from_region == holding.region
            fits = 1 - delay.home + (delay.home / delay.from_region(from_region) if self.home else 0.0)
        self.weight = fits * (self.rests + self.tap)

    @property
    def method(self) -> str:
        if self.called_ms is not None and self.holding.ended_ms is not None:
            return "returning"
        if self.tap > self.rests:
            return "tap"
        return "current" if self.shown else "recent"

    @property
    def state(self) -> str:
        if not self.open:
            return "after"
        return "open_phone" if self.holding.phone else "open"

    def candidate(self, at_ms: int) -> Candidate:
        p = floor(self.p * _ROUNDED) / _ROUNDED
        return Candidate(self.holding.session, p, self._why(at_ms), self.gone_ms)

    def _why(self, at_ms: int) -> str:
        words = []
        if self.since_tap_ms is not None:
            words.append(f"tapped the number {_long(self.since_tap_ms)} before")
        if self.called_ms is not None:
            words.append(f"called from this telephone {_long(at_ms - self.called_ms)} before")
        if self.shown:
            words.append("held it now, " + (f"last seen {_long(self.gone_ms)} ago" if self.gone_ms else "still there"))
        elif self.called_ms != self.holding.sign_ms:
            words.append(f"{'left' if self.holding.left else 'last seen'} {_long(self.gone_ms)} ago")
        if self.home is not None:
            words.append("same state" if self.home else "another state")
        return ", ".join(words)


def _shown_until(holding: Holding, protected_until_ms: int) -> float:
    # Protection is told of the present holder only.
    if holding.ended_ms is None and protected_until_ms:
        return protected_until_ms
    return holding.sign_ms + _BEATS_SHOWN * holding.beat_ms


def _nobody(held: Sequence[Holding], at_ms: int, delay: Delay) -> tuple[float, float]:
    """The weight of nobody, and of holders from before the oldest that is known, which is nobody whom we could name;
    and the share of that which is theirs."""
    since_ms = at_ms - held[-1].started_ms if held else 0
    leases_per_ms = (1 + len(held)) / (_USUAL_TURN_MS + since_ms)
    forgotten = delay.later(since_ms) if len(held) == MOST_CANDIDATES else 0.0
    odds = delay.nobody_odds + forgotten
    return leases_per_ms * odds, forgotten / odds


def _known_again(
    weighed: list[_Weighed], nobody: float, earlier: Earlier, redialled: bool, at_ms: int, delay: Delay
) -> float:
    """Weighs anew by the earlier call: its visitor calls again, the number of then, or one that he was shown since.

    That call is a sign of life too. Whose it was is as sure as it was then. Answers nobody's weight.
    """
    again = delay.after(at_ms - earlier.at_ms) if redialled else 0.0
    same: dict[str, float] = {}
    for holding, p in earlier.holdings:
        his = [one for one in weighed if one.holding.session == holding.session or _same(one.holding, holding)]
        if not his and redialled:
            # The number is another's by now; the telephone tells him.
            his = [_Weighed(holding, at_ms, 0, delay, None)]
            his[0].rests = his[0].tap = his[0].weight = 0.0
            weighed += his
        for one in his:
            one.called_ms = earlier.at_ms
            known = p * (again / len(his) + one.rests + one.tap)
            same[one.holding.session] = same.get(one.holding.session, 0.0) + known
    for one in weighed:
        one.weight = same.get(one.holding.session, 0.0) + _ANOTHER_PERSON * one.weight
    return max(0.0, 1 - sum(p for _, p in earlier.holdings)) * again + _ANOTHER_PERSON * nobody


def _same(one: Holding, other: Holding) -> bool:
    return bool(one.visitor) and one.visitor == other.visitor


def _lessons(
    weighed: list[_Weighed], held: Sequence[Holding], p_nobody: float, older: float, at_ms: int, region: str | None
) -> Lessons:
    # Who taps waits for nothing: such a call says nothing of how long others wait.
    tapped = [one for one in weighed if one.since_tap_ms is not None and one.since_tap_ms < TAP_MS]
    if tapped:
        of = [Lesson("tap", one.since_tap_ms or 0, one.p * one.tap / (one.tap + one.rests), one.home) for one in tapped]
    else:
        of = [Lesson(one.state, one.gone_ms, one.p, one.home) for one in weighed]
        if older:
            of.append(Lesson("older", at_ms - held[-1].started_ms, p_nobody * older, None))
    return Lessons(tuple(of), p_nobody * (1 - older), region, *_visited(held))


def _visited(held: Sequence[Holding]) -> tuple[int | None, bool | None]:
    """How long the last visit that is over lasted, and whether it was on a telephone."""
    over = next((one for one in held if one.ended_ms is not None), None)
    return (over.sign_ms - over.started_ms, over.phone) if over else (None, None)


def _long(ms: int) -> str:
    for unit, size in (("days", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        if ms >= 2 * size:
            return f"{ms // size} {unit}"
    return f"{ms // 1000} s"
