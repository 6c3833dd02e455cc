"""What a page says later of its session reaches the ledger, and calls: custom fields, ids, a paid click."""

from typing import Any

import pytest

from dni.ledger import schema
from dni.parts import Parts
from dni.pool.leases import Leases
from tests.session.test_recorder import record_all
from tests.support.browser import client, door, post, signal_body
from tests.support.carrier import Carrier, advance, rows, visit
from tests.support.carrier import door as carriers_door
from tests.support.world import ORIGIN, START_MS, add

DIRECT = {"page": {"id": "page1", "seq": 1, "url": ORIGIN + "/?sub1=abc"}, "referrer": None}
CREDIT = ("source", "medium", "channel", "click_ids")
BY_GOOGLE = ("google", "cpc", "Paid Search", {"gclid": "late"})


async def say(parts: Parts, seen: dict[str, Any], url: str | None = None, leased: bool = True, **news: Any) -> int:
    """The page's `set`. Answers the status."""
    signals = [{"type": "set", "lease": seen["lease"]} if leased else {"type": "set"}]
    page = {"id": "page1", "seq": 2, "url": url or ORIGIN + "/"}
    body = {"session": seen["session"], "visitor": seen["visitor"], "signals": signals, "page": page, **news}
    async with client(door(parts)) as browser:
        return (await post(browser, "/v1/signal", signal_body(**body))).status_code


async def session_of(parts: Parts) -> dict[str, Any]:
    await record_all(parts)
    [session] = await rows(parts, schema.session)
    return session


async def call(parts: Parts, number: str, name: str) -> dict[str, Any]:
    provider_id = "CA" + name * 32
    await Carrier(carriers_door(parts)).inbound(number, provider_id)
    return next(row for row in await rows(parts, schema.call) if row["provider_id"] == provider_id)


def credit(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in CREDIT)


@pytest.mark.parametrize("news", [{"custom": {"gclid": "late"}}, {"url": ORIGIN + "/prices?gclid=late"}])
async def test_a_late_click_is_credited_in_the_same_session_with_the_same_lease(
    parts: Parts, news: dict[str, Any]
) -> None:
    await add(parts)
    seen = await visit(parts, **DIRECT)
    advance(parts, 3_000)
    assert await say(parts, seen, **news) == 204
    advance(parts, 2_000)
    rung = await call(parts, seen["number"], "1")  # nothing is recorded yet
    session = await session_of(parts)
    assert credit(session) == credit(rung) == BY_GOOGLE
    assert (session["id"], rung["session_id"]) == (seen["session"], seen["session"])
    for row in (session, rung):
        assert (row["landing_page"], row["params"]) == (ORIGIN + "/?sub1=abc", {"sub1": "abc"})
    [lease] = await _leases(parts)
    assert (lease["session_id"], lease["started_at_ms"], lease["ended_at_ms"]) == (seen["session"], START_MS, None)


async def test_a_call_before_the_click_keeps_its_credit_and_one_after_the_recording_has_the_new(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **DIRECT)
    before = await call(parts, seen["number"], "1")
    await record_all(parts)
    advance(parts, 60_000)
    await say(parts, seen, custom={"gclid": "late"})
    await record_all(parts)
    after = await call(parts, seen["number"], "2")
    assert (before["source"], after["source"]) == ("(direct)", "google")
    assert [row["source"] for row in await rows(parts, schema.call)] == ["(direct)", "google"]


async def test_fields_and_ids_are_merged_and_the_credit_stays_without_a_click(parts: Parts) -> None:
    await add(parts)
    cookies = {"_ga": "GA1.2.123456789.1700000000", "_fbp": "fb.1.1.2"}
    seen = await visit(parts, custom={"plan": "free", "step": 1}, ids=cookies, screen="1920x1080")
    landing = (await session_of(parts))["landing_page"]
    await say(parts, seen, custom={"plan": "gold", "step": 1, "seats": 3}, ids={"_ga_X": "GS2.1.s1700000000$o5$g1"})
    session = await session_of(parts)
    assert list(session["custom"].items()) == [("plan", "gold"), ("step", 1), ("seats", 3)]
    assert session["ids"] == {"ga": "123456789.1700000000", "_fbp": "fb.1.1.2", "ga_session": "1700000000"}
    assert (session["screen"], session["language"], session["timezone"]) == ("1920x1080", "en-US", "America/Chicago")
    assert (session["source"], session["click_ids"]) == ("google", {"gclid": "x"})
    assert (session["landing_page"], session["page_views"], session["campaign_name"]) == (landing, 1, "spring")


async def test_at_most_twenty_fields_the_oldest(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts)
    for n in range(30):
        await say(parts, seen, custom={f"n{n}": n, "n0": "new"})
    session = await session_of(parts)
    assert list(session["custom"]) == [f"n{n}" for n in range(20)]
    assert session["custom"]["n0"] == "new"


