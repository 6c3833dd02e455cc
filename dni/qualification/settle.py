"""What a call comes to: judged by the terms that applied when it began, and the difference to what was posted before is
posted. Same facts, same money, whatever was told in which order and how often.

Whoever changes what a verdict depends on sets `call.unsettled_ms` in the same transaction. The call is settled right
after the event; a duty finds what was left. One transaction a call, in which locks are taken in one order everywhere:
campaign, telephone, the call's row, then rows of later calls and of budgets.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Text, bindparam, exists, literal, select, update

from dni.call import statements
from dni.call.model import STATES
from dni.errors import Unavailable
from dni.ledger import stale
from dni.ledger.engines import WRITE_WAIT_S
from dni.ledger.schema import SUBS, adjustment, call, campaign, dispute, number, pool, posting, session, tag, verdict
from dni.outbound import outbox
from dni.outbound.model import Type
from dni.parts import Parts
from dni.payout import journal
from dni.payout.journal import Kind, Owner
from dni.qualification import budgets, dedupe, terms, unjudged, verdicts
from dni.qualification.amounts import Amounts, Corrected, corrected
from dni.qualification.budgets import OF_PUBLISHER
from dni.qualification.dedupe import Earlier
from dni.qualification.facts_of import facts_of, is_answered
from dni.qualification.judge import judge
from dni.qualification.model import SideVerdict, Terms, Verdict
from dni.qualification.terms import Version
from dni.qualification.verdicts import Basis, Stored

log = logging.getLogger("dni.qualification")

_EVERY_S = 1.0
_BATCH, _TOGETHER = 200, 8
# A call that cannot be settled must not hold up the others.
_AGAIN_MS = 600_000
_USED_UP = "the campaign's budget is used up"
_NOBODYS = "it is no publisher's call, so nobody is paid"


class Adjusted(msgspec.Struct, frozen=True):
    """What a person put in the verdict's place; None: as the terms say. `disputed`: because somebody disputed it."""

    id: str
    payout: int | None
    revenue: int | None
    disputed: bool


class News(msgspec.Struct, frozen=True):
    """What others are told: a call's first verdict once, then what changes."""

    type: Type
    change: Corrected | None = None


async def settle(parts: Parts, call_id: str, wait_s: float = WRITE_WAIT_S) -> None:
    """One call. Raises Unavailable: the duty does it later."""
    await parts.ledger.commit(partial(settle_call, call_id=call_id, now_ms=parts.clock.now_ms()), wait_s)


async def settle_due(parts: Parts, stop: asyncio.Event) -> None:
    """The parent's duty, until `stop`."""
    while not stop.is_set():
        try:
            while await settle_once(parts) == _BATCH and not stop.is_set():
                pass
        except Unavailable as error:
            log.debug("calls wait on to be settled: %s", error)
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_S)
        except TimeoutError:
            continue


async def settle_once(parts: Parts) -> int:
    """One round, over the calls that waited longest; how many. Raises Unavailable."""
    now_ms = parts.clock.now_ms()
    await unjudged.clear(parts.ledger, now_ms)
    return await _settle_all(parts, call.c.unsettled_ms <= now_ms)


async def settle_since(parts: Parts, since_ms: int) -> None:
    """What changed since then, for who looks at it next. Never raises: the duty does what is left."""
    try:
        await _settle_all(parts, call.c.unsettled_ms.between(since_ms, parts.clock.now_ms()))
    except Unavailable as error:
        log.debug("calls wait on to be settled: %s", error)


async def _settle_all(parts: Parts, due: ColumnElement[bool]) -> int:
    async with parts.ledger.read() as connection:
        wanted = select(call.c.id).where(due).order_by(call.c.unsettled_ms).limit(_BATCH)
        waiting = (await connection.execute(wanted)).scalars().all()
    turns = asyncio.Semaphore(_TOGETHER)
    await asyncio.gather(*(_one(parts, each, turns) for each in waiting))
    return len(waiting)


async def _one(parts: Parts, call_id: str, turns: asyncio.Semaphore) -> None:
    async with turns:
        try:
            await settle(parts, call_id)
        except Unavailable:
            raise
        except Exception:
            log.exception("call %s cannot be settled; it is tried again later", call_id)
            later = {"this": call_id, "unsettled_ms": parts.clock.now_ms() + _AGAIN_MS}
            await parts.ledger.commit(lambda connection: connection.execute(_CHANGE, later))


