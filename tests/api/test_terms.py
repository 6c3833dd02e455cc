"""Terms, verdicts and the journal through the API: who may write them, and which side of the money each role sees."""

import csv
import io
from typing import Any

import pytest

from dni.clock import rfc3339
from tests.api.conftest import Api
from tests.support.trade import BILLS, BUYER, PAYS, Trade

BASE = {"name": "Base", "when": "talk >= 60s", "amount": PAYS}
BILL = {"name": "Bill", "when": f"talk >= 30s and destination = {BUYER}", "amount": BILLS}
TERMS = {"payout": {"base": BASE}, "revenue": {"base": BILL}, "dedupe": {"shared": ["+14155550166"]}}
PATH = "/campaigns/cmp_1/terms"
MINUTE = 60_000


async def put(api: Api, terms: dict[str, Any], **more: Any) -> Any:
    return await api.ask("PUT", PATH, json={"terms": terms, **more})


async def trade(api: Api) -> Trade:
    made = Trade(api.parts.ledger)
    await made.open()
    made.now_ms = api.parts.clock.now_ms()
    return made


async def a_paid_call(api: Api) -> tuple[Trade, str]:
    made = await trade(api)
    assert (await put(api, TERMS)).status_code == 200
    made.now_ms = api.parts.clock.now_ms()
    call = await made.call("a", made.now_ms)
    await made.settle()
    return made, call


async def test_terms_are_put_read_and_ended(api: Api) -> None:
    await trade(api)
    nothing = (await api.get(PATH)).json()
    assert (nothing["id"], nothing["terms"]) == (None, None)
    made = (await put(api, TERMS)).json()
    assert made["terms"]["payout"]["base"] == BASE
    assert (await api.get(PATH)).json() == made
    assert (await put(api, TERMS)).json() == made  # the same again is no version
    own = (await put(api, {"payout": {"base": {**BASE, "amount": 1}}}, publisher="pub_2")).json()
    assert own["publisher"] == "pub_2"
    assert (await api.get(f"{PATH}?publisher=pub_2")).json()["id"] == own["id"]
    assert (await api.get(f"{PATH}?publisher=pub_1")).json()["id"] == made["id"]
    assert (await api.delete(f"{PATH}?publisher=pub_2")).status_code == 204
    assert (await api.get(f"{PATH}?publisher=pub_2")).json()["id"] == made["id"]
    assert (await api.delete(PATH)).status_code == 204
    assert (await api.get(PATH)).json()["terms"] is None
    versions = (await api.get(f"{PATH}/versions")).json()["data"]
    assert [(one["publisher"], one["terms"] is None) for one in versions] == [
        (None, True),
        ("pub_2", True),
        ("pub_2", False),
        (None, False),
    ]


async def test_terms_that_are_to_come_apply_then(api: Api) -> None:
    await trade(api)
    soon = rfc3339(api.parts.clock.now_ms() + 60 * MINUTE)
    made = (await put(api, TERMS, **{"from": soon})).json()
    assert made["from"] == soon
    assert (await api.get(PATH)).json()["terms"] is None
    assert [one["id"] for one in (await api.get(f"{PATH}/versions")).json()["data"]] == [made["id"]]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"terms": TERMS, "from": "2020-01-01T00:00:00Z"}, "/from"),
        ({"terms": TERMS, "from": "tomorrow"}, "/from"),
        ({"terms": TERMS, "publisher": "pub_9"}, "/publisher"),
        ({"terms": {"payout": {"base": {**BASE, "when": "talks >= 60s"}}}}, "/terms/payout/base/when"),
        ({"terms": {"payout": {"base": {"name": "Base"}}}}, "/terms/payout/base/amount"),
        ({"terms": {"hours": {"late": "never"}}}, "/terms/hours/late"),
        ({"terms": {"pay": 1}}, "/terms"),
    ],
)
async def test_a_mistake_is_told_with_its_place(api: Api, body: dict[str, Any], path: str) -> None:
    await trade(api)
    answer = await api.ask("PUT", PATH, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path)


