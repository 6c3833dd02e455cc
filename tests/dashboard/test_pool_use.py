"""How full a pool was: every figure of the page, who may read it, and what it says when there is little or much."""

import time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, update

from dni.access.tokens import NewToken
from dni.dashboard.pool_use_rows import Use
from dni.ledger import schema
from dni.parts import Parts
from dni.pool.hours import UsedPool
from dni.pool.measure import DAYS
from dni.pool.use import HOUR_MS, Hour
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, text
from tests.dashboard.used_pool import BUSY, UNTIL, hours
from tests.support.world import START_MS

WEEK_MS = 7 * 24 * HOUR_MS
PAGE = "/pools/pool_1/use"


async def test_every_figure_has_its_place(admin: Person, parts: Parts) -> None:
    # 9:00 on this Monday and the one before, and a Sunday's 23:00 with none of a region.
    await hours(parts, {1: BUSY, 1 + 7 * 24: {"begun": 10, "peak": 2}, 11: {"begun": 4, "peak": 1, "no_region": 1}})
    page = text((await admin.read(PAGE)).text)
    assert "How full Pool 1 was" in page
    assert "on the clock of America/New_York , the campaign's zone" in page
    assert "numbers 8 visits 115 without a number 11" in page
    assert "It ran out of numbers At its fullest 6 of 8 numbers were in use at once" in page
    assert "in the hour from Mon, Sep 21, 09:00 ; on average less than 0.1." in page
    assert "09:00 4.0 0 0 0 0 0 0" in page, "the mean of two Mondays"
    assert "23:00 0 0 0 0 0 0 1.0 none all 8" in page
    assert "9.6% of 115 visits found no number free, or none of their region (1)" in page
    assert "Mon, Sep 21 10 10% Sun, Sep 20 1 20%" in page
    assert "Half of the numbers rested 50 min or longer, one in ten less than 6 min ; 25% less than 10 min." in page
    assert "less than 10 min 20 10 min to 30 min 0 30 min to 2 h 60" in page
    assert (
        "76% certainty on average: of 40 calls credited to a visitor, about 30 are expected to be credited right"
        in page
    )
    assert "100 visits, 10 of them without a number, Mon, Sep 21 from 09:00" in page
    assert "1 min on average" in page
    assert "50% during the visit; of the others half within 12 min after it" in page


async def test_what_other_numbers_would_do_is_what_dni_size_says(admin: Person, parts: Parts) -> None:
    await hours(parts, {1: BUSY, 2: {"begun": 10, "peak": 1, "visits": 10, "visit_ms": 600_000}})
    page = text((await admin.read(PAGE)).text)
    # 100 an hour for 60 s and 120 s of hold are 5 erlangs: Erlang B of 4, 8 and 11.
    assert "11 numbers are enough for the busiest hour" in page
    assert "Calls after reuse 4 40%" in page
    assert "8 now 7%" in page
    assert "11 enough 0.83%" in page
    asked = text((await admin.read(f"{PAGE}?n=9")).text)
    assert "9 asked 3.7%" in asked
    assert "9 asked" not in page


@pytest.mark.parametrize("typed", ["0", "-3", "many", "1e9", "12345678", "½", "<script>alert(1)</script>"])
async def test_a_count_that_is_none_is_told_beside_its_field(admin: Person, parts: Parts, typed: str) -> None:
    await hours(parts, {1: BUSY})
    answer = await admin.read(f"{PAGE}?n={typed}")
    assert answer.status_code == 200
    assert "How many numbers? A whole number from 1 to 1,000,000." in text(answer.text)
    assert "<script" not in answer.text


async def test_a_pool_that_nobody_was_shown_teaches_the_next_step(admin: Person, parts: Parts) -> None:
    page = text((await admin.read(PAGE)).text)
    assert "No visitor was shown a number of this pool yet" in page
    assert "how many of its 8 numbers were in use" in page


