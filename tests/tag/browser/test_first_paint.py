"""What the eye gets: the second view is swapped before anything is asked, and nothing on the page ever moves."""

import json
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.support.until import until
from tests.tag.browser.gate import Gate
from tests.tag.browser.shop import Shop, Tag
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import PRINTED, Visitor, like

# The documented style of the head: hides what it likes, and ends by itself.
STUB = """<style id="dni-hide">
  @keyframes dni-hide { from, to { visibility: hidden } }
  .phone { animation: dni-hide 300ms }
</style>"""
# When the number was first painted, as the browser says it, and when it was first another text. In ms since navigation.
WATCH = """<script>
  window.painted = window.swapped = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.painted = window.painted || entry.renderTime;
  }).observe({type: 'element', buffered: true});
</script>"""
THEN = f"""<script>
  const number = document.getElementById('number');
  const look = () => {{
    if (number.textContent !== '{PRINTED}') window.swapped = window.swapped || performance.now();
  }};
  look();
  new MutationObserver(look).observe(number, {{characterData: true, childList: true, subtree: true}});
</script>"""
BODY = f'<p id="number" class="phone" elementtiming="number">{PRINTED}</p>'


async def seen_once(visitor: Visitor, url: str) -> str:
    await visitor.open(url)
    number = await visitor.leased()
    await visitor.sees("#number", PRINTED, number)
    return number


async def test_the_second_view_is_swapped_in_the_tags_first_task(
    visitor: Visitor, site: Site, shop: Shop, gate: Gate
) -> None:
    """`load` of a script is dispatched in the very task that ran it."""
    tag = await shop.tag()
    mark = "onload=\"window.atLoad = document.getElementById('number').textContent\""
    url = site.page(BODY + tag.snippet(gate.url, how=f"async {mark}"))
    number = await seen_once(visitor, url)
    gate.hold()
    await visitor.open(url)
    await visitor.page.wait_for_function("window.atLoad")
    assert await visitor.page.evaluate("atLoad") == like(PRINTED, number)
    assert (
        await visitor.page.evaluate(
            "performance.getEntriesByType('resource').find(({name}) => name.endsWith('.js')).transferSize"
        )
        == 0
    )  # from the cache: the service answers nobody


async def test_a_page_without_numbers_between_forgets_nothing(
    visitor: Visitor, site: Site, shop: Shop, gate: Gate
) -> None:
    tag = await shop.tag()
    url = site.page(BODY, tag.snippet(gate.url))
    number = await seen_once(visitor, url)
    await visitor.open(site.page("Nothing here", tag.snippet(gate.url)))
    await until(lambda: visitor.signals("view")[-1]["page"]["found"] == 0, "a report of the page without numbers")
    gate.hold()
    await visitor.open(url)
    await visitor.sees("#number", PRINTED, number)
    assert len(visitor.answers) == 1


async def test_a_script_in_the_head_swaps_before_the_first_paint(
    visitor: Visitor, site: Site, shop: Shop, gate: Gate
) -> None:
    """Without any style: a script that is waited for is there before the number is."""
    url = site.page(BODY + THEN, (await shop.tag()).snippet(gate.url, how="") + WATCH)
    await seen_once(visitor, url)
    gate.hold()
    await visitor.open(url)
    await visitor.page.wait_for_function("window.painted && window.swapped")
    painted, swapped = await visitor.page.evaluate("[painted, swapped]")
    assert swapped <= painted


async def test_with_the_style_of_the_head_the_original_is_never_painted(
    visitor: Visitor, site: Site, shop: Shop, gate: Gate
) -> None:
    """The tag comes late on purpose, frames after everything else was painted."""
    late = """<script>
      const late = () => document.head.append(Object.assign(document.createElement('script'), {src: '{src}'}));
      requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(late)));
    </script>""".replace("{src}", (await shop.tag()).src(gate.url))
    url = site.page("<h1>Plumber</h1>" + BODY + THEN + late, STUB + WATCH)
    await seen_once(visitor, url)
    gate.hold()
    await visitor.open(url)
    await visitor.page.wait_for_function("window.painted && window.swapped")
    page_painted = await visitor.page.evaluate("performance.getEntriesByName('first-paint')[0].startTime")
    painted, swapped = await visitor.page.evaluate("[painted, swapped]")
    assert page_painted < swapped <= painted
    assert await visitor.page.locator("#dni-hide").count() == 0

    # The other way round, to show that the measure can tell: the same page without the style paints the original.
    url = site.page("<h1>Plumber</h1>" + BODY + THEN + late, WATCH)
    await visitor.open(url)
    await visitor.page.wait_for_function("window.painted && window.swapped")
    painted, swapped = await visitor.page.evaluate("[painted, swapped]")
    assert painted < swapped


