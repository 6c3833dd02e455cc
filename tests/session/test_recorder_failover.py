"""The recorder while servers of Redis change under it: each entry once in effect, none left out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dni.ledger import schema
from dni.live.connection import Node
from dni.parts import Parts
from dni.pool.place import place
from dni.session import recorder
from tests.session.test_recorder import record_all, rows, visit, waiting
from tests.support import valkey, world
from tests.support.browser import client, door, post, signal_body
from tests.support.until import until
from tests.support.world import TARGET


@asynccontextmanager
async def recording(parts: Parts) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(recorder.record(parts, stop))
    try:
        yield
    finally:
        stop.set()
        await task


def stream_of(parts: Parts) -> tuple[Node, str]:
    return parts.live.node("s0"), parts.keys.events(parts.keys.shard("cmp_1"))


async def sessions(parts: Parts, count: int) -> None:
    async def there() -> bool:
        return len(await rows(parts, schema.session)) >= count and await waiting(parts) == 0

    await until(there, f"{count} sessions are recorded", 5)


async def taken_over(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    """Another server answers, with what the stream holds now. Returns when the recorder has noticed."""
    caplog.set_level("INFO", "dni.recorder")
    parts.live.node("s0").run_id = "a" * 40
    await until(lambda: "is another server's now" in caplog.text, "the recorder notices", 5)


async def test_a_page_view_of_a_lease_that_was_taken_back_is_recorded(parts: Parts) -> None:
    """Its touch went with the Redis that was lost; that must not stop the recorder."""
    await world.add(parts)
    async with client(door(parts)) as browser:
        got = await visit(browser)
        await record_all(parts)
        node = parts.live.node("s0")
        await node.send("DEL", parts.keys.leases("cmp_1", "pool_1"), parts.keys.pool("cmp_1", "pool_1"))
        await place(parts)
        ids = {"visitor": got["visitor"], "session": got["session"]}
        beat = {"type": "beat", "lease": got["numbers"][TARGET]["lease"]}
        await post(browser, "/v1/signal", signal_body(**ids, signals=[beat]))
        again = await visit(browser, **ids)
        assert again["numbers"][TARGET]["number"] == got["numbers"][TARGET]["number"]
    await record_all(parts)
    [session] = await rows(parts, schema.session)
    assert (session["page_views"], session["source"]) == (2, "google")


async def test_entries_that_came_back_with_a_server_that_lost_the_last_ones_count_once(
    sqlite_parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    """It lost the last entries and the trimming of those before."""
    parts = sqlite_parts
    await world.add(parts)
    node, stream = stream_of(parts)
    async with client(door(parts)) as browser:
        await visit(browser)
        [[first, fields]] = await node.send("XRANGE", stream, "-", "+")
        async with recording(parts):
            await visit(browser)
            await sessions(parts, 2)
            await node.send("DEL", stream)
            await node.send("XADD", stream, first, *fields)
            await taken_over(parts, caplog)
            await visit(browser)
            await sessions(parts, 3)
    assert [row["page_views"] for row in await rows(parts, schema.session)] == [1, 1, 1]


async def test_no_entry_is_left_out_whose_server_has_a_clock_behind_the_former_ones(
    sqlite_parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    parts = sqlite_parts
    await world.add(parts)
    node, stream = stream_of(parts)
    async with client(door(parts)) as browser:
        for _ in range(3):
            await visit(browser)
        [[first, one], [_, two], [_, three]] = await node.send("XRANGE", stream, "-", "+")
        await node.send("DEL", stream)
        hours_ahead = int(first.partition(b"-")[0]) + 7_200_000
        async with recording(parts):
            await node.send("XADD", stream, f"{hours_ahead}-0", *one)
            await sessions(parts, 1)
            await node.send("DEL", stream)
            await node.send("XADD", stream, first, *two)
            # Nor when ids have passed those of the former server before the recorder looks.
            await node.send("XADD", stream, f"{hours_ahead}-1", *three)
            await taken_over(parts, caplog)
            await sessions(parts, 3)
    assert len(await rows(parts, schema.session)) == 3


async def test_a_refusal_that_passes_is_not_taken_for_an_empty_stream(sqlite_url: str, tmp_path: Path) -> None:
    """A server that reads its file, or one that a slot has left, says so to XINFO: what is recorded stays so."""
    with valkey.running() as redis_url:
        async with world.parts(sqlite_url, redis_url, "dni", tmp_path) as parts:
            await world.add(parts)
            node, stream = stream_of(parts)
            async with client(door(parts)) as browser:
                await visit(browser)
            [[first, fields]] = await node.send("XRANGE", stream, "-", "+")
            await record_all(parts)
            await node.send("DEL", stream)
            await node.send("XADD", stream, first, *fields)
            await node.send("ACL", "SETUSER", "default", "-xinfo")
            await record_all(parts)
            assert [row["page_views"] for row in await rows(parts, schema.session)] == [1]
            assert await waiting(parts) == 1
