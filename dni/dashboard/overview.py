"""The first page of the morning: what rings now, today against what is usual, what brought calls, what needs a look."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from dni.call.model import STATES
from dni.call.refusals import Refusals
from dni.call.search import CallFilter, list_calls
from dni.call.views import CallView
from dni.dashboard import call_rows, integration_rows, overview_rows, source_rows
from dni.dashboard.door import Reader
from dni.dashboard.figures import OF_MONEY, OF_OVERVIEW, meaning
from dni.dashboard.live import live_address
from dni.dashboard.overview_rows import DAYS, Hours, Trouble
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.today import rows_until_now
from dni.demo import page as demo
from dni.errors import Unavailable
from dni.outbound import endpoints
from dni.parts import Parts
from dni.report.attribution import report
from dni.session.search import unserved
from dni.tag import health, health_reports, tags

_DAY_MS = 86_400_000
# A call that began longer ago has ended, and we did not hear of it.
_GOING_ON_MS = 4 * 3_600_000
_SHOWN = 20
_SOURCES = 6
_INTEGRATIONS = 20


class Overview:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (Address("/overview", self.page),)

    async def page(self, request: Request, reader: Reader) -> Response:
        parts, principal, now_ms = self._parts, reader.principal, self._parts.clock.now_ms()
        owners = await owners_of(parts, principal)
        days = DAYS[-1] if request.query_params.get("days") == str(DAYS[-1]) else DAYS[0]
        hours = Hours(await rows_until_now(parts, principal, owners.zone, days), now_ms, owners.zone)
        asked = source_rows.read({"from": _day(now_ms, owners.zone, 6)}, now_ms, owners.zone)
        now, before = asked.spans(owners.zone)
        found = await report(parts.ledger, principal, now, asked.names, asked.model, _SOURCES, before.from_ms)
        return self._pages.render(
            "overview.html",
            reader=reader,
            owners=owners,
            live=[call_rows.row(call, owners.zone, now_ms) for call in await self._live(reader, now_ms)],
            figures=(figures := overview_rows.figures(hours.today())),
            points=(points := hours.trend(days)),
            is_empty=not any(point.calls or point.visits for point in points),
            days=days,
            all_days=DAYS,
            meaning=meaning((*OF_OVERVIEW, *(one.name for one in figures if one.name in OF_MONEY))),
            live_address=live_address(now_ms, figures=True),
            sources=source_rows.rows(asked, found, {}),
            sources_page=asked.address(),
            troubles=await self._troubles(request, reader, now_ms),
            demo=demo.PATH if demo.tag_key(parts.catalog.now) else None,
            first_run=principal.may_write and demo.is_all(parts.catalog.now),
        )

    async def _live(self, reader: Reader, now_ms: int) -> list[CallView]:
        since = now_ms - _GOING_ON_MS
        told = [
            (await list_calls(self._parts.ledger, reader.principal, CallFilter(from_ms=since, status=state), _SHOWN))[0]
            for state, known in STATES.items()
            if not known.ends
        ]
        return [call for calls in told for call in calls]

    async def _troubles(self, request: Request, reader: Reader, now_ms: int) -> list[Trouble]:
        parts, principal = self._parts, reader.principal
        async with parts.ledger.read() as connection:
            own, _ = await tags.page(connection, principal, "", 200)
            integrations = await endpoints.in_trouble(connection, _INTEGRATIONS) if principal.may_write else []
        told = await asyncio.gather(*(self._health(tag.campaign, tag.id) for tag in own))
        refused = await Refusals(parts.ledger).since(now_ms - _DAY_MS) if principal.may_administer else []
        return overview_rows.troubles(
            [(tag.id, tag.name, *one) for tag, one in zip(own, told, strict=True)],
            await unserved(parts.ledger, principal, now_ms - _DAY_MS),
            refused,
            {carrier.id: carrier.name for carrier in parts.catalog.now.carriers.values()},
            [trouble for view in integrations for trouble in integration_rows.for_overview(view, now_ms)],
        )

    async def _health(self, campaign: str, tag: str) -> tuple[str | None, str]:
        try:
            found = await health_reports.of(self._parts.live, self._parts.keys, campaign, tag)
        except Unavailable:
            return None, "warn"
        return found.says, found.tone if health.needs_a_look(found) else "calm"


def _day(now_ms: int, zone: ZoneInfo, ago: int) -> str:
    return (datetime.fromtimestamp(now_ms / 1000, zone).date() - timedelta(days=ago)).isoformat()
