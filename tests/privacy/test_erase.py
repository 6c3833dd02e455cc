"""Who was erased is nowhere, and nobody else is touched: stories of chance, looked at byte by byte."""

from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from dni.access.authenticate import ADMIN
from dni.call.model import fold
from dni.call.told import Told
from dni.errors import Unavailable
from dni.ledger import schema
from dni.parts import Parts
from dni.privacy.erase import erase
from dni.privacy.model import Who
from dni.report.attribution import attribution
from dni.report.model import ReportFilter
from tests.privacy.story import AUDIT, Visitor, in_ledger, in_redis, record_all, rows, told
from tests.support import browser
from tests.support.carrier import Carrier, advance, at, door, protected_until
from tests.support.world import START_MS, TARGET

SEEDS = range(3)
# What money is made of.
OF_MONEY = (
    *("id", "carrier_id", "provider_id", "status", "started_at_ms", "answered_at_ms", "ended_at_ms", "duration_s"),
    *("talk_s", "tracking_number", "destination", "campaign_id", "publisher_id", "tag_id", "source", "medium"),
    *("channel", "confidence", "method", "qualified", "billable", "payout", "revenue"),
)


def files(parts: Parts) -> bytes:
    """What stands in the ledger's files, also where no row is any more. Nothing of PostgreSQL's."""
    path = Path(parts.ledger.url.database or "")
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*")) if parts.ledger.is_sqlite else b""


async def everything(parts: Parts, but: set[str] = AUDIT) -> tuple[dict[str, set[str]], dict[bytes, bytes]]:
    ledger = {name: set(found) for name, found in (await in_ledger(parts)).items() if name not in but}
    return ledger, await in_redis(parts)


async def is_nowhere(parts: Parts, texts: set[str], payloads: set[bytes] = frozenset()) -> None:  # type: ignore[assignment]
    for table, found in (await in_ledger(parts)).items():
        for row in found:
            assert not [text for text in texts if text in row], table
    for key, value in (await in_redis(parts)).items():
        for wanted in {text.encode() for text in texts} | payloads:
            assert wanted not in key + value, key
    held = files(parts)
    assert not [text for text in texts if text.encode() in held], "in the file, where no row is"


def payloads(who: Visitor) -> set[bytes]:
    """What Redis has in the place of ids."""
    return {urlsafe_b64decode(who.ids["visitor"])[:12]} | {urlsafe_b64decode(one)[:18] for one in who.sessions}


def names_one_of(row: dict[str, Any], sessions: set[str]) -> bool:
    return any(one in repr(row) for one in sessions)


def traces_of(who: Visitor) -> set[str]:
    return {who.ids["visitor"], f"ga-{who.name}", f"Welcome {who.name}", f"={who.name}-"} | who.sessions


async def nobody_else_changed(before: tuple[dict[str, set[str]], dict[bytes, bytes]], parts: Parts, *of: str) -> None:
    """Rows and records that name none of these texts are as they were."""
    after = await everything(parts)
    for table, found in before[0].items():
        others = {row for row in found if not any(text in row for text in of)}
        assert others <= after[0][table], table
    for key, value in before[1].items():
        if b":leases" not in key:
            assert after[1][key] == value


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_visitor_is_nowhere_and_others_are_as_they_were(parts: Parts, seed: int) -> None:
    people = await told(parts, seed)
    before, money = await everything(parts), await rows(parts, schema.call)
    victims = [who for who in people if who.sessions]
    who = victims[seed % len(victims)]
    assert any(who.ids["visitor"] in row for row in before[0]["session"])
    former = await rows(parts, schema.former_attribution)
    may_be_his = {
        str(row.get("call_id", row.get("id"))) for row in (*money, *former) if names_one_of(row, who.sessions)
    }
    done = await erase(parts, Who(visitor=who.ids["visitor"]), ADMIN)
    assert done.removed["sessions"] == len(who.sessions)
    await is_nowhere(parts, traces_of(who), payloads(who))
    await nobody_else_changed(before, parts, who.ids["visitor"], *who.sessions, *may_be_his)
    for then, now in zip(money, await rows(parts, schema.call), strict=True):
        assert {name: then[name] for name in OF_MONEY} == {name: now[name] for name in OF_MONEY}
        assert then["caller"] == now["caller"], "whose the call is, only the caller may say"
        assert [c["confidence"] for c in then["candidates"]] == [c["confidence"] for c in now["candidates"]]
    others = set().union(*(payloads(one) for one in people if one is not who and one.sessions))
    held = b"".join(key + value for key, value in (await in_redis(parts)).items())
    was = b"".join(key + value for key, value in before[1].items())
    assert {one for one in others if one in was} == {one for one in others if one in held}


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_caller_is_nowhere_and_others_are_as_they_were(parts: Parts, seed: int) -> None:
    people = await told(parts, seed, steps=30)
    who = next(one for one in people if one.calls)
    before, money = await everything(parts), await rows(parts, schema.call)
    his = {row["id"] for row in money if row["caller"] == who.caller}
    figures = await report(parts)
    done = await erase(parts, Who(caller=who.caller), ADMIN)
    assert done.removed["calls"] == len(his) > 0
    await is_nowhere(
        parts, {who.caller, who.caller[1:], f"MR {who.name}", *(f"carrier.example/{c}" for c in who.calls)}
    )
    await nobody_else_changed(before, parts, *his)
    for then, now in zip(money, await rows(parts, schema.call), strict=True):
        assert {name: then[name] for name in OF_MONEY} == {name: now[name] for name in OF_MONEY}
    assert await report(parts) == figures, "calls count as before, first calls too"
    named = {name for one in people for name in one.sessions | {one.ids.get("visitor", "-")}}
    for table in (schema.call, schema.call_touch, schema.former_attribution):
        for row in await rows(parts, table):
            if row.get("call_id", row.get("id")) in his:
                assert not [name for name in named if name in repr(row)], "his call is nobody's visit"


