"""Sends what others are to be told: claims it, sends it, has it recorded. A process of its own, on each host."""

import asyncio
import logging
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from dni import metrics
from dni.errors import Unavailable
from dni.host.aside import LOWER_BY
from dni.host.worker import TURN_S, freeze_garbage
from dni.ids import new_id
from dni.outbound import backoff, claims, endpoints, health
from dni.outbound.circuit import Told
from dni.outbound.claims import Became, Try, Wanted
from dni.outbound.kinds import KINDS
from dni.outbound.lanes import Item, Lanes, Turn
from dni.outbound.make import make
from dni.outbound.model import Action, Claim, Message, Outgoing, Result, Skip
from dni.outbound.recorder import Done, Recorder
from dni.outbound.send import Exchange, Sender, checked
from dni.parts import Parts
from dni.settings import Settings

log = logging.getLogger("dni.outbound")

_LOOK_S = 0.5
_MAKE_S, _MADE = 0.25, 1_000
# Between claims under load: more are claimed at once.
_BREATH_S = 0.15
_AWAY_S = 0.5
_KNOWN_S = 1.0
_SWEEP_S = 60.0
_COUNT_S = 10.0
# Claims of one transaction. On SQLite others wait for it.
_TOGETHER = {True: 200, False: 2_000}
# Its parent ends the process 8 s after it asked it to end.
_COME_BACK_S, _RECORD_S = 4.0, 1.5
_LONGEST_WHY = 500
# What is too early is not asked about again at once.
_SOONEST_MS = 1_000


async def deliver_all(settings: Settings, stop: asyncio.Event) -> None:
    """The duty, until `stop`."""
    sys.setswitchinterval(TURN_S)
    parts = Parts(settings)
    # On SQLite calls wait for whoever writes: one of low priority would be made to wait in the middle of it.
    if not parts.ledger.is_sqlite:
        os.nice(LOWER_BY)
    await parts.open()
    freeze_garbage()
    try:
        await Deliverer(parts).run(stop)
    finally:
        await parts.close()


