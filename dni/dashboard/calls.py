"""The list of calls, as a page and as a file, and the page of one call."""

from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dni.access.model import Principal
from dni.api.table import csv_of
from dni.call.search import CallView, call_events, call_touches, former_attributions, list_calls, one_call
from dni.dashboard import call_rows, call_story, filters
from dni.dashboard.call_rows import TEXT_FILTERS, chips, totals
from dni.dashboard.door import Reader, id_of
from dni.dashboard.filters import LIMITS
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.words import STATUSES
from dni.demo import page as demo
from dni.errors import NotFound
from dni.parts import Parts
from dni.session.search import SessionView, one_session

# Calls in one CSV file, and calls asked of the ledger at once for it.
_CSV_MOST = 100_000
_CSV_PAGE = 200


class Calls:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/calls", self.list),
            Address("/calls.csv", self.csv),
            Address("/calls/{id}", self.one),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        now_ms = self._parts.clock.now_ms()
        owners = await owners_of(self._parts, reader.principal)
        asked = filters.read(request.query_params)
        cursor = request.query_params.get("cursor")
        wanted = asked.wanted(owners.zone)
        found, after = await list_calls(self._parts.ledger, reader.principal, wanted, asked.limit, cursor)
        is_whole = cursor is None and after is None
        return self._pages.render(
            "calls.html",
            reader=reader,
            owners=owners,
            rows=[call_rows.row(call, owners.zone, now_ms) for call in found],
            totals=totals(found) if is_whole else None,
            filters=asked,
            presets=asked.presets(now_ms, owners.zone),
            chips=chips(asked, owners.campaigns, owners.publishers),
            text_filters=TEXT_FILTERS,
            statuses=STATUSES,
            limits=LIMITS,
            cursor=cursor,
            older=asked.address(cursor=after) if after else None,
            demo=demo.PATH if demo.tag_key(self._parts.catalog.now) else None,
            first_run=reader.principal.may_write and demo.is_all(self._parts.catalog.now),
        )

    async def csv(self, request: Request, reader: Reader) -> Response:
        """Every call that the filters let through, newest first."""
        principal = reader.principal
        wanted = filters.read(request.query_params).wanted((await owners_of(self._parts, principal)).zone)
        first = await list_calls(self._parts.ledger, principal, wanted, _CSV_PAGE)

        async def lines() -> AsyncIterator[str]:
            page, after = first
            yield csv_of(CallView, page)
            sent = len(page)
            while after and sent < _CSV_MOST:
                page, after = await list_calls(self._parts.ledger, principal, wanted, _CSV_PAGE, after)
                sent += len(page)
                _, _, rows = csv_of(CallView, page).partition("\r\n")
                yield rows

        headers = {"Content-Disposition": 'attachment; filename="calls.csv"', "Cache-Control": "no-store"}
        return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)

    async def one(self, request: Request, reader: Reader) -> Response:
        ledger, principal, wanted = self._parts.ledger, reader.principal, id_of(request, "call")
        call = await one_call(ledger, principal, wanted)
        events = await call_events(ledger, principal, wanted)
        former = await former_attributions(ledger, principal, wanted)
        touches = await call_touches(ledger, principal, wanted)
        session, zone = await self._session(principal, call), (await owners_of(self._parts, principal)).zone
        page = call_story.describe(self._parts.catalog.now, call, session, events, former, touches, zone)
        return self._pages.render("call.html", reader=reader, page=page)

    async def _session(self, principal: Principal, call: CallView) -> SessionView | None:
        """None also while the recorder has not written it, or when it is another publisher's."""
        if call.attribution.session is None:
            return None
        try:
            return await one_session(self._parts.ledger, principal, call.attribution.session)
        except NotFound:
            return None
