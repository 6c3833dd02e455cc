"""Finds sessions for people, with the numbers that each was shown: within the reader's walls, newest first."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.clock import rfc3339
from dni.ledger import rows
from dni.ledger.engines import Ledger
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import lease, session

Scalar = str | int | float | bool | None


_TEXTS = ("source", "medium", "keyword")
# Sessions that are looked at for one page: a tenth of a second's work.
_LOOKED_AT = 20_000


class SessionFilter(msgspec.Struct, kw_only=True):
    """All that are given must hold. `from_ms` is within, `to_ms` is not; texts match whole, whatever their case."""

    from_ms: int | None = None
    to_ms: int | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    keyword: str | None = None
    publisher: str | None = None
    tag: str | None = None
    visitor: str | None = None


class LeaseView(msgspec.Struct):
    """`ended_at`: when the number went to another session."""

    number: str
    target: str
    started_at: Instant
    last_sign_at: Instant
    tapped_at: Instant | None
    left_at: Instant | None
    ended_at: Instant | None


class SessionView(msgspec.Struct):
    """`unleased`: why the session got no pooled number, when it asked for one and got none."""

    id: str
    visitor: str
    tag: str
    campaign: str
    publisher: str | None
    started_at: Instant
    last_seen_at: Instant
    page_views: int
    source: str | None
    medium: str | None
    campaign_name: str | None
    keyword: str | None
    content: str | None
    channel: str | None
    landing_page: str | None
    referrer: str | None
    click_ids: dict[str, str]
    params: dict[str, str]
    title: str | None
    device: str | None
    browser: str | None
    os: str | None
    country: str | None
    region: str | None
    city: str | None
    language: str | None
    timezone: str | None
    screen: str | None
    consent: str
    ids: dict[str, Scalar]
    custom: dict[str, Scalar]
    unleased: str | None
    leases: list[LeaseView]


async def list_sessions(
    ledger: Ledger, principal: Principal, only: SessionFilter, limit: int, cursor: str | None = None
) -> tuple[list[SessionView], str | None]:
    """A page that had to look at many sessions may have fewer than `limit`, also none, and still a cursor to go on.

    Raises InvalidField for a cursor that is not of this list.
    """
    query = _visible(principal).where(*_conditions(only))
    async with ledger.read() as connection:
        keys = (session.c.started_at_ms, session.c.id)
        if any(getattr(only, name) is not None for name in _TEXTS):
            among = select(session.c.started_at_ms).where(walls.sessions(principal), *_by_index(only))
            found, after = await rows.page_looked_for(connection, query, among, keys, limit, cursor, _LOOKED_AT)
        else:
            found, after = await rows.page(connection, query, keys, limit, cursor)
        leases = await _leases(connection, [row["id"] for row in found])
    return [_view(row, leases.get(row["id"], [])) for row in found], after


async def one_session(ledger: Ledger, principal: Principal, wanted: str) -> SessionView:
    """Raises NotFound, also for a session behind the principal's walls."""
    async with ledger.read() as connection:
        row = await rows.one(connection, _visible(principal).where(session.c.id == wanted), f"session {wanted}")
        leases = await _leases(connection, [wanted])
    return _view(row, leases.get(wanted, []))


async def unserved(ledger: Ledger, principal: Principal, since_ms: int) -> dict[str, int]:
    """Sessions that found no free number, by tag."""
    none_free = session.c.unleased.in_(("exhausted", "no_region"))
    wanted = (
        select(session.c.tag_id, func.count())
        .where(walls.sessions(principal), session.c.started_at_ms >= since_ms, none_free)
        .group_by(session.c.tag_id)
    )
    async with ledger.read() as connection:
        return {row[0]: row[1] for row in await connection.execute(wanted)}


def _conditions(only: SessionFilter) -> list[ColumnElement[bool]]:
    conditions = _by_index(only)
    for name in _TEXTS:
        if (value := getattr(only, name)) is not None:
            conditions.append(or_(session.c[name] == value, func.lower(session.c[name]) == value.lower()))
    return conditions


def _by_index(only: SessionFilter) -> list[ColumnElement[bool]]:
    exact = (
        ("campaign_id", only.campaign),
        ("publisher_id", only.publisher),
        ("tag_id", only.tag),
        ("visitor_id", only.visitor),
    )
    conditions = [session.c[column] == value for column, value in exact if value is not None]
    if only.from_ms is not None:
        conditions.append(session.c.started_at_ms >= only.from_ms)
    if only.to_ms is not None:
        conditions.append(session.c.started_at_ms < only.to_ms)
    return conditions


def _visible(principal: Principal) -> Select[Any]:
    return select(session).where(walls.sessions(principal))


async def _leases(connection: AsyncConnection, sessions: list[str]) -> dict[str, list[LeaseView]]:
    found: dict[str, list[LeaseView]] = {}
    query = select(lease).where(lease.c.session_id.in_(sessions)).order_by(lease.c.started_at_ms, lease.c.number)
    for row in (await connection.execute(query)).mappings():
        view = LeaseView(
            number=row["number"],
            target=row["target"],
            started_at=rfc3339(row["started_at_ms"]),
            last_sign_at=rfc3339(row["last_sign_ms"]),
            tapped_at=instant(row["tapped_at_ms"]),
            left_at=instant(row["left_at_ms"]),
            ended_at=instant(row["ended_at_ms"]),
        )
        found.setdefault(row["session_id"], []).append(view)
    return found


def _view(row: RowMapping, leases: list[LeaseView]) -> SessionView:
    return SessionView(
        id=row["id"],
        visitor=row["visitor_id"],
        tag=row["tag_id"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        started_at=rfc3339(row["started_at_ms"]),
        last_seen_at=rfc3339(row["last_seen_ms"]),
        page_views=row["page_views"],
        source=row["source"],
        medium=row["medium"],
        campaign_name=row["campaign_name"],
        keyword=row["keyword"],
        content=row["content"],
        channel=row["channel"],
        landing_page=row["landing_page"],
        referrer=row["referrer"],
        click_ids=row["click_ids"] or {},
        params=row["params"] or {},
        title=row["title"],
        device=row["device"],
        browser=row["browser"],
        os=row["os"],
        country=row["country"],
        region=row["region"],
        city=row["city"],
        language=row["language"],
        timezone=row["timezone"],
        screen=row["screen"],
        consent=row["consent"],
        ids=row["ids"] or {},
        custom=row["custom"] or {},
        unleased=row["unleased"],
        leases=leases,
    )
