"""The duty that counts how pools were used, on both engines, against the leases themselves."""

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from dni.access.model import Principal
from dni.clock import SettableClock
from dni.errors import NotFound
from dni.ledger import schema
from dni.parts import Parts
from dni.pool import hours
from dni.pool.count_use import count_steps, count_use, keep_use, settled_until
from dni.pool.measure import DAYS, from_hours, measure
from dni.pool.use import BOUNDS_MS, HOUR_MS, SILENT_MS, Hour, add
from tests.support.until import until
from tests.support.world import START_MS, TARGET, numbers
from tests.support.world import add as add_world

ADMIN = Principal("tok", "", "admin")
UNTIL = settled_until(START_MS)
DAY_MS = 24 * HOUR_MS
NUMBERS = numbers(6)


async def put(parts: Parts, table: Any, rows: list[dict[str, Any]]) -> None:
    async with parts.ledger.write() as connection:
        await connection.execute(insert(table), rows)


def lease(number: str, began_ms: int, visit_ms: int, *, signed: bool = True, pool: str = "pool_1") -> dict[str, Any]:
    return {
        "number": number, "started_at_ms": began_ms, "session_id": f"{number}@{began_ms}", "tag_id": "tag_1",
        "campaign_id": "cmp_1", "pool_id": pool, "target": TARGET, "last_sign_ms": began_ms + visit_ms,
        "left_at_ms": began_ms + visit_ms if signed else None,
    }  # fmt: skip


def session(began_ms: int, unleased: str | None, tag: str = "tag_1") -> dict[str, Any]:
    return {
        "id": f"{tag}{unleased}{began_ms}", "visitor_id": "v", "tag_id": tag, "campaign_id": "cmp_1",
        "started_at_ms": began_ms, "last_seen_ms": began_ms, "page_views": 1, "consent": "granted",
        "unleased": unleased,
    }  # fmt: skip


def call(number: str, at_ms: int, held: str | None, confidence: float | None = 0.75) -> dict[str, Any]:
    return {
        "id": f"call{number}{at_ms}", "carrier_id": "car_1", "provider_id": f"{number}{at_ms}", "status": "completed",
        "started_at_ms": at_ms, "tracking_number": number, "session_id": held, "method": "recent",
        "confidence": confidence,
    }  # fmt: skip


async def known(parts: Parts, pool: str = "pool_1", days: int = DAYS + 2) -> dict[int, Hour]:
    async with parts.ledger.read() as connection:
        return await hours.of(connection, pool, UNTIL - days * DAY_MS, UNTIL + DAY_MS)


async def traffic(parts: Parts, seed: int) -> list[dict[str, Any]]:
    """Thirty days on six numbers, some of them dense, until after the last full hour."""
    rows: list[dict[str, Any]] = []
    chance = random.Random(seed)  # noqa: S311
    for number in NUMBERS:
        at = UNTIL - 30 * DAY_MS
        while at < START_MS:
            at += round(chance.expovariate(1 / (chance.choice((0.3, 4, 20)) * HOUR_MS))) + 1
            visit = round(chance.expovariate(1 / 400_000))
            silent = chance.random() < 0.1
            rows.append(lease(number, at, 0 if silent else visit, signed=not silent))
            at += 0 if silent else visit
    rows = [row for row in rows if row["started_at_ms"] < START_MS]
    await put(parts, schema.session, [session(UNTIL - 30 * DAY_MS, None)])
    await put(parts, schema.lease, rows)
    return rows