async def test_fields_and_ids_of_a_later_page_are_the_sessions_too(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **DIRECT, custom={"plan": "free"})
    later: dict[str, Any] = {"custom": {"plan": "gold", "step": 2}, "ids": {"_ga": "GA1.1.12.34"}}
    page = {"id": "page2", "seq": 1, "url": ORIGIN + "/prices"}
    await visit(parts, visitor=seen["visitor"], session=seen["session"], page=page, referrer=None, **later)
    session = await session_of(parts)
    assert (session["custom"], session["ids"]) == ({"plan": "gold", "step": 2}, {"ga": "12.34"})
    assert (session["source"], session["page_views"]) == ("(direct)", 2)


async def test_news_before_its_session_is_recorded_and_between_its_pages(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **DIRECT)
    who = {"visitor": seen["visitor"], "session": seen["session"]}
    await say(parts, seen, custom={"gclid": "early"})
    await visit(parts, **who, page={"id": "page2", "seq": 1, "url": ORIGIN + "/prices"}, referrer=ORIGIN + "/")
    await say(parts, seen, custom={"gclid": "late", "plan": "gold"})
    session = await session_of(parts)
    assert credit(session) == BY_GOOGLE
    assert (session["page_views"], session["custom"]) == (2, {"gclid": "late", "plan": "gold"})


async def test_a_stream_that_is_read_again_gives_the_same_session(parts: Parts) -> None:
    await add(parts)
    node, stream = parts.live.node("s0"), parts.keys.events(parts.keys.shard("cmp_1"))
    seen = await visit(parts, **DIRECT)
    for value in ("early", "late"):
        await say(parts, seen, custom={"gclid": value, value: 1}, ids={"ga": value})
    entries = await node.send("XRANGE", stream, "-", "+")
    session = await session_of(parts)
    assert credit(session) == BY_GOOGLE
    # Another server took over, whose clock stands behind: it is read from its beginning.
    await node.send("DEL", stream)
    for place, (_, fields) in enumerate(entries[1:], 1):
        await node.send("XADD", stream, f"1000-{place}", *fields)
    assert await session_of(parts) == session


async def test_the_click_that_a_session_began_with_is_no_news(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts)
    before = await session_of(parts)
    await say(parts, seen, url=ORIGIN + "/?gclid=x&utm_source=elsewhere&utm_medium=cpc", custom={"gclid": "x"})
    assert await session_of(parts) == before | {"custom": {"gclid": "x"}}
    assert (await call(parts, seen["number"], "1"))["campaign_name"] == "spring"
    # Nor is it when he looks at the landing page again after a late one.
    await say(parts, seen, custom={"gclid": "late"})
    await say(parts, seen, url=ORIGIN + "/?gclid=x")
    assert (await session_of(parts))["click_ids"] == {"gclid": "late"}
    assert (await call(parts, seen["number"], "2"))["click_ids"] == {"gclid": "late"}


async def test_a_click_that_is_told_with_the_page_view_is_the_sessions_own(parts: Parts) -> None:
    await add(parts)
    custom = {"gclid": "late", "plan": "gold"}
    seen = await visit(parts, **DIRECT, custom=custom)
    await say(parts, seen, custom=custom)
    who = {"visitor": seen["visitor"], "session": seen["session"], "custom": custom}
    for url in (ORIGIN + "/prices", ORIGIN + "/?gclid=late"):
        again = await visit(parts, **who, page={"id": "page2", "seq": 1, "url": url}, referrer=ORIGIN + "/")
        assert (again["session"], again["lease"]) == (seen["session"], seen["lease"])
    rung = await call(parts, seen["number"], "1")
    session = await session_of(parts)
    assert credit(session) == credit(rung) == BY_GOOGLE
    assert (session["landing_page"], session["page_views"], session["custom"]) == (ORIGIN + "/?sub1=abc", 3, custom)


async def test_what_later_pages_tell_of_a_click_begins_no_session(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **DIRECT)
    who = {"visitor": seen["visitor"], "session": seen["session"], "custom": {"gclid": "late"}}
    again = await visit(parts, **who, page={"id": "page2", "seq": 1, "url": ORIGIN + "/prices"}, referrer=ORIGIN + "/")
    assert (again["session"], again["lease"]) == (seen["session"], seen["lease"])


async def test_a_page_without_a_lease_is_heard_too(parts: Parts) -> None:
    await add(parts, pool_size=1)
    await visit(parts)
    seen = await visit(parts, **DIRECT)
    assert seen["lease"] is None
    assert await say(parts, seen, leased=False, custom={"gclid": "late"}) == 204
    await record_all(parts)
    session = next(row for row in await rows(parts, schema.session) if row["id"] == seen["session"])
    assert (credit(session), session["unleased"]) == (BY_GOOGLE, "exhausted")


@pytest.mark.parametrize("leased", [True, False])
async def test_a_page_that_shows_no_number_tells_a_click_for_the_number_of_another(parts: Parts, leased: bool) -> None:
    """It names no lease, but its visitor and session; or, as by the contract, a lease and no visitor."""
    await add(parts)
    seen = await visit(parts, **DIRECT)
    await say(parts, {**seen, "visitor": None if leased else seen["visitor"]}, leased=leased, custom={"gclid": "late"})
    rung = await call(parts, seen["number"], "1")
    assert credit(rung) == credit(await session_of(parts)) == BY_GOOGLE


