"""A page that is left, hidden, frozen, kept, prerendered: it shows a number only while that is surely its visitor's.

Where time must pass, the page's clock is set ahead; the service's is not, so it gives the visitor his own number again.
"""

import json
from functools import partial
from typing import Any
from urllib.parse import unquote

from playwright.async_api import BrowserContext, Page, expect

from tests.support.until import until
from tests.tag.browser import plain
from tests.tag.browser.conftest import NewVisitor
from tests.tag.browser.gate import Gate
from tests.tag.browser.shop import Shop
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import PRINTED, Visitor

# Goes ahead by what any page of the site wrote into `ahead`, also for pages that were kept meanwhile.
CLOCK = """<script>{
  const real = Date.now;
  Date.now = () => real() + +(localStorage.getItem('ahead') || 0);
}</script>"""
AN_HOUR_AHEAD = "localStorage.setItem('ahead', 3600000)"
# What the visitor's eye meets first when the page comes back: the text at the first frame after the event.
FIRST_SEEN = """<script>
  window.seen = [];
  const look = (event) => requestAnimationFrame(() => {
    const number = document.getElementById('number');
    window.seen.push([event.type, event.persisted, number && number.textContent]);
  });
  addEventListener('pageshow', look);
  document.addEventListener('visibilitychange', (event) => document.hidden || look(event));
</script>"""
RESTORED = "seen.some(([kind, persisted]) => kind === 'pageshow' && persisted)"


async def a_page(site: Site, shop: Shop, base: str = "") -> str:
    head = CLOCK + FIRST_SEEN + (await shop.tag()).snippet(base)
    return site.page(f'<p id="number">{PRINTED}</p><a href="tel:+14155550100">Call</a>', head)


async def test_a_page_restored_within_the_protection_shows_its_number(
    plain_context: BrowserContext, site: Site, shop: Shop
) -> None:
    visitor = Visitor(await plain_context.new_page())
    await visitor.open(await a_page(site, shop))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    await visitor.open(site.page("Elsewhere"))
    await visitor.page.go_back(wait_until="commit")
    await visitor.page.wait_for_function(RESTORED)
    assert PRINTED not in [text for _, _, text in (await visitor.page.evaluate("seen"))[1:]]
    await visitor.sees("#number", PRINTED, number)
    # It is alive again: it says so.
    await until(lambda: bool(visitor.signals("beat")) or len(visitor.answers) > 1, "a sign of life after coming back")
    assert visitor.said == []


async def test_a_page_restored_after_the_protection_shows_the_original_first(
    plain_context: BrowserContext, site: Site, shop: Shop, gate: Gate
) -> None:
    visitor = Visitor(await plain_context.new_page())
    await visitor.open(await a_page(site, shop, gate.url))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    await visitor.open(site.page("Elsewhere"))
    await visitor.page.evaluate(AN_HOUR_AHEAD)
    gate.hold()
    await visitor.page.go_back(wait_until="commit")
    await visitor.page.wait_for_function(RESTORED)
    assert {text for _, _, text in (await visitor.page.evaluate("seen"))[1:]} == {PRINTED}
    await expect(visitor.page.locator("a")).to_have_attribute("href", "tel:+14155550100")
    await gate.open()
    await visitor.sees("#number", PRINTED, await visitor.leased(2))
    assert visitor.said == []


async def test_a_page_that_was_frozen_too_long_shows_the_original_first(
    plain_context: BrowserContext, site: Site, shop: Shop, gate: Gate
) -> None:
    visitor = Visitor(await plain_context.new_page())
    page = visitor.page
    await visitor.open(await a_page(site, shop, gate.url))
    await visitor.sees("#number", PRINTED, await visitor.leased())
    # By its own hand: what another process writes reaches a page that wakes some time after.
    await page.evaluate(f"addEventListener('resume', () => {AN_HOUR_AHEAD}, true)")
    await in_front_of(page)
    await until(lambda: bool(visitor.signals("hide")), "a last word when it was hidden")
    devtools = await plain_context.new_cdp_session(page)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    gate.hold()
    await page.bring_to_front()
    await page.wait_for_function("seen.length === 2")
    assert (await page.evaluate("seen[1]"))[2] == PRINTED
    await gate.open()
    await visitor.sees("#number", PRINTED, await visitor.leased(2))
    assert visitor.said == []


