"""News of a session in Redis: told to the recorder, and a late click to the session's own leases (lua/news.lua)."""

import pytest

from dni.parts import Parts
from dni.pool.leases import Lease, Leases, Sign, Speaker, Visit, Want, target_key
from dni.pool.place import place
from dni.pool.record import Holder, about
from dni.seal import new_nonce, new_session
from dni.session.model import PACKED_MAX, Touch, credited, packed, unpacked
from tests.support.world import START_MS, TARGET, add

HOLD = 120_000
FIRST = Touch(source="(direct)", medium="(none)", channel="Direct", landing_page="https://shop.example/")
LATE = Touch(source="google", medium="cpc", click_ids={"gclid": "x"}, paid=True, click=7)
LATER = Touch(source="bing", medium="cpc", click_ids={"msclkid": "y"}, paid=True, click=8)


class Visitor:
    """A browser with one page of one session, which came by `touch`."""

    def __init__(self, pool: Parts, name: str = "a", touch: Touch = FIRST) -> None:
        self.leases, self.about, self.session = pool.leases, about("tag_1", packed(touch)[0]), b""
        self.holding = name.encode().ljust(12, b".") + target_key("tag_1", TARGET)
        self.got = Lease("", "", b"", 0, 0, 0)

    async def look(self, now_ms: int = START_MS) -> Lease:
        new = new_session(now_ms, 0)
        visit = Visit("cmp_1", self.session, new, True, "p1", 1, self.about, b"event", 0)
        wants = [Want("pool_1", self.holding, HOLD, new_nonce())]
        fresh, [self.got] = await self.leases.acquire(now_ms, visit, wants)
        self.session = new if fresh else self.session
        return self.got

    async def say(self, now_ms: int, kind: str) -> set[bytes]:
        speaker = Speaker("cmp_1", self.session, "p1", 2, about("tag_1", b""), 0)
        sign = Sign(kind, self.got.number, self.got.nonce, self.got.started_ms, now_ms, self.holding)
        return (await self.leases.signal(now_ms, speaker, "pool_1", HOLD, [sign]))[1]

    async def tell(self, late: Touch | None, session: bytes = b"", nonce: bytes = b"", number: str = "") -> bool:
        held = [("pool_1", number or self.got.number, nonce or self.got.nonce)]
        short = packed(late)[0] if late else b""
        return await self.leases.tell("cmp_1", session or self.session, b"news", short, held)

    async def holder(self, now_ms: int = START_MS) -> Holder:
        """Of the number, for a call that rings now."""
        return (await self.leases.ring(now_ms, "cmp_1", "pool_1", self.got.number, "call")).holders[0]

    async def touch(self, now_ms: int = START_MS) -> Touch:
        return unpacked((await self.holder(now_ms)).touch)


@pytest.fixture
async def pool(sqlite_parts: Parts) -> Parts:
    await add(sqlite_parts, pool_size=3)
    return sqlite_parts


async def events(pool: Parts) -> list[list[bytes]]:
    stream = pool.keys.events(pool.keys.shard("cmp_1"))
    return [fields for _, fields in await pool.live.node("s0").send("XRANGE", stream, "-", "+")]


async def test_a_call_that_rings_at_once_is_credited_to_the_late_click(pool: Parts) -> None:
    visitor = Visitor(pool)
    await visitor.look()
    assert await visitor.touch() == FIRST
    assert await visitor.tell(LATE)
    assert await visitor.touch() == credited(FIRST, LATE)
    assert (await events(pool))[1:] == [[b"n", b"news"]]


async def test_told_twice_is_as_once_and_a_later_click_takes_its_place(pool: Parts) -> None:
    visitor = Visitor(pool)
    await visitor.look()
    node, leases = pool.live.node("s0"), pool.keys.leases("cmp_1", "pool_1")
    await visitor.tell(LATE)
    before = await node.send("HGETALL", leases)
    await visitor.tell(LATE)
    assert await node.send("HGETALL", leases) == before
    await visitor.tell(LATER)
    assert await visitor.touch() == credited(FIRST, LATER)
    await visitor.tell(None)
    assert await visitor.touch() == credited(FIRST, LATER)


