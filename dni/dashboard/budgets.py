"""Budgets of a campaign: what may be used of calls and money, what is used now, and the forms of one."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dni.access.model import Principal
from dni.campaign import campaigns
from dni.campaign.campaigns import CampaignView
from dni.dashboard import bringing, budget_form, budget_rows, destinations
from dni.dashboard.budget_rows import Row
from dni.dashboard.desk import Desk
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.parts import Parts
from dni.qualification import limits
from dni.qualification.limits import BudgetFilter, BudgetView

_MANY = 500
_DONE = {
    "added": "Budget created.",
    "changed": "Budget changed: it applies at once.",
    "deleted": "Budget deleted.",
}


async def listed(parts: Parts, principal: Principal, campaign: str) -> list[Row]:
    """As pages list them, of the campaign, its publishers and its destinations."""
    async with parts.ledger.read() as connection:
        now_ms, only = parts.clock.now_ms(), BudgetFilter(campaign=campaign)
        found, _ = await limits.page(connection, principal, now_ms, _MANY, only=only)
        names = await bringing.publishers_of(connection, principal, campaign)
    phones = {one.id: one.name for one in await destinations.of_campaign(parts, principal, campaign)}
    return budget_rows.rows(found, names, phones)


class Budgets:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/campaigns/{id}/budgets", self.list),
            Address("/campaigns/{id}/budgets/new", self.new, self.create, "write"),
            Address("/budgets/{id}/edit", self.edit, self.change, "write"),
            Address("/budgets/{id}/delete", self.ask, self.delete, "write"),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        campaign = await self._campaign(reader, id_of(request, "campaign"))
        return self._pages.render(
            "budgets.html",
            reader=reader,
            campaign=campaign,
            budgets=await listed(self._parts, reader.principal, campaign.id),
            done=_DONE.get(request.query_params.get("done", "")),
        )

    async def new(self, request: Request, reader: Reader) -> Response:
        campaign = await self._campaign(reader, id_of(request, "campaign"))
        return self._desk.show(reader, await self._new(reader, campaign), {"owner": budget_form.CAMPAIGN})

    async def create(self, request: Request, reader: Reader, sent: Form) -> Response:
        campaign = await self._campaign(reader, id_of(request, "campaign"))

        def shape(body: dict[str, Any]) -> dict[str, Any]:
            return {**budget_form.settings(body, campaign.currency), "campaign": campaign.id}

        sheet, back = await self._new(reader, campaign), _back(campaign, "added")
        return await self._desk.send(request, reader, sheet, sent, lambda _: back, shape=shape)

    async def edit(self, request: Request, reader: Reader) -> Response:
        view, campaign = await self._one(request, reader)
        written = budget_form.written(view.limits, campaign.currency)
        return self._desk.show(reader, await self._edit(reader, view, campaign), written)

    async def change(self, request: Request, reader: Reader, sent: Form) -> Response:
        view, campaign = await self._one(request, reader)

        def shape(body: dict[str, Any]) -> dict[str, Any]:
            return budget_form.settings(body, campaign.currency)

        sheet, back = await self._edit(reader, view, campaign), _back(campaign, "changed")
        return await self._desk.send(request, reader, sheet, sent, lambda _: back, wanted=view.id, shape=shape)

    async def ask(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, _away(*await self._one(request, reader)))

    async def delete(self, request: Request, reader: Reader, sent: Form) -> Response:
        view, campaign = await self._one(request, reader)
        back = _back(campaign, "deleted")
        return await self._desk.send(request, reader, _away(view, campaign), sent, lambda _: back, wanted=view.id)

    async def _new(self, reader: Reader, campaign: CampaignView) -> Sheet:
        async with self._parts.ledger.read() as connection:
            names = await bringing.publishers_of(connection, reader.principal, campaign.id)
        found = await destinations.of_campaign(self._parts, reader.principal, campaign.id)
        owner = budget_form.owner(names, {one.id: one.name for one in found})
        return Sheet(
            operation="create_budget",
            here="campaigns",
            title="New budget",
            button="Create the budget",
            action=f"/campaigns/{campaign.id}/budgets/new",
            back=(f"/campaigns/{campaign.id}/budgets", "Budgets"),
            fields=(owner, *budget_form.fields(campaign.currency, is_payout=False)),
            notes=(
                "A call takes of a budget when it is sent to a phone, and gives back what it does not use when it "
                "ends. What happens when one is used up, the campaign's routing says.",
            ),
        )

    async def _edit(self, reader: Reader, view: BudgetView, campaign: CampaignView) -> Sheet:
        rows = await listed(self._parts, reader.principal, campaign.id)
        name = next((row.name for row in rows if row.id == view.id), "budget")
        return Sheet(
            operation="change_budget",
            here="campaigns",
            title=f"Budget: {name}",
            button="Save",
            action=f"/budgets/{view.id}/edit",
            back=(f"/campaigns/{campaign.id}/budgets", "Budgets"),
            fields=budget_form.fields(campaign.currency, is_payout=view.publisher is not None),
        )

    async def _campaign(self, reader: Reader, wanted: str) -> CampaignView:
        async with self._parts.ledger.read() as connection:
            return await campaigns.one(connection, reader.principal, wanted)

    async def _one(self, request: Request, reader: Reader) -> tuple[BudgetView, CampaignView]:
        async with self._parts.ledger.read() as connection:
            now_ms = self._parts.clock.now_ms()
            view = await limits.one(connection, reader.principal, id_of(request, "budget"), now_ms)
            return view, await campaigns.one(connection, reader.principal, view.campaign)


def _away(view: BudgetView, campaign: CampaignView) -> Sheet:
    return Sheet(
        operation="delete_budget",
        here="campaigns",
        title="Delete the budget?",
        button="Delete it",
        action=f"/budgets/{view.id}/delete",
        back=(f"/campaigns/{campaign.id}/budgets", "Budgets"),
        notes=("It bounds nothing any more, from now on. What calls took of it is kept.",),
        takes_away=True,
    )


def _back(campaign: CampaignView, done: str) -> str:
    return f"/campaigns/{campaign.id}/budgets?done={done}"
