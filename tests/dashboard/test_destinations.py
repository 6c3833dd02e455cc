"""Destinations: their list on the campaign's page, and the forms that make, change and delete one."""

import pytest

from dni.access.tokens import NewToken
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard import routed
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, text
from tests.dashboard.samples import MINUTE, insert_rows
from tests.dashboard.test_tag_desk import send, shown
from tests.support.world import START_MS

PAGE = "/campaigns/cmp_1"
NEW = f"{PAGE}/destinations/new"
FIELDS = {
    "name": "Sales <b>team</b>",
    "number": "(415) 555-0134",
    "hours": "Mo-Fr  09:00-17:00",
    "timezone": "America/Chicago",
    "paused": "",
    "caps/concurrent": "2",
    "caps/day": "30",
}


def only(parts: Parts, name: str = "Sales <b>team</b>") -> str:
    [found] = [one.id for one in parts.catalog.now.destinations.values() if one.name == name]
    return found


async def test_a_destination_is_made_changed_and_deleted(admin: Person, parts: Parts) -> None:
    answer = await send(admin, NEW, FIELDS)
    assert answer.headers["location"] == f"{PAGE}?done=destination_added"
    page = text((await admin.read(answer.headers["location"])).text)
    assert "Destination created." in page
    assert "Sales <b>team</b> Takes calls (415) 555-0134 0 on the phone, 0 today" in page
    assert "open Mo-Fr 09:00-17:00, America/Chicago ; at most 2 at once, 30 a day" in page

    made = only(parts)
    form = shown((await admin.read(f"/destinations/{made}/edit")).text)
    assert (form["caps/concurrent"], form["caps/hour"], form["timezone"]) == ("2", "", "America/Chicago")
    form |= {"caps/concurrent": "", "caps/day": "", "hours": "", "paused": "on", "number": "415 555 0134"}
    form["name"] = FIELDS["name"]
    await send(admin, f"/destinations/{made}/edit", form)
    now = parts.catalog.now.destinations[made]
    assert (now.hours, now.paused, now.caps.day, now.caps.concurrent) == (None, True, None, None)
    assert "Sales <b>team</b> Paused" in text((await admin.read(f"{PAGE}?done=destination_changed")).text)

    ask = text((await admin.read(f"/destinations/{made}/delete")).text)
    assert "This works only when no step of the campaign's routing names it." in ask
    gone = await send(admin, f"/destinations/{made}/delete", {})
    assert gone.headers["location"] == f"{PAGE}?done=destination_deleted"
    assert made not in parts.catalog.now.destinations


async def test_sent_twice_it_makes_one(admin: Person, parts: Parts) -> None:
    fields = {**FIELDS, "once": "the-same-form"}
    for _ in range(2):
        await send(admin, NEW, fields)
    assert only(parts)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "Name : Fill this in."),
        ({"number": "12"}, "Not a phone number"),
        ({"number": "+12025550100"}, "is a tracking number itself"),
        ({"hours": "Monday 09:00-17:00"}, "is no day"),
        ({"hours": "Mo-Fr 9-17"}, "is no span of time"),
        ({"timezone": "Mars/Phobos"}, "Time zone"),
        ({"caps/day": "many"}, "A whole number, in digits."),
        ({"caps/concurrent": "-1"}, "At least 0."),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    admin: Person, parts: Parts, fields: dict[str, str], words: str
) -> None:
    answer = await send(admin, NEW, {**FIELDS, **fields}, 422)
    assert words in text(answer.text)
    assert "Sales" in answer.text or "name" in fields
    assert not parts.catalog.now.destinations


async def test_one_that_the_routing_names_stays(admin: Person, parts: Parts) -> None:
    await routed.fill(parts)
    answer = await send(admin, "/destinations/dst_anna/delete", {}, 409)
    assert "It is in use by the routing of campaign" in text(answer.text)
    assert "dst_anna" in parts.catalog.now.destinations


async def test_the_list_says_who_takes_calls_and_how_many_each_has(admin: Person, parts: Parts) -> None:
    await routed.fill(parts)
    rings = {"destination_id": "dst_anna", "number": routed.ANNA, "state": "ringing", "counted": True}
    for n in range(2):
        row = {"id": f"att_now{n}", "call_id": routed.CALL, **rings, "at_ms": START_MS - MINUTE, "ended_at_ms": None}
        await insert_rows(parts, schema.attempt, row)
    page = text((await admin.read(PAGE)).text)
    assert "Anna Full 2 at once (415) 555-0131 2 on the phone, 3 today" in page
    assert "Bob Paused" in page
    assert "a v… Closed" in page
    assert "5 steps: Reject, Voicemail, Menu, Connect, Connect." in page


async def test_publishers_see_neither_destinations_nor_routing(
    admin: Person, publisher: Person, stranger: Person, parts: Parts
) -> None:
    await routed.fill(parts)
    page = (await publisher.read(PAGE)).text
    for words in ("Anna", "Destinations", "Routing", "dst_"):
        assert words not in page
    for path, status in (("/destinations/dst_anna/edit", 403), (f"{PAGE}/routing", 403), (NEW, 403)):
        assert (await publisher.read(path)).status_code == status
    advertiser = await stranger.signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_1")))
    page = (await advertiser.read(PAGE)).text
    assert "Anna" in page
    assert "/destinations/" not in page
    assert (await advertiser.read("/destinations/dst_anna/edit")).status_code == 403
