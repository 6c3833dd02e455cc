"""Files are asked for once a day and endpoint, whoever asks and how often."""

import asyncio
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.outbound.nightly import ask_due


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


async def put(ledger: Ledger, name: str, created: str = "2026-11-01T00:00Z", **values: Any) -> None:
    row = {
        "id": name, "kind": "csv", "name": name, "types": [], "only": {}, "secrets": {}, "paused": False,
        "settings": {"folder": "x", "timezone": "UTC", "hour": 3}, "created_at_ms": ms(created),
    } | values  # fmt: skip
    async with ledger.write() as connection:
        await connection.execute(insert(schema.endpoint), row)


async def asked(ledger: Ledger) -> list[str]:
    async with ledger.read() as connection:
        query = select(schema.outbox.c.subject_id, schema.outbox.c.detail, schema.outbox.c.type)
        found = (await connection.execute(query.order_by(schema.outbox.c.seq))).all()
    for subject, detail, kind in found:
        assert subject == f"{detail['endpoint']}.{detail['day']}"
        assert kind == "export.due"
    return [subject for subject, _, _ in found]


async def test_a_day_is_asked_for_once(ledger: Ledger) -> None:
    await put(ledger, "end_1", created="2026-11-29T12:00Z")
    assert await ask_due(ledger, ms("2026-11-30T02:59Z")) == 0
    assert await ask_due(ledger, ms("2026-11-30T03:00Z")) == 1
    assert await ask_due(ledger, ms("2026-11-30T03:01Z")) == 0
    assert await ask_due(ledger, ms("2026-12-01T03:00Z")) == 1
    assert await asked(ledger) == ["end_1.2026-11-29", "end_1.2026-11-30"]


async def test_missed_days_are_made_up_for_a_week_back(ledger: Ledger) -> None:
    await put(ledger, "end_1")
    assert await ask_due(ledger, ms("2026-11-30T12:00Z")) == 7
    assert (await asked(ledger))[0] == "end_1.2026-11-23"


async def test_many_who_ask_at_once_ask_once(ledger: Ledger) -> None:
    await put(ledger, "end_1")
    await put(ledger, "end_2")
    counts = await asyncio.gather(*(ask_due(ledger, ms("2026-11-30T12:00Z")) for _ in range(8)))
    assert sum(counts) == 14
    found = await asked(ledger)
    assert len(found) == len(set(found)) == 14


async def test_a_changed_hour_or_zone_asks_for_no_day_again(ledger: Ledger) -> None:
    await put(ledger, "end_1", created="2026-11-29T12:00Z")
    await ask_due(ledger, ms("2026-11-30T03:00Z"))
    async with ledger.write() as connection:
        changed = {"folder": "x", "timezone": "America/New_York", "hour": 1}
        await connection.execute(update(schema.endpoint).values(settings=changed))
    assert await ask_due(ledger, ms("2026-11-30T12:00Z")) == 0


async def test_other_kinds_and_those_that_are_gone_are_not_asked(ledger: Ledger) -> None:
    await put(ledger, "gone", deleted_at_ms=1)
    await put(ledger, "hook", kind="webhook", settings={})
    assert await ask_due(ledger, ms("2026-11-30T12:00Z")) == 0
