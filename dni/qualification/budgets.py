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
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    RowMapping,
    Text,
    bindparam,
    delete,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from dni.ledger.schema import attempt, budget, campaign, counter, hold, terms
from dni.qualification.budget import (
    NOTHING,
    PERIODS,
    Hold,
    Limits,
    Owner,
    Used,
    largest,
    more,
    owner,
    reached,
    since,
)
from dni.qualification.model import Term

_ACTIVE = ("held", "over", "spent")

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


# Statements are made once: to make one takes longer than to ask it.
_LOCKED = (
    select(budget, campaign.c.timezone, campaign.c.currency)
    .join(campaign, campaign.c.id == budget.c.campaign_id)
    .where(
        or_(
            budget.c.campaign_id == bindparam("campaign", type_=Text),
            budget.c.id.in_(select(hold.c.budget_id).where(hold.c.call_id == bindparam("call", type_=Text))),
        )
    )
    .order_by(budget.c.id)
    # The campaign too: its clock says which periods these are. NO KEY UPDATE: who only names them need not wait.
    .with_for_update(of=(budget, campaign), key_share=True)
)
_COUNTERS = select(counter).where(
    counter.c.budget_id.in_(bindparam("budgets", expanding=True, type_=Text)),
    counter.c.period.in_(PERIODS),
    counter.c.since_ms.in_(bindparam("since", expanding=True, type_=BigInteger)),
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
        has = {row["budget_id"] for row in rows if row["state"] in _ACTIVE}
    used = used_of(connection, [(one.id, one.zone, began_ms) for one in live])
    payout, revenue = _largest(connection, campaign_id, publisher, began_ms)
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


def take(connection: Connection, call: str, holds: Iterable[Hold]) -> None:
    """In the transaction in which `room` found that they fit."""
    changes = _Changes(connection)
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
            moved.append((row, _given_back(row)))
        elif is_over:
            moved.append((row, {**_hold(row), "state": "over"}))
    if moved:
        zones = {one.id: one.zone for one in _locked(connection, rows[0]["campaign_id"], call["id"])}
        changes = _Changes(connection)
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
) -> tuple[int, int, list[Term]]:
    """What a call that is over may really pay, payout and revenue in minor units, and the limits that cut it.

    `call`: its row, locked. Its holds become what it pays, or are given back where it does not count. Where it has
    none it takes one now, of the periods of its start; when there is no room it does not count: nothing is paid where
    the campaign's or the destination's budget is full, no payout where the publisher's is. What exceeds a hold is cut
    to what there is room for. The same again changes nothing; other facts bring holds and counters to the new truth.
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
    at = {one.id: before[one.id]["at_ms"] if one.id in before else call["started_at_ms"] for one in mine}
    used = used_of(connection, [(one.id, one.zone, at[one.id]) for one in mine])

    def judged(one: Budget, amount: int) -> _Judged:
        return _judge(one, before.get(one.id), amount, used[one.id], at[one.id], at_ms)

    found: dict[str, _Judged] = {}
    if qualified or billable:
        found = {one.id: judged(one, revenue) for one in mine if one.owner != "publisher"}
        revenue = min([revenue, *(one.amount for one in found.values())])
        if any(not one.fits for one in found.values()):
            payout = revenue = 0
            qualified = billable = False
    if qualified:
        of_publisher = {one.id: judged(one, payout) for one in mine if one.owner == "publisher"}
        payout = min([payout, *(one.amount for one in of_publisher.values())])
        found |= of_publisher
        qualified = all(one.fits for one in of_publisher.values())
    changes = _Changes(connection)
    for one in owned:
        old, new = before.get(one.id), found.get(one.id)
        if old is None and new is None:
            continue
        values = {"call_id": call["id"], "budget_id": one.id, "at_ms": old["at_ms"] if old else call["started_at_ms"]}
        counts = qualified if one.publisher else qualified or billable
        if new is not None and not new.fits:
            values |= {"state": "refused", "amount": 0, "asked": new.asked, "why": new.why}
        elif new is not None and counts:
            amount = payout if one.publisher else revenue
            values |= {"state": "spent", "amount": amount, "asked": new.asked, "why": new.why}
        elif old is None:
            continue
        else:
            values = _given_back(old)
        changes.to(old, values, one.zone)
    changes.write()
    told = [Term(_OF.format(one.owner), False, new.why) for one in mine if (new := found.get(one.id)) and new.why]
    return payout, revenue, told


def lock(connection: Connection, campaign_id: str) -> None:
    """Until the end of the transaction nobody else takes of the campaign's budgets."""
    _locked(connection, campaign_id, None)


def recount(connection: Connection, campaign_id: str) -> None:
    """Counts anew from the holds, when the campaign's clock has changed, and with it the periods. Locked before."""
    owned = {one.id: one for one in _locked(connection, campaign_id, None)}
    if not owned:
        return
    connection.execute(delete(counter).where(counter.c.budget_id.in_(owned)))
    rows = connection.execute(select(hold).where(hold.c.budget_id.in_(owned), hold.c.state.in_(_ACTIVE)))
    sums: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows.mappings():
        _add(sums, row, owned[row["budget_id"]].zone, 1)
    _write(connection, sums)


