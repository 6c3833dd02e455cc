"""A call arrives: credited, kept, answered. Whatever is broken, the caller is connected."""

import logging
import time

from dni.attribution.attribute import attribute
from dni.attribution.model import Attribution
from dni.call.answer import answer
from dni.call.choose import from_memory
from dni.call.journal import Journal
from dni.call.told import Told, ring
from dni.call.whose import Whose, nobodys, whose
from dni.catalog.model import Carrier
from dni.errors import Unavailable
from dni.parts import Parts
from dni.routing.decision import Route, Urls, destinations_of
from dni.session.model import Touch
from dni.telephony.model import CallEvent, Instruction

log = logging.getLogger("dni.call")


async def receive(
    parts: Parts,
    journal: Journal,
    carrier: Carrier,
    event: CallEvent,
    fields: dict[str, str],
    received_ms: int,
    urls: Urls,
) -> Instruction:
    """What the carrier shall do. The event is in the ledger by then, or on disk; never raises."""
    began = time.monotonic()
    found = whose(parts.catalog.now, event.tracking_number)
    attribution = await _credited(parts, found, carrier, event, received_ms)
    route = _route(parts, found, carrier, event, received_ms, attribution, urls)
    told = Told(
        carrier=carrier.id,
        port=carrier.kind,
        inbound=True,
        received_ms=received_ms,
        fields=fields,
        decision=from_memory(route) if route else nobodys(carrier, found.refusal or "", urls),
        refusal=found.refusal,
        campaign=found.campaign.id if found.campaign else None,
        publisher=found.publisher,
        attribution=attribution,
    )
    return await answer(journal, told, route, began)


def _route(
    parts: Parts,
    found: Whose,
    carrier: Carrier,
    event: CallEvent,
    received_ms: int,
    attribution: Attribution | None,
    urls: Urls,
) -> Route | None:
    """None: the call is no campaign's."""
    if found.campaign is None:
        return None
    return Route(
        campaign=found.campaign,
        destinations=destinations_of(parts.catalog.now, found.campaign),
        urls=urls,
        call=ring(carrier.id, event.provider_id),
        at_ms=received_ms,
        began_ms=received_ms,
        caller=event.caller,
        phone_type=event.phone_type,
        touch=attribution.touch if attribution else Touch(),
        publisher=(attribution.publisher if attribution else None) or found.publisher,
        budgets=parts.catalog.now.budgets.get(found.campaign.id, ()),
    )


async def _credited(parts: Parts, found: Whose, carrier: Carrier, event: CallEvent, now_ms: int) -> Attribution | None:
    """None: to be credited later."""
    try:
        return await attribute(parts, found.number, now_ms, ring(carrier.id, event.provider_id), event.caller)
    except Unavailable as error:
        log.warning("a call is answered first and credited later: %s", error.detail)
    except Exception:
        log.exception("crediting a call failed; it is answered first and credited later")
    return None
