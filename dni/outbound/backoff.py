"""What becomes of a delivery after a try: when it is tried again, and when it is given up. Pure."""

from typing import NamedTuple

from dni.outbound.model import Result, State

FIRST_MS, FACTOR, LONGEST_MS = 5_000, 3, 6 * 3_600_000
GIVEN_UP_MS = 72 * 3_600_000
"""After its message was made, or after somebody asked that it be sent again."""


def pause_ms(attempts: int, chance: float) -> int:
    """Before the next try, when there were so many; `chance` is from 0 to 1.

    Any time up to a bound that grows: what failed together is not tried together again. "Full jitter" of
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (October 2026).
    """
    longest: int = min(LONGEST_MS, FIRST_MS * FACTOR ** min(attempts - 1, 20))
    return round(chance * longest)


class Next(NamedTuple):
    """`due_ms`: while it waits."""

    state: State
    due_ms: int
    why: str | None


def after(result: Result, attempts: int, at_ms: int, now_ms: int, chance: float) -> Next:
    """`attempts` with this one; `at_ms` is when it was made, or last asked to be sent again."""
    if result.state != "again":
        return Next(result.state, now_ms, result.why)
    if now_ms - at_ms >= GIVEN_UP_MS:
        return Next("dead", now_ms, f"given up after 72 hours: {result.why}")
    return Next("waiting", now_ms + max(result.after_ms, pause_ms(attempts, chance)), result.why)
