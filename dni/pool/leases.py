"""The lease engine's door in Python: values in, one script, values out. Rules of leasing are in `lua/`."""

from functools import lru_cache
from typing import Any

import msgspec

from dni.errors import Unavailable
from dni.live.connection import Live
from dni.live.scripts import call
from dni.pool.keys import Keys

# Most stream entries that may wait for the recorder, per shard, give or take a second's: about 600 bytes each, so at
# most some 100 MB.
MAX_BACKLOG = 200_000


class Want(msgspec.Struct, frozen=True):
    """One target of a page and the pool that its rule chose. `nonce` is used if a lease begins."""

    target: str
    pool: str
    hold_ms: int
    nonce: str


class Visit(msgspec.Struct, frozen=True):
    """A page view, for `acquire`. `session` is '' for none; `event` is what the recorder will read, packed."""

    campaign: str
    tag: str
    visitor: str
    session: str
    fresh_session: str
    may_go_on: bool
    page: str
    seq: int
    touch: bytes
    event: bytes


class Lease(msgspec.Struct, frozen=True):
    """What a target got. `outcome`: new, same, exhausted, recovering. Without a number `wait_ms`: when to ask again."""

    outcome: str
    number: str
    nonce: str
    started_ms: int
    beat_ms: int
    wait_ms: int


class Sign(msgspec.Struct, frozen=True):
    """One signal about one lease; `kind`: beat view set hide leave tap."""

    kind: str
    number: str
    nonce: str
    started_ms: int
    at_ms: int


class Speaker(msgspec.Struct, frozen=True):
    """Who signals: a page of a session on a tag."""

    campaign: str
    tag: str
    session: str
    visitor: str
    page: str
    seq: int


class Holder(msgspec.Struct, frozen=True):
    """A present or past holder of a number, as a call needs it. `ended_ms` None: holds it still."""

    session: str
    visitor: str
    tag: str
    nonce: str
    started_ms: int
    sign_ms: int
    tapped_ms: int | None
    touch: bytes
    ended_ms: int | None


class PoolMissing(Exception):
    """A pool is not in this Redis: place it from the ledger, then ask again."""


class Leases:
    def __init__(self, live: Live, keys: Keys, max_backlog: int = MAX_BACKLOG) -> None:
        self._live = live
        self._keys = keys
        self._max_backlog = max_backlog
        # Bounded by the configuration; spares putting the same texts together for every page view.
        self._pool_keys = lru_cache(10_000)(self._make_pool_keys)
        self._campaign_keys = lru_cache(10_000)(self._make_campaign_keys)

    async def acquire(self, now_ms: int, visit: Visit, wants: list[Want]) -> tuple[str, list[Lease]]:
        """The page's session id and one Lease for each want, in order. One round trip.

        Raises PoolMissing, Unavailable `recorder_behind` or `redis_away`; nothing is leased then.
        """
        holdings, events, past = self._campaign_keys(visit.campaign)
        keys = [holdings, events]
        args: list[Any] = [
            now_ms,
            self._live.run_id,
            visit.session,
            visit.fresh_session,
            "1" if visit.may_go_on else "0",
            visit.visitor,
            visit.tag,
            visit.page,
            visit.seq,
            visit.touch,
            visit.event,
            past,
            self._max_backlog,
        ]
        for want in wants:
            keys += self._pool_keys(visit.campaign, want.pool)
            args += (want.target, want.hold_ms, want.nonce)
        answer = await call(self._live, "acquire", keys, args)
        first = answer[0].decode()
        if first == "missing":
            raise PoolMissing
        if first == "recorder_behind":
            raise Unavailable("too much waits to be recorded", code="recorder_behind")
        return first, [Lease(o.decode(), n.decode(), c.decode(), s, b, w) for o, n, c, s, b, w in answer[1:]]

    async def signal(
        self, now_ms: int, speaker: Speaker, pool: str, hold_ms: int, signs: list[Sign]
    ) -> tuple[int, set[str]]:
        """A new beat in ms to announce (0: unchanged) and the nonces of leases that ended. One round trip."""
        holdings, events, past = self._campaign_keys(speaker.campaign)
        keys = [*self._pool_keys(speaker.campaign, pool), holdings, events]
        args: list[Any] = [
            now_ms,
            self._live.run_id,
            speaker.session,
            speaker.visitor,
            speaker.tag,
            speaker.page,
            speaker.seq,
            hold_ms,
            past,
            self._max_backlog,
        ]
        for sign in signs:
            args += (sign.kind, sign.number, sign.nonce, sign.started_ms, sign.at_ms)
        beat, *ended = await call(self._live, "signal", keys, args)
        return beat, {nonce.decode() for nonce in ended}

    async def place(
        self,
        now_ms: int,
        campaign: str,
        pool: str,
        hold_ms: int,
        fresh: list[str],
        known: list[str],
        retired: list[str],
    ) -> int:
        """Puts numbers in and takes retired ones out; `fresh` were never in a Redis, `known` were.

        Answers how many known ones were lost with the whole pool, which is then recovering.
        """
        pool_key, state, _ = self._pool_keys(campaign, pool)
        args = [now_ms, self._live.run_id, hold_ms, len(fresh), len(known), *fresh, *known, *retired]
        lost: int = (await call(self._live, "place", [pool_key, state], args))[1]
        return lost

    async def ring(self, now_ms: int, campaign: str, pool: str, number: str, call_id: str) -> tuple[int, list[Holder]]:
        """Protects the number for the call. Answers until when it was protected before (ms; 0: unknown) and its
        holders, the present one first. One round trip."""
        pool_key, _, leases = self._pool_keys(campaign, pool)
        keys = [pool_key, leases, self._keys.past(campaign, number)]
        protected, current, *past = await call(self._live, "ring", keys, [now_ms, number, call_id])
        return protected, [_holder(raw) for raw in (current, *past) if raw]

    async def hang_up(self, campaign: str, pool: str, number: str, call_id: str, until_ms: int) -> None:
        pool_key, _, leases = self._pool_keys(campaign, pool)
        await call(self._live, "hangup", [pool_key, leases], [number, call_id, until_ms])

    def _make_pool_keys(self, campaign: str, pool: str) -> tuple[str, str, str]:
        return self._keys.pool(campaign, pool), self._keys.state(campaign, pool), self._keys.leases(campaign, pool)

    def _make_campaign_keys(self, campaign: str) -> tuple[str, str, str]:
        """Holdings, events, and past holders without the number."""
        events = self._keys.events(self._keys.shard(campaign))
        return self._keys.holdings(campaign), events, self._keys.past(campaign, "")


def _holder(raw: bytes) -> Holder:
    """A record of lua/record.lua; its fields by place."""
    fields = msgspec.msgpack.decode(raw)
    return Holder(
        nonce=fields[0],
        session=fields[1],
        visitor=fields[2],
        tag=fields[3],
        started_ms=int(fields[5]),
        sign_ms=int(fields[6]),
        tapped_ms=int(fields[9]) or None,
        touch=fields[11].encode(),
        ended_ms=int(fields[14]) if len(fields) > 14 else None,
    )
