"""Records what became of deliveries, of many requests in one transaction: they come faster than transactions do."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection

from dni import metrics
from dni.clock import Clock
from dni.errors import Unavailable
from dni.ledger.engines import Ledger
from dni.outbound.circuit import Told
from dni.outbound.claims import Became, Recording
from dni.outbound.model import Claim

log = logging.getLogger("dni.outbound")

# Rows of one transaction. On SQLite others wait for it.
_TOGETHER = {True: 150, False: 1_000}
# Between transactions: more come meanwhile.
_BREATH_S = 0.2
_AWAY_S = 0.5
# That an endpoint answers is news once in so long.
_HEALTHY_MS = 1_000


class Done(msgspec.Struct, frozen=True):
    """A request that is over, or (`told` None) what became of deliveries without one."""

    endpoint: str
    kind: str
    became: list[Became]
    told: Told | None = None


class Recorder:
    """Of one process. `left` are claims that are given back."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock
        self._recording = Recording(ledger)
        self._together = _TOGETHER[ledger.is_sqlite]
        self._done: list[Done] = []
        self._left: list[Claim] = []
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._healthy: dict[str, int] = {}

    def put(self, done: Done) -> None:
        self._done.append(done)
        self._wake()

    def give_back(self, left: Iterable[Claim]) -> None:
        self._left += left
        self._wake()

    async def run(self) -> None:
        """Until cancelled. What was not recorded then is sent again, by whoever claims it next."""
        while True:
            await self._news.wait()
            try:
                await self.flush()
                self._news.clear()
                await asyncio.sleep(_BREATH_S)
            except Unavailable as error:
                log.debug("what became of deliveries waits to be recorded: %s", error)
                await asyncio.sleep(_AWAY_S)

    async def flush(self) -> None:
        """Raises Unavailable."""
        while self._done or self._left:
            await self._record()
        self._idle.set()

    async def wait(self) -> None:
        """Until all is recorded."""
        await self._idle.wait()

    def _wake(self) -> None:
        if self._done or self._left:
            self._idle.clear()
            self._news.set()

    async def _record(self) -> None:
        now_ms = self._clock.now_ms()
        count = rows = 0
        while count < len(self._done) and rows < self._together:
            rows += len(self._done[count].became)
            count += 1
        done, left = self._done[:count], self._left[: self._together]
        became = [one for each in done for one in each.became]
        told = self._news_of(done, now_ms)

        def change(connection: Connection) -> None:
            self._recording.record(connection, became, told, now_ms)
            self._recording.give_back(connection, left)

        await self._ledger.commit(change)
        del self._done[:count], self._left[: len(left)]
        for its, all_told in told.items():
            self._healthy[its] = now_ms if all_told[-1].why is None else 0
        for (kind, state), many in Counter((each.kind, one.state) for each in done for one in each.became).items():
            metrics.DELIVERIES.labels(kind, state).inc(many)

    def _news_of(self, done: Iterable[Done], now_ms: int) -> dict[str, list[Told]]:
        found: dict[str, list[Told]] = {}
        for one in done:
            if one.told is not None:
                found.setdefault(one.endpoint, []).append(one.told)
        return {
            its: all_told
            for its, all_told in found.items()
            if now_ms - self._healthy.get(its, 0) >= _HEALTHY_MS
            or any(told.why is not None or told.probe for told in all_told)
        }
