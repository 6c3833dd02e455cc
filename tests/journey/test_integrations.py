"""A call is told to three other systems, as docs/integrations.md tells it: a webhook, TUNE and Google Ads. One of them
breaks, is mended, and gets what it missed. In a real browser, with a real service, over real HTTP."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.async_api import Page, expect
from standardwebhooks import Webhook

from tests.conftest import NewContext, StartService
from tests.journey.test_pay_per_call import declared, dni, listed, signed_in
from tests.support.receiver import Got, Receiver, Reply, receiving
from tests.support.service import Service
from tests.support.until import until

GCLID = "Cj0KCQiA-9wBhDvARIsAAnyVMZ0gk_8wcB"
CLICK = "102f6e0d2a6a4a9f9c7f0f7b3f7b2c"
CALLER = "+14155550143"


@pytest.fixture
def service(start_service: StartService) -> Service:
    """It may send to this machine: whoever receives is a part of the test."""
    return start_service(env={"DNI_OUTBOUND_ALLOW": "127.0.0.1"})


@pytest.fixture
def api(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{service.url}/api/v1", headers=service.headers, trust_env=False) as client:
        yield client


@pytest.fixture
async def world() -> AsyncIterator[Receiver]:
    """Plays the office's own system, TUNE and Google."""
    async with receiving(all_is_well) as receiver:
        yield receiver


def all_is_well(got: Got) -> Reply:
    path = urlsplit(got.path).path
    if path == "/token":
        return json_of({"access_token": "ya29.of-the-test", "token_type": "Bearer", "expires_in": 3599})
    if path == "/aff_lsr":
        return Reply(body=b"success=true;")
    return json_of({"requestId": "r-1"} if path.startswith("/v1/") else {"ok": True})


def tune_is_down(got: Got) -> Reply:
    if urlsplit(got.path).path == "/aff_lsr":
        return Reply(status=503, body=b"down for maintenance")
    return all_is_well(got)


def json_of(value: object) -> Reply:
    return Reply(body=json.dumps(value).encode(), headers={"content-type": "application/json"})


