"""The carrier's door: `/voice/{carrier}/{account}/inbound` and `/status`. It checks and translates, no rule is here."""

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from dni.call.journal import Journal
from dni.call.progress import progress
from dni.call.receive import receive
from dni.call.refusals import Refusal, Refusals
from dni.call.step import step
from dni.catalog.model import Carrier
from dni.errors import DniError, Forbidden, MethodNotAllowed, NotFound, Unavailable
from dni.metrics import CALL_ANSWER_S, REFUSALS
from dni.parts import Parts
from dni.routing.decision import Urls, whispered
from dni.routing.plan import PLACE_MAX, unpacked
from dni.telephony.model import AT, Answer, Port, RawRequest
from dni.telephony.ports import PORTS
from dni.web.body import FORM_LIMIT, read

log = logging.getLogger("dni.telephony")

_URL_MAX = 300


class _Request(msgspec.Struct, frozen=True):
    """A request that is surely the carrier's. `base` is scheme and host as the carrier knows them; `query` what the
    address has that we gave it."""

    carrier: Carrier
    port: Port
    values: dict[str, str]
    base: str
    query: dict[str, str]
    received_ms: int

    @property
    def urls(self) -> Urls:
        return Urls(f"{self.base}/voice/{self.carrier.kind}/{self.carrier.id}")


_Act = Callable[[_Request], Awaitable[Response]]


def routes(parts: Parts) -> list[Route]:
    journal = Journal(parts)
    refusals = Refusals(parts.ledger)

    async def inbound(request: _Request) -> Response:
        event = request.port.inbound(request.values, request.received_ms)
        told = (request.carrier, event, request.values, request.received_ms, request.urls)
        return _response(request.port.answer(await receive(parts, journal, *told)))

    async def status(request: _Request) -> Response:
        event = request.port.progress(request.values, request.received_ms)
        await progress(parts, journal, request.carrier, event, request.values, request.received_ms)
        return Response(status_code=204)

    async def next_step(request: _Request) -> Response:
        if "whisper" in request.query:
            prompt = whispered(parts.catalog.now, unpacked(request.query["whisper"]))
            return _response(request.port.whisper(prompt))
        at = request.query.get("at", "")
        values = {**request.values, AT: at[:PLACE_MAX]}
        event = request.port.step(values, request.received_ms)
        told = (request.carrier, event, values, request.received_ms, request.urls)
        return _response(request.port.answer(await step(parts, journal, *told, unpacked(at))))

    acts: dict[str, _Act] = {"inbound": inbound, "status": status, "step": next_step}
    return [Route(f"/voice/{{carrier}}/{{account}}/{name}", _Door(parts, refusals, act)) for name, act in acts.items()]


def _response(answer: Answer) -> Response:
    return Response(answer.body, media_type=answer.media_type, headers={"Cache-Control": "no-store"})


class _Door:
    """ASGI, so that every method comes here and is refused in our own shape."""

    def __init__(self, parts: Parts, refusals: Refusals, act: _Act) -> None:
        self._parts = parts
        self._refusals = refusals
        self._act = act

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] != "POST":
                raise MethodNotAllowed("POST")
            carrier, port = self._account(scope)
            with CALL_ANSWER_S.labels(carrier.kind).time():
                response = await self._act(await self._opened(scope, receive, carrier, port))
        except DniError as error:
            REFUSALS.labels("voice", error.code).inc()
            raise
        await response(scope, receive, send)

    def _account(self, scope: Scope) -> tuple[Carrier, Port]:
        kind, account = scope["path_params"]["carrier"], scope["path_params"]["account"]
        port = PORTS.get(kind)
        if port is None:
            raise NotFound(f"there is no carrier {kind[:32]!r}; there are {', '.join(PORTS)}", code="unknown_carrier")
        carrier = self._parts.catalog.now.carriers.get(account)
        if carrier is None or carrier.kind != kind:
            raise NotFound(
                f"there is no {kind} account {account[:64]!r}; copy the address again from the carrier's page",
                code="unknown_account",
            )
        return carrier, port

    async def _opened(self, scope: Scope, receive: Receive, carrier: Carrier, port: Port) -> _Request:
        received_ms = self._parts.clock.now_ms()
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        base = self._parts.settings.public_url or f"{scope['scheme']}://{headers.get('host', '')}"
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        url = f"{base}{path}?{query}" if query else f"{base}{path}"
        body = await read(scope, receive, FORM_LIMIT)
        try:
            fields = port.open(RawRequest(url, headers, body, received_ms), carrier.auth_token)
            if fields.account_sid not in (None, carrier.account_sid):
                raise Forbidden(
                    "the request is of another account than this carrier's: its AccountSid is not ours",
                    code="wrong_account",
                )
        except Forbidden as error:
            await self._keep(Refusal(carrier.id, received_ms, error.code, error.detail, f"{base}{path}"[:_URL_MAX]))
            raise
        asked = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=None))
        return _Request(carrier, port, fields.values, base, asked, received_ms)

    async def _keep(self, refusal: Refusal) -> None:
        log.warning("account %s: refused a request: %s", refusal.carrier, refusal.code)
        try:
            await self._refusals.keep(refusal)
        except Unavailable as error:
            log.warning("the refusal is not kept: %s", error.detail)
