"""The composition root: one process's parts, its doors and what it does in the background."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from dni import metrics
from dni.api import routes as api
from dni.dashboard import routes as dashboard
from dni.demo import page as demo
from dni.parts import Parts
from dni.pool.place import place_missing
from dni.settings import Settings
from dni.tag import routes as tag
from dni.tag.door import Door
from dni.telephony import routes as telephony
from dni.web import health
from dni.web.frame import Frame


def build(settings: Settings) -> "App":
    """The ASGI application of one worker. `settings.redis_url` is set: `dni serve` resolved it."""
    parts = Parts(settings)
    return compose(parts)


def compose(parts: Parts) -> "App":
    """All doors around the given parts."""

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        await parts.open()
        background = [
            asyncio.create_task(parts.catalog.watch()),
            asyncio.create_task(parts.geo.watch()),
            asyncio.create_task(parts.delays.watch()),
            asyncio.create_task(place_missing(parts)),
            asyncio.create_task(metrics.keep_bringing()),
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await parts.close()

    router = Router(_routes(parts), redirect_slashes=False, default=dashboard.nowhere(), lifespan=lifespan)
    return App(tag.doors(parts), router, parts.ending)


class App:
    """All doors. `doors` are those of the page path, which a server may reach without ASGI (`dni.host.shortcut`).
    `ending` is set by who is about to stop the server."""

    def __init__(self, doors: dict[str, Door], router: Router, ending: asyncio.Event) -> None:
        self.doors = doors
        self.ending = ending
        self._router = router
        self._framed = Frame(router)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (door := self.doors.get(scope["path"])):
            await door(scope, receive, send)
            return
        scope["app"] = self._router
        await self._framed(scope, receive, send)


def routes_of(parts: Parts) -> list[str]:
    """The paths of every door, as written in the routes: for docs and tests that must know them all.

    Raises TypeError for a route that has no one path, which they could not know."""
    routes = _routes(parts)
    if strange := [route for route in routes if not isinstance(route, Route)]:
        raise TypeError(f"only plain routes have a path to be known by, not {strange}")
    return [*tag.doors(parts), *(route.path for route in routes if isinstance(route, Route))]


def _routes(parts: Parts) -> list[BaseRoute]:
    return [
        *health.routes(parts),
        *tag.routes(parts),
        *telephony.routes(parts),
        *api.routes(parts),
        *dashboard.routes(parts),
        *demo.routes(parts),
    ]
