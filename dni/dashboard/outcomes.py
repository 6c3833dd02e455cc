"""The page where somebody tells what became of a call."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dni.call.search import one_call
from dni.call.views import CallView
from dni.dashboard import outcome_form, words
from dni.dashboard.desk import Desk
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.parts import Parts


class Outcomes:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return (Address("/calls/{id}/outcome", self.ask, self.tell, "tell"),)

    async def ask(self, request: Request, reader: Reader) -> Response:
        call = await self._call(request, reader)
        return self._desk.show(reader, self._sheet(call), outcome_form.written(call.outcome))

    async def tell(self, request: Request, reader: Reader, sent: Form) -> Response:
        call = await self._call(request, reader)

        def shape(body: dict[str, Any]) -> dict[str, Any]:
            return outcome_form.settings(body, call.outcome, self._currency(call))

        where = f"/calls/{call.id}?done=told"
        return await self._desk.send(
            request, reader, self._sheet(call), sent, lambda _: where, wanted=call.id, shape=shape
        )

    def _sheet(self, call: CallView) -> Sheet:
        caller = words.number(call.caller, call.tracking_number) if call.caller else "a withheld number"
        return Sheet(
            operation="tell_outcome",
            here="calls",
            title="What became of the call?",
            button="Tell it",
            action=f"/calls/{call.id}/outcome",
            back=(f"/calls/{call.id}", f"Call from {caller}"),
            fields=outcome_form.fields(self._currency(call)),
            notes=("All that was told stays with the call; the latest counts. What you empty is taken back.",),
        )

    def _currency(self, call: CallView) -> str:
        """Of what was told before, else the campaign's."""
        if call.outcome and call.outcome.value:
            return call.outcome.value.currency
        campaign = self._parts.catalog.now.campaigns.get(call.campaign or "")
        return campaign.currency if campaign else "USD"

    async def _call(self, request: Request, reader: Reader) -> CallView:
        return await one_call(self._parts.ledger, reader.principal, id_of(request, "call"))
