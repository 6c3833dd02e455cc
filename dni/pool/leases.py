"""The lease engine's door in Python: values in, one script, values out. Rules of leasing are in `lua/`."""

from collections.abc import AsyncIterator
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Any
from zlib import crc32

import msgspec

from dni.errors import Unavailable
from dni.live.commands import ask
from dni.live.connection import Live
from dni.live.scripts import call
from dni.pool.keys import Keys
from dni.pool.record import HEAD_BYTES, Holder, holders

# Most stream entries that may wait for the recorder, per shard, give or take a second's: about 900 bytes each, so at
# most some 180 MB.
MAX_BACKLOG = 200_000

_RUN_ID = 40  # bytes; a pool's state begins with it
_NO_SESSION = bytes(18)
_SCANNED = 500  # fields a round trip, some 100 kB
# As lua/acquire.lua and lua/signal.lua unpack them.
_ACQUIRE = Struct(">6s40sss18s18s4sII")
_WANT = Struct(">16sI9s")
_SIGNAL = Struct(">6s40ss18s4sIIsII")
_SIGN = Struct(">s9s6s6s16s")
_NEWS = Struct(">18sI")  # as lua/news.lua


class Want(msgspec.Struct, frozen=True, gc=False):
    """One target of a page and the pool that its rule chose. `nonce` (9 bytes) is used if a lease begins.

    `region`, for a pool with regions: the visitor's, '' for numbers that serve anywhere. `strict`: it and no other.
    """

    pool: str
    holding: bytes
    hold_ms: int
    nonce: bytes
    region: str | None = None
    strict: bool = False


class Visit(msgspec.Struct, frozen=True, gc=False):
    """A page view, for `acquire`.

    Sessions are payloads of ids, 18 bytes; `session` is empty for none. `about` is kept with the lease, `event` is what
    the recorder will read, both packed. `address` is a checksum of the network address.
    """

    campaign: str
    session: bytes
    fresh_session: bytes
    may_go_on: bool
    page: str
    seq: int
    about: bytes
    event: bytes
    address: int


class Lease(msgspec.Struct, frozen=True, gc=False):
    """What a target got. `outcome`: new, same, or exhausted, no_region, recovering, rate_limited.

    Without a number `wait_ms`: when to ask again.
    """

    outcome: str
    number: str
    nonce: bytes
    started_ms: int
    beat_ms: int
    wait_ms: int


class Sign(msgspec.Struct, frozen=True, gc=False):
    """One signal about one lease; `kind`: beat view set hide leave tap."""

    kind: str
    number: str
    nonce: bytes
    started_ms: int
    at_ms: int
    holding: bytes


class Speaker(msgspec.Struct, frozen=True, gc=False):
    """Who signals: a page of a session. `session` empty: the page did not tell it. `idle`: its reader does nothing.

    `beat_ms`: the beat that the page goes by; 0: it did not tell.
    """

    campaign: str
    session: bytes
    page: str
    seq: int
    about: bytes
    address: int
    idle: bool = False
    beat_ms: int = 0


class News(msgspec.Struct, frozen=True, gc=False):
    """News of a session, for `tell`. `event`: what the recorder will read, packed.

    `late`: late clicks, each as `session.model.packed_late` makes it. Calls that ring from now on are credited to them,
    on whatever of `holdings` and `numbers` in `pools` is this session's.
    """

    session: bytes
    event: bytes
    late: list[bytes]
    pools: set[str]
    holdings: list[bytes]
    numbers: set[str]


class Rung(msgspec.Struct, frozen=True, gc=False):
    """Of a number that rings: until when (ms; 0: unknown) it was protected before, and its holders, the present first.

    `sure_ms`: since when (ms; 0: always) the pool has surely not forgotten a lease that is shown.
    """

    protected_ms: int
    sure_ms: int
    holders: list[Holder]


class Forgotten(msgspec.Struct, frozen=True):
    """A record (`field` of the pool's hash) that names `session`, and what it shall know instead."""

    field: bytes
    session: bytes
    instead: bytes
    about: bytes


class PoolMissing(Exception):
    """A pool is not in this Redis: place it from the ledger, then ask again."""


