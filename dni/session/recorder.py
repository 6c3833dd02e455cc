"""Turns the Redis streams into sessions and leases in the ledger. One recorder at a time for all hosts.

It reads as one consumer of one group, whatever process it is: a successor finds the entries that a dead one had read
and not acknowledged. Entries are acknowledged and trimmed after the commit that holds them and their stream id, so
each is applied exactly once in effect.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from redis import asyncio as aioredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy import text

from dni.errors import Unavailable
from dni.metrics import RECORDED
from dni.parts import Parts
from dni.session import page_view, sessions
from dni.session.device import device
from dni.session.geo import Geo
from dni.session.sessions import Batch

log = logging.getLogger("dni.recorder")

GROUP = CONSUMER = "recorder"
# Entries a transaction: some 10 ms of SQLite's one writer, so that a call never waits long behind us.
_BATCH = 200
_BLOCK_MS = 1_000
_RETRY_S = 0.5
_ADVISORY_LOCK = 0x646E6972  # "dnir"; any number that is the same on all hosts

Entry = tuple[bytes, dict[bytes, bytes]]


async def record(parts: Parts, stop: asyncio.Event) -> None:
    """The parent's duty: until `stop`, and then until nothing waits any more."""
    geo = Geo(parts.settings.geoip_city)
    assert parts.settings.redis_url is not None
    while True:
        client = aioredis.Redis.from_url(parts.settings.redis_url, socket_timeout=_BLOCK_MS / 1000 + 4)
        try:
            async with _alone(parts):
                await _prepare(client, parts)
                await _run(client, parts, geo, stop)
                return
        except (Unavailable, RedisConnectionError, RedisTimeoutError, ResponseError) as error:
            # A ResponseError is NOGROUP after Redis lost everything, or LOADING while it reads its file.
            if stop.is_set():
                log.warning("not everything could be recorded before the stop; the next start goes on: %s", error)
                return
            log.warning("recording pauses: %s", error)
            await asyncio.sleep(_RETRY_S)
        finally:
            await client.aclose()


@asynccontextmanager
async def _alone(parts: Parts) -> AsyncIterator[None]:
    """On PostgreSQL an advisory lock for as long as we record; with SQLite there is one host and `serve` holds it."""
    if parts.ledger.is_sqlite:
        yield
        return
    async with parts.ledger.read() as connection:
        await connection.execute(text(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})"))  # waits for its turn
        try:
            yield
        finally:
            await connection.execute(text(f"SELECT pg_advisory_unlock({_ADVISORY_LOCK})"))


