"""Advertiser, publishers and marketer, from nothing to paid calls, as docs/pay-per-call.md tells it: with its file, its
commands and its figures, in a real browser."""

import asyncio
import re
import shlex
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, expect

from dni.clock import SystemClock, rfc3339
from tests.conftest import NewContext
from tests.support.service import Service

GUIDE = (Path(__file__).parents[2] / "docs" / "pay-per-call.md").read_text()
RINGS = re.findall(r"^\.venv/bin/dni (demo call .*) --data-dir pay$", GUIDE, re.MULTILINE)
TABLE = re.findall(r"^\| (from|by) .* \| (.*) \| ([\d.]+) \| ([\d.]+) \|$", GUIDE, re.MULTILINE)
OPEN, OVER = "Mo-Su 06:00-23:00", "Mo-Su 03:00-03:01"
RADIO = "(415) 555-0140"
CALLERS = ("(702) 555-0142", "(415) 555-0143", "(512) 555-0144")
ROOMS = ("/overview", "/calls", "/sources", "/keywords", "/payouts", "/statements", "/disputes", "/tags", "/numbers",
         "/pools", "/publishers", "/campaigns")  # fmt: skip
PASSWORD = "crimson ladder 42"


@pytest.fixture
def api(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{service.url}/api/v1", headers=service.headers, trust_env=False) as client:
        yield client


async def test_from_nothing_to_statements_that_agree_to_the_cent(
    service: Service, api: httpx.Client, new_context: NewContext
) -> None:
    assert (len(RINGS), len(TABLE)) == (5, 5)
    file = service.data_dir.parent / "pay.toml"
    file.write_text(declared())
    assert "create     campaign Bay Plumbing" in await dni(service, "apply", str(file))
    assert not re.search("create|update", await dni(service, "apply", str(file)))
    publishers = {one["name"]: one["id"] for one in listed(api, "/publishers")}
    [campaign], [tag] = listed(api, "/campaigns"), listed(api, "/tags")

    admin = await signed_in(service, await new_context())
    ads, radio, advertiser = [
        await invited(service, await new_context(), role, wall, owner)
        for role, wall, owner in (
            ("publisher", "--publisher", publishers["Bay Ads"]),
            ("publisher", "--publisher", publishers["Valley Radio"]),
            ("advertiser", "--campaign", campaign["id"]),
        )
    ]

    # Each publisher finds what it needs to begin: a snippet, a number to read out.
    await ads.goto(f"{service.url}/tags/{tag['id']}")
    await expect(ads.get_by_role("group", name="The snippet")).to_contain_text(f"/t/{tag['key']}.js")
    await radio.goto(f"{service.url}/numbers")
    await expect(radio.locator("main")).to_contain_text(RADIO)

    # Four calls to the number that a visitor from an ad was shown.
    leased = await a_visitors_number(service, admin, tag["id"])
    for line in RINGS[:4]:
        await dni(service, *shlex.split(line.replace("TRACKING_NUMBER", leased)))

    # The fifth after hours: by terms that apply from now on, which were tried on the first four.
    await admin.goto(f"{service.url}/campaigns/{campaign['id']}/terms")
    await admin.get_by_label("Hours by name").fill(f"business = {OVER}")
    await admin.get_by_role("button", name="Try them").click()
    await expect(admin.locator("main")).to_contain_text("Payouts would be 25.00 USD less, revenue 40.00 USD less")
    await admin.get_by_role("button", name="Save these terms").click()
    await expect(admin.get_by_role("status").first).to_contain_text("Saved")
    await dni(service, *shlex.split(RINGS[4]))

    calls = listed(api, "/calls")[::-1]
    assert [amounts(call) for call in calls] == [(cents(payout), cents(revenue)) for _, _, payout, revenue in TABLE]
    assert [call["sub1"] for call in calls] == [*["creative-7"] * 4, None]
    for call, (_, why, _, _) in zip(calls, TABLE, strict=True):
        for page in (admin, radio if call is calls[4] else ads, advertiser):
            await page.goto(f"{service.url}/calls/{call['id']}")
            await expect(page.locator("main")).to_contain_text(plain(why))

    # The sale.
    await advertiser.get_by_role("link", name="Tell it").click()
    await advertiser.get_by_label("Was something sold?").select_option("Yes")
    await advertiser.get_by_label("What it is worth").fill("300.00")
    await advertiser.get_by_role("button", name="Tell it").click()
    await expect(advertiser.locator("main")).to_contain_text("The advertiser owes 75.00 USD: “A sale” matched.")
    await radio.reload()
    await expect(radio.locator("main")).to_contain_text("30.00 USD")
    await expect(radio.locator("main")).not_to_contain_text("75.00")

    # Everybody's sums, before and after the period is closed.
    await admin.goto(f"{service.url}/payouts")
    for row in ("Bay Ads 25.00 USD 0.00 USD 25.00 USD", "Valley Radio 30.00 USD 0.00 USD 30.00 USD"):
        await expect(admin.get_by_role("row", name=re.compile(row))).to_be_visible()
    await expect(admin.get_by_role("row", name=re.compile("Bay Plumbing.* 115.00 USD 55.00 USD 60.00"))).to_be_visible()
    await advertiser.goto(f"{service.url}/payouts")
    await expect(advertiser.locator("main")).to_contain_text("115.00 USD")
    statements = {name: closed(api, owner) for name, owner in publishers.items()}
    assert [statements[name]["amount"]["amount"] for name in ("Bay Ads", "Valley Radio")] == [2500, 3000]
    for page, name, money in ((ads, "Bay Ads", "25.00 USD"), (radio, "Valley Radio", "30.00 USD")):
        await page.goto(f"{service.url}/payouts")
        await expect(page.locator("main")).to_contain_text(money)
        await page.goto(f"{service.url}/statements/{statements[name]['id']}")
        await expect(page.locator("main")).to_contain_text(money)
    postings = listed(api, "/postings")
    assert sum(one["payout"]["amount"] for one in postings) == 5500
    assert sum(one["revenue"]["amount"] for one in postings) == 11_500

    await sees_nothing_of_the_other(service, radio, [calls[0]["id"], tag["id"]], statements["Bay Ads"]["id"])


async def sees_nothing_of_the_other(service: Service, page: Page, of_other: list[str], statement: str) -> None:
    call, tag = of_other
    for path in (f"/calls/{call}", f"/tags/{tag}", f"/statements/{statement}", f"/calls/{call}/dispute"):
        answer = await page.goto(service.url + path)
        assert answer is not None
        assert answer.status == 404, path
    for room in ROOMS:
        answer = await page.goto(service.url + room)
        assert answer is not None
        assert answer.status == 200, room
        text = await page.content()
        for hidden in ("Bay Ads", "25.00", "40.00", "75.00", "115.00", "creative-7", "555-0120", "555-0199", *CALLERS):
            assert hidden not in text, f"{hidden} on {room}"


def declared() -> str:
    """The guide's file, but for its hours: open now, whenever this runs."""
    [file] = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    now = datetime.fromtimestamp(SystemClock().now_ms() / 1000, ZoneInfo("America/Los_Angeles"))
    opens, closes = (f"{now + timedelta(hours=off):%H:00}" for off in (-2, 3))
    assert OPEN in file
    return str(file).replace(OPEN, f"Mo-Su {opens}-{closes}")


def plain(why: str) -> str | re.Pattern[str]:
    """What stays the same of a reason, whenever and however fast the calls are made."""
    if "seconds ago" in why:
        return re.compile(r"called (just now|an? \w+ ago|\d+ seconds? ago), needed no call within 30 days")
    return f"needed business ({OVER})" if "needed business" in why else why


def cents(text: str) -> int:
    return round(float(text) * 100)


def amounts(call: dict[str, Any]) -> tuple[int, int]:
    return call["payout"]["amount"], call["revenue"]["amount"]


def closed(api: httpx.Client, publisher: str) -> dict[str, Any]:
    """Now: the page closes days that are over."""
    return made(api.post("/statements", json={"publisher": publisher, "to": rfc3339(SystemClock().now_ms())}))


def listed(api: httpx.Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made(api.get(path))["data"]
    return found


def made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def a_visitors_number(service: Service, admin: Page, tag: str) -> str:
    ad = f"{service.url}/tags/{tag}/test?utm_source=google&utm_medium=cpc&sub1=creative-7"
    page = await admin.context.new_page()
    await page.goto(ad)
    await page.get_by_role("button", name="Let it work here").click()
    await page.goto(ad)
    phone = page.locator("a.phone")
    await expect(phone).not_to_have_text("(415) 555-0100")
    return "+1" + re.sub(r"\D", "", await phone.inner_text())


async def dni(service: Service, *words: str) -> str:
    command = (sys.executable, "-m", "dni", *words, "--data-dir", str(service.data_dir))
    ran = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await ran.communicate()
    assert ran.returncode == 0, out.decode()
    return out.decode()


async def signed_in(service: Service, context: BrowserContext) -> Page:
    page = await context.new_page()
    await page.goto(f"{service.url}/signin")
    await page.get_by_text("Sign in with a token").click()
    await page.get_by_label("Token").fill(service.admin_token)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/overview")
    return page


async def invited(service: Service, context: BrowserContext, role: str, wall: str, owner: str) -> Page:
    """By the link that the command prints."""
    told = await dni(service, "account", "create", f"{owner}@example.com", "--role", role, wall, owner)
    [path] = re.findall(r"https?://[^/\s]+(/\S+)", told)
    page = await context.new_page()
    await page.goto(service.url + path)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/overview")
    return page
