"""What is left of a verdict when what it was found by is forgotten, and what a publisher reads of it."""

from dni.access.model import Principal
from dni.qualification.judge import judge
from dni.qualification.model import Facts, Policy, Side, SideVerdict, Terms, Verdict
from dni.qualification.shown import verdict_as_seen
from dni.qualification.verdicts import wordless

WHEN = "talk >= 60s and not custom(plan) = gold and param(sub) = x and destination = +14155550199"
TERMS = Terms(payout=Side(base=Policy(name="Base", when=WHEN, amount=100)), dedupe=None)
FACTS = Facts(
    began_ms=0,
    answered=True,
    talk_s=74,
    custom={"plan": "silver"},
    params={"sub": "y"},
    destination="+14155550188",
)


def found(told: Verdict) -> dict[str, str]:
    return {term.text.split()[0]: term.told for policy in told.payout.policies for term in policy.terms}


def test_of_these_words_alone_nothing_is_told_any_more() -> None:
    told = judge(TERMS, FACTS)
    bare = wordless(told, ("custom", "param"))
    assert "silver" in repr(told)
    assert "silver" not in repr(bare)
    assert {word for word, said in found(bare).items() if not said} == {"not", "param(sub)"}
    assert (bare.payout.amount, bare.payout.policy, bare.payout.missing) == (0, None, "")
    assert wordless(told, ("content",)) == told


def test_without_all_words_it_says_what_held() -> None:
    told, bare = judge(TERMS, FACTS), wordless(judge(TERMS, FACTS))
    assert set(found(bare).values()) == {""}
    held = [[term.holds for policy in one.payout.policies for term in policy.terms] for one in (told, bare)]
    assert held[0] == held[1]


def test_a_publisher_reads_no_destination_and_no_revenue() -> None:
    told = judge(Terms(payout=TERMS.payout, revenue=TERMS.payout, dedupe=None), FACTS)
    seen = verdict_as_seen(told, Principal("tok", "", "publisher", publisher="pub_1"))
    assert seen.revenue == SideVerdict()
    assert "4155550199" in repr(told)
    assert "415555" not in repr(seen)
    assert verdict_as_seen(told, Principal("tok", "", "advertiser", campaign="cmp_1")).payout == SideVerdict()
