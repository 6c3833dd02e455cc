"""One multiplexed connection to Redis or Valkey for a whole process.

Commands leave in batches and answers are matched in order, so thousands of concurrent requests share one socket without
a pool. redis-py reads the address; hiredis packs and parses; this file only matches.
"""

import asyncio
import logging
import ssl
from collections import deque
from contextlib import suppress
from typing import Any, cast

import hiredis
from redis.asyncio.connection import parse_url

from dni.errors import Unavailable, UsageError

# The page shows its original number when an answer takes longer: a visitor must not wait for us.
ANSWER_WITHIN_S = 0.25
_CONNECT_WITHIN_S = 2.0
_RETRY_S = 0.1

log = logging.getLogger("dni.live")


class RedisError(Exception):
    """The server refused a command; the text is its own."""


class Live:
    """The connection, kept up by itself. `run_id` names the server process that answers; it changes with a restart."""

    def __init__(self, url: str, on_connect: tuple[tuple[Any, ...], ...] = ()) -> None:
        if url.startswith(("redis+sentinel:", "redis+cluster:")):
            raise UsageError(
                "DNI_REDIS_URL: Sentinel and Cluster are not served yet; use redis://, rediss:// or unix://"
            )
        self.run_id = ""
        self._address = parse_url(url)
        self._on_connect = on_connect
        self._protocol: _Protocol | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        """Connects and stays connected. Returns when connected, or after 2 s while it goes on trying."""
        first = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(first))
        with suppress(TimeoutError):
            await asyncio.wait_for(first, _CONNECT_WITHIN_S)

    async def close(self) -> None:
        self._closed = True
        if self._keeper:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        if self._protocol:
            self._protocol.drop("closed")

    @property
    def is_up(self) -> bool:
        return self._protocol is not None and self._protocol.is_up

    def send(self, *command: Any) -> asyncio.Future[Any]:
        """One command. The future's answer is bytes, int, list or None; or RedisError, or Unavailable `redis_away`."""
        if self._protocol is None or not self._protocol.is_up:
            raise Unavailable("Redis cannot be reached", code="redis_away")
        return self._protocol.send(_packed(*command))

    async def _keep(self, first: asyncio.Future[None]) -> None:
        told = False
        while not self._closed:
            try:
                gone = await asyncio.wait_for(self._connect(), _CONNECT_WITHIN_S)
            except (OSError, RedisError, Unavailable, TimeoutError) as error:
                if not told:
                    log.warning("Redis cannot be reached, trying on: %s", error)
                told = True
                await asyncio.sleep(_RETRY_S)
                continue
            log.log(logging.INFO if told else logging.DEBUG, "connected to Redis")
            told = False
            if not first.done():
                first.set_result(None)
            await gone

    async def _connect(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        at = self._address
        gone = loop.create_future()

        def protocol() -> _Protocol:
            return _Protocol(loop, gone)

        if path := at.get("path"):
            _, made = await loop.create_unix_connection(protocol, path)
        else:
            tls = ssl.create_default_context() if "connection_class" in at else None
            _, made = await loop.create_connection(protocol, at.get("host", "localhost"), at.get("port", 6379), ssl=tls)
        try:
            if password := at.get("password"):
                user = (at["username"],) if at.get("username") else ()
                await made.send(_packed("AUTH", *user, password))
            if database := at.get("db"):
                await made.send(_packed("SELECT", database))
            for command in self._on_connect:
                await made.send(_packed(*command))
            info: bytes = await made.send(_packed("INFO", "server"))
        except BaseException:
            made.drop("the greeting failed")
            raise
        self.run_id = next(
            ln.partition(b":")[2].strip().decode() for ln in info.splitlines() if ln.startswith(b"run_id:")
        )
        self._protocol = made
        return gone


def _packed(*command: Any) -> bytes:
    packed: bytes = hiredis.pack_command(command)
    return packed


class _Protocol(asyncio.Protocol):
    def __init__(self, loop: asyncio.AbstractEventLoop, gone: asyncio.Future[None]) -> None:
        self._loop = loop
        self._gone = gone
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._unsent: list[bytes] = []
        self._under_way = 0
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.is_up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.is_up = cast(asyncio.Transport, transport), True  # uvloop's is no subclass of it

    def send(self, packed: bytes) -> asyncio.Future[Any]:
        future = self._loop.create_future()
        if not self._unsent and not self._under_way:
            self._loop.call_soon(self._flush)
        self._unsent.append(packed)
        self._waiting.append(future)
        if self._watch is None:
            self._watch_over(future)
        return future

    def _flush(self) -> None:
        if self.is_up and self._transport:
            self._transport.write(b"".join(self._unsent))
            self._under_way = len(self._unsent)
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            future = self._waiting.popleft()
            self._under_way -= 1
            if future.done():  # whoever asked has gone away
                continue
            if isinstance(answer, hiredis.ReplyError):
                future.set_exception(RedisError(str(answer)))
            else:
                future.set_result(answer)
        # One batch at a time: while the server works on it the next one gathers. Alone, a command leaves at once; under
        # load each wake-up of the other side serves many.
        if not self._under_way and self._unsent:
            self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.drop(str(error or "the connection was closed"))

    def drop(self, why: str) -> None:
        """Everything that waits is answered now; a late answer would only meet the wrong question."""
        self.is_up = False
        if self._transport:
            self._transport.abort()
        if self._watch:
            self._watch.cancel()
        waiting, self._waiting = self._waiting, deque()
        for future in waiting:
            if not future.done():
                future.set_exception(Unavailable(f"Redis cannot be reached: {why}", code="redis_away"))
        if not self._gone.done():
            self._gone.set_result(None)

    def _watch_over(self, oldest: asyncio.Future[Any]) -> None:
        # One timer for the connection instead of one a command: the oldest unanswered command speaks for all.
        def look() -> None:
            self._watch = None
            if self._waiting and self._waiting[0] is oldest:
                self.drop("no answer in time")
            elif self._waiting:
                self._watch_over(self._waiting[0])

        self._watch = self._loop.call_later(ANSWER_WITHIN_S, look)
