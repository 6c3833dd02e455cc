"""How a pool was used, counted from its leases by the hour; and spans of time counted by their length. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec

HOUR_MS = 3_600_000
SILENT_MS = 90_000
"""How long a number counts as in use for a page that never gave a sign: such a lease is protected for a beat and a
half, and a beat is 20 s to 120 s."""

_S, _MIN, _H, _D = 1_000, 60_000, HOUR_MS, 24 * HOUR_MS
BOUNDS_MS = (
    *(round(n * _S) for n in (2, 3, 5, 7, 10, 15, 20, 30, 45)),
    *(round(n * _MIN) for n in (1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45)),
    *(round(n * _H) for n in (1, 1.5, 2, 3, 4, 6, 8, 12, 16)),
    *(round(n * _D) for n in (1, 1.5, 2, 3, 4, 7, 10, 14, 21, 28)),
)
"""Spans are counted between these: each is at most twice the one before. The first count is of those below the first
bound, the last of those from the last bound on. The ledger's counts mean these: to change them takes a migration."""


class Lease(msgspec.Struct, frozen=True, gc=False):
    """`signed`: it gave a sign after its start, or said that it left."""

    started_ms: int
    last_sign_ms: int
    ended_ms: int | None
    signed: bool
    session: str
    pool: str

    def free_ms(self, hold_ms: int) -> int:
        """When its number was free again: a hold after the last sign, or when another session got it."""
        free_ms = self.last_sign_ms + hold_ms if self.signed else self.started_ms + SILENT_MS
        return free_ms if self.ended_ms is None else min(free_ms, self.ended_ms)


class Hour(msgspec.Struct):
    """A row of `pool_hour`, see there. Counts of spans end with the last that is not 0."""

    begun: int = 0
    peak: int = 0
    busy_ms: int = 0
    exhausted: int = 0
    no_region: int = 0
    visits: int = 0
    visit_ms: int = 0
    gaps: list[int] = msgspec.field(default_factory=list)
    credited: int = 0
    stated: float = 0.0
    delays: list[int] = msgspec.field(default_factory=list)

    @property
    def unserved(self) -> int:
        return self.exhausted + self.no_region

    def lacks(self, before: "Hour") -> bool:
        """Leases or sessions of the hour were forgotten since it was counted before."""
        return self.begun < before.begun or self.unserved < before.unserved or sum(self.gaps) < sum(before.gaps)


class Counting:
    """Counts a pool's leases, number by number, by the hours of `from_ms` (within) to `to_ms` (not), whole hours."""

    def __init__(self, pool: str, hold_ms: int, from_ms: int, to_ms: int) -> None:
        self._pool, self._hold_ms = pool, hold_ms
        self._from_ms, self._to_ms = from_ms, to_ms
        self._hours: dict[int, Hour] = {}
        # By hour, when numbers came into use and were free again: moments doubled, and one more for the former. Sorted,
        # a number that is free at the moment in which another comes into use stands before it.
        self._turns: dict[int, list[int]] = {}

    def hour(self, at_ms: int) -> Hour:
        began_ms = at_ms // HOUR_MS * HOUR_MS
        found = self._hours.get(began_ms)
        if found is None:
            found = self._hours[began_ms] = Hour()
        return found

    def number(self, leases: Sequence[Lease]) -> None:
        """All leases of one number that began in the hours, the last one before them and the first one after, in order.

        Those of another pool tell only when the number was used before or again.
        """
        for place, lease in enumerate(leases):
            if lease.pool != self._pool:
                continue
            after = leases[place + 1] if place + 1 < len(leases) else None
            if self._from_ms <= lease.started_ms < self._to_ms:
                self._began(lease, leases[place - 1] if place else None, is_over=after is not None)
            free_ms = lease.free_ms(self._hold_ms)
            self._used(lease.started_ms, free_ms if after is None else min(free_ms, after.started_ms))

    def hours(self) -> dict[int, Hour]:
        """By when they began, those in which there was anything."""
        for began_ms, turns in self._turns.items():
            hour, in_use = self._hours[began_ms], 0
            for turn in sorted(turns):
                in_use += 1 if turn & 1 else -1
                hour.peak = max(hour.peak, in_use)
        self._turns.clear()
        return self._hours

    def _began(self, lease: Lease, before: Lease | None, *, is_over: bool) -> None:
        hour = self.hour(lease.started_ms)
        hour.begun += 1
        if is_over:
            hour.visits += 1
            hour.visit_ms += lease.last_sign_ms - lease.started_ms
        if before is not None and before.session != lease.session:
            add(hour.gaps, lease.started_ms - before.last_sign_ms)

    def _used(self, from_ms: int, to_ms: int) -> None:
        from_ms, to_ms = max(from_ms, self._from_ms), min(to_ms, self._to_ms)
        while from_ms < to_ms:
            began_ms = from_ms // HOUR_MS * HOUR_MS
            until_ms = min(to_ms, began_ms + HOUR_MS)
            self.hour(from_ms).busy_ms += until_ms - from_ms
            self._turns.setdefault(began_ms, []).extend((2 * from_ms + 1, 2 * until_ms))
            from_ms = until_ms


def add(counts: list[int], span_ms: int) -> None:
    """Counts one more span; one below 0 as 0."""
    place = bisect_right(BOUNDS_MS, span_ms)
    counts.extend([0] * (place + 1 - len(counts)))
    counts[place] += 1


def summed(several: Iterable[Sequence[int]]) -> list[int]:
    total = [0] * (len(BOUNDS_MS) + 1)
    for counts in several:
        for place, count in enumerate(counts):
            total[place] += count
    return total


def below(counts: Sequence[int], bound_ms: int) -> int:
    """How many spans were shorter than this, which is one of BOUNDS_MS."""
    return sum(counts[: BOUNDS_MS.index(bound_ms) + 1])


def quantile(counts: Sequence[int], share: float) -> int | None:
    """The span (ms) that `share` (0..1) of them do not reach, within the bounds it is counted by; None: there is none.

    Within two bounds logarithms are taken to lie evenly; beyond the last one it is that.
    """
    left = share * sum(counts)
    for place, count in enumerate(counts):
        if count and left <= count:
            return _within(place, left / count)
        left -= count
    return None


def sample(counts: Sequence[int], most: int) -> tuple[float, ...]:
    """At most so many spans in seconds, ascending, for all of them alike; of those below the first bound 0."""
    total = sum(counts)
    number = min(most, total)
    taken = (quantile(counts, (each + 0.5) / number) or 0 for each in range(number))
    return tuple(0.0 if ms < BOUNDS_MS[0] else ms / 1000 for ms in taken)


def _within(place: int, part: float) -> int:
    if place == len(BOUNDS_MS):
        return BOUNDS_MS[-1]
    high = BOUNDS_MS[place]
    return round(high * part if place == 0 else BOUNDS_MS[place - 1] * (high / BOUNDS_MS[place - 1]) ** part)
