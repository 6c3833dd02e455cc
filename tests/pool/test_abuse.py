"""One address cannot drain a pool with visitors that it invents, and people behind one address are let alone.

On a clock that only the tests move. A drainer asks with a new visitor id each time and never signals.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count

import httpx
import pytest

from dni.parts import Parts
from dni.pool.leases import Lease, Leases, Sign, Speaker, Visit, Want, target_key
from dni.pool.record import about
from dni.seal import new_nonce, new_session
from dni.tag.browser import network
from tests.support.browser import client, door, lease_body, post, signal_body
from tests.support.world import START_MS, TARGET, add, numbers

HOLD = 120_000
SECOND, WINDOW = 1_000, 60_000
LATER = START_MS + 10 * SECOND
"""Once the pool has been filled: a look at how many numbers are free may be a second old."""
SIZE, LIMIT = 100, 10
CROWDED = 71
"""Leases after which fewer than 30 % of the pool are free."""
DRAINER, OTHER = 666, 777

_names = count()


class Person:
    """Somebody with a browser at an address."""

    def __init__(self, parts: Parts, address: int, pool: str = "pool_1") -> None:
        self.parts, self.address, self.pool = parts, address, pool
        self.holding = f"{next(_names):012}".encode() + target_key("tag_1", TARGET)
        self.session, self.seq = b"", 1
        self.got = Lease("", "", b"", 0, 0, 0)

    async def look(self, now_ms: int) -> Lease:
        new = new_session(now_ms, 0)
        visit = Visit("cmp_1", self.session, new, True, "page", self.seq, about("tag_1", b"{}"), b"event", self.address)
        want = Want(self.pool, self.holding, HOLD, new_nonce())
        fresh, [self.got] = await self.parts.leases.acquire(now_ms, visit, [want])
        self.session = new if fresh else self.session
        return self.got

    async def say(self, now_ms: int, kind: str, got: Lease | None = None, address: int | None = None) -> None:
        """`got`: of another lease than his own; `address`: from another than his own."""
        self.seq += 1
        got = got or self.got
        speaker = Speaker(
            "cmp_1", self.session, "page", self.seq, about("tag_1", b""), self.address if address is None else address
        )
        sign = Sign(kind, got.number, got.nonce, got.started_ms, now_ms, self.holding)
        await self.parts.leases.signal(now_ms, speaker, self.pool, HOLD, [sign])


async def take(parts: Parts, address: int, times: int, now_ms: int) -> Counter[str]:
    """Asks that often, each time as somebody new who never signals. What was answered how often."""
    return Counter([(await Person(parts, address).look(now_ms)).outcome for _ in range(times)])


async def fill(parts: Parts, leases: int) -> None:
    """So many people, each at an address of his own, got a number and said so."""
    people = [Person(parts, address) for address in range(leases)]
    await asyncio.gather(*(person.look(START_MS) for person in people))
    await asyncio.gather(*(person.say(START_MS, "view") for person in people))
    assert all(person.got.outcome == "new" for person in people)


def spare(count: int) -> list[str]:
    """Numbers that no pool has yet."""
    return numbers(count, SIZE)


@pytest.fixture
async def pool(sqlite_parts: Parts) -> Parts:
    await add(sqlite_parts, pool_size=SIZE)
    return sqlite_parts


@pytest.fixture
async def crowded(pool: Parts) -> Parts:
    """71 of 100 numbers are people's; 29 are free."""
    await fill(pool, CROWDED)
    return pool


async def test_who_drains_a_pool_gets_a_tenth_of_it_once_it_is_crowded(crowded: Parts) -> None:
    assert await take(crowded, DRAINER, 100, LATER) == {"new": LIMIT, "rate_limited": 90}


@pytest.mark.parametrize(("size", "limit"), [(20, 5), (40, 5), (59, 5), (60, 6), (200, 20)])
async def test_the_limit_is_a_tenth_of_the_pool_and_at_least_five(sqlite_parts: Parts, size: int, limit: int) -> None:
    await add(sqlite_parts, pool_size=size)
    used = size * 7 // 10 + 1
    await fill(sqlite_parts, used)
    then = "exhausted" if size - used <= limit else "rate_limited"
    assert await take(sqlite_parts, DRAINER, limit + 3, LATER) == {"new": min(limit, size - used), then: 3}


async def test_at_seventy_per_cent_there_is_no_limit_yet(pool: Parts) -> None:
    await fill(pool, CROWDED - 1)
    assert await take(pool, DRAINER, 30, LATER) == {"new": 1 + LIMIT, "rate_limited": 29 - LIMIT}


async def test_below_it_one_address_may_have_any_number_of_leases(pool: Parts) -> None:
    got = [(await take(pool, DRAINER, 5, START_MS + n * SECOND)) for n in range(14)]
    assert got == [{"new": 5}] * 14


