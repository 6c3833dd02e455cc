"""A person in front of a browser: opens pages, and hears whatever the tag says to the service or the console."""

import contextlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Error, Page, Request, Response, expect

from tests.support.until import until
from tests.support.world import TARGET

PRINTED = "(415) 555-0100"
"""As pages print TARGET."""
_WITHIN_MS = 5_000


class Visitor:
    """`.asked`: what the tag posted, (door, body), oldest first. `.said`: lines of the console, and page errors."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[dict[str, Any]] = []
        self.network_may_fail = False
        page.set_default_timeout(_WITHIN_MS)
        page.on("console", self._hears)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", self._asks)
        page.on("response", self._answered)

    def complaints(self, *but: str) -> list[str]:
        """What was said, but for lines with these words."""
        return [line for line in self.said if not any(words in line for words in but)]

    def bodies(self, door: str) -> list[dict[str, Any]]:
        """What was posted to `lease` or `signal`."""
        return [body for at, body in self.asked if at == door]

    def signals(self, kind: str) -> list[dict[str, Any]]:
        """Bodies that hold a signal of this type. A view that names no lease may be a report of the page alone."""
        view = [{"type": "view"}]
        return [body for body in self.bodies("signal") if any(one["type"] == kind for one in body["signals"] or view)]

    async def open(self, url: str) -> None:
        await self.page.goto(url)

    async def leased(self, times: int = 1, target: str = TARGET) -> str:
        """The number that the service's answer named last, E.164; waits for that many answers."""
        await until(lambda: len(self.answers) >= times, f"{times} answers to a lease", 10)
        number = self.answers[-1]["numbers"][target]["number"]
        assert isinstance(number, str), self.answers[-1]
        return number

    async def sees(self, selector: str, written: str, number: str) -> None:
        """Waits until the element's text is `written` with the digits of `number` instead of the target's."""
        await expect(self.page.locator(selector)).to_have_text(like(written, number), timeout=_WITHIN_MS)

    async def tag_ran(self) -> None:
        """Waits until the tag has begun, and whatever it does at once is done."""

        async def began() -> bool:
            return bool(await self.page.evaluate("Object.keys(window.__dni || {}).length > 0"))

        await until(began, "the tag begins", 10)
        await self.page.evaluate("new Promise((done) => setTimeout(done))")

    async def text(self, selector: str) -> str:
        return await self.page.inner_text(selector)

    def _hears(self, message: ConsoleMessage) -> None:
        # Chromium itself writes lines for each request that fails; no script can keep it from that.
        if not (self.network_may_fail and message.text.startswith(("Failed to load resource", "Access to fetch at"))):
            self.said.append(message.text)

    def _asks(self, request: Request) -> None:
        door = urlsplit(request.url).path
        if door in ("/v1/lease", "/v1/signal"):
            self.asked.append((door.removeprefix("/v1/"), json.loads(request.post_data or "{}")))

    async def _answered(self, response: Response) -> None:
        if urlsplit(response.url).path == "/v1/lease" and response.ok:
            # A page that is left or closed takes its answers with it; whoever needs this one waits in `leased`.
            with contextlib.suppress(Error):
                self.answers.append(await response.json())


def like(written: str, number: str, target: str = TARGET) -> str:
    """`written` with each place of the target's national digits holding `number` (E.164, North American) instead."""
    gap = r"(\D{0,3})"
    pattern = gap.join(target[2:])
    groups = "".join(digit + rf"\g<{at}>" for at, digit in enumerate(number[2:11], 1)) + number[11]
    changed, count = re.subn(pattern, groups, written)
    assert count, written
    return changed
