"""Turns the Redis streams into sessions and leases in the ledger. One recorder at a time for all hosts.

How far each stream is applied stands in the ledger, in the transaction of what was applied, so each entry counts
exactly once, whatever dies when; a successor goes on from there. Streams are trimmed behind what is committed.
"""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from dni.errors import Unavailable
from dni.host.crowding import Crowding
from dni.ledger.alone import alone
from dni.ledger.bulk import as_json
from dni.live.commands import ask
from dni.live.connection import Live, RedisError
from dni.metrics import RECORDED
from dni.parts import Parts
from dni.pool import events
from dni.pool.keys import SHARDS
from dni.pool.record import told
from dni.session import ids, page_view
from dni.session import news as session_news
from dni.session.device import device
from dni.session.model import Touch, unpacked
from dni.session.sessions import Batch, LeaseRow, Mark, SessionNews, SessionRow, Sessions

log = logging.getLogger("dni.recorder")

# Entries a transaction: some 5 ms of SQLite's one writer, so that a call never waits long behind us. On PostgreSQL none
# does.
_BATCH, _LARGE_BATCH = 100, 400
_RETRY_S = 0.5
# Between looks while nothing comes; after something came the next look is at once.
_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.25
# Page views and calls come first. While the machine is crowded the recorder works a twentieth of the time, until this
# many entries wait: some seconds of a full machine.
_MODEST, _MAY_WAIT = 0.05, 25_000
_START = "0-0"
# Servers' clocks are taken to agree when they are no further apart: far less than any failover takes.
_CLOCKS_AGREE_MS = 200

Entry = tuple[bytes, list[bytes]]


async def record(parts: Parts, stop: asyncio.Event) -> None:
    """The parent's duty: until `stop`, and then until nothing waits any more."""
    if parts.settings.geoip_city is None:
        log.info("DNI_GEOIP_CITY is not set: sessions have no place")
    while True:
        try:
            async with alone(parts.ledger, b"dnir"):
                await _Recorder(parts).run(stop)
                return
        except (Unavailable, RedisError) as error:
            if stop.is_set():
                log.warning("not everything could be recorded before the stop; the next start goes on: %s", error)
                return
            log.warning("recording pauses: %s", error)
            await asyncio.sleep(_RETRY_S)


