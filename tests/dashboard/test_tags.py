"""The list of tags and one tag: its snippet for every kind of site, and what its pages report, live in a browser."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from dni import __version__
from dni.access.tokens import NewToken
from dni.parts import Parts
from dni.tag import health_reports
from dni.tag.wire import SignalPage
from tests.conftest import NewContext
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, hidden, text
from tests.support.service import Service
from tests.support.until import until
from tests.support.world import ORIGIN, TARGET
from tests.tag.browser import site as sites
from tests.tag.browser.shop import Shop
from tests.tag.browser.site import Site


async def report(parts: Parts, url: str = ORIGIN + "/", **about: Any) -> None:
    page = SignalPage("p", 1, url=url, **{"found": 3, "swapped": 3, "version": __version__, **about})
    await health_reports.keep(parts.live, parts.keys, parts.clock.now_ms(), parts.catalog.now.tags["tag_1"], page)


async def test_the_list_tells_each_tag_and_its_state(admin: Person, parts: Parts) -> None:
    await report(parts)
    listed = text((await admin.read("/tags")).text)
    assert "Tag 1 Campaign 1 https://shop.example swapped 3 numbers less than a second ago" in listed
    assert "Tag 2 Campaign 2 https://shop.example never seen" in listed
    await report(parts, ORIGIN + "/contact", found=0, swapped=0)
    await report(parts, ORIGIN + "/about", reverted=1)
    assert "2 of 3 pages need a look" in text((await admin.read("/tags")).text)


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
        ({}, "We have seen your tag, it swapped 3 numbers."),
        ({"found": 0, "swapped": 0}, "We have seen your tag, it ran and found 0 numbers."),
        ({"reverted": 2}, "We have seen your tag, but the page put its own number back."),
        ({"version": "0.0.1"}, "We have seen your tag, it swapped 3 numbers, by an old snippet."),
        ({"swapped": 0, "reason": "exhausted"}, "add numbers to the pool."),
        ({"swapped": 0, "reason": "news_to_us"}, "it kept the original: news_to_us."),
        ({"swapped": 0, "reason": "<b>news"}, "it kept the original: unknown."),
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
        "hint": "",
        "page": ORIGIN + "/",
        "ago": "less than a second",
    }
    assert (await admin.read(f"/tags/tag_1/seen?since={now}")).json() == {"seen": False}
    for wrong in ("since=x", "", "since=0&page=https://evil.example/", "since=0&page=nonsense"):
        assert (await admin.read(f"/tags/tag_1/seen?{wrong}", Accept="*/*")).status_code == 422, wrong


async def test_one_page_is_watched_with_and_without_script(admin: Person, parts: Parts) -> None:
    await report(parts, ORIGIN + "/contact", found=0, swapped=0)
    await report(parts)
    about = f"page={ORIGIN}/contact%3Femail=x"
    assert (await admin.read(f"/tags/tag_1/seen?since=0&{about}")).json()["says"].endswith("found 0 numbers.")
    page = await admin.read(f"/tags/tag_1?{about}")
    assert "We have seen your tag, it ran and found 0 numbers." in text(page.text)
    assert f'data-page="{ORIGIN}/contact"' in page.text
    assert "We have not seen your tag on this page yet." in text(
        (await admin.read(f"/tags/tag_1?page={ORIGIN}/x")).text
    )
    for foreign in ("https://evil.example/", "javascript:alert(1)", '"><script>'):
        told = await admin.browser.get("/tags/tag_1", params={"page": foreign})
        assert "This is no page of the tag's. Its pages begin with https://shop.example" in text(told.text)
        assert told.text.count("<script") == 1


async def test_trouble_stands_first_and_many_pages_are_shown_when_asked_for(admin: Person, parts: Parts) -> None:
    await report(parts, ORIGIN + "/trouble", reverted=1)
    for n in range(60):
        parts.clock.advance(1)  # type: ignore[attr-defined]
        await report(parts, f"{ORIGIN}/{n}")
    page = (await admin.read("/tags/tag_1")).text
    rows = page.partition("<tbody")[2]
    assert rows.index("/trouble") < rows.index("/59")
    assert (rows.count("c-page"), "Show 11 more" in page) == (50, True)
    assert (await admin.read("/tags/tag_1?all=1")).text.count("c-page") == 61


async def test_walls_hide_another_publishers_tag(publisher: Person) -> None:
    assert "Tag 2" not in (await publisher.read("/tags")).text
    for path in ("/tags/tag_2", "/tags/tag_2/seen?since=0", "/tags/%00", "/tags/nothing"):
        assert (await publisher.read(path)).status_code == 404, path


async def test_a_pinned_snippet_names_the_script_and_its_checksum(admin: Person, parts: Parts) -> None:
    page = (await admin.read("/tags/tag_1")).text
    form = hidden(page, "/tags/tag_1/pin")
    pinned = await admin.send("/tags/tag_1/pin", form)
    assert pinned.status_code == 200
    assert 'integrity="sha384-' in text(pinned.text)
    [version] = (version for tag, version in parts.catalog.now.pinned if tag == "tag_1")
    assert f"/t/key1.{version}.js" in text(pinned.text)
    assert (await admin.read("/tags/tag_1/pin")).headers["location"] == "/tags/tag_1"


async def test_nobody_pins_who_may_not_write_or_by_another_sites_form(
    admin: Person, publisher: Person, parts: Parts
) -> None:
    form = hidden((await admin.read("/tags/tag_1")).text, "/tags/tag_1/pin")
    assert (await admin.send("/tags/tag_1/pin", form, Origin="https://evil.example")).status_code == 403
    assert (await admin.send("/tags/tag_1/pin", {"csrf": "x"})).status_code == 403
    page = (await publisher.read("/tags/tag_1")).text
    assert "An admin or marketer can make one here." in page
    assert (await publisher.send("/tags/tag_1/pin", hidden(page, "/signout"))).status_code == 403
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


NUMBERS = f'<p>(415) 555-0100</p><p id="b">415.555.0100</p><a href="tel:{TARGET}">Call</a>'
INSISTS = """<p id="number">(415) 555-0100</p><script>
  const number = document.getElementById("number");
  new MutationObserver(() => {
    if (number.textContent !== "(415) 555-0100") number.firstChild.data = "(415) 555-0100";
  }).observe(number, {characterData: true, childList: true, subtree: true});
