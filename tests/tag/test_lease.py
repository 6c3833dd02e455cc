"""POST /v1/lease: what a page gets, and what it is told when its words are wrong."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.catalog.load import raise_revision
from dni.ledger import schema
from dni.parts import Parts
from dni.pool.leases import Leases
from dni.session import page_view
from dni.tag.lease import clean_fields
from tests.support.browser import LANDING, PERSON, client, door, lease_body, post, signal_body
from tests.support.world import ORIGIN, START_MS, TARGET, add

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
STATIC = "+14155550150"


@pytest.fixture
async def browser(sqlite_parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    await add(sqlite_parts)
    async with client(door(sqlite_parts)) as made:
        yield made


def told(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The one error shape, and the reason in its header."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "errors"}
    assert (body["code"], answer.headers["dni-reason"], body["status"]) == (code, code, status)
    return body


async def test_a_visitor_gets_a_number_and_keeps_it_with_his_ids(browser: httpx.AsyncClient) -> None:
    first = (await post(browser, "/v1/lease", lease_body())).json()
    given = first["numbers"][TARGET]
    assert given["kind"] == "pool"
    assert given["national"].startswith("(202) 555-01")
    assert first["hold_ms"] == 120_000
    assert given["protected_ms"] == first["beat_ms"] * 3 // 2 + first["hold_ms"]
    ids = {"visitor": first["visitor"], "session": first["session"]}
    again = (await post(browser, "/v1/lease", lease_body(**ids, page={"id": "p2", "seq": 1, "url": LANDING}))).json()
    assert {k: again[k] for k in ids} == ids
    assert again["numbers"][TARGET]["number"] == given["number"]
    assert again["numbers"][TARGET]["lease"] == given["lease"]


async def test_the_answer_allows_the_pages_origin_and_no_other(browser: httpx.AsyncClient) -> None:
    answer = await post(browser, "/v1/lease", lease_body())
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_new_paid_click_starts_a_session_and_the_same_click_does_not(browser: httpx.AsyncClient) -> None:
    first = (await post(browser, "/v1/lease", lease_body())).json()
    ids = {"visitor": first["visitor"], "session": first["session"]}
    inner = {"id": "p2", "seq": 1, "url": ORIGIN + "/prices"}
    assert (await post(browser, "/v1/lease", lease_body(**ids, page=inner))).json()["session"] == ids["session"]
    other = {"id": "p3", "seq": 1, "url": LANDING.replace("gclid=x", "gclid=y")}
    later = (await post(browser, "/v1/lease", lease_body(**ids, page=other))).json()
    assert later["session"] != ids["session"]
    assert later["visitor"] == ids["visitor"]
    assert later["numbers"][TARGET]["number"] == first["numbers"][TARGET]["number"]


async def test_forged_and_foreign_ids_are_as_none(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    await add(sqlite_parts, suffix="2", first=50)
    foreign = (await post(browser, "/v1/lease", lease_body(tag="key2"))).json()
    for visitor in (foreign["visitor"], "A" * 28, "ünïcode", "x" * 64):
        got = (await post(browser, "/v1/lease", lease_body(visitor=visitor, session=foreign["session"]))).json()
        assert got["visitor"] != visitor
        assert got["session"] != foreign["session"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"visible": False}, "hidden"),
        ({"consent": "denied"}, "consent"),
        ({"numbers": ["+14155550777"]}, "unknown_target"),
    ],
)
async def test_no_lease_and_why(browser: httpx.AsyncClient, change: dict[str, Any], reason: str) -> None:
    answer = (await post(browser, "/v1/lease", lease_body(**change))).json()
    [given] = answer["numbers"].values()
    assert (given["kind"], given["number"], given["reason"]) == ("original", None, reason)


async def test_a_robot_gets_no_lease(browser: httpx.AsyncClient) -> None:
    answer = (await post(browser, "/v1/lease", lease_body(), **{"User-Agent": GOOGLEBOT})).json()
    assert answer["numbers"][TARGET]["reason"] == "bot"


async def test_consent_denied_gives_no_ids(browser: httpx.AsyncClient) -> None:
    answer = (await post(browser, "/v1/lease", lease_body(consent="denied"))).json()
    assert answer["visitor"] is answer["session"] is None


async def test_rules_choose_a_static_number_the_original_or_an_overflow(sqlite_parts: Parts) -> None:
    rules = [
        {"when": {"referrer": "*.yelp.com"}, "use": {"number": STATIC}},
        {"when": {"path": "/jobs/*"}, "use": {"original": True}},
        {"when": {"source": "GOOGLE"}, "use": {"pool": "pool_1", "overflow": STATIC}},
    ]
    await add(sqlite_parts, pool_size=1, rules=rules)
    async with client(door(sqlite_parts)) as browser:

        async def ask(url: str, referrer: str) -> dict[str, Any]:
            body = lease_body(page={"id": "p", "seq": 1, "url": url}, referrer=referrer)
            given: dict[str, Any] = (await post(browser, "/v1/lease", body)).json()["numbers"][TARGET]
            return given

        yelp = await ask(ORIGIN + "/", "https://www.yelp.com/biz/x")
        assert (yelp["kind"], yelp["number"], yelp["lease"]) == ("static", STATIC, None)
        assert (await ask(ORIGIN + "/jobs/1", ""))["reason"] == "rule"
        assert (await ask(LANDING, ""))["kind"] == "pool"
        full = await ask(LANDING, "")
        assert (full["kind"], full["number"], full["reason"]) == ("static", STATIC, "exhausted")


async def test_unknown_tag_and_wrong_origin_are_refused_with_what_to_do(browser: httpx.AsyncClient) -> None:
    told(await post(browser, "/v1/lease", lease_body(tag="nosuch")), 404, "unknown_tag")
    for origin in ("https://evil.example", "https://shop.example.evil.example", "null", "http://shop.example"):
        body = told(await post(browser, "/v1/lease", lease_body(), Origin=origin), 403, "origin_not_allowed")
        assert ORIGIN in body["detail"]


async def test_a_wildcard_origin_allows_subdomains_only(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, origins=["https://*.shop.example"])
    async with client(door(sqlite_parts)) as browser:
        for origin in ("https://www.shop.example", "https://a.b.shop.example"):
            assert (await post(browser, "/v1/lease", lease_body(), Origin=origin)).status_code == 200
        for origin in ("https://shop.example", "https://evilshop.example", "https://.shop.example"):
            told(await post(browser, "/v1/lease", lease_body(), Origin=origin), 403, "origin_not_allowed")


@pytest.mark.parametrize(
    ("body", "status", "code", "path"),
    [
        (b"", 400, "invalid_body", None),
        (b"{", 400, "invalid_body", None),
        (b"\xff\xfe", 400, "invalid_body", None),
        (b'{"x":' * 9_000, 400, "invalid_body", None),
        (b'{"v":1,"tag":"\\ud800"}', 400, "invalid_body", None),
        (b"[]", 422, "invalid_field", ""),
        (b"x" * 1_000_000, 413, "body_too_large", None),
        (lease_body(v=2), 422, "invalid_field", "/v"),
        (lease_body(page={"id": "p", "seq": "1", "url": "u"}), 422, "invalid_field", "/page/seq"),
        (lease_body(numbers=["+14155550100", 7]), 422, "invalid_field", "/numbers/1"),
        (lease_body(numbers=["not a number"]), 422, "invalid_number", "/numbers/0"),
        (lease_body(numbers=["+1415555\0100"]), 422, "invalid_number", "/numbers/0"),
        (lease_body(consent="perhaps"), 422, "invalid_field", "/consent"),
    ],
)
async def test_a_wrong_body_is_told_field_and_reason(
    browser: httpx.AsyncClient, body: Any, status: int, code: str, path: str | None
) -> None:
    problem = told(await post(browser, "/v1/lease", body), status, code)
    assert [error["path"] for error in problem["errors"]] == ([] if path is None else [path])


async def test_nul_bytes_long_and_odd_text_do_no_harm(browser: httpx.AsyncClient) -> None:
    odd = "a\0b\u202e\U0001f600" * 500
    url = f"{ORIGIN}/?utm_source={'x' * 20_000}&utm_term=%00%ff%zz&token=secret"
    body = lease_body(page={"id": "p", "seq": 1, "url": url, "title": odd}, referrer=odd, custom={"k\0": "v\0"})
    assert (await post(browser, "/v1/lease", body)).json()["numbers"][TARGET]["kind"] == "pool"


async def test_redis_away_leaves_the_page_its_original_number(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    await sqlite_parts.live.close()
    async with client(door(sqlite_parts)) as browser:
        answer = await post(browser, "/v1/lease", lease_body())
    given = answer.json()["numbers"][TARGET]
    assert (answer.status_code, given["kind"], given["reason"]) == (200, "original", "redis_away")
    assert given["retry_ms"] > 0


async def test_only_post_is_answered_and_a_preflight_is_met(browser: httpx.AsyncClient) -> None:
    told(await browser.get("/v1/lease"), 405, "method_not_allowed")
    yes = await browser.options("/v1/lease")
    assert (yes.status_code, yes.headers["access-control-allow-origin"]) == (204, ORIGIN)
    no = await browser.options("/v1/lease", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in no.headers


async def test_thirty_idle_minutes_start_a_new_session(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    first = (await post(browser, "/v1/lease", lease_body())).json()
    ids = {"visitor": first["visitor"], "session": first["session"]}
    assert sqlite_parts.clock.now_ms() == START_MS
    sqlite_parts.clock.advance(31 * 60_000)  # type: ignore[attr-defined]
    later = (await post(browser, "/v1/lease", lease_body(**ids))).json()
    assert later["session"] != ids["session"]


async def test_new_leases_stop_before_the_recorder_is_hopelessly_behind(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, rules=[{"when": {"path": "/jobs"}, "use": {"number": STATIC}}])
    sqlite_parts.leases = Leases(sqlite_parts.live, sqlite_parts.keys, max_backlog=2)
    async with client(door(sqlite_parts)) as browser:
        for _ in range(2):
            assert (await post(browser, "/v1/lease", lease_body())).json()["numbers"][TARGET]["kind"] == "pool"
        sqlite_parts.clock.advance(1_000)  # type: ignore[attr-defined]
        given = (await post(browser, "/v1/lease", lease_body())).json()["numbers"][TARGET]
        assert (given["kind"], given["reason"]) == ("original", "recorder_behind")
        assert given["retry_ms"] > 0
        jobs = lease_body(page={"id": "p", "seq": 1, "url": ORIGIN + "/jobs"})
        assert (await post(browser, "/v1/lease", jobs)).json()["numbers"][TARGET]["number"] == STATIC
    stream = sqlite_parts.keys.events(sqlite_parts.keys.shard("cmp_1"))
    assert await sqlite_parts.live.node("s0").send("XLEN", stream) == 2


async def test_a_headless_browser_is_a_robot_but_not_on_a_page_of_its_own_machine(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, origins=[ORIGIN, "http://127.0.0.1:8000"])
    headless = PERSON.replace("Chrome/", "HeadlessChrome/")
    async with client(door(sqlite_parts)) as browser:
        reasons = [
            (
                await browser.post(
                    "/v1/lease", content=json.dumps(lease_body()), headers={"User-Agent": headless, "Origin": origin}
                )
            ).json()["numbers"][TARGET]["reason"]
            for origin in (ORIGIN, "http://127.0.0.1:8000")
        ]
    assert reasons == ["bot", None]


async def test_a_driven_browser_is_a_robot_but_not_on_a_page_of_its_own_machine(sqlite_parts: Parts) -> None:
    origins = [ORIGIN, "http://127.0.0.1:8000", "http://localhost:3000"]
    await add(sqlite_parts, origins=origins)
    async with client(door(sqlite_parts)) as browser:
        answers = [await post(browser, "/v1/lease", lease_body(robot=True), Origin=origin) for origin in origins]
    assert [answer.json()["numbers"][TARGET]["reason"] for answer in answers] == ["bot", None, None]


@pytest.mark.parametrize(("waits", "reason"), [("wait", "consent"), ("no_storage", None)])
async def test_a_tag_says_what_unknown_consent_means(sqlite_parts: Parts, waits: str, reason: str | None) -> None:
    rules = [{"when": {"path": "/jobs", "consent": "unknown"}, "use": {"number": STATIC}}]
    await add(sqlite_parts, options={"consent_unknown": waits}, rules=rules)
    async with client(door(sqlite_parts)) as browser:
        answer = (await post(browser, "/v1/lease", lease_body(consent="unknown"))).json()
        assert answer["numbers"][TARGET]["reason"] == reason
        assert (answer["visitor"] is None) == (waits == "wait")
        assert (await post(browser, "/v1/lease", lease_body())).json()["numbers"][TARGET]["kind"] == "pool"
        jobs = lease_body(consent="unknown", page={"id": "p", "seq": 1, "url": ORIGIN + "/jobs"})
        assert (await post(browser, "/v1/lease", jobs)).json()["numbers"][TARGET]["number"] == STATIC


async def test_the_screen_goes_to_the_recorder_whatever_the_page_says_it_is(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    for screen in ("1920x1080", "x" * 1_000, None):
        answer = await post(browser, "/v1/lease", lease_body(screen=screen))
        assert answer.json()["numbers"][TARGET]["kind"] == "pool"
    stream = sqlite_parts.keys.events(sqlite_parts.keys.shard("cmp_1"))
    entries = await sqlite_parts.live.node("s0").send("XRANGE", stream, "-", "+")
    views = [page_view.unpacked(fields[5]) for _, fields in entries]
    assert [view.screen for view in views] == ["1920x1080", "x" * 16, None]
    older = msgspec.msgpack.encode(msgspec.structs.astuple(views[0])[:-1])
    assert page_view.unpacked(older) == msgspec.structs.replace(views[0], screen=None), "one that still waits"


async def test_a_preview_works_by_the_drafts_settings_for_who_knows_its_token(sqlite_parts: Parts) -> None:
    await add(sqlite_parts, pool_size=5)
    elsewhere, other = "https://staging.example", "+14155550177"
    change = {"origins": [elsewhere], "targets": [other], "rules": [{"when": {}, "use": {"number": STATIC}}]}
    draft = {"tag_id": "tag_1", "change": change, "token": "secret", "saved_at_ms": START_MS}
    async with sqlite_parts.ledger.write() as connection:
        await connection.execute(schema.tag_draft.insert().values(**draft))
        await raise_revision(connection)
    await sqlite_parts.catalog.refresh()
    async with client(door(sqlite_parts)) as browser:
        asked = lease_body(preview="secret", numbers=[other, TARGET])
        given = (await post(browser, "/v1/lease", asked, Origin=elsewhere)).json()["numbers"]
        assert (given[other]["number"], given[TARGET]["reason"]) == (STATIC, "unknown_target")
        said = signal_body(preview="secret", signals=[{"type": "view"}])
        assert (await post(browser, "/v1/signal", said, Origin=elsewhere)).status_code == 204
        for token in ("old", "", "ünïcode", "x" * 1_000):
            given = (await post(browser, "/v1/lease", lease_body(preview=token))).json()["numbers"]
            assert given[TARGET]["kind"] == "pool", "what is live"
            told(
                await post(browser, "/v1/lease", {**asked, "preview": token}, Origin=elsewhere),
                403,
                "origin_not_allowed",
            )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=80), inner, max_size=25),
    max_leaves=40,
)


@given(json_values)
def test_whatever_a_page_tells_fields_are_short_and_can_be_kept(said: Any) -> None:
    fields = clean_fields(said)
    assert len(fields) <= 20
    assert all(0 < len(name) <= 64 and name.isprintable() for name in fields)
    for value in fields.values():
        assert value is None or isinstance(value, bool | int | float) or (len(value) <= 256 and value.isprintable())
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(fields)) == fields


@pytest.mark.parametrize(
    "said", [[1], "text", 7, True, {"cart": {"items": [1]}}, {"n" * 99: "v" * 9_999}, {"": 1}, {"\u202e": "\0"}]
)
async def test_what_a_page_says_of_itself_never_costs_its_number(browser: httpx.AsyncClient, said: Any) -> None:
    answer = await post(browser, "/v1/lease", lease_body(custom=said, ids=said))
    assert answer.json()["numbers"][TARGET]["kind"] == "pool"
