"""The attribution report as the API gives it."""

import csv

import pytest

from dni.parts import Parts
from tests.api.conftest import Api
from tests.api.test_door import is_problem
from tests.dashboard.samples import fill

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


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("group_by=sauce", "/group_by"),
        ("model=best", "/model"),
        ("from=yesterday", "/from"),
        ("limit=0", "/limit"),
        ("cursor=x", "/cursor"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, query: str, field: str) -> None:
    is_problem(await api.get(f"/reports/attribution?{query}"), 422, "invalid_field", field)
