"""Our rule: the real lease engine on a real Valkey, told of the log as the tag would tell it, at the log's time.

Events go out without waiting for each other's answers; one connection keeps them in order. Only what needs an answer
waits: a page must know its number before it says that it shows it, and a beat that may come too late whether it did.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from hashlib import blake2b
from typing import Any, TypeVar
from zlib import crc32

import msgspec
from msgspec.structs import replace

from dni.attribution.delay import Counts, Delay
from dni.attribution.find_holders import find_holders
from dni.attribution.learn import learn
from dni.attribution.match import MOST_CANDIDATES, match
from dni.attribution.model import Earlier, Holding, Match
from dni.attribution.returning import LOOKED_AT, last_call
from dni.live.connection import Live
from dni.pool.keys import Keys
from dni.pool.leases import Lease, Leases, Speaker, Want, target_key
from dni.pool.leases import Sign as LeaseSign
from dni.pool.leases import Visit as PageView
from dni.pool.record import about
from dni.replay.events import Beat, Leave, Sign, Tap, Visit
from dni.replay.model import Answer, Candidate
from dni.seal import Sealer
from dni.session.channels import channel_of
from dni.session.model import Touch, packed

_T = TypeVar("_T")

# What logs call them.
_PHONES = ("mobile", "phone", "smartphone")
_KIND = {Beat: "beat", Leave: "leave", Tap: "tap"}
_CAMPAIGN, _POOL, _TAG, _TARGET = "cmp_replay", "pool_replay", "tag_replay", "+12015550100"

MOST_UNDER_WAY = 256
"""Acts sent and not yet answered. More would gain nothing: by then both sides are busy all the time."""
_FORGET_EVERY = 10_000
"""Events between two clearings of the stream that a recorder would read: nobody does here."""

# A log does not say when a call ends. It is taken to last 3 minutes, the holding time that telephone traffic was long
# planned with, and its number is protected for 5 minutes more, as after every call (call/release.py).
_CALL_MS = (3 + 5) * 60_000

# A signal protects for 1.5 of the beat that is announced, which is never less than 20 s (lua/record.lua).
_SURELY_MS = 30_000
# As the service bounds what it tells a page (tag/lease.py).
_SOONEST_ASK_MS, _LATEST_ASK_MS = 1_000, 60_000


class _Browser(msgspec.Struct):
    """A visitor's. Its cookie holds the session of `newest`."""

    visitor: bytes
    address: int
    region: str | None
    phone: bool | None
    newest: "_Page | None" = None


class _Page(msgspec.Struct):
    """A session of the log: one page that lives as long as it. `number` is what it shows; None: its own.

    `session` is the payload of the engine's session, empty before there is one. Before `surely_ms` the lease cannot
    have ended. Without a number the page asks again at `ask_ms`.
    """

    name: str
    browser: _Browser
    about: bytes
    session: bytes = b""
    seq: int = 0
    number: str | None = None
    nonce: bytes = b""
    started_ms: int = 0
    surely_ms: int = 0
    ask_ms: int = 0
    lease: "_Lease | None" = None


class _Lease(msgspec.Struct):
    """As the ledger would know it: a number's holders are more than the few that Redis keeps."""

    session: bytes
    browser: _Browser
    started_ms: int
    sign_ms: int
    left: bool = False
    tapped_ms: int | None = None
    ended_ms: int | None = None


