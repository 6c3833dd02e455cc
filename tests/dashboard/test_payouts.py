"""Money on pages: why a call pays, corrections, disputes and their decisions, balances, statements, who sees what."""

from collections.abc import Callable
from typing import Any

import pytest

from dni.access.tokens import NewToken
from dni.parts import Parts
from tests.dashboard import priced
from tests.dashboard.conftest import token
from tests.dashboard.people import Person, csv_rows, hidden, text

CALL = "/calls/call_short"


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    await priced.fill(parts)
    return parts


@pytest.fixture
async def advertiser(new_person: Callable[[], Person], parts: Parts) -> Person:
    return await new_person().signed_in(await token(parts, NewToken(role="advertiser", campaign="cmp_1")))


async def says(person: Person, path: str) -> str:
    answer = await person.read(path)
    assert answer.status_code == 200, answer.text
    return text(answer.text)


async def fill_in(person: Person, path: str, **fields: str) -> Any:
    """Opens a form, and sends it with these fields."""
    page = await person.read(path)
    assert page.status_code == 200, page.text
    answer = await person.send(path, {**hidden(page.text, path), **fields})
    return await person.read(answer.headers["location"]) if answer.status_code == 303 else answer


async def test_a_call_says_first_what_it_pays_and_why(admin: Person, parts: Parts) -> None:
    page = await says(admin, CALL)
    assert "Qualified It pays 5.00 USD: a person decided so, the terms say 0.00 USD." in page
    assert "The advertiser owes 20.00 USD: “Billed” matched." in page
    assert "talk >= 90s fails talk 74 s, needed 90 s" in page
    assert "Base Does not hold 12.50 USD" in page
    assert "sale not known sale is not known" in page
    assert page.index("It pays 5.00 USD") < page.index("Times in America/New_York")
    other = await says(admin, "/calls/call_withheld")
    assert "Not qualified It pays nothing: not answered, needed answered" in other or "It pays nothing: " in other
    assert "What it pays" not in await says(admin, "/calls/call_refused")


async def test_each_side_of_a_call_is_shown_to_whose_it_is(publisher: Person, advertiser: Person) -> None:
    for path in (CALL, "/calls/call_august", "/calls/call_google"):
        mine = await publisher.read(path)
        assert "Payout, to the publisher" in mine.text
        assert not [told for told in ("Revenue", "margin", "Billed", "20.00 USD") if told in mine.text], path
        theirs = await advertiser.read(path)
        assert "Revenue, from the advertiser" in theirs.text
        assert not [told for told in ("Payout, to", "margin", "12.50", "18.00 USD") if told in theirs.text], path


async def test_the_journal_of_a_call_has_a_line_for_each_change(admin: Person, publisher: Person) -> None:
    page = await says(admin, CALL)
    assert "Corrected corrects Sep 21, 10:13:20 payout +5.00 USD margin -5.00 USD" in page
    mine = await says(publisher, CALL)
    assert "Corrected" in mine
    assert "margin" not in mine


async def test_a_correction_takes_the_place_of_the_terms_until_it_is_emptied(admin: Person, parts: Parts) -> None:
    form = await admin.read("/calls/call_august/correction")
    assert "Empty: as the terms say, 18.00 USD." in text(form.text) or "as the terms say, 12.50 USD" in text(form.text)
    page = text((await fill_in(admin, "/calls/call_august/correction", payout="1", revenue="", reason="Wrong")).text)
    assert "Corrected." in page
    assert "It pays 1.00 USD: a person decided so" in page
    page = text((await fill_in(admin, "/calls/call_august/correction", payout="", revenue="", reason="Right")).text)
    assert "It pays 12.50 USD: “Base” matched." in page or "It pays 18.00 USD" in page
    wrong = await fill_in(admin, "/calls/call_august/correction", payout="a", revenue="-1", reason="")
    assert wrong.status_code == 422
    assert "Reason : Fill this in." in text(wrong.text)
    wrong = await fill_in(admin, "/calls/call_august/correction", payout="1", revenue="-1", reason="x")
    assert "Revenue, from the advertiser : At least 0." in text(wrong.text)


