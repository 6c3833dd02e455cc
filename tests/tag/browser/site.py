"""A customer's web site: what a test puts there is served on a port of its own, under every name of this machine."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

_HEAD = '<meta charset="utf-8"><title>Plumber</title><link rel="icon" href="data:,">'


class Site:
    """Paths with what is served there. `.visited`: every path with its query, in the order of requests."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.visited: list[str] = []
        self._served: dict[str, tuple[bytes, str, Mapping[str, str]]] = {}
        self._waits: dict[str, asyncio.Event] = {}

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def put(
        self, path: str, body: str | bytes, kind: str = "text/html", headers: Mapping[str, str] | None = None
    ) -> str:
        """The address of `body`, on 127.0.0.1. Pages may be kept for going back, but are asked for each time."""
        content = body.encode() if isinstance(body, str) else body
        self._served[path] = content, kind, {"Cache-Control": "no-cache", **(headers or {})}
        return self.origin + path

    def page(self, body: str, head: str = "", headers: Mapping[str, str] | None = None) -> str:
        """The address of a new page."""
        text = f'<!doctype html><html lang="en"><head>{_HEAD}{head}</head><body>{body}</body></html>'
        return self.put(f"/page{len(self._served)}", text, headers=headers)

    def wait(self, path: str) -> asyncio.Event:
        """Whoever asks for `path` gets his answer when the event is set."""
        return self._waits.setdefault(path, asyncio.Event())

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # a browser that opened a connection too many
            return
        target = asked.split()[1].decode()
        self.visited.append(target)
        path = target.partition("?")[0]
        if path in self._waits:
            await self._waits[path].wait()
        content, kind, headers = self._served.get(path, (b"", "text/plain", {}))
        lines = [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Type: {kind}; charset=utf-8", f"Content-Length: {len(content)}", "Connection: close"]
        status = "200 OK" if path in self._served else "404 Not Found"
        writer.write("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + content)
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
