"""A call's page: its way through the routing, and what became of it, told by a form."""

import pytest

from dni.access.tokens import NewToken
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard import routed
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, text
from tests.dashboard.samples import call, insert_rows, unanswered
from tests.dashboard.test_tag_desk import send, shown
from tests.support.carrier import rows

CALL, FORM = f"/calls/{routed.CALL}", f"/calls/{routed.CALL}/outcome"


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    await routed.fill(parts)
    return parts


async def test_the_way_through_the_routing_says_why(admin: Person, parts: Parts) -> None:
    page = text((await admin.read(CALL)).text)
    for words in (
        "The caller is asked 08:13:20 1 · Reject “nuisance” passed over The caller rang once within 10 minutes.",
        "3 · Menu “language” taken 1 was pressed: English.",
        "5 · Connect “buyers” passed over Bob is paused.",
        "A phone rings 08:13:26",
        "Destinations tried Anna Answered (415) 555-0131 From 08:13:26, for 2 min 10 s",
        "Keys pressed 1 Who hung up the caller Caller's number Vouched for (A)",
        "Telephone mobile Recording https://recordings.example/RE1",
        "What became of it Sale, 125.00 USD, won",
    ):
        assert words in page, page


async def test_a_step_that_is_gone_is_called_by_its_name(admin: Person, parts: Parts) -> None:
    await routed.live(parts, {"steps": []})
    assert "“language” taken" in text((await admin.read(CALL)).text)


async def test_publishers_read_the_outcome_and_not_where_calls_go(publisher: Person, parts: Parts) -> None:
    page = text((await publisher.read(CALL)).text)
    assert "Sale, 125.00 USD, won" in page
    for words in ("Boiler", "Anna", "way through the routing", "Tell it", "555-0131"):
        assert words not in page
    for path in ("/calls.csv", "/calls?columns=destination"):
        listed = (await publisher.read(path)).text
        assert "0131" not in listed.replace("-", ""), path
    assert routed.CALL in (await publisher.read("/calls")).text
    assert routed.CALL not in (await publisher.read("/calls?q=4155550131")).text
    assert (await publisher.read(FORM)).status_code == 403
    assert (await publisher.send(FORM, {})).status_code == 403


async def test_an_advertiser_tells_what_became_of_a_call(stranger: Person, parts: Parts) -> None:
    advertiser = await stranger.signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_1")))
    form = shown((await advertiser.read(FORM)).text)
    assert form == {"sale": "yes", "value": "125.00", "lead_status": "won", "note": "Boiler"}
    changed = {**form, "value": "1,250.5", "lead_status": "", "note": "<b>Two</b> boilers"}
    answer = await send(advertiser, FORM, changed)
    assert answer.headers["location"] == f"{CALL}?done=told"
    last = (await rows(parts, schema.outcome))[-1]
    assert (last["sale"], last["value"], last["currency"], last["lead_status"]) == (True, 125_050, "USD", None)
    assert last["note"] == "<b>Two</b> boilers"
    page = await advertiser.read(f"{CALL}?done=told")
    assert "Told." in text(page.text)
    assert "&lt;b&gt;Two" in page.text
    await send(advertiser, FORM, changed)
    assert len(await rows(parts, schema.outcome)) == 2, "the same again adds nothing"
    await send(advertiser, FORM, {"sale": "", "value": "", "lead_status": "", "note": ""})
    assert "Taken back" in text((await advertiser.read(CALL)).text)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Tell at least one of sale, value, lead_status and note."),
        ({"value": "a lot"}, "An amount of USD, such as 125.00."),
        ({"value": "1.234"}, "An amount of USD"),
        ({"value": "-5"}, "Minor units, from 0"),
        ({"lead_status": "x" * 65}, "The lead's status"),
    ],
)
async def test_what_is_wrong_with_an_outcome_stands_beside_its_field(
    admin: Person, parts: Parts, fields: dict[str, str], words: str
) -> None:
    answer = await send(admin, "/calls/call_google/outcome", fields, 422)
    assert words in text(answer.text)
    assert len(await rows(parts, schema.outcome)) == 1


@pytest.mark.parametrize(
    ("status", "label"),
    [("menu", "In the menu"), ("connecting", "Connecting"), ("voicemail", "Voicemail")],
)
async def test_every_state_has_its_words(admin: Person, parts: Parts, status: str, label: str) -> None:
    row = call("call_state", 1000, **{**unanswered(status, 1000), "status": status})
    await insert_rows(parts, schema.call, row)
    assert f"Call from (312) 555-0142 {label}" in text((await admin.read("/calls/call_state")).text)
    found = (await admin.read(f"/calls?status={status}")).text
    assert "call_state" in found
    assert f"Status: {label}" in text(found) or label in text(found)
