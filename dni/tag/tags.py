"""Tags: a campaign placed with a publisher. Which origins may use it, which numbers it replaces, by which rules."""

from typing import Any

import msgspec
from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.catalog.model import Options, Rule, Selector, TouchRule, Use
from dni.clock import rfc3339
from dni.ids import new_id, new_key
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import tag, tag_draft
from dni.tag.model import ConsentDefault, ConsentUnknown, NewTag

# Options of a tag that says nothing of them.
DEFAULTS: dict[str, Any] = {
    name: list(value) if isinstance(value, tuple) else value
    for name, value in msgspec.structs.asdict(Options()).items()
}
_LISTS = ("origins", "targets", "rules", "params")


class TagView(msgspec.Struct):
    """`snippet` is what the publisher pastes on the page; `version` counts the settings that were live, from 1."""

    id: str
    key: str
    name: str
    campaign: str
    publisher: str | None
    pool: str | None
    origins: list[str]
    targets: list[str]
    rules: list[Rule]
    params: list[str]
    attributes: list[str]
    selectors: list[Selector]
    linked_domains: list[str]
    consent_default: ConsentDefault
    consent_unknown: ConsentUnknown
    first_party: bool
    after_load: bool
    touch_rules: list[TouchRule]
    version: int
    snippet: str
    created_at: Instant


class TagFilter(msgspec.Struct, kw_only=True):
    campaign: str | None = None
    publisher: str | None = None


def snippet(base_url: str, name: str, integrity: str | None = None) -> str:
    """The line for the page; `base_url` is scheme and host of this service as browsers reach it.

    `name`: the tag's key, or with a version behind it and the `integrity` of that script.
    """
    checked = f' integrity="{integrity}" crossorigin="anonymous"' if integrity else ""
    return f'<script async src="{base_url}/t/{name}.js"{checked}></script>'


async def create(connection: AsyncConnection, now_ms: int, new: NewTag) -> str:
    """The id of the new tag; what it names was found before."""
    made = new_id("tag", now_ms)
    owners = {"campaign_id": new.campaign, "publisher_id": new.publisher}
    values = {"id": made, "key": new_key(), "created_at_ms": now_ms, **owners, **_columns(msgspec.to_builtins(new))}
    await connection.execute(insert(tag).values(**values))
    return made


async def change(connection: AsyncConnection, wanted: str, fields: dict[str, Any]) -> None:
    """Writes these settings, all of them, and a name if there is one. The tag is known to be live."""
    await connection.execute(update(tag).where(tag.c.id == wanted).values(**_columns(fields)))


async def delete(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await connection.execute(update(tag).where(tag.c.id == wanted).values(deleted_at_ms=now_ms))


async def row(connection: AsyncConnection, wanted: str, principal: Principal | None = None) -> RowMapping:
    """Raises NotFound, also for a tag behind the principal's walls."""
    query = _visible(principal) if principal else select(tag).where(tag.c.deleted_at_ms.is_(None))
    return await rows.one(connection, query.where(tag.c.id == wanted), f"tag {wanted}")


def settings(found: RowMapping) -> dict[str, Any]:
    """All that the pages of this row's tag are served from: fields as requests write them, in JSON values."""
    return {"pool": found["pool_id"], **{name: found[name] for name in _LISTS}, **DEFAULTS, **found["options"]}


async def one(connection: AsyncConnection, principal: Principal, base_url: str, wanted: str) -> TagView:
    """Raises NotFound, also for a tag behind the principal's walls."""
    return _view(await row(connection, wanted, principal), base_url)


async def page(
    connection: AsyncConnection,
    principal: Principal,
    base_url: str,
    limit: int,
    cursor: str | None = None,
    only: TagFilter | None = None,
) -> tuple[list[TagView], str | None]:
    """Newest first."""
    query = _visible(principal)
    if only and only.campaign:
        query = query.where(tag.c.campaign_id == only.campaign)
    if only and only.publisher:
        query = query.where(tag.c.publisher_id == only.publisher)
    found, after = await rows.page(connection, query, (tag.c.id,), limit, cursor)
    return [_view(each, base_url) for each in found], after


async def uses(connection: AsyncConnection) -> list[tuple[RowMapping, list[Use]]]:
    """Every live tag (id, name, campaign_id, publisher_id, pool_id) with what it, its rules and its draft give."""
    columns = tag.c.id, tag.c.name, tag.c.campaign_id, tag.c.publisher_id, tag.c.pool_id, tag.c.rules
    with_draft = select(*columns, tag_draft.c.change).outerjoin(tag_draft, tag_draft.c.tag_id == tag.c.id)
    found = await connection.execute(with_draft.where(tag.c.deleted_at_ms.is_(None)))
    return [
        (each, [*_given(each["pool_id"], each["rules"]), *_given(draft.get("pool"), draft.get("rules", []))])
        for each in found.mappings()
        for draft in [each["change"] or {}]
    ]


def _given(pool: str | None, rules: list[Any]) -> list[Use]:
    return [Use(pool=pool), *(msgspec.convert(rule["use"], Use) for rule in rules)]


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    options = {name: fields[name] for name, default in DEFAULTS.items() if fields[name] != default}
    same = {name: fields[name] for name in ("name", *_LISTS) if name in fields}
    return {**same, "pool_id": fields["pool"], "options": options}


def _visible(principal: Principal) -> Select[Any]:
    return select(tag).where(tag.c.deleted_at_ms.is_(None), walls.tags(principal))


def _view(found: RowMapping, base_url: str) -> TagView:
    same = {name: found[name] for name in ("id", "key", "name", "version")}
    owners = {"campaign": found["campaign_id"], "publisher": found["publisher_id"]}
    told = {"snippet": snippet(base_url, found["key"]), "created_at": rfc3339(found["created_at_ms"])}
    return msgspec.convert({**same, **owners, **settings(found), **told}, TagView)
