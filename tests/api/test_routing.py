"""Destinations, routing and outcomes by the admin API."""

from typing import Any

import pytest

from dni.ledger import schema
from tests.api.conftest import Api

SAY = {"id": "hello", "do": "say", "prompt": {"text": "Hello"}}


@pytest.fixture
async def campaign(api: Api) -> str:
    return await api.campaign("Plumbing")


async def destination(api: Api, campaign: str, name: str = "Anna", **more: Any) -> str:
    phone = {"campaign": campaign, "name": name, "number": "+14155550161", **more}
    made: str = (await api.made("/destinations", phone))["id"]
    return made


def problem(answer: Any, status: int) -> list[tuple[str, str]]:
    assert answer.status_code == status, answer.text
    return [(one["path"], one["message"]) for one in answer.json()["errors"]]


async def test_a_destination_is_made_changed_and_deleted(api: Api, campaign: str) -> None:
    made = await destination(api, campaign, hours="Mo-Fr  09:00-17:00", caps={"day": 5}, timezone="America/Chicago")
    seen = (await api.get(f"/destinations/{made}")).json()
    assert (seen["number"], seen["hours"], seen["caps"]) == ("+14155550161", "Mo-Fr 09:00-17:00", {"day": 5})
    changed = (await api.ask("PATCH", f"/destinations/{made}", json={"caps": {}, "hours": None, "paused": True})).json()
    assert (changed["caps"], changed["hours"], changed["paused"]) == ({}, None, True)
    assert [one["id"] for one in (await api.get(f"/destinations?campaign={campaign}")).json()["data"]] == [made]
    assert (await api.ask("DELETE", f"/destinations/{made}")).status_code == 204
    assert (await api.get(f"/destinations/{made}")).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"number": "12"}, "/number"),
        ({"hours": "9 to 5"}, "/hours"),
        ({"timezone": "Mars"}, "/timezone"),
        ({"caps": {"day": -1}}, "/caps/day"),
        ({"caps": {"week": 1}}, "/caps"),
        ({"name": " "}, "/name"),
        ({"campaign": "cmp_none"}, "/campaign"),
    ],
)
async def test_what_is_wrong_with_a_destination_is_told(
    api: Api, campaign: str, wrong: dict[str, Any], path: str
) -> None:
    phone = {"campaign": campaign, "name": "Anna", "number": "+14155550161", **wrong}
    [(where, _)] = problem(await api.ask("POST", "/destinations", json=phone), 422)
    assert where == path


async def test_calls_never_go_in_circles(api: Api, campaign: str) -> None:
    await api.pool(["+14155550120"])
    phone = {"campaign": campaign, "name": "Loop", "number": "+14155550120"}
    assert problem(await api.ask("POST", "/destinations", json=phone), 422)[0][0] == "/number"
    await destination(api, campaign)
    answer = await api.ask("POST", "/pools", json={"name": "P", "numbers": ["+14155550161"]})
    assert "is destination 'Anna'" in problem(answer, 422)[0][1]


async def test_routing_is_replaced_as_a_whole_and_names_only_its_own_destinations(api: Api, campaign: str) -> None:
    anna = await destination(api, campaign)
    foreign = await destination(api, await api.campaign("Other"), "Eve", number="+14155550162")
    assert (await api.get(f"/campaigns/{campaign}/routing")).json() == {}
    told = {
        "steps": [SAY, {"id": "ring", "do": "connect", "destinations": [{"destination": anna}]}],
        "holidays": ["2026-12-25"],
        "blocked": ["(415) 555-0166"],
    }
    put = await api.ask("PUT", f"/campaigns/{campaign}/routing", json=told)
    assert put.json() == {**told, "blocked": ["+14155550166"]}
    assert (await api.get(f"/campaigns/{campaign}/routing")).json() == put.json()
    answer = await api.ask("DELETE", f"/destinations/{anna}")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    told["steps"][1]["destinations"] = [{"destination": anna}, {"destination": foreign}]  # type: ignore[index]
    answer = await api.ask("PUT", f"/campaigns/{campaign}/routing", json=told)
    assert problem(answer, 422)[0][0] == "/steps/1/destinations/1/destination"
    strange = {"steps": [{**SAY, "when": {"publishers": ["pub_none"]}}]}
    answer = await api.ask("PUT", f"/campaigns/{campaign}/routing", json=strange)
    assert problem(answer, 422)[0][0] == "/steps/0/when/publishers/0"
    wrongs: list[dict[str, Any]] = [{"steps": [{"id": "x", "do": "fly"}]}, {"steps": {}}, {"holidays": ["soon"]}]
    for wrong in (*wrongs, {"stepz": []}):
        assert (await api.ask("PUT", f"/campaigns/{campaign}/routing", json=wrong)).status_code == 422


