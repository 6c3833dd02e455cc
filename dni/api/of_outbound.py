"""What the admin API does with what leaves for other systems: webhooks and their secrets, deliveries, sending again."""

from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import acts, audit
from dni.api.model import Ask, Operation
from dni.api.query import DeliveryQuery, span_ms
from dni.campaign.model import Id, moment_ms
from dni.errors import InvalidField
from dni.ledger.rows import Instant
from dni.outbound import address, declare, deliveries, endpoints, guard, sample
from dni.outbound.declare import INTEGRATIONS, WEBHOOKS
from dni.outbound.deliveries import DeliveryFilter, DeliveryView, WholeDelivery
from dni.outbound.endpoints import EndpointHealth, EndpointView
from dni.outbound.entered import Fields, NewWebhook, Url
from dni.outbound.model import Only, State, Type
from dni.outbound.preview import Preview, Previewed, preview
from dni.outbound.try_out import Tried, try_out
from dni.outbound.webhook import Role
from dni.parts import Parts


class WebhookView(msgspec.Struct):
    """`secret` is told where it is new, once. `waiting` and `dead` are deliveries, counted up to 10,001."""

    id: str
    name: str
    url: Url
    events: list[Type]
    campaign: str | None
    publisher: str | None
    only: Only
    fields: Fields | None
    role: Role
    paused: bool
    secret: str | None
    health: EndpointHealth
    waiting: int
    dead: int
    created_at: Instant


