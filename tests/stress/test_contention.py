"""200 racers from 4 processes on 150 numbers: in every round the counts are exact, and no number goes to two."""

import time
from collections import Counter

import pytest

from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.parts import Parts
from tests.conftest import StartService
from tests.pool.test_leases import HOLD
from tests.stress.racer import Engine, Field, HttpDoor, Order, Told, racing
from tests.support.world import START_MS, add, declare, numbers

pytestmark = pytest.mark.stress

PROCESSES, EACH, POOL = 4, 50, 150
RACERS = range(PROCESSES * EACH)
ROUNDS = 100
LEAVING = 30
DOOR_ROUNDS = 3
SECOND, HOUR = 1_000, 3_600_000


async def test_100_rounds_of_200_racers_from_4_processes_on_150_numbers(
    sqlite_parts: Parts, redis_url: str, redis_prefix: str
) -> None:
    await add(sqlite_parts, pool_size=POOL)
    began, leases, answers = time.monotonic(), 0, 0
    with racing(Engine, redis_url, redis_prefix, processes=PROCESSES, each=EACH) as field:
        for turn in range(ROUNDS):
            given = rush(field, START_MS + turn * HOUR)
            come_back(field, START_MS + turn * HOUR + SECOND, given)
            answers += leave_and_take(field, START_MS + turn * HOUR + 2 * SECOND, given, turn)
            leases += len(given)
            answers += 2 * len(RACERS)
    seconds = time.monotonic() - began
    print(f"\n{ROUNDS} rounds, {leases} first leases, {answers} answers in {seconds:.1f} s")  # noqa: T201
    assert leases == ROUNDS * POOL
    # However many came, the pool's memory is what its numbers need: record, 4 former ones, a holding; and the state.
    fields = await sqlite_parts.live.node("s0").send("HLEN", sqlite_parts.keys.leases("cmp_1", "pool_1"))
    assert fields <= 6 * POOL + 1


def rush(field: Field, now_ms: int) -> dict[int, str]:
    """All numbers are free and everybody is new: each number goes to one, 50 get none. Who was given which."""
    told = field.race(Order(now_ms, dict.fromkeys(RACERS, "arrive")))
    assert outcomes(told) == {"new": POOL, "exhausted": len(RACERS) - POOL}
    assert sorted(one.number for one in told.values() if one.number) == sorted(numbers(POOL))
    return {racer: one.number for racer, one in told.items() if one.number}


def come_back(field: Field, now_ms: int, given: dict[int, str]) -> None:
    """Everybody asks again: who has a number keeps it, and nobody else is given one."""
    told = field.race(Order(now_ms, dict.fromkeys(RACERS, "look")))
    assert outcomes(told) == {"same": POOL, "exhausted": len(RACERS) - POOL}
    assert {racer: one.number for racer, one in told.items() if one.number} == given


def leave_and_take(field: Field, now_ms: int, given: dict[int, str], turn: int) -> int:
    """30 leave; once their numbers are free these go to one each of those who had none and the half of those who left
    that comes back, while the others signal. How many answers that took."""
    free = {numbers(POOL)[(turn * LEAVING + n) % POOL] for n in range(LEAVING)}
    leaving = {racer for racer, number in given.items() if number in free}
    staying = given.keys() - leaving
    heard = field.race(Order(now_ms, {**dict.fromkeys(staying, "view"), **dict.fromkeys(leaving, "leave")}))
    assert outcomes(heard) == {"heard": POOL}
    without = set(RACERS) - given.keys()
    asking = without | set(sorted(leaving)[::2])
    early = field.race(Order(now_ms + HOLD - 1, dict.fromkeys(without, "look")))
    assert outcomes(early) == {"exhausted": len(RACERS) - POOL}
    told = field.race(Order(now_ms + HOLD, {**dict.fromkeys(asking, "look"), **dict.fromkeys(staying, "beat")}))
    got = Counter(told[racer].number for racer in asking)
    assert got == {**dict.fromkeys(free, 1), "": len(asking) - LEAVING}
    assert {told[racer].outcome for racer in staying} == {"heard"}
    # Who came back to his own number before anybody else took it goes on with it.
    assert all(told[racer].number == given[racer] for racer in leaving & asking if told[racer].outcome == "same")
    assert not any(told[racer].outcome == "same" for racer in without)
    return len(heard) + len(early) + len(told)


def outcomes(told: dict[int, Told]) -> Counter[str]:
    return Counter(one.outcome for one in told.values())


async def test_200_racers_from_4_processes_at_the_http_door_of_2_workers(
    start_service: StartService, sqlite_url: str
) -> None:
    """A round has a pool of its own: the service's clock is nobody's to move."""
    ledger = Ledger(sqlite_url)
    await migrate(ledger)
    for turn in range(DOOR_ROUNDS):
        await declare(ledger, pool_size=POOL, suffix=str(turn), first=turn * POOL)
    await ledger.close()
    service = start_service(workers=2, env={"DNI_DATABASE_URL": sqlite_url, "DNI_TRUSTED_PROXIES": "127.0.0.1"})
    with racing(HttpDoor, service.url, processes=PROCESSES, each=EACH) as field:
        began = time.monotonic()
        for turn in range(DOOR_ROUNDS):
            told = field.race(Order(0, dict.fromkeys(RACERS, "arrive"), f"key{turn}"))
            assert outcomes(told) == {"pool": POOL, "exhausted": len(RACERS) - POOL}
            given = [one.number for one in told.values() if one.number]
            assert sorted(given) == sorted(numbers(POOL, turn * POOL))
        seconds = time.monotonic() - began
    print(f"\n{DOOR_ROUNDS} rounds at the door, {DOOR_ROUNDS * POOL} leases in {seconds:.1f} s")  # noqa: T201