async def test_a_call_is_tried_without_ringing(api: Api, campaign: str) -> None:
    anna = await destination(api, campaign)
    menu = {"id": "menu", "do": "menu", "prompt": {"text": "1 or 2"}, "keys": {"1": "Sales", "2": "Service"}}
    ring = {"id": "ring", "do": "connect", "destinations": [{"destination": anna}], "when": {"keys": {"menu": ["1"]}}}
    draft = {"steps": [{**SAY, "unless": {"hours": "Mo-Fr 09:00-17:00"}}, menu, ring]}
    asked = {"routing": draft, "caller": "+14155550142", "at": "2026-11-29T10:00:00-05:00", "keys": {"menu": "1"}}
    asked["unanswered"] = [anna]
    found = (await api.ask("POST", f"/campaigns/{campaign}/routing/try", json=asked)).json()
    assert [(one["phase"], one["says"], one["rings"]) for one in found["scenes"]] == [
        ("menu", ["Hello", "1 or 2"], []),
        ("connecting", [], ["+14155550161"]),
        ("connecting", [], ["+14155550100"]),
    ]
    assert found["ends"] == "connecting"
    live = (await api.ask("POST", f"/campaigns/{campaign}/routing/try", json={})).json()
    assert [one["rings"] for one in live["scenes"]] == [["+14155550100"]]
    assert problem(await api.ask("POST", f"/campaigns/{campaign}/routing/try", json={"at": "noon"}), 422)[0][0] == "/at"
    async with api.parts.ledger.read() as connection:
        for table in (schema.call, schema.attempt, schema.decision):
            assert (await connection.execute(table.select())).first() is None


@pytest.fixture
async def call(api: Api, campaign: str) -> str:
    row = {"id": "call_1", "carrier_id": "car_1", "provider_id": "CA1", "status": "completed", "started_at_ms": 1_000}
    row |= {"tracking_number": "+14155550120", "caller": "+14155550142", "campaign_id": campaign}
    async with api.parts.ledger.write() as connection:
        await connection.execute(schema.call.insert().values(row))
    return "call_1"


async def test_an_outcome_is_told_twice_and_counted_once_and_each_change_is_kept(api: Api, call: str) -> None:
    sale = {"sale": True, "value": {"amount": 12_500, "currency": "usd"}}
    first = (await api.ask("POST", f"/calls/{call}/outcome", json=sale)).json()
    assert first["value"] == {"amount": 12_500, "currency": "USD"}
    assert (await api.ask("POST", f"/calls/{call}/outcome", json=sale)).json() == first
    later = {"lead_status": "installed", "note": "Call Mrs Smith back"}
    second = (await api.ask("POST", f"/calls/{call}/outcome", json=later)).json()
    assert (second["sale"], second["lead_status"]) == (True, "installed")
    taken_back = (await api.ask("POST", f"/calls/{call}/outcome", json={"sale": None, "value": None})).json()
    assert (taken_back["sale"], taken_back["value"]) == (None, None)
    told = (await api.get(f"/calls/{call}/outcomes")).json()["data"]
    assert [one["id"] for one in told] == [taken_back["id"], second["id"], first["id"]]
    seen = (await api.get(f"/calls/{call}")).json()["outcome"]
    assert seen == {"sale": None, "value": None, "lead_status": "installed", "note": "Call Mrs Smith back"}


async def test_an_outcome_finds_its_call_by_the_caller_and_a_span_of_time(api: Api, call: str, campaign: str) -> None:
    of = {"caller": "(415) 555-0142", "since": "1970-01-01T00:00:00Z", "until": "1970-01-01T00:01:00Z", "sale": True}
    assert (await api.ask("POST", "/outcomes", json=of)).json()["call"] == call
    assert (await api.ask("POST", "/outcomes", json={**of, "campaign": campaign})).json()["call"] == call
    for other in ({"caller": "+14155550143"}, {"until": "1970-01-01T00:00:01Z"}, {"campaign": "cmp_2"}):
        assert (await api.ask("POST", "/outcomes", json={**of, **other})).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({}, ""),
        ({"value": {"amount": -1, "currency": "USD"}}, "/value/amount"),
        ({"value": {"amount": 1, "currency": "dollars"}}, "/value/currency"),
        ({"value": {"amount": 1.5, "currency": "USD"}}, "/value/amount"),
        ({"lead_status": ""}, "/lead_status"),
        ({"note": "a\x07"}, "/note"),
        ({"sold": True}, ""),
    ],
)
async def test_what_is_wrong_with_an_outcome_is_told(api: Api, call: str, wrong: dict[str, Any], path: str) -> None:
    [(where, _)] = problem(await api.ask("POST", f"/calls/{call}/outcome", json=wrong), 422)
    assert where == path


async def test_a_publisher_tells_no_outcome_and_reads_no_note(api: Api, call: str) -> None:
    await api.ask("POST", f"/calls/{call}/outcome", json={"sale": True, "note": "Mrs Smith"})
    publisher = await api.publisher("Ads")
    async with api.parts.ledger.write() as connection:
        await connection.execute(schema.call.update().values(publisher_id=publisher))
    token = await api.token("publisher", publisher=publisher)
    refused = await api.ask("POST", f"/calls/{call}/outcome", json={"sale": True}, token=token)
    assert refused.status_code == 403
    seen = (await api.get(f"/calls/{call}", token=token)).json()["outcome"]
    assert (seen["sale"], seen["note"]) == (True, None)
    assert [one["note"] for one in (await api.get(f"/calls/{call}/outcomes", token=token)).json()["data"]] == [None]
