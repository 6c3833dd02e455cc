"""Integrations in every state, and what was sent to them, as the deliverer leaves it."""

from typing import Any

import msgspec

from dni.ids import first_id
from dni.ledger import schema
from dni.outbound import signing
from dni.parts import Parts
from tests.dashboard.samples import CALLER, HOUR, MINUTE, insert_rows
from tests.support.world import START_MS

SECRET = signing.secret_of(b"s" * 24)
# Beside what calls of other samples say of themselves.
_FIRST = 1_000_000
WHY = "it answered 503"
AGO = {
    **{n: 5 * HOUR - n * MINUTE for n in range(1, 5)},
    5: 4 * HOUR,
    6: 2 * HOUR,
    7: 80 * HOUR,
    8: 79 * HOUR,
    9: 3 * HOUR,
    10: 2 * HOUR,
    11: 2 * HOUR,
}
ANSWER = '{"error":"down for maintenance","until":"09:00"}'


def dlv(number: int, ago_ms: int | None = None) -> str:
    """The id of a delivery, which holds when it was made; of those of `fill` by their number alone."""
    return f"{first_id('dlv', START_MS - (AGO[number] if ago_ms is None else ago_ms))}{number:012}"


def endpoint(name: str, label: str, **values: Any) -> dict[str, Any]:
    return {
        "id": f"end_{name}",
        "kind": "webhook",
        "name": label,
        "campaign_id": None,
        "publisher_id": None,
        "types": ["call.completed", "call.qualified", "outcome.recorded"],
        "only": {},
        "settings": {"url": f"https://{name}.example/calls", "fields": None, "role": "staff"},
        "secrets": {"secret": SECRET},
        "paused": False,
        "created_at_ms": START_MS - 40 * 24 * HOUR,
        **values,
    }


def health(name: str, **values: Any) -> dict[str, Any]:
    blank = dict.fromkeys(("failing_since_ms", "not_before_ms", "delivered_ms", "failed_ms", "why"))
    return {"endpoint_id": f"end_{name}", "failures": 0, **blank, **values}


def message(seq: int, kind: str, call: str, ago_ms: int) -> dict[str, Any]:
    told = {"call": {"id": call, "caller": CALLER, "status": "completed", "talk_seconds": 127, "source": "google"}}
    return {
        "seq": _FIRST + seq,
        "id": f"msg_{seq:06}",
        "type": kind,
        "at_ms": START_MS - ago_ms,
        "subject_id": call,
        "detail": None,
        "made_ms": START_MS - ago_ms + 200,
        "campaign_id": "cmp_1",
        "publisher_id": "pub_1",
        "data": msgspec.json.encode(
            {**told, "visit": None, "campaign": None, "publisher": None, "change": None}
        ).decode(),
    }


def delivery(number: int, name: str, seq: int, call: str, state: str, ago_ms: int, **values: Any) -> dict[str, Any]:
    at_ms = START_MS - ago_ms
    sent = {
        "method": "POST",
        "url": f"https://{name}.example/calls",
        "body": f'{{"type":"call.qualified","id":"{call}"}}',
    }
    return {
        "id": dlv(number, ago_ms),
        "endpoint_id": f"end_{name}",
        "message_seq": _FIRST + seq,
        "subject_id": call,
        "action": "tell",
        "state": state,
        "at_ms": at_ms,
        "due_ms": at_ms,
        "attempts": 1,
        "lease": None,
        "leased_until_ms": None,
        "done_ms": None if state == "waiting" else at_ms + 300,
        "why": None,
        "request": sent,
        "kept": None,
        **values,
    }


def attempt(number: int, of: int, ago_ms: int, result: str, **values: Any) -> dict[str, Any]:
    return {
        "id": f"att_{number:06}",
        "delivery_id": dlv(of),
        "at_ms": START_MS - ago_ms,
        "took_ms": 184,
        "result": result,
        "status": 200,
        "why": None,
        "answer": None,
        **values,
    }


async def fill(parts: Parts) -> None:
    """Needs the calls of `samples.fill`."""
    failing = {"failures": 9, "failing_since_ms": START_MS - 3 * HOUR, "not_before_ms": START_MS + 2 * MINUTE}
    at = {"delivered_ms": START_MS - 4 * MINUTE}
    await insert_rows(
        parts,
        schema.endpoint,
        endpoint("new", "Data warehouse", created_at_ms=START_MS - MINUTE),
        endpoint("ok", "Office CRM", campaign_id="cmp_1", only={"qualified": True, "min_talk_seconds": 60}),
        endpoint("fails", "Call centre <b>bold</b> with a very long name that goes on and on", publisher_id="pub_1"),
        endpoint("rests", "Bookkeeping", paused=True),
    )
    await insert_rows(
        parts,
        schema.endpoint_health,
        health("ok", **at),
        health("fails", **failing, failed_ms=START_MS - 3 * MINUTE, why=WHY),
        health("rests", delivered_ms=START_MS - 30 * HOUR),
    )
    calls = ("call_google", "call_static", "call_undecided", "call_hostile", "call_withheld")
    await insert_rows(
        parts,
        schema.outbox,
        *(message(n, "call.qualified", call, 5 * HOUR - n * MINUTE) for n, call in enumerate(calls, 1)),
        message(6, "outcome.recorded", "call_google", 2 * HOUR),
    )
    down = {"status": 503, "why": WHY, "answer": ANSWER}
    await insert_rows(
        parts,
        schema.delivery,
        *(delivery(n, "ok", n, call, "delivered", AGO[n]) for n, call in enumerate(calls[:4], 1)),
        delivery(
            5, "ok", 5, calls[4], "skipped", AGO[5], attempts=0, request=None, why="the caller withheld the number"
        ),
        delivery(6, "ok", 6, calls[0], "delivered", AGO[6], attempts=3),
        delivery(7, "fails", 1, calls[0], "dead", AGO[7], attempts=24, why=WHY),
        delivery(8, "fails", 4, calls[3], "dead", AGO[8], attempts=24, why="x" * 600),
        delivery(9, "fails", 2, calls[1], "waiting", AGO[9], attempts=5, due_ms=START_MS + 2 * MINUTE, why=WHY),
        delivery(10, "fails", 6, calls[0], "waiting", AGO[10], attempts=0, request=None),
        delivery(11, "rests", 1, calls[0], "waiting", AGO[11], attempts=0, request=None),
    )
    await insert_rows(
        parts,
        schema.delivery_attempt,
        attempt(1, 6, 2 * HOUR, "again", **down),
        attempt(
            2, 6, 2 * HOUR - MINUTE, "again", status=None, why="no connection: the host was not found", took_ms=15_000
        ),
        attempt(3, 6, 2 * HOUR - 5 * MINUTE, "delivered", answer='{"ok":true}'),
        attempt(4, 9, 3 * HOUR, "again", **down),
        attempt(
            5, 7, 80 * HOUR, "again", status=302, why="it redirects (302) to http://127.0.0.1/, which is not followed"
        ),
        attempt(6, 7, 9 * HOUR, "dead", **down),
    )
