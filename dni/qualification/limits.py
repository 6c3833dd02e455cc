"""Storage of budgets as people write them: whose each is and its limits, read with what is used of them."""

from typing import Any

import msgspec
from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.campaign.model import Id
from dni.clock import rfc3339
from dni.errors import Conflict, InvalidField
from dni.ids import new_id
from dni.ledger import rows, schema
from dni.ledger.rows import Instant
from dni.ledger.schema import budget
from dni.qualification.budget import Figures, Limits, Used, check, counted, left, reached
from dni.qualification.counters import used_of


class NewBudget(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Of the campaign, of a publisher in it, or of one of its destinations."""

    campaign: Id
    publisher: Id | None = None
    destination: Id | None = None
    limits: Limits

    def __post_init__(self) -> None:
        if self.publisher is not None and self.destination is not None:
            raise InvalidField("/destination", "a budget is a publisher's or a destination's, not both")
        check(self.limits, "/limits")


class BudgetChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`limits` are replaced as a whole, and apply at once. Below what is used, the budget is full."""

    limits: Limits

    def __post_init__(self) -> None:
        check(self.limits, "/limits")


class BudgetView(msgspec.Struct):
    """`used` and `left`: of each limit, now; money in minor units of `currency`. `full`: which limit leaves no room for
    another call, or null."""

    id: str
    campaign: str
    publisher: str | None
    destination: str | None
    currency: str
    limits: Limits
    used: Figures
    left: Figures
    full: str | None
    created_at: Instant


class BudgetFilter(msgspec.Struct, frozen=True):
    campaign: str | None = None
    publisher: str | None = None


async def create(connection: AsyncConnection, now_ms: int, new: NewBudget) -> str:
    """The id of the new budget; what it names is known to be there. Raises Conflict `budget_exists`."""
    owners = {"campaign_id": new.campaign, "publisher_id": new.publisher, "destination_id": new.destination}
    if before := await of_owner(connection, new.campaign, new.publisher, new.destination):
        raise Conflict(f"there is budget {before} of the same already: change that one", code="budget_exists")
    made = new_id("bud", now_ms)
    limits = msgspec.to_builtins(new.limits)
    await connection.execute(insert(budget).values(id=made, created_at_ms=now_ms, limits=limits, **owners))
    return made


async def change(connection: AsyncConnection, wanted: str, limits: Limits) -> None:
    """The budget is known to be live."""
    values = {"limits": msgspec.to_builtins(limits)}
    await connection.execute(update(budget).where(budget.c.id == wanted).values(values))


async def delete(connection: AsyncConnection, now_ms: int, wanted: str) -> None:
    """What calls took of it stays to be read."""
    await connection.execute(update(budget).where(budget.c.id == wanted).values(deleted_at_ms=now_ms))


async def delete_of(connection: AsyncConnection, now_ms: int, **owner: str) -> None:
    """All of a `campaign_id`, `publisher_id` or `destination_id`."""
    [(name, wanted)] = owner.items()
    mine = (budget.c[name] == wanted) & budget.c.deleted_at_ms.is_(None)
    await connection.execute(update(budget).where(mine).values(deleted_at_ms=now_ms))


async def of_owner(
    connection: AsyncConnection, campaign: str, publisher: str | None, destination: str | None
) -> str | None:
    """The id of the live budget of exactly these."""
    query = select(budget.c.id).where(
        budget.c.campaign_id == campaign,
        budget.c.publisher_id.is_not_distinct_from(publisher),
        budget.c.destination_id.is_not_distinct_from(destination),
        budget.c.deleted_at_ms.is_(None),
    )
    return (await connection.execute(query)).scalar()


async def one(connection: AsyncConnection, principal: Principal, wanted: str, now_ms: int) -> BudgetView:
    """Raises NotFound, also for a budget behind the principal's walls."""
    row = await rows.one(connection, _visible(principal).where(budget.c.id == wanted), f"budget {wanted}")
    return (await _views(connection, [row], now_ms))[0]


async def page(
    connection: AsyncConnection,
    principal: Principal,
    now_ms: int,
    limit: int,
    cursor: str | None = None,
    only: BudgetFilter | None = None,
) -> tuple[list[BudgetView], str | None]:
    """Newest first."""
    query = _visible(principal)
    for name in BudgetFilter.__struct_fields__:
        if only is not None and (wanted := getattr(only, name)) is not None:
            query = query.where(budget.c[f"{name}_id"] == wanted)
    found, after = await rows.page(connection, query, (budget.c.id,), limit, cursor)
    return await _views(connection, found, now_ms), after


def _visible(principal: Principal) -> Select[Any]:
    query = select(budget, schema.campaign.c.timezone, schema.campaign.c.currency)
    query = query.join(schema.campaign, schema.campaign.c.id == budget.c.campaign_id)
    return query.where(budget.c.deleted_at_ms.is_(None), walls.budgets(principal))


async def _views(connection: AsyncConnection, found: Any, now_ms: int) -> list[BudgetView]:
    asked = [(row["id"], row["timezone"], now_ms) for row in found]
    used = await connection.run_sync(used_of, asked)
    return [_view(row, used[row["id"]], now_ms) for row in found]


def _view(row: RowMapping, used: dict[str, Used], now_ms: int) -> BudgetView:
    limits = msgspec.convert(row["limits"], Limits)
    why = reached(limits, used, 1, now_ms, now_ms, row["timezone"])
    return BudgetView(
        id=row["id"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        destination=row["destination_id"],
        currency=row["currency"],
        limits=limits,
        used=counted(limits, used),
        left=left(limits, used, now_ms, row["timezone"]),
        full=why.told(row["currency"]) if why else None,
        created_at=rfc3339(row["created_at_ms"]),
    )
