"""The page where sales are brought in: nothing is done before it was seen what would come of it."""

import re
from html import unescape

import httpx
import pytest
from sqlalchemy import func, select

from dni.access.tokens import NewToken
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard import tenants
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, hidden, text

PATH = "/conversions"
TABLE = """Phone,Close date,Amount
(312) 555-0110,2026-09-21 14:00 UTC,125.00
(312) 555-0199,2026-09-21,1
x,soon,1
"""


@pytest.fixture
async def parts(sqlite_parts: Parts) -> Parts:
    await tenants.fill(sqlite_parts)
    return sqlite_parts


async def told(parts: Parts) -> int:
    async with parts.ledger.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(schema.outcome)) or 0)


async def upload(person: Person, file: bytes, **fields: str) -> httpx.Response:
    """As a browser sends a form with a file in it."""
    csrf = hidden((await person.read(PATH)).text, PATH)["csrf"]
    origin = {"Origin": "http://dni.example"}
    files = {"file": ("sales.csv", file, "text/csv")}
    return await person.browser.post(PATH, data={"csrf": csrf, **fields}, files=files, headers=origin)


def sure(page: str) -> dict[str, str]:
    """What the button that brings them in sends."""
    form = next(form for form in page.split("<form") if 'name="sure"' in form).partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}


async def test_a_file_is_seen_first_then_brought_in_then_known(admin: Person, parts: Parts) -> None:
    page = await upload(admin, TABLE.encode())
    assert page.status_code == 200, text(page.text)
    said = text(page.text)
    for words in ("What would come of it", "Nothing is told yet", "Found 1", "No call 1", "Wrong 1", "soon"):
        assert words in said, said
    assert await told(parts) == 0
    done = await admin.send(PATH, sure(page.text))
    assert "Brought in" in text(done.text)
    assert "sale yes, value 125.00 USD" in text(done.text)
    assert await told(parts) == 1
    again = await admin.send(PATH, sure(page.text))
    assert "Known 1" in text(again.text)
    assert await told(parts) == 1


async def test_a_pasted_table_and_what_is_said_about_it(admin: Person, parts: Parts) -> None:
    csrf = hidden((await admin.read(PATH)).text, PATH)["csrf"]
    table = "phone;sale time;value\n(312) 555-0110;21/9/2026 14:00;125,00\n"
    how = {
        "csrf": csrf,
        "table": table,
        "timezone": "UTC",
        "day_first": "on",
        "within_days": "3",
        "campaign": "cmp_own",
    }
    page = await admin.send(PATH, how)
    assert "Found 1" in text(page.text)
    kept = sure(page.text)
    assert {name: kept[name] for name in ("timezone", "day_first", "within_days", "campaign")} == {
        name: how[name] for name in ("timezone", "day_first", "within_days", "campaign")
    }
    assert (await admin.send(PATH, kept)).status_code == 200
    assert await told(parts) == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "Choose a file, or paste the table"),
        ({"table": "name,amount\nAda,5\n"}, "no row could name its call"),
        ({"table": TABLE, "timezone": "Mars/Base"}, "not a time zone"),
        ({"table": TABLE, "within_days": "many"}, "a whole number, in digits"),
        ({"table": TABLE, "within_days": "999"}, "at most 400"),
        ({"table": TABLE, "campaign": "cmp_nobody"}, "there is no campaign"),
    ],
)
async def test_what_cannot_be_is_said_and_what_was_typed_stays(
    admin: Person, parts: Parts, fields: dict[str, str], says: str
) -> None:
    csrf = hidden((await admin.read(PATH)).text, PATH)["csrf"]
    page = await admin.send(PATH, {"csrf": csrf, **fields})
    assert page.status_code == 422
    assert says.casefold() in text(page.text).casefold(), text(page.text)
    if "table" in fields:
        assert fields["table"].splitlines()[0] in page.text
    assert await told(parts) == 0


async def test_an_advertiser_brings_in_what_is_its_own(stranger: Person, parts: Parts) -> None:
    advertiser = await stranger.signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_own")))
    assert 'href="/conversions"' in (await advertiser.read("/calls")).text
    page = await upload(advertiser, b"call id\ncall_own\ncall_stranger\n")
    assert "Found 1" in text(page.text)
    assert "No call 1" in text(page.text)


async def test_a_publisher_may_not(stranger: Person, parts: Parts) -> None:
    publisher = await stranger.signed_in(await token(parts, NewToken(role="publisher", publisher="pub_own")))
    assert 'href="/conversions"' not in (await publisher.read("/calls")).text
    assert (await publisher.read(PATH)).status_code == 403


async def test_a_form_with_a_file_needs_the_token_of_our_page(admin: Person, parts: Parts) -> None:
    assert (await upload(admin, TABLE.encode(), csrf="another")).status_code == 403
    broken = {"Origin": "http://dni.example", "Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x\r\n", b"--x\r\nno name\r\n\r\n1\r\n--x--\r\n"):
        assert (await admin.browser.post(PATH, content=body, headers=broken)).status_code == 400
    assert await told(parts) == 0


async def test_hostile_cells_are_texts(admin: Person, parts: Parts) -> None:
    page = await upload(admin, b'call id,note\ncall_own,"<script>alert(1)</script>"\n')
    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
