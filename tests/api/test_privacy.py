"""Retention, export and erasure by the API: admins only, and what they say is what is done."""

from typing import Any

from dni.clock import rfc3339
from dni.ledger import schema
from dni.privacy.model import KINDS
from tests.api.conftest import Api
from tests.dashboard.samples import CALLER, HOUR, call, candidate, event, insert_rows, lease, session
from tests.support.world import START_MS, add


async def _a_call(api: Api) -> None:
    await add(api.parts)
    await insert_rows(api.parts, schema.session, session("s-ann", 2 * HOUR, visitor_id="ann", title="Plumber"))
    await insert_rows(api.parts, schema.lease, lease("s-ann", 2 * HOUR))
    answer = {"session_id": "s-ann", "visitor_id": "ann", "confidence": 0.9}
    said = [candidate("s-ann", 0.9, "held it"), candidate("s-ben", 0.05, "left")]
    await insert_rows(api.parts, schema.call, call("call_1", HOUR, **answer, candidates=said))
    await insert_rows(api.parts, schema.call_event, event("call_1", HOUR, "inbound", FromCity="ALBANY"))


async def test_retention_is_read_and_changed(api: Api) -> None:
    told = (await api.get("/retention")).json()
    assert told["days"] == told["default"] == {kind.name: kind.days for kind in KINDS}
    assert told["last_run"] is None
    changed = await api.patch("/retention", {"sessions": 30, "callers": None})
    assert changed.status_code == 200
    expected = told["default"] | {"sessions": 30, "callers": None}
    assert changed.json()["days"] == expected == (await api.get("/retention")).json()["days"]
    assert (await api.patch("/retention", {"sessions": 400})).json()["days"]["callers"] is None


async def test_a_retention_that_cannot_be_is_refused(api: Api) -> None:
    for body in ({"sessions": 6}, {"sessions": 1.5}, {"sessions": "30"}, {"visits": 30}, {"callers": 40_000}):
        answer = await api.patch("/retention", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")


async def test_a_visitor_is_told_of_himself_and_not_of_who_called(api: Api) -> None:
    await _a_call(api)
    for wanted in ({"visitor": "ann"}, {"session": "s-ann"}):
        told: dict[str, Any] = (await api.get("/privacy/export", params=wanted)).json()
        assert told["visitors"] == ["ann"]
        [visit], [shown] = told["sessions"], told["leases"]
        assert (visit["id"], visit["title"], visit["started_at"]) == ("s-ann", "Plumber", rfc3339(START_MS - 2 * HOUR))
        assert shown["session_id"] == "s-ann"
        assert [one["id"] for one in told["calls"]] == ["call_1"]
        assert [(one["call"], one["session"]) for one in told["candidates"]] == [("call_1", "s-ann")]
        assert CALLER not in str(told)
        assert "s-ben" not in str(told)


async def test_a_caller_is_told_of_his_calls_and_of_visits_that_may_be_his(api: Api) -> None:
    await _a_call(api)
    for way in (CALLER, "(312) 555-0142"):
        told: dict[str, Any] = (await api.get("/privacy/export", params={"caller": way})).json()
        assert (told["caller"], told["linked"]) == (CALLER, {"ann": 0.9})
        assert [one["id"] for one in told["calls"]] == ["call_1"]
        assert told["events"][0]["fields"]["FromCity"] == "ALBANY"
    nobody = (await api.get("/privacy/export", params={"caller": "+12125550155"})).json()
    assert not any(nobody[name] for name in ("calls", "events", "sessions", "linked"))


async def test_whom_is_said_in_one_way(api: Api) -> None:
    for wanted in (
        {},
        {"visitor": "a", "caller": CALLER},
        {"caller": "12"},
        {"visitor": "a b"},
        {"session": "x" * 200},
    ):
        assert (await api.get("/privacy/export", params=wanted)).status_code == 422
        assert (await api.post("/privacy/erase", wanted)).status_code == 422


async def test_erasing_says_what_went_and_is_noted(api: Api) -> None:
    await _a_call(api)
    would = (await api.post("/privacy/erase", {"visitor": "ann", "dry_run": True})).json()
    assert (would["id"], would["removed"]) == (None, {"sessions": 1, "leases": 1, "calls": 1})
    done = (await api.post("/privacy/erase", {"visitor": "ann"}, headers={"Idempotency-Key": "k"})).json()
    assert done["removed"] == would["removed"]
    his = (await api.post("/privacy/erase", {"caller": CALLER})).json()
    assert his["removed"] == {"calls": 1, "events": 1}
    listed = (await api.get("/privacy/erasures")).json()["data"]
    assert {(one["id"], one["kind"], one["by"]) for one in listed} == {
        (done["id"], "visitor", "admin"),
        (his["id"], "caller", "admin"),
    }
    [kept] = (await api.get("/calls")).json()["data"]
    assert (kept["id"], kept["caller"], kept["duration"], kept["publisher"]) == ("call_1", None, 136, "pub_1")
    async with api.parts.ledger.read() as connection:
        kept_answers = (await connection.execute(schema.idempotency.select())).all()
    assert kept_answers == [], "an answer to it is kept nowhere: its digest would tell a number to who tries all"