async def test_a_page_whose_computer_slept_puts_the_original_back(visitor: Visitor, site: Site, shop: Shop) -> None:
    """A laptop's lid was closed over a visible page: no event at all, and every timer is late."""
    page = visitor.page
    await page.clock.install()
    await visitor.open(await a_page(site, shop))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    await page.context.set_offline(True)
    visitor.network_may_fail = True
    await page.clock.fast_forward("06:00:00")
    await expect(page.locator("#number")).to_have_text(PRINTED)
    await page.context.set_offline(False)
    await page.mouse.move(100, 100)
    await page.clock.run_for(60_000)
    await visitor.sees("#number", PRINTED, await visitor.leased(2))


async def test_a_clock_that_was_set_back_ends_the_protection(
    visitor: Visitor, site: Site, shop: Shop, gate: Gate
) -> None:
    """Nobody knows then how long the number is still the visitor's."""
    await visitor.open(await a_page(site, shop, gate.url))
    await visitor.sees("#number", PRINTED, await visitor.leased())
    gate.hold()
    await visitor.page.evaluate("localStorage.setItem('ahead', -3600000)")
    await expect(visitor.page.locator("#number")).to_have_text(PRINTED)
    await gate.open()
    await visitor.sees("#number", PRINTED, await visitor.leased(2))


async def test_beats_keep_the_number_of_a_visible_page(visitor: Visitor, site: Site, shop: Shop) -> None:
    page = visitor.page
    await page.clock.install()
    await visitor.open(await a_page(site, shop))
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)

    async def beats(times: int) -> bool:
        await page.clock.run_for(10_000)
        return len(visitor.signals("beat")) >= times

    for times in range(1, 4):
        await until(partial(beats, times), "a beat")
        await visitor.sees("#number", PRINTED, number)
    assert len(visitor.answers) == 1
    pages = [body["page"] for body in visitor.bodies("signal")]
    assert len({one["id"] for one in pages}) == 1
    assert [one["seq"] for one in pages] == sorted({one["seq"] for one in pages})


async def test_a_second_view_after_the_protection_waits_for_the_answer(
    visitor: Visitor, site: Site, shop: Shop, gate: Gate
) -> None:
    url = await a_page(site, shop, gate.url)
    await visitor.open(url)
    await visitor.sees("#number", PRINTED, await visitor.leased())
    await visitor.open(site.page("Elsewhere"))
    await visitor.page.evaluate(AN_HOUR_AHEAD)
    gate.hold()  # the script comes from the browser's own cache
    await visitor.open(url)
    await until(lambda: len(visitor.bodies("lease")) == 2, "a new lease is asked for")
    assert await visitor.text("#number") == PRINTED
    await gate.open()
    await visitor.sees("#number", PRINTED, await visitor.leased(2))
    assert await visitor.page.evaluate("seen") == [["pageshow", False, PRINTED]]


async def test_two_tabs_of_a_visitor_show_one_number(
    visitor: Visitor, new_visitor: NewVisitor, site: Site, shop: Shop
) -> None:
    url = await a_page(site, shop)
    await visitor.open(url)
    number = await visitor.leased()
    second = await new_visitor(visitor.page.context)
    await second.open(url)
    await second.sees("#number", PRINTED, number)
    await second.leased()
    assert second.answers[0]["session"] == visitor.answers[0]["session"]
    assert second.answers[0]["visitor"] == visitor.answers[0]["visitor"]
    await second.page.close()
    await visitor.sees("#number", PRINTED, number)


async def test_a_tab_that_was_never_seen_asks_for_nothing(
    plain_context: BrowserContext, site: Site, shop: Shop
) -> None:
    visitor = Visitor(await plain_context.new_page())
    page = visitor.page
    await visitor.open(site.page("Empty"))
    await in_front_of(page)
    await page.wait_for_function("document.hidden")
    await visitor.open(await a_page(site, shop))
    await visitor.tag_ran()
    assert visitor.bodies("lease") == []
    assert await page.evaluate("document.getElementById('number').textContent") == PRINTED
    await page.bring_to_front()
    await visitor.sees("#number", PRINTED, await visitor.leased())
    assert visitor.bodies("lease")[0]["visible"] is True
    assert visitor.said == []


