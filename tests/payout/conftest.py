"""Two campaigns of two publishers, and everybody who may ask about their money."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.routing import Router

from dni.access.tokens import NewToken, create
from dni.api.routes import routes
from dni.parts import Parts
from dni.web.frame import Frame
from tests.support import world

PEOPLE = {
    "marketer": NewToken(role="marketer", name="Marketer"),
    "publisher": NewToken(role="publisher", publisher="pub_1", name="Publisher"),
    "neighbour": NewToken(role="publisher", publisher="pub_2", name="Neighbour"),
    "advertiser": NewToken(role="advertiser", campaign="cmp_1", name="Advertiser"),
    "other advertiser": NewToken(role="advertiser", campaign="cmp_2", name="Other advertiser"),
    "marketer of a campaign": NewToken(role="marketer", campaign="cmp_1", name="Walled"),
    "marketer of a publisher": NewToken(role="marketer", publisher="pub_1", name="Walled"),
}


class Desk:
    """The admin API over ASGI; `who` asks: the admin, or one of PEOPLE."""

    def __init__(self, parts: Parts, client: httpx.AsyncClient, tokens: dict[str, str]) -> None:
        self.ledger = parts.ledger
        self.parts = parts
        self._client = client
        self._tokens = tokens

    async def ask(self, method: str, path: str, who: str = "admin", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[who]}", **more.pop("headers", {})}
        return await self._client.request(method, f"/api/v1{path}", headers=headers, **more)

    async def get(self, path: str, who: str = "admin") -> Any:
        """What it answered, which must be 200."""
        answer = await self.ask("GET", path, who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def done(self, path: str, body: object = None, who: str = "admin") -> Any:
        """What POST answered, which must be 200 or 201."""
        answer = await self.ask("POST", path, who, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def refused(self, path: str, body: object = None, who: str = "admin") -> tuple[int, str, list[str]]:
        """Status, code and the paths of the wrong fields."""
        answer = await self.ask("POST", path, who, json=body)
        told = answer.json()
        return answer.status_code, told["code"], [one["path"] for one in told["errors"]]

    def later(self, ms: int) -> None:
        self.parts.clock.advance(ms)  # type: ignore[attr-defined]


@pytest.fixture
async def desk(parts: Parts) -> AsyncIterator[Desk]:
    """A test that takes this runs on both engines."""
    await world.declare(parts.ledger)
    await world.declare(parts.ledger, suffix="2", first=100)
    tokens = {"admin": "t" * 32}
    async with parts.ledger.write() as connection:
        for name, new in PEOPLE.items():
            tokens[name] = str((await create(connection, world.START_MS, new)).token)
    transport = httpx.ASGITransport(app=Frame(Router(routes(parts))))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield Desk(parts, client, tokens)
