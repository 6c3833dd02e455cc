"""The dashboard, the demo page and the tag on a real port, for browsers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import uvicorn
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from dni.dashboard.routes import nowhere, routes
from dni.demo import page as demo
from dni.parts import Parts
from dni.tag import routes as tag
from dni.web.frame import Frame


@asynccontextmanager
async def serving(parts: Parts, listener: socket.socket, first: Sequence[Route] = ()) -> AsyncIterator[str]:
    """The address, for as long as the block lasts. `first` take the place of our own routes."""
    server = uvicorn.Server(uvicorn.Config(_app(parts, first), lifespan="off", ws="none", log_level="warning"))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        parts.ending.set()
        server.should_exit = True
        await task


def _app(parts: Parts, first: Sequence[Route]) -> ASGIApp:
    doors = tag.doors(parts)
    router = Router([*first, *tag.routes(parts), *routes(parts), *demo.routes(parts)], default=nowhere())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = router
        await doors.get(scope["path"], router)(scope, receive, send)

    return Frame(app)
