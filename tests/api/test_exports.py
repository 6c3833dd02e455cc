"""The file for Google Ads as the API gives it."""

import csv

import pytest

from dni.parts import Parts
from tests.api.conftest import Api
from tests.api.test_door import is_problem
from tests.dashboard import tenants

PATH = "/exports/google-ads"


async def test_the_file_and_the_same_as_json(api: Api, parts: Parts) -> None:
    await tenants.fill(parts)
    answer = await api.get(f"{PATH}?campaign=cmp_stranger&value=25&name=Anruf")
    [one] = answer.json()["data"]
    assert (one["id"], one["name"], one["value"], one["currency"]) == ("call_stranger", "Anruf", "25", "USD")
    assert (one["click"]["kind"], one["caller"]) == ("gclid", None)
    asked = f"{PATH}?campaign=cmp_stranger&value=25&name=Anruf&timezone=Europe/Berlin"
    table = await api.get(asked, headers={"Accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    first, *lines = table.text.splitlines()
    assert first == "Parameters:TimeZone=Europe/Berlin"
    [row] = csv.DictReader(lines)
    assert row["Google Click ID"] == one["click"]["id"]
    assert row["Order ID"] == "call_stranger"
    assert row["Conversion Time"].endswith("+0200")


async def test_the_file_goes_on_behind_its_cursor(api: Api, parts: Parts) -> None:
    await tenants.fill(parts)
    first = await api.get(f"{PATH}?limit=2", headers={"Accept": "text/csv"})
    after = first.headers["dni-next"]
    rest = await api.get(f"{PATH}?limit=2&cursor={after}", headers={"Accept": "text/csv"})
    assert "dni-next" not in rest.headers
    assert [len(answer.text.splitlines()) for answer in (first, rest)] == [2 + 2, 2 + 1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("name==1", "/name"),
        ("name=a;%3D1", "/name"),
        ("name=" + "x" * 101, "/name"),
        ("value=1,5", "/value"),
        ("value=-1", "/value"),
        ("currency=usd", "/currency"),
        ("timezone=Mars/Base", "/timezone"),
        ("min_confidence=2", "/min_confidence"),
        ("template=people", "/template"),
        ("from=yesterday", "/from"),
        ("cursor=x", "/cursor"),
    ],
)
async def test_what_cannot_be_in_such_a_file_is_refused(api: Api, query: str, field: str) -> None:
    is_problem(await api.get(f"{PATH}?{query}"), 422, "invalid_field", field)


async def test_who_sees_no_callers_gets_no_file_of_them(api: Api, parts: Parts) -> None:
    await tenants.fill(parts)
    publisher = await api.token("publisher", publisher="pub_own")
    is_problem(await api.get(f"{PATH}?template=calls", token=publisher), 403, "forbidden")
    found = (await api.get(PATH, token=publisher)).json()["data"]
    assert [one["id"] for one in found] == ["call_own"]
