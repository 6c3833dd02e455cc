"""Keeps what a carrier told and answers what it asked."""

import logging
import time

from dni.call.choose import Chooser
from dni.call.journal import Journal
from dni.call.told import Recorded, Told
from dni.errors import Unavailable
from dni.metrics import CALLS
from dni.routing.decision import Route
from dni.telephony.model import Instruction

log = logging.getLogger("dni.call")


async def answer(journal: Journal, told: Told, route: Route | None, began: float) -> Instruction:
    """The event is in the ledger then, or on disk. What is answered comes from the ledger where it can be had in time,
    else from memory, which is `told.decision`. Never raises.

    `route` None: there is no plan to ask. `began`: when the carrier began to wait, by the monotonic clock.
    """
    decision = told.decision
    assert decision is not None
    recorded: Recorded | None = None
    is_kept = False
    try:
        chooser = Chooser(route, decision) if route is not None else None
        recorded = await journal.keep(told, chooser, spent_s=time.monotonic() - began)
        is_kept = True
    except Unavailable:  # told of in the log already
        pass
    except Exception:
        log.exception("an event of a call could not be kept; its caller is served all the same")
    instruction = recorded.instruction if recorded and recorded.instruction else decision.instruction
    if told.inbound:
        CALLS.labels(told.port, instruction.last.__struct_config__.tag if is_kept else "not_kept").inc()
    return instruction
