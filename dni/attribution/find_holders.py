"""A call rings on a pooled number: protects the number, finds whose call it is. The service and replay share this."""

import msgspec

from dni.attribution.model import Found, Holding
from dni.pool.leases import Leases
from dni.pool.record import Holder
from dni.seal import Sealer
from dni.session.model import unpacked

# Who was shown a number calls within a day, or hardly ever. For so long after a loss the ledger is asked too.
_MAY_STILL_CALL_MS = 86_400_000


async def find_holders(
    leases: Leases, sealer: Sealer, at_ms: int, campaign: str, pool: str, number: str, ring: str
) -> Found:
    """One round trip to Redis, no look at the ledger. `ring` names the call for its protection.

    Raises Unavailable `redis_away`.
    """
    rung = await leases.ring(at_ms, campaign, pool, number, ring)
    return Found(
        tuple(_holding(sealer, holder) for holder in rung.holders),
        rung.protected_ms,
        all_known=not rung.sure_ms or at_ms > rung.sure_ms + _MAY_STILL_CALL_MS,
    )


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
        left=holder.left,
        beat_ms=holder.beat_ms,
        tapped_ms=holder.tapped_ms,
        ended_ms=holder.ended_ms,
        touch=touch,
    )
