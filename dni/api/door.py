"""The way of a request through the admin API: who asks, what exactly, in one transaction, and the answer's form."""

import asyncio
import re
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dni.access.authenticate import principal
from dni.api import idempotency, query
from dni.api.accept import form_of
from dni.api.idempotency import Stored
from dni.api.model import Ask, Operation
from dni.api.table import csv_of
from dni.api.write import write
from dni.errors import DniError, InvalidField, MethodNotAllowed, NotFound
from dni.metrics import REFUSALS
from dni.parts import Parts
from dni.web import body
from dni.web.base_url import base_url
from dni.web.problem import problem

# Every id that we make, those of browsers too. What has another form is nobody's id, and never reaches the ledger.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
# A body above this is decoded beside the event loop: 100,000 numbers take a tenth of a second or more.
_LARGE = 100_000
_NO_STORE = {"Cache-Control": "no-store"}


class Door:
    """ASGI: one address with all its operations."""

    def __init__(self, parts: Parts, operations: list[Operation]) -> None:
        self._parts = parts
        self._by_method: dict[str, Operation] = {operation.method: operation for operation in operations}
        self._decoders = {o.method: msgspec.json.Decoder(o.body) for o in operations if o.body is not None}
        methods: set[str] = {*self._by_method, *(("HEAD",) if "GET" in self._by_method else ())}
        self._allow = ", ".join(sorted(methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(scope, receive)
        except DniError as error:
            REFUSALS.labels("api", error.code).inc()
            response = problem(error)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        operation = self._by_method.get(method)
        if operation is None:
            raise MethodNotAllowed(self._allow)
        headers = Headers(scope=scope)
        who = await principal(self._parts, headers)
        operation.check(who)
        form = form_of(headers.get("accept"), operation)
        wanted = scope["path_params"].get("id", "")
        if "id" in scope["path_params"] and not _ID.fullmatch(wanted):
            raise NotFound(f"there is no {operation.room[:-1]} with this id")
        raw = await body.read(scope, receive, operation.body_limit) if operation.body is not None else b""
        ask = Ask(
            ledger=self._parts.ledger,
            live=self._parts.live,
            keys=self._parts.keys,
            principal=who,
            now_ms=self._parts.clock.now_ms(),
            base_url=base_url(scope, headers, self._parts.settings),
            allowed=self._parts.settings.outbound_allow,
            id=wanted,
            query=query.read(scope["query_string"], operation.query),
            body=await self._decode(operation, headers, raw) if operation.body is not None else None,
        )
        if operation.workflow:
            return _json(await operation.run(self._parts, ask))
        if operation.writes:
            return await self._write(operation, ask, scope["path"], raw, headers.get("idempotency-key"))
        value = await operation.run(ask)
        return _list(operation, form, ask.query, *value) if operation.is_list else _json(value)

    async def _write(self, operation: Operation, ask: Ask, path: str, raw: bytes, header: str | None) -> Response:
        key = idempotency.key_of(header) if operation.method == "POST" else None
        request = idempotency.digest(operation.method, path, raw) if key is not None else b""
        value = await write(self._parts, operation, ask, key, request)
        if isinstance(value, Stored):
            return _replayed(value)
        if operation.answer is None:
            return Response(status_code=operation.status, headers=_NO_STORE)
        location = {"Location": f"{path}/{value.id}"} if operation.status == 201 else {}
        return _json(value, operation.status, location)

    async def _decode(self, operation: Operation, headers: Headers, raw: bytes) -> Any:
        if headers.get("content-type", "").partition(";")[0].strip().lower() in operation.raw:
            return raw
        if b"\\u0000" in raw:
            raise InvalidField("", "no NUL characters (\\u0000), anywhere")
        decoder = self._decoders[operation.method]
        if len(raw) < _LARGE:
            return body.decode(decoder, raw)
        return await asyncio.to_thread(body.decode, decoder, raw)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    encoded = msgspec.json.encode(value)
    return Response(encoded, status, headers={**_NO_STORE, **(headers or {})}, media_type="application/json")


def _list(operation: Operation, form: str, asked: Any, views: list[Any], after: str | None) -> Response:
    if form == "text/csv":
        headers = {**_NO_STORE, **({"DNI-Next": after} if after else {})}
        text = operation.csv(asked, views) if operation.csv else csv_of(operation.answer, views)
        return Response(text, headers=headers, media_type="text/csv")
    return _json({"data": views, "next": after})


def _replayed(stored: Stored) -> Response:
    headers = {**_NO_STORE, "Idempotent-Replayed": "true"}
    return Response(stored.body, stored.status, headers=headers, media_type="application/json")
