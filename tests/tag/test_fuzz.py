"""Pages that nobody would write, and what may happen to them: the tag swaps what it should, and can take it back.

For each example a fresh copy of the tag runs in a real browser. The page has a twin that no tag sees; to it the same
happens, so it tells at every moment what would be there without us.
"""

import json
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.async_api import Browser, Page

from tests.support import service as services
from tests.support.until import until
from tests.tag.browser import site as sites
from tests.tag.fuzz.found import FOUND
from tests.tag.fuzz.oracle import SWAPPED_ATTRIBUTES, Plan, faults
from tests.tag.fuzz.trees import acts, page
from tests.tag.fuzz.words import TAGS

_HTML = (Path(__file__).parent / "fuzz/page.html").read_text()
_PAGE_LASTS = 100

_settings = settings(
    deadline=None,
    database=None,
    # The page is one for all examples: each makes its own `main` and its own copy of the tag.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Stage:
    """A browser page that plays one example after the other, with everything it had to complain about."""

    def __init__(self, page: Page, address: str, urls: list[str]) -> None:
        self._page, self._address, self._urls = page, address, urls
        self._played = 0
        self._said: list[str] = []
        page.on("console", lambda message: self._said.append(message.text))
        page.on("pageerror", lambda error: self._said.append(str(error)))

    async def play(self, plan: Plan, later: bool, happens: list[Plan]) -> list[str]:
        """What went wrong, each with the moment."""
        if self._played % _PAGE_LASTS == 0:
            await self._page.goto(self._address)
        self._played += 1
        self._said.clear()
        targets = list(chain.from_iterable(TAGS.values()))
        example = {"urls": self._urls, "targets": targets, "plan": plan, "later": later, "acts": happens}
        played = await self._page.evaluate("play", example)
        wrong = [f"the console says {line}" for line in self._said]
        for moment, live, twin in played["seen"]:
            if live is None:
                wrong.append("other nodes are there than before")
            elif not moment.startswith("restored"):
                wrong += [f"{moment}: {fault}" for fault in faults(live, twin)]
            elif live != twin:
                wrong.append(f"{moment}: {json.dumps(live)} is not {json.dumps(twin)}")
        return wrong


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Service]:
    with services.running(tmp_path_factory.mktemp("fuzz") / "service") as running:
        yield running


@pytest.fixture(scope="module")
async def stage(chromium: Browser, service: services.Service) -> AsyncIterator[Stage]:
    api = httpx.AsyncClient(base_url=f"{service.url}/api/v1", headers=service.headers, trust_env=False)
    async with sites.serving() as site, api, await chromium.new_context() as context:
        urls = [await _tag(api, service.url, site.origin, number) for number in TAGS]
        yield Stage(await context.new_page(), site.put("/", _HTML), urls)


async def _tag(api: httpx.AsyncClient, url: str, origin: str, number: str) -> str:
    """The address of a tag that shows `number` for its targets."""
    asked: dict[str, Any] = {"name": "Fuzz", "destination": "+14155550199", "timezone": "UTC"}
    campaign = (await api.post("/campaigns", json=asked)).raise_for_status().json()["id"]
    asked = {
        "name": number,
        "campaign": campaign,
        "origins": [origin],
        "targets": TAGS[number],
        "rules": [{"when": {}, "use": {"number": number}}],
        "attributes": list(SWAPPED_ATTRIBUTES),
        "consent_unknown": "wait",
    }
    key = (await api.post("/tags", json=asked)).raise_for_status().json()["key"]

    async def is_served() -> bool:
        return (await api.get(f"{url}/t/{key}.js")).is_success

    await until(is_served, f"the script of {number}")
    return f"{url}/t/{key}.js"


@pytest.mark.parametrize("name", FOUND)
async def test_a_page_that_once_went_wrong(stage: Stage, name: str) -> None:
    assert await stage.play(*FOUND[name]) == []


@pytest.mark.stress
@settings(_settings, max_examples=300, derandomize=True)
@given(plan=page, later=st.booleans(), happens=acts)
async def test_any_page(stage: Stage, plan: Plan, later: bool, happens: list[Plan]) -> None:
    wrong = await stage.play(plan, later, happens)
    assert not wrong, "\n".join([json.dumps([plan, later, happens]), *wrong])


@pytest.mark.stress
@settings(_settings, max_examples=5_000)
@given(plan=page, later=st.booleans(), happens=acts)
async def test_any_page_of_many(stage: Stage, plan: Plan, later: bool, happens: list[Plan]) -> None:
    wrong = await stage.play(plan, later, happens)
    assert not wrong, "\n".join([json.dumps([plan, later, happens]), *wrong])
