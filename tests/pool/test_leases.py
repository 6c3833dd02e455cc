"""The lease engine on a real Valkey, at the level of its scripts."""

import asyncio

import pytest

from dni.parts import Parts
from dni.pool.keys import Keys
from dni.pool.leases import Lease, PoolMissing, Sign, Speaker, Visit, Want, target_key
from dni.pool.place import place
from dni.pool.record import about
from dni.seal import new_nonce, new_session
from tests.support.world import START_MS, TARGET, add, numbers

HOLD = 120_000
MINUTE = 60_000
ANOTHER_RUN = "a" * 40  # as long as every run id
ABOUT = about("tag_1", b"{}")


class Visitor:
    """A browser with its ids and one page, speaking to the scripts as the tag's door does."""

    def __init__(self, parts: Parts, name: str, page: str = "p1") -> None:
        self.parts, self.page, self.session, self.seq = parts, page, b"", 1
        self.id = name.encode().ljust(12, b".")
        self.holding = self.id + target_key("tag_1", TARGET)
        self.got = Lease("", "", b"", 0, 0, 0)

    async def look(self, now_ms: int, address: int = 0) -> Lease:
        new = new_session(now_ms, 0)
        visit = Visit("cmp_1", self.session, new, True, self.page, self.seq, ABOUT, b"event", address)
        wants = [Want("pool_1", self.holding, HOLD, new_nonce())]
        fresh, [self.got] = await self.parts.leases.acquire(now_ms, visit, wants)
        self.session = new if fresh else self.session
        return self.got

    async def say(
        self, now_ms: int, kind: str, seq: int | None = None, at_ms: int | None = None
    ) -> tuple[int, set[bytes]]:
        self.seq = self.seq + 1 if seq is None else seq
        speaker = Speaker("cmp_1", self.session, self.page, self.seq, about("tag_1", b""), 0)
        sign = Sign(kind, self.got.number, self.got.nonce, self.got.started_ms, at_ms or now_ms, self.holding)
        return await self.parts.leases.signal(now_ms, speaker, "pool_1", HOLD, [sign])

    async def protected_until(self) -> int:
        score = await self.parts.live.node("s0").send(
            "ZSCORE", self.parts.keys.pool("cmp_1", "pool_1"), self.got.number
        )
        return int(float(score))


@pytest.fixture
async def pool(sqlite_parts: Parts) -> Parts:
    await add(sqlite_parts, pool_size=3)
    return sqlite_parts


async def test_visitors_get_different_numbers_and_a_reload_the_same(pool: Parts) -> None:
    one, two = Visitor(pool, "one"), Visitor(pool, "two")
    first, second = await one.look(START_MS), await two.look(START_MS)
    again = await one.look(START_MS + 5_000)
    assert first.outcome == second.outcome == "new"
    assert first.number != second.number
    assert (again.outcome, again.number, again.nonce) == ("same", first.number, first.nonce)


async def test_a_full_pool_says_when_to_ask_again(pool: Parts) -> None:
    for name in "abc":
        await Visitor(pool, name).look(START_MS)
    refused = await Visitor(pool, "late").look(START_MS + 1_000)
    assert (refused.outcome, refused.number) == ("exhausted", "")
    assert 0 < refused.wait_ms <= 180_000


async def test_exact_counts_under_contention(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, pool_size=40)
    racers = [Visitor(sqlite_parts, f"v{i}") for i in range(100)]
    got = await asyncio.gather(*(racer.look(START_MS, address) for address, racer in enumerate(racers)))
    given = [lease.number for lease in got if lease.number]
    assert sorted(given) == sorted(numbers(40))
    assert [lease.outcome for lease in got].count("exhausted") == 60


async def test_the_number_whose_protection_ended_first_is_reused_first(pool: Parts) -> None:
    visitors = [Visitor(pool, name) for name in "abc"]
    for visitor in visitors:
        await visitor.look(START_MS)
    for i, visitor in enumerate((visitors[1], visitors[2], visitors[0])):
        await visitor.say(START_MS + i * 1_000, "leave")
    newcomer = await Visitor(pool, "d").look(START_MS + 60 * MINUTE)
    assert newcomer.number == visitors[1].got.number


