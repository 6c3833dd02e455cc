"""uvicorn's HTTP protocol with a short way for page views and beats, by far the most of what comes.

A POST to one of the application's `doors` is handed over as headers, peer and body, and its answer is written as it
comes back: no scope, no messages, no check of headers that are our own. Everything else goes uvicorn's way, and so does
the life of the connection: pipelining, keep-alive, drain, timeouts.
"""

from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dni.tag.door import Answer, Door, Headers


class Shortcut(HttpToolsProtocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app: Any = self.app
        while not hasattr(app, "doors") and hasattr(app, "app"):  # in uvicorn's own wrappers
            app = app.app
        doors: dict[str, Door] = getattr(app, "doors", {})
        self._doors = {path.encode(): door for path, door in doors.items()}
        self._short: _Cycle | None = None

    def on_message_begin(self) -> None:
        # What uvicorn does here is for the long way; see below.
        self.url, self.headers, self.expect_100_continue, self._short = b"", [], False, None

    def on_headers_complete(self) -> None:
        door = self._doors.get(self.url)
        parser = self.parser
        if door and parser.get_method() == b"POST" and not self.expect_100_continue and not parser.should_upgrade():
            former: Any = self.cycle
            keep_alive = parser.get_http_version() != "1.0" and parser.should_keep_alive()
            waits = former is not None and not former.response_complete
            self._short = _Cycle(self, door, self.headers, keep_alive, waits)
            self.cycle = cast(Any, self._short)
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._short is None:
            super().on_body(body)
        else:
            self._short.add(body)

    def on_message_complete(self) -> None:
        short = self._short
        if short is None:
            super().on_message_complete()
        elif short.waits:
            self.flow.pause_reading()
            self.pipeline.appendleft((cast(Any, short), self.app))
        else:
            short.begin()


class _Nobody:
    """Stands where uvicorn's cycle wakes who waits for a body: here nobody does."""

    def set(self) -> None:
        pass


class _Cycle:
    """One request on the short way; what the protocol asks of a `RequestResponseCycle`, and of a task, and no more.

    The door's coroutine begins at once and goes on in the callback of the one future that it waits for, without a task:
    a task would cost two more turns of the event loop.
    """

    __slots__ = (
        *("_body", "_door", "_headers", "_post", "_protocol"),
        *("disconnected", "keep_alive", "response_complete", "waits"),
    )
    message_event = _Nobody()

    def __init__(self, protocol: Shortcut, door: Door, headers: Headers, keep_alive: bool, waits: bool) -> None:
        self._protocol, self._door, self._headers, self._body = protocol, door, headers, b""
        self.keep_alive, self.waits = keep_alive, waits
        self.disconnected = self.response_complete = False

    def add(self, body: bytes) -> None:
        """One byte more than the door takes is kept, to tell; the rest of a flood is dropped as it comes."""
        if len(self._body) <= self._door.body_limit:
            self._body += body

    def begin(self) -> None:
        protocol, body = self._protocol, self._body
        client = protocol.client
        self._post = self._door.post(
            self._headers, client[0] if client else "", body if len(body) <= self._door.body_limit else None
        )
        protocol.tasks.add(cast(Any, self))  # the server drains before it ends
        self._go_on(None)

    async def run_asgi(self, _app: object) -> None:
        """When its turn comes behind an earlier request of the connection."""
        self.begin()

    def cancel(self, msg: object = None) -> None:
        """The server does not wait any longer."""
        self._post.close()

    def _go_on(self, _done: object) -> None:
        try:
            waits_for: Any = self._post.send(None)
        except StopIteration as ended:
            self._protocol.tasks.discard(cast(Any, self))
            self._end(ended.value)
        else:
            waits_for._asyncio_future_blocking = False  # as asyncio.Task does: we have seen it
            waits_for.add_done_callback(self._go_on)

    def _end(self, answer: Answer) -> None:
        self.response_complete = True
        if self.disconnected:
            return
        protocol = self._protocol
        protocol.transport.write(_written(answer, protocol.server_state.default_headers, self.keep_alive))
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


def _written(answer: Answer, default: Headers, keep_alive: bool) -> bytes:
    status, headers, body = answer
    lines = [_status_line(status)]
    for name, value in default:
        lines += (name, b": ", value, b"\r\n")
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    if not keep_alive:
        lines.append(b"connection: close\r\n")
    lines += (b"\r\n", body)
    return b"".join(lines)


@lru_cache
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
