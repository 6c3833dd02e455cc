"""The page of sources: figures, drill-down, files, and what hostile visitors leave there."""

import csv
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from sqlalchemy import update

from dni.access.tokens import NewToken
from dni.dashboard.source_rows import KEYWORDS, SOURCES
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, csv_rows, text
from tests.dashboard.samples import HOUR, call, insert_rows
from tests.support.world import START_MS


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


async def hostile_and_shouting(parts: Parts) -> None:
    """Calls whose touches are kept, that differ by capitals alone, or whose landing pages begin alike."""
    shared = {"visitor_id": "v", "last_touch": 1_000_000, "tag_id": "tag_1", "at_ms": START_MS - 2 * HOUR}
    models = dict.fromkeys(schema.KEPT_MODELS, 1_000_000)
    for n, (keyword, page, device, sub) in enumerate(
        [
            ("Emergency PLUMBER", "https://shop.example/water-heaters/repair?x=1", "phone", "AFF-7"),
            ("emergency plumber", "https://shop.example/Water-Heaters", "phone", "aff-7"),
            ("100% _off_", "https://shop.example/water-heaters", "tablet", '"><b>%_&\u202e'),
        ]
    ):
        came: dict[str, Any] = {"source": "google", "medium": "cpc", "keyword": keyword, "landing_page": page}
        came["params"] = dict.fromkeys(schema.SUBS, sub)
        one = call(
            f"call_loud{n}", (2 + n) * HOUR, **came, session_id=f"s{n}", visitor_id="v", caller=f"+1312555016{n}"
        )
        await insert_rows(parts, schema.call, one)
        kept = {
            **dict.fromkeys(schema.call_touch.c.keys()),
            **models,
            **shared,
            **came,
            "device": device,
            "region": "US-IL",
        }
        await insert_rows(parts, schema.call_touch, {**kept, "call_id": one["id"], "session_id": f"s{n}"})


@pytest.mark.parametrize("page", [*(f"/sources?by={by}" for by in SOURCES), *(f"/keywords?by={by}" for by in KEYWORDS)])
async def test_as_many_calls_are_listed_as_the_row_says(admin: Person, parts: Parts, page: str) -> None:
    await hostile_and_shouting(parts)
    answer = (await admin.read(page)).text
    table = answer.partition('class="calls figures"')[2]
    rows = [row for row in table.split("<tr ")[2:] if 'href="/calls?' in row]
    assert len(rows) >= (0 if page.endswith(("hour", "weekday")) else 3), "all, and some of its parts"
    for row in rows:
        address = unescape(row.partition('href="')[2].partition('"')[0])
        figure = row.partition('data-label="Calls"><strong>')[2].partition("<")[0]
        listed = (await admin.read(f"{address}&limit=200")).text
        assert listed.count('class="open" href="/calls/') == int(figure), address
        assert 'role="alert"' not in listed


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


async def test_keywords_stand_with_campaign_and_source_and_the_rest_is_one_row(admin: Person) -> None:
    page = text((await admin.read("/keywords")).text)
    for words in (
        "Which searches made the phone ring",
        "Keyword Campaign name Source Visits",
        "emergency plumber spring google 1 1 2",
        "No keyword – – 5 0 7",
        "All – – 7 2 10",
    ):
        assert words in page, page
    lines = list(csv.DictReader((await admin.read("/keywords.csv?by=keyword")).text.splitlines()))
    assert "emergency plumber" in {line["keyword"] for line in lines}


async def test_figures_over_time_stand_in_a_table_beside_the_chart(admin: Person) -> None:
    page = (await admin.read("/sources")).text
    table = page.partition('data-chart="trend"')[2].partition("</table>")[0]
    assert table.count("<tr>") == 31, "thirty days and the head"
    assert "Mon Sep 21 9 0 4" in text("<body" + table)
    hours = (await admin.read("/sources?from=2026-09-21&to=2026-09-21")).text
    assert "09:00 to 09:59 0 1 0" in text("<body" + hours.partition('data-chart="trend"')[2])
    weeks = (await admin.read("/sources?from=2026-01-01")).text
    assert "Sep 17 – Sep 21 10 0 7" in text("<body" + weeks.partition('data-chart="trend"')[2])
    assert 'id="trend"' not in (await admin.read("/sources?from=1970-01-02")).text, "too long to show"


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


PAID = {"qualified": True, "billable": True, "payout": 1_250, "revenue": 3_000}


async def test_each_reader_sees_the_money_that_is_his_to_know(
    admin: Person, publisher: Person, new_person: Callable[[], Person], parts: Parts
) -> None:
    advertiser = await new_person().signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_1")))
    assert "Qualified" not in await main(admin, "/sources"), "no call was judged"
    assert "Payout" not in await main(admin, "/overview")
    judged = {"qualified": False, "billable": False, "payout": 0, "revenue": 0}
    await insert_rows(
        parts,
        schema.call,
        call("paid", HOUR, source="radio", medium="offline", **PAID),
        call("free", 2 * HOUR, source="radio", medium="offline", **judged),
    )
    told = {}
    for who in (admin, publisher, advertiser):
        told[who] = [await main(who, page) for page in PAGES]
    for sources, keywords, overview in told.values():
        assert "Per 100 visits" in sources
        assert "Qualified 1" in overview
        assert "Qualified" in keywords
    shown = {"Payout": "12.50 USD", "Revenue": "30.00 USD", "Margin": "17.50 USD", "Per qualified": "12.50 USD"}
    for who, seen in (
        (admin, shown.keys()),
        (publisher, {"Payout", "Per qualified"}),
        (advertiser, {"Revenue"}),
    ):
        for page in told[who][:2]:
            assert {name for name in shown if name in page} == seen
        for amount in ("12.50", "30.00", "17.50"):
            is_his = amount in {shown[name].split()[0] for name in seen}
            assert all((amount in page) is is_his for page in told[who]), amount


PAGES = ("/sources", "/keywords?by=keyword", "/overview")


async def main(who: Person, page: str) -> str:
    """Without the menu and what figures mean."""
    inner = (await who.read(page)).text.partition("<main")[2]
    return text(f"<body><main{inner}").partition("What these figures mean")[0]


async def test_amounts_of_another_currency_are_told_apart(admin: Person, parts: Parts) -> None:
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.campaign).where(schema.campaign.c.id == "cmp_2").values(currency="EUR"))
    await insert_rows(
        parts,
        schema.call,
        *(call(f"usd{n}", HOUR, source="radio", **PAID) for n in range(2)),
        call("eur", HOUR, source="radio", **PAID, campaign_id="cmp_2", publisher_id="pub_2"),
    )
    page = (await admin.read("/sources")).text
    assert "Calls to campaigns in EUR are counted, but their money is in no figure: see EUR ." in text(page)
    assert "payout, USD 25.00" in text(page)
    other = unescape(page.partition('role="note"')[2].partition('href="')[2].partition('"')[0])
    assert "payout, EUR 12.50" in text((await admin.read(other)).text)
    assert "USD" not in text((await admin.read("/sources?currency=%3Cb%3E&campaign=cmp_2")).text)


async def test_a_file_has_amounts_as_numbers(admin: Person, parts: Parts) -> None:
    await insert_rows(parts, schema.call, call("paid", HOUR, source="radio", **PAID))
    [line] = csv_rows(await admin.read("/sources.csv?source=radio"))
    told = {name: line[name] for name in ("qualified", "payout", "revenue", "margin", "currency")}
    assert told == {"qualified": "1.0", "payout": "1250", "revenue": "3000", "margin": "1750", "currency": "USD"}
