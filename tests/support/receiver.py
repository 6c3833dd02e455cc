"""Whoever receives what is sent out: an HTTP server on loopback that does what a test says, well or badly."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import httptools
import msgspec


class Got(msgspec.Struct):
    """A request. `headers` by lower-case name; `place` says by which connection it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    place: int


class Reply(msgspec.Struct, frozen=True):
    """`resets`: the connection is reset instead. `hangs`: nothing comes, ever. `breaks_off`: the body is half there."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = {}
    resets: bool = False
    hangs: bool = False
    breaks_off: bool = False


Behave = Callable[[Got], Reply | Awaitable[Reply]]


class Receiver:
    """`behave` may be changed at any time."""

    def __init__(self, behave: Behave) -> None:
        self.behave = behave
        self.got: list[Got] = []
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@asynccontextmanager
async def receiving(
    behave: Behave = lambda _: Reply(), *, at: socket.socket | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """`at`: a socket that listens already."""
    receiver = Receiver(behave)
    tasks: set[asyncio.Task[None]] = set()

    async def comes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        receiver.connections += 1
        try:
            await _converse(receiver, reader, writer, receiver.connections)
        except asyncio.CancelledError:
            pass  # the server is closed: asyncio would report a handler that was cancelled
        finally:
            tasks.discard(task)
            writer.transport.abort()

    at = at or socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(comes, sock=at, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await server.wait_closed()


async def _converse(receiver: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: int) -> None:
    parsing = _Parsing(place)
    with suppress(ConnectionError, httptools.HttpParserError):
        while data := await reader.read(65_536):
            parsing.parser.feed_data(data)
            if (got := parsing.whole) is None:
                continue
            parsing = _Parsing(place)
            receiver.got.append(got)
            said = receiver.behave(got)
            reply = said if isinstance(said, Reply) else await said
            if reply.hangs:
                await asyncio.Event().wait()
            if reply.resets:
                return
            lines = [f"HTTP/1.1 {reply.status} Told", f"Content-Length: {len(reply.body)}"]
            lines += [f"{name}: {value}" for name, value in reply.headers.items()]
            body = reply.body[: len(reply.body) // 2] if reply.breaks_off else reply.body
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
            if reply.breaks_off:
                writer.close()
                return


class _Parsing:
    def __init__(self, place: int) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.whole: Got | None = None
        self._place, self._url, self._body = place, b"", b""
        self._headers: dict[str, str] = {}

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        method = self.parser.get_method().decode()
        self.whole = Got(method, self._url.decode(), self._headers, self._body, self._place)
