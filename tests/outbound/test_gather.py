"""The calls of a day as a file, on each engine."""

import csv
import io
from datetime import datetime
from typing import Any

from dni.ledger import schema
from dni.outbound.files import Settings
from dni.outbound.gather import gather
from dni.outbound.model import Endpoint, Message, Only, Outgoing
from dni.parts import Parts
from tests.dashboard.samples import CALLER, HOSTILE, call, insert_rows, unanswered
from tests.support.world import START_MS, add

DAY = "2026-09-20"


def ago(text: str) -> int:
    return START_MS - round(datetime.fromisoformat(text).timestamp() * 1000)


async def made(parts: Parts, **values: Any) -> list[dict[str, str]]:
    settings = Settings(folder="x", timezone=values.pop("timezone", "UTC"), columns=values.pop("columns", ()))
    endpoint = Endpoint(id="end_1", kind="csv", name="Nightly", settings=settings, **values)
    message = Message(seq=1, id="msg_1", type="export.due", at_ms=START_MS, subject="s", data={"day": DAY})
    gathered = (await gather(parts.ledger, endpoint, Outgoing(delivery="d", message=message))).gathered
    return list(csv.DictReader(io.StringIO(gathered.decode(), newline="")))


async def test_a_days_calls_are_those_that_began_on_it_in_its_zone(parts: Parts) -> None:
    await add(parts)
    times = ("2026-09-19T23:59:59.999Z", "2026-09-20T00:00Z", "2026-09-20T23:59:59.999Z", "2026-09-21T00:00Z")
    rows = [call(f"call_{place}", ago(at), provider_id=f"p{place}") for place, at in enumerate(times)]
    await insert_rows(parts, schema.call, *rows)
    assert [row["id"] for row in await made(parts)] == ["call_2", "call_1"]
    assert [row["id"] for row in await made(parts, timezone="America/New_York")] == ["call_3", "call_2"]
    assert [row["caller"] for row in await made(parts)] == [CALLER, CALLER]


async def test_a_day_without_calls_has_the_columns_alone(parts: Parts) -> None:
    await add(parts)
    assert await made(parts) == []


async def test_more_calls_than_are_read_at_once_are_all_there_once(parts: Parts) -> None:
    await add(parts)
    rows = [call(f"call_{n:05}", ago("2026-09-20T12:00Z") - n % 7, provider_id=f"p{n}") for n in range(1201)]
    await insert_rows(parts, schema.call, *rows)
    found = [row["id"] for row in await made(parts)]
    assert len(found) == len(set(found)) == 1201


async def test_which_calls_and_which_columns(parts: Parts) -> None:
    await add(parts)
    await add(parts, suffix="2", first=100)
    noon = ago("2026-09-20T12:00Z")
    await insert_rows(
        parts,
        schema.call,
        call("paid", noon, qualified=True, billable=True, payout=100, revenue=200, confidence=0.9),
        call("billed", noon, qualified=False, billable=True, payout=0, revenue=200, confidence=0.4),
        call("unjudged", noon, talk_s=5),
        call("missed", noon, **unanswered("no_answer", noon)),
        call("other", noon, campaign_id="cmp_2", publisher_id="pub_2", qualified=True, confidence=0.9),
    )

    async def ids(**values: Any) -> set[str]:
        return {row["id"] for row in await made(parts, columns=("id",), **values)}

    assert await ids(campaign="cmp_2") == {"other"}
    assert await ids(publisher="pub_1") == {"paid", "billed", "unjudged", "missed"}
    assert await ids(only=Only(qualified=True), campaign="cmp_1") == {"paid"}
    assert await ids(only=Only(billable=True)) == {"paid", "billed"}
    assert await ids(only=Only(answered=False)) == {"missed"}
    assert await ids(only=Only(min_talk_seconds=60), campaign="cmp_1") == {"paid", "billed"}
    assert await ids(only=Only(min_confidence=0.5)) == {"paid", "other"}
    [first, *_] = await made(
        parts, columns=("caller", "id", "payout.amount"), only=Only(qualified=True), campaign="cmp_1"
    )
    assert list(first.values()) == [f"'{CALLER}", "paid", "100"]


async def test_no_cell_is_a_formula(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.call, call("hostile", ago("2026-09-20T12:00Z"), **HOSTILE))
    [row] = await made(parts)
    assert row["keyword"].startswith("'=HYPERLINK(1)")
