"""Accounts: people who sign in with e-mail and password. No mail is sent: the link for a new password is shown once."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access import accounts, audit
from dni.access.accounts import AccountView
from dni.access.audit import AuditFilter
from dni.clock import from_rfc3339
from dni.dashboard import act_words, words
from dni.dashboard.audit import names_of
from dni.dashboard.desk import Desk, Desks, Noun, done
from dni.dashboard.door import Reader, id_of
from dni.dashboard.fields import walls
from dni.dashboard.forms import Choice, Field, Sheet
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.dashboard.words import Badge
from dni.parts import Parts

PATH = "/settings/accounts"
_LIMIT, _ACTS = 100, 20

STATES = {
    "invited": Badge("invited", "warn"),
    "active": Badge("active", "good"),
    "disabled": Badge("disabled", "calm"),
}
ROLES = {
    "admin": "Admin: everything, people and carriers too",
    "marketer": "Marketer: reads and changes everything but people and carriers",
    "advertiser": "Advertiser: reads one campaign, tells what became of its calls",
    "publisher": "Publisher: reads what it brought",
}


class Accounts:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)
        self._desks = Desks(
            parts,
            pages,
            Noun(
                noun="account",
                here="settings",
                path=PATH,
                home=(PATH, "People"),
                new=self._new,
                edit=self._edit,
                one=self._view,
                name=lambda view: str(view.name),
                takes=(
                    "Who holds it is signed out at once. Its e-mail address and name are forgotten; what it did stays "
                    "in the log, under its id. To keep who it was, disable it instead.",
                ),
                intro=("You get a link to hand on, with which the person chooses a password. No mail is sent.",),
                made=self._made,
                access="administer",
            ),
        )

    def addresses(self) -> Sequence[Address]:
        one = f"{PATH}/{{id}}"
        return (
            Address(PATH, self.list, access="administer"),
            *self._desks.addresses(),
            Address(f"{one}/reset", self.ask_reset, self.reset, access="administer"),
            Address(f"{one}/disable", self.back, self.disable, access="administer"),
            Address(f"{one}/enable", self.back, self.enable, access="administer"),
            Address(one, self.one, access="administer"),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor = request.query_params.get("cursor")
        owners = await owners_of(self._parts, reader.principal)
        async with self._parts.ledger.read() as connection:
            found, after = await accounts.page(connection, _LIMIT, cursor)
        return self._pages.render(
            "accounts.html",
            reader=reader,
            accounts=found,
            states=STATES,
            owners=owners,
            cursor=cursor,
            older=after,
            done=done(request, "Account"),
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        view, now_ms = await self._view(request, reader), self._parts.clock.now_ms()
        owners = await owners_of(self._parts, reader.principal)
        async with self._parts.ledger.read() as connection:
            own, _ = await audit.page(connection, AuditFilter(by=view.id), _ACTS)
            about, _ = await audit.page(connection, AuditFilter(object=view.id), _ACTS)
            names = await names_of(connection, [*own, *about])
        newest = sorted({one.id: one for one in (*own, *about)}.values(), key=lambda one: one.id, reverse=True)
        ends_ms = from_rfc3339(view.invitation_ends_at) if view.invitation_ends_at else 0
        return self._pages.render(
            "account.html",
            reader=reader,
            account=view,
            state=STATES[view.state],
            owners=owners,
            acts=[act_words.line(one, owners.zone, now_ms, names) for one in newest[:_ACTS]],
            link_ends=words.moment(ends_ms, owners.zone, now_ms) if ends_ms > now_ms else None,
            zone=owners.zone.key,
            done=done(request, "Account"),
        )

    async def ask_reset(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, _reset(await self._view(request, reader)))

    async def reset(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._view(request, reader)
        return await self._desk.send(
            request, reader, _reset(view), sent, lambda made: self._made(reader, made), wanted=view.id
        )

    async def disable(self, request: Request, reader: Reader, sent: Form) -> Response:
        return await self._set(request, reader, sent, disabled=True)

    async def enable(self, request: Request, reader: Reader, sent: Form) -> Response:
        return await self._set(request, reader, sent, disabled=False)

    async def back(self, request: Request, reader: Reader) -> Response:
        """Who comes to a form's address by a link or after signing in."""
        return RedirectResponse(f"{PATH}/{(await self._view(request, reader)).id}", 303)

    async def _set(self, request: Request, reader: Reader, sent: Form, *, disabled: bool) -> Response:
        view = await self._view(request, reader)
        sheet = Sheet(
            operation="change_account",
            here="settings",
            title=view.name,
            button="",
            action=f"{PATH}/{view.id}/edit",
            back=(f"{PATH}/{view.id}", view.name),
        )
        where = f"{PATH}/{view.id}?done=changed"
        return await self._desk.send(
            request, reader, sheet, sent, lambda _: where, wanted=view.id, shape=lambda _: {"disabled": disabled}
        )

    def _made(self, reader: Reader, view: AccountView) -> Response:
        """No redirect: the link is in this answer only. Without one the form was sent a second time."""
        return self._pages.render("account_link.html", reader=reader, account=view)

    async def _new(self, reader: Reader) -> Sequence[Field]:
        return await self._fields(reader)

    async def _edit(self, reader: Reader, view: AccountView) -> Sequence[Field]:
        return await self._fields(reader, view.campaign, view.publisher)

    async def _fields(
        self, reader: Reader, campaign: str | None = None, publisher: str | None = None
    ) -> Sequence[Field]:
        owners = await owners_of(self._parts, reader.principal)
        return (
            Field(name="email", label="E-mail", help="To sign in with."),
            Field(name="name", label="Name", empty="omit", help="As it stands beside what the person does."),
            Field(
                name="role",
                label="Role",
                kind="select",
                choices=tuple(Choice(role, told) for role, told in ROLES.items()),
            ),
            *walls(owners.campaigns, owners.publishers, campaign, publisher),
            Field(
                name="callers",
                label="A publisher sees callers' numbers in full",
                kind="checkbox",
                empty="omit",
                help="Else the last four digits are hidden from it. Other roles see them anyway.",
            ),
        )

    async def _view(self, request: Request, _reader: Reader) -> AccountView:
        async with self._parts.ledger.read() as connection:
            return await accounts.one(connection, id_of(request, "account"))


def _reset(view: AccountView) -> Sheet:
    return Sheet(
        operation="reset_account",
        here="settings",
        title=f"New link for {view.name}?",
        button="Make a new link",
        action=f"{PATH}/{view.id}/reset",
        back=(f"{PATH}/{view.id}", view.name),
        notes=(
            "The present password ends, with every sign-in of the account; an earlier link is none any more. You get a "
            "link to hand on, with which the person chooses a new password within seven days.",
        ),
    )
