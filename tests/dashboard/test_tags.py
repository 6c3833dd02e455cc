"""The list of tags and one tag: its snippet for every kind of site, and what its pages report, live in a browser."""

import json
from typing import Any

import pytest
from playwright.async_api import Page, expect

from dni import __version__
from dni.access.tokens import NewToken
from dni.parts import Parts
from dni.tag import health_reports
from dni.tag.wire import Signal, SignalPage, SignalRequest
from tests.conftest import NewContext
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, hidden, text
from tests.support.service import Service
from tests.support.world import ORIGIN, TARGET
from tests.tag.browser import site as sites
from tests.tag.browser.shop import Shop


async def report(parts: Parts, url: str = ORIGIN + "/", **about: Any) -> None:
    page = SignalPage("p", 1, url=url, **{"found": 3, "swapped": 3, "version": __version__, **about})
    tag = parts.catalog.now.tags["tag_1"]
    request = SignalRequest(1, tag.key, page, [Signal("view")])
    await health_reports.keep(parts.live, parts.keys, parts.clock.now_ms(), tag, request)


async def test_the_list_tells_each_tag_and_its_state(admin: Person, parts: Parts) -> None:
    await report(parts)
    listed = text((await admin.read("/tags")).text)
    assert "Tag 1 Campaign 1 https://shop.example swapped 3 numbers less than a second ago" in listed
    assert "Tag 2 Campaign 2 https://shop.example never seen" in listed


async def test_the_snippet_for_every_kind_of_site(admin: Person) -> None:
    page = text((await admin.read("/tags/tag_1")).text)
    script = "http://dni.example/t/key1.js"
    assert page.count(f'<script async src="{script}"></script>') == 2  # in HTML, and in Tag Manager
    assert f"wp_enqueue_script( 'dni', '{script}', array(), null, array( 'strategy' => 'async' ) );" in page
    assert f'<Script src="{script}" strategy="afterInteractive" />' in page
    assert "script-src http://dni.example; connect-src http://dni.example;" in page
    for words in ("All Pages", 'id="dni-hide"', '["set", { plan: "gold" }]', "never seen", "(415) 555-0100"):
        assert words in page, words


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "Last time: it swapped 3 numbers."),
        ({"found": 0, "swapped": 0}, "Last time: it ran and found 0 numbers."),
        ({"reverted": 2}, "Last time: but the page put its own number back."),
        ({"version": "0.0.1"}, "Last time: it swapped 3 numbers, by an old snippet."),
        ({"swapped": 0, "reason": "exhausted"}, "add numbers to the pool."),
        ({"swapped": 0, "reason": "<b>news"}, "it kept the original: <b>news."),
    ],
)
async def test_a_state_says_what_to_do(admin: Person, parts: Parts, about: dict[str, Any], words: str) -> None:
    await report(parts, **about)
    page = await admin.read("/tags/tag_1")
    assert words in text(page.text)
    assert "<b>" not in page.text


async def test_a_report_after_the_page_was_loaded_is_told_once(admin: Person, parts: Parts) -> None:
    now = parts.clock.now_ms()
    await report(parts)
    told = (await admin.read(f"/tags/tag_1/seen?since={now - 1}")).json()
    assert told == {
        "seen": True,
        "at_ms": now,
        "says": "We have seen your tag, it swapped 3 numbers.",
        "tone": "good",
        "page": ORIGIN + "/",
    }
    assert (await admin.read(f"/tags/tag_1/seen?since={now}")).json() == {"seen": False}
    assert (await admin.read("/tags/tag_1/seen?since=x")).status_code == 422


async def test_walls_hide_another_publishers_tag(publisher: Person) -> None:
    assert "Tag 2" not in (await publisher.read("/tags")).text
    for path in ("/tags/tag_2", "/tags/tag_2/seen?since=0", "/tags/%00", "/tags/nothing"):
        assert (await publisher.read(path)).status_code == 404, path


async def test_a_pinned_snippet_names_the_script_and_its_checksum(admin: Person, parts: Parts) -> None:
    page = (await admin.read("/tags/tag_1")).text
    form = hidden(page)
    pinned = await admin.send("/tags/tag_1/pin", form)
    assert pinned.status_code == 200
    assert 'integrity="sha384-' in text(pinned.text)
    [version] = (version for tag, version in parts.catalog.now.pinned if tag == "tag_1")
    assert f"/t/key1.{version}.js" in text(pinned.text)
    assert (await admin.read("/tags/tag_1/pin")).headers["location"] == "/tags/tag_1"


async def test_nobody_pins_who_may_not_write_or_by_another_sites_form(
    admin: Person, publisher: Person, parts: Parts
) -> None:
    form = hidden((await admin.read("/tags/tag_1")).text)
    assert (await admin.send("/tags/tag_1/pin", form, Origin="https://evil.example")).status_code == 403
    assert (await admin.send("/tags/tag_1/pin", {"csrf": "x"})).status_code == 403
    page = (await publisher.read("/tags/tag_1")).text
    assert "An admin or marketer can make one here." in page
    assert (await publisher.send("/tags/tag_1/pin", hidden(page))).status_code == 403
    assert parts.catalog.now.pinned == frozenset()


async def test_without_redis_the_snippet_is_there(admin: Person, parts: Parts) -> None:
    await parts.live.close()
    page = await admin.read("/tags/tag_1")
    assert page.status_code == 200
    assert "Redis is away" in text(page.text)
    assert "not known: Redis is away" in text((await admin.read("/tags")).text)


async def test_a_stranger_signs_in_first(stranger: Person) -> None:
    for path in ("/tags", "/tags/tag_1", "/tags/tag_1/pin"):
        assert (await stranger.read(path)).headers["location"].startswith("/signin?next=%2Ftags")
    answer = await stranger.read("/tags/tag_1/seen?since=0", Accept="application/json")
    assert answer.status_code == 401


async def test_an_advertiser_reads_the_tag_of_its_campaign(parts: Parts, stranger: Person) -> None:
    person = await stranger.signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_1")))
    assert (await person.read("/tags/tag_1")).status_code == 200


async def test_the_check_sees_a_page_the_moment_it_is_opened(
    service: Service, page: Page, new_context: NewContext
) -> None:
    """With the real tag on a real page, while the dashboard is open; nothing on its console."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    async with sites.serving() as site:
        shop = Shop(service, [site.origin])
        tag = await shop.tag()
        await page.goto(f"{service.url}/signin?next=/tags/{tag.id}")
        await page.get_by_label("Token").fill(service.admin_token)
        await page.keyboard.press("Enter")
        check = page.locator("[data-seen]")
        await expect(check).to_contain_text("We have not seen your tag yet.")

        snippet = await page.get_by_label("The snippet", exact=True).inner_text()
        numbers = "<p>(415) 555-0100</p><p>415.555.0100</p>" + f'<a href="tel:{TARGET}">Call</a>'
        visitor = await (await new_context()).new_page()
        await visitor.goto(site.page(numbers, snippet))
        await expect(check).to_contain_text("We have seen your tag, it swapped 3 numbers.")
        await expect(check).to_contain_text(site.origin)

        await visitor.goto(site.page("<p>Nothing here</p>", snippet))
        await expect(check).to_contain_text("We have seen your tag, it ran and found 0 numbers.")

        health = await shop.get(f"/tags/{tag.id}/health")
        assert sorted(one["state"] for one in health["pages"]) == ["found_none", "swapped"], json.dumps(health)
        await shop.close()
    assert said == []
