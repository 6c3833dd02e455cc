"""Ids of ledger rows: a prefix that names the noun, then time and chance, so that they sort by age."""

import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]


def new_id(prefix: str, now_ms: int) -> str:
    """`cmp_01jd…`: 10 characters of time (ms, sorts until the year 10889) and 12 of chance (60 bits)."""
    return f"{prefix}_{_base32(now_ms, 10)}{_base32(secrets.randbits(60), 12)}"


def first_id(prefix: str, ms: int) -> str:
    """Before every id that was made at `ms` or later, after all earlier ones."""
    return f"{prefix}_{_base32(ms, 10)}"


def time_of(made: str) -> int:
    """When an id was made. Raises ValueError for what is none."""
    value = 0
    for digit in made.partition("_")[2][:10]:
        value = value << 5 | _ALPHABET.index(digit)
    return value


def new_key() -> str:
    """A tag's public key: 14 characters, 70 random bits; it is no secret, only hard to collide with."""
    return _base32(secrets.randbits(70), 14)


def _base32(value: int, length: int) -> str:
    """`length` is even."""
    pairs = []
    for _ in range(length // 2):
        pairs.append(_PAIRS[value & 1023])
        value >>= 10
    return "".join(reversed(pairs))
