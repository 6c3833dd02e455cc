"""The list of calls and one call: what stands there, for whom, and that strangers' texts do no harm."""

import re

import pytest

from dni.access.tokens import NewToken
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, csv_rows, text
from tests.dashboard.samples import HOSTILE, HOUR, call, insert_rows
from tests.support.world import add


async def listed(person: Person, query: str = "") -> list[str]:
    """Ids of the calls on a page, in order."""
    page = await person.read(f"/calls{query}")
    assert page.status_code == 200, page.text
    return [part.partition('"')[0] for part in page.text.split('class="open" href="/calls/')[1:]]


async def test_a_row_says_where_the_call_came_from(admin: Person) -> None:
    row = text((await admin.read("/calls?source=GOOGLE&status=completed")).text)
    for words in ("Sep 21, 07:15:34", "(312) 555-0142", "(202) 555-0100", "google / cpc", "spring", "2:07"):
        assert words in row
    for words in ("emergency plumber", "/water-heaters", "Answered", "Tapped 96%", "America/New_York"):
        assert words in row


async def test_the_newest_call_stands_first(admin: Person) -> None:
    everything = await listed(admin)
    assert everything[:3] == ["call_ringing", "call_pending", "call_google"]
    assert len(everything) == 10


async def test_a_guess_is_shown_as_one(admin: Person) -> None:
    page = text((await admin.read("/calls/call_undecided")).text)
    for words in (
        "More than one visit fits this call The first is taken, but it is a guess and no fact: 44% against 39%.",
        "bing / cpc Visit …34567890 credited 44% Left 24 min ago",
        "facebook / paid_social Visit …23456789 39% Held it now, last seen 6 min ago",
        "9% Last seen 3 h ago",
        "None of these: 8%.",
        "Answered before Until Sep 21, 09:13:20 On screen: …23456789, 81%",
    ):
        assert words in page, page


async def test_earlier_visits_stand_on_the_timeline(admin: Person) -> None:
    page = text((await admin.read("/calls/call_google")).text)
    story = [
        "Earlier visit from bing / organic on Friday, September 18, 2026",
        "Earlier visit from (direct) / (none)",
        "Visit began from google / cpc",
    ]
    places = [page.index(words) for words in story]
    assert places == sorted(places)


async def test_older_calls_follow_by_cursor(admin: Person, parts: Parts) -> None:
    more = [call(f"call_more{n:02}", (30 + n) * HOUR) for n in range(40)]
    await insert_rows(parts, schema.call, *more)
    first = await admin.read("/calls?limit=25&status=completed")
    assert first.text.count('class="open"') == 25
    older = first.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "status=completed" in older
    rest = await admin.read(older)
    assert rest.text.count('class="open"') == 45 - 25
    assert "call_more39" in rest.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?source=yelp", ["call_static"]),
        ("?medium=paid_social", ["call_unrecorded"]),
        ("?keyword=Emergency+Plumber", ["call_ringing", "call_google"]),
        ("?status=rejected", ["call_refused"]),
        ("?campaign=cmp_2", ["call_stranger"]),
        ("?publisher=pub_2", ["call_stranger"]),
        ("?q=water+heat", ["call_unrecorded"]),
        ("?from=2026-09-20&to=2026-09-20", ["call_stranger"]),
        ("?to=2026-09-19", []),
        ("?source=nothing&from=not-a-day", []),
        ("?status=gone&source=yelp", ["call_static"]),
        ("?q=%00&source=yelp", ["call_static"]),
        ("?limit=many&source=yelp", ["call_static"]),
    ],
)
async def test_filters_stand_in_the_address(admin: Person, query: str, found: list[str]) -> None:
    assert await listed(admin, query) == found


async def test_columns_are_chosen_kept_in_the_address_and_remembered(admin: Person) -> None:
    def heads(page: str) -> list[str]:
        return re.findall(r'scope="col">([^<]+)<', page)

    usual = heads((await admin.read("/calls")).text)
    assert usual == [
        "When",
        "Caller",
        "Dialled",
        "Source / medium",
        "Campaign name",
        "Keyword",
        "Landing page",
        "Result",
        "Attributed",
    ]
    chosen = await admin.read("/calls?columns=publisher&columns=caller&columns=nothing&source=google&limit=25")
    assert heads(chosen.text) == ["When", "Caller", "Publisher"]
    assert "Publisher 1" in text(chosen.text)
    assert "columns=caller%2Cpublisher" in chosen.text, "links keep them"
    assert heads((await admin.read("/calls?source=yelp")).text) == ["When", "Caller", "Publisher"], "remembered"
    assert heads((await admin.read("/calls?columns=tag,content")).text) == ["When", "Content", "Tag"]
    assert heads((await admin.read("/calls?columns=")).text) == usual
    assert heads((await admin.read("/calls")).text) == usual, "and forgotten"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("campaign_name=WATER+heaters", ["call_unrecorded"]),
        ("channel=paid+search&source=bing", ["call_undecided"]),
        ("landing_page=https://shop.example/water-heaters", ["call_ringing", "call_google"]),
        ("landing_page=https://shop.example/water", []),
        ("number=%2B14155550150", ["call_static"]),
        ("tag=tag_2", ["call_stranger"]),
        ("unset=tag,source", ["call_pending", "call_refused"]),
        ("unset=publisher", ["call_refused"]),
        ("keyword=Emergency+plumber&exact=keyword", []),
        ("keyword=emergency+plumber&exact=keyword,source", ["call_ringing", "call_google"]),
        ("first_time=yes&status=completed", ["call_undecided", "call_static", "call_hostile", "call_stranger"]),
        ("first_time=no&source=google", ["call_ringing", "call_google"]),
        ("unset=password&exact=caller&first_time=maybe&source=yelp", ["call_static"]),
    ],
)
async def test_what_stands_behind_a_figure_can_be_listed(admin: Person, query: str, found: list[str]) -> None:
    assert await listed(admin, f"?{query}") == found


