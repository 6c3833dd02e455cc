"""Carrier accounts: the addresses to enter at the carrier, what was turned away and how to mend it, and the forms."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from dni.clock import from_rfc3339
from dni.dashboard import words
from dni.dashboard.desk import Desks, Noun, done
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Choice, Field
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.parts import Parts
from dni.telephony import carriers
from dni.telephony.carriers import CarrierView
from dni.telephony.ports import PORTS
from dni.web.base_url import base_url

PATH = "/settings/carriers"
_LIMIT = 50
_REFUSALS = 50

# By the reason of a refusal, as docs/carriers.md explains them.
HINTS = {
    "missing_signature": "Somebody other than your carrier calls this address. You need do nothing, unless it is you.",
    "bad_signature": "Compare the address in this row with the one at the carrier: they must be equal, with https and "
    "without a slash at the end. If they are, the auth token is another one: enter it again here.",
    "wrong_account": "The auth token is right, but the call came from another account, often a subaccount: enter its "
    "account SID here.",
}

_NAME = Field(name="name", label="Name", help="For your own lists.")
_KIND = Field(
    name="kind",
    label="Carrier",
    kind="select",
    choices=tuple(Choice(kind, kind.capitalize()) for kind in PORTS),
    default=next(iter(PORTS)),
)
_SID = Field(
    name="account_sid",
    label="Account SID",
    help="At Twilio on the first page of the console; it begins with AC.",
    right="letters, digits, dots, hyphens and underscores only, as the carrier shows it",
)
_TOKEN = Field(
    name="auth_token",
    label="Auth token",
    kind="secret",
    help="At Twilio beside the account SID. It proves that a call comes from your carrier; it is never shown again.",
)
_DEFAULT = Field(
    name="default_destination",
    label="Calls to unknown numbers go to",
    kind="phone",
    empty="null",
    help="Where to connect a call whose number is in no pool and bound to no source. Empty: it is turned away.",
    placeholder="+1 415 555 0100",
)
_NEW_TOKEN = Field(
    name="auth_token",
    label="New auth token",
    kind="secret",
    empty="omit",
    help="Leave it empty to keep the present one.",
)


class Carriers:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desks = Desks(
            parts,
            pages,
            Noun(
                noun="carrier",
                here="settings",
                path=PATH,
                home=(PATH, "Carriers"),
                new=self._new,
                edit=self._edit,
                one=self._view,
                name=lambda view: str(view.name),
                takes=(
                    "Its calls are refused from now on: callers hear that the call failed. First point its numbers "
                    "somewhere else, at the carrier.",
                ),
                access="administer",
            ),
        )

    def addresses(self) -> Sequence[Address]:
        return (
            Address(PATH, self.list, access="administer"),
            *self._desks.addresses(),
            Address(f"{PATH}/{{id}}", self.one, access="administer"),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor = request.query_params.get("cursor")
        async with self._parts.ledger.read() as connection:
            found, after = await carriers.page(connection, self._base(request), _LIMIT, cursor)
        return self._pages.render(
            "carriers.html",
            reader=reader,
            carriers=found,
            cursor=cursor,
            older=after,
            done=done(request, "Carrier"),
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        view, cursor = await self._view(request, reader), request.query_params.get("cursor")
        now_ms = self._parts.clock.now_ms()
        async with self._parts.ledger.read() as connection:
            refused, after = await carriers.refusals(connection, view.id, _REFUSALS, cursor)
        return self._pages.render(
            "carrier.html",
            reader=reader,
            carrier=view,
            is_https=urlsplit(view.inbound_url).scheme == "https",
            refusals=[(one, words.span(max(0, now_ms - from_rfc3339(one.at))), HINTS.get(one.code)) for one in refused],
            cursor=cursor,
            older=after,
            done=done(request, "Carrier"),
        )

    async def _new(self, _reader: Reader) -> Sequence[Field]:
        return _NAME, _KIND, _SID, _TOKEN, _DEFAULT

    async def _edit(self, _reader: Reader, _view: CarrierView) -> Sequence[Field]:
        return _NAME, _SID, _NEW_TOKEN, _DEFAULT

    async def _view(self, request: Request, _reader: Reader) -> CarrierView:
        async with self._parts.ledger.read() as connection:
            return await carriers.one(connection, self._base(request), id_of(request, "carrier"))

    def _base(self, request: Request) -> str:
        return base_url(request.scope, request.headers, self._parts.settings)
