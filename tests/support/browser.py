"""A page's side of the browser's door over HTTP, without a browser: for tests of the door itself."""

from typing import Any

import httpx
import msgspec
from starlette.routing import Router
from starlette.types import ASGIApp

from dni.parts import Parts
from dni.tag.routes import doors, routes
from dni.web.frame import Frame
from tests.support.world import ORIGIN, TARGET

PERSON = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
LANDING = ORIGIN + "/?utm_source=google&utm_medium=cpc&utm_campaign=spring&utm_term=emergency+plumber&gclid=x"


def door(parts: Parts) -> ASGIApp:
    """The tag's door alone, in the frame that the service has around it."""
    fast, router = doors(parts), Router(routes(parts))
    framed = Frame(router)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["app"] = router
        await fast.get(scope["path"], framed)(scope, receive, send)

    return app


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="https://dni.example",
        headers={"Origin": ORIGIN, "User-Agent": PERSON},
    )


def lease_body(**change: Any) -> dict[str, Any]:
    """A page view as the contract has it; keywords replace fields."""
    return {
        "v": 1,
        "tag": "key1",
        "visitor": None,
        "session": None,
        "page": {"id": "page1", "seq": 1, "url": LANDING, "title": "Plumber"},
        "referrer": "https://www.google.com/",
        "numbers": [TARGET],
        "visible": True,
        "consent": "granted",
        "tz": "America/Chicago",
        "lang": "en-US",
        **change,
    }


def signal_body(**change: Any) -> dict[str, Any]:
    return {"v": 1, "tag": "key1", "session": None, "signals": [], "page": {"id": "page1", "seq": 2}, **change}


async def post(browser: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    """As the tag sends it: JSON as text/plain, so that no preflight is needed."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return await browser.post(path, content=content, headers={"Content-Type": "text/plain", **headers})
