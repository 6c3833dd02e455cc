"""What a rule of giving out numbers must do to be replayed, and the numbers that it gives out."""

import asyncio
from typing import Protocol

from dni.replay.events import Sign, Visit
from dni.replay.model import Answer

# North American area codes have no N11 and, for now, no N9X; each holds the hundred numbers kept for fiction.
_AREAS = [f"{area}" for area in range(201, 1000) if area % 100 != 11 and area // 10 % 10 != 9]
MOST_NUMBERS = 100 * len(_AREAS)


class Rule(Protocol):
    """Told every event in time order; effects of one are there before the next.

    It is never told which session makes a call: `shown` is asked for what the caller dials, `ring` gets the number and
    the caller's, as a carrier tells them.
    """

    numbers: list[str]
    peak: int
    """Most numbers in use at one moment; final after `finish`."""

    async def visit(self, event: Visit) -> bool:
        """Whether the visit got a number."""

    async def sign(self, event: Sign) -> None: ...

    def shown(self, session: str) -> str | None:
        """The tracking number that the session's page shows now, or showed last; None: its own number."""

    async def ring(self, at_ms: int, number: str, call: str, caller: str | None) -> asyncio.Future[Answer]: ...

    async def finish(self) -> None: ...


def fictional_numbers(count: int) -> list[str]:
    """At most MOST_NUMBERS, ascending."""
    return [f"+1{_AREAS[i // 100]}55501{i % 100:02}" for i in range(count)]