class _Recorder:
    """From one look at the ledger's positions on; when the ledger fails another one begins anew.

    A server that fails keeps only its own streams waiting: the others' are recorded all the while.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._live: Live = parts.live
        self._sessions = Sessions(parts.ledger)
        self._geo = parts.geo
        self._batch = _BATCH if parts.ledger.is_sqlite else _LARGE_BATCH
        self._streams = {shard: parts.keys.events(shard) for shard in SHARDS}
        self._read_to: dict[str, str] = {}
        """Of each stream that can be read; one whose server fails or is another goes, until it is found again."""
        self._servers: dict[str, str] = {}
        """Run id of the server that a stream is read from."""
        self._recorded: dict[str, str] = {}
        self._heard_s: dict[str, float] = {}
        """When (monotonic) the last recorded entry of a stream was read."""
        self._away: Unavailable | RedisError | None = None
        self._look_again_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        self._recorded = dict.fromkeys(self._streams.values(), _START) | await self._sessions.positions()
        idle_s, crowding = _PAUSE_S, Crowding()
        while True:
            stopping, began = stop.is_set(), time.monotonic()
            pause_s = 0.0
            await self._parts.ledger.shorten_log()
            if await self._read():
                idle_s = _PAUSE_S
                if crowding.now() and await self._waiting() < _MAY_WAIT:
                    pause_s = min((time.monotonic() - began) * (1 / _MODEST - 1), _LONGEST_PAUSE_S)
            elif stopping:
                if self._away:
                    raise self._away
                return
            else:
                pause_s, idle_s = idle_s, min(2 * idle_s, _LONGEST_PAUSE_S)
            if pause_s and not stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause_s)

    async def _ask(self, shard: str, *command: Any) -> Any:
        """None also when its server is away."""
        try:
            return await ask(self._live, shard, *command)
        except (Unavailable, RedisError) as error:
            self._read_to.pop(self._streams[shard], None)
            if self._away is None:
                log.warning("recording of %s pauses: %s", self._streams[shard], error)
                self._look_again_s = time.monotonic() + _RETRY_S
            self._away = error
            return None

    async def _waiting(self) -> int:
        lengths = await asyncio.gather(*(self._ask(shard, "XLEN", stream) for shard, stream in self._streams.items()))
        return sum(length or 0 for length in lengths)

    async def _find(self) -> None:
        """Where to go on in each stream that is not read now, or was read from another server."""
        for shard, stream in self._streams.items():
            if (server := self._server(shard)) != self._servers.get(stream):
                self._servers[stream] = server
                if self._read_to.pop(stream, None):
                    log.info("%s is another server's now", stream)
        missing = {shard: stream for shard, stream in self._streams.items() if stream not in self._read_to}
        if not missing or time.monotonic() < self._look_again_s:
            return
        was_away, self._away = self._away, None
        found = await asyncio.gather(*(self._begin(*one) for one in missing.items()), return_exceptions=True)
        for stream, begin in zip(missing.values(), found, strict=True):
            if isinstance(begin, str):
                self._read_to[stream] = begin
            elif isinstance(begin, (Unavailable, RedisError)):
                self._away = begin
            else:
                raise begin
        if self._away:
            self._look_again_s = time.monotonic() + _RETRY_S
            if not was_away:
                log.warning("recording pauses: %s", self._away)
        elif was_away:
            log.info("all streams are recorded again")

    def _server(self, shard: str) -> str:
        try:
            return self._live.node(shard).run_id
        except Unavailable:
            return ""

    async def _begin(self, shard: str, stream: str) -> str:
        """Where to read from: behind what is recorded, unless entries may have come whose ids are lower.

        Ids are times of the server. One that took over may have lost the last entries, but it began later than they
        were written, so new ids are higher; not so when its clock stands behind. Then all that is there is read: a page
        view may count twice, none is left out. When nothing was read yet by this process, a stream that has not come as
        far as the ledger is taken for another one, made after Redis lost everything while its clock stood behind.
        """
        recorded = self._recorded[stream]
        try:
            info = await ask(self._live, shard, "XINFO", "STREAM", stream)
        except RedisError as error:
            if "no such key" in str(error):
                return _START
            raise
        if stream in self._heard_s:
            now_s, micros = await ask(self._live, shard, "TIME")
            since_ms = int(now_s) * 1000 + int(micros) // 1000 - _order(recorded)[0]
            behind_ms = (time.monotonic() - self._heard_s[stream]) * 1000 - since_ms
            return recorded if behind_ms < _CLOCKS_AGREE_MS else _START
        last = info[info.index(b"last-generated-id") + 1].decode()
        return recorded if _order(last) >= _order(recorded) else _START

    async def _read(self) -> bool:
        """Applies what waits, at most a batch of each stream. False: nothing waited."""
        await self._find()
        # One command a stream, sent together: a Cluster takes no other.
        asked = [
            self._ask(shard, "XREAD", "COUNT", self._batch, "STREAMS", stream, self._read_to[stream])
            for shard, stream in self._streams.items()
            if stream in self._read_to
        ]
        batch = Batch()
        answers = await asyncio.gather(*asked)
        heard_s = time.monotonic()
        for [[name, entries]] in filter(None, answers):
            self._add(batch, name.decode(), entries)
            if batch.entries >= self._batch:
                await self._apply(batch, heard_s)
                batch = Batch()
        if batch.entries:
            await self._apply(batch, heard_s)
        return any(answers)

    async def _apply(self, batch: Batch, heard_s: float) -> None:
        await self._sessions.write(batch)
        for shard, stream in self._streams.items():
            if stream in batch.positions:
                last = batch.positions[stream][1]
                self._recorded[stream], self._heard_s[stream] = last, heard_s
                if stream in self._read_to:
                    self._read_to[stream] = last
                    await self._ask(shard, "XTRIM", stream, "MINID", _after(last))

    def _add(self, batch: Batch, stream: str, entries: list[Entry]) -> None:
        self._geo.refresh()
        for _, fields in entries:
            if fields[0] == b"s":
                self._add_signal(batch, fields[1])
            elif fields[0] == b"n":
                self._add_news(batch, fields[1])
            else:
                self._add_visit(batch, outcomes=fields[1], about=fields[3], view=fields[5])
        RECORDED.inc(len(entries))
        batch.read(stream, self._recorded[stream], entries[-1][0].decode(), len(entries))

    def _add_signal(self, batch: Batch, raw: bytes) -> None:
        heard = events.heard(raw)
        sign_ms = heard.started_ms if heard.kind == "ended" else heard.at_ms
        batch.marks.append(Mark(heard.kind, heard.number, heard.started_ms, heard.at_ms, sign_ms))

    def _add_news(self, batch: Batch, raw: bytes) -> None:
        """A page knows its session from the answer to a page view of this stream: that stands before its news."""
        told = session_news.unpacked(raw)
        session_id = self._parts.sealer.session(told.tag, told.session)
        batch.news.append(SessionNews(session_id, told.late, ids.read(told.ids), told.custom))

    def _add_visit(self, batch: Batch, outcomes: bytes, about: bytes, view: bytes) -> None:
        seen = page_view.unpacked(view)
        fresh, got = events.outcomes(outcomes)
        session_id = self._parts.sealer.session(seen.tag, seen.fresh_session if fresh else seen.session)
        short = told(about)[1]
        # Empty: the lease was taken back after Redis had lost it, and how its session came went with it.
        touch = seen.touch or (unpacked(short) if short else Touch())
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
                screen=seen.screen,
                device=what.kind,
                browser=what.browser,
                os=what.os,
                country=where.country,
                region=where.region,
                city=where.city,
                ids=as_json(ids.read(seen.ids)),
                custom=as_json(seen.custom),
                unleased=next((one.word for one in got if not one.number), None),
            ),
            begins=fresh,
        )
        if not fresh and (seen.ids or seen.custom):  # of a later page: cookies come late, and what it says of itself
            batch.news.append(SessionNews(session_id, [], ids.read(seen.ids), seen.custom))
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
