"""A call's message as endpoints get it: a visitor of a Google ad called, talked, and the call counts."""

from typing import Any

from hypothesis import strategies as st

from dni.clock import rfc3339
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


def odd_calls() -> st.SearchStrategy[dict[str, Any]]:
    """Fields of a call, and `visit`, `campaign`, `former`: of a kind that can be, but for one that may be anything."""
    sums = st.builds(lambda amount, unit: {"amount": amount, "currency": unit}, _AMOUNTS, st.sampled_from(_UNITS))
    times = st.integers(AT_MS - 200 * 86_400_000, AT_MS + 200 * 86_400_000).map(rfc3339)
    can_be = st.fixed_dictionaries(
        {},
        optional={
            "started_at": times,
            "caller": st.none() | st.from_regex(r"\+[1-9][0-9]{3,16}", fullmatch=True),
            "source": st.sampled_from(["google", "bing", None]),
            "click_ids": st.dictionaries(st.sampled_from(_CLICKS), st.text(max_size=30) | st.just(GCLID)),
            "outcome": st.none() | st.builds(lambda value: {"sale": True, "value": value}, sums),
            "payout": st.none() | sums,
            "revenue": st.none() | sums,
            "qualification": st.none() | st.builds(lambda counts: {"qualified": counts}, st.booleans()),
            "attribution": st.just(CALL["attribution"] | {"method": "static", "confidence": None}),
            "visit": st.none() | st.builds(lambda at: VISIT | {"started_at": at}, times),
            "campaign": st.none() | st.just(CAMPAIGN | {"currency": "EUR"}),
            "former": st.fixed_dictionaries(
                {"via": st.sampled_from(["click", "click", "call"]), "action": st.just("111")},
                optional=dict.fromkeys(_KEPT, _anything()),
            ),
        },
    )
    odd = st.dictionaries(st.sampled_from(_FIELDS), _anything(), max_size=1)
    return st.builds(lambda fields, other: fields | other, can_be, odd)


def _anything() -> st.SearchStrategy[Any]:
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(_TEXTS)
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=3),
        max_leaves=5,
    )


_AMOUNTS = st.integers(-1000, 10**9) | st.integers()
_FIELDS = (
    *("id", "started_at", "caller", "source", "click_ids", "outcome", "payout", "revenue", "qualification"),
    *("attribution", "visit", "campaign", "former"),
)
_NAMES = ("started_at", "consent", "ids", "session", "method", "confidence", "amount", "currency", "qualified", "gclid")
_TEXTS = (GCLID, "USD", "static", "granted", "call_2", "2026-11-30T15:00:00+00:00", "9999-12-31T23:59:59-12:00")
_UNITS = ("USD", "JPY", "KWD", "usd", "XXX")
_CLICKS = ("gclid", "gbraid", "wbraid", "msclkid", "fbclid", "ttclid")
_KEPT = ("value", "currency", "qualified", "retracted", "tried", "by", "changed_ms")
