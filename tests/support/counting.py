"""What budgets' counters say, and the same counted by hand from the holds."""

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from dni.ledger import schema


def counted(connection: Connection) -> Counter[tuple[str, str, int, str]]:
    """What the counters say, zeros left out."""
    found: Counter[tuple[str, str, int, str]] = Counter()
    for one in connection.execute(select(schema.counter)):
        found[one.budget_id, one.period, one.since_ms, "calls"] += one.calls
        found[one.budget_id, one.period, one.since_ms, "amount"] += one.amount
    return Counter({name: count for name, count in found.items() if count})


def summed(connection: Connection) -> Counter[tuple[str, str, int, str]]:
    """The same by hand."""
    zone = ZoneInfo(connection.execute(select(schema.campaign.c.timezone)).scalars().first() or "UTC")
    found: Counter[tuple[str, str, int, str]] = Counter()
    for one in connection.execute(select(schema.hold)):
        if one.state in ("held", "over", "spent"):
            local = datetime.fromtimestamp(one.at_ms / 1000, zone)
            day = datetime(local.year, local.month, local.day, tzinfo=zone)
            begun = {
                "hour": local.replace(minute=0, second=0, microsecond=0),
                "day": day,
                "week": day - timedelta(days=day.weekday()),
                "month": day.replace(day=1),
            }
            periods = {name: int(at.timestamp() * 1000) for name, at in begun.items()} | {"total": 0}
            for name, since in (periods | ({"concurrent": 0} if one.state == "held" else {})).items():
                found[one.budget_id, name, since, "calls"] += 1
                found[one.budget_id, name, since, "amount"] += one.amount
    return Counter({name: count for name, count in found.items() if count})