async def test_signs_of_life_and_protection_stay(pool: Parts) -> None:
    visitor = Visitor(pool)
    await visitor.look()
    await visitor.say(START_MS + 1_000, "tap")
    key = pool.keys.pool("cmp_1", "pool_1")
    protected = await pool.live.node("s0").send("ZSCORE", key, visitor.got.number)
    await visitor.tell(LATE)
    assert await pool.live.node("s0").send("ZSCORE", key, visitor.got.number) == protected
    holder = await visitor.holder(START_MS + 2_000)
    assert (holder.sign_ms, holder.tapped_ms, holder.session) == (START_MS + 1_000, START_MS + 1_000, visitor.session)
    assert await visitor.say(START_MS + 3_000, "leave") == set()


async def test_later_pages_of_the_session_keep_the_credit_and_a_new_session_does_not(pool: Parts) -> None:
    visitor = Visitor(pool)
    await visitor.look()
    await visitor.tell(LATE)
    assert (await visitor.look(START_MS + 1_000)).outcome == "same"
    assert await visitor.touch(START_MS + 1_000) == credited(FIRST, LATE)
    visitor.session = b""
    assert (await visitor.look(START_MS + 2_000)).outcome == "new"
    assert await visitor.touch(START_MS + 2_000) == FIRST


async def test_a_lease_of_another_session_or_one_that_ended_is_not_touched(pool: Parts) -> None:
    one, two = Visitor(pool, "a"), Visitor(pool, "b")
    await one.look()
    await two.look()
    assert await one.tell(LATE, session=two.session)
    assert await one.tell(LATE, nonce=b"forgotten")
    assert await one.tell(LATE, nonce=one.got.nonce, number=two.got.number)
    assert await one.tell(LATE, number="+14155550177")
    assert await one.touch() == await two.touch() == FIRST


async def test_a_session_without_a_lease_is_told_of_to_the_recorder(pool: Parts) -> None:
    assert await pool.leases.tell("cmp_1", b"s" * 18, b"news", packed(LATE)[0], [])
    assert await events(pool) == [[b"n", b"news"]]


async def test_where_there_is_no_room_for_both_the_late_click_stays(pool: Parts) -> None:
    visitor = Visitor(pool, touch=Touch(source="mail", landing_page="https://shop.example/" + "a" * 420))
    await visitor.look()
    longest = Touch(source="bing", content="b" * 450, paid=True, click=9)
    assert len(packed(longest)[0]) > PACKED_MAX - 20
    for late in (LATE, LATER, longest):
        await visitor.tell(late)
        assert await visitor.touch() == late
        assert len((await visitor.holder()).touch) <= 1 + PACKED_MAX


async def test_how_a_lost_session_came_is_left_to_the_ledger(pool: Parts) -> None:
    visitor = Visitor(pool)
    await visitor.look()
    lost = pool.keys.leases("cmp_1", "pool_1"), pool.keys.pool("cmp_1", "pool_1")
    await pool.live.node("s0").send("DEL", *lost)
    assert await visitor.tell(LATE)  # the pool is not there: still the recorder is told
    await place(pool)
    await visitor.say(START_MS + 1_000, "beat")  # takes its lease back
    await visitor.tell(LATE)
    holder = await visitor.holder()
    assert (holder.session, holder.touch) == (visitor.session, b"")


async def test_what_the_recorder_cannot_follow_is_not_told_but_credited(pool: Parts) -> None:
    pool.leases = Leases(pool.live, pool.keys, max_backlog=1)
    visitor = Visitor(pool)
    await visitor.look()
    assert [await visitor.tell(late) for late in (LATE, LATER)] == [True, False]
    assert len(await events(pool)) == 2
    assert await visitor.touch() == credited(FIRST, LATER)
