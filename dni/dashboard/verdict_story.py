"""Why a call counts or does not, as its page says it: one sentence first, then every policy with its terms. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from dni.dashboard import forms
from dni.dashboard.words import Badge
from dni.money import Money
from dni.qualification.model import PolicyVerdict, SideVerdict, Term, Verdict

Side = Literal["payout", "revenue"]

TITLES = {"payout": "Payout, to the publisher", "revenue": "Revenue, from the advertiser"}
QUALIFIED, NOT_QUALIFIED = Badge("Qualified", "good"), Badge("Not qualified", "warn")
_HOLDS = {True: "holds", False: "fails", None: "not known"}


class TermRow(msgspec.Struct, frozen=True):
    """`state`: `held`, `failed` or `open`, a class of the style sheet; `word` says the same."""

    text: str
    told: str
    state: str
    word: str


class PolicyRow(msgspec.Struct, frozen=True):
    name: str
    state: Badge
    pays: str
    terms: list[TermRow]
    is_match: bool


class SideStory(msgspec.Struct, frozen=True):
    """`amount`: what it comes to now; `by_terms`: what the terms say, where a person put something else in its place."""

    name: Side
    title: str
    amount: str
    by_terms: str
    policies: list[PolicyRow]


class VerdictStory(msgspec.Struct, frozen=True):
    """`tone` is that of a badge; `said` one sentence for each side."""

    headline: Badge
    said: list[str]
    sides: list[SideStory]


def describe(verdict: Verdict, amounts: Mapping[Side, int], currency: str, *, qualified: bool) -> VerdictStory:
    """`amounts`: what each side that the reader may see comes to now, corrections counted; `qualified`: for him."""
    sides = [_side(name, getattr(verdict, name), amount, currency) for name, amount in amounts.items()]
    said = [_said(name, getattr(verdict, name), amount, currency) for name, amount in amounts.items()]
    return VerdictStory(QUALIFIED if qualified else NOT_QUALIFIED, said, sides)


def _said(name: Side, verdict: SideVerdict, amount: int, currency: str) -> str:
    money = Money(amount, currency)
    what = f"It pays {money}" if name == "payout" else f"The advertiser owes {money}"
    if amount != verdict.amount:
        return f"{what}: a person decided so, the terms say {Money(verdict.amount, currency)}."
    if verdict.policy is not None:
        return f"{what}: “{verdict.policy}” matched."
    nothing = "It pays nothing" if name == "payout" else "The advertiser owes nothing"
    return forms.sentence(f"{nothing}: {verdict.missing}") if verdict.missing else f"{nothing}: no policy is there."


def _side(name: Side, verdict: SideVerdict, amount: int, currency: str) -> SideStory:
    by_terms = str(Money(verdict.amount, currency)) if amount != verdict.amount else ""
    rows = [_policy(one, one.name == verdict.policy, currency) for one in verdict.policies]
    return SideStory(name, TITLES[name], str(Money(amount, currency)), by_terms, rows)


def _policy(one: PolicyVerdict, is_match: bool, currency: str) -> PolicyRow:
    if is_match:
        state = Badge("Matched", "good")
    elif one.holds:
        state = Badge("Holds, not taken", "calm")
    else:
        state = Badge("Does not hold", "warn") if one.holds is False else Badge("Not known yet", "calm")
    pays = "a share of the sale" if one.amount is None else str(Money(one.amount, currency))
    return PolicyRow(one.name, state, pays, [_term(term) for term in one.terms], is_match)


def _term(term: Term) -> TermRow:
    state = {True: "held", False: "failed", None: "open"}[term.holds]
    return TermRow(term.text, term.told, state, _HOLDS[term.holds])
