from typing import Any

import pytest

from dni.ledger import schema
from tests.api.conftest import Api

SECOND = 1000
DAY = 86_400_000
START = 1_800_000_000_000  # 2027-01-15T08:00:00Z

CALL_FIELDS = {
    *("id", "carrier", "provider_id", "started_at", "answered_at", "ended_at", "status", "answered", "duration"),
    *("talk_seconds", "caller", "tracking_number", "destination", "campaign", "publisher", "tag", "recording_url"),
    *("source", "medium", "campaign_name", "keyword", "content", "channel", "landing_page", "referrer"),
    *("click_ids", "attribution"),
}


async def _calls(api: Api, *rows: dict[str, Any]) -> None:
    async with api.parts.ledger.write() as connection:
        for n, row in enumerate(rows):
            usual = {"id": f"call_{n}", "carrier_id": "car_1", "provider_id": f"CA{n}", "status": "completed"}
            ring = {"started_at_ms": START + n * SECOND, "tracking_number": "+14155550101"}
            await connection.execute(schema.call.insert().values(**{**usual, **ring, **row}))


async def _found(api: Api, query: str) -> list[str]:
    answer = await api.get(f"/calls?{query}")
    assert answer.status_code == 200, answer.text
    return [call["id"] for call in answer.json()["data"]]


async def test_a_call_is_the_contracts_object(api: Api) -> None:
    await _calls(
        api,
        {
            "answered_at_ms": START + 5 * SECOND,
            "ended_at_ms": START + 65 * SECOND,
            "duration_s": 65,
            "talk_s": 60,
            "caller": "+12125550101",
            "destination": "+14155550100",
            "source": "google",
            "click_ids": {"gclid": "x"},
            "session_id": "ses",
            "visitor_id": "vis",
            "method": "lease",
            "candidates": [{"session": "ses", "confidence": None, "why": "held the number"}],
        },
    )
    call = (await api.get("/calls/call_0")).json()
    assert set(call) >= CALL_FIELDS
    assert (call["started_at"], call["answered_at"]) == (
        "2027-01-15T08:00:00.000+00:00",
        "2027-01-15T08:00:05.000+00:00",
    )
    assert (call["answered"], call["duration"], call["talk_seconds"]) == (True, 65, 60)
    assert call["attribution"] == {
        "session": "ses",
        "visitor": "vis",
        "method": "lease",
        "confidence": None,
        "undecided": False,
        "candidates": [{"session": "ses", "confidence": None, "why": "held the number", "gone_ms": None}],
    }
    assert call["click_ids"] == {"gclid": "x"}


async def test_a_call_of_which_nothing_is_known_yet(api: Api) -> None:
    await _calls(api, {"tracking_number": ""})
    call = (await api.get("/calls/call_0")).json()
    assert call["answered"] is False
    assert call["tracking_number"] is None
    assert call["attribution"]["method"] is None
    assert call["attribution"]["candidates"] == []


