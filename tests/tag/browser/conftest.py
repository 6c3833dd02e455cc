"""A customer's site, the service, and visitors whose consoles must stay silent."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, async_playwright

from tests.conftest import NewContext
from tests.support import service as services
from tests.tag.browser import gate as gates
from tests.tag.browser import plain
from tests.tag.browser import site as sites
from tests.tag.browser.gate import Gate
from tests.tag.browser.shop import Shop
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import Visitor

APPS = Path(__file__).parents[1] / "apps/dist"
NewVisitor = Callable[..., Awaitable[Visitor]]

# What a development build of a framework says to its developer.
_FRAMEWORKS = ("React DevTools", "development build of Vue")


@pytest.fixture(scope="session")
def shop_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Service]:
    """One real service for the whole folder: every visitor is a new one anyway."""
    with services.running(tmp_path_factory.mktemp("shop") / "service") as service:
        yield service


@pytest.fixture(scope="session")
async def site(anyio_backend: str) -> AsyncIterator[Site]:
    assert APPS.exists(), "the pages of frameworks are not built: make apps"
    async with sites.serving() as site:
        for file in APPS.glob("*.js"):
            site.put(f"/apps/{file.name}", file.read_bytes(), "text/javascript")
        yield site


@pytest.fixture(scope="session")
async def shop(anyio_backend: str, shop_service: services.Service, site: Site) -> AsyncIterator[Shop]:
    hosts = ("127.0.0.1", "localhost", "shop.example", "www.shop.example")
    shop = Shop(shop_service, [shop_service.url, *(f"http://{host}:{site.port}" for host in hosts)])
    yield shop
    await shop.close()


@pytest.fixture
async def gate(shop_service: services.Service) -> AsyncIterator[Gate]:
    """In front of the service; a tag that came through it speaks through it."""
    async with gates.in_front_of(shop_service.port) as gate:
        yield gate


@pytest.fixture
async def new_visitor(new_context: NewContext) -> AsyncIterator[NewVisitor]:
    """Somebody new with one page, or the same person with one more (`context`). All must have heard nothing."""
    visitors: list[Visitor] = []

    async def new(context: BrowserContext | None = None) -> Visitor:
        visitors.append(Visitor(await (context or await new_context()).new_page()))
        return visitors[-1]

    yield new
    for visitor in visitors:
        assert visitor.complaints(*_FRAMEWORKS) == []


@pytest.fixture
async def visitor(new_visitor: NewVisitor) -> Visitor:
    return await new_visitor()


@pytest.fixture
async def plain_context(anyio_backend: str) -> AsyncIterator[BrowserContext]:
    """The profile of a browser as a person has it: tabs are hidden, frozen, kept for going back."""
    with plain.with_devtools() as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(address, no_defaults=True)
            yield browser.contexts[0]
