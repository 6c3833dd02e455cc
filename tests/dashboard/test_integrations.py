"""Integrations on pages: who sees them, how each is, and the forms that make, change, pause and delete one."""

from collections.abc import Callable

import httpx
import msgspec
import pytest

from dni.access.tokens import NewToken
from dni.outbound import endpoints
from dni.outbound.endpoints import EndpointView
from dni.outbound.model import TYPES, Only
from dni.parts import Parts
from tests.dashboard import integrated
from tests.dashboard.conftest import token
from tests.dashboard.integrated import dlv
from tests.dashboard.people import Person, hidden, text
from tests.dashboard.test_payouts import says

WEBHOOK = {"name": "Ours", "url": "https://crm.example/calls", "role": "staff", "events/call.qualified": "on"}
GA4 = {
    "name": "Analytics",
    "settings/measurement_id": "G-A1B2C3D4E5",
    "settings/event": "phone_call",
    "settings/ad_user_data": "page",
    "settings/ad_personalization": "page",
    "settings/value": "none",
    "settings/min_confidence": "0.5",
    "settings/base_url": "https://www.google-analytics.com",
    "secrets/api_secret": "s3cret-of-ours",
    "events/call.qualified": "on",
}


async def fill_in(person: Person, path: str, form: str = "", **fields: str) -> httpx.Response:
    """Opens a page, and sends its form to `form`, by default to the page itself, with these fields."""
    page = await person.read(path)
    assert page.status_code == 200, page.text
    action = form or path.partition("?")[0]
    answer = await person.send(action, {**hidden(page.text, action), **fields})
    return await person.read(answer.headers["location"]) if answer.status_code == 303 else answer


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    await integrated.fill(parts)
    return parts


async def every(parts: Parts) -> dict[str, EndpointView]:
    """By name."""
    async with parts.ledger.read() as connection:
        found, _ = await endpoints.page(connection, 50)
    return {one.name: one for one in found}


@pytest.mark.parametrize(
    "new",
    [
        NewToken(role="publisher", publisher="pub_1"),
        NewToken(role="advertiser", campaign="cmp_1"),
        NewToken(role="marketer", campaign="cmp_1"),
    ],
    ids=lambda new: new.role,
)
async def test_who_has_walls_has_no_such_room(new_person: Callable[[], Person], parts: Parts, new: NewToken) -> None:
    person = await new_person().signed_in(await token(parts, new))
    for path in (
        "/integrations",
        "/integrations/new",
        "/integrations/new?kind=webhook",
        "/integrations/end_ok",
        "/integrations/end_ok/edit",
        "/integrations/end_ok/test",
        f"/deliveries/{dlv(1)}",
    ):
        assert (await person.read(path)).status_code == 403, path
    assert "/integrations" not in (await person.read("/overview")).text
    call = await person.read("/calls/call_google")
    assert call.status_code == 200
    assert "Whom it was told to" not in call.text
    assert "Office CRM" not in call.text


async def test_a_marketer_without_walls_has_it(new_person: Callable[[], Person], parts: Parts) -> None:
    mary = await new_person().signed_in(await token(parts, NewToken(role="marketer")))
    assert "Office CRM" in await says(mary, "/integrations")
    assert 'href="/integrations"' in (await mary.read("/overview")).text


async def test_the_list_says_how_each_is(admin: Person, parts: Parts) -> None:
    page = await says(admin, "/integrations")
    assert "Data warehouse Webhook Nothing sent yet" in page
    assert "Office CRM Webhook Works delivered 4 min ago" in page
    assert "of Campaign 1; only calls that qualified, talked for at least 60 s" in page
    assert "Failing for 3 h: it answered 503" in page
    assert "Bookkeeping Webhook Paused what happens waits" in page


async def test_an_empty_list_teaches_the_next_step(admin: Person, parts: Parts) -> None:
    async with parts.ledger.write() as connection:
        for view in (await every(parts)).values():
            await endpoints.delete(connection, parts.clock.now_ms(), view.id)
    page = await says(admin, "/integrations")
    assert "Nobody is told yet" in page
    assert "New integration" in page


