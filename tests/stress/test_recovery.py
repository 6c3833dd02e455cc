"""Restarts of Redis on a clock that the test moves: whose lease it is, and what is taken back, to the millisecond."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dni.call.attribute_late import credit_pending
from dni.call.drain import drain_once
from dni.call.journal import Journal
from dni.call.release import release_since
from dni.ledger import schema
from dni.parts import Parts
from dni.pool.leases import PoolMissing
from dni.pool.place import place
from tests.pool.test_leases import Visitor
from tests.session.test_recorder import record_all
from tests.stress.test_chaos import LONGEST_MS, Keeping, valkey
from tests.support import browser, carrier, world
from tests.support.carrier import advance
from tests.support.until import until
from tests.support.world import DESTINATION, START_MS, TARGET, add

pytestmark = pytest.mark.stress

SECOND, HOUR = 1_000, 3_600_000


@asynccontextmanager
async def own_parts(folder: Path, ledger_url: str, pool_size: int) -> AsyncIterator[tuple[Parts, Keeping]]:
    with valkey(folder) as server:
        async with world.parts(ledger_url, f"redis://{server.place}", "t", folder) as parts:
            await add(parts, pool_size=pool_size)
            yield parts, server


async def restart(parts: Parts, server: Keeping, *, emptied: bool = False) -> None:
    """As the service does it: pools that are gone are placed again."""
    run_id = parts.live.node("s0").run_id
    server.kill()
    if emptied:
        shutil.rmtree(server.folder / "appendonlydir")
    await asyncio.to_thread(server.start)
    await until(lambda: parts.live.is_up and parts.live.node("s0").run_id != run_id, "connected again", 10)


async def pool_now(parts: Parts) -> Any:
    """All that Redis knows of the pool, but when it was looked at."""
    node = parts.live.node("s0")
    flat = await node.send("HGETALL", parts.keys.leases("cmp_1", "pool_1"))
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    fields.pop(b"state")
    return fields, await node.send("ZRANGE", parts.keys.pool("cmp_1", "pool_1"), 0, -1, "WITHSCORES")


KINDS = ("view", "beat", "set", "hide", "tap", "leave")


@pytest.mark.parametrize("emptied", [False, True], ids=["its file whole", "emptied"])
async def test_signals_of_leases_that_are_over_change_nothing_before_and_after_a_restart(
    emptied: bool, tmp_path: Path, sqlite_url: str
) -> None:
    async with own_parts(tmp_path, sqlite_url, 1) as (parts, server):
        now_ms = advance(parts, HOUR)
        old, present = Visitor(parts, "old"), Visitor(parts, "present")
        await old.look(START_MS)
        await present.look(now_ms)
        await present.say(now_ms, "view")
        assert old.got.number == present.got.number
        for turn in range(3):
            now_ms += SECOND
            if turn:
                await restart(parts, server, emptied=emptied)
                await place(parts)
                if emptied and turn == 2:  # who is over comes first, and is put in his place
                    assert (await old.say(now_ms, "beat"))[1] == set()
                assert (await present.say(now_ms, "beat"))[1] == set()
            before = await pool_now(parts)
            for kind in KINDS:
                assert (await old.say(now_ms, kind))[1] == {old.got.nonce}
            assert await pool_now(parts) == before
            assert (await Visitor(parts, f"stranger{turn}").look(now_ms)).number == ""
        holders = (await parts.leases.ring(now_ms, "cmp_1", "pool_1", present.got.number, "call_1")).holders
        assert holders[0].session == present.session


async def test_leases_of_another_tag_change_nothing_after_a_restart(tmp_path: Path, sqlite_url: str) -> None:
    async with own_parts(tmp_path, sqlite_url, 3) as (parts, server):
        await add(parts, suffix="2", first=3)
        async with browser.client(browser.door(parts)) as page:
            mine = (await browser.post(page, "/v1/lease", browser.lease_body())).json()
            await restart(parts, server, emptied=True)
            await place(parts)
            before = await pool_now(parts)
            foreign = mine["numbers"][TARGET]["lease"]
            for kind in KINDS:
                said = browser.signal_body(
                    tag="key2", session=mine["session"], signals=[{"type": kind, "lease": foreign}]
                )
                assert (await browser.post(page, "/v1/signal", said)).json()["ended"] == [foreign]
            assert await pool_now(parts) == before


async def test_a_pool_that_was_lost_again_while_it_recovers_recovers_from_then(tmp_path: Path, sqlite_url: str) -> None:
    """Each restart may have forgotten what was taken back before."""
    async with own_parts(tmp_path, sqlite_url, 3) as (parts, server):
        holder = Visitor(parts, "holder")
        await holder.look(START_MS)
        await holder.say(START_MS, "view")
        now_ms = START_MS
        for turn in range(4):
            now_ms += 200 * SECOND
            await restart(parts, server, emptied=turn % 2 == 1)
            advance(parts, 200 * SECOND)
            await place(parts)
            refused = await Visitor(parts, f"a{turn}").look(now_ms)
            assert (refused.outcome, refused.wait_ms) == ("recovering", LONGEST_MS)
            assert (await holder.say(now_ms, "beat"))[1] == set()
        await holder.say(now_ms + 200 * SECOND, "beat")
        assert (await Visitor(parts, "b").look(now_ms + LONGEST_MS - 1)).outcome == "recovering"
        given = [await Visitor(parts, name).look(now_ms + LONGEST_MS) for name in "cde"]
        assert [one.outcome for one in given] == ["new", "new", "exhausted"]
        assert holder.got.number not in {one.number for one in given}


async def test_a_beat_that_comes_before_the_lost_pool_is_placed_does_not_cost_its_page_the_number(
    tmp_path: Path, sqlite_url: str
) -> None:
    async with own_parts(tmp_path, sqlite_url, 1) as (parts, server):
        holder = Visitor(parts, "holder")
        await holder.look(START_MS)
        await holder.say(START_MS, "view")
        await restart(parts, server, emptied=True)
        with pytest.raises(PoolMissing):
            await holder.say(START_MS + SECOND, "beat")
        await place(parts)
        assert (await holder.say(START_MS + 2 * SECOND, "beat"))[1] == set()


async def test_a_call_that_ends_while_redis_is_away_protects_its_number_for_five_minutes_more(
    tmp_path: Path, sqlite_url: str
) -> None:
    async with own_parts(tmp_path, sqlite_url, 1) as (parts, server):
        shown = await carrier.visit(parts)
        account = carrier.Carrier(carrier.door(parts))
        assert carrier.dialled(await account.inbound(shown["number"])) == DESTINATION
        server.kill()
        await until(lambda: not parts.live.is_up, "its loss is noticed", 5)
        ended_ms = advance(parts, SECOND)
        assert (await account.status(shown["number"], "completed")).status_code in (200, 204)
        await asyncio.to_thread(server.start)
        await until(lambda: parts.live.is_up, "connected again", 10)
        await drain_once(parts, Journal(parts))
        await release_since(parts, ended_ms - SECOND)
        assert await carrier.protected_until(parts, shown["number"]) <= ended_ms + LONGEST_MS


async def test_a_call_after_redis_lost_everything_is_credited_by_the_ledger(tmp_path: Path, sqlite_url: str) -> None:
    """Its page has said nothing yet that would take the lease back."""
    async with own_parts(tmp_path, sqlite_url, 1) as (parts, server):
        shown = await carrier.visit(parts)
        await record_all(parts)
        await restart(parts, server, emptied=True)
        await place(parts)
        advance(parts, SECOND)
        account = carrier.Carrier(carrier.door(parts))
        assert carrier.dialled(await account.inbound(shown["number"])) == DESTINATION
        await credit_pending(parts)
        [call] = await carrier.rows(parts, schema.call)
        assert call["session_id"] == shown["session"]
