"""The page that makes the file for Google Ads, and the file."""

from collections.abc import Callable

import pytest

from dni.access.tokens import NewToken
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, text
from tests.dashboard.samples import HOUR, call, insert_rows

PATH = "/exports/google-ads"
GCLID = "Cj0KCQiA-9wBhDvARIsAAnyVMZ0gk_8wcB"


async def test_the_page_shows_what_the_file_holds(admin: Person) -> None:
    page = await admin.read(f"{PATH}?value=25&name=Call")
    assert GCLID in page.text
    assert "Its only row. Times in America/New_York, the campaign's zone" in text(page.text)
    address = page.text.partition(f'href="{PATH}.csv?')[2].partition('"')[0].replace("&amp;", "&")
    answer = await admin.read(f"{PATH}.csv?{address}")
    assert answer.headers["content-disposition"] == 'attachment; filename="google-ads-clicks.csv"'
    first, head, row = answer.text.splitlines()
    assert first == "Parameters:TimeZone=America/New_York"
    assert head.startswith("Google Click ID,Conversion Name,")
    assert row == f"{GCLID},Call,2026-09-21 07:15:34-0400,25,USD,call_google,Granted,"


async def test_the_call_list_leads_there(admin: Person) -> None:
    assert f'href="{PATH}"' in (await admin.read("/calls")).text


async def test_who_has_nothing_to_tell_is_told_why(admin: Person) -> None:
    page = text((await admin.read(f"{PATH}?confidence=99")).text)
    assert "No call can go in" in page
    assert "auto-tagging" in page
    assert len((await admin.read(f"{PATH}.csv?confidence=99")).text.splitlines()) == 2


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("name=%3Dcmd", "Conversion name: it begins with"),
        ("value=lots", "Value: a number"),
        ("currency=dollar", "Currency: three letters"),
        ("talk=x", "Talked at least: whole seconds"),
        ("confidence=101", "Sure at least: 0 to 100 %"),
        ("calls=some", "Calls: answered or all"),
        ("template=x", "What: clicks or calls"),
        ("ids=x", "Click ids: gclid or all"),
        ("from=oops", "From: not a day"),
    ],
)
async def test_what_cannot_be_used_is_said_and_makes_no_file(admin: Person, query: str, says: str) -> None:
    page = await admin.read(f"{PATH}?{query}")
    assert page.status_code == 200
    assert says in text(page.text)
    assert f"{PATH}.csv" not in page.text
    file = await admin.read(f"{PATH}.csv?{query}")
    assert file.status_code == 422
    assert says in text(file.text)


async def test_callers_are_for_who_may_see_them(new_person: Callable[[], Person], admin: Person, parts: Parts) -> None:
    shown = {"method": "static", "source": "google", "tag_id": None}
    await insert_rows(parts, schema.call, call("call_shown", HOUR, **shown))
    answer = await admin.read(f"{PATH}.csv?template=calls")
    assert answer.text.splitlines()[2].startswith("+13125550142,2026-09-21 09:13:20-0400,Phone call,")
    publisher = await new_person().signed_in(await token(parts, NewToken(role="publisher", publisher="pub_1")))
    assert "The caller, of numbers in ads" not in (await publisher.read(PATH)).text
    assert (await publisher.read(f"{PATH}.csv?template=calls")).status_code == 403
