"""A tag that stops showing numbers, a pool without any left: told once when it begins and once when it is over."""

from typing import Any

import pytest
from sqlalchemy import select, update

from dni import __version__
from dni.clock import SettableClock
from dni.ledger import schema
from dni.outbound.alerts import Alerts
from dni.parts import Parts
from dni.tag import health_reports
from dni.tag.wire import SignalPage
from tests.dashboard.samples import MINUTE, insert_rows, session
from tests.support.world import ORIGIN, START_MS, add

FINE: dict[str, Any] = {"found": 1, "swapped": 1, "version": __version__}
REVERTED = {**FINE, "reverted": 1}
STOPPED = {**FINE, "swapped": 0}
EMPTY: dict[str, Any] = {"found": 0, "version": __version__}
REFUSED = {**FINE, "swapped": 0, "reason": "no_consent"}


async def said(parts: Parts, page: str, about: dict[str, Any]) -> None:
    report = SignalPage("p", 1, url=f"{ORIGIN}/{page}", **about)
    await health_reports.keep(parts.live, parts.keys, parts.clock.now_ms(), parts.catalog.now.tags["tag_1"], report)


def advance(parts: Parts, minutes: int) -> None:
    assert isinstance(parts.clock, SettableClock)
    parts.clock.advance(minutes * MINUTE)


async def looked(parts: Parts, alerts: Alerts, minutes: int = 11) -> None:
    """Looks, and once more when what it saw has stood."""
    await alerts.look()
    advance(parts, minutes)
    await alerts.look()


async def told(parts: Parts) -> list[tuple[str, str, str]]:
    async with parts.ledger.read() as connection:
        query = select(schema.outbox.c.type, schema.outbox.c.subject_id, schema.outbox.c.detail)
        found = (await connection.execute(query.order_by(schema.outbox.c.seq))).all()
        known = (await connection.execute(select(schema.alert.c.id))).scalars().all()
    assert {detail["alert"] for *_, detail in found} == set(known)
    return [(kind, subject, detail["state"]) for kind, subject, detail in found]


BEGAN, OVER = ("tag.alert", "tag_1", "began"), ("tag.alert", "tag_1", "over")


async def test_a_tag_that_stops_is_told_once_and_once_that_it_is_over(parts: Parts) -> None:
    await add(parts)
    alerts = Alerts(parts)
    await said(parts, "a", FINE)
    await looked(parts, alerts)
    assert await told(parts) == []
    await said(parts, "a", STOPPED)
    await alerts.look()
    assert await told(parts) == [], "it may be one odd browser"
    await looked(parts, alerts)
    assert await told(parts) == [BEGAN]
    await looked(parts, Alerts(parts))
    assert await told(parts) == [BEGAN]
    await said(parts, "a", FINE)
    await alerts.look()
    await alerts.look()
    assert await told(parts) == [BEGAN, OVER]
    await said(parts, "a", STOPPED)
    await looked(parts, alerts)
    assert await told(parts) == [BEGAN, OVER, BEGAN]


@pytest.mark.parametrize(
    ("pages", "is_told"),
    [
        ({"a": STOPPED}, True),
        ({"a": REVERTED}, True),
        ({"a": EMPTY}, True),
        ({"a": EMPTY, "b": EMPTY}, True),
        ({"a": STOPPED, "b": FINE}, False),
        ({"a": EMPTY, "b": FINE}, False),
        ({"a": REFUSED}, False),
        ({"a": REFUSED, "b": EMPTY}, False),
        ({}, False),
    ],
)
async def test_which_tags_are_alarmed_about(
    sqlite_parts: Parts, pages: dict[str, dict[str, Any]], is_told: bool
) -> None:
    await add(sqlite_parts)
    for page, about in pages.items():
        await said(sqlite_parts, page, about)
    await looked(sqlite_parts, Alerts(sqlite_parts))
    assert await told(sqlite_parts) == ([BEGAN] if is_told else [])


async def test_what_nobody_reports_any_more_stays_as_it_was(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    alerts = Alerts(sqlite_parts)
    await said(sqlite_parts, "a", STOPPED)
    await looked(sqlite_parts, alerts)
    await looked(sqlite_parts, alerts, minutes=120)
    assert await told(sqlite_parts) == [BEGAN]
    async with sqlite_parts.ledger.write() as connection:
        await connection.execute(update(schema.tag).values(deleted_at_ms=START_MS))
    await alerts.look()
    assert await told(sqlite_parts) == [BEGAN, OVER]


async def test_a_pool_without_free_numbers(parts: Parts) -> None:
    await add(parts)
    alerts = Alerts(parts)
    visits = [session(f"s{n}", n * MINUTE, unleased="exhausted") for n in range(1, 3)]
    await insert_rows(parts, schema.session, *visits, session("fine", MINUTE), session("old", 2 * 60 * MINUTE))
    await alerts.look()
    assert await told(parts) == []
    await insert_rows(parts, schema.session, session("s3", 3 * MINUTE, unleased="no_region"))
    await alerts.look()
    await alerts.look()
    assert await told(parts) == [("pool.alert", "pool_1", "began")]
    advance(parts, 57)
    await alerts.look()
    assert len(await told(parts)) == 1, "two of them are still of the last hour"
    advance(parts, 3)
    await alerts.look()
    assert await told(parts) == [("pool.alert", "pool_1", "began"), ("pool.alert", "pool_1", "over")]
    async with parts.ledger.read() as connection:
        [row] = (await connection.execute(select(schema.alert))).all()
    assert (row.says, row.over_ms) == ("3 visits of the last hour found no free number", START_MS + 60 * MINUTE)
