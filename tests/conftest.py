"""Fixtures for all tests: real servers, a real browser, and what isolates one test from another."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from dni.host.worker import freeze_garbage
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.parts import Parts
from tests.support import postgres, programs, valkey, world
from tests.support import service as services

NewContext = Callable[[], Awaitable[BrowserContext]]

_CHROMIUM_ARGS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses its sandbox to root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-blink-features=AutomationControlled",  # a person's browser says nothing in navigator.webdriver
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Of benchmarks (tests/bench/conftest.py)."""
    told = parser.getgroup("benchmarks")
    told.addoption(
        "--sessions", type=int, metavar="N", default=1_000_000, help="in the ledger that reports are measured on"
    )
    told.addoption("--ledgers", type=Path, metavar="DIR", help="keep big ledgers here, and take those that are there")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test is marked by the server it asks for, so that `-m 'not browser'` needs no care."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "postgres_server" in names:
            item.add_marker("postgres")
        if "chromium" in names:
            item.add_marker("browser")
        if "exchange" in names:
            item.add_marker("sip")


def pytest_collection_finish() -> None:
    """What was collected stays: it is not searched for cycles any more. A search through all of it stops everything for
    longer than a call may wait for the ledger."""
    freeze_garbage()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests and fixtures run on asyncio, as the service does."""
    return "asyncio"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Valkey for the whole run. Shared: keep to `redis_prefix`, never flush it."""
    with valkey.running() as url:
        yield url


@pytest.fixture
def redis_prefix() -> str:
    """Begins every key of one test."""
    return f"t{secrets.token_hex(5)}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A real PostgreSQL for the whole run."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_database(postgres_server: postgres.Postgres) -> str:
    """The name of a database with the newest schema, to be copied: that takes a twentieth of the migrations' time."""
    name, url = postgres_server.kept_database()
    asyncio.run(_migrated(url))
    return name


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    file = tmp_path_factory.mktemp("migrated") / "ledger.sqlite3"
    asyncio.run(_migrated(f"sqlite+aiosqlite:///{file}"))
    return file


async def _migrated(url: str) -> None:
    made = Ledger(url)
    await migrate(made)
    await made.close()


@pytest.fixture
def postgres_url(postgres_server: postgres.Postgres, migrated_database: str) -> Iterator[str]:
    """A database of its own, migrated and empty."""
    with postgres_server.database(migrated_database) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_file: Path) -> str:
    """A file of its own, migrated and empty."""
    file = tmp_path / "ledger.sqlite3"
    shutil.copyfile(migrated_file, file)
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """An empty ledger on each engine: a test that takes this runs twice."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[Ledger]:
    """A migrated ledger on each engine: a test that takes this runs twice."""
    made = Ledger(ledger_url)
    await migrate(made)
    yield made
    await made.close()


@pytest.fixture
async def parts(ledger_url: str, redis_url: str, redis_prefix: str, tmp_path: Path) -> AsyncIterator[Parts]:
    """One process's parts on real Redis and each engine, with a clock that only the test moves; see support.world."""
    async with world.parts(ledger_url, redis_url, redis_prefix, tmp_path) as made:
        yield made


@pytest.fixture
async def sqlite_parts(sqlite_url: str, redis_url: str, redis_prefix: str, tmp_path: Path) -> AsyncIterator[Parts]:
    """The same on SQLite only, for tests of what the engine does not touch."""
    async with world.parts(sqlite_url, redis_url, redis_prefix, tmp_path) as made:
        yield made


class StartService(Protocol):
    """Starts one more `dni serve`; keyword `env` adds settings. All are gone when the test ends."""

    def __call__(self, *, workers: int = 1, env: Mapping[str, str] | None = None) -> services.Service: ...


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    """For tests that need settings of their own or several services."""
    with ExitStack() as stack:
        count = iter(range(100))

        def start(*, workers: int = 1, env: Mapping[str, str] | None = None) -> services.Service:
            data_dir = tmp_path / f"service{next(count)}"
            return stack.enter_context(services.running(data_dir, workers, env))

        yield start


@pytest.fixture
def service(start_service: StartService) -> services.Service:
    """The real service with embedded Valkey and SQLite, ready."""
    return start_service()


@pytest.fixture(scope="session")
async def chromium(anyio_backend: str) -> AsyncIterator[Browser]:
    """One real browser for the whole run; take `new_context` or `page`."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=programs.chromium(), headless=True, args=_CHROMIUM_ARGS
        )
        yield browser
        await browser.close()


@pytest.fixture
async def new_context(chromium: Browser) -> AsyncIterator[NewContext]:
    """Makes a browser profile of its own, as another person would have."""
    async with AsyncExitStack() as stack:

        async def new() -> BrowserContext:
            return await stack.enter_async_context(await chromium.new_context())

        yield new


@pytest.fixture
async def page(new_context: NewContext) -> Page:
    """One page of one new visitor."""
    return await (await new_context()).new_page()
