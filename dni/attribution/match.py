"""Which session made a call: the holders of its number, the likeliest first. Pure."""

from collections.abc import Iterable

from dni.attribution.model import Candidate, Holding, Match

# A page that gave a sign is protected for at least 1.5 of the shortest beat (20 s): within that, it shows the number.
_SURELY_SHOWN_MS = 30_000


def match(holdings: Iterable[Holding], at_ms: int, protected_until_ms: int = 0) -> Match:
    """Candidates for a call at `at_ms`: who held its number then, and who held it before.

    `protected_until_ms` is how long the present holder's protection lasted, as known before the call (0: unknown).
    Method `current`: the best one held the number and its protection had not run out; `recent`: it was the last to
    hold it; `none`: nobody had. The order of `holdings` does not matter.
    """
    before = [h for h in holdings if h.started_ms <= at_ms]
    # Of one session's several leases of the number the last one counts.
    ordered = {h.session: h for h in sorted(before, key=lambda h: (h.started_ms, h.sign_ms, h.session))}
    ranked = sorted(ordered.values(), key=lambda h: (h.at(at_ms), h.started_ms, h.session), reverse=True)
    if not ranked:
        return Match("none", None, ())
    best = ranked[0]
    shown = best.at(at_ms) and at_ms <= _shown_until(best, protected_until_ms)
    candidates = (Candidate(h.session, None, _why(h, at_ms, shown and h is best, last=h is best)) for h in ranked)
    return Match("current" if shown else "recent", best, tuple(candidates))


def _shown_until(holding: Holding, protected_until_ms: int) -> int:
    # Protection is told of the present holder only.
    if holding.ended_ms is None and protected_until_ms:
        return protected_until_ms
    return holding.sign_ms + _SURELY_SHOWN_MS


def _why(holding: Holding, at_ms: int, shown: bool, last: bool) -> str:
    if shown:
        words = "held the number"
    elif last:
        words = "was the last to hold the number"
    else:
        words = "held the number before"
    words += ", last seen " + _ago(at_ms - holding.sign_ms)
    if holding.tapped_ms is not None and holding.tapped_ms <= at_ms:
        words += ", tapped it " + _ago(at_ms - holding.tapped_ms)
    return words


def _ago(ms: int) -> str:
    """`12 s before the call`; at or after it: the session was still there."""
    if ms <= 0:
        return "during the call"
    for unit, size in (("days", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        if ms >= 2 * size:
            return f"{ms // size} {unit} before the call"
    return f"{max(1, ms // 1000)} s before the call"
