"""The `webhooks` of the OpenAPI document: a request for each type of message that is told, made from the structs and
the example that the code has. Pure."""

from typing import Any

import msgspec

from dni.clock import rfc3339
from dni.outbound import example, signing
from dni.outbound.model import TYPES, VERSION, Type
from dni.outbound.payload import (
    AttributedData,
    CallData,
    CorrectedData,
    OutcomeData,
    PoolAlertData,
    TagAlertData,
)
from dni.payout.statements import StatementView


class StatementData(msgspec.Struct):
    statement: StatementView


DATA: dict[Type, type[msgspec.Struct]] = {
    "call.started": CallData,
    "call.completed": CallData,
    "call.attributed": AttributedData,
    "call.qualified": CallData,
    "call.corrected": CorrectedData,
    "outcome.recorded": OutcomeData,
    "statement.closed": StatementData,
    "tag.alert": TagAlertData,
    "pool.alert": PoolAlertData,
    "test": CallData,
}
WHEN: dict[Type, str] = {
    "call.started": "A call rings",
    "call.completed": "A call is over: whoever took it, or did not, hung up; told once of a call",
    "call.attributed": "It is known which visit led to a call, or another answer takes the place of the first",
    "call.qualified": "A call was judged by its campaign's terms for the first time: whether it counts, what it pays",
    "call.corrected": "What a judged call pays or bills changed: by an outcome, a correction, a dispute, other terms",
    "outcome.recorded": "Somebody told what became of a call: a sale, its value, the state of the lead",
    "statement.closed": "A publisher's statement was closed",
    "tag.alert": "A tag does not do what it should, or does so again",
    "pool.alert": "A pool is short of numbers, or is not any more",
    "test": "Somebody pressed the test button: the newest call, or a made-up one",
}
_EXAMPLE_SECRET = signing.secret_of(b"an example, not a secret")


def webhooks(ref: str) -> dict[str, Any]:
    """`ref`: of a schema by its {name}."""
    return {kind: {"post": _told(kind, ref)} for kind in (*TYPES, "test")}


def _told(kind: Type, ref: str) -> dict[str, Any]:
    payload = {
        "type": "object",
        "properties": {
            "type": {"const": kind},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened"},
            "version": {"const": VERSION, "description": "Of the form of `data`"},
            "data": {"$ref": ref.format(name=DATA[kind].__name__)},
        },
        "required": ["type", "timestamp", "version", "data"],
    }
    content = {"schema": payload, "example": example_of(kind)}
    return {
        "operationId": f"told_{kind.replace('.', '_')}",
        "summary": WHEN[kind],
        "description": "Sent by the Standard Webhooks specification. What the webhook's role may not read is null, as "
        "in the API; a webhook with a choice of fields is told these alone. See docs/webhooks.md.",
        "tags": ["webhooks"],
        "security": [],
        "parameters": _headers(kind),
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "It was taken"},
            "default": {"description": "It was not taken, and is sent again for three days: so is what gets no answer"},
        },
    }


def example_of(kind: Type) -> dict[str, Any]:
    """A payload as the code makes it."""
    told = example.message(kind)
    return {"type": kind, "timestamp": rfc3339(told.at_ms), "version": VERSION, "data": told.data}


def _headers(kind: Type) -> list[dict[str, Any]]:
    told = example.message(kind)
    body = msgspec.json.encode(example_of(kind))
    signed = signing.headers([_EXAMPLE_SECRET], told.id, told.at_ms // 1000, body)
    says = {
        "webhook-id": "Of the message: the same however often it is sent, to know a repetition by",
        "webhook-timestamp": "Of this try, in seconds since 1970: what is older than five minutes is a replay",
        "webhook-signature": "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; after a rotation one for each "
        "secret that holds, separated by a blank",
    }
    return [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": says[name],
            "schema": {"type": "string"},
            "example": value,
        }
        for name, value in signed.items()
    ]
