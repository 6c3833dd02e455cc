"""A call as a message tells of it, with everything in it: for tests of what is made of messages."""

from typing import Any

import msgspec
from msgspec.structs import replace

from dni.attribution.model import Candidate
from dni.call.views import AttributionView, CallOutcome, CallView
from dni.money import Money
from dni.outbound.model import Action, Message, Outgoing, Type
from dni.outbound.payload import CampaignTold, PublisherTold, VisitTold
from dni.qualification.shown import Qualification

AT_MS = 1_790_000_000_000  # 2026-09-21T13:33:20Z

CALL = CallView(
    id="call_1",
    carrier="car_1",
    provider_id="CA123",
    started_at="2026-09-21T13:30:00.000+00:00",
    answered_at="2026-09-21T13:30:05.500+00:00",
    ended_at="2026-09-21T13:32:05.500+00:00",
    status="completed",
    answered=True,
    duration=126,
    talk_seconds=120,
    caller="+13125550142",
    tracking_number="+14155550123",
    destination="+14155550100",
    campaign="camp_1",
    publisher="pub_1",
    tag="tag_1",
    recording_url="https://media.example.com/r?id=1&sig=a/b",
    refusal=None,
    hung_up_by="caller",
    keys="12",
    attestation="A",
    phone_type="mobile",
    source="google",
    medium="cpc",
    campaign_name="Roof & Gutter",
    keyword="roof repair near me",
    content="ad 1",
    channel="Paid Search",
    landing_page="https://example.com/roof",
    referrer="https://www.google.com/",
    click_ids={"fbclid": "fb.1", "gclid": "Cj0KCQiA-9wBhDvARIsAAnyVMZ0gk"},
    sub1="1027c887059b47bc69c699f45466b9",
    sub2="two",
    sub3=None,
    sub4=None,
    sub5=None,
    outcome=CallOutcome(sale=True, value=Money(99_900, "USD"), lead_status="won", note="roof"),
    payout=Money(1_250, "USD"),
    revenue=Money(2_000, "USD"),
    qualification=Qualification(True, True, "2026-09-21T13:32:06.000+00:00", "terms_1", None, None),
    attribution=AttributionView(
        session="ses_1",
        visitor="vis_1",
        method="pool",
        confidence=0.9712,
        undecided=False,
        candidates=[Candidate("ses_1", 0.9712, "it alone")],
    ),
)

VISIT: dict[str, Any] = msgspec.to_builtins(
    VisitTold(
        session="ses_1",
        visitor="vis_1",
        started_at="2026-09-21T13:20:00.000+00:00",
        page_views=3,
        consent="granted",
        ids={"ga": "1234.5678"},
        custom={"plan": "gold", "seats": 3},
        params={"transaction_id": "T-1"},
        device="mobile",
        browser="Safari",
        os="iOS",
        language="en-US",
        timezone="America/Chicago",
        country="US",
        region="US-IL",
        city="Chicago",
        title="Roofs",
    )
)
_CAMPAIGN = CampaignTold("camp_1", "Roofing", "America/Chicago", "USD", "Acme Roofing")


def message(kind: Type = "call.qualified", *, visit: dict[str, Any] | None = VISIT, **changed: Any) -> Message:
    """`changed`: fields of the call, and `change` of the message."""
    change = changed.pop("change", None)
    data = {
        "call": msgspec.to_builtins(replace(CALL, **changed)),
        "visit": visit,
        "campaign": msgspec.to_builtins(_CAMPAIGN),
        "publisher": msgspec.to_builtins(PublisherTold("pub_1", "Acme Media")),
        "change": change,
    }
    return Message(seq=1, id="msg_1", type=kind, at_ms=AT_MS, subject="call_1", data=data)


def outgoing(told: Message | None = None, action: Action = "convert", attempts: int = 0) -> Outgoing:
    return Outgoing(delivery="del_1", message=told or message(), action=action, attempts=attempts)
