"""Storage of endpoints: where others are told what happened. Their secrets never come out of here but to be sent."""

from collections.abc import Collection
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.clock import rfc3339
from dni.errors import InvalidField
from dni.ids import new_id
from dni.ledger import rows
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import delivery, endpoint, endpoint_health
from dni.outbound.kinds import KINDS, read
from dni.outbound.model import Endpoint, Kind, Only, Type

MOST_COUNTED = 10_001

Health = Literal["never", "ok", "failing", "paused"]


class EndpointHealth(msgspec.Struct):
    """`failures` in a row since `failing_since`; `next_try_at`: nothing is sent until then. `why` of the last one."""

    state: Health
    failures: int
    failing_since: Instant | None
    next_try_at: Instant | None
    delivered_at: Instant | None
    failed_at: Instant | None
    why: str | None


class EndpointView(msgspec.Struct):
    """`secrets_set`: the names of those that are set. `waiting` and `dead` are deliveries, counted up to 10,001."""

    id: str
    kind: str
    name: str
    events: list[Type]
    campaign: str | None
    publisher: str | None
    only: Only
    settings: dict[str, Any]
    secrets_set: list[str]
    paused: bool
    health: EndpointHealth
    waiting: int
    dead: int
    created_at: Instant


async def live(connection: AsyncConnection) -> list[Endpoint]:
    """All that are not deleted, oldest first, paused ones too; of kinds that this version knows."""
    query = _live(None, endpoint).order_by(endpoint.c.id)
    return [_endpoint(row) for row in (await connection.execute(query)).mappings()]


async def load(
    connection: AsyncConnection, wanted: str, kinds: Collection[str] | None = None, *, locked: bool = False
) -> Endpoint:
    """With its secrets. `locked`: nobody else changes it until the transaction ends. Raises NotFound, also for one of
    other kinds."""
    return _endpoint(await _row(connection, wanted, kinds, locked=locked))


async def one(connection: AsyncConnection, wanted: str, kinds: Collection[str] | None = None) -> EndpointView:
    """Raises NotFound, also for one of other kinds."""
    query = _seen(kinds).where(endpoint.c.id == wanted)
    return _view(await rows.one(connection, query, f"endpoint {wanted}"))


async def page(
    connection: AsyncConnection, limit: int, cursor: str | None = None, kinds: Collection[str] | None = None
) -> tuple[list[EndpointView], str | None]:
    """Newest first; `kinds` None: of all."""
    found, after = await rows.page(connection, _seen(kinds), (endpoint.c.id,), limit, cursor)
    return [_view(row) for row in found], after


async def in_trouble(connection: AsyncConnection, limit: int) -> list[EndpointView]:
    """Those that do not answer, or whose deliveries were given up; newest first."""
    # As text, as below.
    given_up = exists().where(delivery.c.endpoint_id == endpoint.c.id, delivery.c.state == literal_column("'dead'"))
    query = _seen(None).where(or_(endpoint_health.c.failures > 0, given_up)).order_by(endpoint.c.id.desc())
    return [_view(row) for row in (await connection.execute(query.limit(limit))).mappings()]


async def create(connection: AsyncConnection, now_ms: int, kind: str, values: dict[str, Any]) -> str:
    """The id of a new one. `values`: `name`, and what is no default of `events`, `campaign`, `publisher`, `only`,
    `settings`, `secrets`, `paused`. Raises InvalidField for what is not as its kind has it."""
    made, its = new_id("end", now_ms), KINDS[kind]
    given = {"settings": {}, "secrets": {}, **values}
    if given.get("events") is None:
        given["events"] = its.types
    columns = _columns(its, given)
    await connection.execute(insert(endpoint).values(id=made, kind=kind, created_at_ms=now_ms, **columns))
    return made


async def change(
    connection: AsyncConnection, wanted: str, values: dict[str, Any], kinds: Collection[str] | None = None
) -> None:
    """Writes these fields, as `create` has them; of `settings` and `secrets` what is not given stays, and null takes
    one away. Raises NotFound, also for one of other kinds, and InvalidField as `create` does."""
    row = await _row(connection, wanted, kinds, locked=True)
    merged = {
        name: _merged(row[name], value) if name in ("settings", "secrets") else value for name, value in values.items()
    }
    if columns := _columns(KINDS[row["kind"]], merged):
        await connection.execute(update(endpoint).where(endpoint.c.id == wanted).values(**columns))


async def delete(connection: AsyncConnection, now_ms: int, wanted: str, kinds: Collection[str] | None = None) -> None:
    """What waits is not sent any more; what was sent stays to be read. Raises NotFound, also for one of other kinds."""
    await _row(connection, wanted, kinds)
    gone = update(endpoint).where(endpoint.c.id == wanted)
    await connection.execute(gone.values(deleted_at_ms=now_ms, secrets={}))
    waits = (delivery.c.endpoint_id == wanted) & (delivery.c.state == literal_column("'waiting'"))
    ended = {"state": "skipped", "why": "its endpoint was deleted", "done_ms": now_ms}
    await connection.execute(update(delivery).where(waits).values(**ended, lease=None, leased_until_ms=None))


