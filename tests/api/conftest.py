from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Router

from dni.access.model import Role
from dni.access.tokens import NewToken, create
from dni.api.routes import routes
from dni.ledger.migrate import migrate
from dni.parts import Parts
from dni.settings import Settings
from dni.web.frame import Frame

ADMIN = "an-admin-token-of-a-test"


class Api:
    """The admin API over ASGI, asked as the admin unless a token says otherwise."""

    def __init__(self, parts: Parts, client: httpx.AsyncClient) -> None:
        self.parts = parts
        self.client = client

    async def ask(self, method: str, path: str, *, token: str = ADMIN, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: object, **more: Any) -> httpx.Response:
        return await self.ask("POST", path, json=body, **more)

    async def patch(self, path: str, body: object, **more: Any) -> httpx.Response:
        return await self.ask("PATCH", path, json=body, **more)

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("DELETE", path, **more)

    async def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What POST answered, which must be 201."""
        answer = await self.post(path, body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def campaign(self, name: str = "Plumbing", destination: str = "+14155550100") -> str:
        return str((await self.made("/campaigns", {"name": name, "destination": destination}))["id"])

    async def publisher(self, name: str = "Ads Inc") -> str:
        return str((await self.made("/publishers", {"name": name}))["id"])

    async def pool(self, numbers: list[str], name: str = "Pool", **more: Any) -> str:
        return str((await self.made("/pools", {"name": name, "numbers": numbers, **more}))["id"])

    async def tag(self, campaign: str, pool: str | None = None, publisher: str | None = None, **more: Any) -> str:
        body = {"name": "Tag", "campaign": campaign, "pool": pool, "publisher": publisher, **a_page(), **more}
        return str((await self.made("/tags", body))["id"])

    async def token(self, role: Role, **walls: str) -> str:
        async with self.parts.ledger.write() as connection:
            made = await create(connection, self.parts.clock.now_ms(), NewToken(role=role, **walls))
        assert made.token
        return made.token


def a_page() -> dict[str, list[str]]:
    return {"origins": ["https://www.example.com"], "targets": ["+14155550100"]}


async def open_parts(tmp_path: Path, ledger_url: str, redis_url: str, prefix: str) -> Parts:
    settings = Settings(data_dir=tmp_path, redis_url=redis_url, database_url=ledger_url, admin_token=ADMIN)
    parts = Parts(settings, prefix=prefix)
    await migrate(parts.ledger)
    await parts.open()
    return parts


@pytest.fixture
async def parts(tmp_path: Path, ledger_url: str, redis_url: str, redis_prefix: str) -> AsyncIterator[Parts]:
    """Real parts on each engine: a test that takes this runs twice."""
    made = await open_parts(tmp_path, ledger_url, redis_url, redis_prefix)
    yield made
    await made.close()


@pytest.fixture
async def api(parts: Parts) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(app=Frame(Router(routes(parts))))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield Api(parts, client)
