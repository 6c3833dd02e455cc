"""What the admin API does with a tag beside reading and writing it: health, drafts, versions."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.api.model import Ask, Operation
from dni.campaign import declare
from dni.tag import drafts, health_reports, tags, versions
from dni.tag.drafts import DraftView
from dni.tag.health import HealthView
from dni.tag.model import TagChange
from dni.tag.pin import PinnedView, pin
from dni.tag.tags import TagView
from dni.tag.versions import Rollback, VersionView


async def _tag_versions(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        return await versions.of(connection, await tags.row(connection, ask.id, ask.principal)), None


async def _as_it_is(connection: AsyncConnection, ask: Ask) -> Any:
    return await tags.one(connection, ask.principal, ask.base_url, ask.id)


async def _roll_back_tag(connection: AsyncConnection, ask: Ask) -> Any:
    await declare.roll_back_tag(connection, ask.now_ms, ask.id, ask.body)
    return await tags.one(connection, ask.principal, ask.base_url, ask.id)


async def _draft(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        await tags.row(connection, ask.id, ask.principal)
        return await drafts.one(connection, ask.id)


async def _save_draft(connection: AsyncConnection, ask: Ask) -> Any:
    await declare.draft_tag(connection, ask.now_ms, ask.id, ask.body)
    return await drafts.one(connection, ask.id)


async def _drop_draft(connection: AsyncConnection, ask: Ask) -> None:
    await tags.row(connection, ask.id, ask.principal)
    await drafts.drop(connection, ask.id)


async def _publish_tag(connection: AsyncConnection, ask: Ask) -> Any:
    await declare.publish_tag(connection, ask.now_ms, ask.id)
    return await tags.one(connection, ask.principal, ask.base_url, ask.id)


async def _pin_tag(connection: AsyncConnection, ask: Ask) -> Any:
    return await pin(connection, ask.now_ms, ask.id, ask.base_url)


async def _tag_health(ask: Ask) -> Any:
    async with ask.ledger.read() as connection:
        row = await tags.row(connection, ask.id, ask.principal)
    return await health_reports.of(ask.live, ask.keys, row["campaign_id"], row["id"])


# Drafts are for those who may publish them.
OPERATIONS = (
    Operation(
        method="GET",
        path="/tags/{id}/health",
        name="get_tag_health",
        summary="When the tag was last seen, and how it does on each page that reported",
        room="tags",
        run=_tag_health,
        answer=HealthView,
    ),
    Operation(
        method="GET",
        path="/tags/{id}/versions",
        name="list_tag_versions",
        summary="Settings that were live, newest first; the present ones ahead",
        room="tags",
        run=_tag_versions,
        answer=VersionView,
        is_list=True,
    ),
    Operation(
        method="POST",
        path="/tags/{id}/rollback",
        name="roll_back_tag",
        summary="Make former settings live again, as a new version",
        room="tags",
        access="write",
        run=_roll_back_tag,
        before=_as_it_is,
        body=Rollback,
        answer=TagView,
    ),
    Operation(
        method="GET",
        path="/tags/{id}/draft",
        name="get_tag_draft",
        summary="What the next settings change, and how to look at them",
        room="tags",
        access="write",
        run=_draft,
        answer=DraftView,
    ),
    Operation(
        method="PUT",
        path="/tags/{id}/draft",
        name="save_tag_draft",
        summary="Draft the next settings: what is left out stays as it is live",
        room="tags",
        access="write",
        run=_save_draft,
        body=TagChange,
        answer=DraftView,
    ),
    Operation(
        method="DELETE",
        path="/tags/{id}/draft",
        name="drop_tag_draft",
        summary="Drop the draft: its preview shows what is live",
        room="tags",
        access="write",
        run=_drop_draft,
        status=204,
    ),
    Operation(
        method="POST",
        path="/tags/{id}/publish",
        name="publish_tag",
        summary="Make the draft live; the former settings are kept as a version",
        room="tags",
        access="write",
        run=_publish_tag,
        before=_as_it_is,
        answer=TagView,
    ),
    Operation(
        method="POST",
        path="/tags/{id}/pin",
        name="pin_tag",
        summary="A snippet for the script as it is now, which is served for ever; for subresource integrity",
        room="tags",
        access="write",
        run=_pin_tag,
        answer=PinnedView,
    ),
)
