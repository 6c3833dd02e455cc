"""The attribution report as the API gives it."""

import csv

import pytest

from dni.ledger import schema
from dni.parts import Parts
from tests.api.conftest import Api
from tests.api.test_door import is_problem
from tests.dashboard.samples import HOUR, call, fill, insert_rows

SINCE = "from=2026-09-01T00:00:00Z&to=2026-09-22T00:00:00Z"


async def test_the_contracts_report(api: Api, parts: Parts) -> None:
    await fill(parts)
    address = f"/reports/attribution?group_by=source,campaign_name,keyword&model=last_touch&{SINCE}"
    answer = await api.get(address)
    assert answer.status_code == 200, answer.text
    rows = {row["source"]: row for row in answer.json()["data"]}
    google = rows["google"]
    assert (google["campaign_name"], google["keyword"]) == ("spring", "emergency plumber")
    assert (google["sessions"], google["leased"], google["calls"]) == (1, 1, 2)
    assert "medium" not in google, "it is not grouped by that"
    table = await api.get(address, headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(table.text.splitlines()))
    assert {line["source"] for line in lines} >= {"google", "bing"}
    assert next(line for line in lines if line["source"] == "google")["calls"] == "2.0"


async def test_money_is_told_in_one_currency(api: Api, parts: Parts) -> None:
    await fill(parts)
    paid = {"qualified": True, "billable": True, "payout": 1_250, "revenue": 3_000}
    await insert_rows(parts, schema.call, call("paid", HOUR, source="radio", params={"sub1": "A"}, **paid))
    address = f"/reports/attribution?group_by=sub1&{SINCE}&source=radio"
    [row] = (await api.get(address)).json()["data"]
    amounts = {"payout": 1_250, "revenue": 3_000, "margin": 1_750, "payout_per_qualified": 1_250}
    assert {name: row[name] for name in amounts} == {
        name: {"amount": amount, "currency": "USD"} for name, amount in amounts.items()
    }
    assert (row["sub1"], row["qualified"], row["elsewhere"]) == ("A", 1, 0)
    [row] = (await api.get(f"{address}&currency=EUR&sub1=a")).json()["data"]
    assert (row["payout"], row["qualified"], row["elsewhere"]) == (None, 1, 1)
    table = await api.get(address, headers={"Accept": "text/csv"})
    [line] = csv.DictReader(table.text.splitlines())
    assert [line[name] for name in (*amounts, "currency")] == ["1250", "3000", "1750", "1250", "USD"]
    [found] = (await api.get("/calls?sub1=a")).json()["data"]
    assert (found["id"], found["sub1"], found["sub2"]) == ("paid", "A", None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("group_by=sauce", "/group_by"),
        ("model=best", "/model"),
        ("from=yesterday", "/from"),
        ("limit=0", "/limit"),
        ("cursor=x", "/cursor"),
        ("currency=usd", "/currency"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, query: str, field: str) -> None:
    is_problem(await api.get(f"/reports/attribution?{query}"), 422, "invalid_field", field)
