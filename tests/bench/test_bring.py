"""How long ten thousand sales take, by call, click and caller, and what calls wait for meanwhile, on each engine."""

import asyncio
import time
from functools import partial
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, insert, update

from dni.access.model import COMMAND_LINE
from dni.call.bring import bring, in_turns, reading
from dni.call.bring_model import read_json
from dni.clock import rfc3339
from dni.ledger import schema
from dni.ledger.engines import Ledger
from tests.support import world
from tests.support.world import START_MS

pytestmark = pytest.mark.bench

_ROWS, _EVERY_S = 10_000, 0.02
# A call's commit may wait for one turn of the import's, and the disk.
_MOST_MS = 250.0


def _call(n: int) -> dict[str, Any]:
    return {
        "id": f"call_{n:05}", "carrier_id": "car_1", "provider_id": f"p{n}", "status": "completed", "talk_s": 60,
        "started_at_ms": START_MS - n * 1000, "caller": f"+1{2000000000 + n}", "tracking_number": "+12025550100",
        "campaign_id": "cmp_1", "publisher_id": "pub_1", "method": "lease", "visitor_id": f"v{n}",
        "click_ids": {"gclid": f"gclid-{n}"},
    }  # fmt: skip


def _row(n: int) -> dict[str, Any]:
    by: dict[str, Any] = {"call": f"call_{n:05}"}
    if n % 3 == 1:
        by = {"gclid": f"gclid-{n}"}
    elif n % 3 == 2:
        by = {"caller": f"+1{2000000000 + n}", "at": rfc3339(START_MS)}
    return {**by, "value": {"amount": 12_500 + n, "currency": "USD"}}


async def test_ten_thousand_sales(ledger: Ledger) -> None:
    await world.declare(ledger)
    for first in range(0, _ROWS, 500):
        async with ledger.write() as connection:
            await connection.execute(insert(schema.call), [_call(n) for n in range(first, first + 500)])
    raw = [msgspec.json.encode(_row(n)) for n in range(_ROWS)]
    name = ledger.url.get_backend_name()
    quiet = await _ringing(ledger, asyncio.create_task(asyncio.sleep(3.0)))
    print(f"\n{name}: a call's commit {_told(quiet)} with nothing beside it")
    for what in ("brought in", "again"):
        began = time.perf_counter()
        waited = await _ringing(ledger, asyncio.create_task(_bring(ledger, raw)))
        took = time.perf_counter() - began
        print(f"{name}: {_ROWS:,} sales {what} in {took:.1f} s; a call's commit {_told(waited)} meanwhile")
        assert _at(waited, 0.99) < _MOST_MS


async def _bring(ledger: Ledger, raw: list[bytes]) -> None:
    of = await reading(ledger, COMMAND_LINE, START_MS)
    rows = await in_turns(read_json(n, one, of) for n, one in enumerate(raw, 1))
    report = await bring(ledger, COMMAND_LINE, of, rows, dry_run=False)
    assert report.matched + report.known == _ROWS


async def _ringing(ledger: Ledger, beside: asyncio.Task[None]) -> list[float]:
    """Commits of a call's row, as urgent as the carrier's door is, until `beside` is done: what each took in ms."""
    took: list[float] = []
    while not beside.done():
        began = time.perf_counter()
        await ledger.commit(partial(_ring, talk_s=len(took)), urgent=True)
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(_EVERY_S)
    await beside
    return sorted(took)


def _ring(connection: Connection, *, talk_s: int) -> None:
    connection.execute(update(schema.call).where(schema.call.c.id == "call_00000").values(talk_s=talk_s))


def _told(waited: list[float]) -> str:
    return f"{_at(waited, 0.5):.1f} ms, {_at(waited, 0.99):.1f} ms at p99 of {len(waited):,}"


def _at(waited: list[float], share: float) -> float:
    return waited[min(len(waited) - 1, int(len(waited) * share))]
