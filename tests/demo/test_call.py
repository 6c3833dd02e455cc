"""The played call, over a real socket, against the carrier's real door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import uvicorn
from sqlalchemy import insert, update

from dni.demo.call import demo_call
from dni.ledger import schema
from dni.parts import Parts
from tests.support import process
from tests.support.carrier import CALLER, advance, configure, door, rows, visit
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


async def test_a_call_goes_through_a_menu_to_the_second_phone(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    phones = [{"id": f"dst_{n}", "name": f"Phone {n}", "number": f"+1415555016{n}", "caps": {}} for n in (1, 2)]
    same = {"campaign_id": "cmp_1", "created_at_ms": START_MS, "paused": False}
    await configure(sqlite_parts, insert(schema.destination).values([{**one, **same} for one in phones]))
    menu = {"id": "menu", "do": "menu", "prompt": {"text": "1 or 2"}, "keys": {"1": "Sales"}}
    ring = {"id": "ring", "do": "connect", "destinations": [{"destination": one["id"]} for one in phones]}
    late = {"id": "late", "do": "voicemail", "prompt": {"text": "Leave a message."}}
    await configure(sqlite_parts, update(schema.campaign).values(routing={"steps": [menu, ring, late]}))
    carrier = sqlite_parts.catalog.now.carriers["car_1"]

    async def played(**how: Any) -> list[str]:
        call = demo_call(url, carrier, "+12025550100", CALLER, talk_seconds=42, now_ms=START_MS, **how)
        return [f"{step.name} {step.status}" async for step in call]

    async with served(sqlite_parts) as url:
        assert await played(keys="1", unanswered=1) == [
            "rings 200",
            "presses 1 200",
            "nobody picks up 204",
            "asks what is next 200",
            "is answered 204",
            "destination hangs up 204",
            "asks what is next 200",
            "ends 204",
        ]
        advance(sqlite_parts, 60_000)
        assert (await played(unanswered=2))[:3] == ["rings 200", "presses nothing 200", "presses nothing 200"]
    one, two = await rows(sqlite_parts, schema.call)
    assert (one["status"], one["talk_s"], one["destination"], one["keys"]) == ("completed", 42, "+14155550162", "1")
    assert (two["status"], two["talk_s"]) == ("voicemail", 0)
