"""A call's message as endpoints get it: a visitor of a Google ad called, talked, and the call counts."""

from typing import Any

from dni.outbound.model import Action, Message, Outgoing, Type

GCLID = "Cj0KCQiA-9wBhDvARIsAAnyVMZ0gk_8wcB"
AT_MS = 1_796_050_800_000  # 2026-11-30T15:00:00Z: the first ring


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


CALL: dict[str, Any] = {
    "id": "call_1",
    "carrier": "car_1",
    "provider_id": "CA1",
    "started_at": "2026-11-30T15:00:00.000+00:00",
    "answered_at": "2026-11-30T15:00:10.000+00:00",
    "ended_at": "2026-11-30T15:03:10.000+00:00",
    "status": "completed",
    "answered": True,
    "duration": 190,
    "talk_seconds": 180,
    "caller": "+13125550142",
    "tracking_number": "+13125550101",
    "destination": "+13125550199",
    "campaign": "cam_1",
    "publisher": "pub_1",
    "tag": "tag_1",
    "source": "google",
    "medium": "cpc",
    "campaign_name": "roofing",
    "keyword": "roof repair",
    "landing_page": "https://example.com/roofs",
    "click_ids": {"gclid": GCLID},
    "outcome": None,
    "payout": usd(3000),
    "revenue": usd(4500),
    "qualification": {"qualified": True, "at": "2026-11-30T15:03:11.000+00:00", "terms": "trm_1"},
    "attribution": {"session": "ses_1", "visitor": "vis_1", "method": "pool", "confidence": 0.97, "candidates": []},
}
VISIT: dict[str, Any] = {
    "session": "ses_1",
    "visitor": "vis_1",
    "started_at": "2026-11-30T14:55:00.000+00:00",
    "page_views": 2,
    "consent": "granted",
    "ids": {"ga": "1194.1796050", "_gcl_au": "1.1.5.6"},
    "custom": {},
    "device": "mobile",
    "country": "US",
}
CAMPAIGN: dict[str, Any] = {
    "id": "cam_1",
    "name": "Roofs",
    "timezone": "America/Chicago",
    "currency": "USD",
    "advertiser": None,
}


def outgoing(
    change: dict[str, Any] | None = None,
    visit: dict[str, Any] | None = VISIT,
    campaign: dict[str, Any] | None = CAMPAIGN,
    *,
    kind: Type = "call.qualified",
    at_ms: int = AT_MS + 191_000,
    action: Action = "convert",
    delivery: str = "del_1",
    attempts: int = 0,
    former: dict[str, Any] | None = None,
    **call: Any,
) -> Outgoing:
    """Of the call above with what `call` names in its place."""
    data: dict[str, Any] = {
        "call": CALL | call,
        "visit": visit,
        "campaign": campaign,
        "publisher": None,
        "change": change,
    }
    message = Message(seq=1, id="msg_1", type=kind, at_ms=at_ms, subject=data["call"]["id"], data=data)
    return Outgoing(delivery=delivery, message=message, action=action, attempts=attempts, former=former)
