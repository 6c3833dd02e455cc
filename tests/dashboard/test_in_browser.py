"""Pages in a real browser: phone and desktop, light and dark, keyboard, and strangers' texts under the CSP."""

import socket
from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from dni import __version__
from dni.dashboard.columns import COLUMNS
from dni.parts import Parts
from dni.tag import health_reports
from dni.tag.wire import SignalPage
from tests.dashboard import integrated, priced, routed
from tests.dashboard.integrated import dlv
from tests.dashboard.samples import fill
from tests.dashboard.site import serving
from tests.dashboard.used_pool import use_of_pool
from tests.support.world import TARGET, add

SIGNED_IN = (
    "/calls",
    "/calls?source=nothing&from=oops",
    "/calls/call_google",
    "/calls/call_undecided",
    "/calls/call_hostile",
    "/calls/nothing",
    f"/calls?columns={','.join(COLUMNS)}",
    "/calls?unset=source,keyword&first_time=yes&exact=medium",
    "/exports/google-ads",
    "/exports/google-ads?name=%3D&value=x&template=calls",
    "/overview",
    "/overview?days=30",
    "/sources",
    "/sources?by=landing_page&from=2026-01-01",
    "/sources?from=2026-09-21&to=2026-09-21",
    "/keywords",
    "/glossary",
    "/keywords?by=landing&source=nothing",
    "/sources?by=keyword&model=linear",
    "/sources?by=first_time&from=2020-01-01&to=2020-01-02",
    "/tags",
    "/tags/new",
    "/tags/tag_1",
    "/tags/tag_1/edit",
    "/tags/tag_1/rules",
    "/tags/tag_1/rule",
    "/tags/tag_1/delete",
    "/tags/tag_1/test",
    "/tags/tag_9/test",
    "/setup",
    "/setup/campaign",
    "/setup/campaigns/cmp_1/numbers",
    "/setup/campaigns/cmp_1/tag",
    "/setup/campaigns/cmp_1/call",
    "/tags/tag_1?page=https://shop.example/0",
    "/tags/tag_1?page=https://evil.example/",
    "/campaigns",
    "/campaigns?done=deleted",
    "/campaigns/new",
    "/campaigns/cmp_1?done=created",
    "/campaigns/cmp_1/edit",
    "/campaigns/cmp_1/delete",
    "/campaigns/cmp_1?done=destination_added",
    "/campaigns/cmp_1/destinations/new",
    "/campaigns/cmp_1/routing",
    "/campaigns/cmp_2/routing",
    "/campaigns/cmp_1/terms",
    "/campaigns/cmp_1/terms?publisher=pub_1",
    "/campaigns/cmp_2/terms",
    "/campaigns/cmp_1/budgets",
    "/campaigns/cmp_2/budgets",
    "/campaigns/cmp_1/budgets/new",
    "/budgets/bud_1/edit",
    "/budgets/bud_1/delete",
    "/calls/call_short",
    "/calls/call_short/correction",
    "/calls/call_short/dispute",
    "/calls?qualified=yes",
    "/payouts",
    "/payouts/close",
    "/payouts/close?publisher=pub_1&last=2026-09-20",
    "/statements",
    "/statements?publisher=pub_2",
    "/statements/sta_august",
    "/disputes",
    "/disputes?state=withdrawn",
    "/disputes/dsp_open",
    "/disputes/dsp_denied",
    "/disputes/dsp_open/withdraw",
    "/destinations/dst_long/edit",
    "/destinations/dst_anna/delete",
    "/calls/call_routed",
    "/calls/call_routed/outcome",
    "/publishers",
    "/publishers/new",
    "/publishers/pub_1",
    "/pools",
    "/pools/new",
    "/pools/pool_1?done=changed",
    "/pools/pool_1/edit",
    "/pools/pool_1/add",
    "/pools/pool_1/retire",
    "/pools/pool_1/delete",
    "/numbers",
    "/numbers?kind=static&q=0199",
    "/numbers/new",
    "/numbers/num_1_000000",
    "/numbers/num_1_000000/retire",
    "/settings",
    "/settings/carriers",
    "/settings/carriers/new",
    "/settings/carriers/car_1",
    "/settings/carriers/car_1/edit",
    "/settings/carriers/car_1/delete",
    "/settings/tokens",
    "/settings/tokens/new",
    "/settings/privacy",
    "/integrations",
    "/integrations/new",
    "/integrations/new?kind=google_ads",
    "/integrations/new?kind=postback",
    "/integrations/end_fails",
    "/integrations/end_ok?state=skipped&type=test",
    "/integrations/end_new",
    "/integrations/end_ok/edit",
    "/integrations/end_ok/test",
    "/integrations/end_fails/send",
    f"/deliveries/{dlv(6)}",
    f"/deliveries/{dlv(8)}",
    "/pools/pool_1/use",
    "/pools/pool_1/use?n=many",
    "/pools/pool_2/use",
)

