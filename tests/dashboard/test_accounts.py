"""People in the settings, the link that lets choose a password, and what is a person's own."""

from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import select

from dni.access import tries
from dni.clock import SettableClock
from dni.dashboard.door import COOKIE
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.people import Person, hidden, text

PASSWORD, OTHER = "tree lamp river seven", "stone cloud violin nine"
MARY = {"email": "mary@example.com", "name": "Mary", "role": "publisher", "campaign": "", "publisher": "pub_1"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


async def invited(admin: Person, **fields: str) -> str:
    """The path of the link that the page shows."""
    form = hidden((await admin.read("/settings/accounts/new")).text)
    made = await admin.send("/settings/accounts/new", {**form, **MARY, **fields})
    assert made.status_code == 200, made.text
    assert made.headers["cache-control"] == "no-store"
    link = unescape(made.text.partition("data-copy>")[2].partition("<")[0])
    assert link.startswith("http://dni.example/invitation?code=")
    return link.removeprefix("http://dni.example")


async def choose(person: Person, path: str, password: str = PASSWORD) -> Person:
    page = await person.read(path)
    answer = await person.send("/invitation", {**hidden(page.text), "password": password})
    assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text
    return person


async def enter(person: Person, password: str = PASSWORD, email: str = "mary@example.com") -> int:
    page = await person.read("/signin?next=/calls")
    fields = {**hidden(page.text), "email": email, "password": password}
    return (await person.send("/signin", fields)).status_code


@pytest.fixture
async def mary(admin: Person, new_person: Callable[[], Person]) -> Person:
    """A publisher, signed in by her link."""
    return await choose(new_person(), await invited(admin))


async def test_a_person_is_invited_chooses_a_password_and_signs_in(
    admin: Person, new_person: Callable[[], Person]
) -> None:
    path, me = await invited(admin), new_person()
    for _ in range(2):  # a link preview looks first
        page = await me.read(path)
        assert 'value="mary@example.com" autocomplete="username" readonly' in page.text
        assert page.headers["cache-control"] == "no-store"
    weak = await me.send("/invitation", {**hidden(page.text), "password": "Password1234"})
    assert weak.status_code == 422
    assert "first that are tried" in text(weak.text)
    await choose(me, path)
    assert "Signed in as publisher Mary" in text((await me.read("/calls")).text)
    again = await new_person().read(path)
    assert again.status_code == 404
    assert "This link was used" in text(again.text)
    other = new_person()
    assert await enter(other, OTHER) == 401
    assert await enter(other) == 303
    listed = text((await admin.read("/settings/accounts")).text)
    assert "Mary mary@example.com active publisher publisher Publisher 1" in listed


async def test_what_a_password_manager_and_a_screen_reader_need(stranger: Person, parts: Parts) -> None:
    page = (await stranger.read("/signin")).text
    assert 'name="email" type="email" value="" autocomplete="username"' in page
    assert 'name="password" type="password" autocomplete="current-password"' in page
    fields = {**hidden(page), "email": 'mary"><b>@example.com', "password": "wrong"}
    wrong = await stranger.send("/signin", fields)
    assert wrong.status_code == 401
    assert "do not belong together" in text(wrong.text)
    assert 'value="mary&#34;&gt;&lt;b&gt;@example.com"' in wrong.text, "what was typed stays, and is no HTML"
    assert wrong.text.count('aria-invalid="true" aria-describedby="message"') == 2
    assert 'role="alert" id="message"' in wrong.text
    assert "wrong" not in wrong.text.partition('name="password"')[2].partition(">")[0]


async def test_who_has_no_account_is_told_the_same_as_who_forgot(
    mary: Person, new_person: Callable[[], Person]
) -> None:
    answers = []
    for email in ("mary@example.com", "nobody@example.com"):
        person = new_person()
        page = await person.read("/signin")
        wrong = await person.send("/signin", {**hidden(page.text), "email": email, "password": OTHER})
        answers.append((wrong.status_code, text(wrong.text), len(wrong.text) - len(email)))
    assert answers[0] == answers[1]


async def test_too_many_wrong_passwords_from_many_places(
    mary: Person, new_person: Callable[[], Person], parts: Parts
) -> None:
    async with parts.ledger.write() as connection:
        for _ in range(tries.MOST):
            await tries.take(parts.ledger, connection, parts.clock.now_ms(), "mary@example.com")
    person = new_person()
    page = await person.read("/signin")
    fields = {**hidden(page.text), "email": "mary@example.com", "password": PASSWORD}
    answer = await person.send("/signin", fields)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    assert "That is in 15 min" in text(answer.text)
    assert (await mary.read("/calls")).status_code == 200, "who is in stays in"
    assert isinstance(parts.clock, SettableClock)
    parts.clock.advance(15 * 60_000)
    assert await enter(new_person()) == 303


async def test_sent_twice_the_link_is_shown_once(admin: Person, parts: Parts) -> None:
    form = {**hidden((await admin.read("/settings/accounts/new")).text), **MARY}
    first = await admin.send("/settings/accounts/new", form)
    code = first.text.partition("code=")[2].partition("<")[0]
    again = await admin.send("/settings/accounts/new", form)
    assert "This form was sent twice" in text(again.text)
    assert code not in again.text
    other = {**hidden((await admin.read("/settings/accounts/new")).text), **MARY}
    taken = await admin.send("/settings/accounts/new", other)
    assert taken.status_code == 409
    assert "Another account has this e-mail address." in text(taken.text)


@pytest.mark.parametrize(
    ("fields", "says", "name"),
    [
        ({"email": "no address"}, "An e-mail address, such as mary@example.com.", "email"),
        ({"email": ""}, "Fill this in.", "email"),
        ({"publisher": ""}, "A publisher's account names its publisher.", "publisher"),
        ({"role": "advertiser"}, "An advertiser's account names its campaign.", "campaign"),
        ({"role": "admin"}, "An admin has no walls", "role"),
        ({"role": ""}, "Choose one.", "role"),
        ({"publisher": "pub_x"}, "There is no publisher 'pub_x'.", "publisher"),
    ],
)
async def test_an_account_needs_what_its_role_needs(
    admin: Person, fields: dict[str, str], says: str, name: str
) -> None:
    form = hidden((await admin.read("/settings/accounts/new")).text)
    answer = await admin.send("/settings/accounts/new", {**form, **MARY, **fields})
    assert answer.status_code == 422
    assert f'id="f-{name}-wrong"' in answer.text
    assert says in text(answer.text)


async def test_an_account_is_edited_reset_disabled_enabled_and_deleted(
    admin: Person, mary: Person, new_person: Callable[[], Person]
) -> None:
    listed = await admin.read("/settings/accounts")
    path = "/settings/accounts/acc" + listed.text.partition('href="/settings/accounts/acc')[2].partition('"')[0]
    page = text((await admin.read(path)).text)
    assert "callers' numbers hidden in part" in page
    assert "Mary chose a password" in page

    edit = await admin.read(f"{path}/edit")
    assert 'value="mary@example.com"' in edit.text
    csrf = hidden(edit.text, path)
    moved = await admin.send(f"{path}/edit", {**csrf, **MARY, "publisher": "pub_2", "callers": "on"})
    assert moved.headers["location"] == f"{path}?done=changed"
    seen = text((await mary.read("/calls")).text)
    assert "(312) 555-0142" in seen, "her own calls in full, at once"
    assert "call_google" not in seen

    asked = text((await admin.read(f"{path}/reset")).text)
    assert "The present password ends" in asked
    reset = await admin.send(f"{path}/reset", csrf)
    link = unescape(reset.text.partition("data-copy>")[2].partition("<")[0]).removeprefix("http://dni.example")
    assert (await mary.read("/calls")).status_code == 303
    assert await enter(new_person()) == 401
    await choose(mary, link, OTHER)

    disabled = await admin.send(f"{path}/disable", csrf)
    assert disabled.headers["location"] == f"{path}?done=changed"
    assert (await mary.read("/calls")).status_code == 303
    assert await enter(new_person(), OTHER) == 401
    assert "Who holds it cannot sign in" in text((await admin.read(path)).text)
    await admin.send(f"{path}/enable", csrf)
    assert await enter(mary, OTHER) == 303

    gone = await admin.send(f"{path}/delete", csrf)
    assert gone.headers["location"] == "/settings/accounts?done=deleted"
    assert (await mary.read("/calls")).status_code == 303
    assert (await admin.read(path)).status_code == 404
    log = text((await admin.read("/settings/audit")).text)
    assert "deleted account" in log
    assert "mary@example.com" not in log
    assert "Mary" not in log


async def test_a_person_sees_and_ends_his_sign_ins(mary: Person, new_person: Callable[[], Person]) -> None:
    other, third = new_person(), new_person()
    other.browser.headers["User-Agent"] = FIREFOX
    assert await enter(other) == 303
    assert await enter(third) == 303
    page = await mary.read("/account")
    said = text(page.text)
    assert "Firefox on Linux since" in said
    assert said.count("since") == 3
    assert said.count("this one") == 1
    # Sign-ins of one millisecond are in the order of their random ids: the form is found by what it says.
    forms = [part.partition("</form>")[0] for part in page.text.split('action="/account/end"')[1:]]
    (firefox,) = (hidden(f'<form action="/account/end"{form}') for form in forms if "Firefox" in form)
    assert (await mary.send("/account/end", firefox)).headers["location"] == "/account?done=ended"
    assert (await other.read("/calls")).status_code == 303
    assert (await third.read("/calls")).status_code == 200
    again = await mary.send("/account/end", firefox)
    assert again.status_code == 404
    out = await mary.send("/account/end-all", {"csrf": firefox["csrf"]})
    assert out.headers["location"] == "/signin?signed_out=1"
    assert (await mary.read("/calls")).status_code == (await third.read("/calls")).status_code == 303


async def test_nobody_ends_the_sign_in_of_another(admin: Person, mary: Person, parts: Parts) -> None:
    async with parts.ledger.read() as connection:
        query = select(schema.signed_in.c.id).where(schema.signed_in.c.principal_id == "admin")
        admins = (await connection.execute(query)).scalars().all()
    csrf = hidden((await mary.read("/account")).text)
    for wanted in admins:
        assert (await mary.send("/account/end", {**csrf, "sign_in": wanted})).status_code == 404
    assert (await admin.read("/calls")).status_code == 200


async def test_signing_out_makes_a_copy_of_the_cookie_worthless(mary: Person) -> None:
    copy = mary.browser.cookies[COOKIE]
    page = await mary.read("/calls")
    await mary.send("/signout", hidden(page.text, "/signout"))
    mary.browser.cookies.clear()
    assert (await mary.read("/calls", Cookie=f"{COOKIE}={copy}")).status_code == 303


async def test_a_person_changes_his_password(mary: Person, new_person: Callable[[], Person]) -> None:
    other = new_person()
    assert await enter(other) == 303
    page = await mary.read("/account")
    assert 'autocomplete="current-password"' in page.text
    assert 'autocomplete="new-password"' in page.text
    csrf = {"csrf": hidden(page.text)["csrf"]}
    for present, password, name in ((OTHER, OTHER, "present"), (PASSWORD, "short", "password"), ("", "", "present")):
        wrong = await mary.send("/account/password", {**csrf, "present": present, "password": password})
        assert wrong.status_code == 422
        assert f'id="f-{name}-wrong"' in wrong.text
        assert PASSWORD not in wrong.text
    done = await mary.send("/account/password", {**csrf, "present": PASSWORD, "password": OTHER})
    assert done.headers["location"] == "/account?done=password"
    assert "every other sign-in has ended" in text((await mary.read("/account?done=password")).text)
    assert (await other.read("/calls")).status_code == 303
    assert await enter(other, PASSWORD) == 401
    assert await enter(other, OTHER) == 303


async def test_wrong_present_passwords_are_counted_too(mary: Person) -> None:
    csrf = {"csrf": hidden((await mary.read("/account")).text)["csrf"]}
    sent = {**csrf, "present": OTHER, "password": "another long one here"}
    found = [(await mary.send("/account/password", sent)).status_code for _ in range(11)]
    assert found == [422] * 10 + [429]


async def test_who_signed_in_by_a_token_has_no_password(admin: Person, publisher: Person) -> None:
    for person in (admin, publisher):
        page = await person.read("/account")
        assert "New password" not in page.text
        sent = {"csrf": hidden(page.text)["csrf"], "present": "x", "password": PASSWORD}
        assert (await person.send("/account/password", sent)).status_code == 404
    assert "the administrator's token, or a code from the terminal" in text((await admin.read("/account")).text)
