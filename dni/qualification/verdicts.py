"""Storage of verdicts: what the terms say of a call now, what they said it by, and how it is told to people."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, RowMapping, Text, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.clock import rfc3339
from dni.ledger import rows
from dni.ledger.rows import Instant
from dni.ledger.schema import call, campaign, verdict
from dni.money import Money
from dni.qualification.model import SideVerdict, Term, Verdict
from dni.qualification.shown import Qualification, Why, verdict_as_seen


class Basis(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a verdict was given by, as far as a later one must know it. Names no person.

    began_ms .. paid  what later calls of the telephone may have been told of it: when it began, whose it was and where
                  it went, whether it is known, and whether it was connected and paid
    timezone, holidays, shared_pool  as they were configured when it was judged first: they hold for good
    known         what of it may be forgotten one day, and the terms looked at: `caller`, `params`, `custom`
    last          the earlier call that it was held against
    adjustment, outcome  the last ones that count in it
    """

    began_ms: int
    campaign: str
    destination: str | None = None
    has_caller: bool = False
    connected: bool = False
    paid: bool = False
    timezone: str = "UTC"
    holidays: tuple[str, ...] = ()
    shared_pool: bool = False
    known: tuple[str, ...] = ()
    last: str | None = None
    adjustment: str | None = None
    outcome: dict[str, Any] | None = None

    @property
    def seen(self) -> tuple[Any, ...]:
        """What later calls may depend on."""
        return self.began_ms, self.campaign, self.destination, self.has_caller, self.connected, self.paid


class Stored(msgspec.Struct, frozen=True):
    terms: str
    verdict: Verdict
    basis: Basis


class PolicyView(msgspec.Struct):
    """`holds` null: not known yet. `amount`: what it would pay; null: a share of a sale that is not told yet."""

    name: str
    holds: bool | None
    amount: Money | None
    terms: tuple[Term, ...]


class SideView(msgspec.Struct):
    """`amount`: what it comes to. `by_terms`: what the terms alone say, which a person may have put right. `policies`
    in the order in which they are tried, each term with what was found and what was needed."""

    amount: Money
    by_terms: Money
    policy: str | None
    missing: str
    policies: list[PolicyView]


class VerdictView(msgspec.Struct):
    """A call's verdict in full. A side that is not the reader's to know is null."""

    call: str
    qualified: bool
    at: Instant
    terms: str
    payout: SideView | None
    revenue: SideView | None


_ADD = insert(verdict)
_CHANGE = update(verdict).where(verdict.c.call_id == bindparam("this", type_=Text))
_DROP = delete(verdict).where(verdict.c.call_id == bindparam("this", type_=Text))
_WORD = re.compile(r"(?:not )?([a-z]+)")


def stored(row: Mapping[Any, Any]) -> Stored | None:
    """`row` has `terms_id`, `told` and `basis` of a call's verdict, null where it has none."""
    if row["terms_id"] is None:
        return None
    return Stored(row["terms_id"], msgspec.convert(row["told"], Verdict), msgspec.convert(row["basis"], Basis))


def keep(connection: Connection, call_id: str, made: Stored, at_ms: int, *, anew: bool) -> None:
    """`anew`: in the place of another one."""
    values = {
        "terms_id": made.terms,
        "at_ms": at_ms,
        "told": msgspec.to_builtins(made.verdict),
        "basis": msgspec.to_builtins(made.basis),
    }
    if anew:
        connection.execute(_CHANGE, {**values, "this": call_id})
    else:
        connection.execute(_ADD, {**values, "call_id": call_id})


def drop(connection: Connection, call_id: str) -> None:
    """There are no terms for the call any more."""
    connection.execute(_DROP, {"this": call_id})


async def one(connection: AsyncConnection, principal: Principal, call_id: str) -> VerdictView:
    """Raises NotFound for a call that has none, and one behind the principal's walls."""
    query = (
        select(verdict, call.c.payout, call.c.revenue, call.c.qualified, call.c.billable, campaign.c.currency)
        .select_from(verdict)
        .join(call, call.c.id == verdict.c.call_id)
        .join(campaign, campaign.c.id == call.c.campaign_id)
        .where(walls.calls(principal), verdict.c.call_id == call_id)
    )
    row = await rows.one(connection, query, f"verdict of call {call_id}")
    told = verdict_as_seen(msgspec.convert(row["told"], Verdict), principal)
    return VerdictView(
        call=call_id,
        qualified=bool(row["qualified"] if principal.sees_payout else row["billable"]),
        at=rfc3339(row["at_ms"]),
        terms=row["terms_id"],
        payout=_side(told.payout, row["payout"], row["currency"]) if principal.sees_payout else None,
        revenue=_side(told.revenue, row["revenue"], row["currency"]) if principal.sees_revenue else None,
    )


def qualification(row: RowMapping) -> Qualification | None:
    """All of it. `row` has `qualified` and `billable` of a call, and `terms_id`, `judged_at_ms`, `told` of its
    verdict."""
    if row["qualified"] is None:
        return None
    told = None if row["told"] is None else msgspec.convert(row["told"], Verdict)
    return Qualification(
        qualified=row["qualified"],
        billable=bool(row["billable"]),
        at=None if row["judged_at_ms"] is None else rfc3339(row["judged_at_ms"]),
        terms=row["terms_id"],
        payout=Why(told.payout.policy, told.payout.missing) if told else None,
        revenue=Why(told.revenue.policy, told.revenue.missing) if told else None,
    )


def wordless(told: Verdict, words: Collection[str] | None = None) -> Verdict:
    """When who called is forgotten: what held and what it pays, without what was found; of terms that begin with these
    `words` alone, if they are given."""

    def goes(term: Term) -> bool:
        word = _WORD.match(term.text)
        return words is None or (word is not None and word[1] in words)

    def bare(side: SideVerdict) -> SideVerdict:
        if not any(goes(term) for policy in side.policies for term in policy.terms):
            return side
        policies = tuple(
            replace(policy, terms=tuple(replace(term, told="") if goes(term) else term for term in policy.terms))
            for policy in side.policies
        )
        return replace(side, policies=policies, missing="")

    return Verdict(bare(told.payout), bare(told.revenue))


def _side(told: SideVerdict, amount: int, currency: str) -> SideView:
    def money(value: int | None) -> Money | None:
        return None if value is None else Money(value, currency)

    return SideView(
        amount=Money(amount, currency),
        by_terms=Money(told.amount, currency),
        policy=told.policy,
        missing=told.missing,
        policies=[PolicyView(p.name, p.holds, money(p.amount), p.terms) for p in told.policies],
    )