async def test_totals_are_those_of_the_whole_filter(admin: Person, parts: Parts) -> None:
    page = text((await admin.read("/calls?keyword=emergency+plumber")).text)
    assert "calls 2 answered 1 mean talk time 2:07" in page
    await insert_rows(parts, schema.call, *(call(f"call_more{n:02}", (30 + n) * HOUR) for n in range(40)))
    assert "mean talk time" not in text((await admin.read("/calls?limit=25")).text)


async def test_what_cannot_be_filtered_by_is_said_and_the_cursor_of_another_list_refused(admin: Person) -> None:
    page = text((await admin.read("/calls?from=yesterday&status=gone")).text)
    assert "From: not a day" in page
    assert "Status: one of" in page
    assert (await admin.read("/calls?cursor=nonsense")).status_code == 422
    assert (await admin.read("/calls?cursor=%F0%9F%94%A5")).status_code == 422


async def test_nothing_found_and_nothing_there_are_two_things(admin: Person, parts: Parts) -> None:
    assert "Clear the filters" in text((await admin.read("/calls?source=nothing")).text)
    async with parts.ledger.write() as connection:
        for table in (schema.call_event, schema.former_attribution, schema.call):
            await connection.execute(table.delete())
    empty = text((await admin.read("/calls")).text)
    assert "No call yet" in empty
    assert "Put your tag's snippet on a landing page" in empty
    await add(parts, suffix="9", first=150, pool_size=1, name="Demo landing page")
    with_demo = (await admin.read("/calls")).text
    assert 'href="/demo/"' in with_demo
    assert "dni demo call" in text(with_demo)


async def test_one_call_tells_visit_and_call_as_one_story(admin: Person) -> None:
    page = text((await admin.read("/calls/call_google")).text)
    story = [
        "07:13:20 Visit began from google / cpc",
        "Number leased (202) 555-0100 shown instead of (415) 555-0100",
        "07:15:21 Number tapped",
        "07:15:34 Phone rang (202) 555-0100 was dialled 13 s later",
        "07:15:43 Answered at (415) 555-0199 9 s later",
        "07:17:50 Call ended after 2:07 of talk 2 min 7 s later",
    ]
    places = [page.index(words) for words in story]
    assert places == sorted(places)
    for words in (
        "gclid Cj0KCQiA-9wBhDvARIsAAnyVMZ0gk_8wcB",
        "Chicago, US-IL",
        "phone, Mobile Safari, iOS",
        "variant B",
        "credited",
        "Everything the",
    ):
        assert words in page
    assert "FromCity = CHICAGO" in page


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("call_withheld", "Call from a withheld number"),
        ("call_refused", "in no pool and bound to no source"),
        ("call_static", "A static number is not leased to visits"),
        ("call_static", "Call from +44 1632 960123"),
        ("call_pending", "Not attributed yet"),
        ("call_unrecorded", "known and not written down yet"),
        ("call_ringing", "Ringing"),
    ],
)
async def test_every_state_of_a_call_is_explained(admin: Person, wanted: str, said: str) -> None:
    assert said in text((await admin.read(f"/calls/{wanted}")).text)


async def test_texts_of_strangers_are_texts(admin: Person) -> None:
    for path in ("/calls", "/calls/call_hostile"):
        page = (await admin.read(path)).text
        assert HOSTILE["source"] not in page
        assert "<img" not in page
        assert 'href="javascript' not in page
        assert "\u202e" in page
        assert page.count("<bdi") == page.count("</bdi>")
    assert HOSTILE["keyword"] in text((await admin.read("/calls/call_hostile")).text)
    assert len((await admin.read("/calls")).text) < 40_000
    echoed = (await admin.browser.get("/calls", params={"source": HOSTILE["medium"], "q": "<b>\u202e"})).text
    assert "<img" not in echoed
    assert "<b>" not in echoed


