"""A call rings on a pooled number: protects the number, finds whose call it is. The service and replay share this."""

import msgspec

from dni.attribution.match import match
from dni.attribution.model import Holding, Match
from dni.pool.leases import Leases
from dni.pool.record import Holder
from dni.seal import Sealer
from dni.session.model import unpacked


async def find_holders(
    leases: Leases, sealer: Sealer, at_ms: int, campaign: str, pool: str, number: str, ring: str
) -> Match:
    """One round trip to Redis, no look at the ledger. `ring` names the call for its protection.

    Raises Unavailable `redis_away`.
    """
    protected, holders = await leases.ring(at_ms, campaign, pool, number, ring)
    return match([_holding(sealer, holder) for holder in holders], at_ms, protected)


def _holding(sealer: Sealer, holder: Holder) -> Holding:
    try:
        touch = unpacked(holder.touch)
    except msgspec.DecodeError:  # empty: the lease was taken back after Redis was lost
        touch = None
    return Holding(
        session=sealer.session(holder.tag, holder.session),
        visitor=sealer.visitor(holder.tag, holder.visitor) if any(holder.visitor) else "",
        tag=holder.tag,
        started_ms=holder.started_ms,
        sign_ms=holder.sign_ms,
        tapped_ms=holder.tapped_ms,
        ended_ms=holder.ended_ms,
        touch=touch,
    )
