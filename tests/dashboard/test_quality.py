"""What a customer may expect of every page: accessible, light, useful without script, and calm about hostile texts."""

import csv
from collections.abc import AsyncIterator
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.people import Person
from tests.dashboard.samples import HOUR, call, insert_rows, session
from tests.dashboard.test_in_browser import SIGNED_IN, opened, site
from tests.support.until import until

__all__ = ["site"]

AXE = Path(__file__).parents[2] / "snippet" / "node_modules" / "axe-core" / "axe.min.js"
MOST_BYTES = 250_000
PAGES = (*SIGNED_IN, "/signin?code=x")

HOSTILE = (
    "<script>document.title='owned'</script>",
    "\"'><svg/onload=alert(1)>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "\u202eevil \u2067right to left\u2069\u200f\u202d",
    "👩🏽‍🔧🔥🏳️‍🌈" * 30,
    "k" * 10_000,
    "a\u0301" * 200,
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "</textarea></title></style><h1>bold</h1>",
)


async def hostile(parts: Parts) -> None:
    for n, text in enumerate(HOSTILE):
        came = dict.fromkeys(("source", "medium", "campaign_name", "keyword", "content"), text)
        touch = {
            **came,
            "landing_page": f"https://shop.example/{text}?x={text}",
            "referrer": f"https://x.example/{text}",
        }
        told = {"title": text, "custom": {text[:64]: text}, "ids": {"ga": text}, "city": text}
        await insert_rows(parts, schema.session, session(f"s-hostile-of-all-{n}", (n + 1) * HOUR, **touch, **told))
        found = {**touch, "session_id": f"s-hostile-of-all-{n}", "visitor_id": f"v{n}", "confidence": 0.9}
        await insert_rows(parts, schema.call, call(f"call_hostile{n}", (n + 1) * HOUR - 1000, **found))


@pytest.fixture
async def well(chromium: Browser, site: str) -> AsyncIterator[tuple[Page, list[str]]]:
    page, said = await opened(chromium, site, 1440, "light")
    yield page, said
    await page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_axe_finds_no_serious_fault(
    chromium: Browser, site: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page, _ = await opened(chromium, site, width, scheme)
    source = AXE.read_text()
    found: list[str] = []
    for path in PAGES:
        await page.goto(path)
        await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        await page.evaluate(source)
        result: dict[str, Any] = await page.evaluate("axe.run({resultTypes: ['violations']})")
        found += [
            f"{path}: {fault['id']} ({fault['impact']}) {node['html'][:160]}"
            for fault in result["violations"]
            if fault["impact"] in ("serious", "critical", "moderate")
            for node in fault["nodes"]
        ]
    assert found == []
    await page.context.close()


async def test_no_page_is_heavy(well: tuple[Page, list[str]], sqlite_parts: Parts) -> None:
    page, _ = well
    words = [
        {"keyword": f"keyword {n}", "source": f"source {n}", "landing_page": f"https://a.example/{n}"}
        for n in range(600)
    ]
    many = [call(f"call_many{n:03}", 30 * HOUR + n, **came) for n, came in enumerate(words)]
    await insert_rows(sqlite_parts, schema.call, *many)
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("Network.enable")
    await cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes = {}
    for path in (*PAGES, "/calls?limit=200", "/sources?by=keyword"):
        await page.goto(path)
        sizes[path] = await page.evaluate(
            """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
                .reduce((sum, entry) => sum + entry.transferSize, 0)"""
        )
    assert {path: size for path, size in sizes.items() if not 2_000 < size < MOST_BYTES} == {}


async def test_every_page_can_be_read_without_script(chromium: Browser, site: str) -> None:
    context = await chromium.new_context(base_url=site, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/signin")
    await page.get_by_text("Sign in with a token").click()
    await page.get_by_label("Token").fill("t" * 32)
    await page.get_by_role("button", name="Sign in with the token").click()
    for path in PAGES[:-1]:
        await page.goto(path)
        assert await page.locator("h1").is_visible(), path
    await page.goto("/sources")
    await expect(page.locator("table[data-chart]")).to_be_visible()
    await expect(page.locator("table.figures")).to_be_visible()
    await page.get_by_text("Filter and credit model").click()
    await page.get_by_label("Source").fill("google")
    await page.get_by_role("button", name="Apply").click()
    assert "source=google" in page.url
    await page.locator("table.figures tbody a").first.click()
    await expect(page.get_by_role("heading", name="Calls")).to_be_visible()
    await page.get_by_text("Columns", exact=True).click()
    await page.get_by_label("Keyword", exact=True).locator("visible=true").uncheck()
    await page.get_by_role("button", name="Show these").click()
    assert await page.get_by_role("columnheader", name="Keyword").count() == 0
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.get_by_text("Menu", exact=True).click()
    await page.get_by_role("link", name="Overview").click()
    await expect(page.locator("table[data-chart]")).to_be_visible()
    await context.close()


async def narrower_than(box: Locator, width: int) -> bool:
    drawn = await box.locator("canvas").bounding_box()
    return bool(drawn and drawn["width"] < width)


async def test_a_chart_is_drawn_of_its_table(well: tuple[Page, list[str]]) -> None:
    page, said = well
    for path in ("/overview", "/sources", "/keywords", "/sources?from=2026-09-21&to=2026-09-21"):
        await page.goto(path)
        box = page.locator(".chart")
        await expect(box.locator("canvas")).to_be_visible()
        assert await box.get_attribute("aria-hidden") == "true"
        await expect(page.locator("table[data-chart]")).to_be_hidden()
        await page.locator("details.data summary").click()
        await expect(page.locator("table[data-chart]")).to_be_visible()
        await page.set_viewport_size({"width": 390, "height": 850})
        await until(partial(narrower_than, box, 360), "the chart follows the window")
        await page.emulate_media(color_scheme="dark")
        await expect(box.locator("canvas")).to_have_count(1)
        await box.locator(".u-over").hover()
        await expect(box.locator(".tip")).to_contain_text("calls")
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size({"width": 1440, "height": 850})
    assert said == []


async def test_hostile_texts_are_shown_and_do_nothing(well: tuple[Page, list[str]], sqlite_parts: Parts) -> None:
    page, said = well
    await hostile(sqlite_parts)
    calls = [f"/calls/call_hostile{n}" for n in range(len(HOSTILE))]
    for path in (*PAGES[:-1], "/sources?by=content", "/sources?by=campaign_name", *calls):
        await page.goto(path)
        assert "DNI" in await page.title(), path
        assert (
            await page.locator("main script:not([src^='/static/']), main svg, main style, main h1 ~ h1").count() == 0
        ), path
        assert await page.locator("h1").count() == 1, path
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    assert [line for line in said if "404" not in line] == []


async def test_files_hold_no_formula(admin: Person, parts: Parts) -> None:
    await hostile(parts)
    for path in ("/calls.csv", "/sources.csv", "/sources.csv?by=landing_page", "/keywords.csv"):
        rows = list(csv.reader(StringIO((await admin.read(path)).text)))
        cells = [cell for row in rows for cell in row]
        assert [cell for cell in cells if cell[:1] in ("=", "@", "\t", "\r")] == []
        assert [cell for cell in cells if cell[:1] in ("+", "-") and "cmd" in cell] == []
        assert len({len(row) for row in rows}) == 1
