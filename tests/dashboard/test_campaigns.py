"""Campaigns made, changed and deleted by the forms of their pages, and what the forms say when they refuse."""

import asyncio
from collections.abc import Callable

import pytest

from dni.access.tokens import NewToken
from dni.parts import Parts
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, hidden, text

NEW = {
    "name": "Spring offer",
    "destination": "(415) 555-0190",
    "timezone": "America/Chicago",
    "currency": "usd",
}


async def create(person: Person, **fields: str) -> str:
    """The address of the new campaign."""
    form = hidden((await person.read("/campaigns/new")).text)
    answer = await person.send("/campaigns/new", {**form, **NEW, **fields})
    assert answer.status_code == 303, text(answer.text)
    return answer.headers["location"]


def ids(parts: Parts) -> set[str]:
    return set(parts.catalog.now.campaigns)


async def test_a_campaign_is_made_changed_and_deleted_and_each_is_confirmed(admin: Person, parts: Parts) -> None:
    where = await create(admin)
    page = await admin.read(where)
    assert "Campaign created." in text(page.text)
    assert "Calls go to (415) 555-0190 . Days are those of America/Chicago , money is USD" in text(page.text)
    path = where.partition("?")[0]
    made = path.rpartition("/")[2]
    assert parts.catalog.now.campaigns[made].name == "Spring offer"  # served at once

    form = await admin.read(f"{path}/edit")
    assert 'value="Spring offer"' in form.text
    assert 'value="+14155550190"' in form.text
    assert '<option value="America/Chicago" selected>' in form.text
    changed = await admin.send(f"{path}/edit", {**hidden(form.text), **NEW, "name": "Summer", "timezone": "UTC"})
    assert (changed.status_code, changed.headers["location"]) == (303, f"{path}?done=changed")
    assert "Campaign changed. Summer" in text((await admin.read(f"{path}?done=changed")).text)

    asked = await admin.read(f"{path}/delete")
    assert "Delete Summer?" in text(asked.text)
    assert made in ids(parts)
    gone = await admin.send(f"{path}/delete", hidden(asked.text))
    assert (gone.status_code, gone.headers["location"]) == (303, "/campaigns?done=deleted")
    assert "Campaign deleted." in text((await admin.read("/campaigns?done=deleted")).text)
    assert (await admin.read(path)).status_code == 404


async def test_errors_stand_beside_their_fields_and_everything_typed_is_kept(admin: Person, parts: Parts) -> None:
    before = ids(parts)
    form = hidden((await admin.read("/campaigns/new")).text)
    typed = {**NEW, "name": '"><script>alert(1)</script>', "destination": "12", "timezone": "Asia/Tokyo"}
    answer = await admin.send("/campaigns/new", {**form, **typed})
    assert (answer.status_code, answer.headers["dni-reason"]) == (422, "invalid_number")
    assert "<script>alert" not in answer.text
    assert 'value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in answer.text
    assert 'value="12"' in answer.text
    assert '<option value="Asia/Tokyo" selected>' in answer.text
    assert 'id="f-destination" name="destination"' in answer.text
    assert 'aria-describedby="f-destination-help f-destination-wrong" aria-invalid="true"' in answer.text
    assert answer.text.count("aria-invalid") == 1
    assert '<a href="#f-destination">Calls go to</a>' in answer.text
    assert "Not a phone number" in text(answer.text)
    assert ids(parts) == before


async def test_all_empty_fields_are_told_at_once(admin: Person) -> None:
    form = hidden((await admin.read("/campaigns/new")).text)
    answer = await admin.send(
        "/campaigns/new", {**form, "name": "  ", "destination": "", "timezone": "", "currency": ""}
    )
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 4
    said = text(answer.text)
    assert "Name : Fill this in. Calls go to : Fill this in. Time zone : Choose one." in said


