"""Tags: a campaign placed with a publisher. Which origins may use it, which numbers it replaces, by which rules."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.campaign import model
from dni.campaign.model import Id, Name, Phone
from dni.catalog.model import Rule, Use
from dni.clock import rfc3339
from dni.errors import InvalidField
from dni.ids import new_id, new_key
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import tag
from dni.phone import e164

Origins = Annotated[
    list[str],
    msgspec.Meta(min_length=1, max_length=50, examples=[["https://www.example.com", "https://*.example.net"]]),
]
Targets = Annotated[list[Phone], msgspec.Meta(min_length=1, max_length=50)]
Rules = Annotated[list[Rule], msgspec.Meta(max_length=100)]
Params = Annotated[list[str], msgspec.Meta(max_length=20)]

_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://(?P<star>\*\.)?(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?"
)
_DEFAULT_PORT = {"http": 80, "https": 443}
_PARAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class NewTag(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`params`: query parameters that are kept beside the usual ones. First rule that matches wins, else `pool`."""

    name: Name
    campaign: Id
    publisher: Id | None = None
    pool: Id | None = None
    origins: Origins
    targets: Targets
    rules: Rules = []
    params: Params = []

    def __post_init__(self) -> None:
        self.name = model.text(self.name, "/name")
        self.origins = _origins(self.origins)
        self.targets = model.phones(self.targets, "/targets")
        self.rules = [_rule(rule, f"/rules/{place}") for place, rule in enumerate(self.rules)]
        self.params = _params(self.params)


class TagChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays. A tag's campaign and publisher never change: place another tag."""

    name: Name | UnsetType = UNSET
    pool: Id | UnsetType | None = UNSET
    origins: Origins | UnsetType = UNSET
    targets: Targets | UnsetType = UNSET
    rules: Rules | UnsetType = UNSET
    params: Params | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            self.name = model.text(self.name, "/name")
        if self.origins is not UNSET:
            self.origins = _origins(self.origins)
        if self.targets is not UNSET:
            self.targets = model.phones(self.targets, "/targets")
        if self.rules is not UNSET:
            self.rules = [_rule(rule, f"/rules/{place}") for place, rule in enumerate(self.rules)]
        if self.params is not UNSET:
            self.params = _params(self.params)


class TagView(msgspec.Struct):
    """`snippet` is what the publisher pastes on the page."""

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
    snippet: str
    created_at: Instant


class TagFilter(msgspec.Struct, kw_only=True):
    campaign: str | None = None
    publisher: str | None = None


def snippet(base_url: str, key: str) -> str:
    """The line for the page; `base_url` is scheme and host of this service as browsers reach it."""
    return f'<script async src="{base_url}/t/{key}.js"></script>'


def origin(value: str, path: str) -> str:
    """Scheme, host and port in lower case, a default port left out, as browsers send it. Raises InvalidField.

    A leading `*.` stands for every subdomain, with https only.
    """
    found = _ORIGIN.fullmatch(value.strip().lower().removesuffix("/"))
    if found is None or len(found["host"]) > 253 or int(found["port"] or 1) not in range(1, 65_536):
        raise InvalidField(path, f"not an origin: scheme and host, such as https://www.example.com, not {value[:80]!r}")
    if found["star"] and (found["scheme"] != "https" or "." not in found["host"]):
        raise InvalidField(
            path, f"a wildcard is for https and a whole domain, such as https://*.example.com, not {value[:80]!r}"
        )
    port = int(found["port"] or 0)
    shown = f":{port}" if port and port != _DEFAULT_PORT[found["scheme"]] else ""
    return f"{found['scheme']}://{found['star'] or ''}{found['host']}{shown}"


async def create(connection: AsyncConnection, now_ms: int, new: NewTag) -> str:
    """The id of the new tag; what it names was found before."""
    made = new_id("tag", now_ms)
    owners = {"campaign_id": new.campaign, "publisher_id": new.publisher, "pool_id": new.pool}
    lists = {"origins": new.origins, "targets": new.targets, "rules": stored(new.rules), "params": new.params}
    values = {"id": made, "key": new_key(), "name": new.name, "created_at_ms": now_ms, **owners, **lists}
    await connection.execute(insert(tag).values(**values))
    return made


