"""The page of how full a pool was: by the hour, who got no number, how long numbers rest, what others would do."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from dni.dashboard import pool_use_rows
from dni.dashboard.door import Reader, id_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.parts import Parts
from dni.pool import hours
from dni.pool.count_use import settled_until
from dni.pool.measure import DAYS, from_hours
from dni.pool.use import HOUR_MS


class PoolUse:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (Address("/pools/{id}/use", self.page),)

    async def page(self, request: Request, reader: Reader) -> Response:
        until_ms = settled_until(self._parts.clock.now_ms())
        from_ms = until_ms - DAYS * 24 * HOUR_MS
        async with self._parts.ledger.read() as connection:
            pool = await hours.one(connection, reader.principal, id_of(request, "pool"))
            known = await hours.of(connection, pool.id, from_ms, until_ms)
        zone = ZoneInfo(pool.timezone or "UTC")
        measured = from_hours(known, pool.numbers, pool.hold_seconds)
        typed = request.query_params.get("n", "")[:20]
        return self._pages.render(
            "pool_use.html",
            reader=reader,
            pool=pool,
            zone=zone,
            days=DAYS,
            use=pool_use_rows.Use(pool, known, from_ms, until_ms, zone) if known else None,
            weekdays=pool_use_rows.WEEKDAYS,
            instead=pool_use_rows.instead(pool, measured, typed, zone),
            figures=pool_use_rows.FIGURES,
        )