async def test_a_condition_is_checked_with_the_place_of_what_is_wrong(api: Api) -> None:
    fine = await api.post("/terms/check", {"text": "talk>=1.5m and  during(shop)", "hours": ["shop"]})
    assert fine.json() == {"text": "talk >= 90s and during(shop)", "error": None, "at": None, "until": None}
    wrong = (await api.post("/terms/check", {"text": "answered and tlak >= 90s"})).json()
    assert (wrong["text"], wrong["at"], wrong["until"]) == (None, 13, 17)
    assert "did you mean talk?" in wrong["error"]


async def test_a_verdict_tells_every_term(api: Api) -> None:
    made, call = await a_paid_call(api)
    short = await made.call("b", made.now_ms, talk_s=14, caller="+12125550143")
    await made.settle()
    found = (await api.get(f"/calls/{call}/verdict")).json()
    assert found["qualified"] is True
    assert found["payout"]["amount"] == {"amount": PAYS, "currency": "USD"}
    assert found["payout"]["policy"] == "Base"
    assert all(term["holds"] for term in found["payout"]["policies"][0]["terms"])
    found = (await api.get(f"/calls/{short}/verdict")).json()
    assert found["qualified"] is False
    assert found["payout"]["missing"] == "talk 14 s, needed 60 s"
    view = (await api.get(f"/calls/{short}")).json()
    assert view["payout"] == {"amount": 0, "currency": "USD"}
    assert view["qualification"]["payout"] == {"policy": None, "missing": "talk 14 s, needed 60 s"}
    assert [one["id"] for one in (await api.get("/calls?qualified=true")).json()["data"]] == [call]
    assert [one["id"] for one in (await api.get("/calls?qualified=false")).json()["data"]] == [short]


async def test_an_outcome_pays_at_once(api: Api) -> None:
    made = await trade(api)
    await put(api, {"payout": {"base": {"name": "Sale", "when": "sale", "percent": 10}}})
    call = await made.call("a", api.parts.clock.now_ms())
    await made.settle()
    told = {"sale": True, "value": {"amount": 20_000, "currency": "USD"}}
    assert (await api.post(f"/calls/{call}/outcome", told)).status_code == 200
    assert (await api.get(f"/calls/{call}")).json()["payout"] == {"amount": 2_000, "currency": "USD"}


async def test_a_publisher_sees_its_payout_alone(api: Api) -> None:
    made, call = await a_paid_call(api)
    foreign = await made.call("b", made.now_ms, caller="+12125550143", publisher="pub_2")
    await made.settle()
    publisher = await api.token("publisher", publisher="pub_1")
    view = (await api.get(f"/calls/{call}", token=publisher)).json()
    assert (view["payout"]["amount"], view["revenue"], view["qualification"]["revenue"]) == (PAYS, None, None)
    verdict = (await api.get(f"/calls/{call}/verdict", token=publisher)).json()
    assert (verdict["payout"]["amount"]["amount"], verdict["revenue"]) == (PAYS, None)
    assert (await api.get(f"/calls/{foreign}/verdict", token=publisher)).status_code == 404
    [posting] = (await api.get("/postings", token=publisher)).json()["data"]
    assert (posting["call"], posting["payout"]["amount"]) == (call, PAYS)
    assert (posting["revenue"], posting["margin"]) == (None, None)


