"""Drafts of tags: what the next settings change, seen by who knows the token, until it is published or dropped."""

import secrets

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.clock import rfc3339
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import tag_draft
from dni.tag.model import TagChange


class DraftView(msgspec.Struct):
    """A page of the tag shows the draft when `preview_url_parameter` is added to its address."""

    change: TagChange
    preview_token: str
    preview_url_parameter: str
    saved_at: Instant


async def save(connection: AsyncConnection, now_ms: int, tag_id: str, change: TagChange) -> None:
    """Instead of the tag's former draft, whose token stays: who looks at it sees the new one."""
    values = {"change": msgspec.to_builtins(change), "saved_at_ms": now_ms}
    if (await connection.execute(update(tag_draft).where(tag_draft.c.tag_id == tag_id).values(**values))).rowcount:
        return
    token = secrets.token_urlsafe(24)
    await connection.execute(insert(tag_draft).values(tag_id=tag_id, token=token, **values))


async def one(connection: AsyncConnection, tag_id: str) -> DraftView:
    """Raises NotFound."""
    query = select(tag_draft).where(tag_draft.c.tag_id == tag_id)
    row = await rows.one(connection, query, f"draft of tag {tag_id}")
    token = row["token"]
    change = msgspec.convert(row["change"], TagChange)
    return DraftView(change, token, f"dni_preview={token}", rfc3339(row["saved_at_ms"]))


async def drop(connection: AsyncConnection, tag_id: str) -> None:
    """Its token is as none from now on. Raises NotFound."""
    if not (await connection.execute(delete(tag_draft).where(tag_draft.c.tag_id == tag_id))).rowcount:
        await one(connection, tag_id)
