"""What the tests of connections share: a Live that is closed, a tiny script, the worker's event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from dni.live.connection import Live
from tests.support.cluster import wait
from tests.support.server import Server


class Connect(Protocol):
    """Makes a Live that is opened, or with `wait` false just opens; it is closed when the test ends."""

    async def __call__(self, url: str, on_connect: tuple[tuple[Any, ...], ...] = (), *, wait: bool = True) -> Live: ...


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The workers' loop."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def opened(url: str, on_connect: tuple[tuple[Any, ...], ...] = (), *, wait: bool = True) -> Live:
            live = Live(url, on_connect)
            stack.push_async_callback(live.close)
            opening = asyncio.create_task(live.open())
            stack.callback(opening.cancel)
            await (opening if wait else asyncio.sleep(0))
            return live

        yield opened


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One that the test may kill, freeze and start again."""
    made = Server(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def replica(server: Server, tmp_path: Path) -> Iterator[Server]:
    """Of `server`, in step with it."""
    made = Server(tmp_path, {"replicaof": f"127.0.0.1 {server.port}"})
    server.ask("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    made.start()
    server.ask("SET", "a write", "")
    wait(
        lambda: bool(made.info("replication")["master_link_status"] == "up" and made.ask("EXISTS", "a write")),
        "in step",
    )
    yield made
    made.kill()