async def test_all_wrong_fields_are_told_at_once(admin: Person) -> None:
    for path in ("/campaigns/new", "/campaigns/cmp_1/edit"):
        form = hidden((await admin.read(path)).text)
        answer = await admin.send(path, {**form, **NEW, "name": "x" * 300, "destination": "12", "timezone": "Mars"})
        assert answer.status_code == 422
        assert answer.text.count('aria-invalid="true"') == 3


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "x" * 201}, "At most 200 characters."),
        ({"name": "a\0b"}, "No control characters."),
        ({"name": "a\u2028b"}, "No control characters"),
        ({"name": "\ud800".encode("utf-8", "replace").decode() * 300}, "At most 200 characters."),
        ({"timezone": "Mars/Olympus"}, "Not a time zone"),
        ({"currency": "dollars"}, "Not a currency"),
        ({"destination": "+1 202 555 0100"}, "is a tracking number itself"),
        ({"destination": "1" * 5000}, "At most 64 characters."),
    ],
)
async def test_hostile_values_are_refused_in_words(admin: Person, fields: dict[str, str], says: str) -> None:
    form = hidden((await admin.read("/campaigns/new")).text)
    answer = await admin.send("/campaigns/new", {**form, **NEW, **fields})
    assert answer.status_code == 422
    assert says in text(answer.text)


async def test_a_form_sent_twice_makes_one_and_leads_to_it_both_times(admin: Person, parts: Parts) -> None:
    before = ids(parts)
    form = {**hidden((await admin.read("/campaigns/new")).text), **NEW}
    first, second = [await admin.send("/campaigns/new", form) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    assert len(ids(parts) - before) == 1


async def test_of_a_form_sent_by_many_at_once_one_makes_it(admin: Person, parts: Parts) -> None:
    before = ids(parts)
    form = {**hidden((await admin.read("/campaigns/new")).text), **NEW}
    answers = await asyncio.gather(*(admin.send("/campaigns/new", form) for _ in range(10)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(ids(parts) - before) == 1


async def test_a_form_sent_again_with_other_values_says_so_and_may_then_be_sent(admin: Person, parts: Parts) -> None:
    before = ids(parts)
    form = hidden((await admin.read("/campaigns/new")).text)
    await admin.send("/campaigns/new", {**form, **NEW})
    again = await admin.send("/campaigns/new", {**form, **NEW, "name": "Second"})
    assert again.status_code == 409
    assert "This form was sent before" in text(again.text)
    assert 'value="Second"' in again.text
    assert len(ids(parts) - before) == 1
    anew = await admin.send("/campaigns/new", {**hidden(again.text), **NEW, "name": "Second"})
    assert anew.status_code == 303
    assert len(ids(parts) - before) == 2


async def test_a_refused_form_is_sent_once_more_and_works(admin: Person, parts: Parts) -> None:
    form = hidden((await admin.read("/campaigns/new")).text)
    refused = await admin.send("/campaigns/new", {**form, **NEW, "name": ""})
    assert hidden(refused.text) == form
    assert (await admin.send("/campaigns/new", {**hidden(refused.text), **NEW})).status_code == 303


async def test_a_campaign_in_use_is_not_deleted_and_the_page_says_by_what(admin: Person, parts: Parts) -> None:
    asked = await admin.read("/campaigns/cmp_1/delete")
    answer = await admin.send("/campaigns/cmp_1/delete", hidden(asked.text))
    assert (answer.status_code, answer.headers["dni-reason"]) == (409, "in_use")
    assert "It was not done It is in use by tag 'Tag 1'" in text(answer.text)
    assert "cmp_1" in ids(parts)


async def test_a_campaigns_page_names_all_that_belongs_to_it(admin: Person) -> None:
    page = await admin.read("/campaigns/cmp_1")
    for link in (
        "/tags/tag_1",
        "/pools/pool_1",
        "/publishers/pub_1",
        "/calls?campaign=cmp_1",
        "/sources?campaign=cmp_1",
    ):
        assert f'href="{link}"' in page.text, link
    assert "tag_2" not in page.text


async def test_who_may_not_write_reads_what_is_within_his_walls_and_sees_no_forms(
    new_person: Callable[[], Person], publisher: Person, parts: Parts
) -> None:
    advertiser = await new_person().signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_1")))
    for person in (publisher, advertiser):
        listed = await person.read("/campaigns")
        assert "Campaign 1" in listed.text
        assert "Campaign 2" not in listed.text
        page = await person.read("/campaigns/cmp_1")
        assert "/edit" not in page.text + listed.text
        assert (await person.read("/campaigns/cmp_2")).status_code == 404
        csrf = hidden(page.text)
        for path in ("/campaigns/new", "/campaigns/cmp_1/edit", "/campaigns/cmp_1/delete"):
            assert (await person.read(path)).status_code == 403
            assert (await person.send(path, {**csrf, **NEW})).status_code == 403
    marketer = await new_person().signed_in(await token(parts, NewToken(role="marketer")))
    await create(marketer)
