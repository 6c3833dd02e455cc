"""Ids that a browser holds and brings back. Each carries our MAC, so a forged or foreign one is as none.

Layout, base64url without padding: payload, then the first 9 bytes of keyed BLAKE2b over kind, scope and payload.
The scope is the tag's id: an id that one tag was given means nothing to another.

    visitor  12 random bytes
    session  6 bytes start (ms), 4 bytes click fingerprint, 8 random bytes
    lease    9 random bytes (the nonce that Redis keeps), 8 bytes number, 6 bytes issue time (ms), 4 bytes target

With its MAC each is a multiple of three bytes, so that Base64 needs no padding. Redis keeps payloads only.

A session id carries its start and its paid click, so that the session rule needs no memory of sessions that hold no
number; a lease id carries its number and its target, so that a signal finds its record and, after Redis was lost, its
way back.
"""

from binascii import Error, a2b_base64, b2a_base64
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

import msgspec

from dni.chance import take

_MAC = 9
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_PLAIN = bytes.maketrans(b"-_", b"+/")
_VISITOR, _SESSION, _LEASE = 12, 18, 27
NONCE = 9


class SessionId(msgspec.Struct, frozen=True, gc=False):
    payload: bytes

    @property
    def started_ms(self) -> int:
        return int.from_bytes(self.payload[:6], "big")

    @property
    def click(self) -> int:
        return int.from_bytes(self.payload[6:10], "big")


class LeaseId(msgspec.Struct, frozen=True, gc=False):
    """`nonce` 9 bytes, `target` 4."""

    nonce: bytes
    number: str
    issued_ms: int
    target: bytes


class Sealer:
    """Makes and checks ids with one secret of at least 16 bytes. Every `open_` answers None for what is not ours."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError("the sealing secret needs at least 16 bytes")
        self._secret = secret[:64]
        # A MAC begins with a copy of the state behind key and scope; there are as many as tags.
        self._state = lru_cache(10_000)(self._make_state)

    def visitor(self, scope: str, payload: bytes) -> str:
        return self._seal(b"visitor", scope, payload)

    def open_visitor(self, scope: str, text: str | None) -> bytes | None:
        """The payload."""
        return self._open(b"visitor", scope, text, _VISITOR)

    def session(self, scope: str, payload: bytes) -> str:
        return self._seal(b"session", scope, payload)

    def open_session(self, scope: str, text: str | None) -> SessionId | None:
        payload = self._open(b"session", scope, text, _SESSION)
        return None if payload is None else SessionId(payload)

    def lease(self, scope: str, nonce: bytes, number: str, issued_ms: int, target: bytes) -> str:
        digits, issued = int(number).to_bytes(8, "big"), issued_ms.to_bytes(6, "big")
        return self._seal(b"lease", scope, nonce + digits + issued + target)

    def open_lease(self, scope: str, text: str | None) -> LeaseId | None:
        payload = self._open(b"lease", scope, text, _LEASE)
        if payload is None:
            return None
        number = f"+{int.from_bytes(payload[9:17], 'big')}"
        return LeaseId(payload[:9], number, int.from_bytes(payload[17:23], "big"), payload[23:])

    def _seal(self, kind: bytes, scope: str, payload: bytes) -> str:
        state = self._state(kind, scope).copy()
        state.update(payload)
        return b2a_base64(payload + state.digest(), newline=False).translate(_URLSAFE).decode()

    def _make_state(self, kind: bytes, scope: str) -> Any:
        state = blake2b(key=self._secret, digest_size=_MAC, person=kind)
        state.update(scope.encode() + b"\0")
        return state

    def _open(self, kind: bytes, scope: str, text: str | None, length: int) -> bytes | None:
        if text is None or len(text) > 64 or not text.isascii():
            return None
        try:
            payload = a2b_base64(text.encode().translate(_PLAIN))[:length]
        except Error:
            return None
        # Compared as text, whole: Base64 has more than one spelling for the same bytes, an id has one.
        return payload if compare_digest(self._seal(kind, scope, payload), text) else None


def new_visitor() -> bytes:
    return take(_VISITOR)


def new_session(now_ms: int, click: int) -> bytes:
    return now_ms.to_bytes(6, "big") + click.to_bytes(4, "big") + take(8)


def new_nonce() -> bytes:
    """A lease's unguessable part."""
    return take(NONCE)
