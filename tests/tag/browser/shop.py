"""The real service with a campaign and a pool, and tags made of it as tests want them."""

import json
from typing import Any

import httpx
import msgspec

from tests.support.service import Service
from tests.support.until import until
from tests.support.world import DESTINATION, TARGET, numbers

SECOND_TARGET = "+14155550101"
STATIC = "+12125550123"
_POOL = 300
"""More than this folder's visitors: each test brings new ones, and a pool that runs short mistrusts one address."""


class Tag(msgspec.Struct, frozen=True):
    id: str
    key: str
    service: str

    def src(self, base: str = "") -> str:
        """The address of its script, from the service or through `base`."""
        return f"{base or self.service}/t/{self.key}.js"

    def snippet(self, base: str = "", how: str = "async") -> str:
        """The line that a publisher pastes."""
        return f'<script {how} src="{self.src(base)}"></script>'


class Shop:
    """One campaign; a tag is made when a test first wants one like it."""

    def __init__(self, service: Service, origins: list[str]) -> None:
        self.service = service
        self._origins = origins
        self._api = httpx.AsyncClient(base_url=service.url + "/api/v1", headers=service.headers, trust_env=False)
        self._tags: dict[str, Tag] = {}
        self._owner: dict[str, str] = {}

    async def tag(self, **fields: Any) -> Tag:
        """A tag for every page of the site, which replaces TARGET; `fields` are added, as the API names them."""
        name = json.dumps(fields, sort_keys=True)
        if name not in self._tags:
            self._tags[name] = await self._make(fields)
        return self._tags[name]

    async def get(self, path: str) -> Any:
        """What the admin API answers."""
        return (await self._api.get(path)).raise_for_status().json()

    async def pin(self, tag: Tag) -> dict[str, str]:
        """Its `version`, `integrity` and `snippet` for a page that checks what it loads."""
        answer = await self._api.post(f"/tags/{tag.id}/pin")
        assert answer.is_success, answer.text
        pinned: dict[str, str] = answer.json()
        return pinned

    async def text(self, path: str) -> str:
        """What the service shows there."""
        return (await self._api.get(self.service.url + path)).text

    async def metric(self, line: str) -> float:
        """The value of one line of /metrics; 0 when it is not there."""
        lines = (await self.text("/metrics")).splitlines()
        return next((float(one.removeprefix(line)) for one in lines if one.startswith(line)), 0)

    async def close(self) -> None:
        await self._api.aclose()

    async def _make(self, fields: dict[str, Any]) -> Tag:
        if not self._owner:
            campaign = await self._post(
                "/campaigns", {"name": "Plumbers", "destination": DESTINATION, "timezone": "America/New_York"}
            )
            publisher = await self._post("/publishers", {"name": "Own site"})
            pool = await self._post("/pools", {"name": "Pool", "numbers": numbers(_POOL)})
            await self._post("/numbers", {"number": STATIC, "campaign": campaign, "publisher": publisher})
            self._owner = {"campaign": campaign, "publisher": publisher, "pool": pool}
        new = {"name": "Tag", "origins": self._origins, "targets": [TARGET], **self._owner, **fields}
        tag = await self._post("/tags", new)
        key = (await self.get(f"/tags/{tag}"))["key"]

        async def is_served() -> bool:
            return (await self._api.get(f"{self.service.url}/t/{key}.js")).is_success

        await until(is_served, f"the script of {fields}")
        return Tag(tag, key, self.service.url)

    async def _post(self, path: str, body: dict[str, Any]) -> str:
        answer = await self._api.post(path, json=body)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])
