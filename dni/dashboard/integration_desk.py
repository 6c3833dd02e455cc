"""The forms of an integration: which kind, what it needs, what it is told. A secret that was made is shown once."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.dashboard import delivery_rows, forms, integration_form, integration_words
from dni.dashboard.desk import Desk
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet, Wrong
from dni.dashboard.integration_form import WEBHOOK
from dni.dashboard.integration_tries import calls_of
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import Conflict, DniError, InvalidField, NotFound, Unavailable
from dni.outbound import endpoints
from dni.outbound.endpoints import EndpointView
from dni.outbound.kinds import KINDS
from dni.outbound.model import Kind
from dni.outbound.presets import PRESETS, Preset
from dni.outbound.preview import Previewed
from dni.parts import Parts

_PATH = "/integrations"
_WITH_MACROS = ("postback", "hubspot", "salesforce")


class IntegrationDesk:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        """To stand before the address of one integration, which `new` would be an id for."""
        return (
            Address(f"{_PATH}/new", self.new, self.create, "connect"),
            Address(f"{_PATH}/{{id}}/edit", self.edit, self.change, "connect"),
            Address(f"{_PATH}/{{id}}/rotate", self.ask_rotate, self.rotate, "connect"),
        )

    async def new(self, request: Request, reader: Reader) -> Response:
        """Without `?kind=` the page where one is chosen."""
        kind = KINDS.get(request.query_params.get("kind", ""))
        if kind is None:
            shelves = integration_words.shelves()
            return self._pages.render(
                "integration_kinds.html", reader=reader, shelves=shelves, says=integration_words.SAYS
            )
        return await self._form(reader, kind, None)

    async def create(self, request: Request, reader: Reader, sent: Form) -> Response:
        kind = KINDS.get(sent.get("kind", ""))
        if kind is None:
            return RedirectResponse(f"{_PATH}/new", 303)
        if sent.get("act"):
            return await self._acted(request, reader, kind, None, sent)
        sheet, _ = await self._sheet(reader, kind, None)

        def shape(told: dict[str, Any]) -> dict[str, Any]:
            body = integration_form.body(kind, told)
            return body if kind.name == WEBHOOK else {"kind": kind.name, "secrets": {}, **body}

        try:
            made = await self._desk.run(request, reader, sheet, sent, shape=shape)
        except (InvalidField, Conflict, Unavailable) as error:
            return await self._form(reader, kind, None, sent, error)
        if kind.name == WEBHOOK:
            return self._secret(reader, made.id, made.name, made.secret, is_new=True)
        return RedirectResponse(f"{_PATH}/{made.id}?done=created", 303)

    async def edit(self, request: Request, reader: Reader) -> Response:
        view = await self._view(request)
        return await self._form(reader, KINDS[view.kind], view)

    async def change(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._view(request)
        kind = KINDS[view.kind]
        if sent.get("act"):
            return await self._acted(request, reader, kind, view, sent)
        sheet, _ = await self._sheet(reader, kind, view)
        try:
            await self._desk.run(
                request, reader, sheet, sent, wanted=view.id, shape=lambda told: integration_form.body(kind, told)
            )
        except (InvalidField, Conflict, Unavailable) as error:
            return await self._form(reader, kind, view, sent, error)
        return RedirectResponse(f"{_PATH}/{view.id}?done=changed", 303)

    async def ask_rotate(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, _rotation(await self._view(request, WEBHOOK)))

    async def rotate(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._view(request, WEBHOOK)
        sheet = _rotation(view)
        try:
            made = await self._desk.run(request, reader, sheet, sent, wanted=view.id)
        except (Conflict, Unavailable) as error:
            return await self._desk.refuse(reader, sheet, sent, error)
        return self._secret(reader, view.id, view.name, made.secret, is_new=False)

    def _secret(self, reader: Reader, wanted: str, name: str, secret: str | None, *, is_new: bool) -> Response:
        """No redirect: the secret is in this answer only. Without one the form was sent a second time."""
        return self._pages.render(
            "webhook_secret.html", reader=reader, id=wanted, name=name, secret=secret, is_new=is_new
        )

    async def _acted(
        self, request: Request, reader: Reader, kind: Kind, view: EndpointView | None, sent: Form
    ) -> Response:
        """A button that saves nothing: the form again, with what was typed."""
        preset = next((one for one in PRESETS if sent["act"] == f"preset:{one.platform}"), None)
        if preset and kind.name == "postback":
            return await self._form(reader, kind, view, integration_form.filled(sent, preset), preset=preset)
        if sent["act"] != "preview" or kind.name == WEBHOOK:
            return await self._form(reader, kind, view, sent)
        sheet, form = await self._sheet(reader, kind, view)
        asked = msgspec.structs.replace(sheet, operation="preview_integration", fields=form.previewed)

        def shape(told: dict[str, Any]) -> dict[str, Any]:
            return {"kind": kind.name, **integration_form.previewed(kind, told)}

        try:
            found = await self._desk.run(request, reader, asked, sent, shape=shape)
        except (InvalidField, Conflict, Unavailable) as error:
            return await self._form(reader, kind, view, sent, error)
        return await self._form(reader, kind, view, sent, preview=found)

    async def _form(
        self,
        reader: Reader,
        kind: Kind,
        view: EndpointView | None,
        sent: Mapping[str, str] | None = None,
        error: DniError | None = None,
        preset: Preset | None = None,
        preview: Previewed | None = None,
    ) -> Response:
        sheet, form = await self._sheet(reader, kind, view)
        fresh = (
            integration_form.written(kind, msgspec.to_builtins(view)) if view else integration_form.blank(kind, form)
        )
        again = error is None or error.code != "idempotency_mismatch"
        response = self._pages.render(
            "integration_form.html",
            status=error.status if error else 200,
            reader=reader,
            sheet=sheet,
            form=form,
            kind=kind,
            says=integration_words.SAYS.get(kind.name, ""),
            is_new=view is None,
            presets=PRESETS if kind.name == "postback" else (),
            preset=preset,
            preview=preview,
            preview_body=preview and preview.request and delivery_rows.pretty(preview.request.body),
            sentence=forms.sentence,
            macros=integration_words.macros() if kind.name in _WITH_MACROS else (),
            written=fresh if sent is None else sent,
            wrong=integration_form.wrong(sheet, sent or {}, error) if error else Wrong(),
            once=(again and (sent or {}).get("once")) or secrets.token_urlsafe(12),
        )
        if error:
            response.headers["DNI-Reason"] = error.code
        return response

    async def _sheet(
        self, reader: Reader, kind: Kind, view: EndpointView | None
    ) -> tuple[Sheet, integration_form.Form]:
        owners = await owners_of(self._parts, reader.principal)
        present = msgspec.to_builtins(view) if view else None
        calls = None if kind.name == WEBHOOK else await calls_of(self._parts, reader, None, None)
        form = integration_form.form(kind, owners.campaigns, owners.publishers, present, calls)
        where = f"{_PATH}/{view.id}" if view else _PATH
        return Sheet(
            operation=integration_form.operation("change" if view else "create", kind.name),
            here="integrations",
            title=f"Edit {view.name}" if view else f"New: {kind.label}",
            button="Save" if view else "Create it",
            action=f"{where}/edit" if view else f"{_PATH}/new",
            back=(where, view.name) if view else (f"{_PATH}/new", "All kinds"),
            fields=form.fields,
        ), form

    async def _view(self, request: Request, kind: str | None = None) -> EndpointView:
        """Raises NotFound."""
        async with self._parts.ledger.read() as connection:
            view = await endpoints.one(connection, id_of(request, "integration"))
        if kind not in (None, view.kind):
            raise NotFound("there is no such webhook")
        return view


def _rotation(view: EndpointView) -> Sheet:
    return Sheet(
        operation="rotate_webhook",
        here="integrations",
        title=f"A new secret for {view.name}",
        button="Make a new secret",
        action=f"{_PATH}/{view.id}/rotate",
        back=(f"{_PATH}/{view.id}", view.name),
        notes=(
            "The new secret is shown once. For a day everything is signed with both, the new one and the former one, "
            "so that whoever receives it can change over without missing anything. Then only the new one holds.",
        ),
    )
