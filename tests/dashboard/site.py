"""The dashboard, the demo page and the tag on a real port, for browsers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from dni.dashboard.routes import nowhere, routes
from dni.demo import page as demo
from dni.parts import Parts
from dni.tag import routes as tag
from dni.web.frame import Frame


@asynccontextmanager
async def serving(parts: Parts, listener: socket.socket) -> AsyncIterator[str]:
    """The address, for as long as the block lasts."""
    server = uvicorn.Server(uvicorn.Config(_app(parts), lifespan="off", ws="none", log_level="warning"))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def _app(parts: Parts) -> ASGIApp:
    doors = tag.doors(parts)
    router = Router([*tag.routes(parts), *routes(parts), *demo.routes(parts)], default=nowhere())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = router
        await doors.get(scope["path"], router)(scope, receive, send)

    return Frame(app)