async def test_a_call_is_told_to_a_webhook_a_network_and_google_ads(
    service: Service, api: httpx.Client, world: Receiver, new_context: NewContext
) -> None:
    file = service.data_dir.parent / "pay.toml"
    file.write_text(declared())
    await dni(service, "apply", str(file))
    page = await signed_in(service, await new_context())
    at = f"http://127.0.0.1:{world.port}"

    secret = await a_webhook(service, page, f"{at}/calls")
    await a_tune_postback(service, page, at)
    await a_google_ads_destination(service, page, at)
    await page.goto(f"{service.url}/integrations")
    for name in ("Office", "TUNE", "Google Ads"):
        await expect(page.get_by_role("row", name=re.compile(name))).to_contain_text("Nothing sent yet")

    # A visitor from an ad, who agrees to being measured, calls.
    [tag] = listed(api, "/tags")
    leased = await an_agreeing_visitors_number(service, page, tag["id"])
    await dni(service, "demo", "call", "--to", leased, "--from", CALLER, "--talk-seconds", "120")
    [call] = listed(api, "/calls")

    # Three deliveries, on the call's own page, each with its body and its answer.
    await reloaded_until(page, f"{service.url}/calls/{call['id']}", "Deliveries of this call", ["Delivered"] * 3)
    told = page.get_by_role("list", name=re.compile("Deliveries of this call"))
    for name, request, answer in (
        ("Office", '"type": "call.qualified"', '"ok": true'),
        ("TUNE", f"/aff_lsr?offer_id=42&transaction_id={CLICK}&amount=25.00&adv_sub={call['id']}", "success=true;"),
        ("Google Ads", f'"gclid": "{GCLID}"', '"requestId": "r-1"'),
    ):
        await page.goto(f"{service.url}/calls/{call['id']}")
        await told.get_by_role("link", name=name).click()
        await expect(page.locator("main")).to_contain_text("Delivered")
        await expect(page.locator("main")).to_contain_text(request)
        await expect(page.get_by_label(re.compile("Answer of"))).to_contain_text(answer)
        await expect(page.locator("main")).not_to_contain_text("ya29")
    the_world_got_it(world, secret, call["id"])

    # One breaks: the next call does not reach it, and everybody can see why.
    world.behave = tune_is_down
    await dni(service, "demo", "call", "--to", leased, "--from", "+14155550144", "--talk-seconds", "130")
    second = listed(api, "/calls")[0]
    assert second["id"] != call["id"]
    tune = next(one["id"] for one in listed(api, "/integrations") if one["name"] == "TUNE")
    await reloaded_until(page, f"{service.url}/integrations/{tune}", "", ["It answered 503."])
    await expect(page.locator("h1 ~ .badge")).to_have_text("Failing")
    await expect(page.get_by_role("note")).to_contain_text("It fails since")
    await page.goto(f"{service.url}/overview")
    await expect(page.locator("main")).to_contain_text("failing")
    await page.get_by_role("link", name=re.compile("TUNE")).click()
    await page.get_by_role("link", name="Waiting").click()
    await page.locator("table a.open").first.click()
    await expect(page.locator("main")).to_contain_text("It answered 503.")
    await expect(page.get_by_label(re.compile("Answer of")).first).to_contain_text("down for maintenance")

    # It is mended, and sent again by the button.
    world.behave = all_is_well
    await page.get_by_role("button", name="Send it now").click()
    await expect(page.get_by_role("status")).to_contain_text("It is sent again")
    await reloaded_until(page, page.url.partition("?")[0], "", ["success=true;"])
    await expect(page.locator("h1 ~ .badge")).to_have_text("Delivered")
    await page.goto(f"{service.url}/integrations/{tune}")
    await expect(page.locator("h1 ~ .badge")).to_have_text("Works")
    answered = [parse_qs(urlsplit(got.path).query) for got in world.got if got.path.startswith("/aff_lsr")]
    calls = [one["adv_sub"][0] for one in answered]
    assert (calls[0], set(calls[1:])) == (call["id"], {second["id"]})
    assert len(calls) >= 3


async def a_webhook(service: Service, page: Page, url: str) -> str:
    """Its secret, which the page shows once."""
    await page.goto(f"{service.url}/integrations")
    await page.get_by_role("link", name="New integration").first.click()
    await page.get_by_role("link", name="Webhook").click()
    await page.get_by_label("Name", exact=True).fill("Office")
    await page.get_by_label("Address", exact=True).fill(url)
    for box in await page.get_by_role("group", name="What it is told").get_by_role("checkbox").all():
        await box.uncheck()
    await page.get_by_role("checkbox", name="Call qualified").check()
    await page.get_by_role("button", name="Create it").click()
    secret = await page.get_by_label("The secret", exact=True).inner_text()
    await page.get_by_role("link", name="I have copied it").click()
    await tried(page)
    return secret


async def a_tune_postback(service: Service, page: Page, at: str) -> None:
    await page.goto(f"{service.url}/integrations/new?kind=postback")
    await page.get_by_role("button", name="TUNE").click()
    address = page.get_by_label("Address", exact=True)
    url = (await address.input_value()).replace("https://<DOMAIN>", at).replace("<OFFER ID>", "42")
    await address.fill(url)
    await page.get_by_label("Name", exact=True).fill("TUNE")
    await page.get_by_role("button", name="Create it").click()
    await expect(page.get_by_role("status")).to_contain_text("Created.")


