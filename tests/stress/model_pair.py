"""The real engine and its plain model, always asked the same: every difference between them is an error.

In front of them stands what dni/tag/lease.py and dni/tag/signal.py make of a request; the tag never sends `ago_ms`.
"""

import asyncio
from itertools import count
from typing import Any

from dni.live.connection import Live
from dni.pool.keys import Keys
from dni.pool.leases import Leases, PoolMissing, Speaker, Visit, Want, target_key
from dni.pool.leases import Sign as Told
from dni.pool.record import about
from tests.stress.plain import ROOMY_MS, TIGHT_MS, Plain, Sign, Wanted
from tests.stress.tab import LeaseAnswer, Leased, Request, SignalAnswer

CAMPAIGN, POOL, TAG = "cmp_1", "pool_1", "tag_1"
ABOUT = about(TAG, b"{}")
_MAY_GO_ON_MS = 4 * 3_600_000
_MISSING_RETRY_MS = 5_000
_FIELDS_A_NUMBER = 6
_RECORD = 84 + 8 * 9 + 4 * 14 + len(ABOUT)  # bytes: head, pages, calls
_BEAT = slice(52, 55)  # in the pool's state


class Pair:
    """One pool on a server of its own run; `given` are all leases ever."""

    def __init__(self, live: Live, prefix: str, hold_ms: int) -> None:
        keys = Keys(prefix)
        self.hold_ms = hold_ms
        self.numbers: set[str] = set()
        self.given: list[Leased] = []
        self._real = Leases(live, keys)
        self._node = live.node(keys.shard(CAMPAIGN))
        self._node.run_id = f"{0:040x}"
        self.plain = Plain(self._node.run_id)
        self._pool, self._leases = keys.pool(CAMPAIGN, POOL), keys.leases(CAMPAIGN, POOL)
        self._events = keys.events(keys.shard(CAMPAIGN))
        self._fields: dict[bytes, bytes] = {}
        self._made = count(1)

    # Requests of tabs, at the moment in which they arrive.

    async def lease(self, now: int, request: Request, address: int) -> LeaseAnswer:
        tab = request.tab
        visitor = request.visitor or self._new(12)
        brought = request.session if request.visitor else b""
        began, click = int.from_bytes(brought[:6], "big"), int.from_bytes(brought[6:10], "big")
        may_go_on = bool(brought) and now - began <= _MAY_GO_ON_MS
        session = brought if tab.click in (0, click) else b""
        new_session = now.to_bytes(6, "big") + tab.click.to_bytes(4, "big") + self._new(8)
        wanted = [Wanted(visitor + target_key(TAG, target), self._new(9)) for target in tab.targets]
        visit = Visit(CAMPAIGN, session, new_session, may_go_on, tab.page, request.seq, ABOUT, b"event", address)
        wants = [Want(POOL, want.holding, self.hold_ms, want.nonce) for want in wanted]
        try:
            fresh, leases = await self._real.acquire(now, visit, wants)
        except PoolMissing:
            assert self.plain.missing
            return LeaseAnswer(visitor, session or new_session, ROOMY_MS // 2, {}, 0, "recovering", _MISSING_RETRY_MS)
        await self._look()
        limited = [lease.outcome == "rate_limited" for lease in leases]
        expected = self.plain.acquire(
            now,
            self._node.run_id,
            self.hold_ms,
            self._beat_ms(),
            session,
            new_session,
            may_go_on,
            tab.page,
            request.seq,
            address,
            wanted,
            limited,
        )
        waits = [lease.wait_ms for lease in leases]
        if self.plain.unsure:  # a number is free later than the plain model knows
            waits = [min(wait, one.wait_ms) for wait, one in zip(waits, expected[1], strict=True)]
        outcomes = [(lease.outcome, lease.number, lease.nonce) for lease in leases]
        got = fresh, [(*outcome, wait) for outcome, wait in zip(outcomes, waits, strict=True)]
        assert got == expected, f"{got} instead of {expected}"
        self._compare()
        leased, refused, retry_ms, beat_ms = {}, "", 60_000, ROOMY_MS // 2
        for target, lease in zip(tab.targets, leases, strict=True):
            if lease.number:
                leased[target] = Leased(lease.nonce, lease.number, lease.started_ms, target)
                beat_ms = lease.beat_ms
                assert TIGHT_MS <= beat_ms <= ROOMY_MS
            else:
                refused, retry_ms = lease.outcome, max(1_000, min(retry_ms, lease.wait_ms))
        self.given += [one for one in leased.values() if one not in self.given]
        protected_ms = beat_ms * 3 // 2 + self.hold_ms
        retry_ms = retry_ms if refused else 0
        session = new_session if fresh else session
        return LeaseAnswer(visitor, session, beat_ms, leased, protected_ms, refused, retry_ms)

    async def signal(
        self,
        now: int,
        kind: str,
        page: str,
        seq: int,
        visitor: bytes,
        session: bytes,
        named: list[Leased],
        goes_by: int,
    ) -> SignalAnswer | None:
        """None: refused, for the pool is lost; the page is to say it again."""
        signs = [
            Sign(kind, one.number, one.nonce, one.started_ms, visitor + target_key(TAG, one.target)) for one in named
        ]
        speaker = Speaker(CAMPAIGN, session, page, seq, about(TAG, b""), 0, beat_ms=goes_by)
        told = [Told(kind, one.number, one.nonce, one.started_ms, now, one.holding) for one in signs]
        before, scores = self._fields, self.plain.scores
        try:
            beat_ms, ended = await self._real.signal(now, speaker, POOL, self.hold_ms, told)
        except PoolMissing:
            assert self.plain.missing
            return None
        assert beat_ms == 0 or TIGHT_MS <= beat_ms <= ROOMY_MS
        await self._look()
        expected = self.plain.signal(now, self._node.run_id, self.hold_ms, self._beat_ms(), session, page, seq, signs)
        assert ended == expected, f"{ended} ended instead of {expected}"
        assert not beat_ms or beat_ms != goes_by
        acted_on = {one.number for one in named if one.nonce not in ended}
        if not acted_on:
            assert _without_state(before) == _without_state(self._fields)
            assert scores == self._scores
        for one in named:
            if one.number not in acted_on:
                assert before.get(one.number.encode()) == self._fields.get(one.number.encode())
        self._compare()
        return SignalAnswer(ended, beat_ms)

    # What the service does by itself.

    async def place(self, now: int, fresh: list[str], known: list[str], retired: list[str]) -> None:
        self.numbers |= {*fresh, *known}
        await self._real.place(now, CAMPAIGN, POOL, self.hold_ms, fresh, known, retired)
        await self._look()
        self.plain.place(now, self._node.run_id, self.hold_ms, fresh, known, retired)
        self._compare()

    async def lose(self) -> None:
        await self._node.send("DEL", self._pool, self._leases)
        self.plain.lose()
        await self._look()

    def restart(self) -> None:
        """The server is another process now, which may have forgotten something."""
        self._node.run_id = f"{next(self._made):040x}"

    async def ring(self, now: int, number: str, call: str) -> bool:
        """Whether the number had a holder, which protects it."""
        rung = await self._real.ring(now, CAMPAIGN, POOL, number, call)
        assert rung.protected_ms == self.plain.scores.get(number, 0)
        record = self.plain.records.get(number)
        assert [one.nonce for one in rung.holders[:1]] == ([record.nonce] if record else [])
        rang = self.plain.ring(now, number, call)
        await self._look()
        self._compare()
        return rang

    async def hang_up(self, number: str, call: str, until_ms: int) -> None:
        await self._real.hang_up(CAMPAIGN, POOL, number, call, until_ms)
        self.plain.hang_up(number, call, until_ms)
        await self._look()
        self._compare()

    async def close(self) -> None:
        await self._node.send("UNLINK", self._pool, self._leases, self._events)

    def is_sure(self, now: int) -> bool:
        """Nothing can be taken back."""
        return not self.plain.missing and self.plain.run == self._node.run_id and self.plain.recovering_until <= now

    def protected_ms(self, number: str) -> int:
        """Until when nobody else can get it: a pool that recovers gives none."""
        return max(self.plain.scores[number], self.plain.recovering_until)

    async def _look(self) -> None:
        fields, scores = await asyncio.gather(
            self._node.send("HGETALL", self._leases), self._node.send("ZRANGE", self._pool, 0, -1, "WITHSCORES")
        )
        self._fields = dict(_pairs(fields))
        self._scores = {number.decode(): int(score) for number, score in _pairs(scores)}

    def _compare(self) -> None:
        """Scores are as expected, or higher where the engine cannot know better; its memory is bounded."""
        plain = self.plain
        assert self._scores.keys() == plain.scores.keys()
        for number, score in self._scores.items():
            expected = plain.scores[number]
            over = score - expected
            assert over == 0 or (over > 0 and number in plain.unsure), f"{number} is protected {over} ms too long"
        plain.scores, plain.unsure = self._scores, set()
        assert len(self._fields) <= 1 + _FIELDS_A_NUMBER * len(self.numbers)
        assert all(len(value) <= _RECORD for value in self._fields.values())

    def _beat_ms(self) -> int:
        return int.from_bytes(self._fields[b"state"][_BEAT], "big") if b"state" in self._fields else TIGHT_MS

    def _new(self, size: int) -> bytes:
        return next(self._made).to_bytes(size, "big")


def _pairs(flat: list[Any]) -> list[tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _without_state(fields: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {name: value for name, value in fields.items() if name != b"state"}