@pytest.mark.parametrize("head", ["", STUB])
async def test_the_browsers_own_trace_says_so(
    head: str, visitor: Visitor, site: Site, shop: Shop, gate: Gate, chromium: Browser
) -> None:
    """The number is all there is to paint. Without the style the page waits for the tag."""
    tag = await shop.tag()
    marked = THEN.replace("performance.now()", "performance.mark('swapped').startTime")
    how = {} if head else {"how": ""}
    place = tag.snippet(gate.url, **how)
    url = site.page(BODY + marked + (place if head else ""), head + ("" if head else place) + WATCH)
    await seen_once(visitor, url)
    gate.hold()
    await chromium.start_tracing(
        page=visitor.page, categories=["devtools.timeline", "blink.user_timing", "loading", "toplevel"]
    )
    await visitor.open(url)
    await visitor.page.wait_for_function("window.painted && window.swapped")
    events: list[dict[str, Any]] = json.loads(await chromium.stop_tracing())["traceEvents"]
    runs = [
        one for one in events if one["name"] == "EvaluateScript" and one["args"]["data"]["url"] == tag.src(gate.url)
    ]
    assert len(runs) == 1
    (run,) = runs
    page = {"pid": run["pid"], "tid": run["tid"]}
    mine = [one for one in events if page.items() <= one.items()]
    (swapped,) = [one["ts"] for one in mine if one["name"] == "swapped"]
    (painted,) = [one["ts"] for one in mine if one["name"] == "firstContentfulPaint"]
    assert swapped < painted
    if head:
        # The page's own observer saw it in the task in which the tag first ran.
        tasks = [
            (one["ts"], one["ts"] + one["dur"]) for one in mine if one["name"].endswith("RunTask") and "dur" in one
        ]
        (task,) = [one for one in tasks if one[0] <= run["ts"] <= one[1]]
        assert run["ts"] <= swapped <= task[1]


async def test_the_first_view_shows_the_number_when_it_is_there(
    visitor: Visitor, site: Site, shop: Shop, gate: Gate
) -> None:
    """The style ends with the swap, not 300 ms later: it is made to last here, and what is hidden is shown anyway."""
    lasting = STUB.replace("300ms", "300s")
    await visitor.open(site.page(BODY, lasting + (await shop.tag()).snippet(gate.url)))
    await visitor.sees("#number", PRINTED, await visitor.leased())
    assert await visitor.page.locator("#dni-hide").count() == 0
    assert await visitor.page.locator("#number").is_visible()


@pytest.mark.parametrize("why", ["no number", "dead"])
async def test_the_style_ends_when_there_will_be_no_swap(
    why: str, visitor: Visitor, site: Site, shop: Shop, gate: Gate
) -> None:
    visitor.network_may_fail = True
    lasting = STUB.replace("300ms", "300s")
    tag = await shop.tag()
    await visitor.open(site.page("", tag.snippet(gate.url)))  # the script is in the cache
    await visitor.tag_ran()
    body = BODY.replace("415", "416") if why == "no number" else BODY
    if why == "dead":
        await gate.shut()
    await visitor.open(site.page(body, lasting + tag.snippet(gate.url)))
    await visitor.page.wait_for_function("!document.getElementById('dni-hide')")
    assert await visitor.page.locator("#number").is_visible()


@pytest.mark.parametrize("width", [390, 1280])
async def test_nothing_on_the_demo_page_moves(width: int, chromium: Browser, shop: Shop, demo: Tag) -> None:
    context = await chromium.new_context(viewport={"width": width, "height": 850})
    visitor = Visitor(await context.new_page())
    for view in range(2):
        await visitor.open(f"{shop.service.url}/demo/?utm_source=google&gclid=x")
        number = await visitor.leased(view + 1)
        await visitor.sees(".hero .number >> nth=0", f"+1 {PRINTED}", number)
        shifts = await visitor.page.evaluate(
            """() => new Promise((done) => {
              const found = [];
              const add = (list) => found.push(...list.map((one) => [one.value, one.sources[0]?.node?.nodeName]));
              const observer = new PerformanceObserver((list) => add(list.getEntries()));
              observer.observe({type: 'layout-shift', buffered: true});
              requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
                add(observer.takeRecords());
                done(found);
              })));
            })"""
        )
        assert shifts == []
    assert visitor.said == []
    await context.close()


@pytest.fixture
async def demo(shop: Shop) -> Tag:
    """The service shows its demo page when there is a tag of this name."""
    tag = await shop.tag(name="Demo landing page")

    async def is_shown() -> bool:
        return tag.key in await shop.text("/demo/")

    await until(is_shown, "the demo page")
    return tag