async def test_a_publisher_opens_a_dispute_and_it_is_decided(
    admin: Person, publisher: Person, advertiser: Person
) -> None:
    page = await fill_in(publisher, "/calls/call_google/dispute", reason="It was no repeat: <b>another</b> person.")
    assert "The dispute is open." in text(page.text)
    where = str(page.url.path)
    assert "<b>another" not in page.text
    assert "About the payout" in await says(publisher, "/disputes")
    assert "About the payout" not in await says(advertiser, "/disputes")
    assert (await advertiser.read(where)).status_code == 404
    again = await fill_in(publisher, "/calls/call_google/dispute", reason="Again")
    assert again.status_code == 409
    assert "is open already" in text(again.text)

    wrong = await fill_in(admin, where, state="granted", amount="", note="Yes")
    assert wrong.status_code == 422
    assert "Amount : What the call pays now" in text(wrong.text)
    decided = text((await fill_in(admin, where, state="granted", amount="7.50", note="Heard it")).text)
    assert "Granted" in decided
    assert "It comes to 7.50 USD" in decided
    assert "Note Heard it" in await says(publisher, where)
    assert "It pays 7.50 USD: a person decided so" in await says(publisher, "/calls/call_google")
    late = await admin.send(where, {**hidden((await admin.read("/payouts")).text), "state": "denied", "note": "x"})
    assert late.status_code == 409


async def test_a_dispute_is_withdrawn_by_who_opened_it(publisher: Person, admin: Person) -> None:
    page = await fill_in(publisher, "/calls/call_google/dispute", reason="Look again")
    where = str(page.url.path)
    assert "Withdraw it" in text(page.text)
    assert "Withdraw it" not in await says(admin, where)
    page = await fill_in(publisher, f"{where}/withdraw")
    assert "Withdrawn" in text(page.text)
    assert "Look again" in await says(publisher, "/disputes?state=withdrawn")
    assert "Look again" not in await says(publisher, "/disputes?state=open")


async def test_who_decides_disputes_in_either_name(admin: Person) -> None:
    page = await admin.read("/calls/call_google/dispute")
    assert "What the advertiser is billed" in page.text
    page = await fill_in(admin, "/calls/call_google/dispute", side="revenue", reason="They rang me")
    assert "Dispute about the bill of a call" in text(page.text)


async def test_balances_are_told_to_each_reader_for_his_side(
    admin: Person, publisher: Person, advertiser: Person
) -> None:
    page = await says(admin, "/payouts")
    assert "Publisher 1 91.00 USD 48.50 USD 42.50 USD" in page
    assert "Campaign 1 140.00 USD 91.00 USD 49.00 USD" in page
    mine = await says(publisher, "/payouts")
    assert "Open 42.50 USD" in mine
    assert "August 2026" in mine
    assert not [told for told in ("140.00", "49.00", "Margin") if told in mine]
    theirs = await says(advertiser, "/payouts")
    assert "140.00 USD" in theirs
    assert not [told for told in ("91.00", "49.00", "Margin", "Statements") if told in theirs]


