"""What the body of an answer says, where it says what was expected. Pure."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def answered(body: bytes, form: type[T]) -> T | None:
    """Null for anything else: whoever answers is not to be trusted, so it may be any 64 KiB."""
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def without(text: str, secret: str) -> str:
    """Its beginning, as people may read it: whoever refuses a token likes to say which."""
    return text.replace(secret, "•••")[:500]