async def test_one_that_fails_says_why_since_when_and_what_next(admin: Person, parts: Parts) -> None:
    page = await says(admin, "/integrations/end_fails")
    assert "It fails since Sep 21, 07:13:20: 9 tries in a row." in page
    assert "It answered 503." in page
    assert "Next try in 2 min; 2 deliveries wait. Nothing is lost: each is tried for three days." in page
    assert "2 deliveries were given up." in page
    assert "Checked with the official library" in page
    assert "Told as to Your own staff" in page
    overview = await says(admin, "/overview")
    assert "failing Call centre <b>bold</b> with a very lon… for 3 h: it answered 503" in overview
    assert "given up" in overview


async def test_one_that_is_new_teaches_the_next_step(admin: Person, parts: Parts) -> None:
    page = await says(admin, "/integrations/end_new")
    assert "Nothing was sent yet" in page
    assert "Try it" in page


async def test_each_kind_is_offered_with_what_it_does(admin: Person, parts: Parts) -> None:
    page = await says(admin, "/integrations/new")
    assert "Webhook Signed JSON to an address of your own" in page
    for label in (
        "Postback",
        "Google Ads",
        "Google Analytics 4",
        "Meta",
        "Microsoft",
        "TikTok",
        "HubSpot",
        "Salesforce",
    ):
        assert label in page
    assert (await admin.read("/integrations/new?kind=nothing")).status_code == 200


async def test_a_webhook_is_made_and_its_secret_is_shown_once(admin: Person, parts: Parts) -> None:
    form = await admin.read("/integrations/new?kind=webhook")
    sent = {**hidden(form.text, "/integrations/new"), **WEBHOOK, "only/qualified": "yes"}
    made = await admin.send("/integrations/new", sent)
    assert made.status_code == 200
    assert "it is shown this once only" in text(made.text)
    secret = made.text.partition("whsec_")[2].partition("<")[0]
    assert len(secret) > 30
    view = (await every(parts))["Ours"]
    assert (view.settings["url"], view.events, view.only) == (WEBHOOK["url"], ["call.qualified"], Only(qualified=True))

    twice = await admin.send("/integrations/new", sent)
    assert "This form was sent twice" in text(twice.text)
    assert secret not in twice.text
    assert [one for one in await every(parts) if one == "Ours"] == ["Ours"]
    for path in (f"/integrations/{view.id}", f"/integrations/{view.id}/edit", "/settings/audit"):
        assert secret not in (await admin.read(path)).text, path


async def test_a_new_secret_is_shown_once_too(admin: Person, parts: Parts) -> None:
    asked = await admin.read("/integrations/end_ok/rotate")
    assert "For a day everything is signed with both" in text(asked.text)
    made = await admin.send("/integrations/end_ok/rotate", hidden(asked.text, "/integrations/end_ok/rotate"))
    secret = "whsec_" + made.text.partition("whsec_")[2].partition("<")[0]
    async with parts.ledger.read() as connection:
        kept = (await endpoints.load(connection, "end_ok")).secrets
    assert kept.secret == secret
    assert [one.secret for one in kept.former] == [integrated.SECRET]
    assert (await admin.read("/integrations/end_ok/rotate")).text.find(secret) == -1


async def test_a_platform_is_made_and_its_secret_never_shown(admin: Person, parts: Parts) -> None:
    made = await fill_in(admin, "/integrations/new?kind=ga4", **GA4)
    assert "Created. Try it: the answer is shown at once." in text(made.text)
    view = (await every(parts))["Analytics"]
    assert (view.kind, view.settings["measurement_id"], view.secrets_set) == ("ga4", "G-A1B2C3D4E5", ["api_secret"])
    page = await admin.read(f"/integrations/{view.id}")
    assert "API secret set, never shown" in text(page.text)
    assert "Measurement ID G-A1B2C3D4E5" in text(page.text)
    assert "The live service was not tried" in text(page.text)
    edit = await admin.read(f"/integrations/{view.id}/edit")
    assert "It is set; leave this empty to keep it." in text(edit.text)
    for one in (page, edit, made):
        assert GA4["secrets/api_secret"] not in one.text


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept(admin: Person, parts: Parts) -> None:
    wrong = await fill_in(admin, "/integrations/new?kind=ga4", **{**GA4, "settings/measurement_id": "UA-1", "name": ""})
    assert wrong.status_code == 422
    said = text(wrong.text)
    assert "Name : Fill this in." in said
    again = await fill_in(admin, "/integrations/new?kind=ga4", **{**GA4, "settings/measurement_id": "UA-1"})
    assert again.status_code == 422
    assert "Measurement ID : Not in the form that is asked for" in text(again.text)
    assert 'value="UA-1"' in again.text
    assert GA4["secrets/api_secret"] not in again.text, "what was typed as a secret is typed anew"
    nothing = await fill_in(admin, "/integrations/new?kind=webhook", **{**WEBHOOK, "events/call.qualified": ""})
    assert nothing.status_code == 422
    assert "Call started : " in text(nothing.text)
    assert "Analytics" not in await every(parts)
    assert "Ours" not in await every(parts)


