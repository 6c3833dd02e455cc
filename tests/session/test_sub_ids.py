"""A publisher's sub-ids go from its link to the visit, to the call and to reports."""

import csv
import io
from typing import Any
from urllib.parse import urlencode

from dni.access.model import Principal
from dni.api.table import csv_of
from dni.call.search import CallFilter, call_touches, list_calls
from dni.call.views import CallView
from dni.ledger.schema import SUBS
from dni.parts import Parts
from dni.report.attribution import attribution
from dni.report.model import ReportFilter
from tests.session.test_late_click import call, session_of
from tests.support.carrier import advance, visit
from tests.support.world import ORIGIN, START_MS, add

ADMIN = Principal("tok", "", "admin")
HOSTILE = {
    "sub1": "Aff-7",
    "sub2": "<script>alert(1)</script>",
    "sub3": "=HYPERLINK(1)\u202e\x00",
    "sub4": "s" * 5_000,
    "sub5": "{}'; DROP TABLE call;--",
    "sub6": "nobody's",
}
KEPT = {**HOSTILE, "sub3": "=HYPERLINK(1)", "sub4": "s" * 256}
del KEPT["sub6"]


def page(seq: int, **query: str) -> dict[str, Any]:
    return {"page": {"id": f"page{seq}", "seq": 1, "url": f"{ORIGIN}/?{urlencode(query)}"}, "referrer": None}


async def test_sub_ids_go_from_the_link_to_the_call_and_the_report(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **page(1, **HOSTILE, utm_source="partner"))
    advance(parts, 5_000)
    known = {"session": seen["session"], "visitor": seen["visitor"]}
    again = await visit(parts, **page(2, sub1="of a later page", sub3="new"), **known)
    assert again["session"] == seen["session"]
    advance(parts, 5_000)
    rung = await call(parts, seen["number"], "1")  # nothing is recorded yet: all that is known is in Redis
    assert {name: rung["params"].get(name) for name in ("sub1", "sub2", "sub5")} == {
        name: HOSTILE[name] for name in ("sub1", "sub2", "sub5")
    }
    session = await session_of(parts)
    assert session["params"] == KEPT
    now_ms = parts.clock.now_ms() + 1
    [row] = await attribution(
        parts.ledger, ADMIN, ReportFilter(from_ms=START_MS, to_ms=now_ms, sub5=KEPT["sub5"]), SUBS[:3], "linear", 10
    )
    assert (row.sub1, row.sub2, row.sub3, row.sessions, row.calls) == ("Aff-7", KEPT["sub2"], KEPT["sub3"], 1, 1.0)


async def test_calls_are_found_by_sub_id_and_written_for_a_spreadsheet(parts: Parts) -> None:
    await add(parts)
    seen = await visit(parts, **page(1, sub1="Aff-7", sub3="=HYPERLINK(1)"))
    rung = await call(parts, seen["number"], "1")
    for only, found in (
        (CallFilter(sub1="aff-7"), 1),
        (CallFilter(sub1="aff-7", exact=("sub1",)), 0),
        (CallFilter(sub1="Aff-7", exact=("sub1",)), 1),
        (CallFilter(sub1="aff"), 0),
        (CallFilter(sub2="Aff-7"), 0),
        (CallFilter(unset=("sub2",)), 1),
        (CallFilter(unset=("sub1",)), 0),
        (CallFilter(sub1="' OR 1=1 --"), 0),
    ):
        calls, _ = await list_calls(parts.ledger, ADMIN, only, 10)
        assert (only, len(calls)) == (only, found)
    [view], _ = await list_calls(parts.ledger, ADMIN, CallFilter(), 10)
    assert (view.sub1, view.sub2) == ("Aff-7", None)
    [line] = csv.DictReader(io.StringIO(csv_of(CallView, [view])))
    assert (line["sub1"], line["sub2"], line["sub3"]) == ("Aff-7", "", "'=HYPERLINK(1)")
    await session_of(parts)
    [touch] = await call_touches(parts.ledger, ADMIN, rung["id"])
    assert touch.sub1 == "Aff-7"
