"""A door in front of a server that a test may shut, or hold so that nobody gets an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Passes bytes on to `port` of this machine; itself on `.port`. Connections that stand feel a change too."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """As if there were no gate. What was held goes on."""
        self._open.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._comes, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def hold(self) -> None:
        """Connections are taken, and nothing is ever answered."""
        self._open.clear()

    async def shut(self) -> None:
        """Connections are refused."""
        if self._server:
            self._server.close()
            self._server = None
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _comes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._passing.add(task)
        ends = [writer]
        try:
            there_reader, there = await asyncio.open_connection("127.0.0.1", self._to)
            ends.append(there)
            await asyncio.gather(self._pass(reader, there), self._pass(there_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass  # refused, or shut: either side learns it from its own connection
        finally:
            self._passing.discard(task)
            for end in ends:
                end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def in_front_of(port: int) -> AsyncIterator[Gate]:
    """An open gate; shut at the end."""
    gate = Gate(port)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.shut()