class Leases:
    def __init__(self, live: Live, keys: Keys, max_backlog: int = MAX_BACKLOG) -> None:
        self._live = live
        self._keys = keys
        self._max_backlog = max_backlog
        # Bounded by the configuration; spares putting the same texts together for every page view.
        self._of_pool = lru_cache(10_000)(self._make_of_pool)
        self._of_campaign = lru_cache(10_000)(self._make_of_campaign)

    async def acquire(self, now_ms: int, visit: Visit, wants: list[Want]) -> tuple[bool, list[Lease]]:
        """Whether the fresh session began, and one Lease for each want, in order. One round trip.

        Raises PoolMissing, Unavailable `recorder_behind` or `redis_away`; nothing is leased then.
        """
        shard, events = self._of_campaign(visit.campaign)
        keys = [events]
        head = _ACQUIRE.pack(
            now_ms.to_bytes(6, "big"),
            self._live.node(shard).run_id.encode(),
            b"1" if visit.may_go_on else b"0",
            b"1" if visit.session else b"0",
            visit.session or _NO_SESSION,
            visit.fresh_session,
            page_key(visit.page),
            visit.seq,
            self._max_backlog,
        )
        args: list[Any] = [head, visit.about, visit.event]
        for want in wants:
            pool, leases, address = self._of_pool(visit.campaign, want.pool)
            keys += (pool, leases, f"{address}{visit.address}")
            packed = _WANT.pack(want.holding, want.hold_ms, want.nonce)
            if want.region is not None:
                packed += (b"s" if want.strict else b"p") + want.region.encode()
            args.append(packed)
        answer = await call(self._live, shard, "acquire", keys, args)
        if answer == b"missing":
            raise PoolMissing
        if answer == b"recorder_behind":
            raise Unavailable("too much waits to be recorded", code="recorder_behind")
        fresh, *given = answer
        return fresh == 1, [Lease(o.decode(), n.decode(), c, s, b, w) for o, n, c, s, b, w in given]

    async def signal(
        self, now_ms: int, speaker: Speaker, pool: str, hold_ms: int, signs: list[Sign]
    ) -> tuple[int, set[bytes]]:
        """A beat (ms) to announce, 0 when the page goes by it already, and the nonces of leases that ended.

        One round trip. Raises PoolMissing, Unavailable `redis_away`.
        """
        shard, events = self._of_campaign(speaker.campaign)
        pool_key, leases, address = self._of_pool(speaker.campaign, pool)
        head = _SIGNAL.pack(
            now_ms.to_bytes(6, "big"),
            self._live.node(shard).run_id.encode(),
            b"1" if speaker.session else b"0",
            speaker.session or _NO_SESSION,
            page_key(speaker.page),
            speaker.seq,
            hold_ms,
            b"1" if speaker.idle else b"0",
            speaker.beat_ms,
            self._max_backlog,
        )
        args: list[Any] = [head, speaker.about]
        for sign in signs:
            began, at = sign.started_ms.to_bytes(6, "big"), sign.at_ms.to_bytes(6, "big")
            packed = _SIGN.pack(sign.kind[:1].encode(), sign.nonce, began, at, sign.holding)
            args.append(packed + sign.number.encode())
        keys = [pool_key, leases, events, f"{address}{speaker.address}"]
        answer = await call(self._live, shard, "signal", keys, args)
        if answer == b"missing":
            raise PoolMissing
        beat, *ended = answer
        return beat, set(ended)

    async def tell(self, campaign: str, told: News) -> bool:
        """Tells the recorder news of a session; False when too much waits for it. Calls have late clicks either way.

        One round trip. Raises Unavailable `redis_away`.
        """
        shard, events = self._of_campaign(campaign)
        pools = told.pools if told.late else ()
        keys = [events, *(self._of_pool(campaign, pool)[1] for pool in pools)]
        head = _NEWS.pack(told.session, self._max_backlog)
        args = [head, told.event, b"".join(told.holdings), b" ".join(number.encode() for number in told.numbers)]
        answer: int = await call(self._live, shard, "news", keys, [*args, *told.late])
        return answer == 1

    async def place(
        self,
        now_ms: int,
        campaign: str,
        pool: str,
        hold_ms: int,
        fresh: list[str],
        known: list[str],
        retired: list[str],
        regions: dict[str, str] | None = None,
    ) -> int:
        """Puts numbers in and takes retired ones out; `fresh` were never in a Redis, `known` were.

        `regions`, for a pool that has any: number -> region; one that is left out serves anywhere. Answers how many
        known ones were lost with the whole pool, which is then recovering.
        """
        shard, _ = self._of_campaign(campaign)
        pool_key, leases, _ = self._of_pool(campaign, pool)
        if regions is not None:
            fresh, known = ([f"{number}@{regions.get(number, '')}" for number in some] for some in (fresh, known))
        head = [now_ms, self._live.node(shard).run_id, hold_ms, 0 if regions is None else 1, len(fresh), len(known)]
        args = [*head, *fresh, *known, *retired]
        lost: int = (await call(self._live, shard, "place", [pool_key, leases], args))[1]
        return lost

    async def trust(self, campaign: str, pool: str, former_run_id: str) -> None:
        """The server was stopped in order and forgot nothing: a pool that knew its former run goes on at once."""
        shard, _ = self._of_campaign(campaign)
        _, leases, _ = self._of_pool(campaign, pool)
        node = self._live.node(shard)
        state = await node.send("HGET", leases, "state")
        if state and state[:_RUN_ID] == former_run_id.encode():
            await node.send("HSET", leases, "state", node.run_id.encode() + state[_RUN_ID:])

    async def ring(self, now_ms: int, campaign: str, pool: str, number: str, call_id: str) -> Rung:
        """Protects the number for the call and tells who held it. One round trip."""
        shard, _ = self._of_campaign(campaign)
        pool_key, leases, _ = self._of_pool(campaign, pool)
        args = [now_ms, number, _call_key(call_id)]
        protected_ms, sure_ms, current, *past = await call(self._live, shard, "ring", [pool_key, leases], args)
        return Rung(protected_ms, sure_ms, holders(current, past))

    async def hang_up(self, campaign: str, pool: str, number: str, call_id: str, until_ms: int) -> None:
        shard, _ = self._of_campaign(campaign)
        pool_key, leases, _ = self._of_pool(campaign, pool)
        await call(self._live, shard, "hangup", [pool_key, leases], [number, _call_key(call_id), until_ms])

    async def records(self, campaign: str, pool: str) -> AsyncIterator[tuple[bytes, bytes]]:
        """Field and record of every present and past holder, some of them twice. Raises Unavailable `redis_away`."""
        shard, _ = self._of_campaign(campaign)
        _, leases, _ = self._of_pool(campaign, pool)
        cursor = b"0"
        while True:
            cursor, flat = await ask(self._live, shard, "HSCAN", leases, cursor, "COUNT", _SCANNED)
            for field, value in zip(flat[::2], flat[1::2], strict=True):
                if field[:1] == b"+" and field[-1:] != b"@" and len(value) >= HEAD_BYTES:
                    yield field, value
            if cursor == b"0":
                return

    async def forget(self, campaign: str, pool: str, before_ms: int, forgotten: list[Forgotten]) -> int:
        """How many records name nobody now. A record with a sign at `before_ms` or later stays as it is."""
        shard, _ = self._of_campaign(campaign)
        _, leases, _ = self._of_pool(campaign, pool)
        args: list[Any] = [before_ms]
        for one in forgotten:
            args += (one.field, one.session, one.instead, one.about)
        changed: int = await call(self._live, shard, "forget", [leases], args)
        return changed

    def _make_of_pool(self, campaign: str, pool: str) -> tuple[str, str, str]:
        """Pool, leases, and an address counter without the address."""
        address = self._keys.address(campaign, pool, 0)[:-1]
        return self._keys.pool(campaign, pool), self._keys.leases(campaign, pool), address

    def _make_of_campaign(self, campaign: str) -> tuple[str, str]:
        """Shard and events."""
        shard = self._keys.shard(campaign)
        return shard, self._keys.events(shard)


def page_key(page: str) -> bytes:
    """A page among the at most eight of its session."""
    return crc32(page.encode()).to_bytes(4, "big")


@lru_cache(10_000)
def target_key(tag: str, target: str) -> bytes:
    """What makes a holding of a visitor: 4 bytes that stand for a tag's target."""
    return blake2b(f"{tag}|{target}".encode(), digest_size=4).digest()


def _call_key(call_id: str) -> bytes:
    return blake2b(call_id.encode(), digest_size=8).digest()
