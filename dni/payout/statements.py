"""Statements: what a publisher earned in a closed period, line by line. Rows are only added: a closed one stays."""

from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    RowMapping,
    Select,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    not_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.clock import rfc3339
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import adjustment, call, campaign, posting, publisher, statement, statement_line, verdict
from dni.money import Money
from dni.payout import model
from dni.payout.model import Period

_OF_POSTING = ("call_id", "call_at_ms", "at_ms", "campaign_id", "kind", "payout")
_before = posting.alias("before")
# The journal keeps no word of a person's: it stands with what he put.
_adjusted = (
    select(adjustment.c.reason)
    .where(adjustment.c.call_id == posting.c.call_id, adjustment.c.at_ms <= posting.c.at_ms)
    .order_by(adjustment.c.at_ms.desc())
    .limit(1)
    .scalar_subquery()
)
# What was given to, or taken from, another publisher is nothing that this one's lines name.
_CORRECTS = and_(_before.c.id == posting.c.corrects_id, _before.c.publisher_id == posting.c.publisher_id)


class CampaignSums(msgspec.Struct):
    """`calls`: that are paid for; `earned`: by lines that correct nothing, `corrected`: by the others, so many of them
    there are in `corrections`."""

    campaign: str
    campaign_name: str
    calls: int
    earned: Money
    corrected: Money
    corrections: int
    amount: Money


class StatementView(msgspec.Struct):
    """`ends_at` is not within; `period` says the same in words, by the clock of `timezone`. `amount`: below zero, more
    was paid before than was earned. `calls`: that it pays for."""

    id: str
    publisher: str
    publisher_name: str
    begins_at: Instant
    ends_at: Instant
    timezone: str
    period: str
    amount: Money
    calls: int
    closed_at: Instant
    by: str


class WholeStatement(StatementView):
    """`earlier`: of the amount, for calls that began before the period: corrections of closed ones, for the most."""

    earned: Money
    corrected: Money
    corrections: int
    earlier: Money
    campaigns: list[CampaignSums]


class PreviewView(msgspec.Struct):
    """The statement that would be closed. `waiting`: calls before its end whose verdict is still to come; they would
    be on the next one."""

    publisher: str
    publisher_name: str
    begins_at: Instant
    ends_at: Instant
    timezone: str
    period: str
    amount: Money
    calls: int
    earned: Money
    corrected: Money
    corrections: int
    earlier: Money
    campaigns: list[CampaignSums]
    waiting: int


class StatementLine(msgspec.Struct):
    """`reason`: of who corrected the call, or granted a dispute. `corrects`: the posting whose amount this one changes.
    `verdict`: the policy that the call matches now, or what it missed; null when it is another publisher's now."""

    posting: str
    call: str
    call_at: Instant
    posted_at: Instant
    campaign: str
    campaign_name: str
    kind: str
    reason: str | None
    amount: Money
    corrects: str | None
    verdict: str | None


class StatementFilter(msgspec.Struct, kw_only=True):
    publisher: str | None = None
    currency: str | None = None


class Sums(msgspec.Struct, frozen=True):
    """Of postings, in minor units; `earlier`: of calls that began before the period."""

    amount: int
    calls: int
    corrected: int
    corrections: int
    earlier: int
    campaigns: list[CampaignSums]


async def last(connection: AsyncConnection, owner: str, currency: str) -> RowMapping | None:
    """The publisher's statement that ends last."""
    of_it = (statement.c.publisher_id == owner) & (statement.c.currency == currency)
    query = select(statement).where(of_it).order_by(statement.c.to_ms.desc()).limit(1)
    return (await connection.execute(query)).mappings().first()


def unstated(owner: str, currency: str, to_ms: int | None = None) -> ColumnElement[bool]:
    """Postings that are on no statement yet, of calls that began before `to_ms`."""
    lines = select(literal(1)).where(statement_line.c.posting_id == posting.c.id)
    found = [posting.c.publisher_id == owner, posting.c.currency == currency, not_(exists(lines))]
    return and_(*found, *([posting.c.call_at_ms < to_ms] if to_ms is not None else []))


def stated(wanted: str) -> ColumnElement[bool]:
    """Postings that are on this statement."""
    return posting.c.id.in_(select(statement_line.c.posting_id).where(statement_line.c.statement_id == wanted))


async def take(connection: AsyncConnection, made: dict[str, Any]) -> Sums:
    """Adds the statement, of which `made` has all but what it comes to, with all postings that are `unstated`."""
    chosen = unstated(made["publisher_id"], made["currency"], made["to_ms"])
    taken = select(posting.c.id, literal(made["id"])).where(chosen)
    await connection.execute(insert(statement_line).from_select(["posting_id", "statement_id"], taken))
    sums = await add_up(connection, stated(made["id"]), made["from_ms"])
    await connection.execute(insert(statement).values(**made, amount=sums.amount, calls=sums.calls))
    return sums


