"""React, Vue and Svelte as npm has them: hydration, re-render, and a router. Built by tests/tag/apps/build.mjs."""

import pytest
from playwright.async_api import expect

from tests.support.until import until
from tests.tag.browser.conftest import APPS
from tests.tag.browser.shop import Shop
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import PRINTED, Visitor, like

FRAMEWORKS = ("react18", "react19", "vue", "svelte")
READY = "() => document.documentElement.dataset.ready"
ADD_TAG = "src => document.head.append(Object.assign(document.createElement('script'), {src, async: true}))"


def rendered(app: str) -> str:
    """What its server answers: HTML to be hydrated, and the script that does it."""
    return (
        f'<div id="app">{(APPS / f"{app}.html").read_text()}</div><script type="module" src="/apps/{app}.js"></script>'
    )


async def stays_swapped(visitor: Visitor, app: str, number: str) -> None:
    """Every place of the page, now and after each of a few renderings."""
    page = visitor.page
    for count in range(3):
        await visitor.sees("#beside", f"Call {PRINTED}", number)
        await visitor.sees("#changing", f"{count} calls today: {PRINTED}", number)
        await visitor.sees("#link b", PRINTED, number)
        await expect(page.locator("#link")).to_have_attribute("href", f"tel:{number}")
        await expect(page.locator("#link")).to_have_attribute("title", f"called {count} times")
        if app.startswith("react"):
            await visitor.sees("#pieces", PRINTED, number)
        if app != "vue":
            await visitor.sees("#keyed", PRINTED, number)
        if not app.startswith("react"):
            which = "even" if count % 2 == 0 else "odd"
            await visitor.sees(f"#{which}", f"{which.title()}: {PRINTED}", number)
        items = page.locator("#list li")
        expected = like(PRINTED, number)
        await expect(items).to_have_count(count + 2 if app == "svelte" else count)
        for item in await items.all():
            await expect(item).to_contain_text(expected)
        if app == "vue":
            await visitor.sees("#raw", f"{count} {PRINTED}", number)
        # The framework still owns its input, and nobody rewrote what the visitor types.
        assert await page.input_value("#typed") == PRINTED
        await page.click("#more")
    await page.fill("#typed", f"mine is {PRINTED}")
    await page.click("#more")
    await visitor.sees("#changing", f"4 calls today: {PRINTED}", number)
    assert await page.input_value("#typed") == f"mine is {PRINTED}"


@pytest.mark.parametrize("app", FRAMEWORKS)
async def test_a_tag_that_comes_after_hydration(app: str, visitor: Visitor, site: Site, shop: Shop) -> None:
    await visitor.open(site.page(rendered(app)))
    await visitor.page.wait_for_function(READY)
    await visitor.page.evaluate(ADD_TAG, (await shop.tag()).src())
    await stays_swapped(visitor, app, await visitor.leased())


@pytest.mark.parametrize("app", FRAMEWORKS)
@pytest.mark.parametrize("how", ["async", ""])
async def test_a_tag_that_comes_before_hydration_lets_it_happen(
    app: str, how: str, visitor: Visitor, site: Site, shop: Shop
) -> None:
    tag = await shop.tag(after_load=True)
    url = site.page(rendered(app), tag.snippet(how=how))
    await visitor.open(url)
    number = await visitor.leased()
    await visitor.sees("#beside", f"Call {PRINTED}", number)
    # The second view has the number at once: it must still wait for the framework.
    await visitor.open(url)
    await visitor.page.wait_for_function(READY)
    await stays_swapped(visitor, app, number)


@pytest.mark.parametrize("app", ["react18", "react19"])
async def test_a_page_of_next_is_known_without_being_told(app: str, visitor: Visitor, site: Site, shop: Shop) -> None:
    """Laid out as Next.js 14 does (pages router): scripts in the head, the page's data at the end of the body."""
    site.put("/_next/static/chunks/main.js", (APPS / f"{app}.js").read_bytes(), "text/javascript")
    html = (APPS / f"{app}.html").read_text()
    root = f'<div id="__next"><div id="app">{html}</div></div>'
    data = '<script id="__NEXT_DATA__" type="application/json">{"props":{},"page":"/","buildId":"x"}</script>'
    head = (await shop.tag()).snippet(how="") + '<script type="module" src="/_next/static/chunks/main.js"></script>'
    url = site.page(root + data, head)
    await visitor.open(url)
    number = await visitor.leased()
    await visitor.sees("#beside", f"Call {PRINTED}", number)
    await visitor.open(url)
    await visitor.page.wait_for_function(READY)
    await stays_swapped(visitor, app, number)


