"""Why a call counts or does not, as its page says it: one sentence first, then every policy with its terms. Pure."""

import msgspec

from dni.call.views import CallView
from dni.dashboard import forms
from dni.dashboard.words import Badge
from dni.qualification.model import Term
from dni.qualification.verdicts import PolicyView, SideView, VerdictView

TITLES = {"payout": "Payout, to the publisher", "revenue": "Revenue, from the advertiser"}
QUALIFIED, NOT_QUALIFIED = Badge("Qualified", "good"), Badge("Not qualified", "warn")

_STATES = {True: ("held", "holds"), False: ("failed", "fails"), None: ("open", "not known")}


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
    """`amount`: what it comes to; `by_terms`: what the terms say, where a person put something else in its place."""

    name: str
    title: str
    amount: str
    by_terms: str
    policies: list[PolicyRow]


class VerdictStory(msgspec.Struct, frozen=True):
    """`said`: a sentence for each side that the reader sees."""

    headline: Badge
    said: list[str]
    sides: list[SideStory]


def describe(view: VerdictView) -> VerdictStory:
    sides = {name: side for name in TITLES if (side := getattr(view, name)) is not None}
    return VerdictStory(
        QUALIFIED if view.qualified else NOT_QUALIFIED,
        [_said(name, side) for name, side in sides.items()],
        [_side(name, side) for name, side in sides.items()],
    )


def without(call: CallView) -> VerdictStory | None:
    """Of a call that has no verdict, though a person may have decided what it pays. None: nothing is to be said."""
    if call.qualification is None:
        return None
    amounts = {"payout": call.payout, "revenue": call.revenue}
    said = [
        f"{_what(name, str(money))}: a person decided so; no terms applied." for name, money in amounts.items() if money
    ]
    return VerdictStory(QUALIFIED if call.qualification.qualified else NOT_QUALIFIED, said, [])


def _what(name: str, money: str) -> str:
    return f"It pays {money}" if name == "payout" else f"The advertiser owes {money}"


def _said(name: str, side: SideView) -> str:
    what = _what(name, str(side.amount))
    if side.amount != side.by_terms:
        return f"{what}: a person decided so, the terms say {side.by_terms}."
    if side.policy is not None:
        return f"{what}: “{side.policy}” matched."
    nothing = "It pays nothing" if name == "payout" else "The advertiser owes nothing"
    return forms.sentence(f"{nothing}: {side.missing}") if side.missing else f"{nothing}: no policy is there."


def _side(name: str, side: SideView) -> SideStory:
    by_terms = str(side.by_terms) if side.amount != side.by_terms else ""
    rows = [_policy(one, is_match=one.name == side.policy) for one in side.policies]
    return SideStory(name, TITLES[name], str(side.amount), by_terms, rows)


def _policy(one: PolicyView, *, is_match: bool) -> PolicyRow:
    if is_match:
        state = Badge("Matched", "good")
    elif one.holds:
        state = Badge("Holds, not taken", "calm")
    else:
        state = Badge("Does not hold", "warn") if one.holds is False else Badge("Not known yet", "calm")
    pays = "a share of the sale" if one.amount is None else str(one.amount)
    return PolicyRow(one.name, state, pays, [_term(term) for term in one.terms], is_match)


def _term(term: Term) -> TermRow:
    state, word = _STATES[term.holds]
    return TermRow(term.text, term.told, state, word)
