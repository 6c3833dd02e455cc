"""The guided set-up: steps by what is there, what people type, who may, and where empty pages lead."""

from collections.abc import Callable

import pytest

from dni import __version__
from dni.access.tokens import NewToken
from dni.dashboard import setup_fields
from dni.dashboard.setup_steps import numbers_needed
from dni.errors import InvalidField
from dni.parts import Parts
from dni.pool import sizing
from dni.tag import health_reports
from dni.tag.wire import SignalPage
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, hidden, text

NewPerson = Callable[[], Person]

CAMPAIGN = {"name": "Spring", "destination": "(212) 555-0143", "timezone": "America/New_York"}
NUMBERS = {"numbers": "(212) 555-0120\n212-555-0121, +1 212 555 0122"}


async def send(person: Person, path: str, fields: dict[str, str], status: int = 303) -> str:
    """Where the form leads; or its page, when it is refused."""
    page = (await person.read(path)).text
    answer = await person.send(path, {**hidden(page, path), **fields})
    assert answer.status_code == status, text(answer.text)
    return answer.headers.get("location", "") if status == 303 else text(answer.text)


async def begun(person: Person, *, page: dict[str, str] | None = None) -> str:
    """A campaign with numbers, and with its tag when a `page` is given: its address in the set-up."""
    at = (await send(person, "/setup/campaign", CAMPAIGN)).removesuffix("/numbers")
    assert await send(person, f"{at}/numbers", NUMBERS) == f"{at}/page"
    if page is not None:
        assert await send(person, f"{at}/page", {"target": "(212) 555-0143", **page}) == f"{at}/tag"
    return at


def owned(parts: Parts, at: str) -> list[str]:
    campaign = at.rpartition("/")[2]
    pool = next(pool for pool in parts.catalog.now.pools.values() if pool.campaign == campaign)
    return sorted(one.number for one in parts.catalog.now.numbers.values() if one.pool == pool.id)


async def test_each_step_leads_to_the_next_and_the_state_is_what_is_there(admin: Person, parts: Parts) -> None:
    at = await begun(admin)
    assert owned(parts, at) == ["+12125550120", "+12125550121", "+12125550122"]
    assert (await admin.read(at)).headers["location"] == f"{at}/page"
    assert "Spring 2 of 5 steps done" in text((await admin.read("/setup")).text)
    for early in ("tag", "call"):
        assert (await admin.read(f"{at}/{early}")).headers["location"] == f"{at}/page"
    page = (await admin.read(f"{at}/page")).text
    assert 'value="(212) 555-0143"' in page  # where calls go is often what is printed
    await send(admin, f"{at}/page", {"url": "www.example.com/a?b=c", "target": "+1 212 555 0143", "test": "on"})
    assert (await admin.read(at)).headers["location"] == f"{at}/tag"
    assert (await admin.read(f"{at}/page")).headers["location"] == f"{at}/tag"
    tag = next(tag for tag in parts.catalog.now.tags.values() if tag.campaign == at.rpartition("/")[2])
    assert tag.name == "www.example.com"
    assert tag.origins == ("https://www.example.com", "https://example.com", "http://dni.example")

    told = text((await admin.read(f"{at}/tag")).text)
    assert f'<script async src="http://dni.example/t/{tag.key}.js"></script>' in told
    assert "It replaces (212) 555-0143 by a number of the visitor's own" in told
    assert "We have not seen your tag yet." in told
    report = SignalPage("p", 1, url="https://example.com/", found=1, swapped=1, version=__version__)
    await health_reports.keep(parts.live, parts.keys, parts.clock.now_ms(), tag, report)
    told = text((await admin.read(f"{at}/tag")).text)
    assert "We have seen your tag, it swapped 1 number." in told
    assert (await admin.read(at)).headers["location"] == f"{at}/call"


async def test_numbers_join_those_that_are_there_and_the_same_ones_again_change_nothing(
    admin: Person, parts: Parts
) -> None:
    at = await begun(admin)
    assert "3 numbers are there already." in text((await admin.read(f"{at}/numbers")).text)
    await send(admin, f"{at}/numbers", NUMBERS)
    await send(admin, f"{at}/numbers", {"numbers": "+12125550123"})
    assert owned(parts, at) == ["+12125550120", "+12125550121", "+12125550122", "+12125550123"]


