"""The page of sources: figures, drill-down, files, and what hostile visitors leave there."""

import pytest

from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.people import Person, csv_rows, text
from tests.dashboard.samples import HOUR, call, insert_rows


async def test_what_made_the_phone_ring(admin: Person) -> None:
    page = text((await admin.read("/sources")).text)
    assert "Aug 23, 2026 to Sep 21, 2026 , days of America/New_York" in page
    assert "google / cpc 1 1 2" in page, "one visit with a number, two calls"
    assert "yelp / listing 0 0 1" in page
    assert "not known" in page, "calls that are nobody's"
    for name in ("With number", "Expected", "First time", "Per 100 visits", "shares each"):
        assert name in page


async def test_a_row_leads_to_its_calls(admin: Person) -> None:
    page = (await admin.read("/sources")).text
    addresses = [part.partition('"')[0].replace("&amp;", "&") for part in page.split('href="')[1:]]
    address = next(one for one in addresses if one.startswith("/calls?") and "source=google" in one)
    found = text((await admin.read(address)).text)
    assert "Sep 21, 07:15:34" in found
    assert "bing" not in found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("by=keyword&model=linear", "emergency plumber"),
        ("by=publisher", "Publisher 1"),
        ("by=number", "(202) 555-0100"),
        ("by=weekday", "Monday"),
        ("by=hour", "07:00 to 07:59"),
        ("by=first_time", "First call of this telephone"),
        ("by=sauce&model=best&from=oops", "From: not a day"),
        ("from=2020-01-01&to=2020-01-02", "No visit and no call in these days"),
        ("source=google", "google / cpc"),
    ],
)
async def test_every_way_to_ask(admin: Person, query: str, said: str) -> None:
    answer = await admin.read(f"/sources?{query}")
    assert answer.status_code == 200
    assert said in text(answer.text)


async def test_times_stand_in_their_order(admin: Person) -> None:
    page = text((await admin.read("/sources?by=hour")).text)
    hours = [page.index(f"{hour:02}:00 to") for hour in (2, 4, 6, 7, 10)]
    assert hours == sorted(hours)
    page = text((await admin.read("/sources?by=day")).text)
    assert page.index("2026-09-21") < page.index("2026-09-20") < page.index("2026-09-18")


async def test_the_days_before_are_beside(admin: Person, parts: Parts) -> None:
    older = [call(f"old{n}", 40 * 24 * HOUR, source="google", medium="cpc") for n in (1, 2, 3)]
    await insert_rows(parts, schema.call, *older)
    assert "google / cpc 1 1 2 3" in text((await admin.read("/sources")).text)


async def test_the_file_has_the_same_rows_and_no_formulas(admin: Person) -> None:
    answer = await admin.read("/sources.csv?by=keyword")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = csv_rows(answer)
    assert {"emergency plumber", ""} < {line["keyword"] for line in lines}
    assert [line["keyword"][:14] for line in lines if "HYPERLINK" in line["keyword"]] == ["'=HYPERLINK(1)"]
    assert sum(float(line["calls"]) for line in lines) == 10


async def test_a_publisher_sees_its_own_and_strangers_nothing(publisher: Person, stranger: Person) -> None:
    page = text((await publisher.read("/sources")).text)
    assert "google / cpc" in page
    assert (await stranger.read("/sources")).status_code == 303


async def test_what_visitors_made_up_is_only_text(admin: Person) -> None:
    page = (await admin.read("/sources")).text + (await admin.read("/sources?by=landing_page")).text
    assert "<script>document.title" not in page
    assert "&lt;script&gt;document.title" in page