async def test_pages_forbid_foreign_and_inline_code(admin: Person) -> None:
    for path in ("/calls", "/calls/call_google", "/signin", "/calls/nothing"):
        page = await admin.read(path)
        if page.status_code != 303:
            assert "script-src 'self'" in page.headers["content-security-policy"]
            assert page.headers["cache-control"] == "no-store"
            scripts = re.findall(r"<script[^>]*>(.?)", page.text)
            assert "".join(scripts) == "<" * len(scripts), "none has text"
            assert re.findall(r'<script(?! src="/static/dashboard/\w+\.js\?v=\w+" defer>)', page.text) == []
            assert " style=" not in page.text


async def test_a_publisher_sees_own_calls_with_callers_hidden(publisher: Person) -> None:
    seen = await listed(publisher)
    assert "call_stranger" not in seen
    assert "call_refused" not in seen
    assert "call_google" in seen
    assert (await publisher.read("/calls/call_stranger")).status_code == 404
    for path in ("/calls", "/calls/call_google", "/calls.csv"):
        page = (await publisher.read(path)).text
        assert "••••" in page
        assert "0142" not in page
    assert "Publisher 2" not in (await publisher.read("/calls?publisher=pub_2")).text


async def test_an_advertiser_sees_its_campaign_only(stranger: Person, parts: Parts) -> None:
    await stranger.signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_2")))
    assert await listed(stranger) == ["call_stranger"]
    assert (await stranger.read("/calls/call_google")).status_code == 404


async def test_csv_has_the_same_calls_and_no_formula(admin: Person) -> None:
    answer = await admin.read("/calls.csv?medium=cpc")
    assert answer.headers["content-type"].startswith("text/csv")
    assert [row["id"] for row in csv_rows(answer)] == await listed(admin, "?medium=cpc")
    rows = csv_rows(await admin.read("/calls.csv"))
    assert len(rows) == 10
    hostile = next(row for row in rows if row["id"] == "call_hostile")
    assert hostile["keyword"].startswith("'=HYPERLINK")
    assert hostile["caller"] == "+13125550142"


async def test_csv_goes_on_over_all_pages(admin: Person, parts: Parts) -> None:
    await insert_rows(parts, schema.call, *(call(f"call_more{n:03}", (30 + n) * HOUR) for n in range(450)))
    rows = csv_rows(await admin.read("/calls.csv"))
    assert len({row["id"] for row in rows}) == len(rows) == 460


@pytest.mark.parametrize("path", ["/calls/nothing", "/calls/%00", "/calls/" + "x" * 500, "/static/dashboard/none.css"])
async def test_what_is_not_there_is_a_page_for_people_and_a_problem_for_others(admin: Person, path: str) -> None:
    page = await admin.read(path)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    told = await admin.read(path, Accept="*/*")
    assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")


async def test_a_method_that_is_not_there_is_refused_in_the_one_shape(admin: Person) -> None:
    answer = await admin.browser.request("DELETE", "/calls/call_google", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_the_style_sheet_is_kept_for_good_under_its_address(stranger: Person, parts: Parts) -> None:
    page = (await stranger.read("/signin")).text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    style = await stranger.read(address)
    assert "immutable" in style.headers["cache-control"]
    plain = await stranger.read("/static/dashboard/dashboard.css")
    assert plain.headers["cache-control"] == "no-cache"
    again = await stranger.read("/static/dashboard/dashboard.css", **{"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("site", "accepts", "encoding"),
    [
        ("same-origin", "gzip, br", "gzip"),
        ("none", "gzip", "gzip"),
        ("cross-site", "gzip", None),
        ("same-site", "gzip", None),
        (None, "gzip", None),
        ("none", "identity", None),
    ],
)
async def test_pages_are_compressed_for_their_own_site_alone(
    admin: Person, site: str | None, accepts: str, encoding: str | None
) -> None:
    headers = {"Accept-Encoding": accepts} | ({"Sec-Fetch-Site": site} if site else {})
    page = await admin.read("/calls", **headers)
    assert page.headers.get("content-encoding") == encoding
    assert "Newest first" in page.text
    style = await admin.read(page.text.partition('rel="stylesheet" href="')[2].partition('"')[0], **headers)
    assert style.headers.get("content-encoding") == encoding
    assert "color-scheme" in style.text


async def test_a_ledger_that_is_away_is_said_in_words(admin: Person, parts: Parts) -> None:
    async with parts.ledger.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE call RENAME TO elsewhere")
    page = await admin.read("/calls")
    assert (page.status_code, page.headers["dni-reason"]) == (503, "ledger_away")
    assert "calls are still connected" in text(page.text)
    assert page.headers["retry-after"] == "5"


async def test_a_calls_page_names_its_sub_ids(admin: Person, parts: Parts) -> None:
    params = {"sub1": "aff-7", "sub5": "<b>bold</b>", "store": "not shown"}
    await insert_rows(parts, schema.call, call("with_subs", HOUR, params=params))
    page = text((await admin.read("/calls/with_subs")).text)
    assert "Sub-id 1 aff-7" in page
    assert "Sub-id 5 <b>bold</b>" in page
    assert "Sub-id 2" not in page
    listed = text((await admin.read("/calls?sub1=AFF-7&columns=sub1,sub5")).text)
    assert "Sub-id 1: AFF-7" in listed
    assert "aff-7 <b>bold</b>" in listed