async def has_settings(connection: AsyncConnection, wanted: str, given: dict[str, Any]) -> bool:
    """Whether a change to these would change nothing. Raises as `change` does."""
    return await _has(connection, wanted, "settings", given)


async def has_secrets(connection: AsyncConnection, wanted: str, given: dict[str, Any]) -> bool:
    """The same of secrets."""
    return await _has(connection, wanted, "secrets", given)


async def _has(connection: AsyncConnection, wanted: str, name: str, given: dict[str, Any]) -> bool:
    row = await _row(connection, wanted, None)
    return bool(_columns(KINDS[row["kind"]], {name: _merged(row[name], given)})[name] == row[name])


async def renew(connection: AsyncConnection, wanted: str, name: str, secret: str) -> None:
    """This secret of an endpoint is another one from now on, as who gave it said; of one that is gone it is not."""
    mine = _live(None, endpoint.c.secrets).where(endpoint.c.id == wanted).with_for_update()
    secrets = (await connection.execute(mine)).scalar()
    if secrets is not None:
        this = update(endpoint).where(endpoint.c.id == wanted)
        await connection.execute(this.values(secrets={**secrets, name: secret}))


async def _row(
    connection: AsyncConnection, wanted: str, kinds: Collection[str] | None, *, locked: bool = False
) -> RowMapping:
    query = _live(kinds, endpoint).where(endpoint.c.id == wanted)
    if locked:
        query = query.with_for_update()
    return await rows.one(connection, query, f"endpoint {wanted}")


def _merged(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**before, **given}.items() if value is not None}


def _columns(kind: Kind, values: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {name: values[name] for name in ("name", "paused") if name in values}
    made |= {f"{name}_id": values[name] for name in ("campaign", "publisher") if name in values}
    if "events" in values:
        made["types"] = _types(kind, values["events"])
    if "only" in values:
        made["only"] = msgspec.to_builtins(values["only"])
    for name, struct in (("settings", kind.settings), ("secrets", kind.secrets)):
        if name in values:
            made[name] = msgspec.to_builtins(read(struct, values[name], f"/{name}"))
    return made


def _types(kind: Kind, asked: Collection[Type]) -> list[Type]:
    for place, one_type in enumerate(asked):
        if one_type not in kind.may_ask:
            raise InvalidField(f"/events/{place}", f"{kind.label} can be told {', '.join(kind.may_ask)}")
    return list(dict.fromkeys(asked))


def _live(kinds: Collection[str] | None, *what: Any) -> Select[Any]:
    """Of these kinds; None: of all that this version knows."""
    of = endpoint.c.kind.in_(tuple(KINDS if kinds is None else kinds))
    return select(*what).where(endpoint.c.deleted_at_ms.is_(None), of)


def _seen(kinds: Collection[str] | None) -> Select[Any]:
    health = [column for column in endpoint_health.c if column.name != "endpoint_id"]
    joined = endpoint.outerjoin(endpoint_health, endpoint_health.c.endpoint_id == endpoint.c.id)
    counts = (_count(state).label(state) for state in ("waiting", "dead"))
    return _live(kinds, endpoint, *health, *counts).select_from(joined)


def _count(state: str) -> ColumnElement[int]:
    # The text of a state, not a parameter: else its index is not known to fit.
    its = (delivery.c.endpoint_id == endpoint.c.id) & (delivery.c.state == literal_column(f"'{state}'"))
    found = select(literal(1).label("one")).where(its).limit(MOST_COUNTED).correlate(endpoint).subquery()
    return select(func.count()).select_from(found).scalar_subquery()


def _endpoint(row: RowMapping) -> Endpoint:
    kind = KINDS[row["kind"]]
    return Endpoint(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        types=tuple(row["types"]),
        only=msgspec.convert(row["only"], Only),
        settings=msgspec.convert(row["settings"], kind.settings),
        secrets=msgspec.convert(row["secrets"], kind.secrets),
        paused=row["paused"],
    )


def _view(row: RowMapping) -> EndpointView:
    return EndpointView(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        events=row["types"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        only=msgspec.convert(row["only"], Only),
        settings=row["settings"],
        secrets_set=[name for name, value in row["secrets"].items() if value],
        paused=row["paused"],
        health=_health(row),
        waiting=row["waiting"],
        dead=row["dead"],
        created_at=rfc3339(row["created_at_ms"]),
    )


def _health(row: RowMapping) -> EndpointHealth:
    answering: Health = "failing" if row["failures"] else "ok" if row["delivered_ms"] is not None else "never"
    return EndpointHealth(
        state="paused" if row["paused"] else answering,
        failures=row["failures"] or 0,
        failing_since=instant(row["failing_since_ms"]),
        next_try_at=instant(row["not_before_ms"]),
        delivered_at=instant(row["delivered_ms"]),
        failed_at=instant(row["failed_ms"]),
        why=row["why"],
    )