async def test_an_advertiser_sees_its_revenue_alone(api: Api) -> None:
    made, call = await a_paid_call(api)
    short = await made.call("b", made.now_ms, talk_s=40, caller="+12125550143")
    await made.settle()
    advertiser = await api.token("advertiser", campaign="cmp_1")
    view = (await api.get(f"/calls/{short}", token=advertiser)).json()
    # It is billed though it pays nobody, and that is what the advertiser's `qualified` says.
    assert view["qualification"]["qualified"] is True
    assert (view["payout"], view["revenue"]["amount"], view["qualification"]["payout"]) == (None, BILLS, None)
    found = (await api.get("/calls?qualified=true", token=advertiser)).json()["data"]
    assert {one["id"] for one in found} == {call, short}
    postings = (await api.get("/postings", token=advertiser)).json()["data"]
    assert {(one["revenue"]["amount"], one["payout"], one["margin"]) for one in postings} == {(BILLS, None, None)}
    terms = (await api.get(PATH, token=advertiser)).json()["terms"]
    assert terms["revenue"]["base"] == BILL
    assert terms["payout"] == {}


async def test_a_change_of_the_other_side_alone_does_not_exist(api: Api) -> None:
    made, call = await a_paid_call(api)
    await made.adjust(call, revenue=BILLS + 1)
    await made.settle()
    publisher = await api.token("publisher", publisher="pub_1")
    advertiser = await api.token("advertiser", campaign="cmp_1")
    assert len((await api.get("/postings", token=publisher)).json()["data"]) == 1
    assert len((await api.get("/postings", token=advertiser)).json()["data"]) == 2


async def test_where_calls_go_is_in_no_words_that_a_publisher_reads(api: Api) -> None:
    made = await trade(api)
    campaign = await api.campaign()
    publisher = await api.publisher()
    await api.tag(campaign, publisher=publisher)
    pays = {"payout": {"base": {**BASE, "when": f"destination = {BUYER}"}}, "dedupe": TERMS["dedupe"]}
    answer = await api.ask("PUT", f"/campaigns/{campaign}/terms", json={"terms": pays})
    assert answer.status_code == 200, answer.text
    call = await made.call("a", api.parts.clock.now_ms(), campaign=campaign, publisher=publisher)
    await made.settle()
    token = await api.token("publisher", publisher=publisher)
    for path in (f"/campaigns/{campaign}/terms", f"/campaigns/{campaign}/terms/versions", f"/calls/{call}/verdict"):
        answer = await api.get(path, token=token)
        assert answer.status_code == 200, path
        assert BUYER[1:] not in answer.text
        assert "4155550166" not in answer.text
        assert BUYER[1:] in (await api.get(path)).text


async def test_the_journal_is_read_by_when_calls_began_and_as_csv(api: Api) -> None:
    made, call = await a_paid_call(api)
    before = rfc3339(made.now_ms - MINUTE).replace("+", "%2B")
    assert len((await api.get(f"/postings?from={before}&call={call}&campaign=cmp_1")).json()["data"]) == 1
    assert (await api.get(f"/postings?to={before}")).json()["data"] == []
    assert (await api.get("/postings?publisher=pub_2")).json()["data"] == []
    [row] = csv.DictReader(io.StringIO((await api.get("/postings", headers={"Accept": "text/csv"})).text))
    assert (row["kind"], row["payout.amount"], row["margin.amount"]) == ("verdict", str(PAYS), str(BILLS - PAYS))


@pytest.mark.parametrize("role", ["publisher", "advertiser"])
async def test_only_who_configures_writes_terms(api: Api, role: Any) -> None:
    await trade(api)
    token = await api.token(role, **{"publisher": {"publisher": "pub_1"}, "advertiser": {"campaign": "cmp_1"}}[role])
    assert (await api.ask("PUT", PATH, json={"terms": TERMS}, token=token)).status_code == 403
    assert (await api.ask("DELETE", PATH, token=token)).status_code == 403


async def test_an_advertiser_is_named_changed_and_taken_away(api: Api) -> None:
    body = {"name": "Roofs", "destination": "+14155550100", "advertiser": " Roofers Inc "}
    made = await api.made("/campaigns", body)
    assert made["advertiser"] == "Roofers Inc"
    assert (await api.patch(f"/campaigns/{made['id']}", {"advertiser": None})).json()["advertiser"] is None
    assert (await api.patch(f"/campaigns/{made['id']}", {"advertiser": ""})).status_code == 422