async def test_too_little_is_said_and_not_guessed(admin: Person, parts: Parts) -> None:
    await hours(parts, {1: {"begun": 1, "peak": 1}})
    page = text((await admin.read(f"{PAGE}?n=5")).text)
    assert "1 of the 100 visits that it takes to know the busiest hour, and 0 of the 30 visits" in page
    assert "None. The one visit that asked for a number was shown one." in page
    assert "No number went from one visitor to another yet." in page
    assert "No call was credited to a visitor of this pool yet." in page
    assert "Mon Tue Wed Thu Fri Sat Sun 00:00 – – – – – – –" in page, "what was before its first hour is not known"


async def test_hours_before_the_four_weeks_do_not_count(admin: Person, parts: Parts) -> None:
    await hours(parts, {DAYS * 24 + 1: BUSY, 0: BUSY})
    assert "No visitor was shown a number" in text((await admin.read(PAGE)).text)


async def test_who_may_see_the_pool_may_see_its_use(admin: Person, publisher: Person, parts: Parts) -> None:
    await hours(parts, {1: BUSY})
    await hours(parts, {1: BUSY}, "pool_2")
    assert "100 visits" in text((await admin.read("/pools/pool_2/use")).text)
    assert "100 visits" in text((await publisher.read(PAGE)).text)
    for foreign in ("/pools/pool_2/use", "/pools/pool_x/use", "/pools/../use", "/pools/%00/use"):
        assert (await publisher.read(foreign)).status_code == 404
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.pool).values(deleted_at_ms=START_MS))
    assert (await admin.read(PAGE)).status_code == 404


async def test_an_advertiser_sees_the_pools_of_its_campaign(stranger: Person, parts: Parts) -> None:
    one = await stranger.signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_2")))
    assert (await one.read("/pools/pool_2/use")).status_code == 200
    assert (await one.read(PAGE)).status_code == 404


async def test_a_pool_of_a_hundred_thousand_numbers_is_told_at_once(admin: Person, parts: Parts) -> None:
    more = [
        {"id": f"num_huge_{n:06}", "number": f"+1{n:010}", "pool_id": "pool_1", "created_at_ms": START_MS}
        for n in range(100_000)
    ]
    huge = {**BUSY, "begun": 1_500_000, "exhausted": 0, "visits": 1_500_000, "visit_ms": 1_500_000 * 90_000}
    async with parts.ledger.write() as connection:
        await connection.execute(insert(schema.number), more)
    await hours(parts, {ago: {**huge, "peak": 60_000 + ago} for ago in range(1, DAYS * 24)})
    await admin.read(f"{PAGE}?n=1")
    began = time.perf_counter()
    page = text((await admin.read(f"{PAGE}?n=1000000")).text)
    took_s = time.perf_counter() - began
    assert "60,671 of 100,008 numbers were in use" in page
    assert "60k" in page
    assert "1,000,000 asked" in page
    assert took_s < 3, "0.2 s where nothing else runs"


def test_zones_with_half_hours_say_so() -> None:
    pool = UsedPool("p", "P", 120, 4, "Asia/Kolkata")
    found = {UNTIL - HOUR_MS: Hour(begun=1, peak=1)}
    use = Use(pool, found, UNTIL - WEEK_MS, UNTIL, ZoneInfo("Asia/Kolkata"))
    assert use.split_hours
    assert [line.hour for line in use.heat() if any(cell.heat for cell in line.cells)] == ["18:00"]
    assert not Use(pool, found, UNTIL - WEEK_MS, UNTIL, ZoneInfo("America/New_York")).split_hours


@pytest.mark.parametrize(
    ("peak", "numbers_now", "says"),
    [
        (8, 8, "It ran out of numbers"),
        (9, 8, "It ran out of numbers"),
        (7, 8, "It came near its end"),
        (6, 8, "There was always room"),
        (3, 0, "It has no numbers now"),
    ],
)
def test_a_pool_is_full_near_its_end_or_roomy(peak: int, numbers_now: int, says: str) -> None:
    pool = UsedPool("p", "P", 120, numbers_now, None)
    full = Use(pool, {UNTIL - HOUR_MS: Hour(peak=peak)}, UNTIL - WEEK_MS, UNTIL, ZoneInfo("UTC")).full()
    assert full.says == says
