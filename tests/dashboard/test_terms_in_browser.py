"""Pages of pay-per-call in a real browser: terms by keyboard alone, without script, at phone width, in every state; a
statement on paper; what strangers wrote."""

import re
from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from dni.ledger import schema
from dni.parts import Parts
from dni.qualification import terms
from dni.qualification.model import Terms
from tests.dashboard import priced
from tests.dashboard.samples import insert_rows
from tests.dashboard.test_forms_in_browser import press, reach, signed_in, site, write
from tests.dashboard.test_in_browser import opened
from tests.dashboard.test_quality import HOSTILE
from tests.dashboard.test_routing_in_browser import calm, faults
from tests.support.world import START_MS

__all__ = ["site"]

PAGE = "/campaigns/cmp_1/terms"


async def applying(parts: Parts) -> Terms | None:
    async with parts.ledger.read() as connection:
        return await terms.settings_of(connection, "cmp_1", None, parts.clock.now_ms())


async def test_terms_are_made_tried_and_saved_by_keyboard(chromium: Browser, site: str, sqlite_parts: Parts) -> None:
    page = await signed_in(chromium, site)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto("/campaigns/cmp_1")
    await press(page, "Set them up", leads_to="/terms")
    await press(page, "Add the base policy of the payout")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Payout: base policy")
    await write(page, Pays="12.50")
    await reach(page, "What")  # of the first line, which is there
    await reach(page, "What")
    await page.keyboard.type("Region")
    await reach(page, "How")
    await page.keyboard.type("is one of")
    await reach(page, "Value")
    await page.keyboard.type("CA, NV")
    await page.keyboard.press("Enter")  # as its button does
    await expect(page.locator("#payout-base")).to_be_focused()
    await expect(page.locator("#payout-base")).to_contain_text("when talk >= 90s and region in (CA, NV)")

    await press(page, "Edit payout: Base")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Payout: base policy")
    await press(page, "Write it as text")
    await expect(page.get_by_label("Condition")).to_have_value("talk >= 90s and region in (CA, NV)")
    await reach(page, "Condition")
    await page.keyboard.press("End")
    await page.keyboard.type(" or sale")
    await press(page, "Keep this policy")
    await expect(page.locator("#payout-base")).to_contain_text("region in (CA, NV) or sale")

    await press(page, "Try them")
    await expect(page.get_by_role("heading", name="What would have been")).to_be_focused()
    assert await applying(sqlite_parts) is None
    await press(page, "Save these terms")
    await expect(page.get_by_role("status")).to_contain_text("Saved: calls that begin from then on")
    await expect(page.get_by_role("status")).to_be_focused()
    made = await applying(sqlite_parts)
    assert made is not None
    assert made.payout.base is not None
    assert made.payout.base.when == "talk >= 90s and region in (CA, NV) or sale"
    assert said == []
    await page.context.close()


async def test_they_work_without_script_on_a_phone(chromium: Browser, site: str, sqlite_parts: Parts) -> None:
    await priced.fill(sqlite_parts)
    page = await signed_in(chromium, site, script=False)
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.goto(PAGE)
    await page.get_by_role("button", name="Down payout: Big sale").click()
    await page.get_by_role("button", name="Edit payout: Business hours").click()
    await page.get_by_role("button", name="Add a line").click()
    line = page.get_by_role("group", name="Line 3")
    await line.get_by_label("What").select_option("repeat")
    await line.get_by_label("How").select_option("no")
    await line.get_by_label("Value").fill("soon")
    await page.get_by_role("button", name="Keep this policy").click()
    await expect(page.get_by_role("alert")).to_contain_text("Line 3: 'soon' does not fit repeat")
    await line.get_by_label("Value").fill("60d")
    await page.get_by_role("button", name="Keep this policy").click()
    await page.get_by_role("button", name="Save these terms").dblclick()
    await expect(page.get_by_role("status")).to_contain_text("Saved")
    made = await applying(sqlite_parts)
    assert made is not None
    assert made.payout.bonuses[0].when == "talk >= 120s and during(business) and not repeat(60d)"
    await page.context.close()


