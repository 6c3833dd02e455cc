"""The whole story of the README, step by step, in real Chromium on what `make run` serves."""

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, expect
from twilio.request_validator import RequestValidator

from tests.conftest import NewContext
from tests.support.make_run import MakeRun, running

BUSINESS = "+14155550100"
CALLER = "+12125550142"
AUTH_TOKEN = "a-token-as-long-as-twilios-own"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[MakeRun]:
    with running(tmp_path / "data") as service:
        yield service


class Visitor:
    """A person with a browser of his own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.lease: dict[str, object] = {}

    @classmethod
    async def new(cls, context: BrowserContext) -> "Visitor":
        return cls(await context.new_page())

    async def land(self, url: str) -> str:
        """Opens the landing page; the tracking number that he sees, E.164."""
        async with self.page.expect_response("**/v1/lease") as answered:
            await self.page.goto(url)
        self.lease = await (await answered.value).json()
        await expect(self.page.locator("body")).not_to_contain_text("555-0100", use_inner_text=True)
        return await self.number()

    async def number(self) -> str:
        """Text and link of every place must say the same number."""
        links = await self.page.eval_on_selector_all("a[href^='tel:']", "all => all.map(a => a.getAttribute('href'))")
        texts = re.findall(r"\(?\b415\)?[-. ]+555[-. ]+\d{4}", await self.page.inner_text("body"))
        numbers = {href.removeprefix("tel:") for href in links}
        numbers |= {"+1" + re.sub(r"\D", "", text) for text in texts}
        assert len(links) >= 2
        assert len(texts) >= 2
        [number] = numbers
        return str(number)


async def test_one_visit_one_number_one_call_one_answer(made: MakeRun, new_context: NewContext) -> None:
    # Two visitors come by an ad; each sees a number of his own, and keeps it.
    ann, ben = await Visitor.new(await new_context()), await Visitor.new(await new_context())
    shown = await ann.land(made.demo_page)
    assert shown != BUSINESS
    assert await ben.land(made.demo_page) not in (BUSINESS, shown)
    assert await ann.land(made.demo_page) == shown
    assert ann.complaints == ben.complaints == []

    # The owner connects his carrier.
    with made.client() as api:
        campaign = api.get("/api/v1/campaigns").json()["data"][0]
        new = {"kind": "twilio", "name": "My Twilio", "account_sid": "AC" + "1" * 32, "auth_token": AUTH_TOKEN}
        carrier = api.post("/api/v1/carriers", json=new).raise_for_status().json()
        assert AUTH_TOKEN not in str(carrier)

        # Ann calls. The carrier is told to connect her to the campaign's destination.
        fields = {"CallSid": "CA" + "2" * 32, "AccountSid": new["account_sid"], "From": CALLER, "To": shown}
        fields |= {"CallStatus": "ringing", "Direction": "inbound", "ApiVersion": "2010-04-01", "CallerName": ""}
        twiml = post_as_twilio(carrier["inbound_url"], fields)
        assert twiml.status_code == 200
        assert re.search(rf"<Number[^>]*>{re.escape(campaign['destination'])}</Number>", twiml.text)

        # They speak, and it ends.
        for status in ("in-progress", "completed"):
            ended = {**fields, "CallStatus": status, "CallDuration": "95", "SequenceNumber": "2"}
            assert post_as_twilio(carrier["status_url"], ended).status_code == 204

        # The API knows what made the phone ring.
        [call] = api.get("/api/v1/calls").json()["data"]
        landing = made.demo_page
        expected = {
            "source": "google",
            "medium": "cpc",
            "campaign_name": "spring",
            "keyword": "emergency plumber",
            "click_ids": {"gclid": "x"},
            "landing_page": landing,
            "status": "completed",
            "answered": True,
            "duration": 95,
            "caller": CALLER,
            "tracking_number": shown,
            "campaign": campaign["id"],
            "destination": campaign["destination"],
        }
        assert {name: call[name] for name in expected} == expected
        attribution = call["attribution"]
        assert attribution["session"] == ann.lease["session"]
        assert attribution["method"] == "current"
        assert 0.95 < attribution["confidence"] < 1

    # He signs in with the link of the terminal, and reads it.
    owner = await (await new_context()).new_page()
    await owner.goto(made.sign_in)
    await owner.get_by_role("button", name="Sign in").click()
    await owner.wait_for_url("**/overview")
    assert "google / cpc" in await owner.inner_text("main")
    await owner.get_by_role("link", name="Calls", exact=True).click()
    row = await owner.locator("table tbody tr").first.inner_text()
    for word in ("google", "cpc", "spring", "emergency plumber", "/demo/", "1:35"):
        assert word in row, row
    await owner.locator("table tbody tr a").first.click()
    story = await owner.inner_text("main")
    for word in ("google", "emergency plumber", "/demo/", str(ann.lease["session"])):
        assert word in story, story

    # The command that the README shows does the same for whoever has no carrier yet: Ben's visit was the last lease.
    command = [sys.executable, "-m", "dni", "demo", "call", "--data-dir", str(made.data_dir)]
    rung = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await rung.communicate()
    assert rung.returncode == 0
    assert campaign["destination"] in said.decode()
    with made.client() as api:
        newest = api.get("/api/v1/calls").json()["data"][0]
    assert newest["attribution"]["session"] == ben.lease["session"]
    assert newest["talk_seconds"] == 95


def post_as_twilio(url: str, fields: dict[str, str]) -> httpx.Response:
    signature = RequestValidator(AUTH_TOKEN).compute_signature(url, fields)
    with httpx.Client(trust_env=False) as carrier:
        return carrier.post(url, data=fields, headers={"X-Twilio-Signature": signature})
