"""Storage of what calls take of budgets: a `hold` for each call and budget, and `counter`, their sum by period.

Whoever adds or changes a hold has locked its budget until the end of the transaction: SQLite has one writer, on
PostgreSQL the budgets' rows are locked, all of a campaign's at once and in order. So what is checked stays true until
it is written, no limit is ever exceeded, and a counter is always the sum of its holds.

A hold's `state`:
    held        the call goes on
    over        it is over and not judged yet: it is none of those at once any more
    spent       it counts
    refused     it would have counted, but did not fit
    given_back  it does not count
`asked` is what it was to take when it was judged last, `why` which limit left no room for all of it: judged again with
the same facts, a call gets the same answer, whatever others gave back meanwhile.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Text, bindparam, delete, or_, select

from dni.ledger.schema import attempt, budget, campaign, counter, hold
from dni.qualification import terms
from dni.qualification.budget import Hold, Limits, Owner, Used, largest, more, owner, reached
from dni.qualification.counters import ACTIVE, Changes, Sums, add, used_of, write
from dni.qualification.model import Term

_OF = "budget of the {}"
OF_PUBLISHER = _OF.format("publisher")
"""The text of the term that says which of its limits was reached."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """One of the ledger, locked. `zone`, `currency`: the campaign's."""

    id: str
    campaign: str
    publisher: str | None
    destination: str | None
    limits: Limits
    created_ms: int
    is_live: bool
    zone: str
    currency: str

    @property
    def owner(self) -> Owner:
        return owner(self.publisher, self.destination)


class Room(msgspec.Struct, frozen=True):
    """What budgets say of a call that may be sent on.

    over   which limit of the campaign's budget is reached, or of the publisher's; empty: none
    full   destinations by id: which limit of theirs is reached
    holds  what the call takes where there is room
    """

    over: str = ""
    full: Mapping[str, str] = {}
    holds: tuple[Hold, ...] = ()


_GIVEN_BACK = {"state": "given_back", "amount": 0, "asked": None, "why": None}

# Statements are made once: to make one takes longer than to ask it.
_BUDGETS = select(budget, campaign.c.timezone, campaign.c.currency).join(
    campaign, campaign.c.id == budget.c.campaign_id
)
_LOCKED = (
    _BUDGETS.where(
        or_(
            budget.c.campaign_id == bindparam("campaign", type_=Text),
            budget.c.id.in_(select(hold.c.budget_id).where(hold.c.call_id == bindparam("call", type_=Text))),
        )
    )
    .order_by(budget.c.id)
    # The campaign too: its clock says which periods these are. NO KEY UPDATE: who only names them need not wait.
    .with_for_update(of=(budget, campaign), key_share=True)
)
_HOLDS = select(hold).where(hold.c.call_id == bindparam("call", type_=Text))
_UNDER_WAY = (
    select(hold, budget.c.campaign_id, budget.c.destination_id)
    .join(budget, budget.c.id == hold.c.budget_id)
    .where(hold.c.call_id == bindparam("call", type_=Text), hold.c.state == "held")
)
_RUNG = select(attempt.c.destination_id).where(attempt.c.call_id == bindparam("call", type_=Text), attempt.c.counted)


def room(
    connection: Connection,
    campaign_id: str,
    publisher: str | None,
    destinations: Collection[str],
    *,
    call: str | None,
    began_ms: int,
    now_ms: int,
) -> Room:
    """Until the end of the transaction nobody else takes of these budgets. `call`: one that has holds already."""
    owned = _locked(connection, campaign_id, call)
    live = [one for one in owned if one.is_live and _is_of(one, campaign_id, publisher, destinations)]
    if not live:
        return Room()
    has = set()
    if call is not None:
        rows = connection.execute(_HOLDS, {"call": call}).mappings()
        has = {row["budget_id"] for row in rows if row["state"] in ACTIVE}
    used = used_of(connection, [(one.id, one.zone, began_ms) for one in live])
    version = terms.applying(connection, campaign_id, publisher, began_ms)
    payout, revenue = largest(version.terms) if version else (0, 0)
    over: list[str] = []
    full: dict[str, str] = {}
    holds: list[Hold] = []
    for one in live:
        if one.id in has:
            continue
        amount = payout if one.owner == "publisher" else revenue
        # A share of a sale is money too: with nothing left there is no room for it.
        why = reached(one.limits, used[one.id], max(1, amount), began_ms, now_ms, one.zone)
        if why is None:
            holds.append(Hold(budget=one.id, amount=amount, at_ms=began_ms, zone=one.zone, destination=one.destination))
        elif one.destination is not None:
            full[one.destination] = why.told(one.currency)
        else:
            # An advertiser reads which way a call went, and is not to know what publishers are paid.
            over.append(f"the {one.owner}'s {why.briefly if one.publisher else why.told(one.currency)}")
    return Room("; ".join(over), full, tuple(holds))


