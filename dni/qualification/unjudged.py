"""Calls of which nothing is to be said: their campaign has neither terms nor budgets, and nobody decided otherwise.
They are done many at a time; what might be judged is left for `settle`."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection, and_, exists, literal, or_, select, update

from dni.ledger.engines import Ledger
from dni.ledger.schema import adjustment, budget, call, posting, terms, verdict
from dni.qualification import dedupe

_CALLS, _CAMPAIGNS = 500, 50


async def clear(ledger: Ledger, now_ms: int) -> None:
    """Those that wait since `now_ms` or longer. Raises Unavailable."""
    wanted = select(call.c.campaign_id).where(call.c.unsettled_ms <= now_ms, _NO_TERMS).distinct().limit(_CAMPAIGNS)
    async with ledger.read() as connection:
        campaigns = (await connection.execute(wanted)).scalars().all()
    while campaigns and await ledger.commit(partial(_clear, campaigns=sorted(campaigns), now_ms=now_ms)) == _CALLS:
        pass


def _clear(connection: Connection, campaigns: Sequence[str], now_ms: int) -> int:
    """How many. No terms of these campaigns are written meanwhile."""
    dedupe.share_campaigns(connection, campaigns)
    waiting = (call.c.unsettled_ms <= now_ms, call.c.campaign_id.in_(campaigns), _NO_TERMS, _NOTHING_STANDS)
    these = select(call.c.id).where(*waiting).limit(_CALLS).with_for_update(skip_locked=True)
    return connection.execute(update(call).where(call.c.id.in_(these)).values(unsettled_ms=None)).rowcount


_later = call.alias("later")
_NO_TERMS = and_(
    ~exists(select(literal(1)).where(terms.c.campaign_id == call.c.campaign_id)),
    ~exists(select(literal(1)).where(budget.c.campaign_id == call.c.campaign_id)),
)
_NOTHING_STANDS = and_(
    or_(call.c.held.is_(None), ~call.c.held),
    call.c.qualified.is_(None),
    *(~exists(select(literal(1)).where(table.c.call_id == call.c.id)) for table in (verdict, adjustment, posting)),
    # A later call of the same telephone, of another campaign of the advertiser's, may be a repeat of this one.
    ~exists(
        select(literal(1))
        .select_from(_later)
        .where(
            _later.c.caller == call.c.caller,
            _later.c.started_at_ms >= call.c.started_at_ms,
            _later.c.qualified.is_not(None),
        )
    ),
)
