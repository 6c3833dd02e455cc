"""The request that settings would come to, with a call: made as it would be sent, and not sent."""

from typing import Any

import msgspec

from dni.campaign.model import Id
from dni.errors import InvalidField
from dni.ledger.engines import Ledger
from dni.outbound import gather, sample, shown
from dni.outbound.declare import INTEGRATIONS
from dni.outbound.kinds import KINDS, read
from dni.outbound.model import Endpoint, Sent

# Stands for each secret: printable, and long enough for all kinds.
STAND_IN = "a-secret-that-is-not-shown"


class Preview(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`call` null: the newest one, of `campaign` and `publisher` if these are given; a made-up one if there is none."""

    kind: str
    settings: dict[str, Any] = {}
    call: Id | None = None
    campaign: Id | None = None
    publisher: Id | None = None


class Previewed(msgspec.Struct, kw_only=True):
    """`call`: that it was made with; null: a made-up one. `request` null: nothing would be sent, `why` says what is
    missing. What stands in the place of secrets is shown as dots."""

    call: str | None
    request: Sent | None
    why: str | None


async def preview(ledger: Ledger, now_ms: int, told: Preview) -> Previewed:
    """Raises InvalidField, and Unavailable when the ledger is away."""
    if told.kind not in INTEGRATIONS:
        raise InvalidField("/kind", f"one of {', '.join(INTEGRATIONS)}")
    kind = KINDS[told.kind]
    secrets = dict.fromkeys(kind.secrets.__struct_fields__, STAND_IN)
    endpoint = Endpoint(
        id="preview",
        kind=kind.name,
        name="preview",
        campaign=told.campaign,
        publisher=told.publisher,
        settings=read(kind.settings, told.settings, "/settings"),
        secrets=read(kind.secrets, secrets, "/secrets"),
    )
    outgoing = await sample.of_call(ledger, now_ms, endpoint, told.call)
    call = outgoing.message.subject if outgoing.message.subject != sample.MADE_UP else None
    missing = kind.check(endpoint, outgoing, now_ms)
    if missing is not None:
        return Previewed(call=call, request=None, why=missing.why)
    if kind.gathers:
        outgoing = await gather.gather(ledger, endpoint, outgoing)
    token = STAND_IN if kind.grant(endpoint) else None
    request = kind.request(endpoint, [outgoing], now_ms, token)
    hidden = (*request.hidden, STAND_IN)
    return Previewed(call=call, request=shown.request(msgspec.structs.replace(request, hidden=hidden)), why=None)
