"""Changes a tag's draft: what differs from the live settings is kept as one; when nothing does there is none."""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import acts
from dni.access.model import Principal
from dni.api.write import acting
from dni.campaign import declare
from dni.errors import NotFound
from dni.parts import Parts
from dni.tag import drafts, tags
from dni.tag.drafts import DraftView
from dni.tag.model import TagChange

Settings = dict[str, Any]


async def redraft(parts: Parts, principal: Principal, tag_id: str, alter: Callable[[Settings], TagChange]) -> bool:
    """`alter` gets the settings as the draft has them, in JSON values, and says what becomes of them.

    Answers whether anything differs from what is live. Raises what `alter` and the verb raise.
    """
    async with acting(parts, principal, "save_tag_draft", tag_id) as (connection, act):
        row = await tags.row(connection, tag_id, principal)
        live, draft = live_settings(row), await draft_of(connection, tag_id)
        present = {**live, **(msgspec.to_builtins(draft.change) if draft else {})}
        after = {**present, **msgspec.to_builtins(alter(present))}
        differs = {name: value for name, value in after.items() if value != live[name]}
        act.told, act.nothing = acts.told(after, present), after == present
        if differs:
            await declare.draft_tag(connection, parts.clock.now_ms(), tag_id, msgspec.convert(differs, TagChange))
        elif draft:
            await drafts.drop(connection, tag_id)
    return bool(differs)


def live_settings(row: RowMapping) -> Settings:
    """Of a tag's row, its name among them."""
    return {"name": row["name"], **tags.settings(row)}


async def draft_of(connection: AsyncConnection, tag_id: str) -> DraftView | None:
    try:
        return await drafts.one(connection, tag_id)
    except NotFound:
        return None
