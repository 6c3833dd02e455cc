"""POSTs by a client that costs little: it shares two cores with what it measures."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import cast
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Posts:
    """Connections that are kept, each used in its turn."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._where = parts.hostname, parts.port
        self._head = f" HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        self._idle: deque[_Connection] = deque()

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes, float]:
        """Status, body, and how many seconds passed from when the request was written until all of the answer was read
        here: this loop's own lateness is within."""
        while self._idle and self._idle[0].is_closed:
            self._idle.popleft()
        if self._idle:
            connection = self._idle.popleft()
        else:
            _, connection = await asyncio.get_running_loop().create_connection(_Connection, *self._where)
        told = {**headers, "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        status, answer, took_s = await connection.send(f"POST {path}{self._head}{lines}\r\n".encode() + body)
        self._idle.append(connection)
        return status, answer, took_s

    def close(self) -> None:
        for connection in self._idle:
            connection.transport.close()


class _Connection(asyncio.Protocol):
    transport: asyncio.Transport
    is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes) -> Awaitable[tuple[int, bytes, float]]:
        self._read = b""
        self._answer: asyncio.Future[tuple[int, bytes, float]] = asyncio.get_running_loop().create_future()
        self._began = time.perf_counter()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if end and len(body) >= (int(length[1]) if length else 0):
            self._answer.set_result((int(head[9:12]), body, time.perf_counter() - self._began))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        if not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the service closed a connection without an answer"))


async def lateness(done: asyncio.Event, each: Callable[[float], None]) -> None:
    """Tells every 10 ms how many seconds too late this loop woke up."""
    while not done.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        each(time.perf_counter() - began - 0.01)
