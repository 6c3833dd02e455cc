"""What calls teach is kept, once; stored calls can be answered anew, and what was answered before stays."""

import asyncio
from typing import Any

import msgspec
import pytest

from dni.access.model import Principal
from dni.attribution import delays
from dni.attribution.delay import Counts
from dni.attribution.delays import ALL
from dni.attribution.learn_calls import learn_next
from dni.call.reattribute import reattribute
from dni.call.search import former_attributions, one_call
from dni.ledger import schema
from dni.parts import Parts
from dni.session import recorder
from tests.support.carrier import CALLER, Carrier, advance, door, rows, visit
from tests.support.world import add

SETTLED_MS = 16 * 60_000
ADMIN = Principal("tok", "", "admin")


async def recorded(parts: Parts) -> None:
    stop = asyncio.Event()
    stop.set()
    await recorder.record(parts, stop)


async def called(parts: Parts, number: str, call: str, caller: str = CALLER) -> dict[str, Any]:
    """A call rings; its row."""
    await Carrier(door(parts)).inbound(number, call, From=caller)
    return next(row for row in await rows(parts, schema.call) if row["provider_id"] == call)


async def learnt(parts: Parts, pool: str) -> Counts:
    async with parts.ledger.read() as connection:
        return (await delays.load(connection)).of(pool)


async def test_a_call_teaches_its_pool_and_all_pools_once(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts)
    advance(parts, 12_000)
    call = await called(parts, seen["number"], "CA1")
    assert await learn_next(parts) == 0  # late answers may still come
    advance(parts, SETTLED_MS)
    assert await learn_next(parts) == 1
    counts = await learnt(parts, "pool_1")
    assert counts == await learnt(parts, ALL)
    assert 0.95 < counts.open < 1
    assert counts.open + counts.nobody == pytest.approx(1)
    assert counts.somebody + counts.nobody == pytest.approx(1)
    assert counts.callers == {"US-CA": 1}
    assert await learn_next(parts) == 0
    assert await learnt(parts, "pool_1") == counts
    assert call["lessons"]["of"][0]["delay_ms"] == 12_000


async def test_what_was_learnt_answers_the_next_call(sqlite_parts: Parts) -> None:
    parts = sqlite_parts
    await add(parts)
    seen = await visit(parts)
    advance(parts, 20 * 60_000)
    before = await called(parts, seen["number"], "CA1")
    # Everybody here calls after twenty minutes.
    late = Counts(after=[40.0 if n == 8 else 0.0 for n in range(len(Counts().after))], somebody=40.0)
    async with parts.ledger.write() as connection:
        known = delays.Learnt({"pool_1": late, ALL: late}, (0, ""))
        await delays.save(parts.ledger, connection, known, {"pool_1"})
    await parts.delays.refresh()
    after = await called(parts, seen["number"], "CA2", "+12125550143")
    assert after["session_id"] == before["session_id"] == seen["session"]
    assert after["confidence"] > before["confidence"] + 0.1


async def test_who_calls_again_is_known_though_the_number_moved_on(parts: Parts) -> None:
    await add(parts, pool_size=1)
    first = await visit(parts)
    advance(parts, 5_000)
    assert (await called(parts, first["number"], "CA1"))["method"] == "current"
    await recorded(parts)
    advance(parts, 5 * 3_600_000)
    second = await visit(parts, page={"id": "p2", "seq": 1, "url": "https://shop.example/?utm_source=bing"})
    assert second["number"] == first["number"]
    await recorded(parts)
    again = await called(parts, first["number"], "CA2")
    assert (again["method"], again["session_id"], again["source"]) == ("returning", first["session"], "google")
    assert again["candidates"][0]["why"].startswith("called from this telephone 5 h before")
    other = await called(parts, first["number"], "CA3", "+12125550143")
    assert (other["method"], other["session_id"], other["source"]) == ("current", second["session"], "bing")
    withheld = await called(parts, first["number"], "CA4", "anonymous")
    assert (withheld["method"], withheld["session_id"]) == ("current", second["session"])


async def test_a_stored_call_is_answered_anew_and_the_former_answer_stays(parts: Parts) -> None:
    await add(parts, pool_size=1)
    first = await visit(parts)
    advance(parts, 20 * 60_000)
    call = await called(parts, first["number"], "CA1")
    assert call["session_id"] == first["session"]
    await recorded(parts)

    async def anew() -> Any:
        catalog = parts.catalog.now
        done = await reattribute(parts.ledger, catalog, call["started_at_ms"] - 1, parts.clock.now_ms())
        return msgspec.to_builtins(done)

    assert await anew() == {"looked_at": 1, "changed": 0, "moved": 0}
    # Nobody here ever called so late, and many calls are nobody's.
    soon = Counts(open=500.0, nobody=500.0, somebody=500.0)
    async with parts.ledger.write() as connection:
        known = delays.Learnt({"pool_1": soon, ALL: soon}, (0, ""))
        await delays.save(parts.ledger, connection, known, {"pool_1"})
    assert await anew() == {"looked_at": 1, "changed": 1, "moved": 1}
    now = await one_call(parts.ledger, ADMIN, call["id"])
    assert (now.attribution.method, now.attribution.session, now.source) == ("none", None, None)
    [former] = await former_attributions(parts.ledger, ADMIN, call["id"])
    assert (former.method, former.session, former.confidence) == ("recent", first["session"], call["confidence"])
    assert await anew() == {"looked_at": 1, "changed": 0, "moved": 0}
