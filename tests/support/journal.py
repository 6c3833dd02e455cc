"""Calls and what they pay, put into the ledger without terms: any amounts, at any time."""

from functools import partial
from typing import Any

from sqlalchemy import Connection, insert, select

from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.payout import journal
from dni.payout.journal import Owner
from tests.support.world import START_MS


async def ring(ledger: Ledger, wanted: str, **columns: Any) -> None:
    """A call of `cmp_1` by way of `pub_1`, a minute long."""
    usual: dict[str, Any] = {"id": wanted, "carrier_id": "car_1", "provider_id": f"CA-{wanted}", "status": "completed"}
    usual |= {"started_at_ms": START_MS, "tracking_number": "+12025550100", "campaign_id": "cmp_1"}
    usual |= {"publisher_id": "pub_1", "talk_s": 55, "duration_s": 60, "caller": "+13125550100", "method": "lease"}
    async with ledger.write() as connection:
        await connection.execute(insert(schema.call).values(**{**usual, **columns}))


async def post(ledger: Ledger, wanted: str, payout: int, revenue: int = 0, **told: Any) -> str:
    """The id of one more posting of the call, a minute after it began and for its publisher unless `told` otherwise."""
    return await ledger.commit(partial(posted, wanted=wanted, payout=payout, revenue=revenue, **told))


def posted(
    connection: Connection,
    *,
    wanted: str,
    payout: int,
    revenue: int = 0,
    kind: Any = None,
    at_ms: int | None = None,
    publisher: str | None = None,
    currency: str = "USD",
) -> str:
    """The same within a transaction."""
    call = connection.execute(select(schema.call).where(schema.call.c.id == wanted)).mappings().one()
    before = journal.standing(connection, wanted)
    return journal.post(
        connection,
        call,
        Owner(call["campaign_id"], publisher or call["publisher_id"], currency),
        payout,
        revenue,
        at_ms=call["started_at_ms"] + 60_000 if at_ms is None else at_ms,
        kind=kind or ("correction" if before else "verdict"),
        reason="payout: base, revenue: a secret",
        corrects=before.last if before else None,
    )
