"""Downloads: whole, in one form, in bounded memory, and never half a file that looks whole."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from dni.cells import read_back
from dni.dashboard.files import download
from dni.errors import NotFound
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.people import Person, csv_rows
from tests.dashboard.samples import HOSTILE, MINUTE, call, insert_rows
from tests.support.until import until

PART = "x" * 65_534 + "\r\n"


async def test_a_file_of_many_parts_is_one_file(admin: Person, parts: Parts) -> None:
    many = [call(f"call_many_{n:04}", n * MINUTE) for n in range(1_234)]
    await insert_rows(parts, schema.call, *many)
    answer = await admin.read("/calls.csv")
    assert answer.content.startswith(b"\xef\xbb\xbfid,")
    assert answer.content.endswith(b"\r\n")
    assert answer.headers["content-disposition"] == 'attachment; filename="calls.csv"'
    assert answer.headers["cache-control"] == "no-store"
    ids = [row["id"] for row in csv_rows(answer)]
    assert len(ids) == len(set(ids))
    assert {one["id"] for one in many} <= set(ids)


async def test_strangers_texts_come_out_as_they_came_in(admin: Person) -> None:
    [row] = [row for row in csv_rows(await admin.read("/calls.csv")) if row["id"] == "call_hostile"]
    assert row["keyword"] == "'" + HOSTILE["keyword"]
    assert {name: read_back(row[name]) for name in HOSTILE} == HOSTILE


async def test_what_is_refused_before_the_first_line_is_told_as_such() -> None:
    async def refused() -> AsyncIterator[str]:
        for part in await _refused():
            yield part

    with pytest.raises(NotFound):
        await download("a.csv", refused())


async def _refused() -> list[str]:
    raise NotFound("no such file")


@pytest.fixture
async def endless() -> AsyncIterator[tuple[str, list[str]]]:
    """The address of a file that never ends, or fails at its tenth part with `?fails`, and what became of it."""
    log: list[str] = []

    async def lines(fails: bool) -> AsyncIterator[str]:
        try:
            while True:
                log.append("part")
                if fails and len(log) == 10:
                    raise RuntimeError("the ledger is away")
                yield PART
                await asyncio.sleep(0)
        finally:
            log.append("ended")

    async def file(request: Request) -> Response:
        return await download("a.csv", lines("fails" in request.query_params))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(Router([Route("/a.csv", file)]), lifespan="off", ws="none", log_config=None)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.csv", log
        server.should_exit = True
        await task


async def test_who_goes_away_ends_the_making_and_memory_is_bounded(endless: tuple[str, list[str]]) -> None:
    address, log = endless
    async with httpx.AsyncClient() as client, client.stream("GET", address) as answer:
        async for _ in answer.aiter_bytes(1_000_000):
            break
    await until(lambda: log[-1] == "ended", "the file is made on for nobody")
    assert len(log) * len(PART) < 32_000_000, "made far ahead of its reader"


async def test_a_file_that_fails_in_the_middle_does_not_look_whole(endless: tuple[str, list[str]]) -> None:
    address, log = endless
    with pytest.raises(httpx.RemoteProtocolError):
        async with httpx.AsyncClient() as client:
            await client.get(f"{address}?fails")
    assert log[-1] == "ended"