async def _prepare(client: Any, parts: Parts) -> None:
    for stream in parts.keys.all_events():
        try:
            await client.xgroup_create(stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


async def _run(client: Any, parts: Parts, geo: Geo, stop: asyncio.Event) -> None:
    # First what was read before and never acknowledged ("0"), then what is new (">").
    since = dict.fromkeys(parts.keys.all_events(), "0")
    fresh = dict.fromkeys(parts.keys.all_events(), ">")
    while since:
        answer = await client.xreadgroup(GROUP, CONSUMER, since, count=_BATCH)
        since = {}
        for stream, entries in _streams(answer):
            if entries:
                await _apply(client, parts, geo, stream, entries)
                since[stream] = "0"
    while True:
        stopping = stop.is_set()
        answer = await client.xreadgroup(GROUP, CONSUMER, fresh, count=_BATCH, block=1 if stopping else _BLOCK_MS)
        for stream, entries in _streams(answer):
            await _apply(client, parts, geo, stream, entries)
        if stopping and not answer:
            return


def _streams(answer: Any) -> list[tuple[str, list[Entry]]]:
    """redis-py answers a list of pairs, or with RESP3 a mapping of stream to a list of lists of entries."""
    pairs = answer.items() if isinstance(answer, dict) else answer or []
    return [(stream.decode(), entries[0] if isinstance(answer, dict) else entries) for stream, entries in pairs]


async def _apply(client: Any, parts: Parts, geo: Geo, stream: str, entries: list[Entry]) -> None:
    """One transaction, then acknowledge and trim. Entries that were applied before only get acknowledged."""
    geo.refresh()
    async with parts.ledger.read() as connection:
        done = await sessions.recorded_id(connection, stream)
    # All thinking comes before the transaction: while it is open, no call can be written to SQLite.
    batch = Batch()
    for entry_id, fields in entries:
        if fields and _order(entry_id.decode()) > _order(done):
            _add(parts, geo, batch, fields)
    last = max((entry_id.decode() for entry_id, _ in entries), key=_order)
    if _order(last) > _order(done):
        async with parts.ledger.write() as connection:
            if await sessions.recorded_id(connection, stream) != done:
                raise Unavailable("another recorder wrote meanwhile", code="ledger_busy")
            await sessions.write(parts.ledger, connection, batch)
            await sessions.set_recorded_id(parts.ledger, connection, stream, last)
    async with client.pipeline(transaction=False) as pipe:
        pipe.xack(stream, GROUP, *(entry_id for entry_id, _ in entries))
        pipe.xtrim(stream, minid=_after(last), approximate=False)
        await pipe.execute()


def _add(parts: Parts, geo: Geo, batch: Batch, fields: dict[bytes, bytes]) -> None:
    kind = fields[b"k"].decode()
    RECORDED.labels(kind).inc()
    at_ms, session_id = int(fields[b"t"]), fields[b"s"].decode()
    if kind == "visit":
        _add_visit(parts, geo, batch, fields, at_ms, session_id)
        return
    lease_id = parts.sealer.lease(
        fields[b"g"].decode(), fields[b"l"].decode(), fields[b"n"].decode(), int(float(fields[b"i"]))
    )
    if kind == "ended":
        batch.mark(lease_id, "ended_at_ms", at_ms, int(float(fields[b"u"])))
        batch.sign(session_id, int(float(fields[b"u"])))
    else:
        batch.mark(lease_id, "tapped_at_ms" if kind == "tap" else "left_at_ms", at_ms, at_ms)
        batch.sign(session_id, at_ms)


def _add_visit(parts: Parts, geo: Geo, batch: Batch, fields: dict[bytes, bytes], at_ms: int, session_id: str) -> None:
    view = page_view.unpacked(fields[b"b"])
    outcomes = msgspec.msgpack.decode(fields[b"o"]) or []  # an empty Lua table packs as an empty map
    where, what, touch = geo.place(view.address), device(view.user_agent), view.touch
    refused = [outcome for _, _, outcome, number, _, _ in outcomes if not number]
    batch.session(
        {
            "id": session_id,
            "visitor_id": view.visitor,
            "tag_id": view.tag,
            "campaign_id": view.campaign,
            "publisher_id": view.publisher,
            "started_at_ms": at_ms,
            "last_seen_ms": at_ms,
            "source": touch.source,
            "medium": touch.medium,
            "campaign_name": touch.campaign_name,
            "keyword": touch.keyword,
            "content": touch.content,
            "channel": touch.channel,
            "landing_page": touch.landing_page,
            "referrer": touch.referrer,
            "click_ids": touch.click_ids or None,
            "params": touch.params or None,
            "title": view.title,
            "consent": view.consent,
            "language": view.language,
            "timezone": view.timezone,
            "device": what.kind,
            "browser": what.browser,
            "os": what.os,
            "country": where.country,
            "region": where.region,
            "city": where.city,
            "ids": view.ids,
            "custom": view.custom,
            "unleased": refused[0] if refused else None,
        }
    )
    for target, pool_key, outcome, number, nonce, started_ms in outcomes:
        if outcome == "new":
            batch.lease(
                {
                    "id": parts.sealer.lease(view.tag, nonce, number, int(started_ms)),
                    "session_id": session_id,
                    "tag_id": view.tag,
                    "campaign_id": view.campaign,
                    "pool_id": pool_key.rpartition(":")[2],
                    "number": number,
                    "target": target,
                    "started_at_ms": int(started_ms),
                    "last_sign_ms": at_ms,
                }
            )


def _order(stream_id: str) -> tuple[int, int]:
    ms, _, sequence = stream_id.partition("-")
    return int(ms), int(sequence or 0)


def _after(stream_id: str) -> str:
    ms, sequence = _order(stream_id)
    return f"{ms}-{sequence + 1}"
