"""Whatever is broken on our side, the caller is connected at once and the call is known later, exactly once."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dni.call.attribute_late import attribute_pending, credit_pending
from dni.call.drain import drain, drain_once
from dni.call.journal import Journal
from dni.errors import Unavailable
from dni.ledger import schema
from dni.parts import Parts
from dni.session import recorder
from tests.support import valkey, world
from tests.support.carrier import CALL, CALLER, Carrier, advance, at, dialled, door, protected_until, rows, visit
from tests.support.until import until
from tests.support.world import DESTINATION, START_MS, add, numbers

WITHIN_S = 0.6
[NUMBER] = numbers(1)


@asynccontextmanager
async def locked(parts: Parts) -> AsyncIterator[None]:
    """Somebody else holds what a call needs to be written."""
    url = parts.ledger.url
    if parts.ledger.is_sqlite:
        other = sqlite3.connect(str(url.database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.close()
        return
    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE call IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


def assert_no_numbers(caplog: pytest.LogCaptureFixture, tracking_number: str) -> None:
    """No phone number is in a log line or its traceback."""
    assert caplog.text
    for number in (tracking_number, CALLER, DESTINATION):
        assert number[1:] not in caplog.text


def spooled(parts: Parts) -> int:
    path = parts.settings.data_dir / "spool" / "calls.jsonl"
    return len([line for line in path.read_bytes().splitlines() if line]) if path.exists() else 0


@contextmanager
def at_once() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < WITHIN_S


async def test_a_locked_ledger(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    await add(parts)
    seen = await visit(parts)
    carrier = Carrier(door(parts))
    advance(parts, 3_000)
    async with locked(parts):
        with at_once():
            answer = await carrier.inbound(seen["number"])
        assert dialled(answer) == DESTINATION
        with at_once():
            assert dialled(await carrier.inbound(seen["number"])) == DESTINATION
        ended = START_MS + 63_000
        told = await carrier.status(seen["number"], "completed", Timestamp=at(ended), CallDuration="55")
        assert told.status_code == 204
        assert spooled(parts) == 3
        with pytest.raises((Unavailable, DBAPIError)):
            await drain_once(parts, Journal(parts))
    assert await rows(parts, schema.call) == []
    assert await drain_once(parts, Journal(parts)) == 3
    [call] = await rows(parts, schema.call)
    expected = {
        "status": "completed",
        "started_at_ms": START_MS + 3_000,
        "ended_at_ms": ended,
        "talk_s": 55,
        "session_id": seen["session"],
        "method": "current",
        "source": "google",
        "destination": DESTINATION,
        "campaign_id": "cmp_1",
        "publisher_id": "pub_1",
    }
    assert {name: call[name] for name in expected} == expected
    assert sorted(row["kind"] for row in await rows(parts, schema.call_event)) == ["completed", "inbound"]
    assert await protected_until(parts, seen["number"]) == ended + 5 * 60_000
    assert await drain_once(parts, Journal(parts)) == 0
    assert_no_numbers(caplog, seen["number"])


async def test_a_call_s_progress_waits_longer_for_the_ledger_for_no_caller_does(parts: Parts) -> None:
    await add(parts)
    carrier = Carrier(door(parts))
    await carrier.inbound(NUMBER)
    async with locked(parts):
        told = asyncio.create_task(carrier.status(NUMBER, "completed"))
        done, _ = await asyncio.wait({told}, timeout=WITHIN_S)
        assert not done
    assert (await told).status_code == 204
    assert spooled(parts) == 0
    assert [row["status"] for row in await rows(parts, schema.call)] == ["completed"]


async def test_many_calls_at_once_on_a_locked_ledger(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    carrier = Carrier(door(sqlite_parts))
    async with locked(sqlite_parts):
        began = time.monotonic()
        answers = await asyncio.gather(*(carrier.inbound(NUMBER, f"CA{n:032}") for n in range(20)))
        assert time.monotonic() - began < 1.0
    assert {dialled(answer) for answer in answers} == {DESTINATION}
    await drain_once(sqlite_parts, Journal(sqlite_parts))
    assert len(await rows(sqlite_parts, schema.call)) == 20


async def test_a_ledger_that_is_gone(sqlite_parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    await add(sqlite_parts)
    async with sqlite_parts.ledger.write() as connection:
        await connection.execute(text("ALTER TABLE call_event RENAME TO elsewhere"))
    with at_once():
        assert dialled(await Carrier(door(sqlite_parts)).inbound(NUMBER)) == DESTINATION
    async with sqlite_parts.ledger.write() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO call_event"))
    assert await drain_once(sqlite_parts, Journal(sqlite_parts)) == 1
    assert len(await rows(sqlite_parts, schema.call)) == 1
    assert_no_numbers(caplog, NUMBER)


async def test_a_locked_ledger_and_a_full_disk(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    (sqlite_parts.settings.data_dir / "spool").write_text("no folder can be made here")
    carrier = Carrier(door(sqlite_parts))
    async with locked(sqlite_parts):
        with at_once():
            assert dialled(await carrier.inbound(NUMBER)) == DESTINATION
        told = await carrier.status(NUMBER, "completed")
        assert (told.status_code, told.headers["dni-reason"]) == (503, "not_kept")


async def test_redis_away_is_credited_when_it_is_back(ledger_url: str, redis_prefix: str, tmp_path: Path) -> None:
    with valkey.running() as url:
        async with world.parts(ledger_url, url, redis_prefix, tmp_path) as parts:
            await add(parts)
            seen = await visit(parts)
            carrier = Carrier(door(parts))
            at_call = advance(parts, 5_000)
            info = (await parts.live.node("s0").send("INFO", "server")).decode()
            pid = int(info.split("process_id:")[1].split()[0])
            os.kill(pid, signal.SIGSTOP)
            try:
                with at_once():
                    assert dialled(await carrier.inbound(seen["number"])) == DESTINATION
                [call] = await rows(parts, schema.call)
                assert (call["method"], call["session_id"], call["campaign_id"]) == (None, None, "cmp_1")
                async with locked(parts):
                    with at_once():
                        assert dialled(await carrier.inbound(seen["number"], "CA9")) == DESTINATION
                ended = at_call + 30_000
                await carrier.status(seen["number"], "completed", Timestamp=at(ended), CallDuration="25")
            finally:
                os.kill(pid, signal.SIGCONT)
            advance(parts, 600_000)
            stop = asyncio.Event()
            duties = [asyncio.create_task(duty(parts, stop)) for duty in (attribute_pending, drain)]

            async def credited() -> bool:
                calls = await rows(parts, schema.call)
                return len(calls) == 2 and {row["method"] for row in calls} == {"current"}

            await until(credited, "it happens by itself")
            stop.set()
            await asyncio.gather(*duties)
            calls = {row["provider_id"]: row for row in await rows(parts, schema.call)}
            assert set(calls) == {CALL, "CA9"}
            for call in calls.values():
                assert (call["session_id"], call["source"], call["tag_id"]) == (seen["session"], "google", "tag_1")
            # The first call is over and its number free for others by then; the second one's end was never told.
            assert await protected_until(parts, seen["number"]) == at_call + 4 * 3_600_000


async def test_a_record_in_redis_that_cannot_be_read(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    seen = await visit(sqlite_parts)
    leases = sqlite_parts.keys.leases("cmp_1", "pool_1")
    good = await sqlite_parts.live.node("s0").send("HGET", leases, seen["number"])
    await sqlite_parts.live.node("s0").send("HSET", leases, seen["number"], b"\xc1garbage")
    assert dialled(await Carrier(door(sqlite_parts)).inbound(seen["number"])) == DESTINATION
    [call] = await rows(sqlite_parts, schema.call)
    assert call["method"] is None
    await sqlite_parts.live.node("s0").send("HSET", leases, seen["number"], good)
    assert await credit_pending(sqlite_parts) == 1
    [call] = await rows(sqlite_parts, schema.call)
    assert (call["method"], call["session_id"]) == ("current", seen["session"])


async def test_what_redis_forgot_the_ledger_tells(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts)
    await record_all(parts)
    advance(parts, 5_000)
    await parts.live.close()
    assert dialled(await Carrier(door(parts)).inbound(seen["number"])) == DESTINATION
    await parts.live.open()
    await parts.live.node("s0").send("DEL", parts.keys.leases("cmp_1", "pool_1"))
    assert await credit_pending(parts) == 1
    [call] = await rows(parts, schema.call)
    names = ("method", "session_id", "visitor_id", "source", "keyword", "click_ids", "publisher_id")
    assert [call[name] for name in names] == [
        "current",
        seen["session"],
        seen["visitor"],
        "google",
        "emergency plumber",
        {"gclid": "x"},
        "pub_1",
    ]
    assert await credit_pending(parts) == 0


async def _take_back_as_it_were(parts: Parts, number: str) -> None:
    """The record as when its lease was taken back after Redis was lost: it ends with the tag, no touch follows."""
    node, leases = parts.live.node("s0"), parts.keys.leases("cmp_1", "pool_1")
    record: bytes = await node.send("HGET", leases, number)
    await node.send("HSET", leases, number, record[: record.index(b'{"source"')])


async def test_a_session_that_the_recorder_has_yet_to_write_is_waited_for(sqlite_parts: Parts) -> None:
    parts = sqlite_parts
    await add(parts)
    seen = await visit(parts)
    await _take_back_as_it_were(parts, seen["number"])
    assert dialled(await Carrier(door(parts)).inbound(seen["number"])) == DESTINATION
    assert await credit_pending(parts) == 0
    await record_all(parts)
    assert await credit_pending(parts) == 1
    [call] = await rows(parts, schema.call)
    assert (call["session_id"], call["source"], call["method"]) == (seen["session"], "google", "current")


async def test_a_session_that_nobody_ever_writes_is_not_waited_for_for_ever(sqlite_parts: Parts) -> None:
    parts = sqlite_parts
    await add(parts)
    seen = await visit(parts)
    await _take_back_as_it_were(parts, seen["number"])
    await Carrier(door(parts)).inbound(seen["number"])
    advance(parts, 61_000)
    assert await credit_pending(parts) == 1
    [call] = await rows(parts, schema.call)
    assert (call["session_id"], call["source"]) == (seen["session"], None)


async def test_a_drain_that_is_killed_before_its_file_goes_doubles_nothing(sqlite_parts: Parts) -> None:
    parts = sqlite_parts
    await add(parts)
    async with locked(parts):
        await Carrier(door(parts)).inbound(NUMBER)
    folder = parts.settings.data_dir / "spool"
    kept = (folder / "calls.jsonl").read_bytes()
    assert await drain_once(parts, Journal(parts)) == 1
    before = await rows(parts, schema.call), await rows(parts, schema.call_event)
    (folder / "draining.jsonl").write_bytes(kept)
    advance(parts, 1_000)
    assert await drain_once(parts, Journal(parts)) == 1
    assert (await rows(parts, schema.call), await rows(parts, schema.call_event)) == before


async def test_a_line_that_cannot_be_read_is_set_aside_and_keeps_no_other_waiting(sqlite_parts: Parts) -> None:
    parts = sqlite_parts
    await add(parts)
    async with locked(parts):
        await Carrier(door(parts)).inbound(NUMBER)
    folder = parts.settings.data_dir / "spool"
    good = (folder / "calls.jsonl").read_bytes()
    (folder / "calls.jsonl").write_bytes(b'{"carrier": "car_1", "po\n' + good)
    assert await drain_once(parts, Journal(parts)) == 1
    assert len(await rows(parts, schema.call)) == 1
    assert (folder / "unreadable.jsonl").read_bytes().split() == [b'{"carrier":', b'"car_1",', b'"po']


async def record_all(parts: Parts) -> None:
    stop = asyncio.Event()
    stop.set()
    await recorder.record(parts, stop)
