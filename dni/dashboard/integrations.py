"""Integrations: what other systems are told, and how each is; one is paused and deleted here."""

from collections.abc import Iterable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.dashboard import deliveries, delivery_rows, integration_form, integration_rows
from dni.dashboard.desk import Desk
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Sheet
from dni.dashboard.integration_words import EVENTS, STATES
from dni.dashboard.owners import Owners, owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.outbound import endpoints
from dni.outbound.deliveries import DeliveryFilter
from dni.outbound.endpoints import EndpointView
from dni.outbound.kinds import KINDS
from dni.parts import Parts

PATH = "/integrations"
_LIMIT = 100
_DELIVERIES = 50
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
            Address(f"{one}/delete", self.ask, self.delete, "connect"),
            Address(f"{one}/pause", self.back, self.pause, "connect"),
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
        found, after = await deliveries.listed(self._parts, wanted, owners.zone, _DELIVERIES, asked.get("cursor"))
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
        return await self._desk.send(
            request, reader, _pause(view), sent, lambda _: done, wanted=view.id, shape=lambda _: {"paused": is_paused}
        )

    async def back(self, request: Request, _reader: Reader) -> Response:
        """Who comes to a form's address by a link or after signing in."""
        return RedirectResponse(f"{PATH}/{id_of(request, 'integration')}", 303)

    async def _view(self, request: Request) -> EndpointView:
        """Raises NotFound."""
        async with self._parts.ledger.read() as connection:
            return await endpoints.one(connection, id_of(request, "integration"))


def _one_of(asked: str | None, known: Iterable[str]) -> Any:
    """None for what is none of them."""
    return asked if asked in set(known) else None


def _names(owners: Owners) -> dict[str, str]:
    return {**owners.campaigns, **owners.publishers}


def _pause(view: EndpointView) -> Sheet:
    return _plain(view, "change", "Pause", "pause")


def _away(view: EndpointView) -> Sheet:
    waits = " What still waits for it is not sent." if view.waiting else ""
    note = f"Nothing is sent there any more, from now on.{waits} What was sent stays to be read."
    return _plain(view, "delete", "Delete", "delete", (note,))


def _plain(view: EndpointView, act: str, button: str, door: str, notes: tuple[str, ...] = ()) -> Sheet:
    """A form without fields, about one."""
    return Sheet(
        operation=integration_form.operation(act, view.kind),
        here="integrations",
        title=f"{button} {view.name}?",
        button=f"{button} it",
        action=f"{PATH}/{view.id}/{door}",
        back=(f"{PATH}/{view.id}", view.name),
        notes=notes,
        takes_away=act == "delete",
    )
