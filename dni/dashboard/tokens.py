"""Tokens: who may sign in and use the API, in which role, within which walls. A token's text is shown once."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from dni.access import tokens
from dni.access.tokens import TokenView
from dni.dashboard.desk import Desks, Noun, done
from dni.dashboard.door import Reader, id_of
from dni.dashboard.fields import walls
from dni.dashboard.forms import Choice, Field
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.parts import Parts

PATH = "/settings/tokens"
_LIMIT = 100

ROLES = {
    "admin": "Admin: everything, carriers and tokens too",
    "marketer": "Marketer: reads and changes everything but carriers and tokens",
    "advertiser": "Advertiser: reads one campaign",
    "publisher": "Publisher: reads what it brought, callers' numbers hidden",
}


class Tokens:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desks = Desks(
            parts,
            pages,
            Noun(
                noun="token",
                here="settings",
                path=PATH,
                home=(PATH, "Tokens"),
                new=self._new,
                one=self._view,
                name=lambda view: str(view.name),
                away="revoke",
                takes=("Who holds it is signed out at once, and the API refuses it. This cannot be undone.",),
                intro=("Give it to one program, so that you can take it back alone. People have accounts.",),
                made=self._made,
                access="administer",
            ),
        )

    def addresses(self) -> Sequence[Address]:
        return (Address(PATH, self.list, access="administer"), *self._desks.addresses())

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor = request.query_params.get("cursor")
        owners = await owners_of(self._parts, reader.principal)
        async with self._parts.ledger.read() as connection:
            found, after = await tokens.page(connection, _LIMIT, cursor)
        return self._pages.render(
            "tokens.html",
            reader=reader,
            tokens=found,
            owners=owners,
            cursor=cursor,
            older=after,
            done=done(request, "Token"),
        )

    def _made(self, reader: Reader, view: TokenView) -> Response:
        """No redirect: the text is in this answer only. Without one the form was sent a second time."""
        return self._pages.render("token.html", reader=reader, token=view)

    async def _new(self, reader: Reader) -> Sequence[Field]:
        owners = await owners_of(self._parts, reader.principal)
        return (
            Field(name="name", label="Name", empty="omit", help="Who or what uses it, such as Mary or the CRM."),
            Field(
                name="role",
                label="Role",
                kind="select",
                choices=tuple(Choice(role, told) for role, told in ROLES.items()),
                help="What its holder may do.",
            ),
            *walls(owners.campaigns, owners.publishers),
        )

    async def _view(self, request: Request, _reader: Reader) -> TokenView:
        async with self._parts.ledger.read() as connection:
            return await tokens.one(connection, id_of(request, "token"))