def by_hand(rows: list[dict[str, Any]], hold_ms: int) -> dict[int, Hour]:
    """The same by looking at every lease at every moment."""
    low, spans, found = UNTIL - DAYS * DAY_MS, [], dict[int, Hour]()
    for number in NUMBERS:
        own = sorted((row for row in rows if row["number"] == number), key=lambda row: row["started_at_ms"])
        for n, row in enumerate(own):
            after = own[n + 1]["started_at_ms"] if n + 1 < len(own) else 2**60
            signed = row["left_at_ms"] is not None
            free = row["last_sign_ms"] + hold_ms if signed else row["started_at_ms"] + SILENT_MS
            spans.append((row["started_at_ms"], min(free, after)))
            hour = found.setdefault(row["started_at_ms"] // HOUR_MS * HOUR_MS, Hour())
            hour.begun += 1
            if n:
                add(hour.gaps, row["started_at_ms"] - own[n - 1]["last_sign_ms"])
            if n + 1 < len(own):
                hour.visits += 1
                hour.visit_ms += row["last_sign_ms"] - row["started_at_ms"]
    for began, until_ms in spans:
        for at in range(began // HOUR_MS * HOUR_MS, until_ms, HOUR_MS):
            hour = found.setdefault(at, Hour())
            hour.busy_ms += min(until_ms, at + HOUR_MS) - max(began, at)
            moment = max(began, at)
            hour.peak = max(hour.peak, sum(a <= moment < b for a, b in spans))
    return {at: hour for at, hour in sorted(found.items()) if low <= at < UNTIL}


@pytest.mark.parametrize("seed", [1, 2])
async def test_four_weeks_are_counted_as_by_hand(parts: Parts, seed: int) -> None:
    await add_world(parts, pool_size=6)
    rows = await traffic(parts, seed)
    await count_use(parts)
    assert await known(parts) == by_hand(rows, 120_000)
    await count_use(parts)
    assert await known(parts) == by_hand(rows, 120_000), "again is as once"


async def test_visits_without_a_number_count_for_the_pool_of_their_tag(parts: Parts) -> None:
    await add_world(parts)
    await add_world(parts, suffix="2", first=10)
    at = UNTIL - 5 * HOUR_MS
    refused = [session(at + n, "exhausted") for n in range(3)] + [session(at + 9, "no_region")]
    other = [session(at + 8, "bot"), session(at + 7, None), session(at + 6, "exhausted", "tag_2")]
    await put(parts, schema.session, [*refused, *other, session(at + HOUR_MS, "exhausted")])
    await count_use(parts)
    assert await known(parts) == {at: Hour(exhausted=3, no_region=1), at + HOUR_MS: Hour(exhausted=1)}
    assert await known(parts, "pool_2") == {at: Hour(exhausted=1)}


async def test_credited_calls_with_what_was_stated_of_them_and_their_delay(parts: Parts) -> None:
    await add_world(parts)
    at = UNTIL - 5 * HOUR_MS
    one, two, last = lease(NUMBERS[0], at, 60_000), lease(NUMBERS[0], at + 600_000, 60_000), lease(NUMBERS[1], at, 0)
    await put(parts, schema.lease, [one, two, last])
    await put(
        parts,
        schema.call,
        [
            call(NUMBERS[0], at + 30_000, one["session_id"], 0.5),
            call(NUMBERS[0], at + HOUR_MS, one["session_id"], 0.25),
            call(NUMBERS[0], at + HOUR_MS + 1, two["session_id"]),
            call(NUMBERS[1], at + HOUR_MS + 2, last["session_id"]),
            call(NUMBERS[0], at + HOUR_MS + 3, None),
            call(NUMBERS[2], at + HOUR_MS + 4, one["session_id"]),
        ],
    )
    await count_use(parts)
    found = await known(parts)
    assert (found[at].credited, found[at].stated, found[at].delays) == (1, 0.5, [1])
    after = found[at + HOUR_MS]
    assert (after.credited, after.stated) == (3, 1.75)
    late: list[int] = []
    add(late, HOUR_MS - 60_000)
    assert after.delays == late, "of a number's last lease nobody knows yet when it ended"


async def test_what_was_forgotten_since_stays_counted(parts: Parts) -> None:
    await add_world(parts, pool_size=6)
    await put(parts, schema.session, [session(UNTIL - 20 * DAY_MS, "exhausted")])
    await traffic(parts, 3)
    await count_use(parts)
    before = await known(parts)
    async with parts.ledger.write() as connection:
        await connection.execute(delete(schema.lease).where(schema.lease.c.started_at_ms < UNTIL - 7 * DAY_MS))
        await connection.execute(delete(schema.session))
    await count_use(parts, whole=True)
    assert await known(parts) == before


async def test_many_numbers_are_counted_in_steps_and_no_day_before_the_first_visit(parts: Parts) -> None:
    """Between steps the duty pauses: one of many numbers would keep the processors from calls for a minute."""

    async def steps() -> int:
        return len([None async for _ in count_steps(parts)])

    await add_world(parts, pool_size=450)
    assert await steps() == 0
    at = UNTIL - DAY_MS - HOUR_MS // 2
    await put(parts, schema.session, [session(at, None)])
    await put(parts, schema.lease, [lease(NUMBERS[0], at, 60_000)])
    assert await steps() == 2 * 3, "of two days, 450 numbers by two hundred"
    assert list(await known(parts)) == [at // HOUR_MS * HOUR_MS]


async def test_a_number_that_goes_on_after_days_tells_how_long_the_visit_was(parts: Parts) -> None:
    await add_world(parts)
    at = UNTIL - 9 * DAY_MS
    await put(parts, schema.lease, [lease(NUMBERS[0], at, 0, signed=False), lease(NUMBERS[1], UNTIL - HOUR_MS, 0)])
    await count_use(parts)
    async with parts.ledger.write() as connection:
        gone = update(schema.lease).where(schema.lease.c.number == NUMBERS[0])
        await connection.execute(gone.values(last_sign_ms=at + 600_000))
    await put(parts, schema.lease, [lease(NUMBERS[0], UNTIL - HOUR_MS, 0)])
    await count_use(parts)
    assert (await known(parts))[at].visits == 0
    await count_use(parts, whole=True)
    hour = (await known(parts))[at]
    assert (hour.visits, hour.visit_ms, hour.busy_ms) == (1, 600_000, 720_000)


async def test_a_sign_that_came_later_counts_while_the_hour_is_young(parts: Parts) -> None:
    await add_world(parts)
    at = UNTIL - 20 * HOUR_MS
    await put(parts, schema.lease, [lease(NUMBERS[0], at, 0, signed=False)])
    await count_use(parts)
    assert (await known(parts))[at].busy_ms == SILENT_MS
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.lease).values(last_sign_ms=at + 600_000))
    await count_use(parts)
    assert (await known(parts))[at].busy_ms == 720_000


async def test_hours_that_no_page_shows_any_more_go(parts: Parts) -> None:
    await add_world(parts)
    assert isinstance(parts.clock, SettableClock)
    await put(parts, schema.lease, [lease(NUMBERS[0], UNTIL - HOUR_MS, 0)])
    await count_use(parts)
    parts.clock.set(START_MS + (DAYS + 3) * DAY_MS)
    await count_use(parts)
    async with parts.ledger.read() as connection:
        assert (await connection.execute(select(schema.pool_hour.c.hour_ms))).first() is None


async def test_the_duty_counts_each_hour_once_it_is_full(sqlite_parts: Parts) -> None:
    parts, stop = sqlite_parts, asyncio.Event()
    await add_world(parts)
    await put(parts, schema.lease, [lease(NUMBERS[0], UNTIL - 40 * HOUR_MS, 0), lease(NUMBERS[1], UNTIL + 1, 0)])
    duty = asyncio.create_task(keep_use(parts, stop))
    try:

        async def counted() -> bool:
            return bool(await known(parts))

        await until(counted, "the pool's hours")
        assert list(await known(parts)) == [UNTIL - 40 * HOUR_MS], "the hour that is not over does not count"
    finally:
        stop.set()
        await duty


async def test_figures_are_those_of_dni_size(parts: Parts) -> None:
    """On the same hours `measure`, which reads the leases themselves, tells the same."""
    await add_world(parts, pool_size=6)
    rows = [row for row in await traffic(parts, 4) if row["started_at_ms"] >= UNTIL]
    async with parts.ledger.write() as connection:
        await connection.execute(delete(schema.lease).where(schema.lease.c.started_at_ms >= UNTIL))
    assert len(rows) < 10
    chance = random.Random(5)  # noqa: S311
    async with parts.ledger.read() as connection:
        held = (await connection.execute(select(schema.lease.c.number, schema.lease.c.session_id,
                                                schema.lease.c.started_at_ms))).all()  # fmt: skip
    taken = [row for row in chance.sample(list(held), 200) if row[2] < UNTIL - DAY_MS]
    await put(parts, schema.call, [call(n, at + chance.randint(0, 3_000_000), who) for n, who, at in taken])
    at_ms = (await measure(parts.ledger, UNTIL, "pool_1")).busiest_hour_ms
    assert at_ms
    await put(parts, schema.session, [session(at_ms + n, "exhausted") for n in range(40)])
    await count_use(parts)
    exact = await measure(parts.ledger, UNTIL, "pool_1")
    async with parts.ledger.read() as connection:
        pool = await hours.one(connection, ADMIN, "pool_1")
        found = from_hours(
            await hours.of(connection, "pool_1", UNTIL - DAYS * DAY_MS, UNTIL), pool.numbers, pool.hold_seconds
        )
    assert exact.delays
    assert found.delays
    for name in ("leases", "visits", "numbers", "arrivals_per_hour", "busiest_hour_ms", "refused", "hold_seconds"):
        assert getattr(found, name) == getattr(exact, name), name
    assert found.visit_seconds == pytest.approx(exact.visit_seconds)
    assert abs(found.calls - exact.calls) <= 2, "a call of the four weeks may be of a lease before them"
    for ours, theirs in zip(found.delays[10::20], exact.delays[10::20], strict=True):
        assert ours == pytest.approx(theirs, rel=0.35, abs=2), "within the bounds by which spans are counted"


async def test_a_pool_behind_the_walls_is_none(parts: Parts) -> None:
    await add_world(parts)
    async with parts.ledger.read() as connection:
        assert (await hours.one(connection, ADMIN, "pool_1")).timezone == "America/New_York"
        with pytest.raises(NotFound):
            await hours.one(connection, Principal("tok", "", "publisher", publisher="pub_2"), "pool_1")
        with pytest.raises(NotFound):
            await hours.one(connection, ADMIN, "pool_x")


def test_bounds_that_pages_and_advice_ask_for_are_there() -> None:
    assert {600_000, 1_800_000, 2 * HOUR_MS, 8 * HOUR_MS, DAY_MS, 4 * DAY_MS} <= set(BOUNDS_MS)
