"""What the scripts tell the recorder (lua/acquire.lua, lua/signal.lua), unpacked. News passes whole (lua/news.lua)."""

from typing import Literal

import msgspec

_OUTCOMES = {"n": "new", "s": "same", "e": "exhausted", "o": "no_region", "r": "recovering", "l": "rate_limited"}
_TIMES = 12  # bytes of two times


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What one target got. `ended`: start and last sign (ms) of the lease that a new one ended on that number."""

    word: str
    number: str
    ended: tuple[int, int] | None


class Heard(msgspec.Struct, frozen=True, gc=False):
    """A signal that the ledger is to know; `kind`: leave, tap, or ended (by a lease that was taken back)."""

    kind: Literal["leave", "tap", "ended"]
    started_ms: int
    at_ms: int
    number: str


def outcomes(raw: bytes) -> tuple[bool, list[Outcome]]:
    """Whether the fresh session began, and what each target of the page view got, in order."""
    found, at = [], 1
    while at < len(raw):
        end = at + 2 + raw[at + 1]
        word, number = _OUTCOMES[chr(raw[at])], raw[at + 2 : end].decode()
        if raw[end : end + 1] == b"1":
            at = end + 1 + _TIMES
            found.append(Outcome(word, number, _times(raw[end + 1 : at])))
        else:
            at = end + 1
            found.append(Outcome(word, number, None))
    return raw[:1] == b"1", found


def heard(raw: bytes) -> Heard:
    kind: Literal["leave", "tap", "ended"] = "leave" if raw[:1] == b"l" else "tap" if raw[:1] == b"t" else "ended"
    return Heard(kind, *_times(raw[1 : 1 + _TIMES]), raw[1 + _TIMES :].decode())


def _times(raw: bytes) -> tuple[int, int]:
    return int.from_bytes(raw[:6], "big"), int.from_bytes(raw[6:], "big")
