"""What terms say of a call: each term with what was found and needed, the policy that matched, the amount. Pure.

A condition is brought into a form in which only single terms are denied (`not (a and b)` is `not a or not b`), so that
each term's explanation is true where it stands.
"""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

import msgspec

from dni.qualification.checks import Check, check
from dni.qualification.expression import All, Expression, Not, Test, all_of, tests, words_of, written
from dni.qualification.language import parse
from dni.qualification.model import Facts, Policy, PolicyVerdict, Side, SideVerdict, Term, Terms, Verdict

_DAY_S = 86_400


class Leaf(msgspec.Struct, frozen=True, eq=False):
    """One term: it is wanted to hold or, denied, not to. `ways`: of so many alternatives it is in one, 1: in none.
    `seconds`: of a repeat."""

    check: Check
    is_wanted: bool
    text: str
    ways: int
    seconds: int = 0


class Branch(msgspec.Struct, frozen=True, eq=False):
    """`is_all`: every part must hold; else one is enough."""

    is_all: bool
    parts: tuple["Node", ...]


Node = Leaf | Branch


class Condition(msgspec.Struct, frozen=True, eq=False):
    """`node` in the form in which only single terms are denied; `leaves` from left to right."""

    node: Node
    leaves: tuple[Leaf, ...]


def judge(terms: Terms, facts: Facts) -> Verdict:
    judged = _Judged(facts)
    return Verdict(_side(terms, terms.payout, judged), _side(terms, terms.revenue, judged))


def condition(terms: Terms, policy: Policy, shared_pool: bool) -> Condition:
    """What the policy asks for, with the gates that it does not speak of. `shared_pool`: of the call's number."""
    least = terms.min_confidence if shared_pool else 0.0
    hours = tuple(sorted(terms.hours.items())) if terms.hours else ()
    return _condition(policy.when, hours, terms.dedupe.days if terms.dedupe else 0, least)


def asked(terms: Terms) -> frozenset[str]:
    """The words that the terms' policies speak of, gates too: what of a call must be known to judge it."""
    return frozenset(
        test.word for policy in _policies(terms) for test in tests(_whole(terms, policy, gate_confidence=True))
    )


def look_back_ms(terms: Terms) -> int:
    """How far earlier calls of a telephone matter: the longest span of any `repeat`; 0 where none is asked for."""
    found = [
        int(test.values[0])
        for policy in _policies(terms)
        for test in tests(_whole(terms, policy, gate_confidence=False))
        if test.word == "repeat"
    ]
    return 1000 * max(found, default=0)


def amount_of(policy: Policy, sale: bool | None, value: int | None) -> int | None:
    """What the policy pays, in minor units; None: a share of a sale that is not told yet. Halves are rounded up."""
    if policy.amount is not None:
        return policy.amount
    if sale is False:
        return 0
    if value is None:
        return None
    share = Decimal(repr(policy.percent)) / 100
    return int((value * share).quantize(Decimal(1), ROUND_HALF_UP))


def _policies(terms: Terms) -> tuple[Policy, ...]:
    return (*terms.payout.policies, *terms.revenue.policies)


def _whole(terms: Terms, policy: Policy, *, gate_confidence: bool) -> Expression:
    days = terms.dedupe.days if terms.dedupe else 0
    return _gated(policy.when, frozenset(terms.hours), days, terms.min_confidence if gate_confidence else 0.0)


def _gated(when: str, hours: frozenset[str], dedupe_days: int, least: float) -> Expression:
    own = parse(when, hours=hours)
    spoken = words_of(own)
    gates: list[Expression] = []
    if "answered" not in spoken:
        gates.append(Test("answered"))
    if dedupe_days and "repeat" not in spoken:
        gates.append(Not(Test("repeat", values=(dedupe_days * _DAY_S,))))
    if least and "confidence" not in spoken:
        gates.append(Test("confidence", ">=", (Decimal(repr(least)) * 100,)))
    return all_of(*gates, own)


