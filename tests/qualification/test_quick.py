"""Terms applied to many calls at once say what judging each of them says."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dni.qualification.checks import age_ms
from dni.qualification.expression import written
from dni.qualification.judge import judge
from dni.qualification.model import Dedupe, Facts, Policy, Side, Terms
from dni.qualification.quick import SOLD, Coder, Quick
from tests.qualification.conditions import expressions
from tests.qualification.many_facts import facts

_NAMED = {"business": "Mo-Fr 09:00-17:00; PH off"}


def sides() -> st.SearchStrategy[Side]:
    pays = st.fixed_dictionaries({"amount": st.integers(0, 5_000)}) | st.fixed_dictionaries(
        {"percent": st.sampled_from((0.5, 12.5, 33.3, 100.0))}
    )
    policies = st.lists(st.tuples(expressions().map(written), pays), max_size=4).map(
        lambda found: [Policy(name=f"p{n}", when=when, **pays) for n, (when, pays) in enumerate(found)]
    )
    return st.builds(
        lambda found, has_base, pick: Side(
            base=found[0] if found and has_base else None, bonuses=tuple(found[1:] if has_base else found), pick=pick
        ),
        policies,
        st.booleans(),
        st.sampled_from(("first", "best")),
    )


def terms() -> st.SearchStrategy[Terms]:
    return st.builds(
        Terms,
        payout=sides(),
        revenue=sides(),
        dedupe=st.sampled_from((None, Dedupe(), Dedupe(days=2))),
        min_confidence=st.sampled_from((0, 0.57, 0.8)),
        hours=st.just(_NAMED),
    )


def quickly(asked: Terms, calls: list[Facts], batches: int = 1) -> list[tuple[bool, int, bool, int]]:
    """Payout and revenue of each: whether a policy matched, and what it pays."""
    quick = Quick(asked)
    columns = {about: Coder() for about in (*quick.looks, SOLD)}
    found: list[tuple[Any, ...]] = []
    for n in range(batches):
        some = calls[n::batches]
        for about, look in quick.looks.items():
            columns[about].code((look(one) for one in some), len(some))
        columns[SOLD].code(((one.sale, one.value) for one in some), len(some))
        answers = quick.judge(columns, np.array([one.shared_pool for one in some], bool))
        for at, one in enumerate(some):
            age = age_ms(one.began_ms, one.last_ms)
            told = answers[quick.stretch(None if age is None or age < 0 else age)]
            sides = (told.payout, told.revenue)
            found.append(tuple(value for side in sides for value in (bool(side.matched[at]), int(side.amount[at]))))
    return found


@given(terms(), st.lists(facts(), min_size=1, max_size=8), st.integers(1, 3))
def test_it_agrees_with_judging_one_by_one(asked: Terms, calls: list[Facts], batches: int) -> None:
    in_order = [one for n in range(batches) for one in calls[n::batches]]
    expected = []
    for one in in_order:
        told = judge(asked, one)
        sides = (told.payout, told.revenue)
        expected.append(tuple(value for side in sides for value in (side.policy is not None, side.amount)))
    assert quickly(asked, calls, batches) == expected


def test_a_column_of_too_many_values_begins_anew() -> None:
    asked = Terms(payout=Side(base=Policy(name="a", when="talk >= 100s", amount=1)), dedupe=None)
    quick = Quick(asked)
    columns = {about: Coder() for about in quick.looks}
    for begin in (0, 70_000, 50):
        many = 70_000
        columns["talk"].code(range(begin, begin + many), many)
        columns["answered"].code([True] * many, many)
        [told] = quick.judge(columns, np.zeros(many, bool))
        assert told.payout.matched.tolist() == [begin + n >= 100 for n in range(many)]
        assert len(columns["talk"].values) <= 140_000
