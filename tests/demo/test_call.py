"""The played call, over a real socket, against the carrier's real door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import uvicorn

from dni.demo.call import demo_call
from dni.ledger import schema
from dni.parts import Parts
from tests.support import process
from tests.support.carrier import CALLER, door, rows, visit
from tests.support.until import until
from tests.support.world import DESTINATION, START_MS, add


@asynccontextmanager
async def served(parts: Parts) -> AsyncIterator[str]:
    port = process.free_port()
    config = uvicorn.Config(door(parts), port=port, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started, "uvicorn serves")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await running


async def test_a_played_call_is_a_whole_call(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    seen = await visit(sqlite_parts)
    carrier = sqlite_parts.catalog.now.carriers["car_1"]
    async with served(sqlite_parts) as url:
        steps = [
            step async for step in demo_call(url, carrier, seen["number"], CALLER, talk_seconds=42, now_ms=START_MS)
        ]
    assert [(step.name, step.status) for step in steps] == [
        ("rings", 200),
        ("is answered", 204),
        ("destination hangs up", 204),
        ("ends", 204),
    ]
    assert DESTINATION in steps[0].answer
    [call] = await rows(sqlite_parts, schema.call)
    names = ("status", "duration_s", "talk_s", "session_id", "source", "caller", "destination")
    expected = ["completed", 46, 42, seen["session"], "google", CALLER, DESTINATION]
    assert [call[name] for name in names] == expected


async def test_it_signs_for_the_public_address(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    sqlite_parts.settings = msgspec.structs.replace(sqlite_parts.settings, public_url="https://calls.example.com")
    carrier = sqlite_parts.catalog.now.carriers["car_1"]
    async with served(sqlite_parts) as url:

        async def first(public_url: str | None) -> int:
            call = demo_call(
                url, carrier, "+12025550100", CALLER, talk_seconds=1, now_ms=START_MS, public_url=public_url
            )
            steps = [step async for step in call]
            return steps[0].status

        assert await first(None) == 403
        assert await first("https://calls.example.com") == 200


async def test_a_call_that_is_rejected_ends_there(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = sqlite_parts.catalog.now.carriers["car_1"]
    async with served(sqlite_parts) as url:
        steps = [s async for s in demo_call(url, carrier, "+14155550177", CALLER, talk_seconds=1, now_ms=START_MS)]
    assert [step.name for step in steps] == ["rings"]