async def test_one_is_changed_and_keeps_what_is_not_in_the_form(admin: Person, parts: Parts) -> None:
    await fill_in(admin, "/integrations/new?kind=ga4", **GA4)
    view = (await every(parts))["Analytics"]
    changed = {**GA4, "name": "Numbers", "settings/event": "rang", "secrets/api_secret": "", "campaign": "cmp_1"}
    page = await fill_in(admin, f"/integrations/{view.id}/edit", **changed)
    assert "Saved." in text(page.text)
    now = (await every(parts))["Numbers"]
    assert (now.settings["event"], now.campaign, now.secrets_set) == ("rang", "cmp_1", ["api_secret"])
    async with parts.ledger.read() as connection:
        assert (await endpoints.load(connection, view.id)).secrets.api_secret == GA4["secrets/api_secret"]


async def test_the_form_of_a_change_is_filled_with_what_is(admin: Person, parts: Parts) -> None:
    page = await admin.read("/integrations/end_ok/edit")
    assert 'value="https://ok.example/calls"' in page.text
    ticked = [type_ for type_ in TYPES if f'name="events/{type_}" value="on" checked' in page.text]
    assert ticked == ["call.completed", "call.qualified", "outcome.recorded"]
    assert '<option value="yes" selected>Only those that did</option>' in page.text


async def test_one_is_paused_and_goes_on(admin: Person, parts: Parts) -> None:
    page = await fill_in(admin, "/integrations/end_ok", form="/integrations/end_ok/pause", act="pause")
    assert "Paused: what happens waits." in text(page.text)
    assert (await every(parts))["Office CRM"].paused
    page = await fill_in(admin, "/integrations/end_ok", form="/integrations/end_ok/pause", act="go_on")
    assert "It goes on" in text(page.text)
    assert not (await every(parts))["Office CRM"].paused


async def test_one_is_deleted_after_it_was_asked(admin: Person, parts: Parts) -> None:
    asked = await says(admin, "/integrations/end_fails/delete")
    assert "What still waits for it is not sent." in asked
    page = await fill_in(admin, "/integrations/end_fails/delete")
    assert "Deleted. Nothing is sent there any more." in text(page.text)
    assert (await admin.read("/integrations/end_fails")).status_code == 404
    assert "Call centre" not in "".join(await every(parts))


async def test_every_change_is_in_the_log(admin: Person, parts: Parts) -> None:
    await fill_in(admin, "/integrations/new?kind=ga4", **GA4)
    await fill_in(admin, "/integrations/end_rests", form="/integrations/end_rests/pause", act="go_on")
    await fill_in(admin, "/integrations/end_ok/delete")
    log = await says(admin, "/settings/audit")
    assert "created integration" in log
    assert "changed webhook" in log
    assert "deleted webhook" in log
    assert GA4["secrets/api_secret"] not in log


