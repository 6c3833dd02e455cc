"""Hashes and verifies passwords: Argon2id with the low-memory profile of RFC 9106 (64 MiB, 3 passes, 4 lanes).

Both take some 50 ms and 64 MiB, so they run in threads of their own, two at a time.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Literal, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from dni.errors import Unavailable

AT_ONCE = 2
# Whoever comes behind so many would wait for more than a second.
_WAITING = 40

Verdict = Literal["right", "right_but_old", "wrong"]
"""`right_but_old`: hashed with other parameters than ours are now."""

T = TypeVar("T")

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


class _Turns:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "password")
        self._waiting = 0

    async def run(self, act: Callable[..., T], *arguments: str | None) -> T:
        if self._waiting >= _WAITING:
            raise Unavailable("too many people sign in at this moment", code="sign_in_busy")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, act, *arguments)
        finally:
            self._waiting -= 1


_turns = _Turns()


async def hashed(password: str) -> str:
    """As a PHC string. Raises Unavailable."""
    return await _turns.run(_hasher.hash, password)


async def verify(password: str, known: str | None) -> Verdict:
    """`known` None: there is none, which takes as long to find out and is `wrong`. Raises Unavailable."""
    return await _turns.run(_verify, password, known)


def _verify(password: str, known: str | None) -> Verdict:
    nobodys = _of_nobody()  # also where it is not needed: the first time must not tell either
    try:
        _hasher.verify(known or nobodys, password)
    except (VerificationError, InvalidHashError):
        return "wrong"
    if known is None:
        return "wrong"
    return "right_but_old" if _hasher.check_needs_rehash(known) else "right"


@lru_cache(1)
def _of_nobody() -> str:
    return _hasher.hash("the password of nobody")
