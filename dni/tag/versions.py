"""Former settings of tags, by number: each change of what is live keeps what was."""

from typing import Annotated, Any

import msgspec
from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.catalog.model import Rule, Selector, TouchRule
from dni.errors import InvalidField
from dni.ledger.rows import instant
from dni.ledger.schema import tag, tag_version
from dni.tag.model import ConsentDefault, ConsentUnknown
from dni.tag.tags import settings

KEPT = 100
"""Versions of a tag; older ones are forgotten."""


class Settings(msgspec.Struct):
    """All that a tag's pages are served from."""

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


class VersionView(msgspec.Struct):
    """`replaced_at` is null for the one that is live."""

    version: int
    replaced_at: str | None
    settings: Settings


class Rollback(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`version`: a former one, whose settings become live again, as a new version."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


async def keep(connection: AsyncConnection, now_ms: int, row: RowMapping) -> None:
    """What this row holds is replaced now. In the transaction that does it."""
    tag_id, version = row["id"], row["version"]
    former = {"tag_id": tag_id, "version": version, "settings": settings(row), "replaced_at_ms": now_ms}
    await connection.execute(insert(tag_version).values(**former))
    await connection.execute(update(tag).where(tag.c.id == tag_id).values(version=version + 1))
    old = tag_version.c.tag_id == tag_id, tag_version.c.version <= version - KEPT
    await connection.execute(delete(tag_version).where(*old))


async def of(connection: AsyncConnection, row: RowMapping) -> list[VersionView]:
    """Newest first, the live one ahead."""
    query = select(tag_version).where(tag_version.c.tag_id == row["id"]).order_by(tag_version.c.version.desc())
    former = (await connection.execute(query)).mappings()
    return [
        _view(row["version"], None, settings(row)),
        *(_view(each["version"], each["replaced_at_ms"], each["settings"]) for each in former),
    ]


async def former(connection: AsyncConnection, tag_id: str, version: int) -> dict[str, Any]:
    """Its settings. Raises InvalidField at /version."""
    this = tag_version.c.tag_id == tag_id, tag_version.c.version == version
    found: dict[str, Any] | None = (
        await connection.execute(select(tag_version.c.settings).where(*this))
    ).scalar_one_or_none()
    if found is None:
        raise InvalidField("/version", f"this tag has no former version {version}, or it is not kept any more")
    return found


def _view(version: int, replaced_at_ms: int | None, values: dict[str, Any]) -> VersionView:
    return VersionView(version, instant(replaced_at_ms), msgspec.convert(values, Settings))