async def test_a_text_that_changes_all_the_time_is_no_fight(visitor: Visitor, site: Site, shop: Shop) -> None:
    """A countdown beside the number is rendered each second, always with the original: it is put back each time."""
    await visitor.open(site.page(rendered("react18")))
    await visitor.page.wait_for_function(READY)
    await visitor.page.evaluate(ADD_TAG, (await shop.tag()).src())
    number = await visitor.leased()
    for count in range(1, 12):
        await visitor.page.click("#more")
        await visitor.sees("#changing", f"{count} calls today: {PRINTED}", number)


@pytest.mark.parametrize(
    ("how", "most"),
    [
        (f"number.firstChild.data = '{PRINTED}'", 6),
        (f"number.textContent = '{PRINTED}'", 6),
        (f"number.innerHTML = '<b>{PRINTED}</b>'", 200),
    ],
)
async def test_a_page_that_insists_on_its_number_keeps_it(
    how: str, most: int, visitor: Visitor, site: Site, shop: Shop
) -> None:
    """Two observers that answer each other would never let the page do anything else."""
    insists = f"""<script>
      window.writes = 0;
      const number = document.getElementById('insists');
      new MutationObserver(() => {{
        if (number.textContent === '{PRINTED}') return;
        window.writes++;
        {how};
      }}).observe(number, {{characterData: true, childList: true, subtree: true}});
    </script>"""
    body = f'<p id="insists">{PRINTED}</p><p id="other">{PRINTED}</p>{insists}'
    await visitor.open(site.page(body, (await shop.tag()).snippet()))
    number = await visitor.leased()
    await visitor.sees("#other", PRINTED, number)
    await visitor.page.evaluate("dni.restore()")  # the last word of the tag: a fight would go on before it
    assert 1 <= await visitor.page.evaluate("writes") <= most
    await until(lambda: any(body["page"].get("reverted", 0) >= 1 for body in visitor.bodies("signal")), "it is told")


async def test_a_router_brings_pages_without_loading_any(visitor: Visitor, site: Site, shop: Shop) -> None:
    site.put(
        "/router/",
        f"""<!doctype html><meta charset="utf-8"><title>Router</title><link rel="icon" href="data:,">
        {(await shop.tag()).snippet()}<div id="app"></div><script type="module" src="/apps/router.js"></script>""",
    )
    page = visitor.page
    await visitor.open(site.origin + "/router/?utm_source=bing&utm_medium=cpc")
    await page.wait_for_selector("#home")
    await until(lambda: bool(visitor.signals("view")), "a report of a page without numbers")
    assert visitor.bodies("lease") == []
    assert visitor.signals("view")[0]["page"]["found"] == 0

    await page.click("#to-services")
    number = await visitor.leased()
    await visitor.sees("#services", f"Book a service: {PRINTED}", number)
    await until(lambda: told(visitor, "view", "/router/services"), "a view of the new address")

    await page.click("#to-contact")
    await visitor.sees("#contact", f"Talk to us: {PRINTED}", number)
    await until(
        lambda: told(visitor, "view", "/contact?gclid=late") or told(visitor, "set", "/contact?gclid=late"),
        "the last address, with its click id",
    )
    await page.go_back()
    await visitor.sees("#services", f"Book a service: {PRINTED}", number)

    # A click id that came late belongs to this same session; no new number for it.
    session = visitor.answers[-1]["session"]
    assert len(visitor.bodies("lease")) == 1

    async def is_known() -> bool:
        found = (await shop.get("/sessions"))["data"]
        return any(one["id"] == session and one["click_ids"].get("gclid") == "late" for one in found)

    await until(is_known, "the late click id in its session")


def told(visitor: Visitor, kind: str, address: str) -> bool:
    return any(body["page"]["url"].endswith(address) for body in visitor.signals(kind))
