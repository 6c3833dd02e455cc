"""The OpenAPI 3.1 document, made from the table of operations and the structs that they take and give. Pure."""

from typing import Any

import msgspec

from dni import __version__
from dni.api.model import Operation, Problem
from dni.api.openapi_webhooks import DATA, webhooks
from dni.api.operations import OPERATIONS, PREFIX
from dni.errors import (
    BadBody,
    BodyTooLarge,
    Conflict,
    DniError,
    Forbidden,
    InvalidField,
    NotAcceptable,
    NotFound,
    NotSignedIn,
    Unavailable,
)

_REF = "#/components/schemas/{name}"
_REASON = {"DNI-Reason": {"description": "The reason code, as `code` in the body", "schema": {"type": "string"}}}
_ID = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"}


def document() -> dict[str, Any]:
    """As plain JSON values."""
    types = {kind for o in OPERATIONS for kind in (o.answer, o.body, o.query, *o.within) if kind is not None}
    types |= {Problem, *DATA.values()}
    ordered = sorted(types, key=lambda kind: str(kind.__name__))
    _, components = msgspec.json.schema_components(ordered, ref_template=_REF)
    queries = {o.query.__name__ for o in OPERATIONS}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        parameters = components[operation.query.__name__]["properties"]
        described = _operation(operation, parameters)
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = described
    made = {
        "openapi": "3.1.0",
        "info": {
            "title": "dni admin API",
            "version": __version__,
            "description": "Campaigns, publishers, pools, numbers, tags and carriers; calls and sessions. "
            "See docs/api.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": room} for room in dict.fromkeys(o.room for o in OPERATIONS)],
        "paths": paths,
        "webhooks": webhooks(_REF),
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
        },
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))  # defaults may be tuples
    return plain


def _operation(operation: Operation, queries: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": _who(operation),
        "tags": [operation.room],
        "parameters": _parameters(operation, queries),
        "responses": {str(operation.status): _success(operation), **_refusals(operation)},
    }
    if operation.body is not None:
        content: dict[str, Any] = {"application/json": {"schema": _ref(operation.body)}}
        content |= {kind: {"schema": {"type": "string"}} for kind in operation.raw}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _who(operation: Operation) -> str:
    return {
        "read": "Any role, within its walls.",
        "tell": "Any role but publishers, within its walls.",
        "dispute": "Publishers and advertisers within their walls, admins, and marketers without walls.",
        "weigh": "Admins, and marketers without a publisher's walls.",
        "connect": "Admins, and marketers without walls.",
        "write": "Admins, and marketers without walls.",
        "administer": "Admins only.",
    }[operation.access]


def _parameters(operation: Operation, queries: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if "{id}" in operation.path:
        found.append({"name": "id", "in": "path", "required": True, "schema": _ID})
    found += [{"name": n, "in": "query", "required": False, "schema": _not_null(s)} for n, s in queries.items()]
    if operation.method == "POST" and not operation.workflow:
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
        why = "A retry with the same key and body within a day gets the first answer and creates nothing."
        found.append({"name": "Idempotency-Key", "in": "header", "description": why, "schema": key})
    return found


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is left out, it is never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else {k: v for k, v in schema.items() if v is not None}


def _success(operation: Operation) -> dict[str, Any]:
    if operation.answer is None:
        return {"description": "Done"}
    if not operation.is_list:
        answer: dict[str, Any] = {
            "description": "Created" if operation.status == 201 else "Found",
            "content": {"application/json": {"schema": _ref(operation.answer)}},
        }
        if operation.status == 201:
            answer["headers"] = {
                "Location": {"description": "Its address; not in a repeated answer", "schema": {"type": "string"}},
                "Idempotent-Replayed": {
                    "description": "`true` when the Idempotency-Key was seen before",
                    "schema": {"type": "string"},
                },
            }
        return answer
    page = {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": _ref(operation.answer)},
            "next": {"type": ["string", "null"], "description": "`cursor` of the next page"},
        },
        "required": ["data", "next"],
    }
    return {
        "description": "A page",
        "headers": {"DNI-Next": {"description": "`next`, where the form is CSV", "schema": {"type": "string"}}},
        "content": {"application/json": {"schema": page}, "text/csv": {"schema": {"type": "string"}}},
    }


def _refusals(operation: Operation) -> dict[str, Any]:
    kinds: list[type[DniError]] = [NotSignedIn, Forbidden, InvalidField, Unavailable]
    if "{id}" in operation.path or operation.access in ("tell", "dispute"):
        kinds.append(NotFound)
    if operation.answer is not None:
        kinds.append(NotAcceptable)
    if operation.body is not None:
        kinds += [BadBody, BodyTooLarge]
    if operation.writes:
        kinds.append(Conflict)
    return {
        str(kind.status): {
            "description": kind.title,
            "headers": _REASON,
            "content": {"application/problem+json": {"schema": _ref(Problem)}},
        }
        for kind in sorted(kinds, key=lambda kind: kind.status)
    }


def _ref(kind: Any) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}
