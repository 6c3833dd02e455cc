"""Carrier accounts: the addresses to enter at the carrier, what was turned away and how to mend it, and the forms."""

import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.clock import from_rfc3339
from dni.dashboard import carrier_fields, forms, words
from dni.dashboard.carrier_fields import SPOKEN
from dni.dashboard.desk import Desk, Desks, Noun, done
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Field, Sheet, Wrong
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import Conflict, DniError, InvalidField, Unavailable
from dni.parts import Parts
from dni.telephony import carriers
from dni.telephony.accounts import KINDS
from dni.telephony.carriers import CarrierView
from dni.web.base_url import base_url

PATH = "/settings/carriers"
_LIMIT = 50
_REFUSALS = 50

# By the reason of a refusal, as docs/carriers.md explains them.
HINTS = {
    "missing_signature": "Somebody other than your carrier calls this address. You need do nothing, unless it is you.",
    "bad_signature": "Compare the address in this row with the one at the carrier: they must be equal, with https and "
    "without a slash at the end. If they are, what proves your carrier's calls is another one: enter it again here.",
    "stale_signature": "The request was sent again long after it was made, or this machine's clock is wrong: set it by "
    "a time server.",
    "wrong_account": "It is signed rightly, but the call came from another account, often a subaccount: enter that one "
    "here.",
}

_NAME = Field(name="name", label="Name", help="For your own lists.")
_DEFAULT = Field(
    name="default_destination",
    label="Calls to unknown numbers go to",
    kind="phone",
    empty="null",
    help="Where to connect a call whose number is in no pool and bound to no source. Empty: it is turned away.",
    placeholder="+1 415 555 0100",
)


class Carriers:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)
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
        new = f"{PATH}/new"
        return (
            Address(PATH, self.list, access="administer"),
            Address(new, self.new, self.create, "administer"),
            *(each for each in self._desks.addresses() if each.path != new),
            Address(f"{PATH}/{{id}}", self.one, access="administer"),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        cursor = request.query_params.get("cursor")
        async with self._parts.ledger.read() as connection:
            found, after = await carriers.page(connection, self._base(request), _LIMIT, cursor)
        return self._pages.render(
            "carriers.html",
            reader=reader,
            kinds=KINDS,
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
            kinds=KINDS,
            spoken=SPOKEN[view.kind],
            is_https=urlsplit(view.inbound_url).scheme == "https",
            refusals=[(one, words.span(max(0, now_ms - from_rfc3339(one.at))), HINTS.get(one.code)) for one in refused],
            cursor=cursor,
            older=after,
            done=done(request, "Carrier"),
        )

    async def new(self, request: Request, reader: Reader) -> Response:
        """`?kind=`: which carrier's words the form has."""
        return self._form(reader, carrier_fields.kind_of(request.query_params.get("kind")))

    async def create(self, request: Request, reader: Reader, sent: Form) -> Response:
        told = sent.get("kind", "")
        kind = carrier_fields.kind_of(told)
        try:
            made = await self._desk.run(request, reader, _sheet(kind), sent, shape=lambda body: {**body, "kind": told})
        except (InvalidField, Conflict, Unavailable) as error:
            return self._form(reader, kind, sent, error)
        return RedirectResponse(f"{PATH}/{made.id}?done=created", 303)

    def _form(
        self, reader: Reader, kind: str, sent: Mapping[str, str] | None = None, error: DniError | None = None
    ) -> Response:
        sheet = _sheet(kind)
        again = error is None or error.code != "idempotency_mismatch"
        response = self._pages.render(
            "carrier_form.html",
            status=error.status if error else 200,
            reader=reader,
            sheet=sheet,
            kind=kind,
            kinds=KINDS,
            written=forms.defaults(sheet) if sent is None else sent,
            wrong=forms.wrong(sheet, sent or {}, error) if error else Wrong(),
            once=(again and (sent or {}).get("once")) or secrets.token_urlsafe(12),
        )
        if error:
            response.headers["DNI-Reason"] = error.code
        return response

    async def _new(self, _reader: Reader) -> Sequence[Field]:
        return _sheet(carrier_fields.FIRST).fields

    async def _edit(self, _reader: Reader, view: CarrierView) -> Sequence[Field]:
        return _NAME, carrier_fields.account(view.kind), carrier_fields.new_proof(view.kind), _DEFAULT

    async def _view(self, request: Request, _reader: Reader) -> CarrierView:
        async with self._parts.ledger.read() as connection:
            return await carriers.one(connection, self._base(request), id_of(request, "carrier"))

    def _base(self, request: Request) -> str:
        return base_url(request.scope, request.headers, self._parts.settings)


def _sheet(kind: str) -> Sheet:
    return Sheet(
        operation="create_carrier",
        here="settings",
        title="New carrier",
        button="Create the carrier",
        action=f"{PATH}/new",
        back=(PATH, "Carriers"),
        fields=(_NAME, carrier_fields.account(kind), carrier_fields.proof(kind), _DEFAULT),
    )