async def test_a_preset_fills_the_form_and_keeps_what_was_typed(admin: Person, parts: Parts) -> None:
    path = "/integrations/new?kind=postback"
    form = await admin.read(path)
    sent = {**hidden(form.text, "/integrations/new"), "name": "Network", "events/call.qualified": "on"}
    page = await admin.send("/integrations/new", {**sent, "act": "preset:tune"})
    assert page.status_code == 200
    assert "Filled in for TUNE" in text(page.text)
    assert "/aff_lsr?offer_id=&lt;OFFER ID&gt;&amp;transaction_id={sub1!}" in page.text
    assert 'value="Network"' in page.text
    assert "Network" not in await every(parts)
    assert "{talk_seconds} seconds that were spoken" in text(page.text)
    # As it stands it is refused: what is in <…> is to be filled in first.
    url = "https://<DOMAIN>/aff_lsr?offer_id=<OFFER ID>&transaction_id={sub1!}"
    plain = {"settings/method": "GET", "settings/platform": "tune"}
    plain["settings/content_type"] = "application/x-www-form-urlencoded"
    wrong = await admin.send("/integrations/new", {**sent, **plain, "settings/url": url})
    assert wrong.status_code == 422
    assert "Address : " in text(wrong.text)


async def test_what_would_be_sent_is_seen_before_anything_is_saved(admin: Person, parts: Parts) -> None:
    form = await admin.read("/integrations/new?kind=postback")
    sent = {**hidden(form.text, "/integrations/new"), "act": "preview", "settings/method": "GET"}
    sent |= {"settings/content_type": "application/json", "settings/platform": "other", "secrets/token": "s3cret"}
    sent["settings/url"] = "https://n.example/p?c={call_id}&t={talk_seconds}&k={secret}"
    page = await admin.send("/integrations/new", {**sent, "call": "call_google"})
    assert page.status_code == 200
    said = text(page.text)
    assert "What would be sent GET https://n.example/p?c=call_google&t=127&k=••••" in said
    assert "Nothing is saved, and nothing was sent." in said
    assert '<option value="call_google" selected>' in page.text
    assert "{talk_seconds}&amp;k={secret}</textarea>" in page.text
    assert "s3cret" not in page.text
    # A call that lacks what the address must have, and an address that is none.
    sent["settings/url"] = "https://n.example/p?c={sub1!}"
    page = await admin.send("/integrations/new", {**sent, "call": "call_google"})
    assert "Nothing would be sent" in text(page.text)
    assert "sub1" in text(page.text)
    page = await admin.send("/integrations/new", {**sent, "settings/url": "https://n.example/{oops}"})
    assert page.status_code == 422
    assert "Address : " in text(page.text)
    assert set(await every(parts)) == {"Data warehouse", "Office CRM", "Bookkeeping"} | {
        name for name in await every(parts) if name.startswith("Call centre")
    }


async def test_it_is_seen_while_it_is_edited_too(admin: Person, parts: Parts) -> None:
    await fill_in(admin, "/integrations/new?kind=ga4", **GA4)
    view = (await every(parts))["Analytics"]
    changed = {**GA4, "settings/event": "rang", "act": "preview", "call": "call_google", "secrets/api_secret": ""}
    page = await fill_in(admin, f"/integrations/{view.id}/edit", **changed)
    assert "What would be sent POST https://www.google-analytics.com/" in text(page.text)
    assert '"name": "rang"' in text(page.text)
    assert (await every(parts))["Analytics"].settings["event"] == "phone_call"


async def test_one_is_tried_and_the_answer_is_shown(admin: Person, parts: Parts) -> None:
    """It goes nowhere here: its host is on this machine, which nobody allowed."""
    async with parts.ledger.write() as connection:
        await endpoints.change(connection, "end_ok", {"settings": {"url": "http://127.0.0.1:1/x"}})
    page = await says(admin, "/integrations/end_ok/test")
    assert "The newest" in page
    assert "It is sent at once, and once, whatever waits. Its type is test." in page
    answer = await fill_in(admin, "/integrations/end_ok/test", call="call_google")
    said = text(answer.text)
    assert "Failed" in said
    assert "DNI_OUTBOUND_ALLOW" in said
    assert "POST http://127.0.0.1:1/x" in said
    assert '"id": "call_google"' in said
    assert integrated.SECRET not in answer.text
    gone = await fill_in(admin, "/integrations/end_ok/test", call="call_nothing")
    assert gone.status_code in (404, 422)


async def test_texts_of_others_are_shown_and_do_nothing(admin: Person, parts: Parts) -> None:
    page = (await admin.read("/integrations/end_fails")).text
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page


def test_views_say_all_that_pages_show() -> None:
    assert "secrets" not in {field.name for field in msgspec.structs.fields(EndpointView)}
