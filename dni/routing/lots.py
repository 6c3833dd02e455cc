"""Chance that can be asked again: what is drawn for a call stays drawn, on every host and later too. Pure."""

from hashlib import blake2b


def draw(call: str, what: str) -> float:
    """From 0 to below 1, evenly over calls."""
    digest = blake2b(f"{call}|{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
