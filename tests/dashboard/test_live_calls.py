"""A call of a carrier, played against the real service, as somebody watches it on the overview in a real browser."""

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from twilio.request_validator import RequestValidator

from dni.clock import SystemClock
from tests.support.service import Service
from tests.support.until import until

NUMBER, OWN, ANNA, CALLER = "+14155550120", "+14155550199", "+14155550131", "+13125550142"
AUTH_TOKEN = "a-token-as-long-as-twilios-own"
CALL, LEG = "CA" + "1" * 32, "CA" + "2" * 32
LONGEST_MS = 1_000

# What the list says, each time that it changes, and when.
WATCH = """() => {
  const list = document.querySelector('.on-phone');
  window.seen = [];
  new MutationObserver(() => seen.push([Date.now(), list.innerText])).observe(list, {childList: true, subtree: true});
}"""


class Twilio:
    """Asks the service as Twilio does, and follows what it answers."""

    def __init__(self, http: httpx.AsyncClient, carrier: dict[str, Any]) -> None:
        self._http, self._carrier = http, carrier
        self._validator = RequestValidator(AUTH_TOKEN)

    async def post(self, url: str, status: str, **fields: str) -> tuple[httpx.Response, int]:
        """The answer, and when it was there, in ms."""
        usual = {"CallSid": CALL, "AccountSid": "AC1", "From": CALLER, "To": NUMBER, "CallStatus": status}
        told = {**usual, "Direction": "inbound", "ApiVersion": "2010-04-01", **fields}
        headers = {
            "X-Twilio-Signature": self._validator.compute_signature(url, told),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = await self._http.post(url, content=urlencode(told), headers=headers)
        assert answer.status_code in (200, 204), answer.text
        return answer, SystemClock().now_ms()

    async def inbound(self) -> tuple[httpx.Response, int]:
        return await self.post(self._carrier["inbound_url"], "ringing")

    async def status(self, status: str, **fields: str) -> int:
        return (await self.post(self._carrier["status_url"], status, **fields))[1]


@pytest.fixture
async def twilio(service: Service) -> Any:
    """A campaign whose callers hear a menu, then reach Anna."""
    async with httpx.AsyncClient(base_url=service.url, headers=service.headers, trust_env=False, timeout=20) as http:

        async def made(noun: str, **fields: Any) -> dict[str, Any]:
            answer = await http.post(f"/api/v1/{noun}", json=fields)
            assert answer.status_code == 201, answer.text
            return dict(answer.json())

        campaign = await made("campaigns", name="Spring", destination=OWN, timezone="America/New_York")
        await made("numbers", number=NUMBER, campaign=campaign["id"], source="billboard")
        anna = await made("destinations", campaign=campaign["id"], name="Anna", number=ANNA)
        carrier = await made("carriers", kind="twilio", name="Main", account_sid="AC1", auth_token=AUTH_TOKEN)
        steps = [
            {"id": "ask", "do": "menu", "prompt": {"text": "For sales, press 1."}, "keys": {"1": "Sales"}},
            {"id": "sales", "do": "connect", "destinations": [{"destination": anna["id"]}]},
        ]
        answer = await http.put(f"/api/v1/campaigns/{campaign['id']}/routing", json={"steps": steps})
        assert answer.status_code == 200, answer.text
        yield Twilio(http, carrier)


async def shown_after(page: Page, words: str, since_ms: int) -> float:
    """Milliseconds until the list said so; `""`: until nobody was in it."""
    find = "words => seen.find(([at, text]) => words ? text.includes(words) : !text.trim())?.[0]"

    async def is_shown() -> bool:
        return await page.evaluate(find, words) is not None

    await until(is_shown, words or "nobody")
    return float(await page.evaluate(find, words)) - since_ms


async def test_a_call_appears_and_ends_on_the_overview_within_a_second(
    chromium: Browser, service: Service, twilio: Twilio
) -> None:
    page = await (await chromium.new_context(base_url=service.url)).new_page()
    await page.goto("/signin")
    await page.get_by_text("Sign in with a token").click()
    await page.get_by_label("Token").fill(service.admin_token)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/overview")
    await expect(page.locator("[data-live-state]")).to_be_visible()
    await page.evaluate(WATCH)
    took: dict[str, float] = {}

    answer, at = await twilio.inbound()
    took["In the menu"] = await shown_after(page, "In the menu", at)
    gather = ElementTree.fromstring(answer.text).find(".//Gather")  # noqa: S314  our own answer
    assert gather is not None

    answer, at = await twilio.post(gather.attrib["action"], "in-progress", Digits="1", msg="Gather End")
    assert ANNA in answer.text
    took["Connecting"] = await shown_after(page, "Connecting", at)

    at = await twilio.status("in-progress", CallSid=LEG, ParentCallSid=CALL, To=ANNA, Direction="outbound-dial")
    took["Talking"] = await shown_after(page, "Talking", at)

    await page.evaluate("seen.length = 0")
    ended = {"CallSid": LEG, "ParentCallSid": CALL, "To": ANNA, "Direction": "outbound-dial", "CallDuration": "7"}
    await twilio.status("completed", **ended)
    at = await twilio.status("completed", CallDuration="12")
    took["gone"] = await shown_after(page, "", at)
    await expect(page.get_by_text("Nobody.")).to_be_visible()

    assert {what: ms for what, ms in took.items() if ms > LONGEST_MS} == {}
    await until_told(page)
    await page.context.close()


async def until_told(page: Page) -> None:
    """The call's own page tells the way that it took."""
    await page.goto("/calls")
    await page.locator("a.open").click()
    story = page.get_by_role("main")
    for words in ("ask", "1 was pressed: Sales.", "Rings Anna.", "Destinations tried"):
        await expect(story).to_contain_text(words)
