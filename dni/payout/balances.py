"""Balances: sums of the journal. What a publisher earned and was told of by statements; what campaigns were billed."""

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.errors import Forbidden
from dni.ledger.schema import campaign, posting, publisher, statement
from dni.money import Money


class BalanceView(msgspec.Struct):
    """Of a publisher in a currency. `stated`: on statements; `open`: earned, and on none yet; both null inside one
    campaign's walls, because a statement is of all campaigns."""

    publisher: str
    publisher_name: str
    earned: Money
    stated: Money | None
    open: Money | None


class BilledView(msgspec.Struct):
    """Of a campaign. `payout` and `margin` are null for who does not see what publishers are paid."""

    campaign: str
    campaign_name: str
    advertiser: str | None
    billed: Money
    payout: Money | None
    margin: Money | None


async def of_publishers(
    connection: AsyncConnection, principal: Principal, wanted: str | None = None
) -> list[BalanceView]:
    """By name; `wanted`: of this publisher only. Raises Forbidden for advertisers."""
    if not principal.sees_payout:
        raise Forbidden("what publishers are paid is not the advertiser's to know")
    earned = (
        select(posting.c.publisher_id, posting.c.currency, func.sum(posting.c.payout).label("amount"))
        .where(posting.c.publisher_id.is_not(None), walls.postings(principal))
        .group_by(posting.c.publisher_id, posting.c.currency)
    )
    stated = select(statement.c.publisher_id, statement.c.currency, func.sum(statement.c.amount)).where(
        walls.statements(principal)
    )
    if wanted is not None:
        earned = earned.where(posting.c.publisher_id == wanted)
        stated = stated.where(statement.c.publisher_id == wanted)
    sums = earned.subquery()
    query = select(sums, publisher.c.name).join(publisher, publisher.c.id == sums.c.publisher_id)
    found = (await connection.execute(query.order_by(publisher.c.name, publisher.c.id, sums.c.currency))).all()
    told = {
        (owner, currency): int(amount)
        for owner, currency, amount in await connection.execute(
            stated.group_by(statement.c.publisher_id, statement.c.currency)
        )
    }
    views = []
    for owner, currency, amount, name in found:
        closed = None if principal.campaign else told.get((owner, currency), 0)
        views.append(
            BalanceView(
                publisher=owner,
                publisher_name=name,
                earned=Money(int(amount), currency),
                stated=None if closed is None else Money(closed, currency),
                open=None if closed is None else Money(int(amount) - closed, currency),
            )
        )
    return views


async def of_campaigns(connection: AsyncConnection, principal: Principal) -> list[BilledView]:
    """By name. Raises Forbidden for publishers."""
    if not principal.sees_revenue:
        raise Forbidden("what the advertiser pays is not the publisher's to know")
    sums = (
        select(
            posting.c.campaign_id,
            func.sum(posting.c.revenue).label("revenue"),
            func.sum(posting.c.payout).label("payout"),
        )
        .where(walls.postings(principal))
        .group_by(posting.c.campaign_id)
        .subquery()
    )
    query = (
        select(sums, campaign.c.name, campaign.c.advertiser, campaign.c.currency)
        .join(campaign, campaign.c.id == sums.c.campaign_id)
        .order_by(campaign.c.name, campaign.c.id)
    )
    views = []
    for row in (await connection.execute(query)).mappings():
        billed, paid = int(row["revenue"]), int(row["payout"])
        views.append(
            BilledView(
                campaign=row["campaign_id"],
                campaign_name=row["name"],
                advertiser=row["advertiser"],
                billed=Money(billed, row["currency"]),
                payout=Money(paid, row["currency"]) if principal.sees_payout else None,
                margin=Money(billed - paid, row["currency"]) if principal.sees_payout else None,
            )
        )
    return views
