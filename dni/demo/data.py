"""Fills an empty ledger with the demo, so that there is something to see."""

import secrets
from pathlib import Path
from string import Template

import msgspec
from sqlalchemy import select

from dni.api.apply import apply
from dni.campaign import declare
from dni.campaign.change import changing
from dni.demo.page import CARRIER_NAME, TAG_NAME
from dni.ledger import schema
from dni.parts import Parts
from dni.tag.model import TagChange

_DECLARATION = Path(__file__).with_name("demo.toml")


async def ensure_demo(parts: Parts) -> None:
    """On an empty ledger declares the demo. A demo that is there learns the address it is served on now."""
    origins = _origins(parts)
    async with parts.ledger.read() as connection:
        is_empty = (await connection.execute(select(schema.campaign.c.id).limit(1))).first() is None
    if is_empty:
        text = Template(_DECLARATION.read_text()).substitute(
            tag_name=TAG_NAME,
            carrier_name=CARRIER_NAME,
            origins=msgspec.json.encode(origins).decode(),
            account_sid=f"AC{secrets.token_hex(16)}",
            auth_token=secrets.token_hex(16),
        )
        await apply(parts.ledger, text, parts.clock.now_ms())
        await parts.catalog.refresh()
        return
    tag = next((tag for tag in parts.catalog.now.tags.values() if tag.name == TAG_NAME), None)
    if tag and not set(origins) <= set(tag.origins):
        async with changing(parts) as connection:
            change = TagChange(origins=sorted({*tag.origins, *origins}))
            await declare.change_tag(connection, parts.clock.now_ms(), tag.id, change)


def _origins(parts: Parts) -> list[str]:
    """Where a browser may see the demo page: on this machine, and by the public address."""
    port = parts.settings.port
    here = [f"http://{host}:{port}" for host in dict.fromkeys(("127.0.0.1", "localhost", parts.settings.host))]
    return [origin for origin in [*here, parts.settings.public_url] if origin and "0.0.0.0" not in origin]  # noqa: S104
