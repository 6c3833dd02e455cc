"""News of a session in Redis: told to the recorder, and a late click to the session's own leases (lua/news.lua)."""

import pytest

from dni.parts import Parts
from dni.pool.leases import Lease, Leases, News, Sign, Speaker, Visit, Want, target_key
from dni.pool.place import place
from dni.pool.record import Holder, about
from dni.seal import new_nonce, new_session
from dni.session.model import PACKED_MAX, Touch, credited, packed, packed_late, unpacked
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

    async def tell(self, *late: Touch, session: bytes = b"", holding: bytes | None = None, number: str = "") -> bool:
        """By its visitor's holding, unless `holding` (or none, b"") or `number` say otherwise."""
        clicks, held = [packed_late(one) for one in late], self.holding if holding is None else holding
        told = News(session or self.session, b"news", clicks, {"pool_1"}, [held] if held else [], {number} - {""})
        return await self.leases.tell("cmp_1", told)

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


async def test_told_twice_is_as_once_and_a_later_click_takes_the_credit(pool: Parts) -> None:
    visitor = Visitor(pool)
    await visitor.look()
    node, leases = pool.live.node("s0"), pool.keys.leases("cmp_1", "pool_1")
    await visitor.tell(LATE)
    before = await node.send("HGETALL", leases)
    await visitor.tell(LATE)
    assert await node.send("HGETALL", leases) == before
    await visitor.tell(LATE, LATER)
    both = credited(credited(FIRST, LATE), LATER)
    assert await visitor.touch() == both
    # A page repeats whatever it ever told.
    for again in ([LATE], [LATER], [LATER, LATE], []):
        await visitor.tell(*again)
        assert await visitor.touch() == both


@pytest.mark.parametrize("found", ["holding", "number"])
async def test_the_sessions_number_is_found_by_its_visitor_or_by_the_lease_named(pool: Parts, found: str) -> None:
    visitor = Visitor(pool)
    await visitor.look()
    await (visitor.tell(LATE) if found == "holding" else visitor.tell(LATE, holding=b"", number=visitor.got.number))
    assert await visitor.touch() == credited(FIRST, LATE)


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
    assert await one.tell(LATE, holding=two.holding)
    assert await one.tell(LATE, holding=b"", number=two.got.number)
    assert await one.tell(LATE, holding=b"." * 16, number="+14155550177")
    assert await one.touch() == await two.touch() == FIRST


async def test_a_session_without_a_lease_is_told_of_to_the_recorder(pool: Parts) -> None:
    assert await Visitor(pool).tell(LATE, session=b"s" * 18)
    assert await events(pool) == [[b"n", b"news"]]


async def test_where_there_is_no_room_for_all_the_newest_click_stays(pool: Parts) -> None:
    visitor = Visitor(pool, touch=Touch(source="mail", landing_page="https://shop.example/" + "a" * 420))
    await visitor.look()
    longest = Touch(source="bing", content="b" * 450, paid=True, click=9)
    assert len(packed_late(longest)) > PACKED_MAX - 20
    for late in (LATE, LATER, longest):
        await visitor.tell(late)
        now = await visitor.touch()
        assert (now.source, now.click) == (late.source, late.click)
        assert len((await visitor.holder()).touch) <= PACKED_MAX


async def test_of_an_older_click_without_room_it_is_still_known_that_it_was_told(pool: Parts) -> None:
    visitor = Visitor(pool)
    await visitor.look()
    first = Touch(source="google", content="c" * 200, click_ids={"gclid": "x"}, paid=True, click=7)
    second = Touch(source="bing", content="c" * 200, click_ids={"msclkid": "y"}, paid=True, click=8)
    for told in ([first], [first, second], [first, second], [first]):
        await visitor.tell(*told)
        assert len((await visitor.holder()).touch) <= PACKED_MAX
    assert await visitor.touch() == credited(FIRST, second)


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
    assert await visitor.touch() == credited(credited(FIRST, LATE), LATER)