async def test_a_lease_that_never_signalled_gets_no_hold(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    got = await visitor.look(START_MS)
    assert await visitor.protected_until() == START_MS + got.beat_ms * 3 // 2
    await visitor.say(START_MS, "view")
    assert await visitor.protected_until() == START_MS + got.beat_ms * 3 // 2 + HOLD


async def test_the_last_pages_leave_frees_the_number_after_the_hold(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    await visitor.look(START_MS)
    await visitor.say(START_MS, "view")
    await visitor.say(START_MS + 10_000, "leave")
    assert await visitor.protected_until() == START_MS + 10_000 + HOLD


async def test_a_leave_of_one_page_does_not_end_another_of_the_session(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    await visitor.look(START_MS)
    other = Visitor(pool, "a", page="p2")
    other.session = visitor.session
    await other.look(START_MS + 1_000)
    await other.say(START_MS + 20_000, "beat")
    until = await visitor.protected_until()
    await visitor.say(START_MS + 21_000, "leave")
    assert await visitor.protected_until() == until


async def another_page(pool: Parts, of: Visitor, name: str) -> Visitor:
    page = Visitor(pool, "a", page=name)
    page.session = of.session
    await page.look(START_MS)
    return page


async def test_more_open_pages_than_are_remembered_never_count_as_all_left(pool: Parts) -> None:
    first = Visitor(pool, "a")
    await first.look(START_MS)
    others = [await another_page(pool, first, f"other{number}") for number in range(20)]
    await first.say(START_MS, "beat")
    until = await first.protected_until()
    for page in [*others, first]:
        await page.say(START_MS + 1_000, "leave")
    assert await first.protected_until() == until


async def test_a_visit_of_many_pages_ends_with_its_last(pool: Parts) -> None:
    page = Visitor(pool, "a")
    await page.look(START_MS)
    for number in range(20):
        following = await another_page(pool, page, f"next{number}")
        await page.say(START_MS, "leave")
        page = following
    await page.say(START_MS + 1_000, "leave")
    assert await page.protected_until() == START_MS + 1_000 + HOLD


async def test_a_late_beat_of_a_page_that_left_is_ignored(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    await visitor.look(START_MS)
    await visitor.say(START_MS + 10_000, "leave", seq=5)
    until = await visitor.protected_until()
    await visitor.say(START_MS + 11_000, "beat", seq=4)
    assert await visitor.protected_until() == until


async def test_a_tap_protects_for_ten_minutes_even_after_leave(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    await visitor.look(START_MS)
    await visitor.say(START_MS + 5_000, "tap")
    await visitor.say(START_MS + 6_000, "leave")
    assert await visitor.protected_until() == START_MS + 5_000 + 10 * MINUTE


async def test_a_signal_acts_only_on_the_lease_that_it_names(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    await visitor.look(START_MS)
    visitor.got = Lease("", visitor.got.number, new_nonce(), START_MS, 0, 0)
    until = await visitor.protected_until()
    _, ended = await visitor.say(START_MS + 1_000, "leave")
    assert ended == {visitor.got.nonce}
    assert await visitor.protected_until() == until


async def test_a_session_ends_after_thirty_idle_minutes_and_the_visitor_keeps_the_number(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    first = await visitor.look(START_MS)
    session = visitor.session
    within = await visitor.look(START_MS + 30 * MINUTE)
    assert (visitor.session, within.nonce) == (session, first.nonce)
    later = await visitor.look(START_MS + 61 * MINUTE)
    assert visitor.session != session
    assert (later.number, later.outcome) == (first.number, "new")
    assert later.nonce != first.nonce


async def test_a_signal_never_brings_a_retired_number_back(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    got = await visitor.look(START_MS)
    await pool.leases.place(START_MS, "cmp_1", "pool_1", HOLD, [], [], [got.number])
    await visitor.say(START_MS + 1_000, "beat")
    assert await pool.live.node("s0").send("ZSCORE", pool.keys.pool("cmp_1", "pool_1"), got.number) is None
    again = await visitor.look(START_MS + 2_000)
    assert again.number != got.number


async def test_a_ringing_call_protects_the_number_until_five_minutes_after_its_end(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    await visitor.look(START_MS)
    await visitor.say(START_MS + 1_000, "leave")
    holders = (await pool.leases.ring(START_MS + 2_000, "cmp_1", "pool_1", visitor.got.number, "call_1")).holders
    assert [holder.session for holder in holders] == [visitor.session]
    assert await visitor.protected_until() == START_MS + 2_000 + 4 * 60 * MINUTE
    end = START_MS + 90_000
    await pool.leases.hang_up("cmp_1", "pool_1", visitor.got.number, "call_1", end + 5 * MINUTE)
    assert await visitor.protected_until() == end + 5 * MINUTE


async def test_past_holders_are_kept_newest_first(pool: Parts) -> None:
    for i, name in enumerate("abcdef"):
        await Visitor(pool, name).look(START_MS + i * 60 * MINUTE)
    number = numbers(3)[0]
    holders = (await pool.leases.ring(START_MS + 6 * 60 * MINUTE, "cmp_1", "pool_1", number, "call_1")).holders
    assert [holder.visitor.rstrip(b".") for holder in holders] == [b"d", b"a"]
    assert [holder.ended_ms for holder in holders] == [None, START_MS + 3 * 60 * MINUTE]


async def test_after_a_restart_nothing_is_leased_until_no_screen_can_show_what_was_lost(pool: Parts) -> None:
    holder = Visitor(pool, "a")
    await holder.look(START_MS)
    await holder.say(START_MS, "view")
    pool.live.node("s0").run_id = ANOTHER_RUN
    newcomer = await Visitor(pool, "b").look(START_MS + 1_000)
    assert newcomer.outcome == "recovering"
    assert newcomer.wait_ms == 300_000
    assert (await holder.look(START_MS + 2_000)).outcome == "same"
    assert (await Visitor(pool, "b").look(START_MS + 1_000 + 300_000)).outcome == "new"


async def test_while_recovering_a_beat_takes_a_lost_lease_back(pool: Parts) -> None:
    holder = Visitor(pool, "a")
    got = await holder.look(START_MS)
    await pool.live.node("s0").send("HDEL", pool.keys.leases("cmp_1", "pool_1"), got.number, holder.holding)
    await pool.live.node("s0").send("ZADD", pool.keys.pool("cmp_1", "pool_1"), 0, got.number)
    pool.live.node("s0").run_id = ANOTHER_RUN
    _, ended = await holder.say(START_MS + 20_000, "beat")
    assert ended == set()
    assert await holder.protected_until() > START_MS + 20_000 + HOLD
    holders = (await pool.leases.ring(START_MS + 30_000, "cmp_1", "pool_1", got.number, "call_1")).holders
    assert [one.session for one in holders] == [holder.session]


async def test_a_lease_of_another_is_not_taken_back_when_a_newer_holder_is_known(pool: Parts) -> None:
    old, new = Visitor(pool, "a"), Visitor(pool, "b")
    await old.look(START_MS)
    for name in "xy":
        other = Visitor(pool, name)
        await other.look(START_MS)
        await other.say(START_MS + 59 * MINUTE, "beat")
    await new.look(START_MS + 60 * MINUTE)
    assert new.got.number == old.got.number
    pool.live.node("s0").run_id = ANOTHER_RUN
    _, ended = await old.say(START_MS + 60 * MINUTE, "beat")
    assert ended == {old.got.nonce}


async def test_a_pool_that_redis_lost_is_placed_from_the_ledger_and_recovers(pool: Parts) -> None:
    await Visitor(pool, "a").look(START_MS)
    await pool.live.node("s0").send("DEL", pool.keys.pool("cmp_1", "pool_1"), pool.keys.leases("cmp_1", "pool_1"))
    with pytest.raises(PoolMissing):
        await Visitor(pool, "b").look(START_MS + 1_000)
    await place(pool)
    assert (await Visitor(pool, "b").look(START_MS + 1_000)).outcome == "recovering"
    assert (await Visitor(pool, "b").look(START_MS + 301_000)).outcome == "new"


async def test_the_beat_is_announced_from_the_pools_slack(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, pool_size=10)
    beats = [(await Visitor(sqlite_parts, f"v{i}").look(START_MS + i * 1_000)).beat_ms for i in range(10)]
    assert beats[0] == 120_000
    assert beats[-1] == 20_000
    assert beats == sorted(beats, reverse=True)


async def test_a_second_target_on_the_page_gets_its_own_number_in_the_same_call(pool: Parts) -> None:
    visit = Visit("cmp_1", b"", new_session(START_MS, 0), True, "p1", 1, ABOUT, b"event", 0)
    holdings = [bytes(12) + target_key("tag_1", target) for target in (TARGET, "+14155550101")]
    wants = [Want("pool_1", holding, HOLD, new_nonce()) for holding in holdings]
    _, leases = await pool.leases.acquire(START_MS, visit, wants)
    assert len({lease.number for lease in leases}) == 2


def test_all_keys_of_a_campaign_share_one_hash_slot() -> None:
    keys = Keys("x")
    made = [
        keys.pool("cmp_9", "pool_1"),
        keys.leases("cmp_9", "pool_1"),
        keys.address("cmp_9", "pool_1", 7),
        keys.events(keys.shard("cmp_9")),
    ]
    assert len({key[key.index("{") : key.index("}")] for key in made}) == 1


async def test_a_number_given_again_is_protected_by_itself_and_the_pool_goes_on(pool: Parts) -> None:
    holder = Visitor(pool, "a")
    got = await holder.look(START_MS)
    await pool.leases.place(START_MS, "cmp_1", "pool_1", HOLD, [], [], [got.number])
    lost = await pool.leases.place(START_MS + 1_000, "cmp_1", "pool_1", HOLD, [], numbers(3), [])
    assert lost == 0
    others = {(await Visitor(pool, name).look(START_MS + 2_000)).number for name in "bcd"}
    assert got.number not in others
    assert len(others - {""}) == 2


async def test_a_new_session_keeps_what_an_older_page_of_the_visitor_was_promised(pool: Parts) -> None:
    older = Visitor(pool, "a")
    await older.look(START_MS)
    await older.say(START_MS, "view")
    until = await older.protected_until()
    newer = Visitor(pool, "a", page="p2")  # a new click: the browser's session ends
    got = await newer.look(START_MS + 1_000)
    assert (got.outcome, got.number) == ("new", older.got.number)
    assert await newer.protected_until() == until
    await newer.say(START_MS + 2_000, "leave")
    assert await newer.protected_until() == until


async def test_two_targets_never_get_one_number_though_the_second_held_the_oldest(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, pool_size=2)
    holdings = [b"visitor-of-1" + target_key("tag_1", target) for target in "ab"]

    async def look(now_ms: int, wanted: list[bytes]) -> list[Lease]:
        visit = Visit("cmp_1", b"", new_session(now_ms, 0), True, "p1", 1, ABOUT, b"event", 0)
        wants = [Want("pool_1", holding, HOLD, new_nonce()) for holding in wanted]
        return (await sqlite_parts.leases.acquire(now_ms, visit, wants))[1]

    await look(START_MS, holdings[1:])
    await Visitor(sqlite_parts, "another").look(START_MS + MINUTE)
    one, two = await look(START_MS + 20 * MINUTE, holdings)
    assert {one.number, two.number} == {*numbers(2)}


async def test_a_fifth_call_does_not_end_the_protection_of_one_that_goes_on(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    got = await visitor.look(START_MS)
    for number in range(4):
        await pool.leases.ring(START_MS + number, "cmp_1", "pool_1", got.number, f"call_{number}")
    for number in range(1, 4):
        await pool.leases.hang_up("cmp_1", "pool_1", got.number, f"call_{number}", START_MS + 1_000)
    await pool.leases.ring(START_MS + 5, "cmp_1", "pool_1", got.number, "call_4")
    await pool.leases.hang_up("cmp_1", "pool_1", got.number, "call_4", START_MS + 1_000)
    assert await visitor.protected_until() == START_MS + 4 * 60 * MINUTE


async def test_a_number_added_again_during_a_call_is_protected_for_it(pool: Parts) -> None:
    visitor = Visitor(pool, "a")
    got = await visitor.look(START_MS)
    await pool.leases.place(START_MS, "cmp_1", "pool_1", HOLD, [], [], [got.number])
    await pool.leases.ring(START_MS, "cmp_1", "pool_1", got.number, "call_1")
    await pool.leases.place(START_MS, "cmp_1", "pool_1", HOLD, [], [got.number], [])
    assert await visitor.protected_until() == START_MS + 4 * 60 * MINUTE


async def test_another_server_is_not_trusted_from_the_moment_in_which_its_pools_are_placed(pool: Parts) -> None:
    node = pool.live.node("s0")
    node.run_id, first = ANOTHER_RUN, node.run_id
    await place(pool)
    node.run_id = first
    assert (await Visitor(pool, "a").look(START_MS)).outcome == "recovering"
