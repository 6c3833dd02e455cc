"""Destinations of a campaign: the list on its page, and the forms of one."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dni.access.model import Principal
from dni.campaign import campaigns
from dni.campaign.campaigns import CampaignView
from dni.dashboard import destination_form, forms
from dni.dashboard.desk import Desk
from dni.dashboard.destination_form import Row
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import Unavailable
from dni.parts import Parts
from dni.routing import destinations, search
from dni.routing.destinations import DestinationFilter, DestinationView

MOST = 500
"""Of a campaign, in lists and to choose from."""


async def of_campaign(parts: Parts, principal: Principal, campaign: str) -> list[DestinationView]:
    """By name; none for who sees none."""
    async with parts.ledger.read() as connection:
        found, _ = await destinations.page(connection, principal, MOST, only=DestinationFilter(campaign=campaign))
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


async def listed(parts: Parts, principal: Principal, campaign: CampaignView) -> list[Row]:
    """As the campaign's page lists them, with what they do now."""
    found = await of_campaign(parts, principal, campaign.id)
    known = [one for each in found if (one := parts.catalog.now.destinations.get(each.id))]
    try:
        async with parts.ledger.read() as connection:
            busy = await connection.run_sync(search.busy, known, parts.clock.now_ms(), campaign.timezone)
    except Unavailable:
        busy = {}
    return [destination_form.row(one, busy.get(one.id)) for one in found]


class Destinations:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/campaigns/{id}/destinations/new", self.new, self.create, "write"),
            Address("/destinations/{id}/edit", self.edit, self.change, "write"),
            Address("/destinations/{id}/delete", self.ask, self.delete, "write"),
        )

    async def new(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, _new(await self._campaign(reader, id_of(request, "campaign"))))

    async def create(self, request: Request, reader: Reader, sent: Form) -> Response:
        campaign = await self._campaign(reader, id_of(request, "campaign"))

        def shape(body: dict[str, Any]) -> dict[str, Any]:
            return {**destination_form.settings(body), "campaign": campaign.id}

        back = _back(campaign, "added")
        return await self._desk.send(request, reader, _new(campaign), sent, lambda _: back, shape=shape)

    async def edit(self, request: Request, reader: Reader) -> Response:
        view, campaign = await self._one(request, reader)
        sheet = _edit(view, campaign)
        return self._desk.show(reader, sheet, forms.written(sheet.fields, view))

    async def change(self, request: Request, reader: Reader, sent: Form) -> Response:
        view, campaign = await self._one(request, reader)
        back = _back(campaign, "changed")
        sheet, shape = _edit(view, campaign), destination_form.settings
        return await self._desk.send(request, reader, sheet, sent, lambda _: back, wanted=view.id, shape=shape)

    async def ask(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, _away(*await self._one(request, reader)))

    async def delete(self, request: Request, reader: Reader, sent: Form) -> Response:
        view, campaign = await self._one(request, reader)
        gone = _back(campaign, "deleted")
        return await self._desk.send(request, reader, _away(view, campaign), sent, lambda _: gone, wanted=view.id)

    async def _campaign(self, reader: Reader, wanted: str) -> CampaignView:
        async with self._parts.ledger.read() as connection:
            return await campaigns.one(connection, reader.principal, wanted)

    async def _one(self, request: Request, reader: Reader) -> tuple[DestinationView, CampaignView]:
        async with self._parts.ledger.read() as connection:
            view = await destinations.one(connection, reader.principal, id_of(request, "destination"))
        return view, await self._campaign(reader, view.campaign)


def _new(campaign: CampaignView) -> Sheet:
    return Sheet(
        operation="create_destination",
        here="campaigns",
        title="New destination",
        button="Create the destination",
        action=f"/campaigns/{campaign.id}/destinations/new",
        back=(f"/campaigns/{campaign.id}", campaign.name),
        fields=destination_form.fields(campaign.timezone),
        notes=("It gets calls when a step of the campaign's routing connects to it.",),
    )


def _edit(view: DestinationView, campaign: CampaignView) -> Sheet:
    return Sheet(
        operation="change_destination",
        here="campaigns",
        title=f"Edit {view.name}",
        button="Save",
        action=f"/destinations/{view.id}/edit",
        back=(f"/campaigns/{campaign.id}", campaign.name),
        fields=destination_form.fields(campaign.timezone, view.timezone or ""),
    )


def _away(view: DestinationView, campaign: CampaignView) -> Sheet:
    return Sheet(
        operation="delete_destination",
        here="campaigns",
        title=f"Delete {view.name}?",
        button="Delete it",
        action=f"/destinations/{view.id}/delete",
        back=(f"/campaigns/{campaign.id}", campaign.name),
        notes=(
            "It gets no more calls. Those that it had stay in your reports.",
            "This works only when no step of the campaign's routing names it.",
        ),
        takes_away=True,
    )


def _back(campaign: CampaignView, done: str) -> str:
    return f"/campaigns/{campaign.id}?done=destination_{done}"
