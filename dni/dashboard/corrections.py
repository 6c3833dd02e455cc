"""The page where a person puts an amount in the place of what the terms say of a call."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dni.access.model import Principal
from dni.call.search import one_call
from dni.call.views import CallView
from dni.dashboard import payout_forms, words
from dni.dashboard.desk import Desk
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import NotFound
from dni.money import Money
from dni.parts import Parts
from dni.payout import corrections
from dni.qualification import verdicts


class Corrections:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return (Address("/calls/{id}/correction", self.ask, self.correct, "write"),)

    async def ask(self, request: Request, reader: Reader) -> Response:
        call = await one_call(self._parts.ledger, reader.principal, id_of(request, "call"))
        async with self._parts.ledger.read() as connection:
            before = await corrections.of_call(connection, reader.principal, call.id)
        present = before[0] if before else None
        written = {
            side: str(money).partition(" ")[0] if (money := getattr(present, side, None)) else ""
            for side in corrections.SIDES
        }
        return self._desk.show(reader, await self._sheet(reader.principal, call), written)

    async def correct(self, request: Request, reader: Reader, sent: Form) -> Response:
        call = await one_call(self._parts.ledger, reader.principal, id_of(request, "call"))
        sheet, currency, where = await self._sheet(reader.principal, call), self._currency(call), f"/calls/{call.id}"

        def shape(body: dict[str, Any]) -> dict[str, Any]:
            return payout_forms.correct(body, currency)

        return await self._desk.send(
            request, reader, sheet, sent, lambda _: f"{where}?done=corrected", wanted=call.id, shape=shape
        )

    async def _sheet(self, principal: Principal, call: CallView) -> Sheet:
        caller = words.number(call.caller, call.tracking_number) if call.caller else "a withheld number"
        return Sheet(
            operation="correct_call",
            here="calls",
            title="Correct what it pays",
            button="Correct it",
            action=f"/calls/{call.id}/correction",
            back=(f"/calls/{call.id}", f"Call from {caller}"),
            fields=payout_forms.correction(self._currency(call), await self._by_terms(principal, call)),
            notes=(
                "The amounts stand in the place of what the terms say, from now on and whatever becomes of the call. "
                "What was posted stays in the journal; the difference is posted beside it.",
            ),
        )

    async def _by_terms(self, principal: Principal, call: CallView) -> dict[str, Money | None]:
        try:
            async with self._parts.ledger.read() as connection:
                view = await verdicts.one(connection, principal, call.id)
        except NotFound:
            return {}
        return {side: told.by_terms if (told := getattr(view, side)) else None for side in corrections.SIDES}

    def _currency(self, call: CallView) -> str:
        campaign = self._parts.catalog.now.campaigns.get(call.campaign or "")
        return campaign.currency if campaign else "USD"
