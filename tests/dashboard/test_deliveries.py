"""Deliveries on pages: an integration's table, one with its tries, a call's own, and what is sent again."""

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from dni.access.tokens import NewToken
from dni.ledger import schema
from dni.outbound import deliveries, endpoints
from dni.parts import Parts
from tests.dashboard import integrated
from tests.dashboard.conftest import token
from tests.dashboard.integrated import dlv
from tests.dashboard.people import Person, hidden, text
from tests.dashboard.test_payouts import says


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    await integrated.fill(parts)
    return parts


async def state(parts: Parts, wanted: str) -> tuple[str, int]:
    """And how often it was tried."""
    async with parts.ledger.read() as connection:
        one = await deliveries.one(connection, wanted)
    return one.state, one.attempts


async def press(person: Person, path: str, action: str, **fields: str) -> httpx.Response:
    """Sends the form of a page to `action`, and follows it."""
    page = await person.read(path)
    answer = await person.send(action, {**hidden(page.text, action), **fields})
    return await person.read(answer.headers["location"]) if answer.status_code == 303 else answer


async def test_the_table_says_what_is_told_about_whom_and_how_it_went(admin: Person, parts: Parts) -> None:
    page = await says(admin, "/integrations/end_fails")
    assert "Sep 21, 08:13:20 Outcome recorded (312) 555-0142 Waiting Its turn comes." in page
    assert "Call qualified +44 1632 960123 Waiting It answered 503. Next try in 2 min. 5 Send now" in page
    assert "Given up It answered 503. 24 Send again" in page
    skipped = await says(admin, "/integrations/end_ok")
    assert "a withheld number Not sent The caller withheld the number." in skipped


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("state=dead", {dlv(7), dlv(8)}),
        ("state=waiting", {dlv(9), dlv(10)}),
        ("state=delivered", set()),
        ("type=outcome.recorded", {dlv(10)}),
        ("state=dead&type=outcome.recorded", set()),
        ("state=nothing&type=oops", {dlv(7), dlv(8), dlv(9), dlv(10)}),
    ],
)
async def test_the_table_is_narrowed_by_state_and_event(
    admin: Person, parts: Parts, query: str, shown: set[str]
) -> None:
    page = (await admin.read(f"/integrations/end_fails?{query}")).text
    assert {dlv(n) for n in range(1, 12) if f'href="/deliveries/{dlv(n)}"' in page} == shown
    assert ("None like this." in page) == (not shown)


async def test_a_huge_table_has_pages(admin: Person, parts: Parts) -> None:
    async with parts.ledger.write() as connection:
        await connection.execute(schema.delivery_attempt.delete())
        await connection.execute(schema.delivery.delete())
        rows = [integrated.message(100 + n, "call.completed", "call_google", 1_000) for n in range(120)]
        await connection.execute(schema.outbox.insert(), rows)
        sent = [integrated.delivery(100 + n, "ok", 100 + n, "call_google", "delivered", 1_000) for n in range(120)]
        await connection.execute(schema.delivery.insert(), sent)
    seen, path = set[int](), "/integrations/end_ok?type=call.completed"
    for many in (50, 50, 20):
        page = (await admin.read(path)).text
        now = {n for n in range(100, 220) if f'href="/deliveries/{dlv(n, 1_000)}"' in page}
        assert (len(now), now & seen) == (many, set())
        seen |= now
        older = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        assert ("type=call.completed&cursor=" in older) == (len(seen) < 120)
        path = older
    assert len(seen) == 120


async def test_one_delivery_has_its_request_its_message_and_each_try(admin: Person, parts: Parts) -> None:
    page = await says(admin, f"/deliveries/{dlv(6)}")
    assert "Outcome recorded Delivered Webhook Office CRM , about the call from (312) 555-0142" in page
    assert "POST https://ok.example/calls" in page
    assert '"id": "call_google"' in page
    assert "As it was sent last. Secrets are hidden." in page
    tries = page[page.index(" Tries ") :]
    assert tries.index("Delivered 200") < tries.index("no answer") < tries.index("Failed 503")
    assert "No connection: the host was not found." in tries
    assert '{ "error": "down for maintenance", "until": "09:00" }' in tries
    assert "184 ms" in tries
    assert integrated.SECRET not in (await admin.read(f"/deliveries/{dlv(6)}")).text


