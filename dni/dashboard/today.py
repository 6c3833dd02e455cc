"""Visits and calls by day and hour until now, as the first page shows them and as it is kept up to date."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dni.access.model import Principal
from dni.dashboard.overview_rows import WEEKS, Hours
from dni.parts import Parts
from dni.report.attribution import attribution
from dni.report.model import ReportFilter, ReportRow

_MOST = 10_000


async def rows_until_now(parts: Parts, principal: Principal, zone: ZoneInfo, days: int = 0) -> list[ReportRow]:
    """Of `days` days, today counted, and at least of those that tell what is usual; grouped by day and hour."""
    return await _rows(parts, principal, zone, max(WEEKS * 7, days - 1))


class Today:
    """Today's figures for readers inside the same walls: what is usual is read once a day, today when asked."""

    def __init__(self, parts: Parts, principal: Principal, zone: ZoneInfo) -> None:
        self._parts, self._principal, self._zone = parts, principal, zone
        self._past: list[ReportRow] = []
        self._past_of = ""

    async def hours(self) -> Hours:
        now_ms = self._parts.clock.now_ms()
        today = datetime.fromtimestamp(now_ms / 1000, self._zone).date().isoformat()
        if self._past_of != today:
            rows = await rows_until_now(self._parts, self._principal, self._zone)
            self._past, self._past_of = [row for row in rows if str(row.day) < today], today
        else:
            # Campaigns may be ahead of this zone: their today began yesterday.
            rows = await _rows(self._parts, self._principal, self._zone, 1)
        return Hours([*self._past, *(row for row in rows if str(row.day) == today)], now_ms, self._zone)


async def _rows(parts: Parts, principal: Principal, zone: ZoneInfo, days_before: int) -> list[ReportRow]:
    now_ms = parts.clock.now_ms()
    first = datetime.fromtimestamp(now_ms / 1000, zone) - timedelta(days=days_before)
    from_ms = int(first.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
    span = ReportFilter(from_ms=from_ms, to_ms=now_ms + 1)
    return await attribution(parts.ledger, principal, span, ("day", "hour"), "last_touch", _MOST)
