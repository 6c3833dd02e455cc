"""What pages report is kept by page, bounded, and said so that a person knows what to do."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dni import __version__
from dni.parts import Parts
from dni.tag import health, health_reports
from dni.tag.health import HealthView
from dni.tag.wire import SignalPage
from tests.support.browser import client, door, post, signal_body
from tests.support.world import ORIGIN, add

SWAPPED: dict[str, Any] = {"found": 3, "swapped": 3, "reverted": 0, "version": __version__, "took_ms": 2.345}


@pytest.fixture
async def browser(sqlite_parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    await add(sqlite_parts)
    async with client(door(sqlite_parts)) as made:
        yield made


async def said(browser: httpx.AsyncClient, url: str | None, kind: str = "view", **about: Any) -> None:
    page = {"id": "page1", "seq": 2, "url": url, **about}
    answer = await post(browser, "/v1/signal", signal_body(page=page, signals=[{"type": kind}]))
    assert answer.status_code == 204, answer.text


async def known(parts: Parts) -> HealthView:
    return await health_reports.of(parts.live, parts.keys, "cmp_1", "tag_1")


@pytest.mark.parametrize(
    ("about", "state", "says", "tone"),
    [
        (SWAPPED, "swapped", "swapped 3 numbers", "good"),
        ({**SWAPPED, "found": 1, "swapped": 1}, "swapped", "swapped 1 number", "good"),
        ({"found": 0, "version": __version__}, "found_none", "ran, found 0 numbers", "warn"),
        ({}, "found_none", "ran, found 0 numbers", "warn"),
        ({**SWAPPED, "reverted": 1}, "reverted", "reverted by the page", "bad"),
        ({**SWAPPED, "version": "0.0.1"}, "old_snippet", "old snippet, swapped 3 numbers", "warn"),
        ({**SWAPPED, "version": None}, "old_snippet", "old snippet, swapped 3 numbers", "warn"),
        ({**SWAPPED, "swapped": 0, "reason": "exhausted"}, "no_number", "no number: exhausted", "bad"),
        ({**SWAPPED, "swapped": 0, "reason": "no_consent"}, "no_number", "no number: no_consent", "calm"),
        ({**SWAPPED, "reason": "exhausted"}, "swapped", "swapped 3 numbers", "good"),
        ({**SWAPPED, "swapped": 0}, "not_swapped", "found 3 numbers, swapped none", "warn"),
    ],
)
def test_a_report_reads(about: dict[str, Any], state: str, says: str, tone: str) -> None:
    page = SignalPage("p", 1, url=ORIGIN + "/", **about)
    read = health.of_page("", 1, 0, health.report(0, page))
    assert (read.state, read.says, read.tone) == (state, says, tone)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://Shop.example/a/b?email=x#y", "https://shop.example/a/b"),
        ("https://shop.example", "https://shop.example/"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("https://shop.example/" + "x" * 999, "https://shop.example/" + "x" * 279),
        ("file:///etc/passwd", None),
        ("javascript:alert(1)", None),
        ("https://me:secret@shop.example/", None),
        ("https://[oops/", None),
        ("https://shop.example/\u202e", None),
        ("https://shop\u202e.example/", None),
        ("https://shop.example/?name=\u202e", "https://shop.example/"),
        ("https://shop.example/a;jsessionid=7", "https://shop.example/a"),
        ("https://shop.example/a&email=x", "https://shop.example/a"),
        ("https://shop.example/a%3Femail=x", "https://shop.example/a"),
        ("https://shop.example/stop/jane@mail.example/now", "https://shop.example/stop/…/now"),
        ("https://shop.example/stop/jane%40mail.example", "https://shop.example/stop/…"),
        ("", None),
    ],
)
def test_a_page_is_its_origin_and_path(url: str, found: str | None) -> None:
    placed = health.place(url)
    assert (placed and placed[1]) == found


async def test_a_tag_that_nobody_saw(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    assert await known(sqlite_parts) == HealthView(None, "never_seen", "never seen", "calm", [])


async def test_the_newest_report_of_each_page_stands_and_all_are_counted(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    await said(browser, ORIGIN + "/?gclid=1", found=0, version=__version__)
    sqlite_parts.clock.advance(1000)  # type: ignore[attr-defined]
    await said(browser, ORIGIN + "/?gclid=2", **SWAPPED)
    sqlite_parts.clock.advance(1000)  # type: ignore[attr-defined]
    await said(browser, ORIGIN + "/old", **{**SWAPPED, "version": "0.0.1"})
    tag = await known(sqlite_parts)
    assert [(page.page, page.state, page.reports, page.took_ms) for page in tag.pages] == [
        (ORIGIN + "/old", "old_snippet", 1, 2.3),
        (ORIGIN + "/", "swapped", 2, 2.3),
    ]
    assert (tag.state, tag.last_seen_at) == ("old_snippet", "2026-09-21T14:13:22.000+00:00")


async def test_views_report_and_pages_that_revert(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    for kind in ("beat", "hide", "leave", "tap", "set"):
        await said(browser, ORIGIN + "/", kind, **SWAPPED)
    await said(browser, None, **SWAPPED)
    assert (await known(sqlite_parts)).pages == []
    await said(browser, ORIGIN + "/", "beat", **{**SWAPPED, "reverted": 2})
    assert [page.state for page in (await known(sqlite_parts)).pages] == ["reverted"]


async def test_only_pages_of_the_tag_are_kept(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    for url in ("https://evil.example/", "file:///x", "nonsense"):
        await said(browser, url, **SWAPPED)
    assert (await known(sqlite_parts)).pages == []


async def test_the_200_pages_that_reported_last_are_known(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    for n in [*range(health_reports.PAGES), 0, 1, *(f"new{n}" for n in range(3))]:
        sqlite_parts.clock.advance(1)  # type: ignore[attr-defined]
        await said(browser, f"{ORIGIN}/{n}", **SWAPPED)
    pages = {page.page.removeprefix(ORIGIN): page.reports for page in (await known(sqlite_parts)).pages}
    assert len(pages) == health_reports.PAGES
    assert pages.keys().isdisjoint(["/2", "/3", "/4"])
    assert (pages["/0"], pages["/5"], pages["/new2"]) == (2, 1, 1)


async def test_the_next_visitors_first_report_does_not_hide_that_the_page_reverts(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    clock: Any = sqlite_parts.clock
    await said(browser, ORIGIN + "/", "beat", **{**SWAPPED, "reverted": 2})
    reverted_at = (await known(sqlite_parts)).last_seen_at
    for passed_ms, state in ((1_000, "reverted"), (3_590_000, "reverted"), (9_000, "swapped")):
        clock.advance(passed_ms)
        await said(browser, ORIGIN + "/", **SWAPPED)
        [page] = (await known(sqlite_parts)).pages
        assert (page.state, page.latest, page.reverted_at) == (state, "swapped", reverted_at)


async def test_one_page_is_asked_for(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    await said(browser, ORIGIN + "/a?x=1", **SWAPPED)
    where = sqlite_parts.live, sqlite_parts.keys, "cmp_1", "tag_1"
    found = await health_reports.of_page(*where, ORIGIN + "/a")
    assert found == (await known(sqlite_parts)).pages[0]
    assert await health_reports.of_page(*where, ORIGIN + "/b") is None


async def test_only_what_a_tag_writes_is_kept_of_version_and_reason(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    await said(browser, ORIGIN + "/", found=1, swapped=0, version="<b>\u202e", reason="call me: 555-0100")
    [page] = (await known(sqlite_parts)).pages
    assert (page.version, page.reason, page.says) == (None, "unknown", "no number: unknown")


async def test_reports_end_and_are_forgotten(browser: httpx.AsyncClient, sqlite_parts: Parts) -> None:
    await said(browser, ORIGIN + "/", **SWAPPED)
    node = sqlite_parts.live.node(sqlite_parts.keys.shard("cmp_1"))
    for key in (sqlite_parts.keys.health("cmp_1", "tag_1"), sqlite_parts.keys.health_order("cmp_1", "tag_1")):
        assert 89 * 86_400_000 < await node.send("PTTL", key) <= 90 * 86_400_000


async def test_a_report_is_lost_when_redis_is_away_and_the_page_does_not_notice(
    browser: httpx.AsyncClient, sqlite_parts: Parts
) -> None:
    await sqlite_parts.live.close()
    await said(browser, ORIGIN + "/", **SWAPPED)


@pytest.mark.parametrize("took_ms", [-1, 1e300])
async def test_a_time_that_cannot_be_is_none(browser: httpx.AsyncClient, sqlite_parts: Parts, took_ms: float) -> None:
    await said(browser, ORIGIN + "/", **{**SWAPPED, "took_ms": took_ms})
    assert (await known(sqlite_parts)).pages[0].took_ms is None