async def test_what_was_not_sent_says_what_is_missing(admin: Person, parts: Parts) -> None:
    page = await says(admin, f"/deliveries/{dlv(5)}")
    assert "Not sent" in page
    assert "What was sent Nothing. The caller withheld the number." in page
    assert "Nothing yet." in await says(admin, f"/deliveries/{dlv(10)}")


async def test_a_redirect_is_told_where_it_led(admin: Person, parts: Parts) -> None:
    assert "It redirects (302) to http://127.0.0.1/, which is not followed." in await says(
        admin, f"/deliveries/{dlv(7)}"
    )


async def test_a_call_lists_whom_it_was_told_to(admin: Person, parts: Parts) -> None:
    page = await says(admin, "/calls/call_google")
    section = page[page.index("Whom it was told to") :]
    assert "Office CRM Delivered" in section
    assert "Bookkeeping Waiting" in section
    assert "Given up" in section
    assert "Whom it was told to" not in await says(admin, "/calls/call_ringing")


async def test_one_is_sent_again(admin: Person, parts: Parts) -> None:
    assert await state(parts, dlv(7)) == ("dead", 24)
    page = await press(admin, f"/deliveries/{dlv(7)}", f"/deliveries/{dlv(7)}/send")
    assert "It is sent again" in text(page.text)
    assert await state(parts, dlv(7)) == ("waiting", 0)
    # From the table, too; and what was delivered.
    page = await press(admin, "/integrations/end_ok", f"/deliveries/{dlv(6)}/send")
    assert await state(parts, dlv(6)) == ("waiting", 0)
    async with parts.ledger.read() as connection:
        acts = (await connection.scalars(select(schema.audit.c.act))).all()
    assert acts.count("send_delivery") == 2
    log = await says(admin, "/settings/audit")
    assert "sent again delivery" in log


async def test_all_since_are_sent_again_and_how_many_is_told(admin: Person, parts: Parts) -> None:
    path = "/integrations/end_fails/send"
    form = await admin.read(path)
    assert 'name="states/dead" value="on" checked' in form.text
    page = await press(admin, path, path, since="2026-09-01T00:00", **{"states/dead": "on"})
    assert "2 are sent again." in text(page.text)
    assert await state(parts, dlv(7)) == ("waiting", 0)
    assert await state(parts, dlv(9)) == ("waiting", 5), "it waits already"
    page = await press(admin, path, path, since="2026-09-01T00:00", **{"states/dead": "on"})
    assert "None were to be sent." in text(page.text)


@pytest.mark.parametrize(
    ("fields", "says_"),
    [
        ({"since": "", "states/dead": "on"}, "All that were made since : Fill this in."),
        ({"since": "yesterday", "states/dead": "on"}, "All that were made since : "),
        ({"since": "2026-09-01T00:00"}, "Choose which are sent again"),
    ],
)
async def test_what_is_wrong_with_it_stands_at_its_field(
    admin: Person, parts: Parts, fields: dict[str, str], says_: str
) -> None:
    path = "/integrations/end_fails/send"
    page = await press(admin, path, path, **fields)
    assert page.status_code == 422
    assert says_ in text(page.text)
    assert await state(parts, dlv(7)) == ("dead", 24)


async def test_what_was_sent_to_a_deleted_one_is_still_read(admin: Person, parts: Parts) -> None:
    async with parts.ledger.write() as connection:
        await endpoints.delete(connection, parts.clock.now_ms(), "end_fails")
    page = await admin.read(f"/deliveries/{dlv(7)}")
    assert "The integration was deleted, so it is not sent again." in text(page.text)
    assert f'action="/deliveries/{dlv(7)}/send"' not in page.text
    assert 'href="/integrations/end_fails' not in page.text
    assert "Its endpoint was deleted" in await says(admin, f"/deliveries/{dlv(9)}")


async def test_who_has_walls_sends_nothing_again(new_person: Callable[[], Person], parts: Parts) -> None:
    person = await new_person().signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_1")))
    page = await person.read("/calls")
    sent = hidden(page.text, "/signout")
    assert (await person.send(f"/deliveries/{dlv(7)}/send", sent)).status_code == 403
    assert await state(parts, dlv(7)) == ("dead", 24)


async def test_forms_addresses_lead_to_their_pages(admin: Person, parts: Parts) -> None:
    answer = await admin.read(f"/deliveries/{dlv(7)}/send")
    assert answer.headers["location"] == f"/deliveries/{dlv(7)}"
    assert (await admin.read("/deliveries/dlv_nothing")).status_code == 404
