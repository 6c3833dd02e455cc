"""The recorder on a real Valkey and both ledgers: every entry once in effect, whatever happens to the process."""

import asyncio
from typing import Any

import httpx
from sqlalchemy import Table, select

from dni.ledger import schema
from dni.parts import Parts
from dni.session import recorder
from tests.support.browser import LANDING, client, door, lease_body, post, signal_body
from tests.support.world import START_MS, TARGET, add


async def rows(parts: Parts, table: Table) -> list[dict[str, Any]]:
    async with parts.ledger.read() as connection:
        return [dict(row) for row in (await connection.execute(select(table))).mappings()]


async def record_all(parts: Parts) -> None:
    """Records what waits and returns: the recorder drains after it was told to stop."""
    stop = asyncio.Event()
    stop.set()
    await recorder.record(parts, stop)


async def visit(browser: httpx.AsyncClient, **change: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await post(browser, "/v1/lease", lease_body(**change))).json()
    return answer


async def waiting(parts: Parts) -> int:
    return sum([await parts.live.node("s0").send("XLEN", stream) for stream in parts.keys.all_events()])


async def test_a_visit_becomes_a_session_and_a_lease(parts: Parts) -> None:
    await add(parts)
    async with client(door(parts)) as browser:
        got = await visit(browser)
    await record_all(parts)
    [session] = await rows(parts, schema.session)
    expected = {
        "id": got["session"],
        "visitor_id": got["visitor"],
        "tag_id": "tag_1",
        "campaign_id": "cmp_1",
        "publisher_id": "pub_1",
        "started_at_ms": START_MS,
        "page_views": 1,
        "source": "google",
        "medium": "cpc",
        "campaign_name": "spring",
        "keyword": "emergency plumber",
        "channel": "Paid Search",
        "landing_page": LANDING,
        "click_ids": {"gclid": "x"},
        "device": "desktop",
        "browser": "Chrome",
        "os": "Windows",
        "timezone": "America/Chicago",
        "unleased": None,
    }
    assert {name: session[name] for name in expected} == expected
    [lease] = await rows(parts, schema.lease)
    given = got["numbers"][TARGET]
    assert (lease["number"], lease["target"], lease["session_id"]) == (given["number"], TARGET, got["session"])


async def test_later_pages_taps_and_leaves_bring_the_rows_forward(parts: Parts) -> None:
    await add(parts)
    async with client(door(parts)) as browser:
        got = await visit(browser)
        ids = {"visitor": got["visitor"], "session": got["session"]}
        parts.clock.advance(20_000)  # type: ignore[attr-defined]
        await visit(browser, **ids, page={"id": "p2", "seq": 1, "url": "https://shop.example/prices"}, referrer=LANDING)
        lease = got["numbers"][TARGET]["lease"]
        for kind in ("tap", "leave"):
            parts.clock.advance(1_000)  # type: ignore[attr-defined]
            await post(
                browser, "/v1/signal", signal_body(session=got["session"], signals=[{"type": kind, "lease": lease}])
            )
    await record_all(parts)
    [session] = await rows(parts, schema.session)
    assert (session["page_views"], session["source"], session["landing_page"]) == (2, "google", LANDING)
    assert session["last_seen_ms"] == START_MS + 22_000
    [row] = await rows(parts, schema.lease)
    assert (row["tapped_at_ms"], row["left_at_ms"]) == (START_MS + 21_000, START_MS + 22_000)


async def test_a_reassigned_number_ends_the_former_lease(parts: Parts) -> None:
    await add(parts, pool_size=1)
    async with client(door(parts)) as browser:
        await visit(browser)
        parts.clock.advance(3_600_000)  # type: ignore[attr-defined]
        await visit(browser)
    await record_all(parts)
    first, second = sorted(await rows(parts, schema.lease), key=lambda row: row["started_at_ms"])
    assert (first["ended_at_ms"], second["ended_at_ms"]) == (START_MS + 3_600_000, None)


async def test_a_session_without_a_number_is_recorded_with_the_reason(parts: Parts) -> None:
    await add(parts, pool_size=1)
    async with client(door(parts)) as browser:
        await visit(browser)
        await visit(browser)
    await record_all(parts)
    assert sorted(str(row["unleased"]) for row in await rows(parts, schema.session)) == ["None", "exhausted"]


async def test_parameters_outside_the_allow_list_and_the_address_reach_neither_stream_nor_ledger(parts: Parts) -> None:
    await add(parts)
    page = {"id": "p", "seq": 1, "url": LANDING + "&email=jane@example.org&token=hunter2#jane@example.org"}
    async with client(door(parts)) as browser:
        await visit(browser, page=page, referrer="https://mail.example/inbox?user=jane@example.org")
    stream = parts.keys.events(parts.keys.shard("cmp_1"))
    assert "jane" not in repr(await parts.live.node("s0").send("XRANGE", stream, "-", "+"))
    await record_all(parts)
    [session] = await rows(parts, schema.session)
    assert not any(word in repr(session) for word in ("jane", "hunter2", "127.0.0.1"))


async def test_a_stream_made_anew_while_the_clock_stands_behind_is_all_new(parts: Parts) -> None:
    await add(parts)
    stream = parts.keys.events(parts.keys.shard("cmp_1"))
    async with client(door(parts)) as browser:
        await visit(browser)
        await record_all(parts)
        [[_, fields]] = await _first_entry_of(browser, parts, stream)
    # Redis lost everything, and the clock that names its entries was set back meanwhile.
    await parts.live.node("s0").send("DEL", stream)
    await parts.live.node("s0").send("XADD", stream, "1000-0", *fields)
    await record_all(parts)
    assert len(await rows(parts, schema.session)) == 2
    assert await waiting(parts) == 0


async def _first_entry_of(browser: httpx.AsyncClient, parts: Parts, stream: str) -> Any:
    await visit(browser)
    return await parts.live.node("s0").send("XRANGE", stream, "-", "+")


async def test_an_entry_that_was_committed_but_not_trimmed_changes_nothing_again(parts: Parts) -> None:
    await add(parts)
    stream = parts.keys.events(parts.keys.shard("cmp_1"))
    async with client(door(parts)) as browser:
        await visit(browser)
    [[_, fields]] = await parts.live.node("s0").send("XRANGE", stream, "-", "+")
    await record_all(parts)
    [applied] = await rows(parts, schema.recorded)
    before = await rows(parts, schema.session)
    # A recorder that died between its commit and the trimming: the same entry is there again.
    await parts.live.node("s0").send("DEL", stream)
    await parts.live.node("s0").send("XADD", stream, applied["last_id"], *fields)
    await record_all(parts)
    assert await rows(parts, schema.session) == before


async def test_the_stream_is_trimmed_behind_what_is_recorded(parts: Parts) -> None:
    await add(parts)
    async with client(door(parts)) as browser:
        for _ in range(5):
            await visit(browser)
    assert await waiting(parts) == 5
    await record_all(parts)
    assert await waiting(parts) == 0


async def test_entries_stay_when_the_ledger_fails(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    async with client(door(sqlite_parts)) as browser:
        await visit(browser)
    async with sqlite_parts.ledger.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE session RENAME TO gone")
    await record_all(sqlite_parts)  # gives up: it was told to stop
    assert await waiting(sqlite_parts) == 1
    async with sqlite_parts.ledger.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE gone RENAME TO session")
    await record_all(sqlite_parts)
    assert len(await rows(sqlite_parts, schema.session)) == 1
