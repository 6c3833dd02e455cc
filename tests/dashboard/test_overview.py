"""The first page of the morning: what it counts, compares and points at."""

from zoneinfo import ZoneInfo

import pytest

from dni.call.refusals import Refusal, Refusals
from dni.dashboard.overview_rows import Hours, troubles
from dni.ledger import schema
from dni.parts import Parts
from dni.report.model import ReportRow
from tests.dashboard.people import Person, text
from tests.dashboard.samples import HOUR, insert_rows, session
from tests.support.world import START_MS

ZONE = ZoneInfo("America/New_York")  # START_MS is Monday, September 21, 10:13 there


def hours(*counts: tuple[str, int, float]) -> Hours:
    return Hours([ReportRow(day=d, hour=h, calls=c, sessions=10) for d, h, c in counts], START_MS, ZONE)


def test_today_is_compared_with_the_same_weekdays_until_the_same_minute() -> None:
    seen = hours(
        ("2026-09-21", 9, 4),
        ("2026-09-21", 10, 2),
        ("2026-09-14", 8, 2),
        ("2026-09-14", 10, 60),
        ("2026-09-14", 11, 99),
        ("2026-09-07", 9, 1),
        ("2026-09-20", 9, 50),
    ).today()
    # The 14th: 2, and 13 of the 60 minutes of 60 calls; the 7th: 1.
    assert seen.usual == pytest.approx((2 + 13 + 1) / 2)
    assert (seen.calls, seen.visits, seen.says) == (6, 20, "25% fewer than usual (8 by now)")


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ([], "nothing to compare with yet"),
        ([("2026-09-14", 9, 0.0)], "usually 0 by now"),
        ([("2026-09-14", 9, 5.0)], "as usual (5 by now)"),
        ([("2026-09-14", 9, 2.0)], "usually 2 by now"),
        ([("2026-09-14", 9, 4.0)], "25% more than usual (4 by now)"),
    ],
)
def test_how_today_does(before: list[tuple[str, int, float]], says: str) -> None:
    assert hours(("2026-09-21", 9, 5), *before).today().says == says


def test_the_trend_has_days_without_a_call_too() -> None:
    days = hours(("2026-09-21", 9, 3), ("2026-09-19", 23, 6)).trend(14)
    assert [(day.label, day.calls, day.visits, day.is_now) for day in days[-3:]] == [
        ("Sat Sep 19", 6, 10, False),
        ("Sun Sep 20", 0, 0, False),
        ("Mon Sep 21", 3, 10, True),
    ]
    assert len(days) == 14


def test_what_needs_a_look_worst_first() -> None:
    found = troubles(
        [
            ("tag_1", "Shop", "found_no_numbers", "warn"),
            ("tag_2", "Blog", "swapped", "good"),
            ("tag_3", "Old", None, "warn"),
        ],
        {"tag_2": 1},
        [("car_1", "signature_mismatch", 1200)],
        {"car_1": "Twilio"},
    )
    assert [(one.badge.label, one.what, one.address) for one in found] == [
        ("refused", "Twilio: 1,200 requests in 24 h, signature mismatch", None),
        ("found no numbers", "Shop", "/tags/tag_1"),
        ("not known", "Whether tags swap: Redis is away", None),
        ("no free number", "Blog: 1 visit in 24 h saw the page's own number", "/tags/tag_2"),
    ]


async def test_the_page(admin: Person, parts: Parts) -> None:
    await insert_rows(parts, schema.session, session("s-unlucky", HOUR, unleased="exhausted"))
    refusal = Refusal("car_1", START_MS - HOUR, "signature_mismatch", "x", "https://dni.example/voice")
    await Refusals(parts.ledger).keep(refusal)
    page = text((await admin.read("/overview")).text)
    for words in (
        "Today Live Days of America/New_York",
        "Calls 9 Nothing to compare with yet",
        "Visits 5 Nothing to compare with yet",
        "Answered 56% 5 of 9",
        "(312) 555-0142 Ringing since",
        "google / cpc , emergency plumber",
        "Talking since",
        "refused Carrier 1: 1 request in 24 h, signature mismatch",
        "no free number Tag 1: 1 visit in 24 h",
        "What made the phone ring, in 7 days",
        "google / cpc 2 0",
    ):
        assert words in page, page


async def test_a_publisher_hears_of_its_own_alone(publisher: Person, parts: Parts) -> None:
    await insert_rows(parts, schema.session, session("s-unlucky", HOUR, publisher_id="pub_2", unleased="exhausted"))
    await Refusals(parts.ledger).keep(Refusal("car_1", START_MS - HOUR, "signature_mismatch", "x", "https://a.example"))
    page = text((await publisher.read("/overview")).text)
    assert "Nothing: no tag" in page
    assert "(312) 555-0142" not in page, "callers are masked for publishers"


async def test_an_empty_house_teaches_the_first_step(admin: Person, parts: Parts) -> None:
    async with parts.ledger.write() as connection:
        for table in (schema.call_event, schema.former_attribution, schema.call, schema.session):
            await connection.execute(table.delete())
    page = text((await admin.read("/overview")).text)
    assert "No visit and no call in these days" in page
    assert "Put your tag's snippet on a landing page" in page
    assert "visits 0 calls 0" in text((await admin.read("/sources")).text)


async def test_who_comes_first_is_led_there(admin: Person) -> None:
    answer = await admin.read("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/overview")


def test_an_empty_house() -> None:
    assert hours().today().says == "nothing to compare with yet"
    assert {day.calls for day in hours().trend(30)} == {0}