def full(connection: Connection, destinations: Collection[str], now_ms: int) -> dict[str, str]:
    """For who only looks: of these destinations the full ones by id, and which limit is reached."""
    mine = budget.c.destination_id.in_(destinations) & budget.c.deleted_at_ms.is_(None)
    found = [_budget(row) for row in connection.execute(_BUDGETS.where(mine)).mappings()]
    used = used_of(connection, [(one.id, one.zone, now_ms) for one in found])
    said = {one: reached(one.limits, used[one.id], 1, now_ms, now_ms, one.zone) for one in found}
    return {one.destination or "": why.told(one.currency) for one, why in said.items() if why}


def take(connection: Connection, call: str, holds: Iterable[Hold]) -> None:
    """In the transaction in which `room` found that they fit."""
    changes = Changes(connection)
    for one in holds:
        values = {"call_id": call, "budget_id": one.budget, "at_ms": one.at_ms}
        changes.to(None, {**values, "state": "held", "amount": one.amount, "asked": None, "why": None}, one.zone)
    changes.write()


def follow(connection: Connection, call: Mapping[str, Any], *, is_over: bool) -> None:
    """Brings a call's holds to where it is: a destination that did not answer gives back its hold, a call that is over
    is none of those at once, and one that nobody answered gives back all. Its attempts were brought there before."""
    rows = connection.execute(_UNDER_WAY, {"call": call["id"]}).mappings().all()
    if not rows:
        return
    rung: set[str] = set()
    if any(row["destination_id"] for row in rows):
        rung = set(connection.execute(_RUNG, {"call": call["id"]}).scalars())
    moved: list[tuple[RowMapping, dict[str, Any]]] = []
    for row in rows:
        is_away = row["destination_id"] is not None and row["destination_id"] not in rung
        if is_away or (is_over and call["answered_at_ms"] is None):
            moved.append((row, {**_hold(row), **_GIVEN_BACK}))
        elif is_over:
            moved.append((row, {**_hold(row), "state": "over"}))
    if moved:
        zones = {one.id: one.zone for one in _locked(connection, rows[0]["campaign_id"], call["id"])}
        changes = Changes(connection)
        for row, new in moved:
            changes.to(row, new, zones[row["budget_id"]])
        changes.write()


def settle(
    connection: Connection,
    call: Mapping[str, Any],
    payout: int,
    revenue: int,
    qualified: bool,
    billable: bool,
    at_ms: int,
    by_hand: Collection[str] = (),
) -> tuple[int, int, list[Term]]:
    """What a call that is over may really pay, payout and revenue in minor units, and the limits that cut it.

    `call`: its row, locked. Its holds become what it pays, or are given back where it does not count. Where it has
    none it takes one now, of the periods of its start; when there is no room it does not count: nothing is paid where
    the campaign's or the destination's budget is full, no payout where the publisher's is. What exceeds a hold is cut
    to what there is room for. `by_hand`: of `payout` and `revenue` those that a person put there; they stand, and are
    counted, whether there is room or not. The same again changes nothing; other facts bring holds and counters to the
    new truth.
    """
    owned = _locked(connection, call["campaign_id"], call["id"])
    if not owned:
        return payout, revenue, []
    before = {row["budget_id"]: row for row in connection.execute(_HOLDS, {"call": call["id"]}).mappings()}
    rung: set[str] = set()
    if any(one.destination for one in owned):
        rung = set(connection.execute(_RUNG, {"call": call["id"]}).scalars())
    mine = [
        one
        for one in owned
        if _is_of(one, call["campaign_id"], call["publisher_id"], rung)
        and (_stands(before.get(one.id)) or (one.is_live and one.created_ms <= call["started_at_ms"]))
    ]
    at = {one.id: before[one.id]["at_ms"] if one.id in before else call["started_at_ms"] for one in owned}
    used = used_of(connection, [(one.id, one.zone, at[one.id]) for one in mine])

    def judged(one: Budget, amount: int) -> _Judged:
        if ("payout" if one.publisher else "revenue") in by_hand:
            return _Judged(True, amount, amount)
        return _judge(one, before.get(one.id), amount, used[one.id], at[one.id], at_ms)

    said = _said(mine, judged, _Said(payout, revenue, qualified, billable), keeps_payout="payout" in by_hand)
    changes = Changes(connection)
    for one in owned:
        old = before.get(one.id)
        if after := _after(one, old, said):
            changes.to(old, {"call_id": call["id"], "budget_id": one.id, "at_ms": at[one.id], **after}, one.zone)
    changes.write()
    cut = [(one.owner, new.why) for one in mine if (new := said.by_budget.get(one.id)) and new.why]
    return said.payout, said.revenue, [Term(_OF.format(owned_by), False, why) for owned_by, why in cut]


