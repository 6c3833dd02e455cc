"""Ids that a browser holds and brings back. Each carries our MAC, so a forged or foreign one is as none.

Layout, base64url without padding: payload, then the first 9 bytes of keyed BLAKE2b over kind, scope and payload.
The scope is the tag's id: an id that one tag was given means nothing to another.

    visitor  12 random bytes
    session  6 bytes start (ms), 4 bytes click fingerprint, 8 random bytes
    lease    9 random bytes (the nonce that Redis keeps), 8 bytes number, 7 bytes issue time (ms)

With its MAC each is a multiple of three bytes, so that Base64 needs no padding.

A session id carries its start and its paid click, so that the session rule needs no memory of sessions that hold no
number; a lease id carries its number, so that a signal finds its record and, after Redis was lost, its way back.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import b2a_base64
from hashlib import blake2b
from hmac import compare_digest

import msgspec

from dni.chance import take

_MAC = 9
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_KINDS = (b"visitor", b"session", b"lease")


class SessionId(msgspec.Struct, frozen=True):
    started_ms: int
    click: int


class LeaseId(msgspec.Struct, frozen=True):
    nonce: str
    number: str
    issued_ms: int


class Sealer:
    """Makes and checks ids with one secret of at least 16 bytes. Every `open_` answers None for what is not ours."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError("the sealing secret needs at least 16 bytes")
        # A keyed state for each kind, made once; a MAC begins with a copy of it.
        self._states = {kind: blake2b(key=secret[:64], digest_size=_MAC, person=kind) for kind in _KINDS}

    def visitor(self, scope: str) -> str:
        return self._seal(b"visitor", scope, take(12))

    def is_visitor(self, scope: str, text: str | None) -> bool:
        return self._open(b"visitor", scope, text, 12) is not None

    def session(self, scope: str, now_ms: int, click: int) -> str:
        payload = now_ms.to_bytes(6, "big") + click.to_bytes(4, "big") + take(8)
        return self._seal(b"session", scope, payload)

    def open_session(self, scope: str, text: str | None) -> SessionId | None:
        payload = self._open(b"session", scope, text, 18)
        if payload is None:
            return None
        return SessionId(int.from_bytes(payload[:6], "big"), int.from_bytes(payload[6:10], "big"))

    def lease(self, scope: str, nonce: str, number: str, issued_ms: int) -> str:
        payload = urlsafe_b64decode(nonce) + int(number[1:]).to_bytes(8, "big") + issued_ms.to_bytes(7, "big")
        return self._seal(b"lease", scope, payload)

    def open_lease(self, scope: str, text: str | None) -> LeaseId | None:
        payload = self._open(b"lease", scope, text, 24)
        if payload is None:
            return None
        number = f"+{int.from_bytes(payload[9:17], 'big')}"
        return LeaseId(urlsafe_b64encode(payload[:9]).decode(), number, int.from_bytes(payload[17:], "big"))

    def _seal(self, kind: bytes, scope: str, payload: bytes) -> str:
        state = self._states[kind].copy()
        state.update(scope.encode() + b"\0" + payload)
        return b2a_base64(payload + state.digest(), newline=False).translate(_URLSAFE).decode()

    def _open(self, kind: bytes, scope: str, text: str | None, length: int) -> bytes | None:
        if text is None or len(text) > 64 or not text.isascii():
            return None
        try:
            raw = urlsafe_b64decode(text)
        except ValueError:
            return None
        payload = raw[:length]
        # Compared as text, whole: Base64 has more than one spelling for the same bytes, an id has one.
        return payload if compare_digest(self._seal(kind, scope, payload), text) else None


def new_nonce() -> str:
    """A lease's unguessable part: 9 random bytes, 12 characters."""
    return urlsafe_b64encode(take(9)).decode()