async def test_calls_are_read_newest_first_also_those_of_one_instant(api: Api) -> None:
    await _calls(api, *({"started_at_ms": START + (n // 3) * SECOND} for n in range(10)))
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.get(f"/calls?limit=4&cursor={cursor}")).json()
        found += [call["id"] for call in page["data"]]
        cursor = page["next"]
    assert found == [f"call_{n}" for n in reversed(range(10))]


FILTERED = [
    ("source=google", ["call_2", "call_0"]),
    ("source=GOOGLE", ["call_2", "call_0"]),
    ("source=goog", []),
    ("medium=cpc&source=google", ["call_0"]),
    ("keyword=emergency%20plumber", ["call_0"]),
    ("campaign=cmp_1", ["call_1"]),
    ("publisher=pub_1", ["call_1"]),
    ("tag=tag_1", ["call_1"]),
    ("status=busy", ["call_1"]),
    ("min_confidence=0.5", ["call_2"]),
    ("qualified=true", []),
    ("qualified=false", ["call_2", "call_1", "call_0"]),
    ("from=2027-01-15T08:00:01Z", ["call_2", "call_1"]),
    ("from=2027-01-15T10:00:01%2B02:00&to=2027-01-15T08:00:02Z", ["call_1"]),
    ("q=plumb", ["call_0"]),
    ("q=(212)%20555-0101", ["call_2"]),
    ("q=ca1", ["call_1"]),
    ("q=%25", []),
    ("source=", ["call_2", "call_1", "call_0"]),
]


async def test_calls_are_filtered(api: Api) -> None:
    await _calls(
        api,
        {"source": "google", "medium": "cpc", "keyword": "Emergency Plumber"},
        {"source": "bing", "campaign_id": "cmp_1", "publisher_id": "pub_1", "tag_id": "tag_1", "status": "busy"},
        {"source": "Google", "confidence": 0.5, "caller": "+12125550101"},
    )
    for query, found in FILTERED:
        assert (query, await _found(api, query)) == (query, found)


async def test_what_a_carrier_told_is_read_in_its_own_order(api: Api) -> None:
    await _calls(api, {})
    rows = [
        {"id": f"evt_{n}", "identity": str(n), "kind": "progress", "at_ms": START - n, "fields": {"N": str(n)}}
        for n in range(3)
    ]
    async with api.parts.ledger.write() as connection:
        shared = {"call_id": "call_0", "received_at_ms": START}
        await connection.execute(schema.call_event.insert(), [{**row, **shared} for row in rows])
    events = (await api.get("/calls/call_0/events")).json()
    assert [event["fields"]["N"] for event in events["data"]] == ["2", "1", "0"]
    assert events["next"] is None
    assert (await api.get("/calls/call_9/events")).status_code == 404


async def test_a_session_tells_its_leases(api: Api) -> None:
    session = {"id": "ses", "visitor_id": "vis", "tag_id": "tag", "campaign_id": "cmp", "consent": "granted"}
    times = {"started_at_ms": START, "last_seen_ms": START + SECOND, "page_views": 2}
    lease = {"session_id": "ses", "tag_id": "tag", "campaign_id": "cmp", "pool_id": "pol", "last_sign_ms": START}
    where = {"number": "+14155550101", "target": "+14155550100", "started_at_ms": START}
    async with api.parts.ledger.write() as connection:
        told = {"ids": {"ga": "1.2"}, "custom": {"plan": 3}, "source": "google", "region": "US-CA", "screen": "390x844"}
        await connection.execute(schema.session.insert().values(**session, **times, **told))
        await connection.execute(schema.lease.insert().values(**lease, **where))
    for view in ((await api.get("/sessions/ses")).json(), (await api.get("/sessions?visitor=vis")).json()["data"][0]):
        assert (view["source"], view["region"], view["ids"], view["custom"]) == (
            "google",
            "US-CA",
            {"ga": "1.2"},
            {"plan": 3},
        )
        assert (view["screen"], view["language"], view["timezone"]) == ("390x844", None, None)
        assert view["last_seen_at"] == "2027-01-15T08:00:01.000+00:00"
        (found,) = view["leases"]
        assert (found["number"], found["target"], found["ended_at"]) == ("+14155550101", "+14155550100", None)
    assert (await api.get("/sessions?visitor=other")).json()["data"] == []
    assert "number" in (await api.get("/sessions", headers={"Accept": "text/csv"})).text


async def test_rare_sessions_among_many_are_all_found_a_bounded_look_at_a_time(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dni.session.search._LOOKED_AT", 4)
    usual = {"visitor_id": "vis", "tag_id": "tag", "campaign_id": "cmp", "consent": "granted", "page_views": 1}
    async with api.parts.ledger.write() as connection:
        for n in range(20):
            word = {"keyword": "Rare" if n in (0, 7, 8, 19) else "usual"}
            times = {"started_at_ms": START + n // 2 * SECOND, "last_seen_ms": START + n * SECOND}
            await connection.execute(schema.session.insert().values(id=f"ses{n:02}", **usual, **times, **word))
    found, pages = [], 0
    cursor: str | None = ""
    while cursor is not None:
        answer = (await api.get(f"/sessions?keyword=rare&limit=3&cursor={cursor}")).json()
        found += [one["id"] for one in answer["data"]]
        cursor, pages = answer["next"], pages + 1
    assert found == ["ses19", "ses08", "ses07", "ses00"]
    assert 3 < pages < 10
