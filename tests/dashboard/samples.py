"""Calls of every kind in the ledger, as the recorder and the carrier's door leave them."""

from typing import Any

from sqlalchemy import insert

from dni.ledger import schema
from dni.parts import Parts
from tests.support.world import DESTINATION, START_MS, TARGET, add, numbers

MINUTE = 60_000
HOUR = 60 * MINUTE
NUMBERS = numbers(8)
STATIC = "+14155550150"
CALLER = "+13125550142"

HOSTILE = {
    "source": "<script>document.title='owned'</script>",
    "medium": '"><img src=x onerror=alert(1)>',
    "campaign_name": "\u202eevil\u202c \u2067right to left\u2069 \u200f",
    "keyword": "=HYPERLINK(1)" + "k" * 10_000,
    "content": "👩🏽‍🔧🔥" * 40,
    "landing_page": "https://shop.example/<b>bold</b>/" + "a" * 600 + "?utm_term=%3Cscript%3E",
    "referrer": "javascript:alert(1)",
}

GOING_ON: dict[str, Any] = {"ended_at_ms": None, "duration_s": None, "talk_s": None}

GOOGLE: dict[str, Any] = {
    "source": "google",
    "medium": "cpc",
    "campaign_name": "spring",
    "keyword": "emergency plumber",
    "channel": "Paid Search",
    "landing_page": "https://shop.example/water-heaters?utm_source=google&utm_medium=cpc",
    "referrer": "https://www.google.com/",
    "click_ids": {"gclid": "Cj0KCQiA-9wBhDvARIsAAnyVMZ0gk_8wcB"},
}


def call(call_id: str, ago_ms: int, **values: Any) -> dict[str, Any]:
    """A call that rang `ago_ms` before the tests' now and was talked for two minutes."""
    at = START_MS - ago_ms
    columns: dict[str, Any] = dict.fromkeys(schema.call.c.keys())
    return {
        **columns,
        "id": call_id,
        "carrier_id": "car_1",
        "provider_id": f"CA{call_id}",
        "status": "completed",
        "started_at_ms": at,
        "answered_at_ms": at + 9_000,
        "ended_at_ms": at + 136_000,
        "duration_s": 136,
        "talk_s": 127,
        "caller": CALLER,
        "tracking_number": NUMBERS[0],
        "destination": DESTINATION,
        "campaign_id": "cmp_1",
        "publisher_id": "pub_1",
        "tag_id": "tag_1",
        "method": "current",
        **values,
    }


def unanswered(status: str, ago_ms: int, seconds: int = 25) -> dict[str, Any]:
    """Columns of a call that nobody took; it rang for `seconds`."""
    ended = START_MS - ago_ms + seconds * 1000
    return {"status": status, "answered_at_ms": None, "ended_at_ms": ended, "duration_s": seconds, "talk_s": 0}


def session(session_id: str, ago_ms: int, **values: Any) -> dict[str, Any]:
    """A session that began `ago_ms` before the tests' now."""
    columns: dict[str, Any] = dict.fromkeys(schema.session.c.keys())
    return {
        **columns,
        "id": session_id,
        "visitor_id": f"visitor-of-{session_id}",
        "tag_id": "tag_1",
        "campaign_id": "cmp_1",
        "publisher_id": "pub_1",
        "started_at_ms": START_MS - ago_ms,
        "last_seen_ms": START_MS - ago_ms + 3 * MINUTE,
        "page_views": 2,
        "consent": "granted",
        **values,
    }


def candidate(session_id: str, confidence: float, why: str) -> dict[str, Any]:
    return {"session": session_id, "confidence": confidence, "why": why}


def lease(session_id: str, ago_ms: int, **values: Any) -> dict[str, Any]:
    columns: dict[str, Any] = dict.fromkeys(schema.lease.c.keys())
    return {
        **columns,
        "session_id": session_id,
        "tag_id": "tag_1",
        "campaign_id": "cmp_1",
        "pool_id": "pool_1",
        "number": NUMBERS[0],
        "target": TARGET,
        "started_at_ms": START_MS - ago_ms,
        "last_sign_ms": START_MS - ago_ms + 2 * MINUTE,
        **values,
    }


def event(call_id: str, ago_ms: int, kind: str, **fields: str) -> dict[str, Any]:
    at = START_MS - ago_ms
    return {
        "id": f"evt_{call_id}_{kind}",
        "call_id": call_id,
        "identity": kind,
        "kind": kind,
        "at_ms": at,
        "received_at_ms": at,
        "fields": {"CallSid": f"CA{call_id}", "From": CALLER, **fields},
    }


async def insert_rows(parts: Parts, table: Any, *rows: dict[str, Any]) -> None:
    async with parts.ledger.write() as connection:
        await connection.execute(insert(table), list(rows))


