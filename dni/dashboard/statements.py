"""Statements of publishers: the list, one that prints well, and its lines as a file."""

from collections.abc import AsyncIterator, Sequence
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from dni.api.table import csv_of
from dni.clock import from_rfc3339
from dni.dashboard import payout_rows, words
from dni.dashboard.door import Reader, id_of
from dni.dashboard.files import download
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.parts import Parts
from dni.payout import statements
from dni.payout.statements import StatementFilter, StatementLine

_LIMIT = 50
_SHOWN = 500
"""Lines on the page; all are in the file."""
_CSV_PAGE = 500


class Statements:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/statements", self.list),
            Address("/statements/{id}", self.one),
            Address("/statements/{id}/lines.csv", self.csv),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor, owners = request.query_params.get("cursor"), await owners_of(self._parts, reader.principal)
        publisher = request.query_params.get("publisher") or None
        async with self._parts.ledger.read() as connection:
            only = StatementFilter(publisher=publisher)
            found, after = await statements.page(connection, reader.principal, _LIMIT, cursor, only)
        return self._pages.render(
            "statements.html",
            reader=reader,
            owners=owners,
            publisher=publisher or "",
            rows=[(one, payout_rows.cell(one.amount)) for one in found],
            cursor=cursor,
            older=after,
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        principal, wanted, now_ms = reader.principal, id_of(request, "statement"), self._parts.clock.now_ms()
        async with self._parts.ledger.read() as connection:
            view = await statements.one(connection, principal, wanted)
            found, after = await statements.lines(connection, principal, wanted, _SHOWN, None)
        zone = ZoneInfo(view.timezone)
        return self._pages.render(
            "statement.html",
            reader=reader,
            view=view,
            closed=words.date(from_rfc3339(view.closed_at), zone),
            money=payout_rows.cell,
            lines=[payout_rows.line(one, zone, now_ms) for one in found],
            has_more=after is not None,
            done="Closed. It never changes: what is corrected later comes on the next one."
            if request.query_params.get("done") == "closed"
            else None,
        )

    async def csv(self, request: Request, reader: Reader) -> Response:
        principal, wanted, ledger = reader.principal, id_of(request, "statement"), self._parts.ledger

        async def page(cursor: str | None) -> tuple[Sequence[StatementLine], str | None]:
            async with ledger.read() as connection:
                return await statements.lines(connection, principal, wanted, _CSV_PAGE, cursor)

        async def parts() -> AsyncIterator[str]:
            found, after = await page(None)
            yield csv_of(StatementLine, found)
            while after:
                found, after = await page(after)
                yield csv_of(StatementLine, found, header=False)

        return await download(f"statement-{wanted}.csv", parts())
