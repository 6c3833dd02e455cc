"""The trade's usual rule, to compare with: a number is reserved for 20 minutes, and any free one is taken."""

import asyncio
import random
from heapq import heappop, heappush

import msgspec

from dni.replay.events import Sign, Visit
from dni.replay.model import Answer, Candidate, nobody

RESERVED_MS = 20 * 60_000
_SEED = 1


class _Reservation(msgspec.Struct):
    visitor: str
    session: str
    until_ms: int


class Fixed:
    """A visit reserves a random free number; a visitor who comes back while it is his reserves it anew.

    What pages say later changes nothing. A call is credited to whoever has the number reserved, or had it last.
    """

    def __init__(self, numbers: list[str], seed: int = _SEED) -> None:
        self.numbers = numbers
        self.peak = 0
        self._free = list(numbers)
        self._random = random.Random(seed)  # noqa: S311  a simulation
        self._last: dict[str, _Reservation] = {}
        self._ends: list[tuple[int, str]] = []
        self._number_of: dict[str, str] = {}
        self._shown: dict[str, str | None] = {}

    async def visit(self, event: Visit) -> bool:
        self._release(event.t)
        number = self._number_of.get(event.visitor) or self._any_free()
        self._shown[event.session] = number
        if number is None:
            return False
        until_ms = event.t + RESERVED_MS
        self._last[number] = _Reservation(event.visitor, event.session, until_ms)
        self._number_of[event.visitor] = number
        heappush(self._ends, (until_ms, number))
        self.peak = max(self.peak, len(self.numbers) - len(self._free))
        return True

    async def sign(self, event: Sign) -> None:
        pass

    def shown(self, session: str) -> str | None:
        return self._shown.get(session)

    async def ring(self, at_ms: int, number: str, call: str, caller: str | None) -> asyncio.Future[Answer]:
        answered = asyncio.get_running_loop().create_future()
        last = self._last.get(number)
        if last is None:
            answered.set_result(nobody(call, number))
        else:
            method = "current" if at_ms < last.until_ms else "recent"
            answered.set_result(
                Answer(call, number, last.session, None, method, (Candidate(last.session, None),)),
            )
        return answered

    async def finish(self) -> None:
        pass

    def _any_free(self) -> str | None:
        if not self._free:
            return None
        at = self._random.randrange(len(self._free))
        self._free[at], self._free[-1] = self._free[-1], self._free[at]
        return self._free.pop()

    def _release(self, now_ms: int) -> None:
        while self._ends and self._ends[0][0] <= now_ms:
            until_ms, number = heappop(self._ends)
            last = self._last[number]
            if last.until_ms == until_ms:  # else it was reserved anew since
                self._free.append(number)
                del self._number_of[last.visitor]
