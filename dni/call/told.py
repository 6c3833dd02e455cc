"""What a carrier told of a call, with what we decided then, and what the call is after it, as values. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from dni.attribution.model import Attribution
from dni.call.model import STATES
from dni.routing.decision import Decision
from dni.telephony.model import STEPS, CallEvent, Instruction
from dni.telephony.ports import PORTS


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a carrier, with what we decided when it came. All that is needed to record it, now or later.

    `inbound`, `step`: by which door; neither: its progress. `decision`: what memory alone answers it; `refusal`: why
    the call is no campaign's, though it may be connected. A duplicate never overwrites.
    """

    carrier: str
    port: str
    inbound: bool
    received_ms: int
    fields: dict[str, str]
    step: bool = False
    decision: Decision | None = None
    destination: str | None = None  # of lines that an earlier version left on disk
    refusal: str | None = None
    campaign: str | None = None
    publisher: str | None = None
    attribution: Attribution | None = None

    def event(self) -> CallEvent:
        return read(
            self.port, "inbound" if self.inbound else STEPS[0] if self.step else "", self.fields, self.received_ms
        )


class Recorded(msgspec.Struct, frozen=True):
    """A call as it stands now. `fresh`: this event was not known before. `pending`: nobody was credited yet.
    `unsettled`: what it pays is to be settled, by the terms of `campaign`. `instruction`: what this event was answered,
    now or when it was told first; None: nothing was asked."""

    id: str
    carrier: str
    provider_id: str
    tracking_number: str
    caller: str | None
    started_ms: int
    ended_ms: int | None
    fresh: bool
    pending: bool
    unsettled: bool = False
    campaign: str | None = None
    instruction: Instruction | None = None

    @property
    def ring(self) -> str:
        """What the lease engine calls this call; it is the same before the call is in the ledger."""
        return ring(self.carrier, self.provider_id)


def ring(carrier: str, provider_id: str) -> str:
    return f"{carrier}|{provider_id}"


def recorded(row: Mapping[Any, Any], *, fresh: bool, decision: Decision | None = None) -> Recorded:
    """Of a row of the call table."""
    return Recorded(
        id=row["id"],
        carrier=row["carrier_id"],
        provider_id=row["provider_id"],
        tracking_number=row["tracking_number"],
        caller=row["caller"],
        started_ms=row["started_at_ms"],
        ended_ms=row["ended_at_ms"] if STATES[row["status"]].ends else None,
        fresh=fresh,
        pending=row["method"] is None,
        unsettled=row["unsettled_ms"] is not None,
        campaign=row["campaign_id"],
        instruction=decision.instruction if decision else None,
    )


_PAYS_NOTHING = frozenset(
    {"phase", "spoke", "refusal", "hung_up_by", "attestation", "recording_url", "given_up_ms", "candidates", "lessons"}
)


def unsettled(before: Mapping[str, Any], changes: Mapping[str, Any], at_ms: int) -> dict[str, Any]:
    """What a call's row changes by beside `changes`, where these may change what a call pays that is over."""
    after = {**before, **changes}
    if after["campaign_id"] is None or not STATES[after["status"]].ends:
        return {}
    told = changes.keys() - _PAYS_NOTHING
    return {"unsettled_ms": at_ms} if any(before.get(name) != changes[name] for name in told) else {}


def read(port: str, kind: str, fields: dict[str, str], received_ms: int) -> CallEvent:
    """An event as the carrier's port reads it; `kind` tells by which door it came. Raises InvalidField."""
    carrier = PORTS[port]
    if kind in STEPS:
        return carrier.step(fields, received_ms)
    return carrier.inbound(fields, received_ms) if kind == "inbound" else carrier.progress(fields, received_ms)


def nameless(port: str, fields: Mapping[str, str]) -> dict[str, str]:
    """What stays of an event's fields when who called is forgotten: the call's fold is the same."""
    carrier = PORTS.get(port)
    return carrier.unrecorded(carrier.bare(fields)) if carrier else {}