</script>"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with sites.serving() as site:
        yield site


@pytest.fixture
async def shop(service: Service, site: Site) -> AsyncIterator[Shop]:
    shop = Shop(service, [site.origin])
    yield shop
    await shop.close()


async def look(page: Page, service: Service, tag: str) -> None:
    """Signs in, to the tag's page."""
    await page.goto(f"{service.url}/signin?next=/tags/{tag}")
    await page.get_by_text("Sign in with a token").click()
    await page.get_by_label("Token").fill(service.admin_token)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{service.url}/tags/{tag}")


@pytest.mark.parametrize("script", [True, False])
async def test_a_pasted_snippet_is_seen_at_work(
    script: bool, service: Service, chromium: Browser, new_context: NewContext, site: Site, shop: Shop
) -> None:
    """From the tag's page to a customer's page and back, with the real tag; nothing on the dashboard's console."""
    page = await chromium.new_page(java_script_enabled=script)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    tag = await shop.tag()
    await look(page, service, tag.id)
    check = page.locator("[data-seen]")

    async def says(words: str) -> None:
        if script:
            await expect(check).to_contain_text(words)
            return

        async def after_reload() -> bool:
            await page.reload()
            return words in await check.inner_text()

        await until(after_reload, words)

    await expect(check).to_contain_text("We have not seen your tag yet.")
    await expect(page.locator("h1 + .badge")).to_have_text("never seen")
    snippet = await pasted(page, "The snippet")
    visitor = await (await new_context()).new_page()
    await visitor.goto(site.page(NUMBERS, snippet))
    await says("We have seen your tag, it swapped 3 numbers.")
    await says(site.origin)

    await visitor.goto(site.page("<p>Nothing here</p>", snippet))
    await says("We have seen your tag, it ran and found 0 numbers.")
    await says("None of the tag's numbers stands on the page.")

    await visitor.goto(site.page(INSISTS, snippet))
    await visitor.wait_for_function("Object.values(window.__dni || {}).some((tag) => tag.state().reverted)")
    await visitor.goto("about:blank")
    await says("We have seen your tag, but the page put its own number back.")

    # The first page alone, whatever happens on the others.
    first, other = f"{site.origin}/page0", site.page("<p>Nothing</p>", snippet)
    await page.get_by_label("A page of yours").fill(first + "?email=jane@mail.example")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**?page=**")
    await says("We have seen your tag, it swapped 3 numbers.")
    await visitor.goto(other)
    await seen(shop, tag.id, other)
    await visitor.goto(first)
    await says(first + ", just now" if script else first)
    await page.goto(f"{service.url}/tags/{tag.id}")
    states = page.locator("tbody .badge")
    await expect(states).to_have_text(
        ["reverted by the page", "ran, found 0 numbers", "ran, found 0 numbers", "swapped 3 numbers"]
    )
    assert said == []
    await page.close()


async def test_every_way_that_the_page_tells_of_works(
    service: Service, page: Page, new_context: NewContext, site: Site, shop: Shop
) -> None:
    """What stands in its boxes, pasted as it stands: queue and style in the head, a nonce, a pinned script."""
    tag = await shop.tag(name="Ways")
    await look(page, service, tag.id)
    await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    snippet, style = await pasted(page, "The snippet"), await pasted(page, "Style against flicker")
    queue, nonce = await pasted(page, "Queue for early calls"), await pasted(page, "The snippet with a nonce")
    sources = await pasted(page, "Sources for the policy")
    assert await pasted(page, "Custom HTML for Google Tag Manager") == snippet
    await page.get_by_role("button", name="Pin the script as it is now").click()
    pinned = await pasted(page, "The pinned snippet")
    assert 'integrity="sha384-' in pinned

    async def swaps(head: str, policy: str = "") -> None:
        visitor = await (await new_context()).new_page()
        said: list[str] = []
        visitor.on("console", lambda message: said.append(message.text))
        headers = {"Content-Security-Policy": "; ".join(policy.splitlines())} if policy else None
        await visitor.goto(site.page(NUMBERS, head, headers))
        await expect(visitor.locator("#b")).not_to_have_text("415.555.0100")
        assert await visitor.locator("#dni-hide").count() == 0
        assert said == []

    await swaps(style + queue + snippet)
    await swaps(snippet, "default-src 'none'; img-src data:; " + sources)
    connect = sources.partition("\n")[2]
    await swaps(nonce, f"default-src 'none'; img-src data:; script-src 'nonce-YOUR-NONCE'; {connect}")
    await swaps(pinned)

    async def told() -> bool:
        return any(one["custom"] == {"plan": "gold"} for one in (await shop.get("/sessions"))["data"])

    await until(told, "the session has what the queue said")


async def pasted(page: Page, label: str) -> str:
    return await page.get_by_label(label, exact=True).inner_text()


async def seen(shop: Shop, tag: str, url: str) -> None:
    async def reported() -> bool:
        return any(one["page"] == url for one in (await shop.get(f"/tags/{tag}/health"))["pages"])

    await until(reported, f"a report of {url}")
