"""Trying an integration: with a real call, now, and the answer on the page."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dni.call.search import CallFilter, list_calls
from dni.dashboard import delivery_rows, forms, integration_form, integration_words
from dni.dashboard.call_rows import row
from dni.dashboard.desk import Desk
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Choice, Field, Sheet, Wrong
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import Conflict, DniError, InvalidField, Unavailable
from dni.outbound import endpoints
from dni.outbound.endpoints import EndpointView
from dni.parts import Parts

_CALLS = 20


async def calls_of(parts: Parts, reader: Reader, campaign: str | None, publisher: str | None) -> Field:
    """To choose the call that something is tried with."""
    zone, now_ms = (await owners_of(parts, reader.principal)).zone, parts.clock.now_ms()
    found, _ = await list_calls(
        parts.ledger, reader.principal, CallFilter(campaign=campaign, publisher=publisher), _CALLS
    )
    shown = [row(call, zone, now_ms) for call in found]
    choices = tuple(
        Choice(
            one.id,
            ", ".join((one.when, one.caller or "withheld", *filter(None, [one.source and one.source[:40]]))),
        )
        for one in shown
    )
    return Field(
        name="call",
        label="With which call",
        kind="select",
        empty="null",
        choices=choices,
        placeholder="The newest" if choices else "A made-up one: there is no call yet",
        help=f"Times in {zone.key.replace('_', ' ')}." if choices else "",
    )


class IntegrationTries:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return (Address("/integrations/{id}/test", self.ask, self.send, "connect"),)

    async def ask(self, request: Request, reader: Reader) -> Response:
        return await self._page(reader, await self._view(request), {})

    async def send(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._view(request)
        sheet = await self._sheet(reader, view)
        try:
            tried = await self._desk.run(request, reader, sheet, sent, wanted=view.id)
        except (InvalidField, Conflict, Unavailable) as error:
            return await self._page(reader, view, sent, error=error)
        return await self._page(reader, view, sent, tried=tried)

    async def _page(
        self, reader: Reader, view: EndpointView, sent: Form, *, tried: Any = None, error: DniError | None = None
    ) -> Response:
        sheet = await self._sheet(reader, view)
        response = self._pages.render(
            "integration_try.html",
            status=error.status if error else 200,
            reader=reader,
            view=view,
            comes_of_it=integration_words.TRIED.get(view.kind, ""),
            sheet=sheet,
            written=sent,
            wrong=forms.wrong(sheet, sent, error) if error else Wrong(),
            tried=tried,
            badge=tried and integration_words.RESULTS[tried.result],
            body=tried and tried.request and delivery_rows.pretty(tried.request.body),
            answer=tried and delivery_rows.pretty(tried.answer or ""),
            took=tried and tried.took_ms is not None and delivery_rows.answered(tried.took_ms),
            sentence=forms.sentence,
        )
        if error:
            response.headers["DNI-Reason"] = error.code
        return response

    async def _sheet(self, reader: Reader, view: EndpointView) -> Sheet:
        return Sheet(
            operation=integration_form.operation("test", view.kind),
            here="integrations",
            title=f"Try {view.name}",
            button="Send it now",
            action=f"/integrations/{view.id}/test",
            back=(f"/integrations/{view.id}", view.name),
            fields=(await calls_of(self._parts, reader, view.campaign, view.publisher),),
        )

    async def _view(self, request: Request) -> EndpointView:
        """Raises NotFound."""
        async with self._parts.ledger.read() as connection:
            return await endpoints.one(connection, id_of(request, "integration"))