async def test_a_prerendered_page_asks_when_it_is_shown(site: Site, shop: Shop) -> None:
    """DevTools keep a page from being prerendered, so the pages themselves tell the site what they saw."""
    tell = """<script>
      const said = [];
      for (const level of ['log', 'info', 'warn', 'error']) console[level] = (...words) => said.push(words.join(' '));
      addEventListener('error', (event) => said.push(event.message));
      addEventListener('unhandledrejection', (event) => said.push(String(event.reason)));
      const began = document.prerendering;
      const text = () => document.getElementById('number').textContent;
      const tell = (path, facts) => fetch(path + '?' + encodeURIComponent(JSON.stringify(facts)));
      addEventListener('load', () => setTimeout(() => tell('/prerendered', {began, text: text()})));
      const look = () => {
        const asked = performance.getEntriesByType('resource').filter(({name}) => name.endsWith('/v1/lease'));
        const shown = performance.getEntriesByType('navigation')[0].activationStart;
        if (!asked.length || text() === '%s') return;
        tell('/activated', {late: asked[0].startTime >= shown && shown > 0, leases: asked.length, said});
      };
      new MutationObserver(look).observe(document, {subtree: true, childList: true, characterData: true});
      new PerformanceObserver(look).observe({type: 'resource', buffered: true});
    </script>""".replace("%s", PRINTED)
    target = site.page(tell + f'<p id="number">{PRINTED}</p>', (await shop.tag()).snippet())
    path = target.removeprefix(site.origin)
    for name in ("/prerendered", "/activated", "/go"):
        site.put(name, "ok")
    go = site.wait("/go")
    rules = (
        f'<script type="speculationrules">{{"prerender": [{{"urls": ["{path}"], "eagerness": "immediate"}}]}}</script>'
    )
    start = site.page(f"{rules}<script>fetch('/go').then(() => {{ location.href = '{path}' }})</script>")

    def told(name: str) -> Any:
        return next((json.loads(unquote(one.partition("?")[2])) for one in site.visited if one.startswith(name)), None)

    with plain.running(start):
        await until(lambda: told("/prerendered") is not None, "the page is prerendered")
        assert told("/prerendered") == {"began": True, "text": PRINTED}
        go.set()
        await until(lambda: told("/activated") is not None, "the page is shown, and swapped")
    assert told("/activated") == {"late": True, "leases": 1, "said": []}


async def test_a_driven_browser_gets_no_number_of_a_public_site(
    plain_context: BrowserContext, site: Site, shop: Shop
) -> None:
    url = (await a_page(site, shop)).replace("127.0.0.1", "shop.example")
    person = Visitor(await plain_context.new_page())
    await person.open(url)
    await person.sees("#number", PRINTED, await person.leased())

    refused = 'dni_leases_total{kind="original",reason="bot"} '
    before = await shop.metric(refused)
    await plain_context.clear_cookies()
    robot = Visitor(await plain_context.new_page())
    await robot.page.add_init_script("Object.defineProperty(navigator, 'webdriver', {get: () => true})")
    await robot.page.add_init_script("localStorage.clear()")
    await robot.open(url)
    await until(lambda: bool(robot.answers), "an answer")
    assert robot.bodies("lease")[0]["robot"] is True
    assert robot.answers[0]["numbers"]["+14155550100"]["kind"] == "original"
    assert robot.answers[0]["numbers"]["+14155550100"]["reason"] == "bot"
    await until(lambda: any(one["page"].get("reason") == "bot" for one in robot.bodies("signal")), "the tag says why")
    assert await robot.text("#number") == PRINTED
    assert await shop.metric(refused) == before + 1
    assert person.said == robot.said == []


async def test_a_driven_browser_on_the_developers_own_machine_is_a_visitor(
    visitor: Visitor, site: Site, shop: Shop
) -> None:
    await visitor.page.add_init_script("Object.defineProperty(navigator, 'webdriver', {get: () => true})")
    await visitor.open(await a_page(site, shop))
    await visitor.sees("#number", PRINTED, await visitor.leased())


async def in_front_of(page: Page) -> Page:
    """Another tab, which hides this one."""
    other = await page.context.new_page()
    await other.bring_to_front()
    return other