async def change(connection: AsyncConnection, wanted: str, values: dict[str, Any]) -> None:
    """Writes these columns; the tag is known to be live."""
    if values:
        await connection.execute(update(tag).where(tag.c.id == wanted).values(**values))


async def delete(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    await connection.execute(update(tag).where(tag.c.id == wanted).values(deleted_at_ms=now_ms))


async def one(connection: AsyncConnection, principal: Principal, base_url: str, wanted: str) -> TagView:
    """Raises NotFound, also for a tag behind the principal's walls."""
    query = _visible(principal).where(tag.c.id == wanted)
    return _view(await rows.one(connection, query, f"tag {wanted}"), base_url)


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
    return [_view(row, base_url) for row in found], after


async def uses(connection: AsyncConnection) -> list[tuple[RowMapping, list[Use]]]:
    """Every live tag (id, name, campaign_id, publisher_id, pool_id) with what it and its rules give."""
    columns = tag.c.id, tag.c.name, tag.c.campaign_id, tag.c.publisher_id, tag.c.pool_id, tag.c.rules
    found = await connection.execute(select(*columns).where(tag.c.deleted_at_ms.is_(None)))
    return [
        (row, [Use(pool=row["pool_id"]), *(msgspec.convert(rule["use"], Use) for rule in row["rules"])])
        for row in found.mappings()
    ]


def stored(rules: list[Rule]) -> Any:
    """Rules as the ledger keeps them."""
    return msgspec.to_builtins(rules)


def _origins(values: list[str]) -> list[str]:
    return list(dict.fromkeys(origin(value, f"/origins/{place}") for place, value in enumerate(values)))


def _params(values: list[str]) -> list[str]:
    for place, value in enumerate(values):
        if not _PARAM.fullmatch(value):
            raise InvalidField(f"/params/{place}", "a parameter's name: letters, digits, _ . and -, at most 64")
    return list(dict.fromkeys(values))


def _rule(rule: Rule, path: str) -> Rule:
    """The rule with its numbers in E.164. Raises InvalidField."""
    use, when = rule.use, rule.when
    if (use.pool is not None) + (use.number is not None) + use.original != 1:
        raise InvalidField(f"{path}/use", "exactly one of `pool`, `number` and `original`")
    if use.overflow is not None and use.pool is None:
        raise InvalidField(f"{path}/use/overflow", "only beside `pool`: the number for when the pool has none free")
    for name in when.__struct_fields__:
        value = getattr(when, name)
        if isinstance(value, str) and name != "consent":
            model.text(value, f"{path}/when/{name}", 256)
    given = when.param or {}
    if len(given) > 20:
        raise InvalidField(f"{path}/when/param", "at most 20 parameters")
    for name, value in given.items():
        if not _PARAM.fullmatch(name):
            raise InvalidField(f"{path}/when/param", "a parameter's name: letters, digits, _ . and -, at most 64")
        model.text(value, f"{path}/when/param/{name}", 256)
    number = e164(use.number, f"{path}/use/number") if use.number is not None else None
    overflow = e164(use.overflow, f"{path}/use/overflow") if use.overflow is not None else None
    return Rule(when, msgspec.structs.replace(use, number=number, overflow=overflow))


def _visible(principal: Principal) -> Select[Any]:
    return select(tag).where(tag.c.deleted_at_ms.is_(None), walls.tags(principal))


def _view(row: RowMapping, base_url: str) -> TagView:
    return TagView(
        id=row["id"],
        key=row["key"],
        name=row["name"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        pool=row["pool_id"],
        origins=row["origins"],
        targets=row["targets"],
        rules=msgspec.convert(row["rules"], list[Rule]),
        params=row["params"],
        snippet=snippet(base_url, row["key"]),
        created_at=rfc3339(row["created_at_ms"]),
    )
