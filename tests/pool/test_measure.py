from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import insert

from dni.errors import NotFound
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.pool.measure import DAYS, measure

HOUR = 3_600_000
NOW = 1_800_000_000_000 // HOUR * HOUR
NUMBERS = [f"+1415555010{each}" for each in range(6)]
A, B = "pol_a", "pol_b"


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[Ledger]:
    """Pool A has four numbers and a tag, pool B two."""
    made = Ledger(ledger_url)
    await migrate(made)
    campaign = {"id": "cam", "name": "Plumbing", "destination": NUMBERS[0], "timezone": "UTC", "currency": "USD"}
    await _insert(made, schema.campaign, [{**campaign, "created_at_ms": NOW}])
    pools = [{"id": A, "hold_seconds": 60}, {"id": B, "hold_seconds": 0}]
    await _insert(made, schema.pool, [{**row, "name": "Pool", "shared": False, "created_at_ms": NOW} for row in pools])
    numbers = [{"id": n, "number": n, "pool_id": A if n in NUMBERS[:4] else B, "created_at_ms": NOW} for n in NUMBERS]
    await _insert(made, schema.number, numbers)
    empty: dict[str, Any] = {"origins": [], "targets": [], "rules": [], "params": [], "created_at_ms": NOW}
    tag = {"id": "tag_a", "key": "k", "name": "Tag", "campaign_id": "cam", "pool_id": A}
    await _insert(made, schema.tag, [{**tag, **empty}])
    yield made
    await made.close()


async def _insert(ledger: Ledger, table: Any, rows: list[dict[str, Any]]) -> None:
    async with ledger.write() as connection:
        await connection.execute(insert(table), rows)


async def _leases(
    ledger: Ledger, numbers: list[str], pool: str, began_ms: int, count: int, every_ms: int, visit_ms: int
) -> None:
    """`count` leases on the numbers in turn, named after number and start."""
    starts = [(numbers[each % len(numbers)], began_ms + each * every_ms) for each in range(count)]
    rows = [
        {"number": n, "started_at_ms": at, "session_id": f"{n}@{at}", "tag_id": "tag_a", "campaign_id": "cam",
         "pool_id": pool, "target": NUMBERS[0], "last_sign_ms": at + visit_ms}
        for n, at in starts
    ]  # fmt: skip
    await _insert(ledger, schema.lease, rows)


async def _refused(ledger: Ledger, began_ms: int, count: int, why: str = "exhausted") -> None:
    row = {"visitor_id": "v", "tag_id": "tag_a", "campaign_id": "cam", "page_views": 1, "consent": "granted"}
    times = [began_ms + each for each in range(count)]
    named = [{"id": f"{why}{at}", "started_at_ms": at, "last_seen_ms": at, "unleased": why, **row} for at in times]
    await _insert(ledger, schema.session, named)


async def _calls(ledger: Ledger, calls: list[tuple[str, str | None, int]]) -> None:
    """(number, session, when)"""
    rows = [
        {"id": f"call{at}{each}", "carrier_id": "car", "provider_id": f"{at}{each}", "status": "ended",
         "started_at_ms": at, "tracking_number": number, "session_id": session}
        for each, (number, session, at) in enumerate(calls)
    ]  # fmt: skip
    await _insert(ledger, schema.call, rows)


async def test_an_empty_ledger_tells_nothing_but_what_the_pools_are(ledger: Ledger) -> None:
    found = await measure(ledger, NOW)
    assert (found.pools, found.numbers, found.hold_seconds) == (2, 6, None)
    assert (found.leases, found.visits, found.calls, found.refused) == (0, 0, 0, 0)
    assert (found.arrivals_per_hour, found.busiest_hour_ms, found.visit_seconds, found.delays) == (None,) * 4
    one = await measure(ledger, NOW, A)
    assert (one.pools, one.numbers, one.hold_seconds) == (1, 4, 60)


async def test_a_pool_that_is_not_there_is_refused(ledger: Ledger) -> None:
    with pytest.raises(NotFound) as refused:
        await measure(ledger, NOW, "pol_x")
    assert "pol_x" in refused.value.detail


