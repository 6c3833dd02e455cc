"""POST /v1/signal: what pages say later."""

from collections.abc import AsyncIterator

import httpx
import pytest

from dni.parts import Parts
from tests.support.browser import client, door, lease_body, post, signal_body
from tests.support.world import TARGET, add


@pytest.fixture
async def browser(sqlite_parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    await add(sqlite_parts)
    async with client(door(sqlite_parts)) as made:
        yield made


async def test_a_beat_needs_no_answer(browser: httpx.AsyncClient) -> None:
    got = (await post(browser, "/v1/lease", lease_body())).json()
    lease = got["numbers"][TARGET]["lease"]
    page = {"id": "page1", "seq": 2, "beat_ms": got["beat_ms"]}
    body = signal_body(session=got["session"], signals=[{"type": "beat", "lease": lease, "ago_ms": 0}], page=page)
    answer = await post(browser, "/v1/signal", body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "access-control-allow-origin" in answer.headers


async def test_unknown_forged_and_foreign_leases_are_ended_and_change_nothing(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    await add(sqlite_parts, suffix="2", first=50)
    foreign = (await post(browser, "/v1/lease", lease_body(tag="key2"))).json()["numbers"][TARGET]["lease"]
    names = [foreign, "A" * 43, "no such"]
    body = signal_body(signals=[{"type": "leave", "lease": name} for name in names])
    answer = await post(browser, "/v1/signal", body)
    assert answer.json() == {"ended": names}


async def test_the_age_of_a_signal_is_clamped(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    got = (await post(browser, "/v1/lease", lease_body())).json()
    given = got["numbers"][TARGET]
    for ago, expected in ((-5_000, 0), (10_000_000, 60_000)):
        signals = [{"type": "tap", "lease": given["lease"], "ago_ms": ago}]
        await post(browser, "/v1/signal", signal_body(session=got["session"], signals=signals))
        now = sqlite_parts.clock.now_ms()
        [holder] = (await sqlite_parts.leases.ring(now, "cmp_1", "pool_1", given["number"], "call_1")).holders
        assert holder.tapped_ms is not None
        assert now - holder.tapped_ms <= expected


async def test_a_page_that_found_nothing_reports_without_a_session(browser: httpx.AsyncClient) -> None:
    body = signal_body(page={"id": "p", "seq": 1, "url": "https://shop.example/", "found": 0, "version": "0.1.0"})
    assert (await post(browser, "/v1/signal", body)).status_code == 204


async def recorded_events(parts: Parts) -> int:
    stream = parts.keys.events(parts.keys.shard("cmp_1"))
    return int(await parts.live.node("s0").send("XLEN", stream))


async def test_only_a_set_tells_of_custom_fields_and_ids(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    got = (await post(browser, "/v1/lease", lease_body())).json()
    lease, told = got["numbers"][TARGET]["lease"], {"custom": {"gclid": "late"}, "ids": {"ga": "1.2"}}
    for kinds, events in ((["view", "beat", "hide"], 1), (["set", "set", "beat"], 2)):
        signals = [{"type": kind, "lease": lease} for kind in kinds]
        assert (
            await post(browser, "/v1/signal", signal_body(session=got["session"], signals=signals, **told))
        ).is_success
        assert await recorded_events(sqlite_parts) == events


async def test_a_set_is_a_sign_of_life(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    got = (await post(browser, "/v1/lease", lease_body())).json()
    given = got["numbers"][TARGET]
    sqlite_parts.clock.advance(7_000)  # type: ignore[attr-defined]
    signals = [{"type": "set", "lease": given["lease"]}]
    await post(browser, "/v1/signal", signal_body(session=got["session"], signals=signals, custom={"plan": "gold"}))
    now = sqlite_parts.clock.now_ms()
    [holder] = (await sqlite_parts.leases.ring(now, "cmp_1", "pool_1", given["number"], "call_1")).holders
    assert holder.sign_ms == now


async def test_news_are_heard_while_the_pool_has_to_be_put_back(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    got = (await post(browser, "/v1/lease", lease_body())).json()
    keys = sqlite_parts.keys
    await sqlite_parts.live.node("s0").send("DEL", keys.leases("cmp_1", "pool_1"), keys.pool("cmp_1", "pool_1"))
    signals = [{"type": "set", "lease": got["numbers"][TARGET]["lease"]}]
    body = signal_body(session=got["session"], signals=signals, custom={"gclid": "late"})
    answer = await post(browser, "/v1/signal", body)
    assert (answer.status_code, answer.headers["dni-reason"]) == (503, "recovering")
    assert await recorded_events(sqlite_parts) == 2


async def test_redis_away_is_told_so_that_the_page_says_it_again(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    async with client(door(sqlite_parts)) as browser:
        lease = (await post(browser, "/v1/lease", lease_body())).json()["numbers"][TARGET]["lease"]
        await sqlite_parts.live.close()
        answer = await post(browser, "/v1/signal", signal_body(signals=[{"type": "beat", "lease": lease}]))
    assert (answer.status_code, answer.headers["dni-reason"]) == (503, "redis_away")
    assert answer.headers["access-control-allow-origin"]


async def test_a_beacon_without_a_named_origin_is_heard_and_a_foreign_one_is_not(browser: httpx.AsyncClient) -> None:
    got = (await post(browser, "/v1/lease", lease_body())).json()
    signals = [{"type": "leave", "lease": got["numbers"][TARGET]["lease"]}]
    body = signal_body(session=got["session"], signals=signals)
    assert (await post(browser, "/v1/signal", body, Origin="null")).status_code == 204
    refused = await post(browser, "/v1/signal", body, Origin="https://evil.example")
    assert (refused.status_code, refused.headers["dni-reason"]) == (403, "origin_not_allowed")


async def test_a_page_is_told_the_beat_until_it_goes_by_it(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, pool_size=1)
    async with client(door(sqlite_parts)) as browser:
        got = (await post(browser, "/v1/lease", lease_body())).json()
        sqlite_parts.clock.advance(2_000)  # type: ignore[attr-defined]
        signals = [{"type": "beat", "lease": got["numbers"][TARGET]["lease"]}]
        # The first answer is lost on its way, and other pages of the session have a beat of their own.
        for seq, page, goes_by, status in (
            (2, "page1", 120_000, 200),
            (3, "page1", 120_000, 200),
            (1, "page2", 120_000, 200),
            (4, "page1", 20_000, 204),
            (5, "page1", 0, 200),
        ):
            said = {"id": page, "seq": seq, "beat_ms": goes_by}
            answer = await post(browser, "/v1/signal", signal_body(session=got["session"], signals=signals, page=said))
            assert answer.status_code == status
            assert status == 204 or answer.json()["beat_ms"] == 20_000


async def test_an_idle_readers_page_may_beat_more_slowly_and_is_protected_for_it(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, pool_size=1)
    async with client(door(sqlite_parts)) as browser:
        got = (await post(browser, "/v1/lease", lease_body())).json()
        lease = got["numbers"][TARGET]["lease"]
        sqlite_parts.clock.advance(2_000)  # type: ignore[attr-defined]
        goes_by, told = got["beat_ms"], []
        for seq, idle in enumerate((False, True, True, False), 2):
            page = {"id": "page1", "seq": seq, "idle": idle, "beat_ms": goes_by}
            body = signal_body(session=got["session"], signals=[{"type": "beat", "lease": lease}], page=page)
            answer = await post(browser, "/v1/signal", body)
            told.append(answer.json()["beat_ms"] if answer.status_code == 200 else None)
            goes_by = told[-1] or goes_by
        assert told == [20_000, 60_000, None, 20_000]
    node, pool = sqlite_parts.live.node("s0"), sqlite_parts.keys.pool("cmp_1", "pool_1")
    [_, score] = await node.send("ZRANGE", pool, 0, 0, "WITHSCORES")
    assert float(score) == sqlite_parts.clock.now_ms() + 90_000 + 120_000
