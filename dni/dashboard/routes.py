"""The dashboard's addresses."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dni.access.model import Principal
from dni.api.table import csv_of
from dni.call.search import CallView, call_events, call_touches, former_attributions, list_calls, one_call
from dni.dashboard import call_rows, call_story, filters
from dni.dashboard.assets import Assets
from dni.dashboard.call_rows import TEXT_FILTERS, chips, totals
from dni.dashboard.door import Door, Reader, id_of
from dni.dashboard.filters import LIMITS
from dni.dashboard.overview import Overview
from dni.dashboard.owners import owners_of
from dni.dashboard.pages import Pages, wants_page
from dni.dashboard.sign_in import SignIn, sign_in_address
from dni.dashboard.sources import Sources
from dni.dashboard.tags import Tags
from dni.dashboard.words import STATUSES
from dni.demo import page as demo
from dni.errors import DniError, MethodNotAllowed, NotFound, NotSignedIn
from dni.parts import Parts
from dni.session.search import SessionView, one_session

log = logging.getLogger("dni.dashboard")

# Calls in one CSV file, and calls asked of the ledger at once for it.
_CSV_MOST = 100_000
_CSV_PAGE = 200

Handler = Callable[[Request], Awaitable[Response]]


def routes(parts: Parts) -> list[Route]:
    assets = Assets()
    pages, door = Pages(assets), Door(parts)
    sign_in, calls, tags = SignIn(parts, door, pages), Calls(parts, pages), Tags(parts, pages)
    overview, sources = Overview(parts, pages), Sources(parts, pages)

    def signed_in(handler: Callable[[Request, Reader], Awaitable[Response]]) -> Handler:
        async def answer(request: Request) -> Response:
            reader = await door.reader(request)
            if reader is None:
                if wants_page(request):
                    return RedirectResponse(sign_in_address(request), 303)
                raise NotSignedIn("these pages are for people: sign in with a browser, or ask the API")
            try:
                return await handler(request, reader)
            except DniError as error:
                return pages.error(request, error, reader=reader)

        return answer

    async def start(_request: Request) -> Response:
        return RedirectResponse("/overview", 303)

    return [
        Route("/static/dashboard/{name}", Page(pages, assets.serve)),
        Route("/", Page(pages, start)),
        Route("/signin", Page(pages, sign_in.form, post=sign_in.submit)),
        Route("/signout", Page(pages, post=sign_in.out)),
        Route("/overview", Page(pages, signed_in(overview.page))),
        Route("/calls", Page(pages, signed_in(calls.list))),
        Route("/calls.csv", Page(pages, signed_in(calls.csv))),
        Route("/calls/{id}", Page(pages, signed_in(calls.one))),
        Route("/sources", Page(pages, signed_in(sources.page))),
        Route("/sources.csv", Page(pages, signed_in(sources.csv))),
        Route("/tags", Page(pages, signed_in(tags.list))),
        Route("/tags/{id}", Page(pages, signed_in(tags.one))),
        Route("/tags/{id}/pin", Page(pages, signed_in(tags.to_tag), post=signed_in(tags.pin))),
        Route("/tags/{id}/seen", Page(pages, signed_in(tags.seen))),
    ]


def nowhere() -> ASGIApp:
    """For addresses that no door has: a page for people, the problem for others."""

    async def missing(request: Request) -> Response:
        raise NotFound(f"nothing is at {request.url.path[:200]}")

    return Page(Pages(Assets()), missing, post=missing)


class Page:
    """ASGI: one address. Every refusal becomes a page where a person reads, else the one problem."""

    def __init__(self, pages: Pages, get: Handler | None = None, *, post: Handler | None = None) -> None:
        self._pages = pages
        self._handlers = {"GET": get, "HEAD": get, "POST": post}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        handler = self._handlers.get(request.method)
        try:
            if handler is None:
                allowed = ", ".join(name for name, known in self._handlers.items() if known)
                raise MethodNotAllowed(allowed)
            return await handler(request)
        except DniError as error:
            return self._pages.error(request, error)
        except Exception:
            log.exception("a page failed unexpectedly")
            return self._pages.error(request, DniError("unexpected"))


class Calls:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

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