@lru_cache(4_096)
def _condition(when: str, hours: tuple[tuple[str, str], ...], dedupe_days: int, least: float) -> Condition:
    named = dict(hours)
    found = _gated(when, frozenset(named), dedupe_days, least)
    leaves: list[Leaf] = []

    def keep(leaf: Leaf) -> Leaf:
        leaves.append(leaf)
        return leaf

    node = _node(found, True, 1, named, keep)
    return Condition(node, tuple(leaves))


def _node(
    expression: Expression, is_wanted: bool, ways: int, hours: dict[str, str], keep: Callable[[Leaf], Leaf]
) -> Node:
    if isinstance(expression, Test):
        named = hours.get(expression.name, "") if expression.word == "during" else ""
        return keep(_leaf(expression, is_wanted, ways, named))
    if isinstance(expression, Not):
        return _node(expression.part, not is_wanted, ways, hours, keep)
    is_all = isinstance(expression, All) is is_wanted
    ways = ways if is_all else ways * len(expression.parts)
    return Branch(is_all, tuple(_node(part, is_wanted, ways, hours, keep) for part in expression.parts))


@lru_cache(4_096)
def _leaf(test: Test, is_wanted: bool, ways: int, hours: str) -> Leaf:
    """The same term is one leaf in all policies, so that it is judged once a call."""
    text = written(test)
    seconds = int(test.values[0]) if test.word == "repeat" else 0
    return Leaf(check(test, hours), is_wanted, text if is_wanted else f"not {text}", ways, seconds)


class _Judged:
    """Terms of one call, each judged once."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._terms: dict[Leaf, Term] = {}
        self._needs: dict[Leaf, str] = {}

    def term(self, leaf: Leaf) -> Term:
        found = self._terms.get(leaf)
        if found is None:
            found = self._terms[leaf] = self._judge(leaf)
        return found

    def _judge(self, leaf: Leaf) -> Term:
        check = leaf.check
        looked_at = check.look(self.facts)
        holds = check.holds(looked_at)
        if holds is not None:
            holds = holds is leaf.is_wanted
        told = self._needs[leaf] = check.told(looked_at, leaf.is_wanted)
        return Term(leaf.text, holds, told if leaf.ways == 1 else f"{told} (one of {leaf.ways} ways is enough)")

    def holds(self, node: Node) -> bool | None:
        if isinstance(node, Leaf):
            return self.term(node).holds
        ends = not node.is_all  # what settles the whole
        found: bool | None = node.is_all
        for part in node.parts:
            held = self.holds(part)
            if held is ends:
                return ends
            if held is None:
                found = None
        return found

    def missing(self, node: Node) -> list[str]:
        """What would have had to be otherwise; of several ways the one that needs least."""
        if isinstance(node, Leaf):
            return [] if self.term(node).holds else [self._needs[node]]
        needs = [self.missing(part) for part in node.parts]
        if not node.is_all:
            return min(needs, key=len)
        return list(dict.fromkeys(need for part in needs for need in part))


def _side(terms: Terms, side: Side, judged: _Judged) -> SideVerdict:
    policies, facts = side.policies, judged.facts
    if not policies:
        return SideVerdict()
    found: list[PolicyVerdict] = []
    nodes: list[Node] = []
    for policy in policies:
        asked_for = condition(terms, policy, facts.shared_pool)
        nodes.append(asked_for.node)
        found.append(
            PolicyVerdict(
                policy.name,
                judged.holds(asked_for.node),
                amount_of(policy, facts.sale, facts.value),
                tuple([judged.term(leaf) for leaf in asked_for.leaves]),
            )
        )
    matched = [one for one in found if one.holds]
    if matched:
        best = matched[0] if side.pick == "first" else max(matched, key=lambda one: one.amount or 0)
        return SideVerdict(best.name, best.amount or 0, tuple(found))
    # Of those that lack as little, the base: it is tried last.
    nearest = min((judged.missing(node) for node in reversed(nodes)), key=len)
    return SideVerdict(None, 0, tuple(found), "; ".join(nearest))
