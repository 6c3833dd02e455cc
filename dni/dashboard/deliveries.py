"""Deliveries: what was sent to an integration or about a call, each with its tries, and the forms that send again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access.model import Principal
from dni.call import callers
from dni.dashboard import delivery_rows, integration_form, integration_rows, integration_words
from dni.dashboard.delivery_rows import Row
from dni.dashboard.desk import Desk
from dni.dashboard.door import Reader, id_of
from dni.dashboard.forms import Field, Sheet
from dni.dashboard.moments import rfc3339_of
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import Conflict, InvalidField, NotFound, Unavailable
from dni.outbound import deliveries, endpoints
from dni.outbound.deliveries import DeliveryFilter, WholeDelivery
from dni.outbound.endpoints import EndpointView
from dni.parts import Parts

_DAY_MS = 86_400_000
_OF_CALL = 50
_AGAIN = ("dead", "skipped", "delivered")
_DONE = {"again": "It is sent again: load this page anew to see the answer."}


async def listed(
    parts: Parts, wanted: DeliveryFilter, zone: ZoneInfo, limit: int, cursor: str | None = None
) -> tuple[list[Row], str | None]:
    """As pages list them, newest first, and where to go on."""
    async with parts.ledger.read() as connection:
        found, after = await deliveries.page(connection, wanted, limit, cursor)
        known = await callers.of_calls(connection, {one.call for one in found if one.call})
    return [delivery_rows.row(one, known, zone, parts.clock.now_ms()) for one in found], after


async def of_call(parts: Parts, principal: Principal, call: str, zone: ZoneInfo) -> list[Row]:
    """What others were told of a call; nothing of it is for who does not see the integrations."""
    if not principal.may_write:
        return []
    return (await listed(parts, DeliveryFilter(call=call), zone, _OF_CALL))[0]


class Deliveries:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._desk = Desk(parts, pages)

    def addresses(self) -> Sequence[Address]:
        return (
            Address("/deliveries/{id}", self.one, access="connect"),
            Address("/deliveries/{id}/send", self.back, self.again, "connect"),
            Address("/integrations/{id}/send", self.ask, self.all_again, "connect"),
        )

    async def one(self, request: Request, reader: Reader) -> Response:
        view = await self._view(request)
        zone, now_ms = (await owners_of(self._parts, reader.principal)).zone, self._parts.clock.now_ms()
        async with self._parts.ledger.read() as connection:
            known = await callers.of_calls(connection, {view.call} if view.call else ())
            is_gone = await _is_gone(connection, view.endpoint)
        request_body = view.request.body if view.request else ""
        return self._pages.render(
            "delivery.html",
            reader=reader,
            view=view,
            row=delivery_rows.row(view, known, zone, now_ms),
            kind=integration_words.kind_of(view.kind),
            tries=delivery_rows.tries(view, zone, now_ms),
            body=delivery_rows.pretty(request_body),
            data=delivery_rows.pretty(msgspec.json.encode(view.data).decode()) if view.data else "",
            zone=zone.key,
            is_gone=is_gone,
            done=_DONE.get(request.query_params.get("done", "")),
        )

    async def again(self, request: Request, reader: Reader, sent: Form) -> Response:
        view = await self._view(request)
        sheet = Sheet(
            operation="send_delivery",
            here="integrations",
            title="Send again",
            button="Send again",
            action=f"/deliveries/{view.id}/send",
            back=(f"/deliveries/{view.id}", "The delivery"),
        )
        where = f"/deliveries/{view.id}?done=again"
        return await self._desk.send(request, reader, sheet, sent, lambda _: where, wanted=view.id)

    async def back(self, request: Request, _reader: Reader) -> Response:
        """Who comes to a form's address by a link or after signing in."""
        return RedirectResponse(f"/deliveries/{id_of(request, 'delivery')}", 303)

    async def ask(self, request: Request, reader: Reader) -> Response:
        view = await self._endpoint(request)
        zone = (await owners_of(self._parts, reader.principal)).zone
        since = datetime.fromtimestamp((self._parts.clock.now_ms() - 7 * _DAY_MS) / 1000, zone)
        return self._desk.show(
            reader, _since(view, zone.key), {"since": f"{since:%Y-%m-%dT%H:%M}", "states/dead": "on"}
        )

    async def all_again(self, request: Request, reader: Reader, sent: Form) -> Response:
        view, zone = await self._endpoint(request), (await owners_of(self._parts, reader.principal)).zone
        sheet = _since(view, zone.key)

        def shape(told: dict[str, Any]) -> dict[str, Any]:
            states = [state for state in _AGAIN if told["states"].get(state)]
            if not states:
                raise InvalidField(f"/states/{_AGAIN[0]}", "choose which are sent again")
            return {"since": rfc3339_of(told["since"], zone, "/since"), "states": states}

        try:
            made = await self._desk.run(request, reader, sheet, sent, wanted=view.id, shape=shape)
        except (InvalidField, Conflict, Unavailable) as error:
            return await self._desk.refuse(reader, sheet, sent, error)
        return RedirectResponse(f"/integrations/{view.id}?sent={made.sent}", 303)

    async def _view(self, request: Request) -> WholeDelivery:
        """Raises NotFound."""
        async with self._parts.ledger.snapshot() as connection:
            return await deliveries.one(connection, id_of(request, "delivery"))

    async def _endpoint(self, request: Request) -> EndpointView:
        """Raises NotFound."""
        async with self._parts.ledger.read() as connection:
            return await endpoints.one(connection, id_of(request, "integration"))


async def _is_gone(connection: AsyncConnection, endpoint: str) -> bool:
    """Whether what it was sent to was deleted since."""
    try:
        await endpoints.one(connection, endpoint)
    except NotFound:
        return True
    return False


def _since(view: EndpointView, zone: str) -> Sheet:
    told = {
        "dead": ("Those that were given up", ""),
        "skipped": ("Those that were not sent", "Something was missing, which may be there now."),
        "delivered": ("Those that were delivered", "Whoever receives one again can tell by its id."),
    }
    boxes = [
        Field(name=f"states/{state}", label=label, help=says, kind="checkbox") for state, (label, says) in told.items()
    ]
    return Sheet(
        operation=integration_form.operation("send", view.kind),
        here="integrations",
        title=f"Send again to {view.name}",
        button="Send them again",
        action=f"/integrations/{view.id}/send",
        back=(f"/integrations/{view.id}", view.name),
        fields=(
            Field(
                name="since",
                label="All that were made since",
                kind="moment",
                help=f"On the clock of {zone.replace('_', ' ')}.",
            ),
            *boxes,
        ),
        notes=(
            f"{integration_rows.counted(view.dead) or 'None'} {'is' if view.dead == 1 else 'are'} given up now.",
            "Each is sent as it was then, with the same id, and is tried for three days again.",
        ),
    )


def sent_again(told: str | None) -> str | None:
    """What a list says after they were."""
    if told is None or not told.isdecimal() or len(told) > 9:
        return None
    many = int(told)
    return "None were to be sent." if not many else f"{many:,} {'is' if many == 1 else 'are'} sent again."
