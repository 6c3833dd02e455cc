"""Creates and changes endpoints: what a request names is found, then the store writes. In one transaction."""

import secrets as chance
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.campaign import refer
from dni.outbound import endpoints, signing, webhook
from dni.outbound.entered import IntegrationChange, NewIntegration, NewWebhook, WebhookChange
from dni.outbound.kinds import KINDS

WEBHOOKS = (webhook.NAME,)
INTEGRATIONS = tuple(name for name in KINDS if name != webhook.NAME)
_OF_SETTINGS = ("url", "fields", "role")


async def new_webhook(connection: AsyncConnection, now_ms: int, new: NewWebhook) -> tuple[str, str]:
    """Its id and its secret, which is told this once."""
    values = msgspec.structs.asdict(new)
    await _named(connection, values)
    settings = {name: values.pop(name) for name in _OF_SETTINGS}
    secret = values.pop("secret") or _new_secret()
    values |= {"settings": settings, "secrets": {"secret": secret}}
    return await endpoints.create(connection, now_ms, webhook.NAME, values), secret


async def create_webhook(connection: AsyncConnection, now_ms: int, new: NewWebhook) -> str:
    """Its id, for who knows its secret."""
    made, _ = await new_webhook(connection, now_ms, new)
    return made


async def change_webhook(connection: AsyncConnection, now_ms: int, wanted: str, change: WebhookChange) -> None:
    """Raises NotFound."""
    values = _given(change)
    await _named(connection, values)
    settings = {name: values.pop(name) for name in _OF_SETTINGS if name in values}
    secret = values.pop("secret", None)
    await endpoints.change(connection, wanted, values | ({"settings": settings} if settings else {}), WEBHOOKS)
    if secret is not None and not await has_secret(connection, wanted, secret):
        await rotate(connection, now_ms, wanted, secret)


async def rotate(connection: AsyncConnection, now_ms: int, wanted: str, to: str | None = None) -> str:
    """The new secret of a webhook, told this once; the former one is signed with for a day too. Raises NotFound."""
    loaded = await endpoints.load(connection, wanted, WEBHOOKS, locked=True)
    made = webhook.rotated(loaded.secrets, to or _new_secret(), now_ms)
    await endpoints.change(connection, wanted, {"secrets": msgspec.to_builtins(made)})
    return made.secret


async def has_secret(connection: AsyncConnection, wanted: str, secret: str) -> bool:
    """Whether it is a webhook's present one."""
    loaded = await endpoints.load(connection, wanted, WEBHOOKS)
    return bool(loaded.secrets.secret == secret)


async def new_integration(connection: AsyncConnection, now_ms: int, new: NewIntegration) -> str:
    """Its id."""
    values = msgspec.structs.asdict(new)
    await _named(connection, values)
    return await endpoints.create(connection, now_ms, values.pop("kind"), values)


async def change_integration(connection: AsyncConnection, _now_ms: int, wanted: str, change: IntegrationChange) -> None:
    """Raises NotFound."""
    values = _given(change)
    await _named(connection, values)
    await endpoints.change(connection, wanted, values, INTEGRATIONS)


async def _named(connection: AsyncConnection, values: dict[str, Any]) -> None:
    if values.get("campaign") is not None:
        await refer.to_campaign(connection, values["campaign"])
    if values.get("publisher") is not None:
        await refer.to_publisher(connection, values["publisher"])


def _given(change: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}


def _new_secret() -> str:
    return signing.secret_of(chance.token_bytes(signing.RANDOM_BYTES))
