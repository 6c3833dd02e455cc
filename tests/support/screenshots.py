"""The pictures of the README: `python -m tests.support.screenshots FOLDER` takes them of what `make run` serves.

Visitors come by different ads, some of them call; each picture is what a browser showed then.
"""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from playwright.async_api import Browser, Page, async_playwright

from tests.support import programs
from tests.support.make_run import MakeRun, running

_VISITS: tuple[tuple[dict[str, str], str, int], ...] = (
    ({"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "may"}, "+12125550110", 41),
    ({"utm_source": "facebook", "utm_medium": "paid_social", "utm_campaign": "water-heaters", "fbclid": "f1"}, "", 0),
    (
        {
            "utm_source": "bing",
            "utm_medium": "cpc",
            "utm_campaign": "drains",
            "utm_term": "blocked drain",
            "msclkid": "m1",
        },
        "+13035550117",
        212,
    ),
    ({}, "+16175550123", 27),
    (
        {
            "utm_source": "google",
            "utm_medium": "cpc",
            "utm_campaign": "spring",
            "utm_term": "emergency plumber",
            "gclid": "x",
        },
        "+12125550142",
        95,
    ),
)


async def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch, running(Path(scratch) / "data") as service:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=programs.chromium(), args=["--headless=new", "--no-sandbox", "--disable-gpu"]
            )
            await asyncio.to_thread(_dni, service, "demo", "fill")
            for query, caller, talk_s in _VISITS:
                number = await _visit(browser, f"{service.url}/demo/?{urlencode(query)}", folder)
                if caller:
                    await asyncio.to_thread(_ring, service, number, caller, talk_s)
            await _dashboard(browser, service, folder)
            await browser.close()


async def _visit(browser: Browser, url: str, folder: Path) -> str:
    """A new visitor's landing page, photographed when the number is swapped; the number that he sees."""
    page = await _page(browser, 1200, 760)
    async with page.expect_response("**/v1/lease"):
        await page.goto(url)
    await page.wait_for_function("!document.body.innerText.includes('555-0100')")
    await page.screenshot(path=folder / "landing.png")
    href = await page.locator("a[href^='tel:']").first.get_attribute("href")
    assert href is not None
    return href.removeprefix("tel:")


def _ring(service: MakeRun, number: str, caller: str, talk_s: int) -> None:
    _dni(service, "demo", "call", "--to", number, "--from", caller, "--talk-seconds", str(talk_s))


def _dni(service: MakeRun, *words: str) -> None:
    command = [sys.executable, "-m", "dni", *words, "--data-dir", str(service.data_dir)]
    subprocess.run(command, check=True, capture_output=True)


async def _dashboard(browser: Browser, service: MakeRun, folder: Path) -> None:
    page = await _page(browser, 1440, 900)
    await page.goto(service.sign_in)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/overview")
    await page.screenshot(path=folder / "overview.png")
    await page.get_by_role("link", name="Sources", exact=True).click()
    await page.screenshot(path=folder / "sources.png")
    await page.get_by_role("link", name="Calls", exact=True).click()
    await page.screenshot(path=folder / "calls.png")
    await page.locator("table tbody tr a").first.click()
    await page.screenshot(path=folder / "call.png", full_page=True)


async def _page(browser: Browser, width: int, height: int) -> Page:
    return await (await browser.new_context(viewport={"width": width, "height": height})).new_page()


if __name__ == "__main__":
    pictures = Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(pictures))
