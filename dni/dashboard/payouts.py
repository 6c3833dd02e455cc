"""What calls made: balances of publishers, what campaigns are billed, and the form that closes a publisher's period."""

import secrets
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access.model import Principal
from dni.dashboard import forms, payout_forms, payout_rows
from dni.dashboard.desk import Desk, struct
from dni.dashboard.door import Reader
from dni.dashboard.forms import Sheet, Wrong
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import Conflict, DniError, InvalidField, Unavailable
from dni.parts import Parts
from dni.payout import balances, close, disputes, statements
from dni.payout.balances import BalanceView, BilledView
from dni.payout.close import NewStatement
from dni.payout.disputes import DisputeFilter
from dni.payout.statements import PreviewView, StatementFilter

_SHOWN = 5
"""Of statements and disputes, which have lists of their own."""


class Payouts:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return Address("/payouts", self.page), Address("/payouts/close", self.ask, self.close, "write")

    async def page(self, _request: Request, reader: Reader) -> Response:
        principal, now_ms = reader.principal, self._parts.clock.now_ms()
        owners = await owners_of(self._parts, principal)
        earned, bills = await self._sums(principal)
        async with self._parts.ledger.read() as connection:
            stated, more_stated = await statements.page(connection, principal, _SHOWN, None, StatementFilter())
            still_open = DisputeFilter(state="open")
            asked, more_asked = await disputes.page(connection, principal, _SHOWN, None, still_open)
        return self._pages.render(
            "payouts.html",
            reader=reader,
            owners=owners,
            balances=payout_rows.balances(earned),
            billed=payout_rows.billed(bills),
            statements=stated,
            more_statements=more_stated is not None,
            disputes=[payout_rows.dispute(one, owners.zone, now_ms) for one in asked],
            more_disputes=more_asked is not None,
        )

    async def ask(self, request: Request, reader: Reader) -> Response:
        """The form; with a period in the address, what closing it would come to."""
        typed = {name: request.query_params.get(name, "") for name in payout_forms.CLOSE}
        sheet = await self._sheet(reader.principal)
        if not (typed["month"] or typed["last"]):
            return self._form(reader, sheet, typed)
        try:
            seen = await self._preview(sheet, typed)
        except (InvalidField, Conflict) as error:
            return self._form(reader, sheet, typed, error=error)
        return self._form(reader, sheet, typed, seen=seen)

    async def close(self, request: Request, reader: Reader, sent: Form) -> Response:
        sheet = await self._sheet(reader.principal)
        try:
            made = await self._desk.run(request, reader, sheet, sent, shape=payout_forms.period)
        except (InvalidField, Conflict, Unavailable) as error:
            told = payout_forms.of_fields(error) if isinstance(error, InvalidField) else error
            return self._form(reader, sheet, {name: sent.get(name, "") for name in payout_forms.CLOSE}, error=told)
        return RedirectResponse(f"/statements/{made.id}?done=closed", 303)

    async def _preview(self, sheet: Sheet, typed: Mapping[str, str]) -> PreviewView:
        """Raises InvalidField and Conflict."""
        try:
            wish = struct(payout_forms.period(forms.body(sheet, typed)), NewStatement)
            async with self._parts.ledger.snapshot() as connection:
                return await close.preview(connection, self._parts.clock.now_ms(), wish)
        except InvalidField as error:
            raise payout_forms.of_fields(error) from None

    def _form(
        self,
        reader: Reader,
        sheet: Sheet,
        typed: Mapping[str, str],
        *,
        error: DniError | None = None,
        seen: PreviewView | None = None,
    ) -> Response:
        response = self._pages.render(
            "close.html",
            status=error.status if error else 200,
            reader=reader,
            sheet=sheet,
            written=typed,
            wrong=forms.wrong(sheet, typed, error) if error else Wrong(),
            seen=seen,
            money=payout_rows.cell,
            once=secrets.token_urlsafe(12),
        )
        if error is not None:
            response.headers["DNI-Reason"] = error.code
        return response

    async def _sums(self, principal: Principal) -> tuple[Sequence[BalanceView], Sequence[BilledView]]:
        """Of the sides that the reader may know."""
        async with self._parts.ledger.snapshot() as connection:
            earned = await balances.of_publishers(connection, principal) if principal.sees_payout else []
            bills = await balances.of_campaigns(connection, principal) if principal.sees_revenue else []
        return earned, bills

    async def _sheet(self, principal: Principal) -> Sheet:
        """Publishers that earned something."""
        async with self._parts.ledger.snapshot() as connection:
            earned = await balances.of_publishers(connection, principal)
        names = {one.publisher: one.publisher_name for one in earned}
        currencies = tuple(sorted({one.earned.currency for one in earned}))
        return Sheet(
            operation="close_statement",
            here="payouts",
            title="Close a period",
            button="Close it",
            action="/payouts/close",
            back=("/payouts", "Payouts"),
            fields=payout_forms.close(names, currencies),
        )
