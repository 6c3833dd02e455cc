"""The options of `dni replay`, checked. Pure."""

from math import isfinite
from pathlib import Path

import msgspec

from dni.errors import BadArgument
from dni.replay.rule import MOST_NUMBERS

HOLD_SECONDS = 120
"""A new pool's hold."""
LONGEST_HOLD_SECONDS = 3600
RULES = ("protected", "fixed")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """As typed; None: not given."""

    events: Path
    numbers: str | None = None
    hold_seconds: str | None = None
    rule: str | None = None
    out: Path | None = None


class Asked(msgspec.Struct, frozen=True):
    """`out` None: standard output."""

    events: Path
    numbers: int
    hold_ms: int
    rule: str
    out: Path | None


def read(given: Given) -> Asked:
    """Raises BadArgument, in one line that names the option and what would be right."""
    rule = given.rule or RULES[0]
    if rule not in RULES:
        raise BadArgument(f"--rule: {' or '.join(RULES)}, not {rule!r}")
    if rule == "fixed" and given.hold_seconds is not None:
        raise BadArgument("--hold-seconds goes with --rule protected: the fixed rule reserves 20 minutes")
    return Asked(given.events, _numbers(given.numbers), _hold_ms(given.hold_seconds), rule, given.out)


def _numbers(text: str | None) -> int:
    if text is None:
        raise BadArgument(f"say --numbers N: how many numbers the pool has, 1 to {MOST_NUMBERS:,}")
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MOST_NUMBERS):
        raise BadArgument(f"--numbers: a whole number from 1 to {MOST_NUMBERS:,}, not {text!r}")
    return int(text)


def _hold_ms(text: str | None) -> int:
    if text is None:
        return HOLD_SECONDS * 1000
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or not 0 <= seconds <= LONGEST_HOLD_SECONDS:
        raise BadArgument(f"--hold-seconds: a number from 0 to {LONGEST_HOLD_SECONDS:,}, not {text!r}")
    return round(seconds * 1000)
