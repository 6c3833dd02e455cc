"""The tenants' walls as SQL: which rows of a table exist for a principal. Every read for people goes through here."""

from sqlalchemy import ColumnElement, Table, and_, false, or_, select, true

from dni.access.model import Principal
from dni.ledger.schema import (
    budget,
    call,
    campaign,
    destination,
    dispute,
    number,
    pool,
    posting,
    publisher,
    session,
    statement,
    tag,
)


def campaigns(principal: Principal) -> ColumnElement[bool]:
    """A publisher sees the campaigns that it is placed in."""
    conditions: list[ColumnElement[bool]] = [true()]
    if principal.campaign:
        conditions.append(campaign.c.id == principal.campaign)
    if principal.publisher:
        conditions.append(or_(*(campaign.c.id.in_(_column(t, "campaign_id", principal)) for t in (tag, number))))
    return and_(*conditions)


def destinations(principal: Principal) -> ColumnElement[bool]:
    """Who buys the calls is nothing that a publisher sees."""
    if principal.publisher:
        return false()
    return destination.c.campaign_id == principal.campaign if principal.campaign else true()


def budgets(principal: Principal) -> ColumnElement[bool]:
    """A publisher sees its own, an advertiser its campaign's and its destinations': those of publishers tell what they
    are paid."""
    mine = _own(budget, principal)
    return mine if principal.sees_payout else and_(mine, budget.c.publisher_id.is_(None))


def publishers(principal: Principal) -> ColumnElement[bool]:
    """An advertiser sees the publishers that bring traffic to its campaign."""
    conditions: list[ColumnElement[bool]] = [true()]
    if principal.publisher:
        conditions.append(publisher.c.id == principal.publisher)
    if principal.campaign:
        conditions.append(or_(*(publisher.c.id.in_(_column(t, "publisher_id", principal)) for t in (tag, number))))
    return and_(*conditions)


def pools(principal: Principal) -> ColumnElement[bool]:
    """A publisher also sees a pool that its campaign shares with it."""
    conditions: list[ColumnElement[bool]] = [true()]
    if principal.campaign:
        conditions.append(pool.c.campaign_id == principal.campaign)
    if principal.publisher:
        shared = pool.c.shared & pool.c.id.in_(_column(tag, "pool_id", principal))
        conditions.append(or_(pool.c.publisher_id == principal.publisher, shared))
    return and_(*conditions)


def numbers(principal: Principal) -> ColumnElement[bool]:
    """Static numbers carry their owners; a pooled number is its pool's."""
    if not principal.campaign and not principal.publisher:
        return true()
    pooled = number.c.pool_id.in_(select(pool.c.id).where(pools(principal)))
    return or_(pooled, number.c.pool_id.is_(None) & _own(number, principal))


def tags(principal: Principal) -> ColumnElement[bool]:
    return _own(tag, principal)


def calls(principal: Principal) -> ColumnElement[bool]:
    return _own(call, principal)


def sessions(principal: Principal) -> ColumnElement[bool]:
    return _own(session, principal)


def postings(principal: Principal) -> ColumnElement[bool]:
    """Which of its two amounts a principal sees is for the reader to mind (`sees_payout`, `sees_revenue`)."""
    return _own(posting, principal)


def disputes(principal: Principal) -> ColumnElement[bool]:
    """Neither side sees what the other disputes."""
    sides = [side for side in ("payout", "revenue") if getattr(principal, f"sees_{side}")]
    return and_(_own(dispute, principal), dispute.c.side.in_(sides))


def statements(principal: Principal) -> ColumnElement[bool]:
    """A statement is of all campaigns of its publisher: inside one campaign's walls there is none."""
    if principal.campaign or not principal.sees_payout:
        return false()
    return statement.c.publisher_id == principal.publisher if principal.publisher else true()


def _own(table: Table, principal: Principal) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    if principal.campaign:
        conditions.append(table.c.campaign_id == principal.campaign)
    if principal.publisher:
        conditions.append(table.c.publisher_id == principal.publisher)
    return and_(*conditions)


def _column(table: Table, name: str, principal: Principal) -> ColumnElement[str]:
    """What the principal's own live rows of `table` name there."""
    gone = table.c.retired_at_ms if table is number else table.c.deleted_at_ms
    return select(table.c[name]).where(_own(table, principal), gone.is_(None), table.c[name].is_not(None))  # type: ignore[return-value]
