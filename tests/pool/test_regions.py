"""A pool with regions: a visitor gets a number of where he is."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from dni.catalog.load import raise_revision
from dni.ledger import schema
from dni.parts import Parts
from dni.pool.leases import Lease, Sign, Speaker, Visit, Want
from dni.pool.place import place
from dni.pool.record import about
from dni.seal import new_nonce, new_session
from dni.session.geo import Geo
from tests.support.browser import client, door, lease_body, post
from tests.support.geo import write_city
from tests.support.world import START_MS, TARGET, add, numbers

HOLD = 120_000
# Two numbers of California, one of New York, one that serves anywhere.
CALIFORNIA, NEW_YORK, ANYWHERE = numbers(2), numbers(1, 2), numbers(1, 3)
IN_CALIFORNIA, IN_NEW_YORK, IN_GERMANY = "198.51.100.7", "203.0.113.7", "192.0.2.7"


class Engine:
    def __init__(self, parts: Parts, strict: bool = False) -> None:
        self.parts, self.strict = parts, strict
        self.session, self.beat_ms = b"", 0

    async def lease(self, name: str, region: str, now_ms: int = START_MS) -> Lease:
        """A new session of a visitor."""
        self.session = new_session(now_ms, 0)
        visit = Visit("cmp_1", b"", self.session, True, "p1", 1, about("tag_1", b"{}"), b"event", 0)
        want = Want("pool_1", name.encode().ljust(16, b"."), HOLD, new_nonce(), region, self.strict)
        _, [got] = await self.parts.leases.acquire(now_ms, visit, [want])
        self.beat_ms = got.beat_ms
        return got

    async def say(self, got: Lease, kind: str, now_ms: int) -> int:
        speaker = Speaker("cmp_1", self.session, "p1", 2, about("tag_1", b""), 0, beat_ms=self.beat_ms)
        sign = Sign(kind, got.number, got.nonce, got.started_ms, now_ms, bytes(16))
        told_ms, _ = await self.parts.leases.signal(now_ms, speaker, "pool_1", HOLD, [sign])
        self.beat_ms = told_ms or self.beat_ms
        return told_ms

    async def sets(self) -> dict[str, dict[str, int]]:
        """Each of the pool's sets, '' the whole: number -> score."""
        node, whole = self.parts.live.node("s0"), self.parts.keys.pool("cmp_1", "pool_1")
        names = {"": whole, **{name: f"{whole}@{name}" for name in ("US-CA", "US-NY", "DE")}, "anywhere": f"{whole}@"}
        found = {}
        for name, key in names.items():
            raw = await node.send("ZRANGE", key, 0, -1, "WITHSCORES")
            found[name] = {n.decode(): int(float(s)) for n, s in zip(raw[::2], raw[1::2], strict=True)}
        return found

    async def agree(self) -> None:
        """A region's set holds the same scores as the whole, and each number is in one."""
        whole, *regions = (await self.sets()).values()
        merged: dict[str, int] = {}
        for one in regions:
            assert not merged.keys() & one.keys()
            merged |= one
        assert merged == whole


async def regions_of(parts: Parts, regions: dict[str, list[str]], rule: str = "prefer") -> None:
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.number).values(region=None))
        for region, some in regions.items():
            await connection.execute(
                update(schema.number).where(schema.number.c.number.in_(some)).values(region=region)
            )
        await connection.execute(update(schema.pool).values(region_rule=rule))
        await raise_revision(connection)
    await parts.catalog.refresh()
    await place(parts)


@pytest.fixture
async def pool(sqlite_parts: Parts) -> Parts:
    await add(sqlite_parts, pool_size=4)
    await regions_of(sqlite_parts, {"US-CA": CALIFORNIA, "US-NY": NEW_YORK})
    return sqlite_parts


async def test_the_own_region_comes_first_then_any(pool: Parts) -> None:
    engine = Engine(pool)
    got = [(await engine.lease(name, "US-CA")).number for name in "abcde"]
    assert sorted(got[:2]) == CALIFORNIA
    assert sorted(got[2:4]) == NEW_YORK + ANYWHERE
    assert got[4] == ""
    await engine.agree()


async def test_who_is_of_no_region_gets_first_what_serves_anywhere(pool: Parts) -> None:
    assert (await Engine(pool).lease("a", "")).number in ANYWHERE


async def test_strict_gives_nothing_of_another_region(pool: Parts) -> None:
    engine = Engine(pool, strict=True)
    assert (await engine.lease("a", "US-NY")).number in NEW_YORK
    refused = await engine.lease("b", "US-NY")
    assert (refused.outcome, refused.number) == ("exhausted", "")
    assert refused.wait_ms > 0
    assert (await engine.lease("c", "US-TX")).outcome == "no_region"


async def test_a_visitor_keeps_his_number_wherever_he_is_now(pool: Parts) -> None:
    engine = Engine(pool, strict=True)
    first = await engine.lease("a", "US-NY")
    again = await engine.lease("a", "US-CA", START_MS + 60_000)
    assert again.number == first.number