async def add_up(connection: AsyncConnection, chosen: ColumnElement[bool], from_ms: int) -> Sums:
    """Postings of one publisher and currency."""
    # A change of what the advertiser is billed is no line of the publisher's.
    is_correction = and_(_before.c.id.is_not(None), posting.c.payout != 0)
    is_earlier = posting.c.call_at_ms < from_ms
    of_calls = (
        select(
            posting.c.campaign_id,
            func.max(posting.c.currency).label("currency"),
            func.sum(posting.c.payout).label("amount"),
            func.sum(case((is_correction, posting.c.payout), else_=0)).label("corrected"),
            func.sum(case((is_correction, 1), else_=0)).label("corrections"),
            func.sum(case((is_earlier, posting.c.payout), else_=0)).label("earlier"),
        )
        .join(_before, _CORRECTS, isouter=True)
        .where(chosen)
        .group_by(posting.c.campaign_id, posting.c.call_id)
        .subquery()
    )
    is_paid = case((of_calls.c.amount > 0, 1), else_=0).cast(Integer)
    summed = [func.sum(of_calls.c[name]).label(name) for name in ("amount", "corrected", "corrections", "earlier")]
    query = (
        select(of_calls.c.campaign_id, campaign.c.name, func.max(of_calls.c.currency).label("currency"), *summed)
        .add_columns(func.sum(is_paid).label("calls"))
        .join(campaign, campaign.c.id == of_calls.c.campaign_id)
        .group_by(of_calls.c.campaign_id, campaign.c.name)
        .order_by(campaign.c.name, of_calls.c.campaign_id)
    )
    found = (await connection.execute(query)).mappings().all()
    names = ("amount", "calls", "corrected", "corrections", "earlier")
    total = {name: sum(int(row[name]) for row in found) for name in names}
    return Sums(**total, campaigns=[_campaign(row) for row in found])


async def one(connection: AsyncConnection, principal: Principal, wanted: str) -> WholeStatement:
    """Raises NotFound, also for a statement behind the principal's walls."""
    row = await rows.one(connection, visible(principal).where(statement.c.id == wanted), f"statement {wanted}")
    sums = await add_up(connection, stated(wanted), row["from_ms"])
    view = statement_view(row)
    told = {name: getattr(view, name) for name in StatementView.__struct_fields__}
    return WholeStatement(**told, **parted(sums, row["currency"]))


async def page(
    connection: AsyncConnection, principal: Principal, limit: int, cursor: str | None, only: StatementFilter
) -> tuple[list[StatementView], str | None]:
    """The one that was closed last first."""
    query = visible(principal)
    if only.publisher is not None:
        query = query.where(statement.c.publisher_id == only.publisher)
    if only.currency is not None:
        query = query.where(statement.c.currency == only.currency)
    found, after = await rows.page(connection, query, (statement.c.id,), limit, cursor)
    return [statement_view(row) for row in found], after


async def lines(
    connection: AsyncConnection, principal: Principal, wanted: str, limit: int, cursor: str | None
) -> tuple[list[StatementLine], str | None]:
    """What was posted last first. Raises NotFound as `one` does."""
    of_it = await rows.one(connection, visible(principal).where(statement.c.id == wanted), f"statement {wanted}")
    query = (
        select(
            statement_line.c.posting_id,
            *(posting.c[name] for name in _OF_POSTING),
            campaign.c.name,
            _before.c.id.label("corrects"),
            case((posting.c.kind.in_(("correction", "dispute")), _adjusted)).label("reason"),
            # Whose verdict it is now.
            case((call.c.publisher_id == posting.c.publisher_id, verdict.c.told)).label("told"),
        )
        .join(posting, posting.c.id == statement_line.c.posting_id)
        .join(campaign, campaign.c.id == posting.c.campaign_id)
        .join(call, call.c.id == posting.c.call_id)
        .join(verdict, verdict.c.call_id == posting.c.call_id, isouter=True)
        .join(_before, _CORRECTS, isouter=True)
        .where(statement_line.c.statement_id == wanted, posting.c.payout != 0)
    )
    found, after = await rows.page(connection, query, (statement_line.c.posting_id,), limit, cursor)
    return [_line(row, of_it["currency"]) for row in found], after


def parted(sums: Sums, currency: str) -> dict[str, Any]:
    """What a whole statement tells beside its amount."""
    return {
        "earned": Money(sums.amount - sums.corrected, currency),
        "corrected": Money(sums.corrected, currency),
        "corrections": sums.corrections,
        "earlier": Money(sums.earlier, currency),
        "campaigns": sums.campaigns,
    }


def told(period: Period) -> dict[str, Any]:
    """A period as views tell it."""
    return {
        "begins_at": rfc3339(period.from_ms),
        "ends_at": rfc3339(period.to_ms),
        "timezone": period.timezone,
        "period": model.told(period),
    }


def visible(principal: Principal) -> Select[Any]:
    named = select(statement, publisher.c.name).join(publisher, publisher.c.id == statement.c.publisher_id)
    return named.where(walls.statements(principal))


def statement_view(row: RowMapping) -> StatementView:
    return StatementView(
        id=row["id"],
        publisher=row["publisher_id"],
        publisher_name=row["name"],
        amount=Money(row["amount"], row["currency"]),
        calls=row["calls"],
        closed_at=rfc3339(row["closed_at_ms"]),
        by=row["by_name"],
        **told(Period(row["from_ms"], row["to_ms"], row["timezone"])),
    )


def _campaign(row: RowMapping) -> CampaignSums:
    amount, corrected = int(row["amount"]), int(row["corrected"])
    return CampaignSums(
        campaign=row["campaign_id"],
        campaign_name=row["name"],
        calls=int(row["calls"]),
        earned=Money(amount - corrected, row["currency"]),
        corrected=Money(corrected, row["currency"]),
        corrections=int(row["corrections"]),
        amount=Money(amount, row["currency"]),
    )


def _line(row: RowMapping, currency: str) -> StatementLine:
    return StatementLine(
        posting=row["posting_id"],
        call=row["call_id"],
        call_at=rfc3339(row["call_at_ms"]),
        posted_at=rfc3339(row["at_ms"]),
        campaign=row["campaign_id"],
        campaign_name=row["name"],
        kind=row["kind"],
        reason=row["reason"] or None,  # "" where it was forgotten
        amount=Money(row["payout"], currency),
        corrects=row["corrects"],
        verdict=_in_short(row["told"]),
    )


def _in_short(told: dict[str, Any] | None) -> str | None:
    side = (told or {}).get("payout") or {}
    return side.get("policy") or side.get("missing") or None
