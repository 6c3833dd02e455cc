"""What is old goes, each kind at its age, once a day, a little at a time; what reports count of calls stays."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from dni.access.authenticate import ADMIN
from dni.api import idempotency
from dni.call.keep_touches import keep_next
from dni.call.model import fold
from dni.call.told import Told
from dni.ledger import schema, stale
from dni.parts import Parts
from dni.privacy import forget, holders, retentions
from dni.privacy.forget import forget_due
from dni.privacy.model import DAY_MS, KINDS, RetentionChange
from dni.report.attribution import attribution
from dni.report.model import ReportFilter
from dni.report.seal import seal_all
from dni.telephony.fields import GONE
from tests.dashboard.samples import CALLER, GOOGLE, HOUR, call, candidate, event, insert_rows, lease, session
from tests.privacy.story import in_redis, record_all, rows, told
from tests.support import browser
from tests.support.carrier import advance
from tests.support.world import START_MS, add, numbers

NEVER: dict[str, Any] = {kind.name: None for kind in KINDS}
DAY = 24 * HOUR


async def run(parts: Parts, stop: asyncio.Event | None = None, **days: int | None) -> dict[str, int]:
    """One run by these days alone; what it removed."""
    await seal_all(parts)
    async with parts.ledger.write() as connection:
        await retentions.change(parts.ledger, connection, RetentionChange(**(NEVER | days)))
    assert await forget_due(parts, stop or asyncio.Event(), pause=0)
    async with parts.ledger.read() as connection:
        return (await retentions.last_runs(connection, 1))[0].removed


async def names(parts: Parts, table: Any = schema.session) -> set[str]:
    async with parts.ledger.read() as connection:
        return set((await connection.execute(select(table.c[0]))).scalars())


async def report(parts: Parts, *by: str) -> Any:
    only = ReportFilter(from_ms=0, to_ms=START_MS * 2)
    return await attribution(parts.ledger, ADMIN, only, by, "linear", 1000)


async def test_visits_go_with_their_leases_when_they_are_old_and_led_to_no_call(parts: Parts) -> None:
    await add(parts)
    await insert_rows(
        parts,
        schema.session,
        session("old", 31 * DAY),
        session("young", 29 * DAY),
        session("credited", 40 * DAY, visitor_id="ann"),
        session("of-caller-before", 50 * DAY, visitor_id="ann"),
        session("of-caller-after", 31 * DAY, visitor_id="ann"),
        session("may-be", 40 * DAY),
        session("hardly", 40 * DAY),
    )
    await insert_rows(
        parts,
        schema.lease,
        *(lease(name, 31 * DAY + n, number=numbers(9)[n]) for n, name in enumerate(("old", "young", "credited"))),
    )
    said = [candidate("credited", 0.9, ""), candidate("may-be", 0.02, ""), candidate("hardly", 0.004, "")]
    await insert_rows(
        parts,
        schema.call,
        call("call_1", 40 * DAY - HOUR, session_id="credited", visitor_id="ann", confidence=0.9, candidates=said),
    )
    assert await keep_next(parts) == 1
    assert await run(parts, sessions=30) == {"sessions": 3}
    assert await names(parts) == {"young", "credited", "of-caller-before", "may-be"}
    assert {row["session_id"] for row in await rows(parts, schema.lease)} == {"young", "credited"}


async def test_reports_count_visits_that_are_forgotten_and_none_goes_before_they_have_a_copy(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.session, *(session(f"s{n}", (25 + n) * DAY, **GOOGLE) for n in range(10)))
    await insert_rows(parts, schema.lease, *(lease(f"s{n}", (25 + n) * DAY, number=numbers(9)[n]) for n in (0, 8)))
    by = ("source", "device", "day")
    before = await report(parts, *by)
    assert await forget_due(parts, asyncio.Event(), pause=0)
    assert len(await names(parts)) == 10, "nothing is copied yet"
    advance(parts, DAY)
    assert await run(parts, sessions=30) == {"sessions": 5}
    assert await report(parts, *by) == before
    await insert_rows(parts, schema.session, session("late", 20 * DAY, **GOOGLE))
    async with parts.ledger.write() as connection:
        await connection.run_sync(stale.mark, "session", [START_MS - 20 * DAY, START_MS - 32 * DAY])
    await seal_all(parts)
    assert sum(row.sessions or 0 for row in await report(parts, *by)) >= 10, "the past stays as it was told"


async def test_a_visit_that_a_call_names_whose_touches_are_still_to_be_kept_stays(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.session, session("may-be", 40 * DAY), session("old", 40 * DAY))
    said = [candidate("gone", 0.9, ""), candidate("may-be", 0.02, "")]
    await insert_rows(parts, schema.call, call("call_1", HOUR // 60, session_id="gone", candidates=said))
    assert await run(parts, sessions=30) == {"sessions": 1}
    assert await names(parts) == {"may-be"}


async def test_details_go_and_what_reports_group_by_stays(parts: Parts) -> None:
    await add(parts)
    told_more = {"title": "T", "ids": {"ga": "1"}, "custom": {"k": "v"}, "city": "Albany"}
    told_more |= {"params": (params := {"sub": "x", "sub1": 'aff-7 "é"', "sub4": "{}"})}
    came = {**GOOGLE, **told_more, "device": "phone", "region": "US-NY", "visitor_id": "ann"}
    await insert_rows(parts, schema.session, session("old", 31 * DAY, **came), session("young", 29 * DAY, **came))
    await insert_rows(parts, schema.session, session("bare", 31 * DAY - 1, params={"sub": "x"}))
    credited = {"session_id": "old", "visitor_id": "ann", "candidates": [candidate("old", 0.9, "")]}
    await insert_rows(parts, schema.call, call("call_1", 31 * DAY - HOUR, **GOOGLE, **credited, params=params))
    await keep_next(parts)
    by = ("source", "keyword", "landing_page", "device"), ("region", "channel", "sub1", "sub4")
    before = [await report(parts, *some) for some in by]
    assert await run(parts, details=30) == {"details": 4}
    assert [await report(parts, *some) for some in by] == before
    bare, old, young = sorted(await rows(parts, schema.session), key=lambda row: str(row["id"]))
    assert bare["params"] is None
    assert young["click_ids"] == GOOGLE["click_ids"]
    [kept], [touch] = await rows(parts, schema.call), await rows(parts, schema.call_touch)
    for row in (old, kept, touch):
        assert row["landing_page"] == "https://shop.example/water-heaters"
        assert (row["source"], row["keyword"]) == ("google", "emergency plumber")
        assert row["params"] == {"sub1": 'aff-7 "é"', "sub4": "{}"}
        for name in ("click_ids", "title", "ids", "custom", "city"):
            assert row.get(name) is None
    assert await forget_due(parts, asyncio.Event(), pause=0) is False, "once a day"


async def test_a_forgotten_caller_leaves_a_call_that_counts_as_it_did(parts: Parts) -> None:
    await add(parts)
    await add(parts, suffix="2", first=100)
    recorded = {"recording_url": "https://carrier.example/r"}
    await insert_rows(
        parts,
        schema.call,
        call("call_1", 50 * DAY, **recorded),
        call("call_2", 40 * DAY),
        call("call_3", 20 * DAY),
        call("call_other", 45 * DAY, caller="+12125550199"),
        call("call_elsewhere", 41 * DAY, campaign_id="cmp_2"),
        call("call_withheld", 44 * DAY, caller=None),
    )
    url = {"RecordingUrl": "https://carrier.example/r", "RecordingSid": "RE1"}
    await insert_rows(
        parts,
        schema.call_event,
        event("call_1", 50 * DAY, "inbound", CallStatus="ringing", FromCity="CHICAGO", CallerName="ANN"),
        event("call_1", 50 * DAY - HOUR, "completed", CallStatus="completed", CallDuration="136", **url),
        event("call_3", 20 * DAY, "inbound", CallStatus="ringing", FromCity="CHICAGO"),
    )
    folded = await fold_of(parts, "call_1")
    before = [await report(parts, *some) for some in (("day", "first_time"), ("source",))]
    assert await run(parts, callers=30) == {"callers": 4}
    assert [await report(parts, *some) for some in (("day", "first_time"), ("source",))] == before
    found = {row["id"]: row for row in await rows(parts, schema.call)}
    assert {name for name, row in found.items() if row["caller"]} == {"call_3"}
    assert found["call_1"]["recording_url"] is None
    first = {name: row["first_time"] for name, row in found.items() if row["caller"] or row["first_time"] is not None}
    expected = {"call_1": True, "call_2": False, "call_other": True, "call_elsewhere": True, "call_3": False}
    assert first == expected
    events = await rows(parts, schema.call_event)
    assert [CALLER in repr(row) for row in events] == [False, False, True]
    assert "carrier.example" not in repr(events)
    assert await fold_of(parts, "call_1") == (*folded[:-1], None), "all but the recording"
    # A day later all of this telephone's calls are nobody's; it stays so that one of them was the first.
    advance(parts, 15 * DAY)
    assert (await run(parts, callers=30))["callers"] == 1
    assert [await report(parts, *some) for some in (("day", "first_time"), ("source",))] == before


async def fold_of(parts: Parts, name: str) -> tuple[Any, ...]:
    events = [row for row in await rows(parts, schema.call_event) if row["call_id"] == name]
    state = fold(
        Told(
            carrier="car_1",
            port="twilio",
            inbound=row["kind"] == "inbound",
            received_ms=row["received_at_ms"],
            fields=row["fields"],
        ).event()
        for row in events
    )
    return state.status, state.started_ms, state.ended_ms, state.duration_s, state.talk_s, state.recording_url


async def test_carriers_fields_recordings_former_answers_and_refusals_each_at_their_age(parts: Parts) -> None:
    await add(parts)
    url = {"recording_url": "https://carrier.example/r"}
    await insert_rows(parts, schema.call, call("call_1", 50 * DAY, **url), call("call_2", 5 * DAY, **url))
    said = {"CallStatus": "completed", "CallDuration": "136", "FromCity": "X", "RecordingUrl": url["recording_url"]}
    await insert_rows(parts, schema.call_event, event("call_1", 50 * DAY, "completed", **said))
    await insert_rows(parts, schema.call_event, event("call_2", 5 * DAY, "completed", **said))
    former = {"session_id": "s", "visitor_id": "v", "method": "tap", "confidence": 0.5, "candidates": []}
    await insert_rows(
        parts,
        schema.former_attribution,
        *({"call_id": "call_1", "until_ms": START_MS - ago * DAY, **former} for ago in (40, 5)),
    )
    refused = {"carrier_id": "car_1", "code": "bad_signature", "detail": "", "url": ""}
    await insert_rows(
        parts,
        schema.refusal,
        *({"id": f"ref_{ago}", "at_ms": START_MS - ago * DAY, **refused} for ago in (40, 5)),
    )
    removed = await run(parts, events=30, attributions=30, refusals=30)
    assert removed == {"events": 1, "attributions": 1, "refusals": 1}
    [first, second] = [row["fields"] for row in await rows(parts, schema.call_event)]
    assert "From" not in first
    assert first["RecordingUrl"] == url["recording_url"], "it has an age of its own"
    assert second["From"] == CALLER
    assert [row["id"] for row in await rows(parts, schema.refusal)] == ["ref_5"]
    assert len(await rows(parts, schema.former_attribution)) == 1
    advance(parts, DAY)
    assert await run(parts, recordings=30) == {"recordings": 1}
    assert [row["recording_url"] for row in await rows(parts, schema.call)] == [None, url["recording_url"]]
    assert (await rows(parts, schema.call_event))[0]["fields"]["RecordingUrl"] == GONE
    assert (await rows(parts, schema.call))[0]["caller"] == CALLER


async def test_kept_is_kept_however_old(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.session, session("old", 30_000 * DAY))
    assert await run(parts) == {}
    assert await names(parts) == {"old"}


async def test_a_run_that_broke_off_goes_on_where_it_was(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    await add(parts)
    await insert_rows(parts, schema.session, *(session(f"old-{n:03}", 40 * DAY + n) for n in range(250)))
    stop, take = asyncio.Event(), forget._take

    async def once(*args: Any) -> bool:
        stop.set()
        return await take(*args)

    monkeypatch.setattr(forget, "_take", once)
    assert await run(parts, stop, sessions=30) == {"sessions": 60}
    assert len(await names(parts)) == 190
    [row] = await rows(parts, schema.retention_run)
    assert row["ended_at_ms"] is None
    monkeypatch.undo()
    advance(parts, 1_000)
    assert await run(parts, sessions=30) == {"sessions": 250}
    [row] = await rows(parts, schema.retention_run)
    assert row["ended_at_ms"] == START_MS + 1_000
    assert await names(parts) == set()


async def test_once_a_day_and_only_what_is_new_is_looked_at(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.session, session("kept", 31 * DAY), session("later", 30 * DAY - HOUR))
    await insert_rows(parts, schema.call, call("call_1", 31 * DAY - HOUR, session_id="kept", method="tap"))
    assert await run(parts, sessions=30) == {}
    advance(parts, DAY_MS - START_MS % DAY_MS - 1)
    assert not await forget_due(parts, asyncio.Event(), pause=0)
    advance(parts, 1)
    assert await forget_due(parts, asyncio.Event(), pause=0), "a new day of UTC"
    assert await names(parts) == {"kept"}
    cursor = {row["step"]: row["until_id"] for row in await rows(parts, schema.forgotten)}
    assert cursor == {"sessions": "later"}


async def test_old_holders_of_numbers_are_forgotten_in_redis_too(parts: Parts) -> None:
    [who] = await told(parts, 1, visitors=1, steps=1)
    advance(parts, 40 * DAY)
    async with browser.client(browser.door(parts)) as client:
        for _ in range(3):  # the pool has three numbers: the old one is taken again
            answer = (await browser.post(client, "/v1/lease", browser.lease_body())).json()
    await record_all(parts)
    assert await holders.forget_before(parts, parts.clock.now_ms() - 50 * DAY) == 0
    assert await run(parts, sessions=30) == {"sessions": 1, "holders": 1}
    held = b"".join(key + value for key, value in (await in_redis(parts)).items())
    assert f"{who.name}-0".encode() not in held, "his click"
    assert held.count(b'"gclid":"x"') == 3, "those of today"
    advance(parts, DAY)
    assert await run(parts, sessions=30) == {}, "nobody's stay nobody's"
    assert answer["session"]


async def test_the_day_is_over_for_answers_to_creating_requests_and_codes(parts: Parts) -> None:
    await add(parts)
    async with parts.ledger.write() as connection:
        await idempotency.begin(parts.ledger, connection, "tok", "key", b"x", parts.clock.now_ms())
    advance(parts, 2 * DAY)
    await run(parts)
    assert await rows(parts, schema.idempotency) == []