class Protected:
    """Needs an empty Valkey and a running loop; `start` first, `drop` last.

    Any call raises Unavailable `redis_away` when the server is lost.
    """

    def __init__(self, live: Live, numbers: list[str], hold_ms: int) -> None:
        self.numbers = numbers
        self.peak = 0
        keys = Keys()
        self._live = live
        self._loop = asyncio.get_running_loop()
        self._leases = Leases(live, keys)
        self._shard = keys.shard(_CAMPAIGN)
        self._pool_key, self._events_key = keys.pool(_CAMPAIGN, _POOL), keys.events(self._shard)
        self._hold_ms = hold_ms
        self._sealer = Sealer(bytes(16))
        self._target = target_key(_TAG, _TARGET)
        self._browsers: dict[str, _Browser] = {}
        self._pages: dict[str, _Page] = {}
        self._named: dict[str, str] = {}
        """Session of the log by the engine's session id."""
        self._leased: dict[str, deque[_Lease]] = {}
        """By number, the latest last."""
        self._callers: dict[str, deque[Earlier]] = {}
        """Earlier calls of a telephone, the newest first."""
        self._counts = Counts()
        self._made = 0
        self._counted = self._risen = 0
        """Together never less than the numbers in use."""
        self._under_way: deque[asyncio.Task[Any]] = deque()
        self._until_forgotten = _FORGET_EVERY

    async def start(self) -> None:
        """Puts the numbers into the empty Valkey."""
        await self._leases.place(0, _CAMPAIGN, _POOL, self._hold_ms, self.numbers, [], [])

    async def visit(self, event: Visit) -> bool:
        page = self._pages.get(event.session)
        if page is None:
            page = self._pages[event.session] = self._opened(event)
        page.browser.newest = page
        await self._room()
        return await self._lease(event.t, page)

    async def sign(self, event: Sign) -> None:
        page = self._pages.get(event.session)
        if page is None:
            return
        await self._room()
        if page.number is None:
            if isinstance(event, Beat) and event.t >= page.ask_ms:
                await self._lease(event.t, page)
            return
        # A visitor's newer session takes his number over, however long it was protected.
        at_risk = event.t >= page.surely_ms or page is not page.browser.newest
        said = self._say(event.t, page, _KIND[type(event)])
        if at_risk:
            self._may_rise(event.t)
            _, ended = await said
            if page.nonce in ended:
                # A tap and a leave are parting words: the tag does not hear their answers.
                if isinstance(event, Beat):
                    await self._lease(event.t, page)
                return
        if isinstance(event, Leave):
            page.surely_ms = min(page.surely_ms, event.t + self._hold_ms)
        else:
            page.surely_ms = max(page.surely_ms, event.t + _SURELY_MS + self._hold_ms)

    def shown(self, session: str) -> str | None:
        page = self._pages.get(session)
        return page.number if page else None

    async def ring(self, at_ms: int, number: str, call: str, caller: str | None) -> asyncio.Future[Answer]:
        await self._room()
        # What the ledger knows by now: the answer comes when later lines were read already.
        known = [self._holding(one) for one in self._leased.get(number, ())]
        answered = self._send(self._ring(at_ms, number, call, caller, known))
        self._send(self._leases.hang_up(_CAMPAIGN, _POOL, number, call, at_ms + _CALL_MS))
        self._may_rise(at_ms)
        return answered

    async def finish(self) -> None:
        """Waits for every answer."""
        while self._under_way:
            await self._under_way.popleft()

    async def drop(self) -> None:
        """Whatever still waits is not waited for."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _opened(self, event: Visit) -> _Page:
        browser = self._browsers.get(event.visitor)
        if browser is None:
            address = crc32(event.visitor.encode())  # every visitor is on a network of his own
            browser = self._browsers[event.visitor] = _Browser(
                _digest(event.visitor, 12), address, event.region, event.device in _PHONES if event.device else None
            )
        touch = Touch(source=event.source, medium=event.medium, channel=channel_of(event.source, event.medium))
        return _Page(event.session, browser, about(_TAG, packed(touch)[0]))

    async def _lease(self, now_ms: int, page: _Page) -> bool:
        """The page asks for a number, shows it and says so; or shows its own."""
        browser = page.browser
        newest = browser.newest or page
        self._made += 1
        page.seq += 1
        fresh_session = now_ms.to_bytes(6, "big") + self._made.to_bytes(12, "big")
        view = PageView(
            _CAMPAIGN, newest.session, fresh_session, True, page.name, page.seq, newest.about, b"", browser.address
        )
        want = Want(_POOL, browser.visitor + self._target, self._hold_ms, self._made.to_bytes(9, "big"))
        leased = self._send(self._leases.acquire(now_ms, view, [want]))
        self._may_rise(now_ms)
        fresh, [lease] = await leased
        if fresh:
            newest.session = fresh_session
            self._named[self._sealer.session(_TAG, fresh_session)] = newest.name
        return self._show(now_ms, page, lease)

    def _show(self, now_ms: int, page: _Page, lease: Lease) -> bool:
        if not lease.number:
            page.number = None
            page.ask_ms = now_ms + max(_SOONEST_ASK_MS, min(_LATEST_ASK_MS, lease.wait_ms))
            return False
        if lease.nonce != page.nonce:
            self._begin(now_ms, page, lease)
        page.number, page.nonce, page.started_ms = lease.number, lease.nonce, lease.started_ms
        self._say(now_ms, page, "view")
        page.surely_ms = now_ms + _SURELY_MS + self._hold_ms
        return True

    def _begin(self, now_ms: int, page: _Page, lease: Lease) -> None:
        number = lease.number
        held = self._leased.setdefault(number, deque(maxlen=MOST_CANDIDATES))
        if held and held[-1].started_ms == lease.started_ms:  # another page of its session
            page.lease = held[-1]
            return
        if held:
            held[-1].ended_ms = lease.started_ms
        session = (page.browser.newest or page).session
        page.lease = _Lease(session, page.browser, lease.started_ms, now_ms)
        held.append(page.lease)

    def _holding(self, lease: _Lease) -> Holding:
        browser = lease.browser
        session = self._sealer.session(_TAG, lease.session)
        return Holding(
            session=session,
            visitor=self._sealer.visitor(_TAG, browser.visitor),
            tag=_TAG,
            started_ms=lease.started_ms,
            sign_ms=lease.sign_ms,
            left=lease.left,
            tapped_ms=lease.tapped_ms,
            ended_ms=lease.ended_ms,
            region=browser.region,
            phone=browser.phone,
        )

    def _say(self, now_ms: int, page: _Page, kind: str) -> asyncio.Task[tuple[int, set[bytes]]]:
        assert page.number is not None
        browser = page.browser
        page.seq += 1
        if page.lease is not None and page.lease.ended_ms is None:
            page.lease.sign_ms, page.lease.left = now_ms, kind == "leave"
            if kind == "tap":
                page.lease.tapped_ms = now_ms
        session = (browser.newest or page).session
        speaker = Speaker(_CAMPAIGN, session, page.name, page.seq, page.about, browser.address)
        holding = browser.visitor + self._target
        sign = LeaseSign(kind, page.number, page.nonce, page.started_ms, now_ms, holding)
        return self._send(self._leases.signal(now_ms, speaker, _POOL, self._hold_ms, [sign]))

    async def _ring(self, at_ms: int, number: str, call: str, caller: str | None, older: list[Holding]) -> Answer:
        known = await find_holders(self._leases, self._sealer, at_ms, _CAMPAIGN, _POOL, number, call)
        recorded = {one.session: one for one in older}
        in_redis = [
            replace(one, region=of.region, phone=of.phone) if (of := recorded.get(one.session)) else one
            for one in known.holdings
        ]
        oldest_ms = min((one.started_ms for one in in_redis), default=at_ms)
        holdings = in_redis + [one for one in older if one.started_ms < oldest_ms]
        found = self._whose(at_ms, number, caller, holdings, known.protected_ms)
        candidates = tuple(Candidate(self._named[one.session], one.confidence) for one in found.candidates)
        if found.best is None:
            return Answer(call, number, None, None, "none", candidates)
        return Answer(call, number, candidates[0].session, candidates[0].p, found.method, candidates)

    def _whose(
        self, at_ms: int, number: str, caller: str | None, holdings: list[Holding], protected_until_ms: int
    ) -> Match:
        """Answers from the calls before, and learns from this one."""
        calls = self._callers.setdefault(caller, deque(maxlen=LOOKED_AT)) if caller else deque()
        earlier = last_call(calls, number)
        delay = Delay(self._counts, self._counts)
        found = match(holdings, at_ms, protected_until_ms, number=number, delay=delay, caller=caller, earlier=earlier)
        learn(self._counts, found.lessons)
        calls.appendleft(_as_earlier(at_ms, number, found, holdings, earlier))
        return found

    def _may_rise(self, now_ms: int) -> None:
        """One number more may be in use. They are counted only where that can be more than ever."""
        self._risen += 1
        if self._counted + self._risen > self.peak:
            self._send(self._count(now_ms, self._risen))

    async def _count(self, now_ms: int, risen: int) -> None:
        in_use = await self._live.node(self._shard).send("ZCOUNT", self._pool_key, f"({now_ms}", "+inf")
        self.peak = max(self.peak, in_use)
        self._counted = in_use - risen

    async def _forget(self) -> None:
        await self._live.node(self._shard).send("DEL", self._events_key)

    def _send(self, act: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Tasks begin in the order in which they are made, and each sends its command when it begins."""
        task = self._loop.create_task(act)
        self._under_way.append(task)
        return task

    async def _room(self) -> None:
        """Before an event: as many acts as may be are under way at most. Raises what one of them raised."""
        under_way = self._under_way
        while under_way and (len(under_way) >= MOST_UNDER_WAY or under_way[0].done()):
            await under_way.popleft()
        self._until_forgotten -= 1
        if not self._until_forgotten:
            self._until_forgotten = _FORGET_EVERY
            self._send(self._forget())


def _as_earlier(at_ms: int, number: str, found: Match, holdings: list[Holding], earlier: Earlier | None) -> Earlier:
    known = {one.session: one for one in (*holdings, *(one for one, _ in (earlier.holdings if earlier else ())))}
    return Earlier(
        at_ms,
        number,
        tuple(
            (
                replace(known[one.session], started_ms=at_ms, sign_ms=at_ms, ended_ms=at_ms, tapped_ms=None),
                one.confidence or 0,
            )
            for one in found.candidates
        ),
    )


def _digest(name: str, size: int) -> bytes:
    return blake2b(name.encode(), digest_size=size).digest()
