"""Turns the Redis streams into sessions and leases in the ledger. One recorder at a time for all hosts.

How far each stream is applied stands in the ledger, in the transaction of what was applied, so each entry counts
exactly once, whatever dies when; a successor goes on from there. Streams are trimmed behind what is committed.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text

from dni.errors import Unavailable
from dni.host.crowding import Crowding
from dni.ledger.bulk import as_json
from dni.live.connection import Live, RedisError
from dni.metrics import RECORDED
from dni.parts import Parts
from dni.pool import events
from dni.pool.keys import SHARDS
from dni.pool.record import told
from dni.session import page_view
from dni.session.device import device
from dni.session.model import unpacked
from dni.session.sessions import Batch, LeaseRow, Mark, SessionRow, Sessions

log = logging.getLogger("dni.recorder")

# Entries a transaction: some 10 ms of SQLite's one writer, so that a call never waits long behind us.
_BATCH = 200
_RETRY_S = 0.5
# Between looks while nothing comes; after something came the next look is at once.
_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.25
# Page views and calls come first. While the machine is crowded the recorder works a twentieth of the time, until this
# many entries wait: some seconds of a full machine.
_MODEST, _MAY_WAIT = 0.05, 25_000
_ADVISORY_LOCK = 0x646E6972  # "dnir"; any number that is the same on all hosts
_START = "0-0"

Entry = tuple[bytes, list[bytes]]


async def record(parts: Parts, stop: asyncio.Event) -> None:
    """The parent's duty: until `stop`, and then until nothing waits any more."""
    if parts.settings.geoip_city is None:
        log.info("DNI_GEOIP_CITY is not set: sessions have no place")
    while True:
        try:
            async with _alone(parts):
                await _Recorder(parts).run(stop)
                return
        except (Unavailable, RedisError) as error:
            if stop.is_set():
                log.warning("not everything could be recorded before the stop; the next start goes on: %s", error)
                return
            log.warning("recording pauses: %s", error)
            await asyncio.sleep(_RETRY_S)


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


