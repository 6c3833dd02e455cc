"""A call arrives: credited, kept, answered. Whatever is broken, the caller is connected."""

import logging
import time

from dni.attribution.attribute import attribute
from dni.attribution.model import Attribution
from dni.call.calls import Told, ring
from dni.call.journal import Journal
from dni.call.plan import Plan, plan
from dni.catalog.model import Carrier
from dni.errors import Unavailable
from dni.metrics import CALLS
from dni.parts import Parts
from dni.telephony.model import CallEvent, Instruction

log = logging.getLogger("dni.call")


async def receive(
    parts: Parts,
    journal: Journal,
    carrier: Carrier,
    event: CallEvent,
    fields: dict[str, str],
    received_ms: int,
    status_url: str,
) -> Instruction:
    """What the carrier shall do. The event is in the ledger by then, or on disk; never raises."""
    began = time.monotonic()
    found = plan(parts.catalog.now, carrier, event.tracking_number)
    told = Told(
        carrier=carrier.id,
        port=carrier.kind,
        inbound=True,
        received_ms=received_ms,
        fields=fields,
        destination=found.destination,
        refusal=found.refusal,
        campaign=found.campaign.id if found.campaign else None,
        publisher=found.publisher,
        attribution=await _credited(parts, found, carrier, event, received_ms),
    )
    try:
        await journal.keep(told, spent_s=time.monotonic() - began)
        outcome = "connected" if found.destination else "rejected"
    except Unavailable:  # told of in the log already
        outcome = "not_kept"
    except Exception:
        log.exception("a call could not be kept; its caller is connected all the same")
        outcome = "not_kept"
    CALLS.labels(carrier.kind, outcome).inc()
    return found.instruction(status_url)


async def _credited(parts: Parts, found: Plan, carrier: Carrier, event: CallEvent, now_ms: int) -> Attribution | None:
    """None: to be credited later."""
    try:
        return await attribute(parts, found.number, now_ms, ring(carrier.id, event.provider_id), event.caller)
    except Unavailable as error:
        log.warning("a call is answered first and credited later: %s", error.detail)
    except Exception:
        log.exception("crediting a call failed; it is answered first and credited later")
    return None
