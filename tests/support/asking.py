"""One request to an ASGI application, as uvicorn hands it over; a stream of events is left after its first words."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

HOST = "dni.example"
PAGE = {"Accept": "text/html"}
_PATIENCE_S = 20.0


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


async def ask(
    app: ASGIApp,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    scheme: str = "http",
) -> Answer:
    """`target` is path and query. `form` is sent as a page's form is."""
    path, _, query = target.partition("?")
    said = {"host": HOST, **{name.lower(): value for name, value in (headers or {}).items()}}
    body = urlencode(form).encode() if form is not None else b""
    if form is not None:
        said |= {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in said.items()],
        "client": ("127.0.0.1", 40_000),
        "server": (HOST, 80),
    }
    gone, unread = asyncio.Event(), True
    head: Message = {}
    parts: list[bytes] = []

    async def receive() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            head.update(message)
        else:
            parts.append(message.get("body", b""))
            if b"text/event-stream" in dict(head["headers"]).get(b"content-type", b""):
                gone.set()

    async with asyncio.timeout(_PATIENCE_S):
        await app(scope, receive, send)
    return Answer(head["status"], Headers(raw=list(head["headers"])), b"".join(parts))
