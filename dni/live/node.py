"""One server and the one connection to it that a whole process shares.

Commands leave in batches and answers are matched in order, so thousands of concurrent requests share one socket without
a pool. hiredis packs and parses; this file only matches. Each connection has its own queue of questions, so an answer
never meets a question of another connection.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import hiredis
import msgspec

from dni.errors import Unavailable
from dni.live.address import Place, Tls

# The page shows its original number when an answer takes longer: a visitor must not wait for us.
ANSWER_WITHIN_S = 0.25
_CONNECT_WITHIN_S = 2.0
# A host that does not answer at all must not keep us from asking others.
_PATIENCE_S = 0.3
_TICK_S = 0.025
_TICKS = round(ANSWER_WITHIN_S / _TICK_S)
# A batch may wait for replicas behind another that waits: two of them stay far below ANSWER_WITHIN_S.
_REPLICAS_WITHIN_MS = 50
_AWAY = "Redis cannot be reached: "

_pack: Callable[[tuple[Any, ...]], bytes] = hiredis.pack_command


class RedisError(Exception):
    """The server refused a command; the text is its own."""


class Greeting(msgspec.Struct, frozen=True):
    """How a connection begins: `commands` in order, then who it is. With `primary` no other role will do."""

    commands: tuple[tuple[Any, ...], ...] = ()
    primary: bool = False
    tls: ssl.SSLContext | None = None


def tls_context(tls: Tls | None) -> ssl.SSLContext | None:
    """Raises OSError (SSLError is one) when a file cannot be read or is no certificate."""
    if tls is None:
        return None
    context = ssl.create_default_context(cafile=tls.ca_certs)
    context.check_hostname = tls.check_hostname
    if tls.certfile:
        context.load_cert_chain(tls.certfile, tls.keyfile)
    return context


OnDoubt = Callable[["Node", str], None]
"""Told of every lost connection ('') and of every refusal (its first word, such as MOVED)."""


class Node:
    """One server, over whatever connection there is now.

    `run_id` names the server process that answers; it changes with a restart, and with another server at the place.
    """

    def __init__(self, greeting: Greeting, on_doubt: "OnDoubt | None" = None) -> None:
        self.run_id = ""
        self.place: Place = ("", 0)
        self._greeting = greeting
        self._on_doubt = on_doubt
        self._joining: asyncio.Task[Unavailable | None] | None = None
        self._wire = _Wire()
        # The connection's own: one call less on the page path.
        self.send: Callable[..., asyncio.Future[Any]] = self._wire.send
        """One command. The future's answer is bytes, int, list or None; or RedisError, or Unavailable `redis_away`.

        Raises Unavailable at once when not connected."""

    @property
    def is_up(self) -> bool:
        return self._wire.is_up

    def replicated(self, replicas: int) -> asyncio.Future[int]:
        """Right behind `send`: how many replicas have it, at most 50 ms later. The whole batch shares it: shield it."""
        return self._wire.replicated(replicas)

    async def join(self, place: Place) -> None:
        """Connected to `place` on return. Raises Unavailable `redis_away`, after 0.3 s while it goes on trying."""
        if place != self.place:
            self.leave("it serves elsewhere now")
            self.place = place
        if self.is_up:
            return
        if self._joining is None or self._joining.done():
            self._joining = asyncio.create_task(self._try())
        joining = self._joining
        if not (await asyncio.wait([joining], timeout=_PATIENCE_S))[0]:
            raise away(f"{_named(place)}: no answer")
        if joining.cancelled():
            raise away(f"{_named(place)}: it was left")
        if error := joining.result():
            raise error

    def leave(self, why: str = "it was left") -> None:
        """Whatever waits gets `redis_away` now."""
        if self._joining:
            self._joining.cancel()
            self._joining = None
        self._wire.drop(why)

    def _doubt(self, kind: str) -> None:
        if self._on_doubt:
            self._on_doubt(self, kind)

    async def _try(self) -> Unavailable | None:
        """Why not. Returned, as there may be nobody any more to raise it to."""
        try:
            async with asyncio.timeout(_CONNECT_WITHIN_S):
                await self._connect()
        except (OSError, RedisError, Unavailable) as error:
            return away(f"{_named(self.place)}: {reason(error) or 'no answer'}")
        return None

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        wire = _Wire()
        host, port = self.place
        if port:
            await loop.create_connection(lambda: wire, host, port, ssl=self._greeting.tls)
        else:
            await loop.create_unix_connection(lambda: wire, host)
        try:
            run_id = await self._greet(wire)
        except BaseException:
            wire.drop("the greeting failed")
            raise
        wire.on_doubt = self._doubt
        self.run_id, self._wire, self.send = run_id, wire, wire.send

    async def _greet(self, wire: "_Wire") -> str:
        """The server's run id. All at once: a restart is over the sooner."""
        last = (("ROLE",),) if self._greeting.primary else ()
        asked = [wire.send(*command) for command in (*self._greeting.commands, ("INFO", "server"), *last)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        if last and cast(list[bytes], answers.pop())[0] != b"master":
            raise RedisError("it is no primary")
        for line in cast(bytes, answers[-1]).splitlines():
            if line.startswith(b"run_id:"):
                return line.partition(b":")[2].strip().decode()
        raise RedisError("INFO tells no run_id")


class _Wire(asyncio.Protocol):
    """One connection, from its making to its loss. Never used again after that."""

    def __init__(self) -> None:
        self.is_up = False
        self.on_doubt: Callable[[str], None] = lambda kind: None
        self._reader = hiredis.Reader(replyError=RedisError)
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._unsent: list[bytes] = []
        self._under_way = 0
        self._transport: asyncio.Transport | None = None
        self._loop = cast(asyncio.AbstractEventLoop, None)
        self._confirming: asyncio.Future[int] | None = None
        self._replicas = 0
        self._answered = 0
        self._marks: deque[int] = deque()
        self._ticker: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport, self.is_up = cast(asyncio.Transport, transport), True  # uvloop's is no subclass of it

    def send(self, *command: Any) -> asyncio.Future[Any]:
        if not self.is_up:
            raise away()
        future = self._loop.create_future()
        if not self._under_way and not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(_pack(command))
        self._waiting.append(future)
        if self._ticker is None:
            self._ticker = self._loop.call_later(_TICK_S, self._tick)
        return future

    def replicated(self, replicas: int) -> asyncio.Future[int]:
        if not self.is_up:
            raise away()
        if self._confirming is None:
            self._confirming, self._replicas = self._loop.create_future(), replicas
            self._confirming.add_done_callback(_heard)
        return self._confirming

    def _flush(self) -> None:
        if not self.is_up or not self._transport:
            return
        if self._confirming:
            self._unsent.append(_pack(("WAIT", self._replicas, _REPLICAS_WITHIN_MS)))
            self._waiting.append(self._confirming)
            self._confirming = None
        self._under_way = len(self._unsent)
        self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        waiting, next_answer = self._waiting, self._reader.gets
        before = len(waiting)
        try:
            self._reader.feed(data)
            while (answer := next_answer()) is not False:
                future = waiting.popleft()
                if future.done():  # whoever asked has gone away
                    continue
                if answer.__class__ is RedisError:
                    future.set_exception(answer)
                    self.on_doubt(str(answer).partition(" ")[0])
                else:
                    future.set_result(answer)
        except (IndexError, hiredis.ProtocolError) as error:
            self.drop(f"an answer that makes no sense: {error}")
            return
        answered = before - len(waiting)
        self._answered += answered
        self._under_way -= answered
        # One batch at a time: while the server works on it the next one gathers. Alone, a command leaves at once; under
        # load each wake-up of the other side serves many.
        if not self._under_way and self._unsent:
            self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.drop(str(error or "the connection was closed"))

    def drop(self, why: str) -> None:
        """Everything that waits is answered now; a late answer would only meet the wrong question."""
        if not self.is_up:
            return
        self.is_up = False
        if self._transport:
            self._transport.abort()
        if self._ticker:
            self._ticker.cancel()
        waiting, self._waiting = self._waiting, deque()
        if self._confirming:
            waiting.append(self._confirming)
        for future in waiting:
            if not future.done():
                future.set_exception(away(why))
        self.on_doubt("")

    def _tick(self) -> None:
        # One timer for the connection instead of one a command. A mark is how many commands had been sent at a tick;
        # all of them are answered ANSWER_WITHIN_S later, or the server hangs.
        marks = self._marks
        if not self._waiting:
            self._ticker = None
            marks.clear()
            return
        if len(marks) == _TICKS and self._answered < marks.popleft():
            self.drop("no answer in time")
            return
        marks.append(self._answered + len(self._waiting))
        self._ticker = self._loop.call_later(_TICK_S, self._tick)


def away(why: str = "not connected") -> Unavailable:
    """The one refusal when there is no answer: the page keeps its original number."""
    return Unavailable(f"{_AWAY}{why}", code="redis_away")


def reason(error: Exception) -> str:
    """Its words, without those that `away` put before them."""
    return str(error).removeprefix(_AWAY)


def _heard(future: asyncio.Future[int]) -> None:
    """Nobody may be left to hear of it; asyncio would log that."""
    with suppress(asyncio.CancelledError):
        future.exception()


def _named(place: Place) -> str:
    return f"{place[0]}:{place[1]}" if place[1] else place[0]
