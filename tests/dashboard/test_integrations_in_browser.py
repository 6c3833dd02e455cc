"""Integrations in a real browser: made by keyboard alone, without script on a phone, and accessible in every state."""

import re
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from dni.ledger import schema
from dni.outbound import endpoints
from dni.outbound.endpoints import EndpointView
from dni.outbound.kinds import KINDS
from dni.outbound.model import TYPES
from dni.parts import Parts
from tests.dashboard import integrated
from tests.dashboard.integrated import dlv
from tests.dashboard.samples import insert_rows
from tests.dashboard.test_forms_in_browser import press, reach, signed_in, site, write
from tests.dashboard.test_in_browser import opened
from tests.dashboard.test_quality import HOSTILE
from tests.dashboard.test_routing_in_browser import faults

__all__ = ["site"]


async def named(parts: Parts, name: str) -> EndpointView:
    async with parts.ledger.read() as connection:
        found, _ = await endpoints.page(connection, 50)
    return next(one for one in found if one.name == name)


async def test_a_webhook_is_made_by_keyboard(chromium: Browser, site: str, sqlite_parts: Parts) -> None:
    page = await signed_in(chromium, site)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto("/integrations")
    await press(page, "New integration", leads_to="/integrations/new")
    await press(page, "Webhook", leads_to="kind=webhook")
    await reach(page, "Name")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("Ours")
    await write(page, Address="https://crm.example/calls")
    await reach(page, "Call started")
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")  # as its button does
    await expect(page.get_by_role("status").first).to_be_focused()
    await expect(page.get_by_role("status").first).to_contain_text("it is shown this once only")
    assert (await page.get_by_label("The secret", exact=True).inner_text()).startswith("whsec_")
    made = await named(sqlite_parts, "Ours")
    assert made.events == [one for one in TYPES if one != "call.started"]
    await press(page, "I have copied it", leads_to=f"/integrations/{made.id}")
    await press(page, "Pause")
    await expect(page.get_by_role("status")).to_be_focused()
    assert (await named(sqlite_parts, "Ours")).paused
    assert said == []
    await page.context.close()


async def test_what_is_wrong_has_the_focus_and_leads_to_its_field(chromium: Browser, site: str) -> None:
    page = await signed_in(chromium, site)
    await page.goto("/integrations/new?kind=webhook")
    await write(page, Address="ftp://crm.example")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_focused()
    await press(page, "Address")
    assert await page.evaluate("document.activeElement.name") == "url"
    assert await page.get_by_label("Address", exact=True).get_attribute("aria-invalid") == "true"
    await expect(page.get_by_label("Address", exact=True)).to_have_value("ftp://crm.example")
    await page.context.close()


async def test_all_of_it_works_without_script_on_a_phone(chromium: Browser, site: str, sqlite_parts: Parts) -> None:
    await integrated.fill(sqlite_parts)
    page = await signed_in(chromium, site, script=False)
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.goto("/integrations/new?kind=postback")
    await page.get_by_role("button", name="TUNE").click()
    address = page.get_by_label("Address", exact=True)
    await address.fill((await address.input_value()).replace("<DOMAIN>", "n.example").replace("<OFFER ID>", "7"))
    await page.get_by_role("button", name="Create it").dblclick()
    await expect(page.get_by_role("status")).to_contain_text("Created.")
    made = await named(sqlite_parts, "Postback")
    assert made.settings["url"].startswith("https://n.example/aff_lsr?offer_id=7&transaction_id={sub1!}")

    await page.goto("/integrations/end_fails")
    await page.get_by_role("link", name="Given up").click()
    await page.get_by_label("What happened").select_option("Call qualified")
    await page.get_by_role("button", name="Show").click()
    assert "state=dead" in page.url
    await expect(page.get_by_role("row")).to_have_count(3)
    await page.get_by_role("button", name=re.compile("Send again")).first.click()
    await expect(page.get_by_role("status")).to_contain_text("It is sent again")
    await page.goto("/integrations/end_fails/send")
    await page.get_by_role("button", name="Send them again").click()
    await expect(page.get_by_role("status")).to_contain_text("1 is sent again.")
    await page.context.close()


