"""Sends one message to an endpoint right now, outside the queue: the button that says whether it works."""

import msgspec

from dni.outbound.kinds import KINDS
from dni.outbound.model import Endpoint, Later, Outgoing, Sent
from dni.outbound.send import Sender
from dni.parts import Parts


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """`result`: delivered, again or dead, as of a delivery; skipped, or later: nothing was sent, `why` says what is
    missing. `status` null: no answer came."""

    result: str
    request: Sent | None = None
    status: int | None = None
    answer: str | None = None
    why: str | None = None
    took_ms: int = 0


async def try_out(parts: Parts, endpoint: Endpoint, outgoing: Outgoing) -> Tried:
    """Raises Unavailable where it needs the ledger and that is away."""
    kind = KINDS[endpoint.kind]
    missing = kind.check(endpoint, outgoing, parts.clock.now_ms())
    if missing is not None:
        return Tried(result="later" if isinstance(missing, Later) else "skipped", why=missing.why)
    sender = Sender(parts.settings, parts.ledger, parts.clock)
    try:
        told = await sender.send(kind, endpoint, [outgoing])
    finally:
        await sender.close()
    [result] = told.results
    return Tried(
        result=result.state,
        request=told.request,
        status=told.status,
        answer=told.answer,
        why=result.why,
        took_ms=told.took_ms,
    )
