"""A new user, with the pages alone: from what the terminal prints to an own swapped page and an attributed call."""

import asyncio
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.conftest import NewContext
from tests.support import process
from tests.support.make_run import printed
from tests.support.service import Service

PRINTED = "(212) 555-0143"
NUMBERS = ("(212) 555-0120", "212-555-0121", "+1 212 555 0122")


class Served:
    """`dni serve --demo` on an empty folder, and what its terminal says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "terminal.log"
        command = [sys.executable, "-m", "dni", "serve", "--demo", "--port", str(process.free_port())]
        self._child = process.start([*command, "--data-dir", str(folder / "var")], self.log)
        process.wait_until(lambda: "Ring" in self.log.read_text(), "dni serve --demo", self._child, self.log, 30)
        self.sign_in = printed(self.log.read_text(), "Sign in")

    def stop(self) -> None:
        process.stop(self._child)
        process.kill_group(self._child)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    service = Served(tmp_path)
    yield service
    service.stop()


async def test_from_the_printed_link_to_an_attributed_call_on_an_own_page(
    served: Served, new_context: NewContext
) -> None:
    context = await new_context()
    page = await context.new_page()
    said: list[str] = []
    context.on("console", lambda message: said.append(message.text))
    await page.goto(served.sign_in)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/overview")
    await page.get_by_role("link", name="Set up your own").click()
    await page.get_by_role("link", name="Begin", exact=True).click()

    # 1: where calls go; a slip is told beside its field, and what was typed stays.
    await page.get_by_label("Name").fill("Spring")
    await page.get_by_label("The telephone that rings").fill("12")
    await page.get_by_role("button", name="Save and go on").click()
    await expect(page.get_by_role("alert")).to_contain_text("not a phone number", ignore_case=True)
    await expect(page.get_by_label("Name")).to_have_value("Spring")
    await page.get_by_label("The telephone that rings").fill(PRINTED)
    await page.get_by_role("button", name="Save and go on").click()

    # He leaves, and comes back to where he was.
    await page.wait_for_url("**/numbers")
    await page.goto(served.sign_in.partition("/signin")[0] + "/setup")
    await expect(page.locator("main")).to_contain_text("Spring 1 of 5 steps done")
    await page.get_by_role("link", name="Go on with Spring").click()

    # 2 and 3: numbers and page; the printed number is there already.
    await page.get_by_label("Your tracking numbers").fill("\n".join(NUMBERS))
    await page.get_by_role("button", name="Save and go on").click()
    await expect(page.get_by_label("The number printed on it")).to_have_value(PRINTED)
    await page.get_by_label("Address of your page").fill("www.example.com/contact?x=1")
    await page.get_by_role("button", name="Make the tag").click()

    # 4: the snippet, and the test page, where the number is swapped in text, link and command.
    await expect(page.get_by_role("group", name="The snippet")).to_contain_text('<script async src="http://127.0.0.1:')
    await expect(page.locator("[data-seen]")).to_contain_text("We have not seen your tag yet.")
    test = await opened(context, page, "a Google ad")
    shown = test.locator("a.phone")
    await expect(shown).not_to_have_text(PRINTED)
    number = await shown.inner_text()
    assert number in ("(212) 555-0120", "(212) 555-0121", "(212) 555-0122")
    tracking = "+1" + re.sub(r"\D", "", number)
    await expect(shown).to_have_attribute("href", f"tel:{tracking}")
    await expect(test.get_by_role("group", name="The command that rings")).to_contain_text(f"demo call --to {tracking}")
    await expect(page.locator("[data-seen]")).to_contain_text("We have seen your tag, it swapped")

    # 5: it rings as the page tells to.
    await page.get_by_role("link", name="Go on: the first call").click()
    line = page.get_by_role("group", name="The command that rings")
    while not await line.count():  # the recorder writes a moment later
        await page.get_by_role("link", name="look again").click()
    assert f"--to {tracking}" in await line.inner_text()
    await ring(await line.inner_text())
    await expect(page.locator("[data-seen]")).to_contain_text("It rang: google / cpc brought the call.")
    await page.get_by_role("link", name="Open your calls").click()
    row = page.get_by_role("row").nth(1)
    for words in (number, "google", "cpc", "spring", "emergency plumber", "/test", "1:35"):
        await expect(row).to_contain_text(words)
    await page.goto(served.sign_in.partition("/signin")[0] + "/setup")
    await expect(page.locator("main")).to_contain_text("Spring all 5 steps done")
    assert [words for words in said if "422" not in words] == []


async def test_on_an_empty_ledger_with_a_practice_account_and_a_draft_seen_before_it_is_published(
    service: Service, new_context: NewContext
) -> None:
    context = await new_context()
    page = await context.new_page()
    said: list[str] = []
    context.on("console", lambda message: said.append(message.text))
    await page.goto(f"{service.url}/signin?next=/calls")
    await page.get_by_text("Sign in with a token").click()
    await page.get_by_label("Token").fill(service.admin_token)
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Set up your first number").click()
    await page.get_by_role("link", name="Begin", exact=True).click()
    await page.get_by_label("Name").fill("Spring")
    await page.get_by_label("The telephone that rings").fill(PRINTED)
    await page.keyboard.press("Enter")
    await page.get_by_label("Your tracking numbers").fill("(212) 555-0120")
    await page.get_by_role("button", name="Save and go on").click()
    await page.get_by_role("button", name="Make the tag").click()  # without a page of his own
    test = await opened(context, page, "a newsletter")
    await expect(test.locator("a.phone")).to_have_text("(212) 555-0120")

    # Without a carrier he makes one to practise with, and rings.
    await page.get_by_role("link", name="Go on: the first call").click()
    await page.get_by_role("button", name="Make a practice account").click()
    line = page.get_by_role("group", name="The command that rings")
    while not await line.count():  # the recorder writes a moment later
        await page.get_by_role("link", name="look again").click()
    await ring(await line.inner_text())
    await expect(page.locator("[data-seen]")).to_contain_text("It rang: newsletter / email brought the call.")

    # A rule waits as a draft: who has the link sees it, on the same page others do not.
    await page.goto(f"{service.url}/tags")
    await page.get_by_role("link", name="Spring: test page").click()
    await page.get_by_role("link", name="Rules", exact=True).click()
    await page.get_by_role("link", name="Add a rule").click()
    await page.get_by_label("Medium").fill("email")
    await page.get_by_label("He is shown").select_option(label="the number that is printed on the page")
    await page.get_by_role("button", name="Save in the draft").click()
    await page.get_by_role("link", name="Look at it and publish").click()
    preview = await opened(context, page, "the test page")
    query = "utm_source=newsletter&utm_medium=email&utm_campaign=may"
    await preview.goto(f"{preview.url}&{query}&dni_debug=1")
    await expect(preview.locator("body > div[data-dni=off]")).to_be_attached()
    await expect(preview.locator("a.phone")).to_have_text(PRINTED)
    await test.reload()
    await expect(test.locator("a.phone")).to_have_text("(212) 555-0120")
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_role("status").first).to_contain_text("Published")
    await expect(page.locator("main")).to_contain_text("When the medium is “email”: the page's own number")
    assert said == []


async def opened(context: BrowserContext, page: Page, link: str) -> Page:
    async with context.expect_page() as coming:
        await page.get_by_role("link", name=link).click()
    return await coming.value


async def ring(command: str) -> None:
    """As it stands on the page, but for where this test's own code is."""
    words = shlex.split(command)[1:]
    rung = await asyncio.create_subprocess_exec(sys.executable, "-m", "dni", *words, stdout=asyncio.subprocess.PIPE)
    out, _ = await rung.communicate()
    assert rung.returncode == 0, out.decode()
