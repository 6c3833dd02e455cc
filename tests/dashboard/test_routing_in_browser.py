"""The routing editor in a real browser: by keyboard alone, without script, at phone width, in every state."""

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from dni.ledger import schema
from dni.parts import Parts
from dni.routing.model import Routing
from tests.dashboard import routed
from tests.dashboard.samples import insert_rows
from tests.dashboard.test_forms_in_browser import press, reach, signed_in, site, write
from tests.dashboard.test_in_browser import LOW_CONTRAST, UNNAMED, opened
from tests.dashboard.test_quality import AXE, HOSTILE

__all__ = ["site"]

PAGE = "/campaigns/cmp_1/routing"


@pytest.fixture
async def empty(site: str, sqlite_parts: Parts) -> str:
    """A campaign with destinations and no step."""
    await routed.fill(sqlite_parts)
    await routed.live(sqlite_parts, {"steps": []})
    return site


def live(parts: Parts) -> Routing:
    return parts.catalog.now.campaigns["cmp_1"].routing


async def test_a_menu_and_its_destinations_are_made_by_keyboard(
    chromium: Browser, site: str, sqlite_parts: Parts
) -> None:
    page = await signed_in(chromium, site)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto("/campaigns/cmp_1")
    for name, number in (("Anna", "415 555 0131"), ("Bob", "415 555 0132")):
        await press(page, "New destination", leads_to="/destinations/new")
        await write(page, Name=name, Phone_number=number, Opening_hours="24/7")
        await reach(page, "At once")
        await page.keyboard.type("2")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_have_text("Destination created.")
        await expect(page.get_by_role("status")).to_be_focused()

    await press(page, "Set it up", leads_to="/routing")
    await press(page, "Menu")
    await expect(page.get_by_role("heading", level=1)).to_have_text("1 · Menu")
    await write(page, **{"Text,_read_aloud": "For sales press 1."}, Keys="1 = Sales")
    await press(page, "Keep this step")
    await expect(page.locator("#step-0")).to_be_focused()
    await expect(page.locator("#step-0")).to_contain_text("waits for a key: 1 Sales")

    await press(page, "Connect")
    await expect(page.get_by_role("heading", level=1)).to_have_text("2 · Connect")
    await write(page, Turn="1")
    await reach(page, "Only when …")
    await page.keyboard.press("Enter")
    await reach(page, "1 Sales")
    await page.keyboard.press("Space")
    await press(page, "Keep this step")
    await expect(page.locator("#step-1")).to_contain_text("When 1 (Sales) was pressed in “menu”")

    await reach(page, "Caller")
    await page.keyboard.type("312 555 0142")
    await page.keyboard.press("Enter")  # as its button does
    await expect(page.get_by_role("heading", name="What would happen")).to_be_focused()
    await expect(page.get_by_text("A phone rings: (415) 555-0199")).to_be_visible()
    assert live(sqlite_parts) == Routing()

    await press(page, "Save, and use it")
    await expect(page.get_by_role("status")).to_have_text("Saved: calls go this way from now on.")
    await expect(page.get_by_role("status")).to_be_focused()
    assert [step.id for step in live(sqlite_parts).steps] == ["menu", "connect"]
    assert said == []
    await page.context.close()


async def test_it_works_without_script_on_a_phone(chromium: Browser, empty: str, sqlite_parts: Parts) -> None:
    page = await signed_in(chromium, empty, script=False)
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.goto(PAGE)
    await page.get_by_role("button", name="Begin with it Sales or service").click()
    await page.get_by_role("button", name="Down step 2: sales").click()
    await page.get_by_role("button", name="Edit step 3: sales").click()
    await page.get_by_label("Record the call").check()
    await page.get_by_role("button", name="Keep this step").click()
    await page.get_by_label("Pressed in “menu”").select_option("1")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.locator(".scenes")).to_contain_text("3 · Connect “sales” taken")
    await page.get_by_label("Block list", exact=True).fill("nobody")
    await page.get_by_role("button", name="Save the routing").click()
    await expect(page.get_by_role("alert")).to_contain_text("Block list: Line 1: not a phone number")
    await page.get_by_label("Block list", exact=True).fill("(415) 555-0166")
    await page.get_by_role("button", name="Save, and use it").dblclick()
    await expect(page.get_by_role("status")).to_have_text("Saved: calls go this way from now on.")
    assert [step.id for step in live(sqlite_parts).steps] == ["menu", "service", "sales"]
    assert live(sqlite_parts).blocked == ("+14155550166",)
    await page.context.close()


