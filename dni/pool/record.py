"""A lease record as the scripts keep it (lua/record.lua), read for a call. The scripts alone write it."""

from functools import lru_cache
from struct import Struct

import msgspec

# Big-endian, as HEAD in lua/record.lua: nonce, session, holding, then times of 6 bytes, beat of 3, four small counts.
_HEAD = Struct(">9s18s16s6s6s6s6s3s4B")
HEAD_BYTES = _HEAD.size
_PAGE, _CALL = 9, 14
_TAG = "tag_"  # begins every tag's id
_HOLDING = 27
_STARTED = 43  # where a record tells when it began
_ALL_LEFT = 2
_VISITOR = 12  # bytes of a holding; the rest stands for tag and target


class Holder(msgspec.Struct, frozen=True):
    """A present or past holder of a number. `session` and `visitor` are payloads of ids (`dni.seal`).

    `ended_ms` None: holds it still. `left`: its last sign was that its last page is gone. `beat_ms`: the longest that a
    page of it went without a sign. `touch`, for `session.model.unpacked`, is empty when the lease was taken back after
    Redis was lost.
    """

    session: bytes
    visitor: bytes
    tag: str
    nonce: bytes
    started_ms: int
    sign_ms: int
    left: bool
    beat_ms: int
    tapped_ms: int | None
    touch: bytes
    ended_ms: int | None


def about(tag: str, touch: bytes) -> bytes:
    """What a call needs to know of a session beside its ids: opaque to the scripts."""
    return _of_tag(tag) + touch


@lru_cache(10_000)
def _of_tag(tag: str) -> bytes:
    # Five records a number: each byte spared here is five.
    bare = tag.removeprefix(_TAG).encode()
    return b"%c%s" % (len(bare), bare)


def told(raw: bytes) -> tuple[str, bytes]:
    """Tag and touch of an `about`."""
    return _TAG + raw[1 : 1 + raw[0]].decode(), raw[1 + raw[0] :]


def holders(current: bytes, past: list[bytes]) -> list[Holder]:
    """The present holder first (when `current` is not empty), then past ones, the latest first.

    A lease ends in the moment in which the next on its number begins.
    """
    found: list[Holder] = []
    ended_ms = None
    for raw in [*([current] if current else []), *sorted(past, key=_started, reverse=True)]:
        found.append(_unpacked(raw, ended_ms))
        ended_ms = found[-1].started_ms
    return found


def one(raw: bytes) -> Holder:
    """A record by itself: when its lease ended it does not tell."""
    return _unpacked(raw, None)


def is_nobodys(raw: bytes) -> bool:
    """Whether its holder was forgotten (lua/forget.lua)."""
    return not any(raw[_HOLDING : _HOLDING + 16])


def _started(raw: bytes) -> bytes:
    return raw[_STARTED : _STARTED + 6]


def _unpacked(raw: bytes, ended_ms: int | None) -> Holder:
    nonce, session, holding, started, sign, _, tapped, beat, signalled, _, pages, calls = _HEAD.unpack_from(raw)
    tag, touch = told(raw[_HEAD.size + pages * _PAGE + calls * _CALL :])
    return Holder(
        session=session,
        visitor=holding[:_VISITOR],
        tag=tag,
        nonce=nonce,
        started_ms=int.from_bytes(started, "big"),
        sign_ms=int.from_bytes(sign, "big"),
        left=signalled == _ALL_LEFT,
        beat_ms=int.from_bytes(beat, "big"),
        tapped_ms=int.from_bytes(tapped, "big") or None,
        touch=touch,
        ended_ms=ended_ms,
    )
