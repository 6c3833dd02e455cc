"""One request to an endpoint, as its kind makes and reads it. What becomes of the messages is for others to decide."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dni.clock import Clock
from dni.errors import Unavailable
from dni.ledger.engines import Ledger
from dni.outbound import endpoints, folder, gather, shown
from dni.outbound.guard import allowed
from dni.outbound.model import Answer, Endpoint, Grant, Kind, Later, Outgoing, Request, Result, Sent, Skip
from dni.outbound.oauth import Tokens
from dni.outbound.transport import Transport
from dni.settings import Settings

log = logging.getLogger("dni.outbound")

_OURS = "an error on our side: our log has it"
_MENDED_MS = 900_000


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """`results` of each message, in their order. `answer` is text, `request` null where none could be made."""

    results: list[Result]
    took_ms: int
    status: int | None = None
    answer: str | None = None
    request: Sent | None = None
    kept: Mapping[str, Mapping[str, Any]] = {}


def checked(kind: Kind, endpoint: Endpoint, outgoing: Outgoing, now_ms: int) -> Skip | Later | None:
    """What its kind says before it is sent."""
    try:
        return kind.check(endpoint, outgoing, now_ms)
    except Exception:
        log.exception("message %s could not be checked for endpoint %s", outgoing.message.id, endpoint.id)
        return Later(now_ms + _MENDED_MS, _OURS)


class Sender:
    """Connections and access tokens of one process. Needs a running event loop."""

    def __init__(self, settings: Settings, ledger: Ledger, clock: Clock, transport: Transport | None = None) -> None:
        self._ledger, self._clock = ledger, clock
        self._root = settings.export_dir
        self._transport = transport or Transport(allowed(settings.outbound_allow))
        self._tokens = Tokens(self._transport, clock)

    async def send(self, kind: Kind, endpoint: Endpoint, outgoing: Sequence[Outgoing]) -> Exchange:
        """Of messages that the kind's `check` passed. Raises Unavailable when it needs the ledger and that is away."""
        began = time.perf_counter()
        if kind.gathers:
            outgoing = [await gather.gather(self._ledger, endpoint, one) for one in outgoing]
        request: Request | None = None
        try:
            grant = kind.grant(endpoint)
            token = await self._tokens.token(grant) if grant else None
            if grant and (secret := self._tokens.renewal(grant)):
                await self._renew(endpoint, grant, secret)
            if isinstance(token, Answer):
                answer, results = token, [_again(token)] * len(outgoing)
            else:
                request = kind.request(endpoint, outgoing, self._clock.now_ms(), token)
                answer = await self._ask(request)
                if grant and token and answer.status == 401:
                    self._tokens.drop(grant, token)
                results = _results(kind, endpoint, outgoing, answer)
        except Exception:
            # A kind that fails at one message must not keep all others waiting.
            log.exception("a request to endpoint %s (%s) could not be made or read", endpoint.id, endpoint.kind)
            answer, results = Answer(), [Result("again", _OURS, failed=False)] * len(outgoing)
        return Exchange(
            results=results,
            took_ms=round((time.perf_counter() - began) * 1000),
            status=answer.status,
            answer=shown.answer(answer, request.hidden if request else ()),
            request=shown.request(request) if request else None,
            kept=request.kept if request else {},
        )

    async def close(self) -> None:
        await self._transport.close()

    async def _renew(self, endpoint: Endpoint, grant: Grant, secret: str) -> None:
        """A ledger that is away takes it with a later request."""
        try:
            async with self._ledger.write() as connection:
                await endpoints.renew(connection, endpoint.id, str(grant.renews), secret)
        except Unavailable as error:
            log.info("a renewed secret of endpoint %s is kept later: %s", endpoint.id, error.detail)
        else:
            self._tokens.renewed(grant, secret)

    async def _ask(self, request: Request) -> Answer:
        if request.url.startswith("file:"):
            return await folder.write(self._root, request)
        return await self._transport.send(request)


def _results(kind: Kind, endpoint: Endpoint, outgoing: Sequence[Outgoing], answer: Answer) -> list[Result]:
    if answer.status is None:
        return [_again(answer)] * len(outgoing)
    results = kind.results(endpoint, outgoing, answer)
    if len(results) != len(outgoing):
        raise ValueError(f"{kind.name} told {len(results)} results of {len(outgoing)} messages")
    return results


def _again(answer: Answer) -> Result:
    return Result("again", answer.why or "no answer")
