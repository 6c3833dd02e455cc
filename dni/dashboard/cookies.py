"""What a reader's browser holds: a signed statement of who he is, or that a sign-in form was ours. Pure.

Layout: base64url(MessagePack of the value), a dot, base64url(keyed BLAKE2b over kind and value). Nothing in it is
secret but its CSRF token, which only our own pages show again.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest
from typing import TypeVar

import msgspec

SIGNED_IN_MS = 12 * 3_600_000
FORM_MS = 3_600_000

_MAX_LENGTH = 1024  # far above any cookie of ours


class SignedIn(msgspec.Struct, frozen=True, tag=True):
    """`sign_in` is looked up anew on each request, with whom it is of: what ends there is over at once. `credential` is
    the `mark` of what no row stands for, the admin's own token: another one ends what the former began; else empty."""

    sign_in: str
    csrf: str
    expires_ms: int
    credential: str = ""


class Form(msgspec.Struct, frozen=True, tag=True):
    """Given with the sign-in form, so that a foreign page cannot sign a visitor in as somebody else."""

    csrf: str
    expires_ms: int


Value = TypeVar("Value", SignedIn, Form)


class CookieSealer:
    """`secret` has 32 bytes and is shared by all hosts of an installation."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, value: SignedIn | Form) -> str:
        payload = msgspec.msgpack.encode(value)
        return f"{_text(payload)}.{_text(self._mac(payload))}"

    def open(self, kind: type[Value], text: str | None, now_ms: int) -> Value | None:
        """The value, or None for what is forged, of another kind, or over."""
        if not text or len(text) > _MAX_LENGTH or not text.isascii():
            return None
        try:
            payload, mac = (urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text.split("."))
        except ValueError:
            return None
        if not compare_digest(mac, self._mac(payload)):
            return None
        try:
            value = msgspec.msgpack.decode(payload, type=kind)
        except msgspec.ValidationError:
            return None
        return value if value.expires_ms > now_ms else None

    def mark(self, text: str) -> str:
        """Tells one secret text from another, and nothing of it to who does not hold our key."""
        return blake2b(text.encode(), key=self._secret, digest_size=12, person=b"credential").hexdigest()

    def _mac(self, payload: bytes) -> bytes:
        return blake2b(payload, key=self._secret, digest_size=24, person=b"dashboard").digest()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
