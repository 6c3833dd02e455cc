"""A campaign with terms, and calls that were judged by them."""

from typing import Any

import msgspec

from dni.ledger import schema
from dni.parts import Parts
from dni.qualification.model import Terms
from tests.dashboard.samples import HOUR, insert_rows
from tests.support.world import START_MS

DAY = 24 * HOUR
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
    """Terms of `cmp_1`: two versions, one to come, and those of a publisher that ended."""
    first = {**TERMS, "payout": {"base": {"name": "Base", "when": "talk >= 90s", "amount": 1_000}}}
    await version(parts, "first", first, ago_ms=60 * DAY)
    await version(parts, "now", TERMS, ago_ms=30 * DAY)
