"""The cookie of a first-party host: whom it knows, and for whom there is none."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from dni.parts import Parts
from dni.tag.cookie import renewed, same_site, visitor
from tests.support.browser import LANDING, client, door, lease_body, post, signal_body
from tests.support.service import Service
from tests.support.world import ORIGIN, TARGET, add

CALLS = "calls.shop.example"


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("https://shop.example", "shop.example", True),
        ("https://shop.example", "calls.shop.example:8443", True),
        ("https://www.shop.example", "calls.shop.example", True),
        ("https://a.b.shop.example", "SHOP.example", True),
        ("http://127.0.0.1:3000", "127.0.0.1:8000", True),
        ("http://localhost:3000", "localhost:8000", True),
        ("http://[::1]:3000", "[::1]:8000", True),
        ("https://shop.example", "other.example", False),
        ("https://shop.example", "evilshop.example", False),
        ("https://shop.example", "shop.example.evil.example", False),
        ("https://example", "calls.example", False),
        ("http://10.0.0.1", "20.0.0.1", False),
        ("http://[::1]", "[::2]", False),
        ("null", "shop.example", False),
        ("", "", False),
        ("https://shop.example", "", False),
        ("https://shop.example", "[", False),
    ],
)
def test_hosts_of_one_site(origin: str, host: str, same: bool) -> None:
    assert same_site(origin, host) is same


def test_one_cookie_knows_the_visitors_of_several_tags_and_stays_small() -> None:
    header = b""
    for number in range(30):
        header = renewed(b"other=1; " + header, f"key{number}", "v" * 28, ORIGIN).partition(b";")[0]
    assert len(header) < 1_000
    assert visitor(header, "key29") == "v" * 28
    assert visitor(header, "key9") is None, "the ones used last are known"
    again = renewed(header, "key15", "w" * 28, ORIGIN).partition(b";")[0]
    assert visitor(again, "key15") == "w" * 28
    assert again.count(b"key15.") == 1


@pytest.mark.parametrize(
    "header",
    [b"", b"dni", b"dni=", b"dni=key1", b"dni=key1.", b"dni=key1.a b", b"dni=key1.\xff", b"xdni=key1.v", b";=;"],
)
def test_an_odd_cookie_is_as_none(header: bytes) -> None:
    assert visitor(header, "key1") is None
    assert renewed(header, "key1", "v", ORIGIN).startswith(b"dni=key1.v; ")


@pytest.fixture
async def browser(sqlite_parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    await add(sqlite_parts, options={"first_party": True}, origins=[ORIGIN, "https://shop.other.example"])
    async with client(door(sqlite_parts)) as made:
        made.headers["Host"] = CALLS
        yield made


def held(answer: httpx.Response) -> str:
    """The cookie that a browser sends from now on."""
    return answer.headers["set-cookie"].partition(";")[0]


async def test_the_cookie_knows_a_visitor_whose_page_forgot_him(browser: httpx.AsyncClient) -> None:
    first = await post(browser, "/v1/lease", lease_body())
    assert first.headers["access-control-allow-credentials"] == "true"
    cookie = SimpleCookie(first.headers["set-cookie"])["dni"]
    assert cookie.value == f"key1.{first.json()['visitor']}"
    assert (cookie["max-age"], cookie["path"], cookie["samesite"]) == (str(400 * 86_400), "/", "Lax")
    assert cookie["httponly"]
    assert cookie["secure"]
    assert not cookie["domain"]
    later = lease_body(page={"id": "p2", "seq": 1, "url": LANDING})
    again = await post(browser, "/v1/lease", later, Cookie=f"a=b; {held(first)}")
    assert again.json()["visitor"] == first.json()["visitor"]
    assert again.json()["numbers"][TARGET]["number"] == first.json()["numbers"][TARGET]["number"]


async def test_the_pages_own_word_comes_first_and_a_forged_cookie_is_as_none(browser: httpx.AsyncClient) -> None:
    first, second = [await post(browser, "/v1/lease", lease_body()) for _ in range(2)]
    named = lease_body(visitor=first.json()["visitor"])
    answer = await post(browser, "/v1/lease", named, Cookie=held(second))
    assert answer.json()["visitor"] == first.json()["visitor"]
    assert held(answer) == held(first)
    forged = await post(browser, "/v1/lease", lease_body(), Cookie="dni=key1." + "A" * 28)
    assert forged.json()["visitor"] != "A" * 28
    assert "A" * 28 not in held(forged)


@pytest.mark.parametrize("consent", ["denied", "unknown"])
async def test_without_a_yes_no_cookie_is_read_or_set(browser: httpx.AsyncClient, consent: str) -> None:
    known = await post(browser, "/v1/lease", lease_body())
    answer = await post(browser, "/v1/lease", lease_body(consent=consent), Cookie=held(known))
    assert "set-cookie" not in answer.headers
    assert answer.json()["visitor"] != known.json()["visitor"]
    assert answer.headers["access-control-allow-credentials"] == "true", "or the browser keeps the answer from the page"


async def test_a_page_of_another_site_gets_its_number_and_no_cookie(browser: httpx.AsyncClient) -> None:
    answer = await post(browser, "/v1/lease", lease_body(), Origin="https://shop.other.example")
    assert answer.json()["numbers"][TARGET]["kind"] == "pool"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "set-cookie" not in answer.headers


async def test_signals_may_carry_credentials_and_set_nothing(browser: httpx.AsyncClient) -> None:
    first = await post(browser, "/v1/lease", lease_body())
    beat = signal_body(signals=[{"type": "beat", "lease": first.json()["numbers"][TARGET]["lease"]}])
    answer = await post(browser, "/v1/signal", beat, Cookie=held(first))
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "set-cookie" not in answer.headers
    nameless = await post(browser, "/v1/signal", beat, Origin="null")
    assert "access-control-allow-origin" not in nameless.headers


async def test_a_tag_that_is_not_first_party_knows_no_cookie(sqlite_parts: Parts) -> None:
    await add(sqlite_parts)
    async with client(door(sqlite_parts)) as browser:
        browser.headers["Host"] = CALLS
        first = await post(browser, "/v1/lease", lease_body())
        cookie = f"dni=key1.{first.json()['visitor']}"
        answer = await post(browser, "/v1/lease", lease_body(), Cookie=cookie)
    assert answer.json()["visitor"] != first.json()["visitor"]
    for told in (first, answer):
        assert not {"set-cookie", "access-control-allow-credentials"} & {*told.headers}


def test_the_real_service_passes_the_cookie_both_ways(service: Service) -> None:
    with httpx.Client(base_url=service.url, headers=service.headers, trust_env=False) as api:

        def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = api.post(f"/api/v1/{path}", json=body)
            assert answer.status_code == 201, answer.text
            found: dict[str, Any] = answer.json()
            return found

        campaign = made("campaigns", {"name": "C", "destination": "+14155550199"})["id"]
        page = {"origins": [service.url], "targets": [TARGET], "first_party": True}
        key = made("tags", {"name": "T", "campaign": campaign, **page})["key"]
    with httpx.Client(base_url=service.url, trust_env=False) as page_of_it:
        body = lease_body(tag=key)
        agent = {
            "Origin": service.url,
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        }
        first, again = [page_of_it.post("/v1/lease", json=body, headers=agent) for _ in range(2)]
    assert first.json()["visitor"] == again.json()["visitor"]
    assert "Secure" not in first.headers["set-cookie"], "http, on this machine"
