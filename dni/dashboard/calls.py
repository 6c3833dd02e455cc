"""The list of calls, as a page and as a file, and the page of one call."""

from collections.abc import AsyncIterator, Sequence
from zoneinfo import ZoneInfo

from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from dni.access.model import Principal
from dni.api.table import csv_of
from dni.call import outcomes
from dni.call.search import call_events, call_touches, decisions, former_attributions, list_calls, one_call
from dni.call.views import CallView
from dni.dashboard import call_money, call_route, call_rows, call_story, columns, deliveries, filters, rehearsal_form
from dni.dashboard.call_route import CallRoute, Told
from dni.dashboard.call_rows import TEXT_FILTERS, chips, totals
from dni.dashboard.door import Reader, id_of
from dni.dashboard.files import download
from dni.dashboard.filters import LIMITS
from dni.dashboard.live import live_address
from dni.dashboard.owners import Owners, owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.words import STATUSES
from dni.demo import page as demo
from dni.errors import NotFound
from dni.parts import Parts
from dni.routing.search import attempts_of
from dni.session.search import SessionView, one_session

# Calls asked of the ledger at once for a CSV file: page views wait for some 15 ms while they are written down.
_CSV_PAGE = 100
_DONE = {"told": "Told.", "corrected": "Corrected."}


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
        named = request.query_params.getlist("columns")
        shown = columns.read(named, None if named else request.cookies.get(columns.COOKIE), reader.principal)
        asked = structs.replace(asked, columns=shown if any(named) else ())
        cursor = request.query_params.get("cursor")
        wanted = asked.wanted(owners.zone)
        found, after = await list_calls(self._parts.ledger, reader.principal, wanted, asked.limit, cursor)
        is_whole = cursor is None and after is None
        labels = {"campaign": owners.campaigns, "publisher": owners.publishers, "tag": self._tags(owners)}
        answer = self._pages.render(
            "calls.html",
            reader=reader,
            owners=owners,
            rows=[call_rows.row(call, owners.zone, now_ms, labels) for call in found],
            totals=totals(found) if is_whole else None,
            filters=asked,
            presets=asked.presets(now_ms, owners.zone),
            chips=chips(asked, labels),
            columns={name: label for name, label in columns.COLUMNS.items() if name in shown},
            all_columns=columns.offered(reader.principal),
            usual_columns=structs.replace(asked, columns=("",)).address(),
            text_filters=TEXT_FILTERS,
            statuses=STATUSES,
            limits=LIMITS,
            cursor=cursor,
            live_address=live_address(now_ms) if cursor is None and asked.may_grow else None,
            live_since_ms=now_ms,
            older=asked.address(cursor=after) if after else None,
            demo=demo.PATH if demo.tag_key(self._parts.catalog.now) else None,
            first_run=reader.principal.may_write and demo.is_all(self._parts.catalog.now),
        )
        if named:
            age_s = columns.COOKIE_S if any(named) else 0
            value = columns.kept(shown) if any(named) else ""
            answer.set_cookie(columns.COOKIE, value, max_age=age_s, path=filters.PATH, httponly=True, samesite="lax")
        return answer

    async def csv(self, request: Request, reader: Reader) -> Response:
        """Every call that the filters let through, newest first."""
        principal = reader.principal
        wanted = filters.read(request.query_params).wanted((await owners_of(self._parts, principal)).zone)

        async def parts() -> AsyncIterator[str]:
            page, after = await list_calls(self._parts.ledger, principal, wanted, _CSV_PAGE)
            yield csv_of(CallView, page)
            while after:
                page, after = await list_calls(self._parts.ledger, principal, wanted, _CSV_PAGE, after)
                yield csv_of(CallView, page, header=False)

        return await download("calls.csv", parts())

    async def one(self, request: Request, reader: Reader) -> Response:
        ledger, principal, wanted = self._parts.ledger, reader.principal, id_of(request, "call")
        call = await one_call(ledger, principal, wanted)
        events = await call_events(ledger, principal, wanted)
        former = await former_attributions(ledger, principal, wanted)
        touches = await call_touches(ledger, principal, wanted)
        session, zone = await self._session(principal, call), (await owners_of(self._parts, principal)).zone
        page = call_story.describe(self._parts.catalog.now, call, session, events, former, touches, zone)
        return self._pages.render(
            "call.html",
            reader=reader,
            page=page,
            route=await self._route(principal, call, ZoneInfo(page.zone)),
            told=await self._told(principal, call, ZoneInfo(page.zone)),
            money=await call_money.of_call(self._parts, principal, call, ZoneInfo(page.zone)),
            deliveries=await deliveries.of_call(self._parts, principal, call.id, ZoneInfo(page.zone)),
            done=_DONE.get(request.query_params.get("done", "")),
        )

    async def _route(self, principal: Principal, call: CallView, zone: ZoneInfo) -> CallRoute | None:
        """None for who sees no destinations."""
        if not principal.may_tell:
            return None
        made = await decisions(self._parts.ledger, principal, call.id)
        async with self._parts.ledger.read() as connection:
            tried = await attempts_of(connection, call.id)
        campaign = self._parts.catalog.now.campaigns.get(call.campaign or "")
        labels = rehearsal_form.labelled(campaign.routing.steps) if campaign else {}
        return call_route.describe(made, tried, labels, zone)

    async def _told(self, principal: Principal, call: CallView, zone: ZoneInfo) -> Sequence[Told]:
        async with self._parts.ledger.read() as connection:
            return call_route.told(await outcomes.of_call(connection, principal, call.id), zone)

    def _tags(self, owners: Owners) -> dict[str, str]:
        """Names within the reader's walls."""
        tags = self._parts.catalog.now.tags.values()
        return {tag.id: tag.name for tag in tags if tag.campaign in owners.campaigns}

    async def _session(self, principal: Principal, call: CallView) -> SessionView | None:
        """None also while the recorder has not written it, or when it is another publisher's."""
        if call.attribution.session is None:
            return None
        try:
            return await one_session(self._parts.ledger, principal, call.attribution.session)
        except NotFound:
            return None