def lock(connection: Connection, campaign_id: str) -> None:
    """Until the end of the transaction nobody else takes of the campaign's budgets."""
    _locked(connection, campaign_id, None)


def recount(connection: Connection, campaign_id: str) -> None:
    """Counts anew from the holds, when the campaign's clock has changed, and with it the periods. Locked before."""
    owned = {one.id: one for one in _locked(connection, campaign_id, None)}
    if not owned:
        return
    connection.execute(delete(counter).where(counter.c.budget_id.in_(owned)))
    rows = connection.execute(select(hold).where(hold.c.budget_id.in_(owned), hold.c.state.in_(ACTIVE)))
    sums: Sums = defaultdict(lambda: [0, 0])
    for row in rows.mappings():
        add(sums, row, owned[row["budget_id"]].zone, 1)
    write(connection, sums)


class _Judged(msgspec.Struct, frozen=True):
    """What a budget says of a call that counts: whether it may, how much of what it `asked`, and what cut it."""

    fits: bool
    amount: int
    asked: int
    why: str | None = None


class _Said(msgspec.Struct, frozen=True):
    """What a call may pay, and what each budget that it asked said."""

    payout: int
    revenue: int
    qualified: bool
    billable: bool
    by_budget: Mapping[str, _Judged] = {}


def _said(
    mine: Iterable[Budget], judged: Callable[[Budget, int], _Judged], told: _Said, *, keeps_payout: bool
) -> _Said:
    payout, revenue, qualified, billable = told.payout, told.revenue, told.qualified, told.billable
    found: dict[str, _Judged] = {}
    if qualified or billable:
        found = {one.id: judged(one, revenue) for one in mine if not one.publisher}
        revenue = min([revenue, *(one.amount for one in found.values())])
        if any(not one.fits for one in found.values()):
            revenue, billable = 0, False
            if not keeps_payout:
                payout, qualified = 0, False
    if qualified:
        of_publisher = {one.id: judged(one, payout) for one in mine if one.publisher}
        payout = min([payout, *(one.amount for one in of_publisher.values())])
        qualified = all(one.fits for one in of_publisher.values())
        found |= of_publisher
    return _Said(payout, revenue, qualified, billable, found)


def _after(one: Budget, old: RowMapping | None, said: _Said) -> dict[str, Any] | None:
    """What the call takes of a budget then; None: nothing, and it never did."""
    new = said.by_budget.get(one.id)
    if new is not None and not new.fits:
        return {"state": "refused", "amount": 0, "asked": new.asked, "why": new.why}
    if new is not None and (said.qualified or (said.billable and not one.publisher)):
        amount = said.payout if one.publisher else said.revenue
        return {"state": "spent", "amount": amount, "asked": new.asked, "why": new.why}
    return None if old is None else _GIVEN_BACK


def _judge(
    one: Budget, old: RowMapping | None, amount: int, used: Mapping[str, Used], at_ms: int, now_ms: int
) -> _Judged:
    if old is not None and old["asked"] == amount and old["state"] in ("spent", "refused"):
        return _Judged(old["state"] == "spent", old["amount"], amount, old["why"])
    if not one.is_live:
        return _Judged(True, amount, amount)
    if old is not None and old["state"] in ACTIVE:
        fits, why = more(one.limits, used, max(0, amount - old["amount"]), at_ms, now_ms, one.zone)
        granted = min(amount, old["amount"] + fits)
    else:
        why = reached(one.limits, used, amount, at_ms, now_ms, one.zone, is_over=True)
        granted = 0 if why else amount
    if why is None:
        return _Judged(True, granted, amount)
    return _Judged(granted > 0, granted, amount, why.told(one.currency))


def _locked(connection: Connection, campaign_id: str | None, call: str | None) -> list[Budget]:
    """All of a campaign, and those that the call has holds of; deleted ones too."""
    return [_budget(row) for row in connection.execute(_LOCKED, {"campaign": campaign_id, "call": call}).mappings()]


def _budget(row: RowMapping) -> Budget:
    return Budget(
        id=row["id"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        destination=row["destination_id"],
        limits=msgspec.convert(row["limits"], Limits),
        created_ms=row["created_at_ms"],
        is_live=row["deleted_at_ms"] is None,
        zone=row["timezone"],
        currency=row["currency"],
    )


def _is_of(one: Budget, campaign_id: str, publisher: str | None, destinations: Collection[str]) -> bool:
    """Whether calls of these take of it."""
    if one.campaign != campaign_id:
        return False
    if one.publisher is not None:
        return one.publisher == publisher
    return one.destination is None or one.destination in destinations


def _stands(old: RowMapping | None) -> bool:
    """What a budget said once of a call it says for ever, deleted or not."""
    return old is not None and old["state"] != "given_back"


def _hold(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("call_id", "budget_id", "at_ms", "state", "amount", "asked", "why")}
