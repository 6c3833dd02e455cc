"""Whose request is next: each endpoint has a lane of its own, so that one that is slow or dead holds up no other. Pure.

A lane takes at most 8 requests at a time, and fewer until it has shown that it answers: one more after each that was
answered, half as many after each that was not. All lanes together take 64. A request that is slow gives its place to
others: places cannot all be taken by those who do not answer.
"""

from collections import deque
from collections.abc import Collection
from typing import NamedTuple

from dni.outbound.circuit import OPENS_AT, Health
from dni.outbound.model import Claim, Endpoint, Kind, Outgoing

ALL, EACH, FIRST = 64, 8, 2
SLOW_MS = 1_000
# Claimed ahead: what a lane sends in this time, as quickly as it answered until now.
_AHEAD_MS, _MOST_AHEAD = 1_000, 200
# A lease must last as long as a request may take, and until what became of it is recorded.
_LEFT_MS = 20_000


class Item(NamedTuple):
    claim: Claim
    outgoing: Outgoing
    probe: bool = False


class Lane:
    def __init__(self, endpoint: Endpoint, kind: Kind) -> None:
        self.endpoint, self.kind = endpoint, kind
        self.waiting: deque[Item] = deque()
        self.under_way = 0
        self.is_ready = False
        self._width = FIRST
        self._failures = 0
        self._took_ms = float(_AHEAD_MS)

    @property
    def may_go(self) -> bool:
        return bool(self.waiting) and self.under_way < self._width

    @property
    def ahead(self) -> int:
        """How many are to be claimed before it is their turn."""
        in_time = self._width * _AHEAD_MS / max(self._took_ms, 1)
        return min(_MOST_AHEAD, max(self._width, round(in_time)) * self.kind.batch)

    @property
    def is_low(self) -> bool:
        return len(self.waiting) * 2 <= self.ahead

    @property
    def room(self) -> int:
        """How many more are to be claimed; 0 where so few are not worth it."""
        ahead = self.ahead
        return ahead - len(self.waiting) if len(self.waiting) * 4 <= ahead * 3 else 0

    def told(self, took_ms: int, *, failed: bool) -> None:
        self._took_ms += (took_ms - self._took_ms) / 8
        self._failures = self._failures + 1 if failed else 0
        self._width = max(1, self._width // 2) if failed else min(EACH, self._width + 1)

    @property
    def is_shut(self) -> bool:
        """Its circuit is about to open."""
        return self._failures >= OPENS_AT


class Turn:
    """What goes out in one request."""

    def __init__(self, lane: Lane, items: list[Item], began_ms: int) -> None:
        self.lane, self.items, self.began_ms = lane, items, began_ms
        self.has_place = True
        self.is_over = False


class Lanes:
    """`left`: claims that are to be given back."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._turns: deque[Turn] = deque()
        self._places = ALL
        self.left: list[Claim] = []

    def keep(self, endpoints: Collection[tuple[Endpoint, Kind]]) -> None:
        """These are all that there are now, with what is set of them now."""
        there = {endpoint.id for endpoint, _ in endpoints}
        for endpoint, kind in endpoints:
            lane = self._lanes.setdefault(endpoint.id, Lane(endpoint, kind))
            lane.endpoint, lane.kind = endpoint, kind
        for gone in self._lanes.keys() - there:
            self._empty(self._lanes.pop(gone))

    def wants(self, its: str, health: Health, now_ms: int) -> tuple[int, bool] | None:
        """How many are to be claimed of an endpoint, and whether as a probe; None: none."""
        lane = self._lanes.get(its)
        if lane is None or health.is_open(now_ms):
            return None
        if health.not_before_ms is not None:
            return None if lane.under_way or lane.waiting else (1, True)
        return (lane.room, False) if lane.room > 0 else None

    def add(self, item: Item) -> None:
        lane = self._lanes.get(item.claim.endpoint)
        if lane is None:
            self.left.append(item.claim)
            return
        lane.waiting.append(item)
        self._queue(lane)

    def next(self, now_ms: int) -> Turn | None:
        """None: nobody may go now."""
        while self._turns and (self._turns[0].is_over or now_ms - self._turns[0].began_ms >= SLOW_MS):
            self._give_place(self._turns.popleft())
        while self._ready and self._places > 0:
            lane = self._ready.popleft()
            lane.is_ready = False
            if not lane.may_go:
                continue
            items = self._take(lane, now_ms)
            if not items:
                continue
            turn = Turn(lane, items, now_ms)
            lane.under_way += 1
            self._places -= 1
            self._turns.append(turn)
            self._queue(lane)
            return turn
        return None

    def over(self, turn: Turn, took_ms: int, *, failed: bool) -> None:
        """`failed`: the endpoint did not answer."""
        turn.is_over = True
        self._give_place(turn)
        lane = turn.lane
        lane.under_way -= 1
        lane.told(took_ms, failed=failed)
        if lane.is_shut:
            self._empty(lane)
        self._queue(lane)

    def empty(self) -> None:
        for lane in self._lanes.values():
            self._empty(lane)

    def _queue(self, lane: Lane) -> None:
        if lane.may_go and not lane.is_ready:
            lane.is_ready = True
            self._ready.append(lane)

    def _empty(self, lane: Lane) -> None:
        self.left += [item.claim for item in lane.waiting]
        lane.waiting.clear()

    def _take(self, lane: Lane, now_ms: int) -> list[Item]:
        """Of one group, the first one's; the others keep their places."""
        items: list[Item] = []
        group: str | None = None
        others: list[Item] = []
        while lane.waiting and len(items) < lane.kind.batch:
            item = lane.waiting.popleft()
            if item.claim.until_ms - now_ms < _LEFT_MS:
                self.left.append(item.claim)
                continue
            its = lane.kind.group(item.outgoing)
            group = its if group is None else group
            (items if its == group else others).append(item)
        lane.waiting.extendleft(reversed(others))
        return items

    def _give_place(self, turn: Turn) -> None:
        self._places += turn.has_place
        turn.has_place = False
