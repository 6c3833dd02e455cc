"""Two looks a second at what happened to calls, while somebody listens, for all who listen to this process."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import msgspec

from dni.access.model import Principal
from dni.call import news
from dni.call.news import OVERLAP_MS, CallNews
from dni.dashboard import live_words, overview_rows
from dni.dashboard.today import Today
from dni.errors import DniError, Unavailable
from dni.parts import Parts

# Events that one look reads, and calls that a page is told of; of more it learns that it is out of date.
_MOST_NEWS = 500
_MOST_TOLD = 40
_QUEUED = 100
_FIGURES_MS = 5_000  # after a call, no sooner again
_VISITS_MS = 30_000  # visits come without a call

Walls = tuple[str | None, str | None, str, bool, bool]


class Limits(msgspec.Struct, frozen=True):
    """`life_s`: a stream ends and is asked for anew, so that who signed out or lost his token hears no more."""

    listeners: int = 100
    every_s: float = 0.5
    life_s: float = 50.0
    silence_s: float = 15.0


class Listener:
    """Who hears what is within his walls. `over` is set when he does not keep up."""

    def __init__(self, principal: Principal, zone: ZoneInfo, *, wants_figures: bool) -> None:
        self.principal, self.zone, self.wants_figures = principal, zone, wants_figures
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(_QUEUED)
        self.over = asyncio.Event()

    def hear(self, message: bytes) -> None:
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.over.set()

    def tell(self, changed: Sequence[CallNews], now_ms: int) -> None:
        own = {one.id: one for one in changed if self.principal.reaches(one.campaign, one.publisher)}
        if len(own) > _MOST_TOLD or len(changed) == _MOST_NEWS:
            self.hear(live_words.STALE)
            return
        for one in own.values():
            self.hear(live_words.of_call(one, self.principal, self.zone, now_ms))

    @property
    def walls(self) -> Walls:
        """Who sees the same figures: also what money is his to know."""
        who = self.principal
        return who.campaign, who.publisher, self.zone.key, who.sees_payout, who.sees_revenue


class Watch:
    def __init__(self, parts: Parts, limits: Limits) -> None:
        self._parts = parts
        self.limits = limits
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._figures: dict[Walls, tuple[Today, int]] = {}

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Raises Unavailable when as many as may listen do."""
        self.check_room()
        self._listeners.add(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._look_on())
        try:
            yield
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

    @property
    def is_watched(self) -> bool:
        return bool(self._listeners)

    def check_room(self) -> None:
        if len(self._listeners) >= self.limits.listeners:
            raise Unavailable("as many pages are live as may be", code="too_many_listeners", retry_after_s=60)

    async def missed(self, after_ms: int) -> Sequence[CallNews]:
        """What happened since somebody last heard."""
        return await news.since(self._parts.ledger, after_ms - OVERLAP_MS, _MOST_NEWS)

    async def _look_on(self) -> None:
        seen_ms, told = self._parts.clock.now_ms(), frozenset[str]()
        while True:
            await asyncio.sleep(self.limits.every_s)
            now_ms = self._parts.clock.now_ms()
            try:
                found = await self.missed(seen_ms)
                fresh = found if len(found) == _MOST_NEWS else [one for one in found if one.event not in told]
                for listener in list(self._listeners):
                    listener.tell(fresh, now_ms)
                seen_ms, told = now_ms, frozenset(one.event for one in found)
                await self._bring_figures(fresh, now_ms)
            except DniError:
                continue  # the ledger is away: the next look may reach it, and goes as far back

    async def _bring_figures(self, fresh: Sequence[CallNews], now_ms: int) -> None:
        """Once for all inside the same walls."""
        by_walls: dict[Walls, list[Listener]] = {}
        for listener in (one for one in self._listeners if one.wants_figures):
            by_walls.setdefault(listener.walls, []).append(listener)
        self._figures = {walls: known for walls, known in self._figures.items() if walls in by_walls}
        for walls, listeners in by_walls.items():
            principal, zone = listeners[0].principal, listeners[0].zone
            today, at_ms = self._figures.setdefault(walls, (Today(self._parts, principal, zone), now_ms))
            is_due = any(principal.reaches(one.campaign, one.publisher) for one in fresh)
            if now_ms - at_ms < (_FIGURES_MS if is_due else _VISITS_MS):
                continue
            self._figures[walls] = today, now_ms
            figures = overview_rows.figures((await today.hours()).today())
            for listener in listeners:
                listener.hear(live_words.of_figures(figures))