class SendSince(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Deliveries that were made since then and are in one of these states."""

    since: Instant
    states: list[State] = msgspec.field(default_factory=lambda: list[State](("dead",)))


class TryOut(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`call` null: the newest one that it would be told of, or a made-up one."""

    call: Id | None = None


class SentView(msgspec.Struct):
    """How many are sent again."""

    sent: int


async def webhook(connection: AsyncConnection, wanted: str, secret: str | None = None) -> WebhookView:
    """Raises NotFound, also for an endpoint of another kind."""
    return _webhook(await endpoints.one(connection, wanted, WEBHOOKS), secret)


async def webhooks(connection: AsyncConnection, limit: int, cursor: str | None) -> tuple[list[WebhookView], str | None]:
    """Newest first."""
    found, after = await endpoints.page(connection, limit, cursor, WEBHOOKS)
    return [_webhook(view) for view in found], after


def check_addresses(ask: Ask) -> None:
    """Raises InvalidField for an address that nothing would ever be sent to."""
    body = msgspec.to_builtins(ask.body)
    given = {"/url": body.get("url"), **{f"/settings/{name}": url for name, url in body.get("settings", {}).items()}}
    for path, url in given.items():
        if path.endswith("url") and isinstance(url, str):
            why = address.refusal(url, guard.allowed(ask.allowed))
            if why is not None:
                raise InvalidField(path, why)


async def new_webhook(connection: AsyncConnection, now_ms: int, new: NewWebhook) -> WebhookView:
    """The only answer that holds the secret, but for that of a rotation."""
    made, secret = await declare.new_webhook(connection, now_ms, new)
    return await webhook(connection, made, secret)


async def _rotate(connection: AsyncConnection, ask: Ask) -> WebhookView:
    return await webhook(connection, ask.id, await declare.rotate(connection, ask.now_ms, ask.id))


async def _test_webhook(parts: Parts, ask: Ask) -> Tried:
    return await _test(parts, ask, WEBHOOKS, "test_webhook")


async def _test_integration(parts: Parts, ask: Ask) -> Tried:
    return await _test(parts, ask, INTEGRATIONS, "test_integration")


async def _test(parts: Parts, ask: Ask, kinds: tuple[str, ...], act: str) -> Tried:
    body: TryOut = ask.body
    async with parts.ledger.write() as connection:
        endpoint = await endpoints.load(connection, ask.id, kinds)
        await audit.note(connection, ask.now_ms, ask.principal, act, ask.id, acts.told(body))
    return await try_out(parts, endpoint, await sample.of_call(parts.ledger, ask.now_ms, endpoint, body.call))


async def _preview(parts: Parts, ask: Ask) -> Previewed:
    return await preview(parts.ledger, ask.now_ms, ask.body)


async def _deliveries(ask: Ask) -> Any:
    query: DeliveryQuery = ask.query
    from_ms, to_ms = span_ms(query)
    only = DeliveryFilter(
        endpoint=query.endpoint,
        state=query.state,
        type=query.type,
        call=query.call,
        from_ms=from_ms,
        to_ms=to_ms,
    )
    async with ask.ledger.read() as connection:
        return await deliveries.page(connection, only, query.limit, query.cursor)


async def _delivery(ask: Ask) -> WholeDelivery:
    async with ask.ledger.snapshot() as connection:
        return await deliveries.one(connection, ask.id)


async def _send(connection: AsyncConnection, ask: Ask) -> WholeDelivery:
    await deliveries.again(connection, ask.now_ms, ask.id)
    return await deliveries.one(connection, ask.id)


async def _send_webhook(parts: Parts, ask: Ask) -> SentView:
    return await _send_since(parts, ask, WEBHOOKS, "send_webhook")


async def _send_integration(parts: Parts, ask: Ask) -> SentView:
    return await _send_since(parts, ask, INTEGRATIONS, "send_integration")


async def _send_since(parts: Parts, ask: Ask, kinds: tuple[str, ...], act: str) -> SentView:
    """Many at once would hold up calls: it has transactions of its own."""
    body: SendSince = ask.body
    since_ms = moment_ms(body.since, "/since")
    async with parts.ledger.write() as connection:
        await endpoints.one(connection, ask.id, kinds)
        await audit.note(connection, ask.now_ms, ask.principal, act, ask.id, acts.told(body))
    return SentView(await deliveries.all_again(parts.ledger, ask.now_ms, ask.id, since_ms, body.states))


def _webhook(view: EndpointView, secret: str | None = None) -> WebhookView:
    shared = {name: getattr(view, name) for name in WebhookView.__struct_fields__ if hasattr(view, name)}
    return WebhookView(
        **shared,
        url=view.settings["url"],
        fields=view.settings["fields"],
        role=view.settings["role"],
        secret=secret,
    )


def _sending(room: str, run: Any) -> Operation:
    return Operation(
        method="POST",
        path=f"/{room}s/{{id}}/send",
        name=f"send_{room}",
        summary="Send again what it was told since a time and is in one of these states",
        room=f"{room}s",
        access="connect",
        run=run,
        body=SendSince,
        answer=SentView,
        workflow=True,
    )


def _testing(room: str, run: Any) -> Operation:
    return Operation(
        method="POST",
        path=f"/{room}s/{{id}}/test",
        name=f"test_{room}",
        summary="Send a message of the type `test` now, with a real call, and tell what was answered",
        room=f"{room}s",
        access="connect",
        run=run,
        body=TryOut,
        answer=Tried,
        workflow=True,
    )


OPERATIONS = (
    Operation(
        method="POST",
        path="/webhooks/{id}/rotate",
        name="rotate_webhook",
        summary="Make a new secret, told in this answer only; the former one is signed with for 24 hours too",
        room="webhooks",
        access="connect",
        run=_rotate,
        answer=WebhookView,
        configures=False,
        secret="secret",  # noqa: S106
    ),
    _testing("webhook", _test_webhook),
    _testing("integration", _test_integration),
    Operation(
        method="POST",
        path="/integrations/preview",
        name="preview_integration",
        summary="The request that settings of a kind come to, with a real call; nothing is sent",
        room="integrations",
        access="connect",
        run=_preview,
        body=Preview,
        answer=Previewed,
        workflow=True,
    ),
    _sending("webhook", _send_webhook),
    _sending("integration", _send_integration),
    Operation(
        method="GET",
        path="/deliveries",
        name="list_deliveries",
        summary="List deliveries, newest first: each message for each webhook or integration, and what became of it",
        room="deliveries",
        access="connect",
        run=_deliveries,
        answer=DeliveryView,
        query=DeliveryQuery,
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/deliveries/{id}",
        name="get_delivery",
        summary="One delivery, with its message, its request and each try",
        room="deliveries",
        access="connect",
        run=_delivery,
        answer=WholeDelivery,
    ),
    Operation(
        method="POST",
        path="/deliveries/{id}/send",
        name="send_delivery",
        summary="Send a delivery again, whatever became of it; receivers know it by the message's id",
        room="deliveries",
        access="connect",
        run=_send,
        answer=WholeDelivery,
        configures=False,
    ),
)
