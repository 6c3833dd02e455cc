"""Signatures of the Standard Webhooks specification, symmetric (`v1`). Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, as it stood in November
2026: HMAC-SHA256 over `id.timestamp.body`, in base64; the timestamp is of the attempt, in seconds; a secret is 24 to 64
random bytes in base64 behind `whsec_`; a header may hold several signatures, separated by a blank, of which one that
holds is enough.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable

from dni.errors import InvalidField

PREFIX = "whsec_"
RANDOM_BYTES = 32


def secret_of(random: bytes) -> str:
    """`random`: 24 to 64 bytes."""
    return PREFIX + b64encode(random).decode()


def checked(secret: str, path: str) -> str:
    """Raises InvalidField for a secret that a library of the specification would not take."""
    try:
        size = len(b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith(PREFIX) or not 24 <= size <= 64:
        raise InvalidField(path, f"{PREFIX} and 24 to 64 random bytes in base64")
    return secret


def headers(secrets: Iterable[str], message: str, at_s: int, body: bytes) -> dict[str, str]:
    """Those of a request: signed with each of the secrets, the newest first."""
    signed = f"{message}.{at_s}.".encode() + body
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    return b64encode(hmac.digest(key, signed, "sha256")).decode()
