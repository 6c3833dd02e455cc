"""Storage of duplicates: which earlier call of a telephone a call is held against, and which later ones are to be
judged anew when a call changes. In the order of their starts, then of their ids, whenever their events come."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    update,
)

from dni.ledger.schema import call, campaign, terms
from dni.qualification.model import Dedupe

# Of advisory locks: these are not those of `dni.ledger.alone`.
_CAMPAIGN, _CALLER = 8_201, 8_202


class Earlier(msgspec.Struct, frozen=True):
    id: str
    began_ms: int


def take_turn(connection: Connection, call_id: str) -> tuple[str | None, str | None] | None:
    """Until the end of the transaction no other call of this telephone is settled, and no terms of this campaign are
    written. Comes before any lock of a call's row. Whose call it was then: campaign and caller; None: there is no such
    call. SQLite has one writer."""
    found = connection.execute(_TURN if connection.dialect.name != "sqlite" else _WHOSE, {"this": call_id}).first()
    return None if found is None else (found.campaign_id, found.caller)


def hold_campaign(connection: Connection, campaign_id: str) -> None:
    """Until the end of the transaction no call of the campaign is settled: its terms are about to change."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(_CAMPAIGN, func.hashtext(campaign_id))))


def share_campaigns(connection: Connection, campaigns: Sequence[str]) -> None:
    """Until the end of the transaction no terms of these campaigns are written."""
    if connection.dialect.name != "sqlite":
        for one in campaigns:
            connection.execute(select(func.pg_advisory_xact_lock_shared(_CAMPAIGN, func.hashtext(one))))


def last(
    connection: Connection, row: Mapping[Any, Any], how: Dedupe, looks_back_ms: int, before: str | None
) -> Earlier | None:
    """The last earlier call of the same telephone that counts, by `how`. `row`: of the call, with its campaign's
    `advertiser`. `before`: the call that it was held against when it was judged before, which counts still when who
    called then is forgotten by now.
    """
    began_ms = row["started_at_ms"]
    values = {
        "telephone": row["caller"],
        "began_ms": began_ms,
        "since_ms": began_ms - looks_back_ms,
        "this": row["id"],
        "campaign": row["campaign_id"],
        "advertiser": row["advertiser"],
        "destination": row["destination"],
    }
    scope = "campaign" if how.scope == "advertiser" and row["advertiser"] is None else how.scope
    found = connection.execute(_last(scope, how.counts), values).first()
    if before is not None and (found is None or found.id != before):
        former = connection.execute(_FORGOTTEN, {"this": before}).first()
        if former is not None and (found is None or former.started_at_ms > found.started_at_ms):
            found = former
    return None if found is None else Earlier(found.id, found.started_at_ms)


def unsettle_later(connection: Connection, row: Mapping[Any, Any], since_ms: int, now_ms: int) -> None:
    """The call changed, and with it perhaps whether a later one of its telephone is a duplicate: those that were judged
    are judged anew. `since_ms`: when it begins, now or as it was told before."""
    if row["caller"] is None:
        return
    values = {"telephone": row["caller"], "since_ms": since_ms, "this": row["id"], "now_ms": now_ms}
    values["until_ms"] = max(since_ms, row["started_at_ms"])
    connection.execute(_UNSETTLE, values)


def unsettle_since(connection: Connection, campaign_id: str, publisher: str | None, from_ms: int, now_ms: int) -> None:
    """Calls that began since then have other terms now."""
    begun = (call.c.campaign_id == campaign_id) & (call.c.started_at_ms >= from_ms) & call.c.ended_at_ms.is_not(None)
    if publisher is not None:
        begun &= call.c.publisher_id == publisher
    connection.execute(
        update(call).where(call.c.id.in_(_in_order(select(call.c.id).where(begun)))).values(unsettled_ms=now_ms)
    )


def _in_order(wanted: Select[Any]) -> Select[Any]:
    """Locks the rows as everybody does: from the earliest call on."""
    return wanted.order_by(call.c.started_at_ms, call.c.id).with_for_update()


_WHOSE = select(call.c.campaign_id, call.c.caller).where(call.c.id == bindparam("this", type_=Text))
_TURN = _WHOSE.add_columns(
    cast(func.pg_advisory_xact_lock_shared(_CAMPAIGN, func.hashtext(call.c.campaign_id)), Text),
    cast(func.pg_advisory_xact_lock(_CALLER, func.hashtext(func.coalesce(call.c.caller, call.c.id))), Text),
)


@lru_cache(6)
def _last(scope: str, counts: str) -> Select[Any]:
    """Made once: to make a statement takes longer than to ask it."""
    began = bindparam("began_ms", type_=BigInteger)
    mine = (
        (call.c.caller == bindparam("telephone", type_=Text))
        & (call.c.started_at_ms >= bindparam("since_ms", type_=BigInteger))
        & (call.c.started_at_ms <= began)
        & or_(call.c.started_at_ms < began, call.c.id < bindparam("this", type_=Text))
    )
    if scope == "destination":
        mine &= call.c.destination == bindparam("destination", type_=Text)
    elif scope == "advertiser":
        others = select(campaign.c.id).where(campaign.c.advertiser == bindparam("advertiser", type_=Text))
        mine &= call.c.campaign_id.in_(others)
    else:
        mine &= call.c.campaign_id == bindparam("campaign", type_=Text)
    if counts == "paid":
        mine &= call.c.qualified
    else:
        mine &= call.c.answered_at_ms.is_not(None) & (call.c.status != "rejected")
    wanted = select(call.c.id, call.c.started_at_ms).where(mine)
    return wanted.order_by(call.c.started_at_ms.desc(), call.c.id.desc()).limit(1)


_FORGOTTEN = select(call.c.id, call.c.started_at_ms).where(
    call.c.id == bindparam("this", type_=Text), call.c.forgot_ms.is_not(None)
)
# No terms look back further.
_LONGEST = select(func.coalesce(func.max(terms.c.looks_back_ms), literal(0, BigInteger))).scalar_subquery()
_LATER = select(call.c.id).where(
    call.c.caller == bindparam("telephone", type_=Text),
    call.c.started_at_ms >= bindparam("since_ms", type_=BigInteger),
    call.c.started_at_ms <= bindparam("until_ms", type_=BigInteger) + _LONGEST,
    call.c.id != bindparam("this", type_=Text),
    call.c.qualified.is_not(None),
)
_UNSETTLE = (
    update(call).where(call.c.id.in_(_in_order(_LATER))).values(unsettled_ms=bindparam("now_ms", type_=BigInteger))
)