async def report(parts: Parts) -> list[Any]:
    only = ReportFilter(from_ms=0, to_ms=START_MS * 2)
    return [
        await attribution(parts.ledger, ADMIN, only, ("source", "day"), model, 1000)
        for model in ("linear", "last_touch")
    ]


async def test_erasing_twice_is_erasing_once_and_each_is_noted_without_whom(parts: Parts) -> None:
    people = await told(parts, 1)
    who = next(one for one in people if one.sessions and one.calls)
    for wanted in (Who(visitor=who.ids["visitor"]), Who(caller=who.caller)):
        first = await erase(parts, wanted, ADMIN)
        before = await everything(parts, {*AUDIT, "audit"})
        again = await erase(parts, wanted, ADMIN)
        assert first.removed
        assert again.removed == {}
        assert await everything(parts, {*AUDIT, "audit"}) == before
    noted = await rows(parts, schema.erasure)
    assert (
        sorted((row["kind"], row["by_name"]) for row in noted) == [("caller", "admin")] * 2 + [("visitor", "admin")] * 2
    )
    assert who.caller not in repr(noted)
    assert who.ids["visitor"] not in repr(noted)


async def test_a_dry_run_tells_the_same_and_changes_nothing(parts: Parts) -> None:
    people = await told(parts, 2)
    who = next(one for one in people if one.sessions and one.calls)
    for wanted in (Who(session=next(iter(who.sessions))), Who(caller=who.caller)):
        before = await everything(parts, set())
        would = await erase(parts, wanted, ADMIN, dry_run=True)
        assert would.id is None
        assert await everything(parts, set()) == before
        assert (await erase(parts, wanted, ADMIN)).removed == would.removed


async def test_what_the_carrier_tells_later_does_not_bring_the_caller_back(parts: Parts) -> None:
    people = await told(parts, 3)
    who = next(one for one in people if one.calls)
    sid = who.calls[-1]
    [before] = [row for row in await rows(parts, schema.call) if row["provider_id"] == sid]
    await erase(parts, Who(caller=who.caller), ADMIN)
    carrier = Carrier(door(parts))
    said = {"From": who.caller, "CallerName": f"MR {who.name}", "Timestamp": at(parts.clock.now_ms())}
    await carrier.status(before["tracking_number"], "completed", sid, **said, SequenceNumber="9")
    await carrier.status(before["tracking_number"], "", sid, **said, RecordingUrl="https://carrier.example/late")
    await carrier.http.aclose()
    [after] = [row for row in await rows(parts, schema.call) if row["provider_id"] == sid]
    assert {name: before[name] for name in OF_MONEY} == {name: after[name] for name in OF_MONEY}
    await is_nowhere(parts, {who.caller[1:], f"MR {who.name}", "carrier.example/late"})


async def test_his_number_stays_protected_and_a_call_on_it_still_knows_its_source(parts: Parts) -> None:
    people = await told(parts, 1, visitors=1, steps=1, pool_size=2)
    [who] = people
    assert who.shown
    async with browser.client(browser.door(parts)) as client:
        lease = browser.lease_body(**who.ids)
        shown = (await browser.post(client, "/v1/lease", lease)).json()["numbers"][TARGET]
        await record_all(parts)
        until = await protected_until(parts, shown["number"])
        await erase(parts, Who(visitor=who.ids["visitor"]), ADMIN)
        assert await protected_until(parts, shown["number"]) == until > parts.clock.now_ms()
        beat = browser.signal_body(session=who.ids["session"], signals=[{"type": "beat", "lease": shown["lease"]}])
        advance(parts, 10_000)
        assert (await browser.post(client, "/v1/signal", beat)).status_code in (200, 204)
        assert await protected_until(parts, shown["number"]) > until, "what is on his screen is nobody else's"
    carrier = Carrier(door(parts))
    await carrier.inbound(shown["number"], "CA" + "7" * 32)
    await carrier.http.aclose()
    [call] = [row for row in await rows(parts, schema.call) if row["provider_id"] == "CA" + "7" * 32]
    assert (call["source"], call["tag_id"], call["publisher_id"]) == ("google", "tag_1", "pub_1")
    assert (call["visitor_id"], call["click_ids"]) == (None, {})
    assert call["session_id"] not in who.sessions


