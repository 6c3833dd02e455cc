"""Corrections: what a person puts in the place of what a call's terms say. Rows are only added, the last counts."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids, money
from dni.access import walls
from dni.access.model import Principal
from dni.campaign import model
from dni.clock import rfc3339
from dni.errors import Conflict, InvalidField
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import adjustment, call, campaign
from dni.money import Money
from dni.qualification.model import LARGEST

SIDES = ("payout", "revenue")
LONGEST = 2_000
"""Characters of a reason or a note."""

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]


class Correct(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the call pays and bills from now on. What is left out stays as it is; null: as the terms say. The reason is
    read by those whose amount it changes."""

    payout: Money | UnsetType | None = UNSET
    revenue: Money | UnsetType | None = UNSET
    reason: Reason

    def __post_init__(self) -> None:
        if self.payout is UNSET and self.revenue is UNSET:
            raise InvalidField("", "give payout, revenue or both")
        self.reason = model.text(self.reason, "/reason", LONGEST)


class CorrectionView(msgspec.Struct):
    """`payout` and `revenue`: null is as the terms say, or not for the reader to know."""

    id: str
    call: str
    at: Instant
    payout: Money | None
    revenue: Money | None
    reason: str
    by: str


async def correct(
    connection: AsyncConnection, principal: Principal, now_ms: int, wanted: str, told: Correct
) -> CorrectionView:
    """The same amounts again add nothing. The call is then unsettled. Raises NotFound, also for a call behind the
    principal's walls, and Conflict `no_campaign`."""
    found = await locked(connection, principal, wanted)
    given = {
        side: None if (value := getattr(told, side)) is None else minor(value, found["currency"], f"/{side}")
        for side in SIDES
        if getattr(told, side) is not UNSET
    }
    row = await put(connection, principal, now_ms, wanted, given, told.reason)
    return _view(row, found["currency"], principal)


async def locked(connection: AsyncConnection, principal: Principal, wanted: str) -> RowMapping:
    """The call and its campaign's `currency`; nobody else corrects it until the transaction ends. Raises as `correct`
    does."""
    query = select(call).where(walls.calls(principal), call.c.id == wanted).with_for_update()
    await rows.one(connection, query, f"call {wanted}")
    owned = select(call, campaign.c.currency).join(campaign, campaign.c.id == call.c.campaign_id, isouter=True)
    found = (await connection.execute(owned.where(call.c.id == wanted))).mappings().one()
    if found["currency"] is None:
        raise Conflict(f"call {wanted} is of no campaign, so it pays nothing", code="no_campaign")
    return found


async def put(
    connection: AsyncConnection,
    principal: Principal,
    now_ms: int,
    wanted: str,
    given: dict[str, int | None],
    reason: str,
) -> RowMapping | dict[str, Any]:
    """The row that counts now; the call is `locked`. Sides that are not given stay as the row before has them."""
    last: RowMapping | None = (await connection.execute(_of(wanted).limit(1))).mappings().first()
    before = {side: last[side] if last else None for side in SIDES}
    if last is not None and before | given == before:
        return last
    # The last one counts, also of two in one millisecond.
    at_ms = max(now_ms, last["at_ms"] + 1) if last else now_ms
    made: dict[str, Any] = {"id": ids.new_id("adj", at_ms), "call_id": wanted, "at_ms": at_ms, "reason": reason}
    made |= {**before, **given, "by_id": principal.id, "by_name": principal.name}
    await connection.execute(insert(adjustment).values(made))
    await connection.execute(update(call).where(call.c.id == wanted).values(unsettled_ms=now_ms))
    return made


async def of_call(connection: AsyncConnection, principal: Principal, wanted: str) -> list[CorrectionView]:
    """Those that changed an amount which the principal sees, the latest first. Raises NotFound as `correct` does."""
    query = select(call.c.id, campaign.c.currency).join(campaign, campaign.c.id == call.c.campaign_id, isouter=True)
    found = await rows.one(connection, query.where(walls.calls(principal), call.c.id == wanted), f"call {wanted}")
    seen = [side for side in SIDES if getattr(principal, f"sees_{side}")]
    views: list[CorrectionView] = []
    before: list[int | None] = [None] * len(seen)
    for row in reversed((await connection.execute(_of(wanted))).mappings().all()):
        after = [row[side] for side in seen]
        if after != before:
            views.append(_view(row, found["currency"], principal))
        before = after
    return views[::-1]


def minor(value: Money, currency: str, path: str) -> int:
    """Raises InvalidField for an amount that no call pays, and for another currency than the campaign's."""
    if money.currency(value.currency, f"{path}/currency") != currency:
        raise InvalidField(f"{path}/currency", f"the campaign's currency is {currency}")
    if not 0 <= value.amount <= LARGEST:
        raise InvalidField(f"{path}/amount", f"minor units, from 0 to {LARGEST:,}")
    return value.amount


def _of(wanted: str) -> Select[Any]:
    return select(adjustment).where(adjustment.c.call_id == wanted).order_by(adjustment.c.id.desc())


def _view(row: RowMapping | dict[str, Any], currency: str, principal: Principal) -> CorrectionView:
    amounts = {
        side: None if row[side] is None or not getattr(principal, f"sees_{side}") else Money(row[side], currency)
        for side in SIDES
    }
    return CorrectionView(
        id=row["id"], call=row["call_id"], at=rfc3339(row["at_ms"]), reason=row["reason"], by=row["by_name"], **amounts
    )
