"""Whether an endpoint answers, as a fold over what became of its requests: one that does not is left alone. Pure.

closed    fewer than 5 failures in a row: all that is due is sent
open      until `not_before_ms`: nothing is sent
probing   from then on: one request. It fails: open, for twice as long; it does not: closed
"""

from collections.abc import Iterable

import msgspec

OPENS_AT = 5
FIRST_MS, LONGEST_MS = 5_000, 300_000


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`failures` in a row, of which the last was told as `why`."""

    failures: int = 0
    failing_since_ms: int | None = None
    not_before_ms: int | None = None
    delivered_ms: int | None = None
    failed_ms: int | None = None
    why: str | None = None

    def is_open(self, now_ms: int) -> bool:
        return self.not_before_ms is not None and now_ms < self.not_before_ms


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request. `why` of a failure that the endpoint is to blame for; None: it answers. `delivered`:
    whether it took what was sent. `probe`: whether it was sent to see if it answers again. `after_ms`: how long it
    asked to be left alone."""

    at_ms: int
    why: str | None = None
    delivered: bool = True
    probe: bool = False
    after_ms: int = 0


def after(health: Health, all_told: Iterable[Told]) -> Health:
    for told in all_told:
        health = _answered(health, told) if told.why is None else _failed(health, told)
    return health


def _answered(health: Health, told: Told) -> Health:
    return Health(
        delivered_ms=told.at_ms if told.delivered else health.delivered_ms,
        failed_ms=health.failed_ms,
        why=health.why,
    )


def _failed(health: Health, told: Told) -> Health:
    # Requests that were under way when it opened say nothing new.
    counts = health.not_before_ms is None or told.probe
    failures = health.failures + counts
    not_before_ms = health.not_before_ms
    if counts and failures >= OPENS_AT:
        pause_ms = min(LONGEST_MS, FIRST_MS * 2 ** min(failures - OPENS_AT, 10))
        not_before_ms = told.at_ms + max(pause_ms, min(told.after_ms, LONGEST_MS))
    return Health(
        failures=failures,
        failing_since_ms=health.failing_since_ms or told.at_ms,
        not_before_ms=not_before_ms,
        delivered_ms=health.delivered_ms,
        failed_ms=told.at_ms,
        why=told.why,
    )