async def states(page: Page) -> AsyncIterator[str]:
    """Every look that the editor has, one after the other."""
    await page.goto(PAGE)
    yield "the steps"
    await page.get_by_label("When").fill("2026-11-23T10:00")
    await page.get_by_role("button", name="Try it").click()
    yield "a call that was tried"
    await page.get_by_role("button", name="Remove step 3").click()
    yield "a step that is not right yet"
    await page.get_by_role("button", name="Save, and use it").click()
    yield "what cannot be saved"
    for kind in ("Say", "Menu", "Connect", "Voicemail", "Message", "Reject"):
        await page.get_by_role("button", name=kind, exact=True).click()
        yield f"a new step: {kind}"
        if kind != "Reject":
            await page.get_by_role("button", name="Keep this step").click()
            yield f"what is wrong with it: {kind}"
        await page.get_by_role("button", name="Back without it").click()
    await page.get_by_role("button", name="Edit step 3").click()
    yield "a step"


async def faults(page: Page, states: AsyncIterator[str]) -> list[str]:
    """What axe finds in each state of a page, by name; none may be too wide, too pale, or have what has no name."""
    source, found = AXE.read_text(), []
    async for state in states:
        await page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true })")
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, state
        assert await page.evaluate(LOW_CONTRAST) == [], state
        assert await page.evaluate(UNNAMED) == [], state
        await page.evaluate(source)
        result: dict[str, Any] = await page.evaluate("axe.run({resultTypes: ['violations']})")
        found += [
            f"{state}: {fault['id']} {node['html'][:160]}"
            for fault in result["violations"]
            if fault["impact"] in ("serious", "critical", "moderate")
            for node in fault["nodes"]
        ]
    return found


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_every_state_fits_reads_well_and_is_accessible(
    chromium: Browser, site: str, sqlite_parts: Parts, width: int, scheme: Literal["light", "dark"]
) -> None:
    await routed.fill(sqlite_parts)
    page, said = await opened(chromium, site, width, scheme)
    assert await faults(page, states(page)) == []
    assert [line for line in said if "422" not in line] == []
    await page.context.close()


async def test_hostile_names_are_shown_and_do_nothing(chromium: Browser, site: str, sqlite_parts: Parts) -> None:
    await routed.fill(sqlite_parts)
    for n, name in enumerate(HOSTILE):
        row = routed.destination(f"hostile{n}", name, f"+141555501{n + 40}")
        await insert_rows(sqlite_parts, schema.destination, row)
    steps: list[dict[str, Any]] = [
        {"id": f"menu{n}", "do": "menu", "prompt": {"text": text[:900]}, "keys": {"1": text[:100]}}
        for n, text in enumerate(HOSTILE)
        if all(char.isprintable() for char in text[:900])
    ]
    every = [{"destination": f"dst_hostile{n}", "priority": n + 1} for n in range(len(HOSTILE))]
    custom = {text[:60]: text[:200] for text in HOSTILE}
    when = {"custom": custom, "sources": HOSTILE[:3]}
    steps.append({"id": "all", "do": "connect", "destinations": every, "when": when})
    await routed.live(sqlite_parts, {"steps": steps})
    page, said = await opened(chromium, site, 390, "light")
    await page.goto("/campaigns/cmp_1")
    await calm(page)
    await page.goto(PAGE)
    await calm(page)
    await page.get_by_role("button", name="Try it").click()
    await calm(page)
    await page.get_by_role("button", name=f"Edit step {len(steps)}").click()
    await calm(page)
    await page.get_by_role("button", name="Keep this step").click()
    await calm(page)
    for n in range(len(HOSTILE)):
        await page.goto(f"/destinations/dst_hostile{n}/edit")
        await calm(page)
    assert [line for line in said if "422" not in line] == []
    await page.context.close()


async def calm(page: Page) -> None:
    """Nothing ran, nothing became markup, nothing is too wide."""
    assert "DNI" in await page.title()
    assert await page.locator("main script:not([src^='/static/']), main svg, main style, main h1 ~ h1").count() == 0
    assert await page.locator("h1").count() == 1
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url
