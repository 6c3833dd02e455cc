"""Disputes about what calls pay or are billed: the list, one with its decision, and the form that opens one."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access.model import Principal
from dni.call.search import one_call
from dni.call.views import CallView
from dni.dashboard import forms, payout_forms, payout_rows, words
from dni.dashboard.desk import Desk
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet, Wrong
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import Conflict, DniError, InvalidField, Unavailable
from dni.parts import Parts
from dni.payout import disputes
from dni.payout.disputes import DisputeFilter, DisputeView

_LIMIT = 50
_DONE = {
    "opened": "The dispute is open. It is decided by who runs this service.",
    "decided": "Decided.",
    "withdrawn": "Withdrawn.",
}
_SIDES = {"payout": "What the publisher is paid", "revenue": "What the advertiser is billed"}


class Disputes:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/disputes", self.list),
            Address("/calls/{id}/dispute", self.ask, self.open, "dispute"),
            Address("/disputes/{id}", self.one, self.decide),
            Address("/disputes/{id}/withdraw", self.sure, self.withdraw, "dispute"),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor, state = request.query_params.get("cursor"), request.query_params.get("state", "")
        owners, now_ms = await owners_of(self._parts, reader.principal), self._parts.clock.now_ms()
        only = DisputeFilter(state=state if state in payout_rows.STATES else None)  # type: ignore[arg-type]
        async with self._parts.ledger.read() as connection:
            found, after = await disputes.page(connection, reader.principal, _LIMIT, cursor, only)
        return self._pages.render(
            "disputes.html",
            reader=reader,
            rows=[payout_rows.dispute(one, owners.zone, now_ms) for one in found],
            states=[
                ("All", "/disputes", not only.state),
                *((badge.label, f"/disputes?state={name}", only.state == name) for name, badge in _badges()),
            ],
            state=only.state or "",
            cursor=cursor,
            older=after,
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        return await self._show(request, reader, await self._view(request, reader.principal))

    async def decide(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._view(request, reader.principal)
        currency = await self._currency(view)

        def shape(body: dict[str, Any]) -> dict[str, Any]:
            return payout_forms.decide(body, currency)

        try:
            sheet = _decision(view, currency)
            await self._desk.run(request, reader, sheet, sent, wanted=view.id, shape=shape)
        except (InvalidField, Conflict, Unavailable) as error:
            return await self._show(request, reader, view, sent, error)
        return RedirectResponse(f"/disputes/{view.id}?done=decided", 303)

    async def ask(self, request: Request, reader: Reader) -> Response:
        call = await self._call(request, reader.principal)
        return self._desk.show(reader, _opening(call, reader.principal))

    async def open(self, request: Request, reader: Reader, sent: Form) -> Response:
        call = await self._call(request, reader.principal)

        def made(view: DisputeView) -> str:
            return f"/disputes/{view.id}?done=opened"

        def shape(body: dict[str, Any]) -> dict[str, Any]:
            return {**body, "call": call.id}

        return await self._desk.send(request, reader, _opening(call, reader.principal), sent, made, shape=shape)

    async def sure(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, _withdrawal(await self._view(request, reader.principal)))

    async def withdraw(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._view(request, reader.principal)
        where = f"/disputes/{view.id}?done=withdrawn"
        return await self._desk.send(request, reader, _withdrawal(view), sent, lambda _: where, wanted=view.id)

    async def _show(
        self,
        request: Request,
        reader: Reader,
        view: DisputeView,
        sent: Form | None = None,
        error: DniError | None = None,
    ) -> Response:
        owners, now_ms = await owners_of(self._parts, reader.principal), self._parts.clock.now_ms()
        sheet = _decision(view, await self._currency(view))
        response = self._pages.render(
            "dispute.html",
            status=error.status if error else 200,
            reader=reader,
            owners=owners,
            view=view,
            row=payout_rows.dispute(view, owners.zone, now_ms),
            call=await one_call(self._parts.ledger, reader.principal, view.call),
            number=words.number,
            sheet=sheet,
            written=sent or {},
            wrong=forms.wrong(sheet, sent or {}, error) if error else Wrong(),
            is_mine=view.by == reader.principal.name and reader.principal.may_dispute,
            done=_DONE.get(request.query_params.get("done", "")),
        )
        if error is not None:
            response.headers["DNI-Reason"] = error.code
        return response

    async def _view(self, request: Request, principal: Principal) -> DisputeView:
        async with self._parts.ledger.read() as connection:
            return await disputes.one(connection, principal, id_of(request, "dispute"))

    async def _call(self, request: Request, principal: Principal) -> CallView:
        return await one_call(self._parts.ledger, principal, id_of(request, "call"))

    async def _currency(self, view: DisputeView) -> str:
        campaign = self._parts.catalog.now.campaigns.get(view.campaign)
        return campaign.currency if campaign else "USD"


def _badges() -> Sequence[tuple[str, words.Badge]]:
    return tuple(payout_rows.STATES.items())


def _decision(view: DisputeView, currency: str) -> Sheet:
    return Sheet(
        operation="decide_dispute",
        here="payouts",
        title="Decide it",
        button="Decide it",
        action=f"/disputes/{view.id}",
        back=("/disputes", "Disputes"),
        fields=payout_forms.decision(currency),
    )


def _opening(call: CallView, principal: Principal) -> Sheet:
    own = {"publisher": "payout", "advertiser": "revenue"}.get(principal.role)
    caller = words.number(call.caller, call.tracking_number) if call.caller else "a withheld number"
    return Sheet(
        operation="open_dispute",
        here="payouts",
        title="Dispute what a call pays" if own != "revenue" else "Dispute what a call is billed",
        button="Open the dispute",
        action=f"/calls/{call.id}/dispute",
        back=(f"/calls/{call.id}", f"Call from {caller}"),
        fields=payout_forms.dispute({own: _SIDES[own]} if own else _SIDES),
    )


def _withdrawal(view: DisputeView) -> Sheet:
    return Sheet(
        operation="withdraw_dispute",
        here="payouts",
        title="Withdraw the dispute?",
        button="Withdraw it",
        action=f"/disputes/{view.id}/withdraw",
        back=(f"/disputes/{view.id}", "The dispute"),
        notes=("It ends, and nothing changes. Another one may be opened later.",),
        takes_away=True,
    )
