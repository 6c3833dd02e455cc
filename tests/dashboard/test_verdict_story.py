"""A verdict as its page says it: one sentence first, then every policy with its terms, and a word for each mark."""

from dni.dashboard import verdict_story
from dni.dashboard.words import Badge
from dni.qualification.model import PolicyVerdict, SideVerdict, Term, Verdict

SHORT = Term("talk >= 90s", False, "talk 74 s, needed 90 s")
ANSWERED = Term("answered", True, "the call was answered")
UNTOLD = Term("sale", None, "nobody told")


def side(*policies: PolicyVerdict, policy: str | None = None, amount: int = 0, missing: str = "") -> SideVerdict:
    return SideVerdict(policy, amount, policies, missing)


def base(holds: bool | None, *terms: Term, amount: int | None = 1_250, name: str = "Base") -> PolicyVerdict:
    return PolicyVerdict(name, holds, amount, terms)


NOTHING = side()
PAID = Verdict(
    side(base(True, ANSWERED), policy="Base", amount=1_250),
    side(base(True, ANSWERED, amount=2_000), policy="Base", amount=2_000),
)
TOO_SHORT = Verdict(side(base(False, ANSWERED, SHORT), missing="talk 74 s, needed 90 s"), NOTHING)


def test_a_call_that_counts_says_which_policy_matched() -> None:
    told = verdict_story.describe(PAID, {"payout": 1_250, "revenue": 2_000}, "USD", qualified=True)
    assert told.headline == Badge("Qualified", "good")
    assert told.said == ["It pays 12.50 USD: “Base” matched.", "The advertiser owes 20.00 USD: “Base” matched."]
    assert [row.is_match for each in told.sides for row in each.policies] == [True, True]


def test_what_was_missing_is_said_in_the_first_sentence() -> None:
    told = verdict_story.describe(TOO_SHORT, {"payout": 0}, "USD", qualified=False)
    assert told.headline.label == "Not qualified"
    assert told.said == ["It pays nothing: talk 74 s, needed 90 s."]


def test_each_term_has_a_word_beside_its_mark() -> None:
    verdict = Verdict(side(base(False, ANSWERED, SHORT, UNTOLD), missing="talk 74 s, needed 90 s"), NOTHING)
    rows = verdict_story.describe(verdict, {"payout": 0}, "USD", qualified=False).sides[0].policies[0].terms
    assert [(row.state, row.word) for row in rows] == [("held", "holds"), ("failed", "fails"), ("open", "not known")]
    assert rows[1].told == "talk 74 s, needed 90 s"


def test_only_sides_that_are_given_are_told_of() -> None:
    told = verdict_story.describe(PAID, {"payout": 1_250}, "USD", qualified=True)
    assert [each.name for each in told.sides] == ["payout"]
    assert "20.00" not in repr(told)


def test_a_correction_stands_beside_what_the_terms_say() -> None:
    told = verdict_story.describe(TOO_SHORT, {"payout": 500}, "USD", qualified=True)
    assert told.headline.label == "Qualified"
    assert told.said == ["It pays 5.00 USD: a person decided so, the terms say 0.00 USD."]
    assert told.sides[0].by_terms == "0.00 USD"


def test_policies_that_hold_and_were_not_taken_say_so() -> None:
    bonus = base(True, ANSWERED, amount=500, name="Bonus")
    sale = base(None, UNTOLD, amount=None, name="Sale")
    verdict = Verdict(side(sale, bonus, base(True), policy="Base", amount=1_250), NOTHING)
    rows = verdict_story.describe(verdict, {"payout": 1_250}, "JPY", qualified=True).sides[0].policies
    assert [row.state.label for row in rows] == ["Not known yet", "Holds, not taken", "Matched"]
    assert [row.pays for row in rows] == ["a share of the sale", "500 JPY", "1,250 JPY"]


def test_terms_without_a_policy_pay_nothing() -> None:
    told = verdict_story.describe(Verdict(NOTHING, NOTHING), {"payout": 0, "revenue": 0}, "USD", qualified=False)
    assert told.said == [
        "It pays nothing: no policy is there.",
        "The advertiser owes nothing: no policy is there.",
    ]