def settle_call(connection: Connection, call_id: str, now_ms: int) -> None:
    """Judges a call that is over, and posts what changed. One that is settled stays as it is. Needs a write
    transaction that holds no call's row yet."""
    turn = dedupe.take_turn(connection, call_id)
    found = connection.execute(_CALL, {"this": call_id}).mappings().first() if turn else None
    if found is None or found["unsettled_ms"] is None:
        return
    row = dict(found)
    if (row["campaign_id"], row["caller"]) != turn:  # told just now; the next turn is the right one
        return
    changes: dict[str, Any] = {"unsettled_ms": None}
    news: News | None = None
    if row["campaign_id"] is not None and STATES[row["status"]].ends:
        amounts, news = _settle(connection, row, now_ms)
        changes |= {name: getattr(amounts, name) if amounts else None for name in Amounts.__struct_fields__}
    changed = {name: value for name, value in changes.items() if row[name] != value}
    if len(changed) == 1 and news is None:  # nothing that reports read
        connection.execute(_CHANGE, {"this": call_id, **changed})
        return
    types = (news.type,) if news else ()
    values = statements.new(changed) | {"this": call_id}
    values |= outbox.named(types, call_id, now_ms, msgspec.to_builtins(news.change) if news else None)
    moment_ms = row["started_at_ms"]
    statements.change(tuple(changed), types).run(connection, values | stale.of_calls(moment_ms, moment_ms, None, None))


def _settle(connection: Connection, row: dict[str, Any], now_ms: int) -> tuple[Amounts | None, News | None]:
    """What it comes to, and what others are told of that."""
    version = terms.applying(connection, row["campaign_id"], row["publisher_id"], row["started_at_ms"])
    before = verdicts.stored(row)
    adjusted = _adjusted(connection, row["id"])
    made = _judged(connection, row, version, before) if version else None
    if made is None and before is not None:
        verdicts.drop(connection, row["id"])
    if before is None:  # comes before budgets are locked: who tells of a later call has its row first
        dedupe.unsettle_later(connection, row, row["started_at_ms"], now_ms)
    made = _within_budgets(connection, row, version.terms if version else None, made, adjusted, now_ms)
    amounts = _amounts(version.terms if version else None, made.verdict if made else None, adjusted, row)
    if made is not None and amounts is not None:
        basis = replace(made.basis, paid=amounts.qualified, adjustment=adjusted and adjusted.id)
        made = replace(made, basis=basis)
        if made != before:
            verdicts.keep(connection, row["id"], made, now_ms, anew=before is not None)
    news = _post(connection, row, amounts, adjusted, made, before, now_ms)
    if before is not None and (made is None or made.basis.seen != before.basis.seen):
        dedupe.unsettle_later(connection, row, min(row["started_at_ms"], before.basis.began_ms), now_ms)
    return amounts, news


def _judged(connection: Connection, row: dict[str, Any], version: Version, before: Stored | None) -> Stored:
    """The same again where something that it was judged by was forgotten since."""
    held = before.basis if before is not None and before.basis.campaign == row["campaign_id"] else None
    custom = _custom(connection, row) if "custom" in version.words else None
    known = tuple(
        name
        for name, looked_at, value in (
            ("caller", True, row["caller"]),
            ("params", "param" in version.words, (row["params"] or {}).keys() - set(SUBS)),  # sub-ids stay
            ("custom", "custom" in version.words, custom),
        )
        if looked_at and value
    )
    basis = Basis(
        began_ms=row["started_at_ms"],
        campaign=row["campaign_id"],
        destination=row["destination"],
        has_caller=row["caller"] is not None,
        connected=is_answered(row["answered_at_ms"], row["status"]),
        timezone=held.timezone if held else row["timezone"],
        holidays=held.holidays if held else _holidays_near(row),
        shared_pool=held.shared_pool if held else bool(row["shared_pool"]),
        known=known,
        outcome=row["outcome"] and {name: told for name, told in row["outcome"].items() if name != "note"},
    )
    if before is not None and set(before.basis.known) - set(known):
        kept = before.basis
        return replace(before, basis=replace(basis, known=kept.known, last=kept.last, has_caller=kept.has_caller))
    earlier = _earlier(connection, row, version, held)
    facts = facts_of(
        row,
        timezone=basis.timezone,
        holidays=frozenset(date.fromisoformat(day) for day in basis.holidays),
        currency=row["currency"],
        shared_pool=basis.shared_pool,
        last_ms=earlier.began_ms if isinstance(earlier, Earlier) else earlier,
        custom=custom,
    )
    told = judge(version.terms, facts)
    if row["publisher_id"] is None and told.payout.amount:
        told = replace(told, payout=replace(told.payout, amount=0, missing=_NOBODYS))
    return Stored(version.id, told, replace(basis, last=earlier.id if isinstance(earlier, Earlier) else None))