async def test_a_period_is_looked_at_and_then_closed_once(admin: Person, publisher: Person, parts: Parts) -> None:
    assert "Payouts" in await says(admin, "/payouts/close")
    seen = await admin.read("/payouts/close?publisher=pub_1&from=2026-09-01&last=2026-09-20")
    assert "Publisher 1 , 1 September 2026 to 20 September 2026" in text(seen.text)
    assert "There is nothing to state." in text(seen.text)
    parts.clock.advance(30 * priced.DAY)  # type: ignore[attr-defined]
    admin = await admin.signed_in("t" * 32)
    seen = await admin.read("/payouts/close?publisher=pub_1&month=2026-09")
    assert "Publisher 1 , September 2026 To be paid 42.50 USD" in text(seen.text)
    form = hidden(seen.text.partition('<form class="card form"')[0], "/payouts/close")
    closed = await admin.send("/payouts/close", form)
    assert closed.status_code == 303, text(closed.text)
    assert (await admin.send("/payouts/close", form)).headers["location"] == closed.headers["location"]
    page = await says(admin, closed.headers["location"])
    assert "Closed. It never changes" in page
    assert "Statement, September 2026" in page
    assert "Earned 37.50 USD" in page
    assert "Corrected 5.00 USD 1 correction" in page
    again = await admin.read("/payouts/close?publisher=pub_1&month=2026-09")
    assert again.status_code == 409
    assert "closed all before" in text(again.text)


@pytest.mark.parametrize(
    ("query", "says_so"),
    [
        ("month=2026-13", "Month : A month, such as 2026-11"),
        ("last=tomorrow", "Last day : A day, such as 2026-11-15"),
        ("last=9999-12-31", "Last day : A day, such as 2026-11-15"),
        ("last=2027-01-01", "Last day : The period is not over"),
        ("from=x&last=2026-09-20", "First day : "),
        ("last=2026-09-20&timezone=Mars", "Time zone : Not a time zone"),
    ],
)
async def test_what_is_wrong_with_a_period_stands_beside_its_field(
    admin: Person, parts: Parts, query: str, says_so: str
) -> None:
    answer = await admin.read(f"/payouts/close?publisher=pub_1&{query}")
    assert answer.status_code == 422
    assert says_so in text(answer.text)


async def test_a_statement_lists_what_it_is_made_of(admin: Person, publisher: Person, advertiser: Person) -> None:
    page = await publisher.read("/statements")
    assert "August 2026" in page.text
    where = next(part.partition('"')[0] for part in page.text.split('href="') if part.startswith("/statements/"))
    told = await says(publisher, where)
    assert "Statement, August 2026" in told
    assert "To be paid 48.50 USD" in told
    assert "Campaign 1 3 48.50 USD" in told
    assert "Aug 27, 08:13:20" in told
    rows = csv_rows(await publisher.read(f"{where}/lines.csv"))
    assert sum(int(row["amount.amount"]) for row in rows) == 4_850
    assert (await advertiser.read(where)).status_code == 404
    assert (await advertiser.read(f"{where}/lines.csv")).status_code == 404
    assert "Close a period" in await says(admin, "/statements")
    assert "Close a period" not in await says(publisher, "/statements")
    assert "No statement yet" in await says(admin, "/statements?publisher=pub_9")


async def test_without_money_pages_say_what_to_do(admin: Person, sqlite_parts: Parts) -> None:
    fresh = await says(admin, "/disputes?state=granted")
    assert "None is granted" in fresh


async def test_columns_and_filter_of_the_list_know_what_pays(
    admin: Person, publisher: Person, advertiser: Person
) -> None:
    page = await says(publisher, "/calls")
    assert "Payout" in page
    assert "qualified 7 payout 91.00 USD" in page
    assert "No called 5 hours ago" in page
    assert "Revenue" not in (await publisher.read("/calls?columns=revenue,payout")).text
    page = await says(advertiser, "/calls?columns=qualified,payout,revenue")
    assert "revenue 140.00 USD" in page
    assert "91.00" not in page
    page = await says(admin, "/calls?qualified=yes&columns=qualified,payout,revenue")
    assert "Qualified: yes" in page
    assert "Not qualified" not in page
    assert "talk 74 s" not in page
    assert "a person decided so" in page
    rows = csv_rows(await publisher.read("/calls.csv?qualified=yes"))
    assert len(rows) == 7
    assert sum(int(row["payout.amount"]) for row in rows) == 9_100
    assert {row["revenue.amount"] for row in rows} == {""}
