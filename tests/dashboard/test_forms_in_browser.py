"""Forms in a real browser: by keyboard alone, by an impatient double click, without script, and what is announced."""

import re
import socket
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from dni.parts import Parts
from tests.dashboard.samples import fill
from tests.dashboard.site import serving


@pytest.fixture
async def site(sqlite_parts: Parts) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await fill(sqlite_parts)
        async with serving(sqlite_parts, listener) as address:
            yield address


async def signed_in(browser: Browser, site: str, *, script: bool = True) -> Page:
    context = await browser.new_context(base_url=site, java_script_enabled=script)
    page = await context.new_page()
    await page.goto("/signin")
    await page.get_by_text("Sign in with a token").click()
    await page.get_by_label("Token").fill("t" * 32)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/overview")
    return page


async def reach(page: Page, name: str) -> None:
    """Presses Tab until what is named has the focus."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(
            "(e => e.labels?.[0]?.innerText || e.ariaLabel || e.innerText || '')(document.activeElement)"
        )
        if " ".join(focused.split()).removesuffix(" (optional)") == name:
            return
    raise AssertionError(f"Tab never reaches {name!r} on {page.url}")


async def press(page: Page, name: str, *, leads_to: str | None = None) -> None:
    await reach(page, name)
    await page.keyboard.press("Enter")
    if leads_to:
        await page.wait_for_url(f"**{leads_to}")


async def write(page: Page, **fields: str) -> None:
    for label, value in fields.items():
        await reach(page, label.replace("_", " "))
        await page.keyboard.type(value)


async def test_all_that_a_campaign_needs_is_made_by_keyboard(chromium: Browser, site: str, sqlite_parts: Parts) -> None:
    page = await signed_in(chromium, site)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    note = page.get_by_role("status")

    await press(page, "Campaigns", leads_to="/campaigns")
    await press(page, "New campaign", leads_to="/campaigns/new")
    await write(page, Name="Spring", Calls_go_to="415 555 0190", Time_zone="Pacific")
    await press(page, "Create the campaign")
    await expect(note).to_have_text("Campaign created.")
    await expect(note).to_be_focused()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Spring")
    assert "America/Los Angeles" in await page.inner_text("main")

    await press(page, "Publishers", leads_to="/publishers")
    await press(page, "New publisher", leads_to="/publishers/new")
    await write(page, Name="Ads & Co")
    await page.keyboard.press("Enter")
    await expect(note).to_have_text("Publisher created.")

    await press(page, "Pools", leads_to="/pools")
    await press(page, "New pool", leads_to="/pools/new")
    await write(page, Name="West", Numbers="(415) 555-0101\n")
    await page.keyboard.type("+14155550102 US-CA")
    await press(page, "Create the pool")
    await expect(note).to_have_text("Pool created.")
    await expect(page.get_by_role("row")).to_have_count(3)

    await press(page, "Settings", leads_to="/settings")
    await press(page, "Carriers", leads_to="/settings/carriers")
    await press(page, "New carrier", leads_to="/settings/carriers/new")
    await write(page, Name="Main", Account_SID="AC1")
    await press(page, "Create the carrier")  # without its token
    await expect(page.get_by_role("alert")).to_be_focused()
    await press(page, "Auth token")  # the link to the field
    await expect(page.get_by_label("Auth token")).to_be_focused()
    await page.keyboard.type("secret")
    await page.keyboard.press("Enter")
    await expect(note.first).to_have_text("Carrier created.")
    await expect(page.get_by_role("button", name="Copy: Address for incoming calls")).to_be_visible()

    await press(page, "Settings", leads_to="/settings")
    await press(page, "Tokens", leads_to="/settings/tokens")
    await press(page, "Create a token", leads_to="/settings/tokens/new")
    await write(page, Name="Mary", Role="Marketer")
    await press(page, "Create the token")
    await expect(note.first).to_contain_text("Token created.")
    assert (await page.inner_text("pre")).startswith("dni_")

    now = sqlite_parts.catalog.now
    assert "Spring" in {one.name for one in now.campaigns.values()}
    assert "Ads & Co" in {one.name for one in now.publishers.values()}
    assert now.numbers["+14155550102"].region == "US-CA"
    assert "Main" in {one.name for one in now.carriers.values()}
    assert said == ["Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"]
    await page.context.close()


@pytest.mark.parametrize("script", [True, False])
async def test_a_double_click_makes_one(chromium: Browser, site: str, sqlite_parts: Parts, script: bool) -> None:
    page = await signed_in(chromium, site, script=script)
    await page.goto("/publishers/new")
    await page.get_by_label("Name").fill("Once")
    await page.get_by_role("button", name="Create the publisher").dblclick()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Once")
    await page.goto("/publishers")
    await expect(page.get_by_role("link", name="Once", exact=True)).to_have_count(1)
    await page.context.close()


async def test_a_token_survives_a_double_click(chromium: Browser, site: str) -> None:
    page = await signed_in(chromium, site)
    await page.goto("/settings/tokens/new")
    await page.get_by_label("Role").select_option("marketer")
    await page.get_by_role("button", name="Create the token").dblclick()
    await expect(page.locator("pre")).to_contain_text("dni_")
    await page.context.close()


async def test_errors_keep_what_was_typed_and_the_way_to_each_field(chromium: Browser, site: str) -> None:
    page = await signed_in(chromium, site)
    await page.goto("/pools/new")
    hostile = "<script>document.title='owned'</script>\n\u202eevil\n+14155550101"
    await page.get_by_label("Numbers", exact=True).fill(hostile)
    await page.get_by_role("button", name="Create the pool").click()
    alert = page.get_by_role("alert")
    await expect(alert).to_be_focused()
    await expect(alert).to_contain_text("Name: Fill this in.")
    await expect(page.get_by_label("Numbers", exact=True)).to_have_value(hostile)
    await page.get_by_label("Name").fill("West")
    await page.get_by_role("button", name="Create the pool").click()
    await expect(alert).to_contain_text("Line 1: not a phone number")
    told = "not a phone number; write it like +1 415 555 0100 or (415) 555-0100."
    await expect(page.get_by_label("Numbers", exact=True)).to_have_accessible_description(
        re.compile(rf"One a line, .* Line 1: {re.escape(told)} Line 2: {re.escape(told)}")
    )
    assert "owned" not in await page.title()
    await page.context.close()
