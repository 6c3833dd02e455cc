"""Sales that come back by the API: as JSON, as a table, and what is refused as a whole."""

from typing import Any

import pytest

from dni.clock import rfc3339
from dni.parts import Parts
from tests.api.conftest import Api
from tests.api.test_door import is_problem
from tests.dashboard import tenants
from tests.support.world import START_MS

PATH = "/conversions"
CALLER = "+13125550110"
AT = rfc3339(START_MS)
CSV = {"Content-Type": "text/csv; charset=utf-8"}


async def sent(api: Api, body: bytes, path: str = PATH, **more: Any) -> Any:
    return await api.ask("POST", path, content=body, headers=CSV, **more)


async def test_json(api: Api, parts: Parts) -> None:
    await tenants.fill(parts)
    body = {
        "conversions": [
            {"call": "call_own", "value": {"amount": 500, "currency": "USD"}},
            {"caller": CALLER, "at": AT, "value": {"amount": 500, "currency": "USD"}},
            {"call": 5},
            None,
        ]
    }
    dry = await api.post(PATH, body | {"dry_run": True})
    assert dry.status_code == 200, dry.text
    report = dry.json()
    assert [one["state"] for one in report["conversions"]] == ["matched", "matched", "wrong", "wrong"]
    assert {name: report[name] for name in ("dry_run", "rows", "matched", "wrong")} == {
        "dry_run": True,
        "rows": 4,
        "matched": 2,
        "wrong": 2,
    }
    assert (await api.post(f"{PATH}?dry_run=true", body)).json() == report
    assert (await api.get("/calls/call_own/outcomes")).json()["data"] == []
    done = (await api.post(PATH, body)).json()
    assert done == {**report, "dry_run": False}
    [told] = (await api.get("/calls/call_own/outcomes")).json()["data"]
    assert (told["sale"], told["value"]) == (True, {"amount": 500, "currency": "USD"})
    assert [one["state"] for one in (await api.post(PATH, body)).json()["conversions"]][:2] == ["known", "known"]


async def test_a_table(api: Api, parts: Parts) -> None:
    await tenants.fill(parts)
    table = f'\ufeffPhone;Close date;Amount;Note\r\n(312) 555-0110;{AT};1.250,00;"a; b"\r\nnobody;{AT};1;\r\n'.encode()
    report = (await sent(api, table, f"{PATH}?dry_run=true")).json()
    first = report["conversions"][0]
    assert (first["row"], first["state"], first["says"]) == (2, "matched", "sale yes, value 1,250.00 USD, note a; b")
    assert report["wrong"] == 1
    assert (await sent(api, table)).json()["matched"] == 1
    [told] = (await api.get("/calls/call_own/outcomes")).json()["data"]
    assert (told["value"]["amount"], told["note"]) == (125_000, "a; b")


async def test_an_advertiser_may_a_publisher_may_not(api: Api, parts: Parts) -> None:
    await tenants.fill(parts)
    advertiser = await api.token("advertiser", campaign="cmp_own")
    publisher = await api.token("publisher", publisher="pub_own")
    body = {"conversions": [{"call": "call_own"}, {"call": "call_stranger"}]}
    is_problem(await api.post(PATH, body, token=publisher), 403, "forbidden")
    told = (await api.post(PATH, body, token=advertiser)).json()
    assert [one["state"] for one in told["conversions"]] == ["matched", "not_matched"]


@pytest.mark.parametrize(
    ("body", "query", "code", "path"),
    [
        (b"{", "", (400, "invalid_body"), ""),
        (b"{}", "", (422, "invalid_field"), ""),
        (b'{"conversions":{}}', "", (422, "invalid_field"), "/conversions"),
        (b'{"conversions":[],"rows":1}', "", (422, "invalid_field"), ""),
        (b'{"conversions":[]}', "?campaign=cmp_nobody", (422, "invalid_field"), "/campaign"),
        (b'{"conversions":[]}', "?timezone=Mars/Base", (422, "invalid_field"), "/timezone"),
        (b'{"conversions":[]}', "?within_days=401", (422, "invalid_field"), "/within_days"),
        (b'{"conversions":[%s]}' % b",".join([b"{}"] * 10_001), "", (422, "invalid_field"), "/conversions"),
    ],
)
async def test_what_is_refused_as_a_whole(api: Api, body: bytes, query: str, code: tuple[int, str], path: str) -> None:
    answer = await api.ask("POST", PATH + query, content=body)
    is_problem(answer, *code, *([path] if code[0] == 422 else []))


@pytest.mark.parametrize("table", [b"", b"name,amount\nAda,5\n", b"call id\n" + b"x\n" * 10_001])
async def test_a_table_that_is_refused_as_a_whole(api: Api, table: bytes) -> None:
    is_problem(await sent(api, table), 422, "invalid_field", "")


async def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    is_problem(await sent(api, b"x" * (8 * 1024 * 1024 + 1)), 413, "body_too_large")
