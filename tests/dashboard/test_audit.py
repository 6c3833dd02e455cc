"""The log of who did what: written with each form, read by admins."""

from collections.abc import Callable

from dni.access.tokens import NewToken
from dni.clock import SettableClock
from dni.parts import Parts
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, csv_rows, hidden, text


async def change_name(person: Person, name: str) -> None:
    form = hidden((await person.read("/campaigns/cmp_1/edit")).text)
    sent = {**form, "name": name, "destination": "+1 415 555 0199", "timezone": "America/New_York"}
    answer = await person.send("/campaigns/cmp_1/edit", sent)
    assert answer.status_code == 303, text(answer.text)


async def test_a_change_is_told_with_what_was_before(
    admin: Person, new_person: Callable[[], Person], parts: Parts
) -> None:
    mary = await new_person().signed_in(await token(parts, NewToken(role="marketer", name="Mary")))
    await change_name(mary, "Roofing")
    page = await admin.read("/settings/audit")
    said = text(page.text)
    assert "Mary marketer changed campaign Roofing its history name Campaign 1 → Roofing" in said
    assert "Mary marketer signed in" in said
    await change_name(mary, "Roofing")
    assert text((await admin.read("/settings/audit")).text).count("changed campaign Roofing") == 2


async def test_it_is_filtered_and_downloaded(admin: Person, new_person: Callable[[], Person], parts: Parts) -> None:
    mary = await new_person().signed_in(await token(parts, NewToken(role="marketer", name="Mary")))
    await change_name(mary, "=Roofing")
    assert isinstance(parts.clock, SettableClock)
    parts.clock.advance(1)
    await change_name(admin, "Plumbing")
    only = text((await admin.read("/settings/audit?object=cmp_1&by=admin")).text)
    assert only.count("changed campaign Plumbing") == 1
    assert "Mary marketer" not in only
    assert "No act fits" in text((await admin.read("/settings/audit?act=delete_campaign")).text)
    assert "No act fits" in text((await admin.read("/settings/audit?to=2020-01-01")).text)
    day = "2026-09-21"
    assert "No act fits" not in text((await admin.read(f"/settings/audit?from={day}&to={day}")).text)
    assert (await admin.read("/settings/audit?from=yesterday")).status_code == 422
    rows = csv_rows(await admin.read("/settings/audit.csv?object=cmp_1"))
    assert [(row["by_name"], row["act"]) for row in rows] == [("admin", "change_campaign"), ("Mary", "change_campaign")]


async def test_what_is_hostile_is_shown_as_it_is(admin: Person) -> None:
    await change_name(admin, "<script>alert(1)</script>\u202e")
    page = await admin.read("/settings/audit")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


async def test_a_secret_is_in_no_line_of_it(admin: Person) -> None:
    form = hidden((await admin.read("/settings/carriers/car_1/edit")).text)
    sent = {**form, "name": "C", "account_sid": "AC9", "auth_token": "a-new-auth-token"}
    assert (await admin.send("/settings/carriers/car_1/edit", sent)).status_code == 303
    page = await admin.read("/settings/audit")
    assert "a-new-auth-token" not in page.text
    assert "auth token (secret)" in text(page.text)


async def test_steps_of_the_set_up_are_told_too(admin: Person) -> None:
    page = await admin.read("/setup/campaign")
    sent = {**hidden(page.text), "name": "Dentist", "destination": "+1 415 555 0188", "timezone": "America/New_York"}
    where = (await admin.send("/setup/campaign", sent)).headers["location"]
    page = await admin.read(where)
    await admin.send(where, {**hidden(page.text), "numbers": "+1 415 555 0170\n+1 415 555 0171"})
    said = text((await admin.read("/settings/audit")).text)
    assert "created campaign Dentist" in said
    assert "created pool Dentist" in said
    assert "+14155550170, +14155550171" in said