async def test_the_busiest_hour_and_the_length_of_visits(ledger: Ledger) -> None:
    await _leases(ledger, NUMBERS[:4], A, NOW - 40 * HOUR, 30, 100_000, 10_000)
    await _leases(ledger, NUMBERS[:4], A, NOW - 30 * HOUR, 90, 30_000, 20_000)
    await _leases(ledger, NUMBERS[4:], B, NOW - 20 * HOUR, 110, 30_000, 40_000)
    one = await measure(ledger, NOW, A)
    assert (one.leases, one.arrivals_per_hour, one.busiest_hour_ms) == (120, 90, NOW - 30 * HOUR)
    # Of each number the last lease is not known to be over.
    assert one.visits == 116
    assert one.visit_seconds == pytest.approx((30 * 10 + 86 * 20) / 116)
    both = await measure(ledger, NOW)
    assert (both.leases, both.visits) == (230, 224)
    assert (both.arrivals_per_hour, both.busiest_hour_ms) == (110, NOW - 20 * HOUR)


async def test_visits_that_got_no_number_are_arrivals_too(ledger: Ledger) -> None:
    await _leases(ledger, NUMBERS[:4], A, NOW - 40 * HOUR, 100, 30_000, 10_000)
    await _leases(ledger, NUMBERS[:4], A, NOW - 30 * HOUR, 95, 30_000, 10_000)
    await _refused(ledger, NOW - 30 * HOUR + 5, 25)
    await _refused(ledger, NOW - 40 * HOUR, 50, "robot")
    for found in (await measure(ledger, NOW), await measure(ledger, NOW, A)):
        assert (found.arrivals_per_hour, found.refused, found.busiest_hour_ms) == (120, 25, NOW - 30 * HOUR)


async def test_what_is_older_than_four_weeks_does_not_count(ledger: Ledger) -> None:
    await _leases(ledger, NUMBERS[:4], A, NOW - (DAYS * 24 + 2) * HOUR, 100, 30_000, 10_000)
    assert (await measure(ledger, NOW)).leases == 0


async def test_too_few_leases_give_no_figures(ledger: Ledger) -> None:
    await _leases(ledger, NUMBERS[:4], A, NOW - 40 * HOUR, 33, 30_000, 10_000)
    found = await measure(ledger, NOW, A)
    assert (found.leases, found.arrivals_per_hour) == (33, None)
    assert (found.visits, found.visit_seconds) == (29, None)


async def test_the_delay_of_calls_is_counted_from_the_last_sign_of_life(ledger: Ledger) -> None:
    began, number, elsewhere = NOW - 40 * HOUR, NUMBERS[0], NUMBERS[4]
    await _leases(ledger, [number], A, began, 41, 100_000, 20_000)
    await _leases(ledger, [elsewhere], B, began, 2, 100_000, 0)
    starts = [began + each * 100_000 for each in range(41)]
    during = [(number, f"{number}@{at}", at + 15_000) for at in starts[:10]]
    after = [(number, f"{number}@{at}", at + 25_000) for at in starts[10:40]]
    left_out = [
        (number, f"{number}@{starts[40]}", starts[40] + 90_000),  # may still be on the page
        (number, None, began + 5),
        (number, "ses_never_recorded", began + 6),
        (NUMBERS[5], f"{number}@{began}", began + 7),  # another number than it held
    ]
    await _calls(ledger, [*during, *after, *left_out, (elsewhere, f"{elsewhere}@{began}", began + 60_000)])
    one = await measure(ledger, NOW, A)
    assert one.calls == 40
    assert one.delays == (0.0,) * 10 + (5.0,) * 30
    everything = await measure(ledger, NOW)
    assert everything.delays == (0.0,) * 10 + (5.0,) * 30 + (60.0,)
    assert (await measure(ledger, NOW, B)).delays is None


async def test_many_delays_come_to_a_hundred_quantiles(ledger: Ledger) -> None:
    began, number = NOW - 40 * HOUR, NUMBERS[0]
    await _leases(ledger, [number], A, began, 2, 10 * HOUR, 0)
    await _calls(ledger, [(number, f"{number}@{began}", began + 1000 * each) for each in range(1000)])
    found = await measure(ledger, NOW)
    assert found.calls == 1000
    assert found.delays == tuple(float(10 * each + 5) for each in range(100))