class Deliverer:
    """Needs a running event loop."""

    def __init__(self, parts: Parts, chance: Callable[[], float] = random.random) -> None:
        self._parts, self._ledger, self._clock = parts, parts.ledger, parts.clock
        self._chance = chance
        self._sender = Sender(parts.settings, parts.ledger, parts.clock)
        self._lanes = Lanes()
        self._recorder = Recorder(parts.ledger, parts.clock)
        self._due = parts.ledger.lookup(claims.DUE)
        self._work = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._is_ending = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. What is on its way may come back for a while, what waits is for others."""
        claiming = asyncio.create_task(self._claim_all())
        chores = [stop.wait(), self._recorder.run(), self._make_all(), self._sweep_all(), self._count_all()]
        tasks = [claiming, *(asyncio.ensure_future(chore) for chore in chores)]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            await self._end(claiming)
        finally:
            for task in (*tasks, *self._sending):
                task.cancel()
            await asyncio.gather(*tasks, *self._sending, return_exceptions=True)
            await self.close()

    async def once(self) -> int:
        """One round, until what became of it is recorded; how many were claimed. Raises Unavailable."""
        await self.know()
        count = await self.claim()
        while self._sending:
            await asyncio.wait(self._sending)
        await self._recorder.flush()
        return count

    async def close(self) -> None:
        """For who did not `run`."""
        await self._sender.close()

    async def _end(self, claiming: asyncio.Task[None]) -> None:
        self._is_ending = True
        self._work.set()
        await asyncio.wait([claiming], timeout=_RECORD_S)
        self._lanes.empty()
        self._give_back()
        if self._sending:
            await asyncio.wait(self._sending, timeout=_COME_BACK_S)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        try:
            await asyncio.wait_for(self._recorder.wait(), _RECORD_S)
        except TimeoutError:
            log.warning("the ledger is away: what was sent last is sent again")

    async def _make_all(self) -> None:
        while True:
            made = 0
            try:
                made = await make(self._parts, _MADE)
            except Unavailable as error:
                log.debug("what happened waits on: %s", error)
            if made:
                self._work.set()
            if made < _MADE:
                await asyncio.sleep(_MAKE_S)

    async def _claim_all(self) -> None:
        loop = asyncio.get_running_loop()
        known_s = loop.time() - _KNOWN_S
        while not self._is_ending:
            self._work.clear()
            try:
                if loop.time() - known_s >= _KNOWN_S:
                    await self.know()
                    known_s = loop.time()
                await self.claim()
                await asyncio.sleep(_BREATH_S)
            except Unavailable as error:
                log.debug("deliveries wait on: %s", error)
                await asyncio.sleep(_AWAY_S)
            await _within(self._work, _LOOK_S)

    async def know(self) -> None:
        """The endpoints as they are set now. Raises Unavailable."""
        async with self._ledger.read() as connection:
            found = await endpoints.live(connection)
        self._lanes.keep([(one, KINDS[one.kind]) for one in found])
        self._give_back()

    async def claim(self) -> int:
        """Takes what is due, and begins to send it; how many. Raises Unavailable."""
        now_ms = self._clock.now_ms()
        rows = await self._ledger.look(_due(self._due, now_ms))
        wants = [(row["id"], self._lanes.wants(row["id"], health.read(row), now_ms)) for row in rows]
        total = 0
        wanted = [Wanted(its, *one) for its, one in wants if one is not None]
        for some in _slices(wanted, _TOGETHER[self._ledger.is_sqlite]):

            def change(connection: Connection, some: Sequence[Wanted] = some) -> list[Claim]:
                return claims.claim(connection, some, now_ms)

            claimed = await self._ledger.commit(change)
            total += len(claimed)
            if claimed:
                await self._bring(claimed, {one.endpoint for one in some if one.probe})
        return total

    async def _bring(self, claimed: Sequence[Claim], probes: set[str]) -> None:
        """Into the lanes, with their messages."""
        adjustments = [one for one in claimed if one.action == "adjust"]
        try:
            async with self._ledger.read() as connection:
                rows = await claims.messages(connection, sorted({one.seq for one in claimed}))
                former = await claims.conversions(connection, adjustments) if adjustments else {}
            converts = await self._convert([one for one in adjustments if (one.endpoint, one.subject) not in former])
        except Unavailable:
            self._recorder.give_back(claimed)
            raise
        messages = {row.seq: _message(row) for row in rows if row.data is not None}
        for one in claimed:
            action: Action = "convert" if one.id in converts else one.action
            its = former.get((one.endpoint, one.subject)) if action == "adjust" else None
            if one.seq not in messages:
                self._skip(one, "who it tells of was forgotten before it could be sent")
            elif action == "adjust" and not (its and its.is_delivered):
                self._skip(one, "the conversion itself was not sent")
            else:
                outgoing = Outgoing(
                    delivery=one.id,
                    message=messages[one.seq],
                    action=action,
                    attempts=one.attempts,
                    former=its.kept if its else None,
                )
                self._lanes.add(Item(one, outgoing, one.endpoint in probes))
        self._fill()

    async def _convert(self, these: Sequence[Claim]) -> set[str]:
        """Of adjustments whose conversion was skipped, for something was missing: those that are conversions now."""
        if not these:
            return set()
        return set(await self._ledger.commit(lambda connection: claims.convert(connection, these)))

    def _skip(self, claim: Claim, why: str) -> None:
        self._recorder.put(Done(claim.endpoint, "", [_skipped(claim, why, self._clock.now_ms())]))

    def _fill(self) -> None:
        now_ms = self._clock.now_ms()
        while not self._is_ending and (turn := self._lanes.next(now_ms)) is not None:
            task = asyncio.create_task(self._send(turn))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        self._give_back()

    def _give_back(self) -> None:
        self._recorder.give_back(self._lanes.left)
        self._lanes.left = []

    async def _send(self, turn: Turn) -> None:
        """Cancelled, or without the ledger, it gives its claims back."""
        lane, told, took_ms = turn.lane, None, 0
        items, became = self._checked(turn)
        try:
            if items:
                exchange = await self._sender.send(lane.kind, lane.endpoint, [item.outgoing for item in items])
                took_ms, told = exchange.took_ms, _told(turn, exchange.results, self._clock.now_ms())
                became += self._became(turn, items, exchange)
        except (Unavailable, asyncio.CancelledError):
            self._recorder.give_back(item.claim for item in items)
        self._lanes.over(turn, took_ms, failed=told is not None and told.why is not None)
        self._recorder.put(Done(lane.endpoint.id, lane.kind.name, became, told))
        if lane.is_low:
            self._work.set()
        self._fill()

    def _checked(self, turn: Turn) -> tuple[list[Item], list[Became]]:
        """What is to be sent, and what became of the rest."""
        items: list[Item] = []
        became: list[Became] = []
        now_ms = self._clock.now_ms()
        for item in turn.items:
            missing = checked(turn.lane.kind, turn.lane.endpoint, item.outgoing, now_ms)
            if missing is None:
                items.append(item)
            elif isinstance(missing, Skip):
                became.append(_skipped(item.claim, missing.why, now_ms))
            else:
                due_ms = max(missing.at_ms, now_ms + _SOONEST_MS)
                became.append(Became(item.claim, "waiting", due_ms, None, _bounded(missing.why)))
        return items, became

    def _became(self, turn: Turn, items: Sequence[Item], exchange: Exchange) -> Iterator[Became]:
        now_ms = self._clock.now_ms()
        for item, result in zip(items, exchange.results, strict=True):
            claim = item.claim
            state, due_ms, why = backoff.after(result, claim.attempts + 1, claim.at_ms, now_ms, self._chance())
            tried = Try(
                id=new_id("att", turn.began_ms),
                at_ms=turn.began_ms,
                took_ms=exchange.took_ms,
                result=result.state,
                status=exchange.status,
                why=_bounded(result.why),
                answer=exchange.answer,
            )
            done_ms = None if state == "waiting" else now_ms
            kept = exchange.kept.get(claim.id)
            yield Became(claim, state, due_ms, done_ms, _bounded(why), tried, exchange.request, kept)

    async def _sweep_all(self) -> None:
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                log.debug("what waits for too long waits on: %s", error)
            await asyncio.sleep(_SWEEP_S)

    async def sweep(self) -> int:
        """Gives up what waits for too long for endpoints that do not answer; how many. Raises Unavailable."""
        async with self._ledger.read() as connection:
            silent = await health.that_are_open(connection)
        total = 0
        for its in silent:
            swept = claims.SWEPT
            while swept == claims.SWEPT:
                now_ms = self._clock.now_ms()

                def change(connection: Connection, its: str = its, now_ms: int = now_ms) -> int:
                    return claims.give_up(connection, its, now_ms)

                swept = await self._ledger.commit(change)
                total += swept
        return total

    async def _count_all(self) -> None:
        while True:
            try:
                async with self._ledger.read() as connection:
                    metrics.WAITING.set(await claims.count_waiting(connection))
            except Unavailable as error:
                log.debug("deliveries that wait are not counted: %s", error)
            await asyncio.sleep(_COUNT_S)


def _due(due: Any, now_ms: int) -> Any:
    rows = yield due, {"now": now_ms}
    return rows


def _slices(wanted: Sequence[Wanted], most: int) -> Iterator[list[Wanted]]:
    some: list[Wanted] = []
    for one in wanted:
        if some and sum(each.most for each in some) + one.most > most:
            yield some
            some = []
        some.append(one)
    if some:
        yield some


def _message(row: Any) -> Message:
    data = msgspec.json.decode(row.data)
    return Message(seq=row.seq, id=row.id, type=row.type, at_ms=row.at_ms, subject=row.subject_id, data=data)


def _skipped(claim: Claim, why: str, now_ms: int) -> Became:
    return Became(claim, "skipped", now_ms, now_ms, _bounded(why))


def _told(turn: Turn, results: Sequence[Result], now_ms: int) -> Told:
    """An endpoint that takes one message, or refuses it for what it is, answers."""
    failures = [result for result in results if result.state == "again" and result.failed]
    failed = len(failures) == len(results)
    return Told(
        at_ms=now_ms,
        why=_bounded(failures[0].why or "it failed") if failed else None,
        delivered=any(result.state == "delivered" for result in results),
        probe=any(item.probe for item in turn.items),
        after_ms=max(result.after_ms for result in failures) if failed else 0,
    )


def _bounded(why: str | None) -> str | None:
    return None if why is None else why.replace("\x00", "")[:_LONGEST_WHY]


async def _within(event: asyncio.Event, seconds: float) -> None:
    """Until it is set, or so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
