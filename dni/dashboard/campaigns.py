"""Campaigns: the list, one with all that belongs to it, and its forms."""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dni.access.model import Principal
from dni.campaign import campaigns, publishers
from dni.campaign.campaigns import CampaignView
from dni.dashboard import budgets, destinations, forms, routing_words, terms_draft, terms_words, zones
from dni.dashboard.desk import Desks, Noun, done
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Field
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.parts import Parts
from dni.pool import numbers, pools
from dni.pool.numbers import NumberFilter
from dni.pool.pools import PoolFilter
from dni.qualification import terms
from dni.qualification.model import Terms
from dni.tag import tags
from dni.tag.tags import TagFilter, TagView

_LIMIT = 50
# Of each kind on a campaign's page.
_SHOWN = 100
_NAMES = 500
_DONE = {
    "destination_added": "Destination created.",
    "destination_changed": "Destination changed.",
    "destination_deleted": "Destination deleted.",
}

_NAME = Field(name="name", label="Name", help="What your reports call it, such as the offer or the client.")
_DESTINATION = Field(
    name="destination",
    label="Calls go to",
    kind="phone",
    help="The phone that answers: callers are connected to it. It cannot be one of your tracking numbers.",
    placeholder="+1 415 555 0100",
)
_CURRENCY = Field(
    name="currency",
    label="Currency",
    help="Three letters, such as USD. It cannot be changed later.",
    default="USD",
)

_ADVERTISER = Field(
    name="advertiser",
    label="Advertiser",
    empty="null",
    help="Whose offer it is, written alike in all of its campaigns: terms may call a telephone that rang another one "
    "of them a repeat.",
)


class Row(msgspec.Struct, frozen=True):
    campaign: CampaignView
    tags: list[TagView]


class Campaigns:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desks = Desks(
            parts,
            pages,
            Noun(
                noun="campaign",
                here="campaigns",
                path="/campaigns",
                home=("/campaigns", "Campaigns"),
                new=self._new,
                edit=self._edit,
                one=self._view,
                name=lambda view: str(view.name),
                takes=(
                    "It leaves the lists, and nobody can use it any more. Its calls stay in your reports.",
                    "This works only when no tag, pool or number belongs to it.",
                ),
            ),
        )

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/campaigns", self.list),
            *self._desks.addresses(),
            Address("/campaigns/{id}", self.one),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor, principal = request.query_params.get("cursor"), reader.principal
        async with self._parts.ledger.read() as connection:
            found, after = await campaigns.page(connection, principal, _LIMIT, cursor)
            placed, _ = await tags.page(connection, principal, "", _NAMES)
        rows = [Row(each, [tag for tag in placed if tag.campaign == each.id]) for each in found]
        return self._pages.render(
            "campaigns.html", reader=reader, rows=rows, cursor=cursor, older=after, done=done(request, "Campaign")
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        principal, wanted = reader.principal, id_of(request, "campaign")
        async with self._parts.ledger.read() as connection:
            view = await campaigns.one(connection, principal, wanted)
            placed, _ = await tags.page(connection, principal, "", _SHOWN, only=TagFilter(campaign=wanted))
            own, _ = await pools.briefs(connection, principal, _SHOWN, only=PoolFilter(campaign=wanted))
            static = NumberFilter(kind="static", campaign=wanted)
            bound, more_numbers = await numbers.page(connection, principal, _SHOWN, only=static)
            names = {each.id: each.name for each in (await publishers.page(connection, principal, _NAMES))[0]}
            routing = await campaigns.routing(connection, principal, wanted) if principal.may_tell else None
            now_ms = self._parts.clock.now_ms()
            paid = (await terms.present(connection, principal, wanted, principal.publisher, now_ms)).terms
        bring = dict.fromkeys(one for one in (*(t.publisher for t in placed), *(n.publisher for n in bound)) if one)
        return self._pages.render(
            "campaign.html",
            reader=reader,
            campaign=view,
            tags=placed,
            pools=own,
            numbers=bound,
            more_numbers=more_numbers is not None,
            publishers={each: names.get(each, each) for each in bring},
            names=names,
            terms=_summed(paid, view, principal) if paid else "",
            budgets=await budgets.listed(self._parts, principal, wanted),
            routing=routing_words.summary(routing) if routing and routing.steps else None,
            destinations=await destinations.listed(self._parts, principal, view) if principal.may_tell else None,
            done=done(request, "Campaign") or _DONE.get(request.query_params.get("done", "")),
        )

    async def _new(self, reader: Reader) -> Sequence[Field]:
        async with self._parts.ledger.read() as connection:
            newest, _ = await campaigns.page(connection, reader.principal, 1)
        return _NAME, _DESTINATION, _zone(newest[0].timezone if newest else ""), _CURRENCY, _ADVERTISER

    async def _edit(self, _reader: Reader, view: CampaignView) -> Sequence[Field]:
        return _NAME, _DESTINATION, _zone(view.timezone), _ADVERTISER

    async def _view(self, request: Request, reader: Reader) -> CampaignView:
        async with self._parts.ledger.read() as connection:
            return await campaigns.one(connection, reader.principal, id_of(request, "campaign"))


def _summed(paid: Terms, view: CampaignView, principal: Principal) -> str:
    seen = tuple(side for side in terms_draft.SIDES if getattr(principal, f"sees_{side}"))
    return forms.sentence(terms_words.summary(paid, view.currency, seen))


def _zone(present: str) -> Field:
    return Field(
        name="timezone",
        label="Time zone",
        kind="select",
        help="Days and hours of its reports are those of this place.",
        choices=zones.choices(present),
        default=present,
    )
