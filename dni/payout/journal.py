"""Storage of the journal: every change of what a call pays, as a posting of three entries that sum to zero.

    advertiser_receivable   what the advertiser owes: + revenue
    publisher_payable       what the publisher is owed: - payout
    margin                  what is left: - (revenue - payout)

Postings are added, never changed: one that corrects names the one before it of the same call, and says the difference.
Nothing here names a person, and nothing that a person wrote is copied: it could not be forgotten.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    RowMapping,
    Table,
    Text,
    bindparam,
    false,
    insert,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids
from dni.access import walls
from dni.access.model import Principal
from dni.clock import rfc3339
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import entry, posting
from dni.ledger.together import Together
from dni.money import Money

Kind = Literal["verdict", "outcome", "correction", "dispute", "reattribution"]


class Owner(msgspec.Struct, frozen=True):
    """Whose money a posting is. `publisher` None: nobody is paid."""

    campaign: str
    publisher: str | None
    currency: str


class Standing(msgspec.Struct, frozen=True):
    """What a call's postings come to, in minor units, and the last of them."""

    last: str
    owner: Owner
    payout: int
    revenue: int


class PostingFilter(msgspec.Struct, kw_only=True):
    """All that are given must hold. Times are those at which calls began: `from_ms` is within, `to_ms` is not."""

    campaign: str | None = None
    publisher: str | None = None
    call: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


class PostingView(msgspec.Struct):
    """One change of what a call pays. `call_at`: when the call began. `kind`: `verdict`, `outcome`, `correction`,
    `dispute` or `reattribution`. `corrects`: the posting before it of the same call. Of `payout`, `revenue` and
    `margin`, a difference each, those are null that are not the reader's to know."""

    id: str
    at: Instant
    call: str
    call_at: Instant
    campaign: str
    publisher: str | None
    kind: Kind
    reason: str
    corrects: str | None
    payout: Money | None
    revenue: Money | None
    margin: Money | None


_MARK = ", revenue: "
_OF_CALL = (
    select(posting.c.id, posting.c.corrects_id, posting.c.campaign_id, posting.c.publisher_id, posting.c.currency,
           posting.c.payout, posting.c.revenue)
    .where(posting.c.call_id == bindparam("call_id", type_=Text))
)  # fmt: skip
ACCOUNTS = ("advertiser_receivable", "publisher_payable", "margin")


def _named(prefix: str, table: Table) -> Insert:
    return insert(table).values({c.name: bindparam(f"{prefix}_{c.name}", type_=c.type) for c in table.c})


# Made once: to make a statement takes longer than to ask it.
_ADD = Together(_named("posting", posting), *(_named(account, entry) for account in ACCOUNTS))


def standing(connection: Connection, call_id: str) -> Standing | None:
    """None: nothing was posted. The caller holds the call's row, so that nobody posts meanwhile."""
    found = connection.execute(_OF_CALL, {"call_id": call_id}).all()
    if not found:
        return None
    corrected = {row.corrects_id for row in found}
    [last] = [row for row in found if row.id not in corrected]
    return Standing(
        last=last.id,
        owner=Owner(last.campaign_id, last.publisher_id, last.currency),
        payout=sum(row.payout for row in found),
        revenue=sum(row.revenue for row in found),
    )


def post(
    connection: Connection,
    call: Mapping[Any, Any],
    owner: Owner,
    payout: int,
    revenue: int,
    *,
    at_ms: int,
    kind: Kind,
    reason: str,
    corrects: str | None,
) -> str:
    """Adds a difference, in minor units; the posting's id. `call`: a row of it."""
    made = ids.new_id("pst", at_ms)
    values = {
        "id": made,
        "at_ms": at_ms,
        "call_id": call["id"],
        "campaign_id": owner.campaign,
        "publisher_id": owner.publisher,
        "currency": owner.currency,
        "call_at_ms": call["started_at_ms"],
        "kind": kind,
        "reason": reason,
        "corrects_id": corrects,
        "payout": payout,
        "revenue": revenue,
    }
    told: dict[str, Any] = {f"posting_{name}": value for name, value in values.items()}
    for account, amount in zip(ACCOUNTS, (revenue, -payout, payout - revenue), strict=True):
        told |= {f"{account}_posting_id": made, f"{account}_account": account, f"{account}_amount": amount}
    _ADD.run(connection, told)
    return made


async def page(
    connection: AsyncConnection, principal: Principal, only: PostingFilter, limit: int, cursor: str | None = None
) -> tuple[list[PostingView], str | None]:
    """The latest posting first, of those that change what the principal may know. Raises InvalidField for a cursor that
    is not of this list."""
    query = select(posting).where(*_conditions(only), _seen(principal))
    found, after = await rows.page(connection, query, (posting.c.id,), limit, cursor)
    return [_view(row, principal) for row in found], after


def _conditions(only: PostingFilter) -> list[ColumnElement[bool]]:
    conditions = [
        posting.c[column] == value
        for column, value in (
            ("campaign_id", only.campaign),
            ("publisher_id", only.publisher),
            ("call_id", only.call),
        )
        if value is not None
    ]
    if only.from_ms is not None:
        conditions.append(posting.c.call_at_ms >= only.from_ms)
    if only.to_ms is not None:
        conditions.append(posting.c.call_at_ms < only.to_ms)
    return conditions


def _seen(principal: Principal) -> ColumnElement[bool]:
    """A change of the other side alone is nothing that the principal may know."""
    sides = {"payout": principal.sees_payout, "revenue": principal.sees_revenue}
    changed = or_(false(), *(posting.c[side] != 0 for side, seen in sides.items() if seen))
    return walls.postings(principal) & changed


def _told(reason: str, principal: Principal) -> str:
    """`payout: Base, revenue: Billed`: of who sees one side, that side. Of a name that holds the mark, rather too
    little is told than what is the other's."""
    if principal.sees_payout and principal.sees_revenue:
        return reason
    if principal.sees_payout:
        return reason.partition(_MARK)[0]
    _, mark, revenue = reason.rpartition(_MARK)
    return f"{mark.removeprefix(', ')}{revenue}"


def _view(row: RowMapping, principal: Principal) -> PostingView:
    def money(amount: int, *, seen: bool) -> Money | None:
        return Money(amount, row["currency"]) if seen else None

    sees_payout, sees_revenue = principal.sees_payout, principal.sees_revenue
    return PostingView(
        id=row["id"],
        at=rfc3339(row["at_ms"]),
        call=row["call_id"],
        call_at=rfc3339(row["call_at_ms"]),
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        kind=row["kind"],
        reason=_told(row["reason"], principal),
        corrects=row["corrects_id"],
        payout=money(row["payout"], seen=sees_payout),
        revenue=money(row["revenue"], seen=sees_revenue),
        margin=money(row["revenue"] - row["payout"], seen=sees_payout and sees_revenue),
    )