@pytest.mark.parametrize(
    ("step", "fields", "words"),
    [
        ("numbers", {"numbers": ""}, "Your tracking numbers : "),
        ("numbers", {"numbers": "(212) 555-0124\n555"}, "Line 2: not a phone number"),
        ("numbers", {"numbers": "(212) 555-0143"}, "is where the calls of campaign 'Spring'"),
        ("numbers", {"numbers": "+12025550100"}, "is already in pool 'Pool 1'"),
        ("page", {"target": "(212) 555-0120"}, "This is one of your tracking numbers"),
        ("page", {"target": "12"}, "Not a phone number"),
        ("page", {"target": ""}, "Fill this in."),
        ("page", {"target": "(212) 555-0143", "url": "not a page"}, "such as https://www.example.com"),
        ("page", {"target": "(212) 555-0143", "url": "mailto:a@b.example"}, "such as https://www.example.com"),
        ("page", {"target": "(212) 555-0143", "url": "https://[::1"}, "such as https://www.example.com"),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field(
    admin: Person, step: str, fields: dict[str, str], words: str
) -> None:
    at = await begun(admin)
    status = 409 if "already in pool" in words else 422
    assert words in await send(admin, f"{at}/{step}", fields, status)


@pytest.mark.parametrize(
    ("url", "origins"),
    [
        ("example.com", ["https://example.com", "https://www.example.com"]),
        ("https://www.example.com/a/b?c#d", ["https://www.example.com", "https://example.com"]),
        ("http://shop.example.com:8080/", ["http://shop.example.com:8080"]),
        ("http://127.0.0.1:9000/x", ["http://127.0.0.1:9000"]),
        ("http://localhost", ["http://localhost"]),
        ("HTTPS://EXAMPLE.COM", ["https://example.com", "https://www.example.com"]),
    ],
)
def test_a_page_is_named_as_the_browser_shows_it(url: str, origins: list[str]) -> None:
    assert setup_fields.origins(url) == origins


@pytest.mark.parametrize("url", ["", "https://", "ftp://example.com", "https://exa mple.com:x"])
def test_what_is_no_page_is_refused(url: str) -> None:
    with pytest.raises(InvalidField):
        setup_fields.origins(url)


async def test_without_a_page_the_tag_works_on_the_test_page_alone(admin: Person, parts: Parts) -> None:
    at = await begun(admin, page={})
    tag = next(tag for tag in parts.catalog.now.tags.values() if tag.campaign == at.rpartition("/")[2])
    assert (tag.name, tag.origins) == ("Spring: test page", ("http://dni.example",))
    told = text((await admin.read(f"{at}/tag")).text)
    assert "On a test page" in told
    assert "On your page" not in told


async def test_the_call_page_tells_what_to_paste_and_keeps_secrets(admin: Person, parts: Parts) -> None:
    at = await begun(admin, page={})
    page = text((await admin.read(f"{at}/call")).text)
    assert "First let a visitor see a number" in page  # Carrier 1 of the samples is there to play
    form = hidden((await admin.read(f"{at}/call")).text, f"{at}/carrier")
    mine = {"name": "My Twilio", "account_sid": "AC" + "1" * 32, "auth_token": "a-secret-token"}
    wrong = await admin.send(f"{at}/carrier", {**form, **mine, "account_sid": "AC 1"})
    assert wrong.status_code == 422
    assert "a-secret-token" not in wrong.text
    answer = await admin.send(f"{at}/carrier", {**form, **mine})
    assert answer.headers["location"] == f"{at}/call"
    page = text((await admin.read(f"{at}/call")).text)
    made = next(one for one in parts.catalog.now.carriers.values() if one.name == "My Twilio")
    assert f"http://dni.example/voice/twilio/{made.id}/inbound" in page
    assert f"http://dni.example/voice/twilio/{made.id}/status" in page
    assert "a-secret-token" not in page
    assert "Twilio cannot reach http://dni.example" in page


async def test_the_call_page_speaks_of_the_carrier_that_was_chosen(admin: Person, parts: Parts) -> None:
    at = await begun(admin, page={})
    page = (await admin.read(f"{at}/call?kind=plivo")).text
    assert "Auth ID" in text(page)
    form = hidden(page, f"{at}/carrier")
    mine = {"name": "My Plivo", "account_sid": "AC1", "auth_token": "made-up"}
    wrong = await admin.send(f"{at}/carrier", {**form, **mine})
    assert wrong.status_code == 422
    assert "MA or SA and 18 letters and digits" in text(wrong.text)
    answer = await admin.send(f"{at}/carrier", {**form, **mine, "account_sid": "MA" + "A" * 18})
    assert answer.headers["location"] == f"{at}/call"
    made = next(one for one in parts.catalog.now.carriers.values() if one.name == "My Plivo")
    page = text((await admin.read(f"{at}/call")).text)
    assert f"Primary answer URL http://dni.example/voice/plivo/{made.id}/inbound" in page
    assert f"Hangup URL http://dni.example/voice/plivo/{made.id}/status" in page


async def test_a_practice_account_is_made_once_and_never_offered_to_twilio(
    new_person: NewPerson, sqlite_parts: Parts
) -> None:
    person = await new_person().signed_in("t" * 32)
    at = await begun(person, page={})
    assert "Make a practice account" in text((await person.read(f"{at}/call")).text)
    form = hidden((await person.read(f"{at}/call")).text, f"{at}/practice")
    for _ in range(2):
        assert (await person.send(f"{at}/practice", form)).headers["location"] == f"{at}/call"
    assert [one.name for one in sqlite_parts.catalog.now.carriers.values()] == ["Practice account"]
    assert "/inbound" not in (await person.read(f"{at}/call")).text


async def test_the_newest_call_is_told_once(admin: Person) -> None:
    at = "/setup/campaigns/cmp_1"
    told = (await admin.read(f"{at}/rang?since=0")).json()
    assert told["seen"]
    assert told["says"].startswith("It rang")
    assert (await admin.read(f"{at}/rang?since={told['at_ms']}")).json() == {"seen": False}
    assert (await admin.read(f"{at}/rang?since=x", Accept="*/*")).status_code == 422


async def test_only_who_may_write_sets_up_and_only_admins_touch_carriers(
    admin: Person, publisher: Person, new_person: NewPerson, parts: Parts
) -> None:
    at = await begun(admin, page={})
    for path in ("/setup", "/setup/campaign", at, f"{at}/numbers", f"{at}/tag", f"{at}/call", f"{at}/rang?since=0"):
        assert (await publisher.read(path)).status_code == 403, path
    marketer = await new_person().signed_in(await token(parts, NewToken(role="marketer")))
    page = await marketer.read(f"{at}/call")
    assert "an admin connects yours" in text(page.text)
    csrf = {"csrf": hidden(page.text, "/signout")["csrf"]}
    for path in (f"{at}/carrier", f"{at}/practice"):
        assert (await marketer.send(path, csrf)).status_code == 403, path
        assert (await marketer.read(path)).status_code == 403, path
        assert (await admin.read(path)).headers["location"] == f"{at}/call"
    assert (await admin.read("/setup/campaigns/nothing")).status_code == 404


async def test_an_empty_ledger_leads_to_the_set_up(new_person: NewPerson, sqlite_parts: Parts) -> None:
    person = await new_person().signed_in("t" * 32)
    for path in ("/overview", "/calls", "/tags"):
        page = await person.read(path)
        assert "Set up your first number" in text(page.text), path
        assert 'href="/setup"' in page.text
    await send(person, "/setup/campaign", CAMPAIGN)
    assert "Nothing is set up yet" not in text((await person.read("/overview")).text)


def test_how_many_numbers_is_what_dni_size_says() -> None:
    told = numbers_needed()
    assert [visits for visits, _ in told] == [5, 20, 60, 200]
    for visits, numbers in told:
        erlangs = visits / 3600 * 300
        assert sizing.erlang_b(numbers, erlangs) <= 0.01 < sizing.erlang_b(numbers - 1, erlangs)
