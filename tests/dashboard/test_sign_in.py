"""Signing in and out: by token, by one-time code, and what is refused."""

from collections.abc import Callable

import pytest

from dni.access import signins, tokens
from dni.access.tokens import NewToken
from dni.clock import SettableClock
from dni.dashboard.door import COOKIE
from dni.parts import Parts
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, hidden, text

ADMIN = "t" * 32


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_comes_back(stranger: Person, parts: Parts) -> None:
    first = await stranger.read("/calls?source=google&keyword=emergency+plumber")
    assert first.status_code == 303
    page = await stranger.read(first.headers["location"])
    answer = await stranger.send("/signin", {**hidden(page.text), "token": ADMIN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls?source=google&keyword=emergency+plumber")
    assert (await stranger.read("/calls")).status_code == 200


async def test_a_script_that_is_not_signed_in_gets_the_problem(stranger: Person, parts: Parts) -> None:
    answer = await stranger.read("/calls", Accept="application/json")
    assert (answer.status_code, answer.headers["dni-reason"]) == (401, "not_signed_in")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Person, parts: Parts) -> None:
    answer = await stranger.sign_in(ADMIN)
    made = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE))
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"} <= set(made.split("; "))
    assert "Secure" not in made
    assert ADMIN not in made


async def test_the_cookie_is_secure_over_https(stranger: Person, parts: Parts) -> None:
    stranger.browser.base_url = "https://dni.example"
    page = await stranger.read("/signin")
    fields = {**hidden(page.text), "token": ADMIN}
    answer = await stranger.send("/signin", fields, Origin="https://dni.example")
    assert all("Secure" in made for made in answer.headers.get_list("set-cookie") if "Max-Age=0" not in made)


async def test_a_code_is_used_by_the_button_only_and_once(new_person: Callable[[], Person], parts: Parts) -> None:
    code = await signins.issue(parts.ledger, parts.clock.now_ms())
    me, other = new_person(), new_person()
    for _ in range(2):  # a link preview looks first
        page = await me.read(f"/signin?code={code}")
        assert page.status_code == 200
    answer = await me.send("/signin", hidden(page.text))
    assert answer.status_code == 303
    assert "Signed in as admin" in text((await me.read("/calls")).text)
    again = await other.read(f"/signin?code={code}")
    refused = await other.send("/signin", hidden(again.text))
    assert refused.status_code == 401
    assert "used or is too old" in text(refused.text)


async def test_a_wrong_token_is_told_and_the_eleventh_in_a_minute_is_not_looked_at(
    stranger: Person, parts: Parts
) -> None:
    for _ in range(10):
        answer = await stranger.sign_in("wrong")
        assert answer.status_code == 401
        assert "not known here" in text(answer.text)
    assert (await stranger.sign_in(ADMIN)).status_code == 429
    assert isinstance(parts.clock, SettableClock)
    parts.clock.advance(60_000)
    assert (await stranger.sign_in(ADMIN)).status_code == 303


@pytest.mark.parametrize(
    "where",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\tb", "/" + "x" * 3000],
)
async def test_nobody_is_sent_to_another_site_after_signing_in(stranger: Person, parts: Parts, where: str) -> None:
    page = await stranger.browser.get("/signin", params={"next": where})
    answer = await stranger.send("/signin", {**hidden(page.text), "next": where, "token": ADMIN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_revoked_token_ends_its_session(stranger: Person, parts: Parts) -> None:
    secret = await token(parts, NewToken(role="marketer", name="Mary"))
    await stranger.signed_in(secret)
    assert "Signed in as marketer Mary" in text((await stranger.read("/calls")).text)
    async with parts.ledger.write() as connection:
        known = await tokens.owner(connection, secret)
        assert known
        await tokens.revoke(connection, parts.clock.now_ms(), known.id)
    assert (await stranger.read("/calls")).status_code == 303


async def test_a_session_is_over_after_twelve_hours(admin: Person, parts: Parts) -> None:
    assert isinstance(parts.clock, SettableClock)
    parts.clock.advance(12 * 3_600_000 - 1)
    assert (await admin.read("/calls")).status_code == 200
    parts.clock.advance(1)
    assert (await admin.read("/calls")).status_code == 303


async def test_a_changed_cookie_is_none(admin: Person, parts: Parts) -> None:
    good = admin.browser.cookies[COOKIE]
    for bad in (good[:-1], "A" + good[1:], good.replace(".", ""), "", ".", "x" * 5000):
        admin.browser.cookies.clear()
        assert (await admin.read("/calls", Cookie=f"{COOKIE}={bad}")).status_code == 303


async def test_signing_out_needs_our_own_form(admin: Person) -> None:
    fields = hidden((await admin.read("/calls")).text.partition("<main")[0])
    foreign = await admin.send("/signout", fields, Origin="https://evil.example")
    assert (foreign.status_code, foreign.headers["dni-reason"]) == (403, "cross_site")
    guessed = await admin.send("/signout", {"csrf": "guess"})
    assert (guessed.status_code, guessed.headers["dni-reason"]) == (403, "stale_form")
    assert (await admin.read("/calls")).status_code == 200
    out = await admin.send("/signout", fields)
    assert out.status_code == 303
    assert (await admin.read("/calls")).status_code == 303
    assert "You are signed out" in text((await admin.read(out.headers["location"])).text)


async def test_another_site_cannot_sign_somebody_in(stranger: Person, parts: Parts) -> None:
    page = await stranger.read("/signin")
    fields = {**hidden(page.text), "token": ADMIN}
    assert (await stranger.send("/signin", fields, Origin="https://evil.example")).status_code == 403
    assert (await stranger.send("/signin", fields, Origin="null")).status_code == 403
    stranger.browser.cookies.clear()
    no_cookie = await stranger.send("/signin", fields)
    assert no_cookie.status_code == 403
    assert "allow cookies" in text(no_cookie.text)


async def test_a_form_that_is_none_is_refused_in_words(stranger: Person, parts: Parts) -> None:
    too_many = "&".join(f"f{n}=1" for n in range(2000))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await stranger.browser.post("/signin", content=too_many, headers=form)).status_code == 400
    assert (await stranger.browser.post("/signin", content=b"x" * 100_000, headers=form)).status_code == 413
    assert (await stranger.browser.post("/signin", content=b"\xff\x00", headers=form)).status_code == 403