async def states(page: Page) -> AsyncIterator[str]:
    """Every look that the editor has, one after the other."""
    await page.goto(PAGE)
    yield "the terms"
    await page.get_by_role("button", name="Edit payout: Business hours").click()
    yield "a policy as lines"
    await page.get_by_label("Value").first.fill("long")
    await page.get_by_role("button", name="Keep this policy").click()
    yield "a line that is not right"
    await page.get_by_label("Value").first.fill("90s")
    await page.get_by_role("button", name="Write it as text").click()
    yield "a policy as text"
    await page.get_by_label("Condition").fill("talk >= 90s and regoin = CA")
    await page.get_by_role("button", name="Keep this policy").click()
    yield "a text that is not right"
    await page.get_by_role("button", name="Back without it").click()
    await page.get_by_role("button", name="Remove revenue: Billed").click()
    yield "a side without a policy"
    await page.get_by_label("First day").fill("2026-08-01")
    await page.get_by_role("button", name="Try them").click()
    yield "terms that were tried"
    await page.get_by_label("Hours by name").fill("lunch")
    await page.get_by_role("button", name="Save the terms").click()
    yield "what cannot be saved"
    await page.goto(f"{PAGE}?version=trm_first")
    yield "an earlier version"


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_every_state_fits_reads_well_and_is_accessible(
    chromium: Browser, site: str, sqlite_parts: Parts, width: int, scheme: Literal["light", "dark"]
) -> None:
    await priced.fill(sqlite_parts)
    page, said = await opened(chromium, site, width, scheme)
    assert await faults(page, states(page)) == []
    assert [line for line in said if "422" not in line] == []
    await page.context.close()


async def test_a_statement_fits_on_paper_without_the_bar(
    chromium: Browser, site: str, sqlite_parts: Parts, tmp_path: Any
) -> None:
    await priced.fill(sqlite_parts)
    page = await signed_in(chromium, site)
    await page.goto("/statements/sta_august")
    await expect(page.get_by_role("heading", name="Statement, August 2026")).to_be_visible()
    await page.emulate_media(media="print", color_scheme="dark")
    await page.set_viewport_size({"width": 718, "height": 1000})  # of A4 between its margins
    for gone in (".side", ".top", ".crumb", ".actions"):
        await expect(page.locator(gone).first).to_be_hidden()
    await expect(page.get_by_text("No. sta_august")).to_be_visible()
    await expect(page.get_by_role("columnheader", name="Why")).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    paper = await page.pdf(prefer_css_page_size=True)
    assert paper.count(b"/Type /Page\n") == 1, "three lines and their sums are one sheet"
    [size] = set(re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", paper))
    assert [round(float(side)) for side in size] == [595, 842], "A4"
    await page.context.close()


async def test_hostile_texts_are_shown_and_do_nothing(chromium: Browser, site: str, sqlite_parts: Parts) -> None:
    await priced.fill(sqlite_parts)
    fit = [text for text in HOSTILE if text.isprintable()]
    bonuses = [
        {"name": text[:90], "when": f'keyword = "{text[:90]}" or sale'.replace('""', '"'), "amount": n}
        for n, text in enumerate(fit)
        if '"' not in text and "\\" not in text
    ]
    hostile = {**priced.TERMS, "payout": {"base": {"name": "<b>x</b>", "amount": 1}, "bonuses": bonuses}}
    await priced.version(sqlite_parts, "hostile", hostile, ago_ms=25 * priced.DAY)
    await priced.settle_all(sqlite_parts)
    at = {"at_ms": START_MS, "by_id": "x", "call_id": "call_google"}
    owners = {"campaign_id": "cmp_1", "publisher_id": "pub_1", "side": "payout", "state": "denied"}
    for n, text in enumerate(HOSTILE):
        dispute = {"id": f"dsp_{n}", "reason": text, "note": text, "by_name": text, "decided_by_name": text}
        await insert_rows(sqlite_parts, schema.dispute, {**dispute, **at, **owners, "decided_at_ms": START_MS})
        correction = {"id": f"adj_{n}", "payout": n, "revenue": None, "reason": text, "by_name": text}
        await insert_rows(sqlite_parts, schema.adjustment, {**correction, **at})
    page, said = await opened(chromium, site, 390, "light")
    for path in (PAGE, "/calls/call_google", "/calls/call_short", "/disputes", "/disputes/dsp_0", "/disputes/dsp_7"):
        await page.goto(path)
        await calm(page)
    await page.goto(PAGE)
    await page.get_by_role("button", name="Edit payout:").first.click()
    await calm(page)
    await page.get_by_role("button", name="Show it as a form").click()
    await calm(page)
    assert [line for line in said if "422" not in line] == []
    await page.context.close()
