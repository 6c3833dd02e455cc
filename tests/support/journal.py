"""Calls and what they pay, put into the ledger as the settle would: postings with their three entries."""

from typing import Any

from sqlalchemy import Connection, insert, select

from dni import ids
from dni.ledger import schema
from dni.ledger.engines import Ledger
from tests.support.world import START_MS


async def ring(ledger: Ledger, wanted: str, **columns: Any) -> None:
    """A call of `cmp_1` by way of `pub_1`, a minute long."""
    usual = {"id": wanted, "carrier_id": "car_1", "provider_id": f"CA-{wanted}", "status": "completed"}
    usual |= {"started_at_ms": START_MS, "tracking_number": "+12025550100", "campaign_id": "cmp_1"}
    usual |= {"publisher_id": "pub_1", "talk_s": 55, "duration_s": 60, "caller": "+13125550100", "method": "lease"}
    async with ledger.write() as connection:
        await connection.execute(insert(schema.call).values(**{**usual, **columns}))


async def post(ledger: Ledger, call: str, payout: int, revenue: int = 0, **columns: Any) -> str:
    """The id of one more posting of the call, for its publisher unless `columns` say otherwise."""
    async with ledger.write() as connection:
        return await connection.run_sync(posted, call, payout, revenue, **columns)


def posted(connection: Connection, wanted: str, payout: int, revenue: int = 0, **columns: Any) -> str:
    """The same within a transaction."""
    call, posting = schema.call, schema.posting
    of = connection.execute(select(call).where(call.c.id == wanted)).mappings().one()
    chain = select(posting).where(posting.c.call_id == wanted)
    corrected = select(posting.c.corrects_id).where(posting.c.call_id == wanted, posting.c.corrects_id.is_not(None))
    last = connection.execute(chain.where(posting.c.id.not_in(corrected))).mappings().first()
    at_ms = columns.get("at_ms", of["started_at_ms"] + 60_000)
    row = {"id": ids.new_id("pst", at_ms), "at_ms": at_ms, "call_id": wanted, "call_at_ms": of["started_at_ms"]}
    row |= {"campaign_id": of["campaign_id"], "publisher_id": of["publisher_id"], "currency": "USD"}
    row |= {"kind": "correction" if last else "verdict", "reason": "base", "payout": payout, "revenue": revenue}
    row |= {"corrects_id": last["id"] if last else None, **columns}
    connection.execute(insert(posting).values(**row))
    accounts = {"advertiser_receivable": revenue, "publisher_payable": -payout, "margin": payout - revenue}
    rows = [{"posting_id": row["id"], "account": name, "amount": amount} for name, amount in accounts.items()]
    connection.execute(insert(schema.entry), rows)
    return str(row["id"])
