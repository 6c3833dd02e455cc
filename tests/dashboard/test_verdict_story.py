"""A verdict as its page says it: one sentence first, then every policy with its terms, and a word for each mark."""

from dni.dashboard import verdict_story
from dni.dashboard.words import Badge
from dni.money import Money
from dni.qualification.model import Term
from dni.qualification.verdicts import PolicyView, SideView, VerdictView

SHORT = Term("talk >= 90s", False, "talk 74 s, needed 90 s")
ANSWERED = Term("answered", True, "the call was answered")
UNTOLD = Term("sale", None, "nobody told")


def usd(amount: int) -> Money:
    return Money(amount, "USD")


def policy(holds: bool | None, *terms: Term, amount: Money | None, name: str = "Base") -> PolicyView:
    return PolicyView(name, holds, amount, terms)


def side(
    *policies: PolicyView, matched: str | None = None, pays: int = 0, told: int = 0, missing: str = ""
) -> SideView:
    """`told`: by the terms alone."""
    return SideView(usd(pays), usd(told), matched, missing, list(policies))


def view(payout: SideView | None, revenue: SideView | None = None, *, qualified: bool) -> VerdictView:
    return VerdictView("call_1", qualified, "2026-09-21T14:13:20.000+00:00", "trm_1", payout, revenue)


PAID = side(policy(True, ANSWERED, amount=usd(1_250)), matched="Base", pays=1_250, told=1_250)
BILLED = side(policy(True, ANSWERED, amount=usd(2_000)), matched="Base", pays=2_000, told=2_000)
SHORT_POLICY = policy(False, ANSWERED, SHORT, amount=usd(1_250))
TOO_SHORT = side(SHORT_POLICY, missing="talk 74 s, needed 90 s")


def test_a_call_that_counts_says_which_policy_matched() -> None:
    told = verdict_story.describe(view(PAID, BILLED, qualified=True))
    assert told.headline == Badge("Qualified", "good")
    assert told.said == ["It pays 12.50 USD: “Base” matched.", "The advertiser owes 20.00 USD: “Base” matched."]
    assert [row.is_match for each in told.sides for row in each.policies] == [True, True]


def test_what_was_missing_is_said_in_the_first_sentence() -> None:
    told = verdict_story.describe(view(TOO_SHORT, qualified=False))
    assert told.headline.label == "Not qualified"
    assert told.said == ["It pays nothing: talk 74 s, needed 90 s."]


def test_each_term_has_a_word_beside_its_mark() -> None:
    every = side(policy(False, ANSWERED, SHORT, UNTOLD, amount=usd(1)), missing="talk 74 s, needed 90 s")
    rows = verdict_story.describe(view(every, qualified=False)).sides[0].policies[0].terms
    assert [(row.state, row.word) for row in rows] == [("held", "holds"), ("failed", "fails"), ("open", "not known")]
    assert rows[1].told == "talk 74 s, needed 90 s"


def test_only_sides_that_the_reader_sees_are_told_of() -> None:
    told = verdict_story.describe(view(None, BILLED, qualified=True))
    assert [each.name for each in told.sides] == ["revenue"]
    assert told.said == ["The advertiser owes 20.00 USD: “Base” matched."]


def test_a_correction_stands_beside_what_the_terms_say() -> None:
    corrected = side(SHORT_POLICY, missing="talk 74 s, needed 90 s", pays=500)
    told = verdict_story.describe(view(corrected, qualified=True))
    assert told.headline.label == "Qualified"
    assert told.said == ["It pays 5.00 USD: a person decided so, the terms say 0.00 USD."]
    assert told.sides[0].by_terms == "0.00 USD"


def test_policies_that_hold_and_were_not_taken_say_so() -> None:
    sale = policy(None, UNTOLD, amount=None, name="Sale")
    bonus = policy(True, ANSWERED, amount=usd(500), name="Bonus")
    several = side(sale, bonus, *PAID.policies, matched="Base", pays=1_250, told=1_250)
    rows = verdict_story.describe(view(several, qualified=True)).sides[0].policies
    assert [row.state.label for row in rows] == ["Not known yet", "Holds, not taken", "Matched"]
    assert [row.pays for row in rows] == ["a share of the sale", "5.00 USD", "12.50 USD"]


def test_terms_without_a_policy_pay_nothing() -> None:
    told = verdict_story.describe(view(side(), side(), qualified=False))
    assert told.said == [
        "It pays nothing: no policy is there.",
        "The advertiser owes nothing: no policy is there.",
    ]