def _within_budgets(
    connection: Connection,
    row: dict[str, Any],
    terms_of: Terms | None,
    made: Stored | None,
    adjusted: Adjusted | None,
    now_ms: int,
) -> Stored | None:
    """What there is room for; what the call held and does not use is given back. What a person decides is paid, and
    counted, whatever the budgets say. Where there are no terms, calls that were answered count."""
    answered = is_answered(row["answered_at_ms"], row["status"])
    found = _amounts(terms_of, made.verdict if made else None, adjusted, row) or Amounts(answered, answered, 0, 0)
    by_hand = [side for side in ("payout", "revenue") if adjusted and getattr(adjusted, side) is not None]
    payout, revenue, reached = budgets.settle(
        connection, row, found.payout, found.revenue, found.qualified, found.billable, now_ms, by_hand
    )
    if made is None or not reached:
        return made
    told = made.verdict
    # A publisher does not read what the advertiser spends.
    own = "; ".join(one.told for one in reached if one.text == OF_PUBLISHER)
    shared = "; ".join(one.told for one in reached if one.text != OF_PUBLISHER)
    return replace(
        made,
        verdict=replace(
            told,
            payout=told.payout if "payout" in by_hand else _cut(told.payout, payout, own or _USED_UP),
            revenue=told.revenue if "revenue" in by_hand else _cut(told.revenue, revenue, shared),
        ),
    )


def _cut(side: SideVerdict, amount: int, why: str) -> SideVerdict:
    if amount == side.amount:
        return side
    return replace(side, amount=amount, policy=side.policy if amount else None, missing=why)


def _earlier(connection: Connection, row: dict[str, Any], version: Version, held: Basis | None) -> Earlier | int | None:
    """The call that it may be a duplicate of; 0: there is none; None: of this telephone nobody can say."""
    if row["caller"] is None or row["caller"] in version.dedupe.shared:
        return None
    if not version.looks_back_ms:
        return 0
    return dedupe.last(connection, row, version.dedupe, version.looks_back_ms, held.last if held else None) or 0


def _amounts(
    terms_of: Terms | None, judged: Verdict | None, adjusted: Adjusted | None, row: dict[str, Any]
) -> Amounts | None:
    """None: there is nothing to judge by."""
    if judged is None and adjusted is None:
        return None
    qualified = billable = False
    payout = revenue = 0
    if terms_of is not None and judged is not None:
        billable = judged.revenue.policy is not None
        qualified = judged.payout.policy is not None if terms_of.payout.policies else billable
        payout, revenue = judged.payout.amount, judged.revenue.amount
    if adjusted is not None and adjusted.payout is not None:
        payout, qualified = adjusted.payout, adjusted.payout > 0
    if adjusted is not None and adjusted.revenue is not None:
        revenue, billable = adjusted.revenue, adjusted.revenue > 0
    return Amounts(qualified, billable, payout if row["publisher_id"] is not None else 0, revenue)


def _post(
    connection: Connection,
    row: dict[str, Any],
    amounts: Amounts | None,
    adjusted: Adjusted | None,
    made: Stored | None,
    before: Stored | None,
    now_ms: int,
) -> News | None:
    """The difference to what was posted before; what was another's is taken back whole. What others are told of it."""
    payout, revenue = (amounts.payout, amounts.revenue) if amounts else (0, 0)
    owner = Owner(row["campaign_id"], row["publisher_id"], row["currency"])
    standing = journal.standing(connection, row["id"]) if row["is_posted"] else None
    corrects = standing.last if standing else None
    had_payout, had_revenue = (standing.payout, standing.revenue) if standing else (0, 0)
    kind, reason = _kind(adjusted, made, before)
    if standing is not None and standing.owner != owner and (had_payout or had_revenue):
        kind, reason = "reattribution", "the call is another's now"
        corrects = journal.post(
            connection, row, standing.owner, -had_payout, -had_revenue,
            at_ms=now_ms, kind=kind, reason=reason, corrects=corrects,
        )  # fmt: skip
        had_payout = had_revenue = 0
    if (payout, revenue) != (had_payout, had_revenue):
        journal.post(
            connection, row, owner, payout - had_payout, revenue - had_revenue,
            at_ms=now_ms, kind=kind, reason=reason, corrects=corrects,
        )  # fmt: skip
    had = None if row["qualified"] is None else Amounts(*(row[name] for name in Amounts.__struct_fields__))
    if had is None and amounts is not None and not row["is_told"]:
        return News("call.qualified")
    if had == amounts and kind != "reattribution":
        return None
    units = (standing.owner.currency if standing else row["currency"], row["currency"])
    return News("call.corrected", corrected(kind, reason, had, amounts, units))


