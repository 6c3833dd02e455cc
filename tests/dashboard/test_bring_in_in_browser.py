"""Sales are brought in by a real browser: a file, with and without script."""

import socket
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import func, select

from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard import tenants
from tests.dashboard.site import serving
from tests.dashboard.test_forms_in_browser import signed_in

TABLE = "Phone;Date;Amount\r\n(312) 555-0110;2026-09-21 14:00 UTC;1.250,00\r\n"


@pytest.fixture
async def site(sqlite_parts: Parts) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await tenants.fill(sqlite_parts)
        async with serving(sqlite_parts, listener) as address:
            yield address


@pytest.mark.parametrize("script", [True, False])
async def test_a_file_is_seen_then_brought_in(chromium: Browser, site: str, sqlite_parts: Parts, script: bool) -> None:
    page = await signed_in(chromium, site, script=script)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto("/calls")
    await page.get_by_role("link", name="Bring in sales").click()
    file = {"name": "sales.csv", "mimeType": "text/csv", "buffer": TABLE.encode("cp1252")}
    await page.get_by_label("A file").set_input_files(file)  # type: ignore[arg-type]
    await page.get_by_role("button", name="See what would come of it").click()
    await expect(page.get_by_role("heading", name="What would come of it")).to_be_visible()
    await expect(page.get_by_text("sale yes, value 1,250.00 USD")).to_be_visible()
    await page.get_by_role("button", name="Bring this one in").click()
    await expect(page.get_by_role("heading", name="Brought in")).to_be_visible()
    await page.get_by_role("link", name="the call").click()
    await expect(page.get_by_text("1,250.00")).to_be_visible()
    async with sqlite_parts.ledger.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(schema.outcome)) == 1
    assert problems == []
    await page.context.close()
