"""A campaign with terms, and calls that were judged by them."""

from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import select, update

from dni.access.authenticate import ADMIN
from dni.access.model import Principal
from dni.ledger import schema
from dni.money import Money
from dni.parts import Parts
from dni.payout import corrections, disputes, statements
from dni.payout.model import month_ms
from dni.qualification.model import Terms
from dni.qualification.settle import settle_call
from tests.dashboard.samples import GOOGLE, HOUR, call, insert_rows
from tests.support.world import START_MS

DAY = 24 * HOUR
PUBLISHER = Principal("tok_pub", "Paula of Publisher 1", "publisher", publisher="pub_1")
ADVERTISER = Principal("tok_adv", "Adam of Campaign 1", "advertiser", campaign="cmp_1")
TERMS: dict[str, Any] = {
    "payout": {
        "base": {"name": "Base", "when": "talk >= 90s", "amount": 1_250},
        "bonuses": [
            {
                "name": "Big sale",
                "when": "sale and (value >= 500 or lead = won) and region in (CA, NV)",
                "percent": 10,
            },
            {"name": "Business hours", "when": "talk >= 120s and during(business)", "amount": 1_800},
        ],
    },
    "revenue": {"base": {"name": "Billed", "when": "talk >= 60s", "amount": 2_000}},
    "dedupe": {"days": 30, "shared": ["+14155550166"]},
    "hours": {"business": "Mo-Fr 09:00-17:00; PH off"},
}


async def version(
    parts: Parts, name: str, settings: dict[str, Any] | None, *, ago_ms: int, publisher: str | None = None, **more: Any
) -> None:
    """A row of `terms` of `cmp_1`, from so long before the tests' now on."""
    made = None if settings is None else msgspec.to_builtins(msgspec.convert(settings, Terms))
    row = {
        "id": f"trm_{name}",
        "campaign_id": "cmp_1",
        "publisher_id": publisher,
        "from_ms": START_MS - ago_ms,
        "settings": made,
        "looks_back_ms": 30 * DAY,
        "created_at_ms": START_MS - ago_ms,
        "by_id": "admin",
        "by_name": "admin",
    }
    await insert_rows(parts, schema.terms, {**row, **more})


async def fill(parts: Parts) -> None:
    """Beside `samples.fill`: terms of `cmp_1`, its calls judged, a correction, disputes, a statement, budgets."""
    first = {**TERMS, "payout": {"base": {"name": "Base", "when": "talk >= 90s", "amount": 1_000}}}
    await version(parts, "first", first, ago_ms=60 * DAY)
    await version(parts, "now", TERMS, ago_ms=30 * DAY)
    await insert_rows(parts, schema.call, *_calls())
    await settle_all(parts)
    await decide(parts)
    await settle_all(parts)
    await insert_rows(parts, schema.budget, *_budgets())


async def settle_all(parts: Parts) -> None:
    """Every call of `cmp_1` that is over."""
    mine = (schema.call.c.campaign_id == "cmp_1") & schema.call.c.ended_at_ms.is_not(None)
    now_ms = parts.clock.now_ms()
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.call).where(mine).values(unsettled_ms=now_ms))
        wanted = select(schema.call.c.id).where(mine).order_by(schema.call.c.started_at_ms)
        found = (await connection.execute(wanted)).scalars().all()
        for one in found:
            await connection.run_sync(settle_call, one, now_ms)


async def decide(parts: Parts) -> None:
    """A correction; `dsp_open`, and `dsp_denied`; `sta_august`, a statement of the month before."""
    now_ms = parts.clock.now_ms()
    asked = {"campaign_id": "cmp_1", "publisher_id": "pub_1", "at_ms": now_ms, "by_name": PUBLISHER.name}
    still_open = {"id": "dsp_open", "call_id": "call_short", "side": "payout", "state": "open", "by_id": PUBLISHER.id}
    billed = {"id": "dsp_denied", "call_id": "call_august", "side": "revenue", "state": "open", "by_id": ADVERTISER.id}
    reasons = {"reason": "The caller was put on hold for a minute."}, {"reason": "It was a wrong number."}
    await insert_rows(parts, schema.dispute, {**asked, **still_open, **reasons[0]})
    await insert_rows(parts, schema.dispute, {**asked, **billed, **reasons[1], "by_name": ADVERTISER.name})
    begins_ms, ends_ms = month_ms("2026-08", "America/New_York")
    august = {"publisher_id": "pub_1", "currency": "USD", "from_ms": begins_ms, "to_ms": ends_ms}
    by = {"timezone": "America/New_York", "closed_at_ms": now_ms, "by_id": ADMIN.id, "by_name": ADMIN.name}
    async with parts.ledger.write() as connection:
        pays = corrections.Correct(payout=Money(500, "USD"), revenue=UNSET, reason="Agreed on the phone")
        await corrections.correct(connection, ADMIN, now_ms, "call_short", pays)
        denied = disputes.Decision(state="denied", note="The caller asked for a quote: it is in the recording.")
        await disputes.decide(connection, ADMIN, now_ms, "dsp_denied", denied)
        await statements.take(connection, {"id": "sta_august", **august, **by})


def _calls() -> list[dict[str, Any]]:
    short = {"talk_s": 74, "duration_s": 83, "ended_at_ms": START_MS - 2 * HOUR + 83_000, "caller": "+14155550143"}
    august = [call(f"call_august{n or ''}", 25 * DAY + n * HOUR, caller=f"+1415555017{n}", **GOOGLE) for n in range(3)]
    return [call("call_short", 2 * HOUR, **short, **GOOGLE), *august]


def _budgets() -> list[dict[str, Any]]:
    at = {"created_at_ms": START_MS - DAY, "deleted_at_ms": None}
    none = {"publisher_id": None, "destination_id": None}
    day = {"calls": {"concurrent": 5, "day": 50}, "money": {"day": 100_000, "month": 2_000_000}, "paced": True}
    return [
        {"id": "bud_1", "campaign_id": "cmp_1", **none, "limits": day, **at},
        {"id": "bud_2", "campaign_id": "cmp_1", **none, "publisher_id": "pub_1", "limits": {"calls": {"day": 0}}, **at},
    ]