async def states(page: Page) -> AsyncIterator[str]:
    """Every look of the room, one after the other."""
    yield "the overview with trouble"
    await page.goto("/integrations")
    yield "the list"
    await page.get_by_role("link", name="New integration").click()
    yield "the kinds"
    for kind in KINDS:
        await page.goto(f"/integrations/new?kind={kind}")
        yield f"a new {kind}"
    await page.goto("/integrations/new?kind=webhook")
    await page.get_by_label("Name", exact=True).fill("")
    await page.get_by_role("button", name="Create it").click()
    yield "what cannot be made"
    await page.get_by_label("Name", exact=True).fill("Ours")
    await page.get_by_label("Address", exact=True).fill("https://crm.example")
    await page.get_by_role("button", name="Create it").click()
    yield "a secret"
    await page.get_by_role("link", name="I have copied it").click()
    yield "one that is new"
    await page.goto("/integrations/new?kind=postback")
    await page.get_by_role("button", name="TUNE").click()
    yield "a preset"
    for wanted in ("end_ok", "end_fails", "end_rests", "end_fails?state=dead", "end_ok?state=waiting"):
        await page.goto(f"/integrations/{wanted}")
        yield f"the page of {wanted}"
    for door in ("edit", "delete", "rotate", "send", "test"):
        await page.goto(f"/integrations/end_ok/{door}")
        yield f"the form {door}"
    await page.get_by_role("button", name="Send it now").click()
    yield "what was tried"
    for number in (5, 6, 7, 10):
        await page.goto(f"/deliveries/{dlv(number)}")
        yield f"delivery {number}"
    await page.goto("/calls/call_google")
    yield "a call that was told"


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_every_state_fits_reads_well_and_is_accessible(
    chromium: Browser, site: str, sqlite_parts: Parts, width: int, scheme: Literal["light", "dark"]
) -> None:
    await integrated.fill(sqlite_parts)
    page, said = await opened(chromium, site, width, scheme)
    await page.goto("/overview")
    assert await faults(page, states(page)) == []
    assert [line for line in said if "422" not in line] == []
    await page.context.close()


async def test_hostile_texts_are_shown_and_do_nothing(chromium: Browser, site: str, sqlite_parts: Parts) -> None:
    """Of who is told, and of who answers."""
    for n, hostile in enumerate(HOSTILE):
        url = f"https://h{n}.example/?x={hostile}"
        told = integrated.endpoint(f"h{n}", hostile[:200], settings={"url": url, "fields": None, "role": "staff"})
        sick = integrated.health(f"h{n}", failures=1, failing_since_ms=1, failed_ms=1, why=hostile)
        await insert_rows(sqlite_parts, schema.endpoint, told)
        await insert_rows(sqlite_parts, schema.endpoint_health, sick)
        message = integrated.message(900 + n, "call.qualified", "call_google", 1000)
        await insert_rows(sqlite_parts, schema.outbox, message)
        sent = {"method": "GET", "url": url, "body": hostile}
        one = integrated.delivery(900 + n, f"h{n}", 900 + n, "call_google", "dead", 1000, why=hostile, request=sent)
        await insert_rows(sqlite_parts, schema.delivery, one)
        tried = integrated.attempt(n, 1, 1000, "again", why=hostile, answer=hostile)
        await insert_rows(sqlite_parts, schema.delivery_attempt, {**tried, "delivery_id": dlv(900 + n, 1000)})
    page, said = await opened(chromium, site, 390, "light")
    each = [
        path for n in range(len(HOSTILE)) for path in (f"/integrations/end_h{n}", f"/deliveries/{dlv(900 + n, 1000)}")
    ]
    for path in ("/integrations", "/overview", "/calls/call_google", *each):
        await page.goto(path)
        assert "DNI" in await page.title(), path
        assert await page.locator("main script:not([src^='/static/']), main svg, main style, main h1 ~ h1").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    assert said == []
    await page.context.close()
