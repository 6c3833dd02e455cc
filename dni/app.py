"""The composition root: one process's parts, its doors and what it does in the background."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from dni.api import routes as api
from dni.dashboard import routes as dashboard
from dni.demo import page as demo
from dni.parts import Parts
from dni.pool.place import place_missing
from dni.settings import Settings
from dni.tag import routes as tag
from dni.telephony import routes as telephony
from dni.web import health
from dni.web.frame import Frame


def build(settings: Settings) -> ASGIApp:
    """The ASGI application of one worker. `settings.redis_url` is set: `dni serve` resolved it."""
    parts = Parts(settings)
    return compose(parts)


def compose(parts: Parts) -> ASGIApp:
    """All doors around the given parts."""

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        await parts.open()
        background = [asyncio.create_task(parts.catalog.watch()), asyncio.create_task(place_missing(parts))]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await parts.close()

    router = Router(_routes(parts), redirect_slashes=False, default=dashboard.nowhere(), lifespan=lifespan)
    framed: Any = Frame(router)
    if parts.settings.trusted_proxies:
        framed = ProxyHeadersMiddleware(framed, parts.settings.trusted_proxies)
    doors = tag.doors(parts)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Every page view comes here: one look in a dict instead of a walk over all routes.
        if scope["type"] == "http" and (door := doors.get(scope["path"])):
            await door(scope, receive, send)
            return
        scope["app"] = router
        await framed(scope, receive, send)

    return app


def routes_of(parts: Parts) -> list[str]:
    """The paths of every door, as written in the routes: for docs and tests that must know them all."""
    return [*tag.doors(parts), *(route.path for route in _routes(parts) if isinstance(route, Route))]


def _routes(parts: Parts) -> list[BaseRoute]:
    return [
        *health.routes(parts),
        *tag.routes(parts),
        *telephony.routes(parts),
        *api.routes(parts),
        *dashboard.routes(parts),
        *demo.routes(parts),
    ]