def _kind(adjusted: Adjusted | None, made: Stored | None, before: Stored | None) -> tuple[Kind, str]:
    """Why the money changes. No word of a person's: the journal keeps it for good."""
    if adjusted is not None and adjusted.id != (before.basis.adjustment if before else None):
        return ("dispute", "a dispute was granted") if adjusted.disputed else ("correction", "corrected by hand")
    if made is not None and before is not None and made.basis.outcome != before.basis.outcome:
        return "outcome", _matched(made.verdict)
    return "verdict", _matched(made.verdict) if made is not None else "no terms apply to the call"


def _matched(told: Verdict) -> str:
    sides = (("payout", told.payout.policy), ("revenue", told.revenue.policy))
    return ", ".join(f"{side}: {policy or 'no policy'}" for side, policy in sides)


def _holidays_near(row: dict[str, Any]) -> tuple[str, ...]:
    """Those of the call's day and the days beside it: a night belongs to the day on which it began."""
    day = datetime.fromtimestamp(row["started_at_ms"] / 1000, UTC).date()
    near = {(day + timedelta(days=off)).isoformat() for off in (-2, -1, 0, 1, 2)}
    return tuple(sorted(near & set(row["holidays"] or ())))


def _custom(connection: Connection, row: dict[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = connection.execute(_CUSTOM, {"session": row["session_id"]}).scalar()
    return found


def _adjusted(connection: Connection, call_id: str) -> Adjusted | None:
    row = connection.execute(_ADJUSTED, {"this": call_id}).first()
    return None if row is None else Adjusted(row.id, row.payout, row.revenue, row.dispute_id is not None)


# Made once: to make a statement takes longer than to ask it.
_SHARED = (
    select(pool.c.shared)
    .where(
        pool.c.id.in_(
            [
                select(number.c.pool_id)
                .where(number.c.number == call.c.tracking_number, number.c.retired_at_ms.is_(None))
                .correlate(call)
                .scalar_subquery(),
                select(tag.c.pool_id).where(tag.c.id == call.c.tag_id).correlate(call).scalar_subquery(),
            ]
        ),
        pool.c.shared,
    )
    .limit(1)
    .scalar_subquery()
)
_CALL = (
    select(
        call,
        campaign.c.timezone,
        campaign.c.currency,
        campaign.c.advertiser,
        campaign.c.routing["holidays"].label("holidays"),
        _SHARED.label("shared_pool"),
        exists(select(literal(1)).where(posting.c.call_id == call.c.id)).label("is_posted"),
        outbox.is_told(call.c.id, "call.qualified").label("is_told"),
        verdict.c.terms_id,
        verdict.c.told,
        verdict.c.basis,
    )
    .select_from(call)
    .outerjoin(campaign, campaign.c.id == call.c.campaign_id)
    .outerjoin(verdict, verdict.c.call_id == call.c.id)
    .where(call.c.id == bindparam("this", type_=Text))
    .with_for_update(of=call)
)
_CHANGE = update(call).where(call.c.id == bindparam("this", type_=Text))
_CUSTOM = select(session.c.custom).where(session.c.id == bindparam("session", type_=Text))
_ADJUSTED = (
    select(adjustment.c.id, adjustment.c.payout, adjustment.c.revenue, dispute.c.id.label("dispute_id"))
    .outerjoin(dispute, dispute.c.adjustment_id == adjustment.c.id)
    .where(adjustment.c.call_id == bindparam("this", type_=Text))
    .order_by(adjustment.c.at_ms.desc(), adjustment.c.id.desc())
    .limit(1)
)