async def test_nothing_is_erased_while_something_of_him_may_still_be_recorded(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dni.privacy.erase._SETTLES_WITHIN_S", 0.2)
    people = await told(parts, 1)
    who = next(one for one in people if one.sessions)
    async with browser.client(browser.door(parts)) as client:
        await browser.post(client, "/v1/lease", browser.lease_body(**who.ids))
    before = await everything(parts, set())
    with pytest.raises(Unavailable) as refused:
        await erase(parts, Who(visitor=who.ids["visitor"]), ADMIN)
    assert refused.value.code == "recorder_behind"
    assert await everything(parts, set()) == before
    await record_all(parts)
    await erase(parts, Who(visitor=who.ids["visitor"]), ADMIN)
    await is_nowhere(parts, traces_of(who), payloads(who))


async def test_events_that_wait_on_disk_are_waited_for_and_unreadable_ones_forgotten(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dni.call.spool import Spool

    monkeypatch.setattr("dni.privacy.erase._SETTLES_WITHIN_S", 0.2)
    spool = Spool(parts.settings.data_dir / "spool")
    spool.append(b"{}")
    with pytest.raises(Unavailable):
        await erase(parts, Who(caller="+12125550142"), ADMIN)
    path = spool.take()
    assert path
    spool.done(path)
    for number in ("+12125550142", "+12125550143"):
        spool.set_aside(b'{"From":"%s"}' % number.encode())
    done = await erase(parts, Who(caller="+12125550142"), ADMIN)
    assert done.removed == {"spooled": 1}
    left = spool.lines(parts.settings.data_dir / "spool" / "unreadable.jsonl")
    assert left == [b'{"From":"+12125550143"}']


async def test_a_call_in_the_folds_of_its_events_is_the_same_without_its_caller(parts: Parts) -> None:
    """The row could still be computed anew from what is kept."""
    people = await told(parts, 5, steps=40)
    for who in people:
        for_him = [row for row in await rows(parts, schema.call) if row["caller"] == who.caller]
        if not for_him:
            continue
        await erase(parts, Who(caller=who.caller), ADMIN)
        events = await rows(parts, schema.call_event)
        for row in for_him:
            told_again = [
                Told(
                    carrier="car_1",
                    port="twilio",
                    inbound=one["kind"] == "inbound",
                    received_ms=one["received_at_ms"],
                    fields=one["fields"],
                ).event()
                for one in events
                if one["call_id"] == row["id"]
            ]
            state = fold(told_again)
            folded = (state.status, state.started_ms, state.answered_ms, state.ended_ms, state.talk_s)
            names = ("status", "started_at_ms", "answered_at_ms", "ended_at_ms", "talk_s")
            assert folded == tuple(row[name] for name in names)


async def test_notes_and_reasons_go_with_who_called_and_what_was_decided_stays(parts: Parts) -> None:
    people = await told(parts, 3, steps=30)
    calls = [row for row in await rows(parts, schema.call) if row["caller"]]
    who = next(one for one in people if any(row["caller"] == one.caller for row in calls))
    said = {"sale": True, "value": None, "lead_status": "booked", "note": f"{who.caller} asked for Mrs Smith"}
    async with parts.ledger.write() as connection:
        for row in calls:
            kept = {"id": f"out_{row['id']}", "call_id": row["id"], "at_ms": 1, "by_id": "tok", "by_name": "Anna"}
            kept |= {name: said[name] for name in ("sale", "lead_status", "note")}
            await connection.execute(insert(schema.outcome).values(kept))
            await connection.execute(update(schema.call).where(schema.call.c.id == row["id"]).values(outcome=said))
    await erase(parts, Who(caller=who.caller), ADMIN)
    his = {row["id"] for row in calls if row["caller"] == who.caller}
    for row in await rows(parts, schema.call):
        if row["outcome"]:
            assert row["outcome"] == said | ({"note": None} if row["id"] in his else {})
    for row in await rows(parts, schema.outcome):
        assert (row["lead_status"], row["note"] is None) == ("booked", row["call_id"] in his)
    decided = [row for row in await rows(parts, schema.decision) if row["call_id"] in his]
    assert decided
    assert all(row["path"] == [] and row["phase"] == "connecting" for row in decided)