async def fill(parts: Parts) -> None:
    """Two campaigns; calls of the first in every state, one of the second."""
    await add(parts, pool_size=8)
    await add(parts, pool_size=2, suffix="2", first=100)
    await insert_rows(
        parts,
        schema.session,
        session(
            "s-google-1234567890",
            3 * HOUR,
            **GOOGLE,
            title="Emergency plumber",
            device="phone",
            browser="Mobile Safari",
            os="iOS",
            country="US",
            region="US-IL",
            city="Chicago",
            language="en-US",
            timezone="America/Chicago",
            ids={"ga": "123.456"},
            custom={"variant": "B"},
        ),
        session(
            "s-before-1234567890",
            75 * HOUR,
            visitor_id="visitor-of-s-google-1234567890",
            source="bing",
            medium="organic",
            channel="Organic Search",
        ),
        session(
            "s-evening-123456789",
            20 * HOUR,
            visitor_id="visitor-of-s-google-1234567890",
            source="(direct)",
            medium="(none)",
            channel="Direct",
        ),
        session("s-first-1234567890", 4 * HOUR, source="bing", medium="cpc", device="desktop"),
        session("s-second-123456789", 3 * HOUR + 40 * MINUTE, source="facebook", medium="paid_social"),
        session("s-hostile-1234567890", 9 * HOUR, **HOSTILE, title=HOSTILE["source"]),
        session("s-stranger-123456789", 26 * HOUR, tag_id="tag_2", campaign_id="cmp_2", publisher_id="pub_2"),
    )
    await insert_rows(
        parts,
        schema.lease,
        lease("s-google-1234567890", 3 * HOUR - 800, tapped_at_ms=START_MS - 3 * HOUR + 2 * MINUTE + 1_000),
        lease("s-hostile-1234567890", 9 * HOUR, number=NUMBERS[2]),
    )
    await insert_rows(parts, schema.call, *_calls())
    await insert_rows(
        parts,
        schema.former_attribution,
        {
            "call_id": "call_undecided",
            "until_ms": START_MS - HOUR,
            "session_id": "s-second-123456789",
            "visitor_id": "visitor-of-s-second-123456789",
            "method": "current",
            "confidence": 0.8125,
            "candidates": [candidate("s-second-123456789", 0.8125, "held it now, last seen 6 min ago")],
        },
    )
    ring = 3 * HOUR - 2 * MINUTE - 14_000
    await insert_rows(
        parts,
        schema.call_event,
        event("call_google", ring, "inbound", CallStatus="ringing", FromCity="CHICAGO"),
        event("call_google", ring - 136_000, "completed", CallStatus="completed", CallDuration="136"),
    )


def _calls() -> list[dict[str, Any]]:
    candidates = [
        candidate(
            "s-google-1234567890", 0.9631, "tapped the number 13 s before, held it now, last seen 14 s ago, same state"
        ),
        candidate("s-earlier-123456789", 0.0214, "last seen 2 h ago, another state"),
        candidate("s-visitor-of-may-12", 0.0032, "left 5 h ago"),
    ]
    close = [
        candidate("s-first-1234567890", 0.4412, "left 24 min ago"),
        candidate("s-second-123456789", 0.3876, "held it now, last seen 6 min ago"),
        candidate("s-third-1234567890", 0.0921, "last seen 3 h ago"),
    ]
    return [
        call("call_ringing", 9_000, status="ringing", **GOING_ON, **GOOGLE, answered_at_ms=None),
        call("call_pending", 3 * MINUTE, status="in_progress", **GOING_ON, method=None, tag_id=None),
        call(
            "call_google",
            3 * HOUR - 2 * MINUTE - 14_000,
            **GOOGLE,
            session_id="s-google-1234567890",
            visitor_id="visitor-of-s-google-1234567890",
            candidates=candidates,
            method="tap",
            confidence=0.9631,
        ),
        call(
            "call_undecided",
            3 * HOUR + 30 * MINUTE,
            source="bing",
            medium="cpc",
            channel="Paid Search",
            session_id="s-first-1234567890",
            visitor_id="visitor-of-s-first-1234567890",
            candidates=close,
            method="recent",
            confidence=0.4412,
            caller="+12125550143",
            tracking_number=NUMBERS[4],
        ),
        call(
            "call_unrecorded",
            4 * HOUR,
            **unanswered("no_answer", 4 * HOUR),
            source="facebook",
            medium="paid_social",
            campaign_name="water heaters",
            landing_page="https://shop.example/",
            session_id="s-not-there-yet-1234",
            method="recent",
            tracking_number=NUMBERS[1],
        ),
        call(
            "call_static",
            5 * HOUR,
            source="yelp",
            medium="listing",
            tracking_number=STATIC,
            method="static",
            tag_id=None,
            ended_at_ms=START_MS - HOUR,
            duration_s=4 * 3_600,
            talk_s=4 * 3_600 - 9,
            caller="+441632960123",
        ),
        call(
            "call_withheld",
            6 * HOUR,
            **unanswered("busy", 6 * HOUR, 4),
            caller=None,
            method="none",
            tracking_number=NUMBERS[3],
        ),
        call(
            "call_refused",
            7 * HOUR,
            **unanswered("rejected", 7 * HOUR, 1),
            campaign_id=None,
            publisher_id=None,
            tag_id=None,
            destination=None,
            tracking_number="+14155550177",
            refusal="unknown_number",
            method="none",
        ),
        call(
            "call_hostile",
            8 * HOUR,
            **HOSTILE,
            session_id="s-hostile-1234567890",
            tracking_number=NUMBERS[2],
        ),
        call("call_stranger", 25 * HOUR, campaign_id="cmp_2", publisher_id="pub_2", tag_id="tag_2", source="bing"),
    ]
