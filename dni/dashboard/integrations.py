"""Integrations: what other systems are told, how each is, and the forms that make and change one."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.dashboard import deliveries, delivery_rows, forms, integration_form, integration_rows, integration_words
from dni.dashboard.desk import Desk
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet, Wrong
from dni.dashboard.integration_form import WEBHOOK
from dni.dashboard.integration_tries import calls_of
from dni.dashboard.integration_words import EVENTS, STATES
from dni.dashboard.owners import Owners, owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import Conflict, DniError, InvalidField, NotFound, Unavailable
from dni.outbound import endpoints
from dni.outbound.deliveries import DeliveryFilter
from dni.outbound.endpoints import EndpointView
from dni.outbound.kinds import KINDS
from dni.outbound.model import Kind
from dni.outbound.presets import PRESETS, Preset
from dni.outbound.preview import Previewed
from dni.parts import Parts

PATH = "/integrations"
_LIMIT = 100
_DELIVERIES = 50
_WITH_MACROS = ("postback", "hubspot", "salesforce")
_DONE = {
    "created": "Created. Try it: the answer is shown at once.",
    "changed": "Saved.",
    "deleted": "Deleted. Nothing is sent there any more.",
    "paused": "Paused: what happens waits.",
    "goes_on": "It goes on: what waited is sent now.",
}


class Integrations:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        one = f"{PATH}/{{id}}"
        return (
            Address(PATH, self.list, access="connect"),
            Address(f"{PATH}/new", self.new, self.create, "connect"),
            Address(f"{one}/edit", self.edit, self.change, "connect"),
            Address(f"{one}/delete", self.ask, self.delete, "connect"),
            Address(f"{one}/pause", self.back, self.pause, "connect"),
            Address(f"{one}/rotate", self.ask_rotate, self.rotate, "connect"),
            Address(one, self.one, access="connect"),
        )

    async def list(self, request: Request, reader: Reader) -> Response:
        now_ms, cursor = self._parts.clock.now_ms(), request.query_params.get("cursor")
        names = _names(await owners_of(self._parts, reader.principal))
        async with self._parts.ledger.read() as connection:
            found, after = await endpoints.page(connection, _LIMIT, cursor)
        return self._pages.render(
            "integrations.html",
            reader=reader,
            rows=[integration_rows.row(view, now_ms, names) for view in found],
            cursor=cursor,
            older=after,
            done=_DONE.get(request.query_params.get("done", "")),
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        view, owners = await self._view(request), await owners_of(self._parts, reader.principal)
        kind, names, now_ms = KINDS[view.kind], _names(owners), self._parts.clock.now_ms()
        asked = request.query_params
        state, type_ = _one_of(asked.get("state"), STATES), _one_of(asked.get("type"), EVENTS)
        wanted = DeliveryFilter(endpoint=view.id, state=state, type=type_)
        found, after = await deliveries.listed(self._parts, reader, wanted, _DELIVERIES, asked.get("cursor"))
        return self._pages.render(
            "integration.html",
            reader=reader,
            view=view,
            kind=kind,
            row=integration_rows.row(view, now_ms, names),
            troubles=integration_rows.troubles(view, owners.zone, now_ms),
            facts=integration_rows.facts(kind, view),
            deliveries=found,
            states=delivery_rows.filters(state, type_),
            state=state,
            type=type_,
            types=[(one, EVENTS[one].label) for one in EVENTS if one in (*view.events, type_, "test")],
            cursor=asked.get("cursor"),
            older=after,
            zone=owners.zone.key,
            done=_DONE.get(asked.get("done", "")) or deliveries.sent_again(asked.get("sent")),
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
            return RedirectResponse(f"{PATH}/new", 303)
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
        return RedirectResponse(f"{PATH}/{made.id}?done=created", 303)

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
        return RedirectResponse(f"{PATH}/{view.id}?done=changed", 303)

    async def ask(self, request: Request, reader: Reader) -> Response:
        return self._desk.show(reader, _away(await self._view(request)))

    async def delete(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._view(request)
        return await self._desk.send(
            request, reader, _away(view), sent, lambda _: f"{PATH}?done=deleted", wanted=view.id
        )

    async def pause(self, request: Request, reader: Reader, sent: Form) -> Response:
        view, is_paused = await self._view(request), sent.get("act") != "go_on"
        done = f"{PATH}/{view.id}?done={'paused' if is_paused else 'goes_on'}"
        sheet = _plain(view, "change", "Pause", "pause")
        return await self._desk.send(
            request, reader, sheet, sent, lambda _: done, wanted=view.id, shape=lambda _: {"paused": is_paused}
        )

    async def back(self, request: Request, _reader: Reader) -> Response:
        """Who comes to a form's address by a link or after signing in."""
        return RedirectResponse(f"{PATH}/{id_of(request, 'integration')}", 303)

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
        where = f"{PATH}/{view.id}" if view else PATH
        return Sheet(
            operation=f"{'change' if view else 'create'}_{_noun(kind.name)}",
            here="integrations",
            title=f"Edit {view.name}" if view else f"New: {kind.label}",
            button="Save" if view else "Create it",
            action=f"{where}/edit" if view else f"{PATH}/new",
            back=(where, view.name) if view else (f"{PATH}/new", "All kinds"),
            fields=form.fields,
        ), form

    async def _view(self, request: Request, kind: str | None = None) -> EndpointView:
        """Raises NotFound."""
        async with self._parts.ledger.read() as connection:
            view = await endpoints.one(connection, id_of(request, "integration"))
        if kind not in (None, view.kind):
            raise NotFound("there is no such webhook")
        return view


def _one_of(asked: str | None, known: Iterable[str]) -> Any:
    """None for what is none of them."""
    return asked if asked in set(known) else None


def _noun(kind: str) -> str:
    return "webhook" if kind == WEBHOOK else "integration"


def _names(owners: Owners) -> dict[str, str]:
    return {**owners.campaigns, **owners.publishers}


def _plain(view: EndpointView, act: str, title: str, door: str, *notes: str, takes_away: bool = False) -> Sheet:
    """A form without fields, about one."""
    return Sheet(
        operation=f"{act}_{_noun(view.kind)}",
        here="integrations",
        title=title,
        button=f"{title.split()[0]} it",
        action=f"{PATH}/{view.id}/{door}",
        back=(f"{PATH}/{view.id}", view.name),
        notes=notes,
        takes_away=takes_away,
    )


def _away(view: EndpointView) -> Sheet:
    waits = " What still waits for it is not sent." if view.waiting else ""
    note = (
        f"Nothing is sent there any more, from now on.{waits} What was sent stays to be read on the pages of the calls."
    )
    return _plain(view, "delete", f"Delete {view.name}?", "delete", note, takes_away=True)


def _rotation(view: EndpointView) -> Sheet:
    return Sheet(
        operation="rotate_webhook",
        here="integrations",
        title=f"A new secret for {view.name}",
        button="Make a new secret",
        action=f"{PATH}/{view.id}/rotate",
        back=(f"{PATH}/{view.id}", view.name),
        notes=(
            "The new secret is shown once. For a day everything is signed with both, the new one and the former one, "
            "so that whoever receives it can change over without missing anything. Then only the new one holds.",
        ),
    )