def used_of(connection: Connection, asked: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, Used]]:
    """By budget and period. `asked`: a budget's id, its campaign's time zone, and a moment of those periods."""
    wanted = {one: since(at_ms, zone) for one, zone, at_ms in asked}
    if not wanted:
        return {}
    moments = {at_ms for begun in wanted.values() for at_ms in begun.values()}
    rows = connection.execute(_COUNTERS, {"budgets": list(wanted), "since": list(moments)})
    found: dict[str, dict[str, Used]] = {one: dict.fromkeys(PERIODS, NOTHING) for one in wanted}
    for row in rows:
        if wanted[row.budget_id][row.period] == row.since_ms:
            found[row.budget_id][row.period] = Used(row.calls, row.amount)
    return found


class _Judged(msgspec.Struct, frozen=True):
    """What a budget says of a call that counts: whether it may, how much of what it `asked`, and what cut it."""

    fits: bool
    amount: int
    asked: int
    why: str | None = None


def _judge(
    one: Budget, old: RowMapping | None, amount: int, used: Mapping[str, Used], at_ms: int, now_ms: int
) -> _Judged:
    if old is not None and old["asked"] == amount and old["state"] in ("spent", "refused"):
        return _Judged(old["state"] == "spent", old["amount"], amount, old["why"])
    if not one.is_live:
        return _Judged(True, amount, amount)
    if old is not None and old["state"] in _ACTIVE:
        fits, why = more(one.limits, used, max(0, amount - old["amount"]), at_ms, now_ms, one.zone)
        granted = min(amount, old["amount"] + fits)
    else:
        why = reached(one.limits, used, amount, at_ms, now_ms, one.zone, is_over=True)
        granted = 0 if why else amount
    if why is None:
        return _Judged(True, granted, amount)
    return _Judged(granted > 0, granted, amount, why.told(one.currency))


class _Changes:
    """Holds to be written, and what that adds to the counters."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sums: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
        self.rows: list[dict[str, Any]] = []

    def to(self, old: Mapping[Any, Any] | None, new: dict[str, Any], zone: str) -> None:
        if old is not None:
            if all(old[name] == value for name, value in new.items()):
                return
            _add(self._sums, old, zone, -1)
        _add(self._sums, new, zone, 1)
        self.rows.append(new)

    def write(self) -> None:
        if self.rows:
            self._connection.execute(_put(self._connection.dialect.name), self.rows)
            _write(self._connection, self._sums)


def _add(sums: dict[tuple[str, str, int], list[int]], row: Mapping[Any, Any], zone: str, sign: int) -> None:
    """What a hold counts for."""
    if row["state"] not in _ACTIVE:
        return
    for period, since_ms in since(row["at_ms"], zone).items():
        if period != "concurrent" or row["state"] == "held":
            now = sums[row["budget_id"], period, since_ms]
            now[0] += sign
            now[1] += sign * row["amount"]


def _write(connection: Connection, sums: Mapping[tuple[str, str, int], list[int]]) -> None:
    rows = [
        {"budget_id": one, "period": period, "since_ms": since_ms, "calls": calls, "amount": amount}
        for (one, period, since_ms), (calls, amount) in sorted(sums.items())
        if calls or amount
    ]
    if rows:
        connection.execute(_count(connection.dialect.name), rows)


def _locked(connection: Connection, campaign_id: str | None, call: str | None) -> list[Budget]:
    """All of a campaign, and those that the call has holds of; deleted ones too."""
    rows = connection.execute(_LOCKED, {"campaign": campaign_id, "call": call}).mappings()
    return [
        Budget(
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
        for row in rows
    ]


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


def _given_back(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {**_hold(row), "state": "given_back", "amount": 0, "asked": None, "why": None}


def _largest(connection: Connection, campaign_id: str, publisher: str | None, at_ms: int) -> tuple[int, int]:
    """What the terms that apply may pay a call at most, payout and revenue."""
    values = {"campaign": campaign_id, "publisher": publisher, "at": at_ms}
    row = connection.execute(_TERMS, values).one()
    return largest(row.its or row.usual)


def _newest(publisher: Any) -> Any:
    last = select(terms.c.settings).where(
        terms.c.campaign_id == bindparam("campaign", type_=Text),
        publisher,
        terms.c.from_ms <= bindparam("at", type_=BigInteger),
    )
    return last.order_by(terms.c.from_ms.desc(), terms.c.id.desc()).limit(1).scalar_subquery()


_TERMS = select(
    _newest(terms.c.publisher_id == bindparam("publisher", type_=Text)).label("its"),
    _newest(terms.c.publisher_id.is_(None)).label("usual"),
)


@lru_cache(2)
def _put(engine: str) -> Any:
    """A hold as it is now, new or not."""
    added = sqlite.insert(hold) if engine == "sqlite" else postgresql.insert(hold)
    changed = {name: added.excluded[name] for name in ("at_ms", "state", "amount", "asked", "why")}
    return added.on_conflict_do_update(index_elements=["call_id", "budget_id"], set_=changed)


@lru_cache(2)
def _count(engine: str) -> Any:
    """Adds to a counter, new or not."""
    added = sqlite.insert(counter) if engine == "sqlite" else postgresql.insert(counter)
    sums = {name: counter.c[name] + added.excluded[name] for name in ("calls", "amount")}
    return added.on_conflict_do_update(index_elements=["budget_id", "period", "since_ms"], set_=sums)