async def test_a_drainer_from_the_first_lease_on_leaves_numbers_for_others(pool: Parts) -> None:
    """Ten a second: what he got before the look that found the pool crowded is not counted."""
    got: Counter[str] = Counter()
    for n in range(60):
        got += await take(pool, DRAINER, 5, START_MS + n * SECOND // 2)
    assert got.keys() == {"new", "rate_limited"}
    assert CROWDED - 1 <= got["new"] <= CROWDED - 1 + 10 + LIMIT
    assert await take(pool, OTHER, 5, START_MS + 30 * SECOND) == {"new": 5}


async def test_a_drainer_within_one_second_leaves_numbers_for_others(pool: Parts) -> None:
    assert (await take(pool, DRAINER, SIZE + 1, START_MS))["new"] == CROWDED + LIMIT


async def test_the_answer_says_when_to_ask_again_and_it_is_true(crowded: Parts) -> None:
    await take(crowded, DRAINER, LIMIT, LATER)
    refused = await Person(crowded, DRAINER).look(LATER + 20 * SECOND)
    assert (refused.outcome, refused.number, refused.wait_ms) == ("rate_limited", "", 40 * SECOND)
    again = LATER + 20 * SECOND + refused.wait_ms
    assert await take(crowded, DRAINER, 1, again - 1) == {"rate_limited": 1}
    assert await take(crowded, DRAINER, 1, again) == {"new": 1}


async def test_refused_requests_do_not_lengthen_the_wait(crowded: Parts) -> None:
    await take(crowded, DRAINER, LIMIT, LATER)
    for n in range(60):
        assert await take(crowded, DRAINER, 2, LATER + n * SECOND) == {"rate_limited": 2}
    assert (await take(crowded, DRAINER, 1, LATER + WINDOW))["new"] == 1


async def test_the_counter_goes_by_itself_after_a_minute(crowded: Parts) -> None:
    await take(crowded, DRAINER, 1, LATER)
    left_ms = await crowded.live.node("s0").send("PTTL", crowded.keys.address("cmp_1", "pool_1", DRAINER))
    assert 0 < left_ms <= WINDOW


async def test_another_address_is_served_while_one_is_limited(crowded: Parts) -> None:
    await take(crowded, DRAINER, 50, LATER)
    assert await take(crowded, OTHER, LIMIT + 1, LATER) == {"new": LIMIT, "rate_limited": 1}
    assert (await Person(crowded, 888).look(LATER)).outcome == "new"


async def test_honest_people_behind_one_address_are_never_refused(crowded: Parts) -> None:
    for n in range(SIZE - CROWDED):
        now_ms = LATER + n * SECOND // 4
        person = Person(crowded, OTHER)
        assert (await person.look(now_ms)).outcome == "new"
        await person.say(now_ms + 900, "view")
    assert (await Person(crowded, OTHER).look(LATER + 10 * SECOND)).outcome == "exhausted"


async def test_people_behind_the_drainers_own_address_are_served_as_soon_as_others_there_signal(
    crowded: Parts,
) -> None:
    people = [Person(crowded, OTHER) for _ in range(LIMIT + 1)]
    got = [(await person.look(LATER)).outcome for person in people]
    assert got == ["new"] * LIMIT + ["rate_limited"]
    await people[0].say(LATER + 500, "view")
    assert (await people[-1].look(LATER + SECOND)).outcome == "new"


async def test_who_has_a_number_keeps_it_and_is_not_counted_again(crowded: Parts) -> None:
    holder = Person(crowded, DRAINER)
    got = await holder.look(LATER)
    assert await take(crowded, DRAINER, LIMIT, LATER) == {"new": LIMIT - 1, "rate_limited": 1}
    again = await holder.look(LATER + SECOND)
    assert (again.outcome, again.nonce) == ("same", got.nonce)
    holder.session = b""  # his next session, on the number that is still his
    assert ((await holder.look(LATER + SECOND)).outcome, holder.got.number) == ("new", got.number)
    await holder.say(LATER + SECOND, "view")
    assert await take(crowded, DRAINER, 2, LATER + SECOND) == {"new": 1, "rate_limited": 1}


async def test_many_signals_of_one_lease_make_room_for_one(crowded: Parts) -> None:
    holder = Person(crowded, DRAINER)
    await holder.look(LATER)
    await take(crowded, DRAINER, LIMIT, LATER)
    for kind in ("view", "beat", "tap", "hide", "beat", "leave"):
        await holder.say(LATER + SECOND, kind)
    assert await take(crowded, DRAINER, 5, LATER + SECOND) == {"new": 1, "rate_limited": 4}


async def test_signals_of_forged_leases_make_no_room(crowded: Parts) -> None:
    taken = [Person(crowded, DRAINER) for _ in range(LIMIT)]
    for person in taken:
        await person.look(LATER)
    for person in taken:
        forged = Lease("", person.got.number, new_nonce(), LATER, 0, 0)
        await person.say(LATER + SECOND, "view", forged)
        nowhere = Lease("", "+12125550199", person.got.nonce, LATER, 0, 0)
        await person.say(LATER + SECOND, "view", nowhere)
    assert await take(crowded, DRAINER, 3, LATER + SECOND) == {"rate_limited": 3}


async def test_signals_of_a_lease_that_is_over_make_no_room(crowded: Parts) -> None:
    """It was given to somebody else meanwhile, who is the one to signal."""
    over = Person(crowded, DRAINER)
    await over.look(LATER)
    ended_ms = LATER + over.got.beat_ms * 3 // 2
    for _ in range(SIZE - CROWDED):
        successor = Person(crowded, OTHER)
        await successor.look(ended_ms)
        await successor.say(ended_ms, "view")
        if successor.got.number == over.got.number:
            break
    else:
        raise AssertionError("its number was to be given again")
    await crowded.leases.place(ended_ms, "cmp_1", "pool_1", HOLD, spare(LIMIT + 2), [], [])
    more, limit = ended_ms + SECOND, (SIZE + LIMIT + 2) // 10
    assert await take(crowded, DRAINER, limit + 1, more) == {"new": limit, "rate_limited": 1}
    await over.say(more, "view")
    assert await take(crowded, DRAINER, 1, more) == {"rate_limited": 1}


async def test_signals_before_a_lease_are_no_credit_for_later(pool: Parts) -> None:
    early = [Person(pool, DRAINER) for _ in range(CROWDED)]
    for person in early:
        await person.look(START_MS)
    for person in early:
        await person.say(LATER, "view")
    assert await take(pool, DRAINER, LIMIT + 5, LATER + SECOND) == {"new": LIMIT, "rate_limited": 5}


async def test_a_signal_from_another_address_makes_no_room_at_the_first(crowded: Parts) -> None:
    holder = Person(crowded, DRAINER)
    await holder.look(LATER)
    await take(crowded, DRAINER, LIMIT - 1, LATER)
    await holder.say(LATER + SECOND, "view", address=OTHER)
    assert await take(crowded, DRAINER, 1, LATER + SECOND) == {"rate_limited": 1}
    assert await take(crowded, OTHER, LIMIT + 1, LATER + SECOND) == {"new": LIMIT, "rate_limited": 1}


async def test_a_clock_that_goes_back_neither_locks_an_address_out_nor_lets_it_drain(crowded: Parts) -> None:
    await take(crowded, DRAINER, LIMIT, LATER)
    back = LATER - 3_600 * SECOND
    assert await take(crowded, DRAINER, LIMIT + 1, back) == {"new": LIMIT, "rate_limited": 1}
    assert 0 < (await Person(crowded, DRAINER).look(back)).wait_ms <= WINDOW


async def test_hosts_whose_clocks_differ_share_one_counter(crowded: Parts) -> None:
    """Two hosts are asked in turn, one of them half a second behind: at most one new start of the count."""
    got: Counter[str] = Counter()
    for n in range(40):
        got += await take(crowded, DRAINER, 1, LATER + n - 500 * (n % 2))
    assert got["new"] <= LIMIT + 1


async def test_a_drained_pool_is_whole_again_after_one_and_a_half_beats(pool: Parts) -> None:
    """Many addresses, so that nothing stops them. Who never signals keeps no number for longer."""
    drainers = [Person(pool, address) for address in range(SIZE)]
    for n, person in enumerate(drainers):
        await person.look(START_MS + n * SECOND // 10)
    assert await take(pool, OTHER, 1, START_MS + 10 * SECOND) == {"exhausted": 1}
    free_ms = [person.got.started_ms + person.got.beat_ms * 3 // 2 for person in drainers]
    refused = await Person(pool, OTHER).look(START_MS + 10 * SECOND)
    assert START_MS + 10 * SECOND + refused.wait_ms == min(free_ms)
    assert await take(pool, OTHER, 1, min(free_ms) - 1) == {"exhausted": 1}
    newcomers = [Person(pool, 1_000 + n) for n in range(SIZE)]
    for person in newcomers:
        assert (await person.look(max(free_ms))).outcome == "new"
    assert {person.got.number for person in newcomers} == {person.got.number for person in drainers}


async def test_each_pool_counts_for_itself(crowded: Parts) -> None:
    await take(crowded, DRAINER, LIMIT, LATER)
    await crowded.leases.place(LATER, "cmp_1", "pool_2", HOLD, spare(1), [], [])
    assert (await Person(crowded, DRAINER, "pool_2").look(LATER)).outcome == "new"


@pytest.mark.parametrize("kind", ["tap", "leave"])
async def test_one_page_cannot_fill_redis_with_events_while_the_recorder_is_behind(pool: Parts, kind: str) -> None:
    pool.leases = Leases(pool.live, pool.keys, max_backlog=50)
    person = Person(pool, DRAINER)
    await person.look(START_MS)
    for n in range(300):
        await person.say(START_MS + 10 * n, kind)
    assert await pool.live.node("s0").send("XLEN", pool.keys.events(pool.keys.shard("cmp_1"))) <= 2 * 50


# At the HTTP door.


@pytest.fixture
async def browser(crowded: Parts) -> AsyncIterator[httpx.AsyncClient]:
    crowded.clock.advance(LATER - START_MS)  # type: ignore[attr-defined]
    async with client(door(crowded)) as made:
        yield made


async def reasons(browser: httpx.AsyncClient, *addresses: str) -> Counter[str]:
    """A new visitor from each address, none of whom signals: `None` was given a number."""
    found = []
    for address in addresses:
        answer = await post(browser, "/v1/lease", lease_body(), **{"X-Forwarded-For": address})
        assert answer.status_code == 200, answer.text
        found.append(str(answer.json()["numbers"][TARGET]["reason"]))
    return Counter(found)


async def test_the_page_keeps_its_own_number_and_is_told_why_and_when_to_ask_again(browser: httpx.AsyncClient) -> None:
    assert await reasons(browser, *["198.51.100.1"] * LIMIT) == {"None": LIMIT}
    answer = await post(browser, "/v1/lease", lease_body(), **{"X-Forwarded-For": "198.51.100.1"})
    assert answer.status_code == 200
    assert answer.json()["numbers"][TARGET] == {
        "number": None,
        "national": None,
        "lease": None,
        "kind": "original",
        "protected_ms": None,
        "reason": "rate_limited",
        "retry_ms": WINDOW,
    }


async def test_an_ipv6_network_of_64_bits_is_one_address_and_the_next_another(browser: httpx.AsyncClient) -> None:
    forms = ["2001:db8:0:1::1", "2001:DB8:0:1::2", "2001:0db8:0000:0001:0000:0000:0000:0003"]
    rest = [f"2001:db8:0:1:{n:x}::{n:x}" for n in range(1, 20)]
    assert await reasons(browser, *forms, *rest) == {"None": LIMIT, "rate_limited": 12}
    assert await reasons(browser, "2001:db8:0:2::1", "2001:db8:0:0:ffff::1") == {"None": 2}


async def test_an_ipv4_address_is_the_same_when_written_as_ipv6(browser: httpx.AsyncClient) -> None:
    await reasons(browser, *["198.51.100.1"] * LIMIT)
    assert await reasons(browser, "::ffff:198.51.100.1", "198.51.100.2") == {"rate_limited": 1, "None": 1}


async def test_what_the_client_says_of_its_address_does_not_count(browser: httpx.AsyncClient) -> None:
    """Our proxy adds the address that it sees to whatever the client claimed."""
    claimed = [f"203.0.113.{n}, 198.51.100.1" for n in range(LIMIT + 5)]
    assert await reasons(browser, *claimed) == {"None": LIMIT, "rate_limited": 5}


async def test_ids_that_are_not_ours_make_no_room(browser: httpx.AsyncClient) -> None:
    here = {"X-Forwarded-For": "198.51.100.1"}
    given = [(await post(browser, "/v1/lease", lease_body(), **here)).json() for _ in range(LIMIT)]
    for one in given:
        lease = one["numbers"][TARGET]["lease"]
        forged = lease[:-4] + ("AAAA" if lease[-4:] != "AAAA" else "BBBB")
        body = signal_body(session=one["session"], signals=[{"type": "view", "lease": forged, "ago_ms": 0}])
        answer = await post(browser, "/v1/signal", body, **here)
        assert answer.json()["ended"] == [forged]
    assert await reasons(browser, "198.51.100.1") == {"rate_limited": 1}
    own = given[0]["numbers"][TARGET]["lease"]
    body = signal_body(session=given[0]["session"], signals=[{"type": "view", "lease": own, "ago_ms": 0}] * 5)
    assert (await post(browser, "/v1/signal", body, **here)).status_code in (200, 204)
    assert await reasons(browser, *["198.51.100.1"] * 3) == {"None": 1, "rate_limited": 2}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.1", "198.51.100.1", True),
        ("198.51.100.1", "198.51.100.2", False),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:198.51.100.1", "198.51.100.1", True),
        ("::ffff:c633:6401", "198.51.100.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("not:an:address", "neither:is:this", False),
    ],
)
def test_what_counts_as_one_network(one: str, other: str, same: bool) -> None:
    assert (network(one) == network(other)) is same
