"""A page of our own with a tag's snippet and its number on it, to see it swapped where no other page is at hand.

It is served to who may write, and works once the tag allows this service's own origin: an offer that changes the tag.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access import acts
from dni.api.write import acting
from dni.campaign import declare
from dni.dashboard import words
from dni.dashboard.door import Reader, id_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.demo import command
from dni.demo import page as demo
from dni.parts import Parts
from dni.settings import Settings
from dni.tag import origins, tags
from dni.tag.model import TagChange
from dni.web.base_url import base_url
from dni.web.frame import page_headers


class TestPage:
    __test__ = False  # for pytest: it is no test

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (Address("/tags/{id}/test", self.page, self.allow, "write"),)

    async def page(self, request: Request, reader: Reader) -> Response:
        base, here = base_url(request.scope, request.headers, self._parts.settings), self._here(request)
        async with self._parts.ledger.read() as connection:
            tag = await tags.one(connection, reader.principal, base, id_of(request, "tag"))
        campaign = self._parts.catalog.now.campaigns.get(tag.campaign)
        response = self._pages.render(
            "test_page.html",
            reader=reader,
            tag=tag,
            script=f"{base}/t/{tag.key}.js",
            name=campaign.name if campaign else tag.name,
            allowed=origins.permits(tag.origins, here),
            here=here,
            numbers=[(words.number(target), target) for target in tag.targets[:5]],
            command=command.ring(self._parts.settings, tag.targets[0]),
            visits=demo.VISITS,
        )
        page_headers(response.headers, scripts_of=base if base != here else "")
        return response

    async def allow(self, request: Request, reader: Reader, _fields: Form) -> Response:
        """This service's own origin becomes one of the tag's."""
        wanted, here = id_of(request, "tag"), self._here(request)
        async with acting(self._parts, reader.principal, "change_tag", wanted) as (connection, act):
            row = await tags.row(connection, wanted, reader.principal)
            act.nothing = here in row["origins"]
            if not act.nothing:
                change = TagChange(origins=[*row["origins"], here])
                await declare.change_tag(connection, self._parts.clock.now_ms(), wanted, change)
                act.told = acts.told(change, {"origins": row["origins"]})
        return RedirectResponse(f"/tags/{wanted}/test?{demo.VISITS[0][1]}", 303)

    def _here(self, request: Request) -> str:
        return own_origin(request, self._parts.settings)


def own_origin(request: Request, settings: Settings) -> str:
    """The origin of this very page, as the reader's browser names it."""
    public = settings.public_url
    if public and urlsplit(public).netloc == request.headers.get("host"):
        return public
    return base_url(request.scope, request.headers, msgspec.structs.replace(settings, public_url=None))
