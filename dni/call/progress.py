"""A call goes on and ends. Events come in any order, twice, or for calls that were never announced."""

import logging

from dni.call.attribute_late import credit_late
from dni.call.journal import Journal
from dni.call.release import release
from dni.call.told import Recorded, Told
from dni.call.whose import whose
from dni.catalog.model import Carrier
from dni.errors import Unavailable
from dni.live.connection import RedisError
from dni.parts import Parts
from dni.qualification.settle import settle
from dni.telephony.model import CallEvent

log = logging.getLogger("dni.call")

# The carrier waits for its answer; what takes longer is done by the duty.
_SETTLED_WITHIN_S = 0.5


async def progress(
    parts: Parts,
    journal: Journal,
    carrier: Carrier,
    event: CallEvent,
    fields: dict[str, str],
    received_ms: int,
) -> None:
    """The event is in the ledger, or on disk, when this returns. Raises Unavailable `not_kept`: tell us again."""
    found = whose(parts.catalog.now, event.tracking_number)
    told = Told(
        carrier=carrier.id,
        port=carrier.kind,
        inbound=False,
        received_ms=received_ms,
        fields=fields,
        campaign=found.campaign.id if found.campaign else None,
        publisher=found.publisher,
    )
    recorded = await journal.keep(told)
    if recorded is not None and recorded.fresh:
        await follow(parts, recorded)


async def follow(parts: Parts, call: Recorded) -> None:
    """What follows from a recorded event; done again, it changes nothing. Never raises: the event is safe already."""
    try:
        if call.pending and call.tracking_number:
            await credit_late(parts, call)
        elif call.ended_ms is not None:
            await release(parts, call)
        if call.unsettled and call.campaign in parts.catalog.now.judged:  # the duty does the others, many at a time
            await settle(parts, call.id, _SETTLED_WITHIN_S)
    except (Unavailable, RedisError) as error:
        log.info("call %s: what follows from its event waits: %s", call.id, error)
    except Exception:
        log.exception("call %s: what follows from its event failed", call.id)