async def test_the_newest_click_wins_for_calls_and_session_though_pages_repeat_all(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **DIRECT)
    for custom in ({"gclid": "late"}, {"gclid": "late", "msclkid": "m"}, {"gclid": "new", "msclkid": "m"}):
        await say(parts, seen, custom=custom)
        await say(parts, seen, url=ORIGIN + "/prices?msclkid=m" if "msclkid" in custom else None, custom=custom)
    rung = await call(parts, seen["number"], "1")
    session = await session_of(parts)
    assert credit(rung) == credit(session) == (*BY_GOOGLE[:3], {"gclid": "new", "msclkid": "m"})


async def test_a_new_address_counts_though_the_page_told_another_click_before(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **DIRECT)
    await say(parts, seen, custom={"msclkid": "m"})
    await say(parts, seen, url=ORIGIN + "/prices?gclid=late", custom={"msclkid": "m"})
    session = await session_of(parts)
    assert credit(session) == (*BY_GOOGLE[:3], {"gclid": "late", "msclkid": "m"})


async def test_news_that_cannot_be_recorded_are_refused_and_the_signs_are_heard(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **DIRECT)
    parts.leases = Leases(parts.live, parts.keys, max_backlog=0)
    advance(parts, 7_000)
    assert await say(parts, seen, custom={"gclid": "late"}) == 503
    now = parts.clock.now_ms()
    [holder] = (await parts.leases.ring(now, "cmp_1", "pool_1", seen["number"], "call_1")).holders
    assert holder.sign_ms == now
    parts.leases = Leases(parts.live, parts.keys)
    assert await say(parts, seen, custom={"gclid": "late"}) == 204
    assert credit(await session_of(parts)) == BY_GOOGLE


async def test_consent_that_is_taken_back_ends_news(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **DIRECT)
    before = await session_of(parts)
    news: dict[str, Any] = {"custom": {"gclid": "late"}, "ids": {"_ga": "GA1.1.1.2"}}
    assert await say(parts, seen, consent="denied", **news) == 204
    assert await waiting(parts) == 0
    assert await session_of(parts) == before


async def test_what_names_no_session_of_ours_leaves_no_trace(parts: Parts) -> None:
    await add(parts)
    await add(parts, suffix="2", first=50)
    seen = await visit(parts, **DIRECT)
    foreign = await visit(parts, tag="key2", **DIRECT)
    await record_all(parts)
    sessions = await rows(parts, schema.session)
    for session in (None, "A" * 36, foreign["session"], seen["session"][:-1] + "!"):
        await say(parts, {**seen, "session": session}, custom={"gclid": "late"})
    await say(parts, {**seen, "visitor": None}, custom={}, ids={})
    assert await waiting(parts) == 0
    assert await rows(parts, schema.session) == sessions
    assert (await call(parts, seen["number"], "1"))["source"] == "(direct)"


async def test_without_consent_nothing_is_kept(parts: Parts) -> None:
    await add(parts)
    news: dict[str, Any] = {"custom": {"gclid": "late", "name": "Jane"}, "ids": {"_ga": "GA1.1.1.2"}}
    seen = await visit(parts, **DIRECT, **news, consent="denied", screen="800x600")
    assert seen["session"] is None
    assert await say(parts, seen, leased=False, **news) == 204
    assert await waiting(parts) == 0


async def test_hostile_news_are_cut_and_stop_nothing(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, custom={"big": 10**25, "huge": int("9" * 400)})
    values = {"nul\0": "a\0b", "": "\u202e" * 256, "big": -(10**25), "long": "é" * 256, "ttclid": None, "\ud7ff": 1.5}
    await say(
        parts,
        seen,
        url="https://shop.example/?gclid=%00&msclkid=" + "m" * 300 + "&x=" + "x" * 9_000,
        custom=values,
        ids=values,
    )
    await say(parts, seen, url="\0not an address", custom={"fbclid": "x"})
    odd: tuple[Any, ...] = ([], "text", 7, {"a": {"b": 1}, "list": [1], "n" * 65: "long", "text": "x" * 300})
    for told in odd:
        assert await say(parts, seen, custom=told, ids=told) == 204
    session = await session_of(parts)
    assert not {"a", "list"} & session["custom"].keys()
    assert session["custom"]["text"] == "x" * 256
    assert session["custom"]["nul"] == "ab"
    assert session["custom"]["big"] == -1e25
    assert session["custom"]["huge"] is None
    assert session["custom"]["fbclid"] == "x"
    assert session["click_ids"] == {"gclid": "x", "msclkid": "m" * 256}


async def waiting(parts: Parts) -> int:
    return sum([await parts.live.node("s0").send("XLEN", stream) for stream in parts.keys.all_events()])


async def _leases(parts: Parts) -> list[dict[str, Any]]:
    async with parts.ledger.read() as connection:
        return [dict(row) for row in (await connection.execute(schema.lease.select())).mappings()]
