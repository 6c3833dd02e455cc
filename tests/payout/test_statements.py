"""Closing a publisher's periods: everything comes on one statement, once, and a closed one stays as it is."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from dni.clock import from_rfc3339, rfc3339
from dni.ledger import schema
from dni.ledger.engines import Ledger
from tests.payout.conftest import Desk
from tests.support.journal import post, ring
from tests.support.world import START_MS

DAY = 86_400_000
NOVEMBER = {"publisher": "pub_1", "month": "2026-11"}


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def at(text: str) -> int:
    return from_rfc3339(f"2026-{text}-05:00")


@pytest.fixture
async def earned(desk: Desk) -> Desk:
    """Two calls of November in New York, one of October, one of December; it is 10 December."""
    for wanted, when, payout in (
        ("call_oct", "10-31T20:00:00", 700),
        ("call_1", "11-01T09:00:00", 1500),
        ("call_2", "11-30T23:59:59", 2500),
        ("call_dec", "12-01T00:00:00", 400),
    ):
        await ring(desk.ledger, wanted, started_at_ms=at(when))
        await post(desk.ledger, wanted, payout, payout + 500)
    desk.later(at("12-10T00:00:00") - START_MS)
    return desk


async def test_a_month_is_closed_by_the_campaigns_clock(earned: Desk) -> None:
    made = await earned.done("/statements", NOVEMBER, "marketer")
    assert made.pop("id").startswith("sta_")
    assert made == {
        "publisher": "pub_1",
        "publisher_name": "Publisher 1",
        "begins_at": "2026-11-01T04:00:00.000+00:00",
        "ends_at": "2026-12-01T05:00:00.000+00:00",
        "timezone": "America/New_York",
        "period": "November 2026",
        "amount": usd(4700),
        "calls": 3,
        "closed_at": rfc3339(at("12-10T00:00:00")),
        "by": "Marketer",
        "earned": usd(4700),
        "corrected": usd(0),
        "corrections": 0,
        "earlier": usd(700),
        "campaigns": [
            {
                "campaign": "cmp_1",
                "campaign_name": "Campaign 1",
                "calls": 3,
                "earned": usd(4700),
                "corrected": usd(0),
                "corrections": 0,
                "amount": usd(4700),
            }
        ],
    }
    assert (await earned.get("/balances"))["data"] == [
        {
            "publisher": "pub_1",
            "publisher_name": "Publisher 1",
            "earned": usd(5100),
            "stated": usd(4700),
            "open": usd(400),
        }
    ]


async def test_the_next_period_begins_where_the_last_one_ended(earned: Desk) -> None:
    first = await earned.done("/statements", {"publisher": "pub_1", "to": "2026-11-15"})
    assert (first["period"], first["amount"]) == ("31 October 2026 to 14 November 2026", usd(2200))
    earned.later(1)
    next_ = await earned.done("/statements", {"publisher": "pub_1", "to": "2026-12-02"})
    assert (next_["begins_at"], next_["amount"]) == (first["ends_at"], usd(2900))
    listed = (await earned.get("/statements?publisher=pub_1"))["data"]
    assert [one["id"] for one in listed] == [next_["id"], first["id"]]


async def test_a_correction_of_a_closed_period_is_on_the_next_statement(earned: Desk) -> None:
    first = await earned.done("/statements", NOVEMBER)
    corrected = await post(earned.ledger, "call_1", -1500, kind="correction")
    raised = await post(earned.ledger, "call_2", 250, kind="outcome")
    assert await earned.get(f"/statements/{first['id']}") == first
    next_ = await earned.done("/statements", {"publisher": "pub_1", "to": "2026-12-10"})
    told = [next_[name] for name in ("amount", "calls", "earned", "corrected", "corrections", "earlier")]
    assert told == [usd(-850), 2, usd(400), usd(-1250), 2, usd(-1250)]
    lines = (await earned.get(f"/statements/{next_['id']}/lines"))["data"]
    by_posting = {one["posting"]: one for one in lines}
    assert len(by_posting) == 3
    assert by_posting[corrected]["corrects"] is not None
    assert (by_posting[raised]["amount"], by_posting[raised]["kind"]) == (usd(250), "outcome")


async def test_a_line_tells_what_why_and_when(earned: Desk) -> None:
    told = {"payout": {"policy": "base", "amount": 1500}, "revenue": {"policy": "secret", "amount": 2000}}
    missed = {"payout": {"missing": "talk 74 s, needed 90 s"}, "revenue": {}}
    async with earned.ledger.write() as connection:
        terms = {
            "id": "trm_1",
            "campaign_id": "cmp_1",
            "from_ms": 0,
            "looks_back_ms": 0,
            "created_at_ms": 0,
            "by_id": "x",
            "by_name": "x",
        }
        await connection.execute(insert(schema.terms).values(**terms))
        for wanted, verdict in (("call_1", told), ("call_2", missed)):
            row = {"call_id": wanted, "terms_id": "trm_1", "at_ms": 0, "basis": {}, "told": verdict}
            await connection.execute(insert(schema.verdict).values(**row))
    made = await earned.done("/statements", NOVEMBER)
    lines = (await earned.get(f"/statements/{made['id']}/lines", "publisher"))["data"]
    line = next(one for one in lines if one["call"] == "call_1")
    assert line.pop("posting").startswith("pst_")
    assert line == {
        "call": "call_1",
        "call_at": "2026-11-01T14:00:00.000+00:00",
        "posted_at": "2026-11-01T14:01:00.000+00:00",
        "campaign": "cmp_1",
        "campaign_name": "Campaign 1",
        "kind": "verdict",
        "reason": None,
        "amount": usd(1500),
        "corrects": None,
        "verdict": "base",
    }
    verdicts = {one["call"]: one["verdict"] for one in lines}
    assert verdicts == {"call_oct": None, "call_1": "base", "call_2": "talk 74 s, needed 90 s"}


async def test_lines_are_paged_and_come_as_csv_that_no_spreadsheet_computes(desk: Desk) -> None:
    for n in range(5):
        await ring(desk.ledger, f"call_{n}")
        told = {"call_id": f"call_{n}", "at_ms": START_MS, "reason": '=cmd|"/c calc"!A1', "by_id": "x", "by_name": "x"}
        async with desk.ledger.write() as connection:
            await connection.execute(insert(schema.adjustment).values(id=f"adj_{n}", **told))
        await post(desk.ledger, f"call_{n}", 100 - 150 * (n % 2), kind="correction")
    desk.later(DAY)
    made = await desk.done("/statements", {"publisher": "pub_1", "to": rfc3339(START_MS + DAY)})
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await desk.get(f"/statements/{made['id']}/lines?limit=2&cursor={cursor}")
        found += [one["posting"] for one in page["data"]]
        cursor = page["next"]
    assert len(set(found)) == 5
    assert found == sorted(found, reverse=True)
    csv = await desk.ask("GET", f"/statements/{made['id']}/lines", headers={"Accept": "text/csv"})
    head, *rows = csv.text.splitlines()
    assert head == (
        "posting,call,call_at,posted_at,campaign,campaign_name,kind,reason,amount.amount,amount.currency,corrects,verdict"
    )
    assert len(rows) == 5
    assert all('"\'=cmd|""/c calc""!A1"' in row for row in rows)
    assert sorted(int(row.split(",")[-4]) for row in rows) == [-50, -50, 100, 100, 100]


async def test_a_change_of_what_only_the_advertiser_pays_is_no_line(earned: Desk) -> None:
    await post(earned.ledger, "call_1", 0, 900)
    made = await earned.done("/statements", NOVEMBER)
    assert (made["corrections"], made["calls"]) == (0, 3)
    answer = await earned.ask("GET", f"/statements/{made['id']}/lines", "publisher")
    assert "secret" not in answer.text
    assert len(answer.json()["data"]) == 3


async def test_a_call_given_to_another_publisher_names_neither_to_the_other(earned: Desk) -> None:
    await earned.done("/statements", NOVEMBER)
    taken = await post(earned.ledger, "call_1", -1500, -2000, kind="reattribution")
    given = await post(earned.ledger, "call_1", 1500, 2000, kind="reattribution", publisher="pub_2")
    async with earned.ledger.write() as connection:
        moved = update(schema.call).where(schema.call.c.id == "call_1").values(publisher_id="pub_2")
        await connection.execute(moved)
    loser = await earned.done("/statements", {"publisher": "pub_1", "to": "2026-12-10"})
    winner = await earned.done("/statements", {"publisher": "pub_2", "to": "2026-12-10"})
    assert (loser["amount"], loser["corrected"]) == (usd(400 - 1500), usd(-1500))
    assert (winner["amount"], winner["earned"], winner["corrections"]) == (usd(1500), usd(1500), 0)
    [line] = (await earned.get(f"/statements/{winner['id']}/lines", "neighbour"))["data"]
    assert (line["posting"], line["corrects"]) == (given, None)
    answer = await earned.ask("GET", f"/statements/{loser['id']}/lines", "publisher")
    line = next(one for one in answer.json()["data"] if one["posting"] == taken)
    assert line["corrects"] is not None
    assert line["verdict"] is None
    assert "pub_2" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "code", "path"),
    [
        ({"month": "2026-12"}, 422, "invalid_field", "/month"),
        ({"to": "2026-12-11"}, 422, "invalid_field", "/to"),
        ({"to": "2026-10-01"}, 422, "invalid_field", "/to"),
        ({"from": "2026-12-01", "to": "2026-12-01"}, 422, "invalid_field", "/to"),
        ({"to": "soon"}, 422, "invalid_field", "/to"),
        ({"month": "2026-11", "from": "2026-11-01"}, 422, "invalid_field", "/from"),
        ({"month": "2026-11", "to": "2026-12-01"}, 422, "invalid_field", "/to"),
        ({}, 422, "invalid_field", "/to"),
        ({"month": "2026-11", "timezone": "New York"}, 422, "invalid_field", "/timezone"),
        ({"month": "2026-11", "currency": "dollar"}, 422, "invalid_field", "/currency"),
        ({"month": "2026-11", "publisher": "pub_9"}, 422, "invalid_field", "/publisher"),
        ({"month": "2026-11", "currency": "EUR"}, 409, "nothing_to_state", None),
        ({"month": "2026-11", "publisher": "pub_2"}, 409, "nothing_to_state", None),
        ({"month": "2026-09"}, 409, "nothing_to_state", None),
    ],
)
async def test_what_cannot_be_closed_is_refused_and_leaves_nothing(
    earned: Desk, body: dict[str, Any], status: int, code: str, path: str | None
) -> None:
    assert await earned.refused("/statements", {"publisher": "pub_1", **body}) == (status, code, [path] if path else [])
    async with earned.ledger.read() as connection:
        for table in (schema.statement, schema.statement_line):
            assert await connection.scalar(select(func.count()).select_from(table)) == 0


async def test_periods_do_not_overlap(earned: Desk) -> None:
    await earned.done("/statements", NOVEMBER)
    await post(earned.ledger, "call_1", -1)
    for body in (NOVEMBER, {"publisher": "pub_1", "from": "2026-11-30", "to": "2026-12-05"}):
        assert (await earned.refused("/statements", body))[:2] == (409, "period_closed")
    gap = await earned.done("/statements", {"publisher": "pub_1", "from": "2026-12-03", "to": "2026-12-05"})
    assert (gap["amount"], gap["earlier"]) == (usd(399), usd(399)), "what lies in a gap is not lost"


async def test_of_closings_at_once_exactly_one_wins(earned: Desk) -> None:
    """Of several processes: each has its own way to the ledger."""
    bodies = [
        NOVEMBER,
        {"publisher": "pub_1", "to": "2026-11-20"},
        {"publisher": "pub_1", "from": "2026-10-30", "to": "2026-12-03"},
    ]
    asked = [earned.ask("POST", "/statements", json=body) for body in bodies * 4]
    answers = await asyncio.gather(*asked)
    won = [answer.json() for answer in answers if answer.status_code == 201]
    lost = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    assert lost <= {"period_closed", "nothing_to_state"}
    spans = sorted((one["begins_at"], one["ends_at"]) for one in won)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    async with earned.ledger.read() as connection:
        lines = (await connection.execute(select(schema.statement_line.c.posting_id))).scalars().all()
    assert len(lines) == len(set(lines))
    told = 0
    for one in won:
        listed = (await earned.get(f"/statements/{one['id']}/lines"))["data"]
        told += sum(line["amount"]["amount"] for line in listed)
    assert sum(one["amount"]["amount"] for one in won) == told


async def test_the_same_period_closed_by_eight_at_once_is_closed_once(earned: Desk) -> None:
    asked = [earned.ask("POST", "/statements", json=NOVEMBER) for _ in range(8)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"period_closed"}


async def test_what_is_posted_while_a_period_is_closed_is_on_one_statement(earned: Desk, ledger_url: str) -> None:
    other = Ledger(ledger_url)
    for n in range(20):
        await ring(other, f"more_{n}", started_at_ms=at("11-15T12:00:00"))
    posts = [post(other, f"more_{n}", 10) for n in range(20)]
    answers = await asyncio.gather(earned.done("/statements", NOVEMBER), *posts)
    await other.close()
    first = answers[0]
    lines = (await earned.get(f"/statements/{first['id']}/lines?limit=500"))["data"]
    assert first["amount"]["amount"] == sum(line["amount"]["amount"] for line in lines)
    [balance] = (await earned.get("/balances"))["data"]
    assert balance["open"]["amount"] == 5100 + 200 - first["amount"]["amount"]


@pytest.mark.parametrize("table", ["statement", "statement_line", "posting", "entry"])
async def test_what_is_closed_cannot_be_changed_by_anybody(earned: Desk, table: str) -> None:
    await earned.done("/statements", NOVEMBER)
    of = schema.metadata.tables[table]
    column = list(of.c)[-1]
    for statement in (update(of).values({column: column}), delete(of)):
        with pytest.raises((IntegrityError, DBAPIError), match="append-only"):
            async with earned.ledger.write() as connection:
                await connection.execute(statement)


async def test_a_preview_tells_what_closing_then_does_and_changes_nothing(earned: Desk) -> None:
    async with earned.ledger.write() as connection:
        waits = update(schema.call).where(schema.call.c.id.in_(["call_2", "call_dec"])).values(unsettled_ms=1)
        await connection.execute(waits)
    seen = await earned.get("/statements/preview?publisher=pub_1&month=2026-11")
    assert seen.pop("waiting") == 1
    assert (await earned.get("/statements"))["data"] == []
    made = await earned.done("/statements", NOVEMBER)
    assert seen == {name: value for name, value in made.items() if name in seen}
    assert made.keys() - seen.keys() == {"id", "closed_at", "by"}
    span = "from=2026-12-01T01:00:00-05:00&to=2026-12-01T12:00:00-05:00"
    empty = await earned.get(f"/statements/preview?publisher=pub_1&{span}")
    assert (empty["amount"], empty["period"]) == (usd(400), "1 December 2026 01:00 to 1 December 2026 12:00")
    assert (await earned.ask("GET", "/statements/preview?month=2026-11")).status_code == 422


async def test_a_publisher_of_two_currencies_has_two_accounts(earned: Desk) -> None:
    await ring(earned.ledger, "call_eur", started_at_ms=at("11-05T12:00:00"))
    await post(earned.ledger, "call_eur", 9000, currency="EUR")
    assert await earned.refused("/statements", NOVEMBER) == (422, "invalid_field", ["/currency"])
    euro = await earned.done("/statements", {**NOVEMBER, "currency": "eur"})
    dollar = await earned.done("/statements", {**NOVEMBER, "currency": "USD"})
    assert (euro["amount"], dollar["amount"]) == ({"amount": 9000, "currency": "EUR"}, usd(4700))
    assert [one["id"] for one in (await earned.get("/statements?currency=EUR"))["data"]] == [euro["id"]]
    balances = (await earned.get("/balances"))["data"]
    assert [(one["earned"]["currency"], one["open"]["amount"]) for one in balances] == [("EUR", 0), ("USD", 400)]


async def test_who_sees_which_statements_and_balances(earned: Desk) -> None:
    await ring(
        earned.ledger, "call_other", campaign_id="cmp_2", publisher_id="pub_2", started_at_ms=at("11-05T12:00:00")
    )
    await post(earned.ledger, "call_other", 3000, 3333)
    own = (await earned.done("/statements", NOVEMBER))["id"]
    other = (await earned.done("/statements", {"publisher": "pub_2", "month": "2026-11"}))["id"]
    sees = {
        "marketer": {own, other},
        "publisher": {own},
        "marketer of a publisher": {own},
        "neighbour": {other},
        "advertiser": set(),
        "marketer of a campaign": set(),
    }
    for who, these in sees.items():
        assert (who, {one["id"] for one in (await earned.get("/statements", who))["data"]}) == (who, these)
        for wanted in (own, other):
            for path in (f"/statements/{wanted}", f"/statements/{wanted}/lines"):
                answer = await earned.ask("GET", path, who)
                assert (who, path, answer.status_code) == (who, path, 200 if wanted in these else 404)
        if who != "marketer":
            assert (await earned.refused("/statements", NOVEMBER, who))[:2] == (403, "forbidden")
            assert (
                await earned.ask("GET", "/statements/preview?publisher=pub_1&month=2026-11", who)
            ).status_code == 403
    assert [one["earned"] for one in (await earned.get("/balances", "publisher"))["data"]] == [usd(5100)]
    assert (await earned.get("/balances?publisher=pub_2", "publisher"))["data"] == []
    assert [one["open"] for one in (await earned.get("/balances", "marketer of a campaign"))["data"]] == [None]
    assert (await earned.ask("GET", "/balances", "advertiser")).status_code == 403


async def test_campaigns_are_billed_and_publishers_do_not_read_it(earned: Desk) -> None:
    async with earned.ledger.write() as connection:
        await connection.execute(update(schema.campaign).values(advertiser="Acme"))
    whole = {"campaign": "cmp_1", "campaign_name": "Campaign 1", "advertiser": "Acme", "billed": usd(7100)}
    assert (await earned.get("/balances/campaigns"))["data"] == [{**whole, "payout": usd(5100), "margin": usd(2000)}]
    assert (await earned.get("/balances/campaigns", "advertiser"))["data"] == [
        {**whole, "payout": None, "margin": None}
    ]
    assert (await earned.get("/balances/campaigns", "other advertiser"))["data"] == []
    for who in ("publisher", "marketer of a publisher"):
        assert (await earned.ask("GET", "/balances/campaigns", who)).status_code == 403
