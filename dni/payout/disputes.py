"""Disputes: a publisher's about what a call pays it, an advertiser's about what it is billed. Neither sees the other's.

One is open at a time of a call and a side. It ends once: withdrawn by who opened it, or granted or denied with a note.
"""

from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import RowMapping, Select, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids
from dni.access import walls
from dni.access.model import Principal
from dni.campaign import model
from dni.clock import rfc3339
from dni.errors import Conflict, Forbidden, InvalidField
from dni.ledger import rows
from dni.ledger.engines import Ledger
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import adjustment, campaign, dispute
from dni.money import Money
from dni.payout import corrections
from dni.payout.corrections import LONGEST, Reason

SideName = Literal["payout", "revenue"]
State = Literal["open", "granted", "denied", "withdrawn"]


class NewDispute(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`side` goes without saying for a publisher (payout) and an advertiser (revenue)."""

    call: model.Id
    side: SideName | None = None
    reason: Reason

    def __post_init__(self) -> None:
        self.reason = model.text(self.reason, "/reason", LONGEST)


class Decision(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`amount`: what the call pays, or bills, from now on; with `granted` only. `note` is read by who opened it."""

    state: Literal["granted", "denied"]
    amount: Money | None = None
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]

    def __post_init__(self) -> None:
        if (self.amount is not None) != (self.state == "granted"):
            raise InvalidField("/amount", "what the call pays now, if the dispute is granted, and only then")
        self.note = model.text(self.note, "/note", LONGEST)


class DisputeFilter(msgspec.Struct, kw_only=True):
    """All that are given must hold; all but `state` and `side` are ids."""

    state: State | None = None
    side: SideName | None = None
    call: str | None = None
    campaign: str | None = None
    publisher: str | None = None


class DisputeView(msgspec.Struct):
    """`amount`: what was granted. `publisher`: whose the call was when the dispute was opened."""

    id: str
    call: str
    side: str
    state: str
    campaign: str
    publisher: str | None
    reason: str
    opened_at: Instant
    by: str
    amount: Money | None
    note: str | None
    decided_at: Instant | None
    decided_by: str | None


async def open_one(
    ledger: Ledger, connection: AsyncConnection, principal: Principal, now_ms: int, new: NewDispute
) -> str:
    """The id of the new dispute. Raises NotFound for a call behind the principal's walls, InvalidField for a side that
    is not the principal's, Conflict `dispute_open` while there is one, `no_campaign` as corrections do."""
    side = _side(principal, new.side)
    found = await corrections.locked(connection, principal, new.call)
    made = {"id": ids.new_id("dsp", now_ms), "call_id": new.call, "at_ms": now_ms, "side": side, "state": "open"}
    made |= {name: found[name] for name in ("campaign_id", "publisher_id")}
    made |= {"reason": new.reason, "by_id": principal.id, "by_name": principal.name}
    added = await connection.execute(ledger.insert(dispute).values(made).on_conflict_do_nothing())
    if not added.rowcount:
        raise Conflict(f"a dispute about the {side} of call {new.call} is open already", code="dispute_open")
    return str(made["id"])


async def withdraw(connection: AsyncConnection, principal: Principal, now_ms: int, wanted: str) -> None:
    """Raises NotFound, Forbidden for who did not open it, Conflict `dispute_over` when it has ended."""
    found = await rows.one(connection, _visible(principal).where(dispute.c.id == wanted), f"dispute {wanted}")
    if found["by_id"] != principal.id:
        raise Forbidden("a dispute is withdrawn by who opened it")
    await _end(connection, principal, now_ms, wanted, state="withdrawn")


async def decide(
    connection: AsyncConnection, principal: Principal, now_ms: int, wanted: str, decision: Decision
) -> str:
    """The id of its call, which is unsettled when the dispute was granted. Raises NotFound, Conflict `dispute_over`
    when it has ended, `call_moved` when another publisher has the call since, InvalidField as corrections do."""
    found = await rows.one(connection, _visible(principal).where(dispute.c.id == wanted), f"dispute {wanted}")
    call = await corrections.locked(connection, principal, found["call_id"])
    made: dict[str, Any] = {}
    if decision.amount is not None:
        if found["side"] == "payout" and call["publisher_id"] != found["publisher_id"]:
            raise Conflict("the call was given to another publisher since: deny the dispute", code="call_moved")
        amount = corrections.minor(decision.amount, call["currency"], "/amount")
        row = await corrections.put(
            connection, principal, now_ms, found["call_id"], {found["side"]: amount}, decision.note
        )
        made["adjustment_id"] = row["id"]
    await _end(connection, principal, now_ms, wanted, state=decision.state, note=decision.note, **made)
    return str(found["call_id"])


async def one(connection: AsyncConnection, principal: Principal, wanted: str) -> DisputeView:
    """Raises NotFound, also for a dispute behind the principal's walls."""
    return _view(await rows.one(connection, _visible(principal).where(dispute.c.id == wanted), f"dispute {wanted}"))


async def page(
    connection: AsyncConnection, principal: Principal, limit: int, cursor: str | None, only: DisputeFilter
) -> tuple[list[DisputeView], str | None]:
    """Newest first."""
    query = _visible(principal)
    for column, value in (
        (dispute.c.state, only.state),
        (dispute.c.side, only.side),
        (dispute.c.call_id, only.call),
        (dispute.c.campaign_id, only.campaign),
        (dispute.c.publisher_id, only.publisher),
    ):
        if value is not None:
            query = query.where(column == value)
    found, after = await rows.page(connection, query, (dispute.c.id,), limit, cursor)
    return [_view(row) for row in found], after


def _side(principal: Principal, given: SideName | None) -> str:
    own = {"publisher": "payout", "advertiser": "revenue"}.get(principal.role)
    if own is None and given is None:
        raise InvalidField("/side", "payout, in the publisher's name, or revenue, in the advertiser's")
    if own is not None and given not in (None, own):
        raise InvalidField("/side", f"as {principal.role} you dispute the {own}")
    return own or str(given)


async def _end(connection: AsyncConnection, principal: Principal, now_ms: int, wanted: str, **values: Any) -> None:
    values |= {"decided_at_ms": now_ms, "decided_by_id": principal.id, "decided_by_name": principal.name}
    still_open = (dispute.c.id == wanted) & (dispute.c.state == "open")
    ended = await connection.execute(update(dispute).where(still_open).values(**values))
    if not ended.rowcount:
        raise Conflict(f"dispute {wanted} has ended: it was decided or withdrawn", code="dispute_over")


def _visible(principal: Principal) -> Select[Any]:
    granted = case((dispute.c.side == "payout", adjustment.c.payout), else_=adjustment.c.revenue)
    return (
        select(dispute, campaign.c.currency, granted.label("granted"))
        .join(campaign, campaign.c.id == dispute.c.campaign_id)
        .join(adjustment, adjustment.c.id == dispute.c.adjustment_id, isouter=True)
        .where(walls.disputes(principal))
    )


def _view(row: RowMapping) -> DisputeView:
    return DisputeView(
        id=row["id"],
        call=row["call_id"],
        side=row["side"],
        state=row["state"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        reason=row["reason"],
        opened_at=rfc3339(row["at_ms"]),
        by=row["by_name"],
        amount=None if row["granted"] is None else Money(row["granted"], row["currency"]),
        note=row["note"],
        decided_at=instant(row["decided_at_ms"]),
        decided_by=row["decided_by_name"],
    )