async def a_google_ads_destination(service: Service, page: Page, at: str) -> None:
    await page.goto(f"{service.url}/integrations/new?kind=google_ads")
    await page.get_by_label("Customer id").fill("123-456-7890")
    await page.get_by_label("OAuth client id").fill("1-x.apps.googleusercontent.com")
    await page.get_by_label("Conversion action for clicks").fill("777")
    await page.get_by_label("OAuth client secret").fill("of-the-client")
    await page.get_by_label("Refresh token").fill("1//of-the-test")
    await page.get_by_text("Seldom needed").click()
    await page.get_by_label("Address of the Google Ads API").fill(at)
    await page.get_by_label("Address of Data Manager").fill(at)
    await page.get_by_label("Address for tokens").fill(f"{at}/token")
    await page.get_by_role("button", name="Create it").click()
    await expect(page.get_by_role("status")).to_contain_text("Created.")


async def tried(page: Page) -> None:
    """By the button, which shows what is sent and what is answered."""
    await page.get_by_role("link", name="Try it").first.click()
    await page.get_by_role("button", name="Send it now").click()
    await expect(page.get_by_role("status")).to_contain_text("Delivered: it answered 200")
    await expect(page.get_by_label("Body of the request")).to_contain_text('"type": "test"')
    await expect(page.get_by_label("Its answer")).to_contain_text('"ok": true')


async def an_agreeing_visitors_number(service: Service, admin: Page, tag: str) -> str:
    ad = f"{service.url}/tags/{tag}/test?utm_source=google&utm_medium=cpc&sub1={CLICK}&gclid={GCLID}"
    page = await admin.context.new_page()
    await page.goto(ad)
    await page.get_by_role("button", name="Let it work here").click()
    await page.goto(ad)
    phone = page.locator("a.phone")
    await page.evaluate("dni.consent('granted')")
    await expect(phone).not_to_have_text("(415) 555-0100")

    async def is_recorded() -> bool:
        answer = await page.context.request.get(f"{service.url}/api/v1/sessions", headers=service.headers)
        return any(one["consent"] == "granted" for one in (await answer.json())["data"])

    await until(is_recorded, "the visit is recorded with its consent")
    return "+1" + re.sub(r"\D", "", await phone.inner_text())


async def reloaded_until(page: Page, address: str, listed_as: str, says: list[str]) -> None:
    """What is sent is sent beside the page, which tells of it when it is loaded anew."""

    async def is_told() -> bool:
        await page.goto(address)
        where = page.get_by_role("list", name=re.compile(listed_as)) if listed_as else page.locator("main")
        if not await where.count():
            return False
        text = await where.inner_text()
        return all(text.count(one) >= says.count(one) for one in says)

    await until(is_told, f"{address} says {says}", 60)


def the_world_got_it(world: Receiver, secret: str, call: str) -> None:
    """As each of them would read it."""
    hooks = [got for got in world.got if got.path == "/calls"]
    messages = [Webhook(secret).verify(got.body, got.headers) for got in hooks]
    assert [message["type"] for message in messages] == ["test", "call.qualified"]
    data = messages[1]["data"]
    assert (data["call"]["id"], data["call"]["caller"]) == (call, CALLER)
    assert data["visit"]["consent"] == "granted"

    [tune] = [parse_qs(urlsplit(got.path).query) for got in world.got if got.path.startswith("/aff_lsr")]
    assert tune == {"offer_id": ["42"], "transaction_id": [CLICK], "amount": ["25.00"], "adv_sub": [call]}

    [token] = [got for got in world.got if got.path == "/token"]
    assert parse_qs(token.body.decode())["grant_type"] == ["refresh_token"]
    [google] = [got for got in world.got if got.path.startswith("/v1/")]
    assert google.headers["authorization"] == "Bearer ya29.of-the-test"
    [event] = json.loads(google.body)["events"]
    assert (event["transactionId"], event["adIdentifiers"]) == (call, {"gclid": GCLID})
    assert (event["conversionValue"], event["currency"]) == (40.0, "USD")
    assert event["consent"]["adUserData"] == "CONSENT_GRANTED"
