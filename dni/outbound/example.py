"""A made-up call as messages tell of it, and one message of each type: for documents, and for a test where no call has
rung yet. Pure."""

from typing import Any

import msgspec

from dni.attribution.model import Candidate
from dni.call.views import AttributionView, CallView, OutcomeView
from dni.clock import rfc3339
from dni.money import Money
from dni.outbound.model import Message, Type
from dni.outbound.payload import (
    AlertSubject,
    AlertTold,
    CallData,
    CampaignTold,
    CorrectedChange,
    PublisherTold,
    Reattributed,
    VisitTold,
)
from dni.qualification.amounts import Was
from dni.qualification.shown import Qualification, Why

AT_MS = 1_790_000_000_000
"""2026-09-21T14:13:20Z: when it ended."""

_CALL = CallView(
    id="call_01k5pp3v7mb2d9q4w8x6h1n5",
    carrier="car_01k5nn0a1b2c3d4e5f6g7h8j",
    provider_id="CA00000000000000000000000000000001",
    started_at=rfc3339(AT_MS - 131_000),
    answered_at=rfc3339(AT_MS - 123_000),
    ended_at=rfc3339(AT_MS),
    status="completed",
    answered=True,
    duration=131,
    talk_seconds=123,
    caller="+13125550142",
    tracking_number="+14155550123",
    destination="+14155550199",
    campaign="cmp_01k5nm8r2s3t4v5w6x7y8z9a",
    publisher="pub_01k5nm9b1c2d3e4f5g6h7j8k",
    tag="tag_01k5nmb1c2d3e4f5g6h7j8k9",
    recording_url=None,
    refusal=None,
    hung_up_by="caller",
    keys=None,
    attestation="A",
    phone_type="mobile",
    source="google",
    medium="cpc",
    campaign_name="roof-repair-chicago",
    keyword="roof repair near me",
    content=None,
    channel="Paid Search",
    landing_page="https://www.example.com/roof-repair",
    referrer="https://www.google.com/",
    click_ids={"gclid": "EAIaIQobChMIexampleexampleexample"},
    sub1="subid-7",
    sub2=None,
    sub3=None,
    sub4=None,
    sub5=None,
    outcome=None,
    payout=Money(1_250, "USD"),
    revenue=Money(2_000, "USD"),
    qualification=Qualification(
        qualified=True,
        billable=True,
        at=rfc3339(AT_MS + 400),
        terms="trm_01k5nmd3e4f5g6h7j8k9m0n1",
        payout=Why("Base", ""),
        revenue=Why("Base", ""),
    ),
    attribution=AttributionView(
        session="ses_01k5pp1c2d3e4f5g6h7j8k9m",
        visitor="vis_01k5pp1c2d3e4f5g6h7j8k9m",
        method="tap",
        confidence=0.97,
        undecided=False,
        candidates=[Candidate("ses_01k5pp1c2d3e4f5g6h7j8k9m", 0.97, "tapped the number 4 s before", 2_000)],
    ),
)
_VISIT = VisitTold(
    session="ses_01k5pp1c2d3e4f5g6h7j8k9m",
    visitor="vis_01k5pp1c2d3e4f5g6h7j8k9m",
    started_at=rfc3339(AT_MS - 300_000),
    page_views=2,
    consent="granted",
    ids={"ga": "1234567890.1790000000"},
    custom={"plan": "gold"},
    device="mobile",
    browser="Safari",
    os="iOS",
    language="en-US",
    timezone="America/Chicago",
    country="US",
    region="US-IL",
    city="Chicago",
    title="Roof repair in Chicago",
    params={"transaction_id": "1027c887059b47bc"},
)
_CHANGES: dict[Type, Any] = {
    "call.attributed": Reattributed(session=Was(None, _VISIT.session), confidence=Was(0.4, 0.97)),
    "call.corrected": CorrectedChange(
        kind="correction",
        reason="corrected by hand",
        payout=Was(Money(1_250, "USD"), Money(0, "USD")),
        revenue=Was(Money(2_000, "USD"), Money(2_000, "USD")),
        qualified=Was(True, False),
        billable=Was(True, True),
    ),
    "outcome.recorded": OutcomeView(
        id="out_01k5pq0a1b2c3d4e5f6g7h8j",
        call=_CALL.id,
        at=rfc3339(AT_MS + 86_400_000),
        sale=True,
        value=Money(480_000, "USD"),
        lead_status="won",
        note=None,
        by="Front desk",
    ),
}
_SAYS = {
    "tag": "no page of the last hour shows a number; the last one: reverted by the page",
    "pool": "12 visits of the last hour found no free number",
}


def data(kind: Type) -> dict[str, Any]:
    """Of a message of this type."""
    if kind == "statement.closed":
        return {"statement": _STATEMENT}
    if kind in ("tag.alert", "pool.alert"):
        return _alert(kind.partition(".")[0])
    made: dict[str, Any] = msgspec.to_builtins(
        CallData(
            call=_CALL,
            visit=_VISIT,
            campaign=CampaignTold(_CALL.campaign or "", "Roof repair", "America/Chicago", "USD", "Acme Roofing"),
            publisher=PublisherTold(_CALL.publisher or "", "Acme Media"),
            change=None,
            others=[],
        )
    )
    return {**made, "change": msgspec.to_builtins(_CHANGES.get(kind))}


def message(kind: Type, at_ms: int = AT_MS, id_: str = "msg_01k5pp3w0x1y2z3a4b5c6d7e") -> Message:
    return Message(seq=0, id=id_, type=kind, at_ms=at_ms, subject=_CALL.id, data=data(kind))


def _alert(of: str) -> dict[str, Any]:
    alert = AlertTold("alr_01k5pnz0a1b2c3d4e5f6g7h8", "began", _SAYS[of], rfc3339(AT_MS - 3_600_000), None)
    subject = AlertSubject(f"{of}_01k5nmb1c2d3e4f5g6h7j8k9", f"Main {of}", _CALL.campaign)
    made: dict[str, Any] = msgspec.to_builtins({"alert": alert, of: subject})
    return made


_STATEMENT = {
    "id": "sta_01k5q00a1b2c3d4e5f6g7h8j",
    "publisher": _CALL.publisher,
    "publisher_name": "Acme Media",
    "begins_at": "2026-08-01T00:00:00.000+00:00",
    "ends_at": "2026-09-01T00:00:00.000+00:00",
    "timezone": "UTC",
    "period": "August 2026",
    "amount": {"amount": 512_500, "currency": "USD"},
    "calls": 410,
    "closed_at": "2026-09-02T09:00:00.000+00:00",
    "by": "Jo",
}