async def test_signals_calls_and_leaves_move_both_sets(pool: Parts) -> None:
    engine = Engine(pool)
    got = await engine.lease("a", "US-NY")
    for step, kind in enumerate(("view", "beat", "tap", "hide", "leave")):
        await engine.say(got, kind, START_MS + step * 1_000)
        await engine.agree()
    await pool.leases.ring(START_MS + 9_000, "cmp_1", "pool_1", got.number, "call_1")
    await engine.agree()
    assert (await engine.sets())["US-NY"][got.number] == START_MS + 9_000 + 4 * 3600_000
    await pool.leases.hang_up("cmp_1", "pool_1", got.number, "call_1", START_MS + 20_000)
    await engine.agree()


async def test_a_short_region_beats_faster_than_its_roomy_pool(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, pool_size=40)
    await regions_of(sqlite_parts, {"US-NY": NEW_YORK})
    engine = Engine(sqlite_parts)
    roomy = await engine.lease("a", "")
    assert roomy.beat_ms == 120_000
    assert await engine.say(roomy, "beat", START_MS + 1_000) == 0
    short = await engine.lease("b", "US-NY")
    assert await engine.say(short, "beat", START_MS + 1_000) == 20_000
    assert await engine.say(short, "beat", START_MS + 2_000) == 0


async def test_numbers_change_their_region_under_load(pool: Parts) -> None:
    engine = Engine(pool)
    got = await engine.lease("a", "US-NY")
    await regions_of(pool, {"US-CA": CALIFORNIA + NEW_YORK})
    await engine.agree()
    assert (await engine.sets())["US-CA"].keys() == {*CALIFORNIA, *NEW_YORK}
    await engine.say(got, "beat", START_MS + 1_000)
    await engine.agree()
    await regions_of(pool, {})
    sets = await engine.sets()
    assert [len(one) for one in sets.values()] == [4, 0, 0, 0, 0]
    assert (await engine.lease("a", "US-NY", START_MS + 2_000)).number == got.number
    assert (await engine.lease("b", "US-NY")).outcome == "new"


async def test_a_retired_number_leaves_its_region(pool: Parts) -> None:
    engine = Engine(pool, strict=True)
    got = await engine.lease("a", "US-NY")
    regions = dict.fromkeys(CALIFORNIA, "US-CA")
    await pool.leases.place(START_MS, "cmp_1", "pool_1", HOLD, [], CALIFORNIA + ANYWHERE, NEW_YORK, regions)
    await engine.say(got, "beat", START_MS + 1_000)
    await engine.agree()
    assert got.number not in (await engine.sets())["US-NY"]
    assert (await engine.lease("b", "US-NY")).outcome == "no_region"


async def test_regions_come_back_after_redis_was_lost(pool: Parts) -> None:
    engine = Engine(pool)
    node, keys = pool.live.node("s0"), pool.keys
    for key in await node.send("KEYS", f"{keys.prefix}:*"):
        await node.send("DEL", key)
    await place(pool)
    await engine.agree()
    assert (await engine.lease("a", "US-NY")).outcome == "recovering"
    assert (await engine.lease("a", "US-NY", START_MS + 400_000)).number in NEW_YORK


async def ask(parts: Parts, address: str) -> dict[str, Any]:
    """What a visitor from there is answered."""
    async with client(door(parts)) as browser:
        answer = await post(browser, "/v1/lease", lease_body(), **{"X-Forwarded-For": address})
    given: dict[str, Any] = answer.json()["numbers"][TARGET]
    return given


@pytest.fixture
async def placed(pool: Parts, tmp_path: Path) -> Parts:
    """The same with a map of the world, behind a proxy."""
    file = tmp_path / "city.mmdb"
    places = {
        "198.51.100.0/24": ("US", "CA", None),
        "203.0.113.0/24": ("US", "NY", None),
        "192.0.2.0/24": ("DE", "BE", None),
    }
    write_city(file, places)
    pool.settings = msgspec.structs.replace(pool.settings, trusted_proxies=["*"])
    pool.geo = Geo(file)
    pool.geo.refresh()
    return pool


async def test_a_page_is_given_a_number_of_its_readers_region(placed: Parts) -> None:
    assert (await ask(placed, IN_CALIFORNIA))["number"] in CALIFORNIA
    assert (await ask(placed, IN_NEW_YORK))["number"] in NEW_YORK
    assert (await ask(placed, IN_GERMANY))["number"] in ANYWHERE
    assert (await ask(placed, "not an address"))["kind"] == "pool"


async def test_a_country_is_a_region_too(placed: Parts) -> None:
    await regions_of(placed, {"US-CA": CALIFORNIA, "DE": NEW_YORK})
    assert (await ask(placed, IN_GERMANY))["number"] in NEW_YORK


async def test_a_page_is_told_that_there_is_none_for_its_region(placed: Parts) -> None:
    await regions_of(placed, {"US-CA": CALIFORNIA + ANYWHERE, "US-NY": NEW_YORK}, "strict")
    refused = await ask(placed, IN_GERMANY)
    assert (refused["kind"], refused["reason"]) == ("original", "no_region")
    assert refused["retry_ms"] > 0
