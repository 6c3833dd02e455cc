"""The facts that terms are judged by, from a call's row. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from dni import phone
from dni.attribution.area_codes import region_of
from dni.qualification.model import Facts

COLUMNS = (
    *("id", "status", "started_at_ms", "answered_at_ms", "talk_s", "duration_s", "caller", "phone_type", "keys"),
    *("source", "medium", "channel", "campaign_name", "keyword", "content", "publisher_id", "destination", "params"),
    *("method", "confidence", "outcome"),
)
"""Of the call's row; it may have more."""


def facts_of(
    row: Mapping[str, Any],
    *,
    timezone: str = "UTC",
    holidays: frozenset[date] = frozenset(),
    currency: str = "USD",
    shared_pool: bool = False,
    last_ms: int | None = 0,
    custom: Mapping[str, Any] | None = None,
) -> Facts:
    """`row` has COLUMNS; the rest is not on the row.

    timezone, holidays, currency  of its campaign
    shared_pool  publishers share the pool of its tracking number
    last_ms      as in Facts
    custom       what the page told of its session; None: not known
    A value in another currency than the campaign's is not known.
    """
    region = region_of(row["caller"])
    sale, value, lead_status = outcome_of(row["outcome"], currency)
    return Facts(
        began_ms=row["started_at_ms"],
        timezone=timezone,
        holidays=holidays,
        status=row["status"],
        answered=is_answered(row["answered_at_ms"], row["status"]),
        talk_s=row["talk_s"] or 0,
        duration_s=row["duration_s"] or 0,
        caller=row["caller"],
        region=region,
        country=country_of(row["caller"], region),
        phone_type=row["phone_type"],
        keys=row["keys"],
        source=row["source"],
        medium=row["medium"],
        channel=row["channel"],
        campaign_name=row["campaign_name"],
        keyword=row["keyword"],
        content=row["content"],
        publisher=row["publisher_id"],
        destination=row["destination"],
        custom=None if custom is None else texts(custom),
        params=texts(row["params"] or {}),
        # A static number is its publisher's own.
        confidence=1.0 if row["method"] == "static" else row["confidence"],
        shared_pool=shared_pool,
        last_ms=last_ms,
        sale=sale,
        value=value,
        lead_status=lead_status,
        currency=currency,
    )


def is_answered(answered_at_ms: int | None, status: str) -> bool:
    return answered_at_ms is not None and status != "rejected"


def country_of(caller: str | None, region: str | None) -> str | None:
    """ISO 3166-1; `region` is the caller's: an area code of a place says its country too, and at once."""
    return region[:2] if region else phone.country(caller)


def outcome_of(outcome: Mapping[str, Any] | None, currency: str) -> tuple[bool | None, int | None, str | None]:
    """Sale, value in minor units of `currency`, and the lead's status, from the copy on a call's row."""
    if not outcome:
        return None, None, None
    value = outcome.get("value")
    amount = value["amount"] if value and value["currency"] == currency else None
    return outcome.get("sale"), amount, outcome.get("lead_status")


def texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Truth is told as `true` and `false`, as the page wrote it; nothing is left out."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in fields.items()
        if value is not None
    }
