"""A call goes on by our word: keys were pressed, nobody picked up, a message was left, and the carrier asks us."""

import time

from dni.call.answer import answer
from dni.call.choose import from_memory
from dni.call.journal import Journal
from dni.call.model import ANSWERED, STATES
from dni.call.told import Told, ring
from dni.call.whose import nobodys, whose
from dni.catalog.model import Carrier
from dni.parts import Parts
from dni.routing.decision import Route, Urls, destinations_of
from dni.routing.plan import Heard, Place
from dni.telephony.model import CallEvent, Instruction

# An address that is none of ours: the call goes to where every plan ends.
_NOWHERE = Place(step="~nowhere")


async def step(
    parts: Parts,
    journal: Journal,
    carrier: Carrier,
    event: CallEvent,
    fields: dict[str, str],
    received_ms: int,
    urls: Urls,
    place: Place | None,
) -> Instruction:
    """What the carrier shall do next. The event is in the ledger by then, or on disk; never raises."""
    began = time.monotonic()
    catalog = parts.catalog.now
    found = whose(catalog, event.tracking_number)
    campaign = catalog.campaigns.get(place.campaign) if place else None
    campaign = campaign or found.campaign
    route = None
    if campaign is not None:
        route = Route(
            campaign=campaign,
            destinations=destinations_of(catalog, campaign),
            urls=urls,
            call=ring(carrier.id, event.provider_id),
            at_ms=received_ms,
            began_ms=received_ms,
            place=place or _NOWHERE,
            heard=_heard(event),
            caller=event.caller,
            phone_type=event.phone_type,
            publisher=found.publisher,
            budgets=catalog.budgets.get(campaign.id, ()),
        )
    told = Told(
        carrier=carrier.id,
        port=carrier.kind,
        inbound=False,
        step=True,
        received_ms=received_ms,
        fields=fields,
        decision=from_memory(route) if route else nobodys(carrier, found.refusal or "no_campaign", urls),
        campaign=campaign.id if campaign else None,
        publisher=found.publisher,
    )
    return await answer(journal, told, route, began)


def _heard(event: CallEvent) -> Heard:
    return Heard(
        keys=event.keys,
        picked_up=event.destination_state in ANSWERED,
        gone=event.state is not None and STATES[event.state].ends,
    )