class _Recorder:
    """From one look at the ledger's positions on; when anything fails another one begins anew."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._live: Live = parts.live
        self._sessions = Sessions(parts.ledger)
        self._geo = parts.geo
        self._streams = {shard: parts.keys.events(shard) for shard in SHARDS}
        self._read_to: dict[str, str] = {}
        self._recorded: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        self._recorded = await self._sessions.positions()
        for shard, stream in self._streams.items():
            self._recorded.setdefault(stream, _START)
            self._read_to[stream] = await self._begin(shard, stream)
        idle_s, crowding = _PAUSE_S, Crowding()
        while True:
            stopping, began = stop.is_set(), time.monotonic()
            pause_s = 0.0
            if await self._read():
                idle_s = _PAUSE_S
                if crowding.now() and await self._waiting() < _MAY_WAIT:
                    pause_s = min((time.monotonic() - began) * (1 / _MODEST - 1), _LONGEST_PAUSE_S)
            elif stopping:
                return
            else:
                pause_s, idle_s = idle_s, min(2 * idle_s, _LONGEST_PAUSE_S)
            if pause_s and not stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause_s)

    async def _waiting(self) -> int:
        asked = [self._live.node(shard).send("XLEN", stream) for shard, stream in self._streams.items()]
        return sum(await asyncio.gather(*asked))

    async def _begin(self, shard: str, stream: str) -> str:
        """Where to read from. A stream that has not come as far as the ledger is another one, younger, made after Redis
        lost everything while its clock stood behind: all of it is new."""
        recorded = self._recorded[stream]
        try:
            info = await self._live.node(shard).send("XINFO", "STREAM", stream)
        except RedisError:  # there is none yet
            return _START
        last = info[info.index(b"last-generated-id") + 1].decode()
        return recorded if _order(last) >= _order(recorded) else _START

    async def _read(self) -> bool:
        """Applies what waits, at most a batch of each stream. False: nothing waited."""
        # One command a stream, sent together: a Cluster takes no other.
        asked = [
            self._live.node(shard).send("XREAD", "COUNT", _BATCH, "STREAMS", stream, self._read_to[stream])
            for shard, stream in self._streams.items()
        ]
        batch = Batch()
        answers = await asyncio.gather(*asked)
        for [[name, entries]] in filter(None, answers):
            self._add(batch, name.decode(), entries)
            if batch.entries >= _BATCH:
                await self._apply(batch)
                batch = Batch()
        if batch.entries:
            await self._apply(batch)
        return any(answers)

    async def _apply(self, batch: Batch) -> None:
        await self._sessions.write(batch)
        for shard, stream in self._streams.items():
            if stream in batch.positions:
                last = batch.positions[stream][1]
                self._recorded[stream] = self._read_to[stream] = last
                await self._live.node(shard).send("XTRIM", stream, "MINID", _after(last))

    def _add(self, batch: Batch, stream: str, entries: list[Entry]) -> None:
        self._geo.refresh()
        for _, fields in entries:
            if fields[0] == b"s":
                self._add_signal(batch, fields[1])
            else:
                self._add_visit(batch, outcomes=fields[1], about=fields[3], view=fields[5])
        RECORDED.inc(len(entries))
        batch.read(stream, self._recorded[stream], entries[-1][0].decode(), len(entries))

    def _add_signal(self, batch: Batch, raw: bytes) -> None:
        heard = events.heard(raw)
        sign_ms = heard.started_ms if heard.kind == "ended" else heard.at_ms
        batch.marks.append(Mark(heard.kind, heard.number, heard.started_ms, heard.at_ms, sign_ms))

    def _add_visit(self, batch: Batch, outcomes: bytes, about: bytes, view: bytes) -> None:
        seen = page_view.unpacked(view)
        fresh, got = events.outcomes(outcomes)
        session_id = self._parts.sealer.session(seen.tag, seen.fresh_session if fresh else seen.session)
        touch = seen.touch or unpacked(told(about)[1])
        where, what = self._geo.place(seen.address), device(seen.user_agent)
        batch.session(
            SessionRow(
                id=session_id,
                visitor_id=seen.visitor,
                tag_id=seen.tag,
                campaign_id=seen.campaign,
                publisher_id=seen.publisher,
                started_at_ms=seen.at_ms,
                last_seen_ms=seen.at_ms,
                page_views=1,
                source=touch.source,
                medium=touch.medium,
                campaign_name=touch.campaign_name,
                keyword=touch.keyword,
                content=touch.content,
                channel=touch.channel,
                landing_page=touch.landing_page,
                referrer=touch.referrer,
                click_ids=as_json(touch.click_ids),
                params=as_json(touch.params),
                title=seen.title,
                consent=seen.consent,
                language=seen.language,
                timezone=seen.timezone,
                device=what.kind,
                browser=what.browser,
                os=what.os,
                country=where.country,
                region=where.region,
                city=where.city,
                ids=as_json(seen.ids),
                custom=as_json(seen.custom),
                unleased=next((one.word for one in got if not one.number), None),
            )
        )
        for target, one in zip(seen.targets, got, strict=True):
            if one.ended:
                batch.marks.append(Mark("ended", one.number, one.ended[0], seen.at_ms, one.ended[1]))
            if one.word == "new" and seen.pool:
                row = LeaseRow(
                    one.number, seen.at_ms, session_id, seen.tag, seen.campaign, seen.pool, target, seen.at_ms
                )
                batch.leases.append(row)


def _order(stream_id: str) -> tuple[int, int]:
    ms, _, sequence = stream_id.partition("-")
    return int(ms), int(sequence or 0)


def _after(stream_id: str) -> str:
    ms, sequence = _order(stream_id)
    return f"{ms}-{sequence + 1}"
