"""When a delivery that failed is tried again, and when it is given up. Pure."""

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


def is_given_up(at_ms: int, now_ms: int) -> bool:
    return now_ms - at_ms >= GIVEN_UP_MS
