"""Finds the calls that an ad platform may be told of, within the reader's walls, newest first."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.errors import Forbidden
from dni.ledger import rows
from dni.ledger.engines import Ledger
from dni.ledger.schema import call, call_touch, campaign, session
from dni.outbound.click import CLICK_DAYS, DAY_MS
from dni.outbound.google_ads import Click, Conversion, Wish, click_of, told

_OLDEST_MS = CLICK_DAYS * DAY_MS
# Calls that are looked at for one page: a tenth of a second's work.
_LOOKED_AT = 20_000


async def google_ads(
    ledger: Ledger, principal: Principal, wish: Wish, limit: int, cursor: str | None = None
) -> tuple[list[Conversion], str | None]:
    """Of at most `limit` calls those that Google may be told of, and where to go on: a page may be short, or empty, and
    where few calls of many are sought it is.

    A click is that of the visit which the call is credited to; else the newest one before it of the same visitor, at
    most 90 days old. Google credits clicks among each other itself. Both visits are the reader's to see, and consented
    to: what the ledger has forgotten, or knows no consent of, is left out.

    Raises InvalidField for a cursor that is not of this list; Forbidden for callers who may not be seen.
    """
    if wish.template == "calls" and not principal.sees_callers:
        raise Forbidden(f"as {principal.role} you do not see callers, so not this file either")
    async with ledger.read() as connection:
        keys = (call.c.started_at_ms, call.c.id)
        among = select(call.c.started_at_ms).where(walls.calls(principal), *_within(wish))
        query = _calls(principal, wish)
        found, after = await rows.page_looked_for(connection, query, among, keys, limit, cursor, _LOOKED_AT)
        clicks = {} if wish.template == "calls" else await _clicks(connection, principal, wish, found)
    return [
        told(wish, row["id"], row["started_at_ms"], row["currency"], clicks.get(row["id"]), _caller(wish, row))
        for row in found
        if wish.template == "calls" or row["id"] in clicks
    ], after


def _calls(principal: Principal, wish: Wish) -> Select[Any]:
    query = (
        select(call, campaign.c.currency).join(campaign, campaign.c.id == call.c.campaign_id).where(*_wanted(wish))
    ).where(walls.calls(principal))
    if wish.template == "calls":
        shown = call.c.method == "static", func.lower(call.c.source) == "google", call.c.caller.is_not(None)
        return query.where(*shown)
    visit = session.c.started_at_ms.label("visit_ms")
    query = query.add_columns(visit).join(session, session.c.id == call.c.session_id)
    return query.where(call.c.confidence >= wish.min_confidence, *_may_be_told(principal))


def _wanted(wish: Wish) -> list[ColumnElement[bool]]:
    conditions = _within(wish)
    if wish.answered:
        conditions.append(call.c.answered_at_ms.is_not(None))
    if wish.min_talk_seconds:
        conditions.append(call.c.talk_s >= wish.min_talk_seconds)
    return conditions


def _within(wish: Wish) -> list[ColumnElement[bool]]:
    """What an index knows."""
    conditions: list[ColumnElement[bool]] = []
    if wish.from_ms is not None:
        conditions.append(call.c.started_at_ms >= wish.from_ms)
    if wish.to_ms is not None:
        conditions.append(call.c.started_at_ms < wish.to_ms)
    if wish.campaign is not None:
        conditions.append(call.c.campaign_id == wish.campaign)
    if wish.publisher is not None:
        conditions.append(call.c.publisher_id == wish.publisher)
    return conditions


async def _clicks(
    connection: AsyncConnection, principal: Principal, wish: Wish, calls: Sequence[RowMapping]
) -> dict[str, Click]:
    """By call."""
    found: dict[str, Click] = {}
    for row in calls:
        own = click_of(row["click_ids"], wish.ids) if row["visit_ms"] >= row["started_at_ms"] - _OLDEST_MS else None
        if own:
            found[row["id"]] = own
    others = [row["id"] for row in calls if row["id"] not in found]
    if not others:
        return found
    query = (
        select(call_touch.c.call_id, call_touch.c.click_ids)
        .join(call, call.c.id == call_touch.c.call_id)
        .join(session, session.c.id == call_touch.c.session_id)
        .where(
            call_touch.c.call_id.in_(others),
            call_touch.c.visitor_id == call.c.visitor_id,
            call_touch.c.at_ms.between(call.c.started_at_ms - _OLDEST_MS, call.c.started_at_ms),
            *_may_be_told(principal),
        )
        .order_by(call_touch.c.at_ms.desc(), call_touch.c.session_id)
    )
    for touch in (await connection.execute(query)).mappings():
        click = click_of(touch["click_ids"], wish.ids)
        if click:
            found.setdefault(touch["call_id"], click)
    return found


def _may_be_told(principal: Principal) -> tuple[ColumnElement[bool], ...]:
    return walls.sessions(principal), session.c.consent == "granted"


def _caller(wish: Wish, row: RowMapping) -> str | None:
    """Only the file that knows calls by their callers says who called."""
    return str(row["caller"]) if wish.template == "calls" else None
