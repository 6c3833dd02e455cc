"""Terms that are not saved yet, tried on past calls through the API, by who may see both sides of the money."""

from typing import Any

import pytest

from dni.access.model import Role
from dni.clock import rfc3339
from dni.qualification import what_if
from tests.api.conftest import Api
from tests.support.trade import BILLS, OTHER, PAYS, Trade, terms

PATH = "/campaigns/cmp_1/terms/try"
BASE = {"name": "Base", "when": "talk >= 80s", "amount": 100}
TERMS: dict[str, Any] = {"payout": {"base": BASE}, "revenue": {"base": {**BASE, "amount": 300}}}


async def a_past(api: Api) -> Trade:
    """Two calls, a long one and a short one, a minute ago."""
    made = Trade(api.parts.ledger)
    await made.open()
    made.now_ms = api.parts.clock.now_ms() - 60_000
    await made.put(terms())
    await made.call("a", made.now_ms, talk_s=90)
    await made.call("b", made.now_ms, talk_s=70, caller=OTHER, publisher="pub_2")
    await made.settle()
    return made


def money(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "USD"}


@pytest.mark.parametrize("few", [2_000, 0])
async def test_what_terms_would_have_made_of_calls(api: Api, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than few calls are looked at by a process of its own."""
    monkeypatch.setattr(what_if, "LIGHT", few)
    await a_past(api)
    answer = await api.post(PATH, {"terms": TERMS})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    was = {"calls": 2, "qualified": 2, "payout": money(2 * PAYS), "revenue": money(2 * BILLS)}
    assert found["was"] == {**was, "margin": money(2 * (BILLS - PAYS))}
    would_be = {"calls": 2, "qualified": 1, "payout": money(100), "revenue": money(300), "margin": money(200)}
    assert found["would_be"] == would_be
    by_publisher = [(one["publisher"], one["name"], one["would_be"]["qualified"]) for one in found["publishers"]]
    assert by_publisher == [("pub_1", "pub_1", 1), ("pub_2", "pub_2", 0)]
    assert (found["publisher"], found["kept"]) == (None, 0)
    own = (await api.post(PATH, {"terms": TERMS, "publisher": "pub_2"})).json()
    assert [one["publisher"] for one in own["publishers"]] == ["pub_2"]
    later = rfc3339(api.parts.clock.now_ms() - 1)
    assert (await api.post(PATH, {"terms": TERMS, "from": later})).json()["was"]["calls"] == 0
    # Nothing was saved.
    assert len((await api.get("/campaigns/cmp_1/terms/versions")).json()["data"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"terms": {"payout": {"base": {**BASE, "when": "talks > 5"}}}}, 422, "/terms/payout/base/when"),
        ({"terms": TERMS, "from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, 422, "/from"),
        ({"terms": TERMS, "to": "tomorrow"}, 422, "/to"),
        ({"terms": TERMS, "publisher": "pub_9"}, 404, None),
        ({}, 422, None),
    ],
)
async def test_what_is_wrong_is_named(api: Api, body: dict[str, Any], status: int, path: str | None) -> None:
    await a_past(api)
    answer = await api.post(PATH, body)
    assert answer.status_code == status, answer.text
    assert path is None or answer.json()["errors"][0]["path"] == path


@pytest.mark.parametrize(
    ("role", "walls", "status"),
    [
        ("marketer", {}, 200),
        ("marketer", {"campaign": "cmp_1"}, 200),
        ("marketer", {"campaign": "cmp_2"}, 404),
        ("marketer", {"publisher": "pub_1"}, 403),
        ("advertiser", {"campaign": "cmp_1"}, 403),
        ("publisher", {"publisher": "pub_1"}, 403),
    ],
)
async def test_only_who_sees_both_sides_may_try(api: Api, role: Role, walls: dict[str, str], status: int) -> None:
    await a_past(api)
    token = await api.token(role, **walls)
    assert (await api.post(PATH, {"terms": TERMS}, token=token)).status_code == status