# WCAG 2.2, 1.4.3: text against the nearest background that is painted; large is 24 px, or 18.66 px and bold.
LOW_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => {
    const part = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== 'none') return null;
      const colour = rgb(style.backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const says = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!says || !element.checkVisibility() || element.closest('.hidden, .skip, option')) continue;
    const style = getComputedStyle(element), back = behind(element);
    if (!back) continue;
    const [a, b] = [light(rgb(style.color)), light(back)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), bold = +style.fontWeight >= 700;
    const need = size >= 24 || (size >= 18.66 && bold) ? 3 : 4.5;
    if ((a + 0.05) / (b + 0.05) < need) found.push(`${element.className}: ${element.textContent.trim().slice(0, 40)}`);
  }
  return found;
}"""
UNNAMED = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
  .filter((e) => e.checkVisibility() && !(e.innerText || e.labels?.[0]?.innerText || e.ariaLabel || '').trim())
  .map((e) => e.outerHTML)"""
SHIFTS = """() => new Promise((done) => new PerformanceObserver((list) => {
  done(list.getEntries().reduce((sum, entry) => sum + entry.value, 0));
}).observe({type: 'layout-shift', buffered: true}) || setTimeout(() => done(0), 300))"""


@pytest.fixture
async def site(sqlite_parts: Parts) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        await fill(sqlite_parts)
        await routed.fill(sqlite_parts)
        await priced.fill(sqlite_parts)
        await integrated.fill(sqlite_parts)
        await trouble(sqlite_parts)
        await use_of_pool(sqlite_parts)
        await add(sqlite_parts, suffix="9", first=150, name="Demo landing page", origins=[f"http://127.0.0.1:{port}"])
        async with serving(sqlite_parts, listener) as address:
            yield address


async def trouble(parts: Parts) -> None:
    """Reports of every state, from pages with long names too."""
    swapped = {"found": 1, "swapped": 1, "reverted": 0, "version": __version__, "reason": None}
    states: tuple[dict[str, Any], ...] = (
        {},
        {"found": 0, "swapped": 0},
        {"reverted": 1},
        {"version": "0.0.1"},
        {"swapped": 0, "reason": "exhausted"},
        {"swapped": 0, "reason": "no_consent"},
        {"swapped": 0},
    )
    for n, state in enumerate(states):
        page = SignalPage("p", 1, url=f"https://shop.example/{'segment' * 20 * (n % 2)}{n}", **{**swapped, **state})
        now_ms, tag = parts.clock.now_ms(), parts.catalog.now.tags["tag_1"]
        await health_reports.keep(parts.live, parts.keys, now_ms, tag, page)


async def opened(browser: Browser, site: str, width: int, scheme: Literal["light", "dark"]) -> tuple[Page, list[str]]:
    """A signed-in page and what its console says."""
    context = await browser.new_context(base_url=site, viewport={"width": width, "height": 850}, color_scheme=scheme)
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto("/signin")
    await page.get_by_text("Sign in with a token").click()
    await page.get_by_label("Token").fill("t" * 32)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/overview")
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_every_page_fits_reads_well_and_names_its_controls(
    chromium: Browser, site: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page, said = await opened(chromium, site, width, scheme)
    for path in (*SIGNED_IN, "/signin?code=x", "/demo/"):
        await page.goto(path)
        await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert await page.evaluate(LOW_CONTRAST) == [], path
        assert await page.evaluate(UNNAMED) == [], path
        assert await page.locator("main").count() == 1
        assert await page.locator("h1").count() == 1
    assert [line for line in said if "404" not in line] == []
    await page.context.close()


async def test_texts_of_strangers_run_nothing_and_turn_nothing_around(chromium: Browser, site: str) -> None:
    page, said = await opened(chromium, site, 1440, "light")
    for path in ("/calls", "/calls/call_hostile"):
        await page.goto(path)
        assert "DNI" in await page.title()
        assert await page.locator("img, script:not([src^='/static/'])").count() == 0
    assert said == []
    # The label before a text with direction marks still stands to its left.
    name, value = page.locator("dt", has_text="Campaign name"), page.locator("dd", has_text="evil")
    left, right = await name.bounding_box(), await value.bounding_box()
    assert left
    assert right
    assert left["x"] < right["x"]
    await page.context.close()


async def test_the_keyboard_reaches_content_filters_and_a_call(chromium: Browser, site: str) -> None:
    page, _ = await opened(chromium, site, 1440, "light")
    await page.goto("/calls")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.get_by_text("Filter", exact=True).focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("textbox", name="Source").fill("yelp")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**source=yelp**")
    rows = page.get_by_role("row")
    assert await rows.count() == 2
    await page.locator("a.open").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/calls/call_static")
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/signin**")
    await page.context.close()


@pytest.mark.parametrize("width", [390, 1440])
async def test_the_demo_page_swaps_every_number_and_nothing_moves(chromium: Browser, site: str, width: int) -> None:
    context = await chromium.new_context(base_url=site, viewport={"width": width, "height": 850})
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto("/demo?utm_source=google&gclid=x")
    assert page.url.endswith("/demo/?utm_source=google&gclid=x")
    await expect(page.locator(f'a[href="tel:{TARGET}"]')).to_have_count(0)
    shown = await page.inner_text("body")
    assert "415" not in shown
    assert shown.count("555-01") == 4
    assert await page.locator("a.call svg, a.call span").count() == 2
    assert await page.evaluate(SHIFTS) == 0
    assert said == []
    await context.close()
