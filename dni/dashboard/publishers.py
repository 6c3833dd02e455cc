"""Publishers: the list, one with all that it brings, and its forms."""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dni.campaign import campaigns, publishers
from dni.campaign.publishers import PublisherView
from dni.dashboard.desk import Desks, Noun, done
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Field
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.parts import Parts
from dni.pool import numbers, pools
from dni.pool.numbers import NumberFilter
from dni.pool.pools import PoolFilter
from dni.tag import tags
from dni.tag.tags import TagFilter, TagView

_LIMIT = 50
# Of each kind on a publisher's page.
_SHOWN = 100
_NAMES = 500

_NAME = Field(name="name", label="Name", help="Who brings the visitors: an affiliate, an agency, a site.")


class Row(msgspec.Struct, frozen=True):
    publisher: PublisherView
    tags: list[TagView]
    campaigns: dict[str, str]


class Publishers:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desks = Desks(
            parts,
            pages,
            Noun(
                noun="publisher",
                here="publishers",
                path="/publishers",
                home=("/publishers", "Publishers"),
                new=self._fields,
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
            Address("/publishers", self.list),
            *self._desks.addresses(),
            Address("/publishers/{id}", self.one),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor, principal = request.query_params.get("cursor"), reader.principal
        async with self._parts.ledger.read() as connection:
            found, after = await publishers.page(connection, principal, _LIMIT, cursor)
            placed, _ = await tags.page(connection, principal, "", _NAMES)
            names = {each.id: each.name for each in (await campaigns.page(connection, principal, _NAMES))[0]}
        rows = []
        for each in found:
            own = [tag for tag in placed if tag.publisher == each.id]
            rows.append(Row(each, own, {tag.campaign: names.get(tag.campaign, tag.campaign) for tag in own}))
        return self._pages.render(
            "publishers.html", reader=reader, rows=rows, cursor=cursor, older=after, done=done(request, "Publisher")
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        principal, wanted = reader.principal, id_of(request, "publisher")
        async with self._parts.ledger.read() as connection:
            view = await publishers.one(connection, principal, wanted)
            placed, _ = await tags.page(connection, principal, "", _SHOWN, only=TagFilter(publisher=wanted))
            own, _ = await pools.briefs(connection, principal, _SHOWN, only=PoolFilter(publisher=wanted))
            static = NumberFilter(kind="static", publisher=wanted)
            bound, more_numbers = await numbers.page(connection, principal, _SHOWN, only=static)
            names = {each.id: each.name for each in (await campaigns.page(connection, principal, _NAMES))[0]}
        of = dict.fromkeys(one for one in (*(t.campaign for t in placed), *(n.campaign for n in bound)) if one)
        return self._pages.render(
            "publisher.html",
            reader=reader,
            publisher=view,
            tags=placed,
            pools=own,
            numbers=bound,
            more_numbers=more_numbers is not None,
            campaigns={each: names.get(each, each) for each in of},
            names=names,
            done=done(request, "Publisher"),
        )

    async def _fields(self, _reader: Reader) -> Sequence[Field]:
        return (_NAME,)

    async def _edit(self, _reader: Reader, _view: PublisherView) -> Sequence[Field]:
        return (_NAME,)

    async def _view(self, request: Request, reader: Reader) -> PublisherView:
        async with self._parts.ledger.read() as connection:
            return await publishers.one(connection, reader.principal, id_of(request, "publisher"))
