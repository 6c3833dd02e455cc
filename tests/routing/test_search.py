"""What people are told of destinations: how busy each is, and where a call was sent."""

from typing import Any

from sqlalchemy import insert, update

from dni.catalog.load import raise_revision
from dni.ledger import schema
from dni.parts import Parts
from dni.routing import search
from dni.routing.attempts import LONGEST_MS
from dni.routing.search import Busy
from tests.dashboard.samples import call
from tests.support.world import START_MS, add

HOUR_MS = 3_600_000


async def fill(parts: Parts) -> None:
    """Two destinations in New York, where it is 10:13, and a call."""
    await add(parts)
    usual: dict[str, Any] = {"campaign_id": "cmp_1", "timezone": None, "hours": None, "created_at_ms": START_MS}
    rows = [
        {**usual, "id": "dst_1", "name": "Anna", "number": "+14155550131", "caps": {"concurrent": 2}, "paused": False},
        {**usual, "id": "dst_2", "name": "Bob", "number": "+14155550132", "caps": {}, "paused": True},
    ]
    async with parts.ledger.write() as connection:
        await connection.execute(insert(schema.destination), rows)
        await connection.execute(insert(schema.call), [call("call_1", HOUR_MS)])
        await raise_revision(connection)
    await parts.catalog.refresh()


async def rang(parts: Parts, n: int, ago_ms: int, state: str, *, over: bool, counted: bool = True) -> None:
    row = {"id": f"att_{n}", "call_id": "call_1", "destination_id": "dst_1", "number": "+14155550130", "state": state}
    at = {"at_ms": START_MS - ago_ms, "ended_at_ms": START_MS - ago_ms + 9_000 if over else None}
    async with parts.ledger.write() as connection:
        await connection.execute(insert(schema.attempt).values(**row, **at, counted=counted))


async def busy(parts: Parts) -> dict[str, Busy]:
    known = list(parts.catalog.now.destinations.values())
    async with parts.ledger.read() as connection:
        return await connection.run_sync(search.busy, known, START_MS, "America/New_York")


async def test_a_destination_tells_how_many_calls_it_has_and_had_today(parts: Parts) -> None:
    await fill(parts)
    assert await busy(parts) == {"dst_1": Busy("", 0, 0), "dst_2": Busy("is paused", 0, 0)}
    await rang(parts, 1, HOUR_MS, "completed", over=True)
    await rang(parts, 2, HOUR_MS, "no_answer", over=True, counted=False)
    await rang(parts, 3, 11 * HOUR_MS, "completed", over=True)  # yesterday, on its clock
    await rang(parts, 4, LONGEST_MS + 1, "in_progress", over=False)  # its end was lost
    await rang(parts, 5, 1_000, "ringing", over=False)
    assert (await busy(parts))["dst_1"] == Busy("", 1, 3)
    await rang(parts, 6, 2_000, "in_progress", over=False)
    assert (await busy(parts))["dst_1"] == Busy("is full: 2 at once", 2, 4)


async def test_a_call_tells_where_it_was_sent(parts: Parts) -> None:
    await fill(parts)
    await rang(parts, 2, 20_000, "in_progress", over=False)
    await rang(parts, 1, 40_000, "no_answer", over=True, counted=False)
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.destination).values(deleted_at_ms=START_MS))
    async with parts.ledger.read() as connection:
        found = await search.attempts_of(connection, "call_1")
    assert [(one.name, one.number, one.state, one.ended_at is None) for one in found] == [
        ("Anna", "+14155550130", "no_answer", False),
        ("Anna", "+14155550130", "in_progress", True),
    ]
