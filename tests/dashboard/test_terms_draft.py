"""The draft of terms: what travels in the form is the terms again, and every fault is told beside its field."""

from typing import Any

import msgspec
import pytest

from dni.dashboard import policy_form, terms_draft, terms_words
from dni.dashboard.terms_draft import BASE, Draft
from dni.errors import BadBody, InvalidField
from dni.qualification.model import Dedupe, Policy, Side, Terms
from tests.dashboard.priced import TERMS

FULL = msgspec.convert(TERMS, Terms)


def typed(draft: Draft, **fields: str) -> Draft:
    """`__` stands for the `/` of a field's name."""
    changed = {name.replace("__", "/"): text for name, text in fields.items()}
    return msgspec.structs.replace(draft, typed={**draft.typed, **changed})


@pytest.mark.parametrize(
    "terms",
    [
        Terms(),
        FULL,
        Terms(dedupe=None, min_confidence=0.875, payout=Side(pick="best", bonuses=(Policy(name="A", amount=1),))),
        Terms(dedupe=Dedupe(days=7, scope="advertiser", counts="paid", shared=("+14155550166", "+14155550167"))),
    ],
)
def test_what_travels_in_the_form_is_the_terms_again(terms: Terms) -> None:
    draft = terms_draft.read(terms_draft.of(terms, "seen").form())
    assert terms_draft.terms(draft) == terms
    assert not terms_draft.differs(draft, terms)
    assert draft.seen == "seen"


def test_line_ends_of_browsers_are_no_change() -> None:
    terms = msgspec.structs.replace(FULL, hours={"business": "Mo-Fr 09:00-17:00", "night": "22:00-06:00"})
    form = {name: text.replace("\n", "\r\n") for name, text in terms_draft.of(terms).form().items()}
    assert not terms_draft.differs(terms_draft.read(form), terms)
    assert terms_draft.terms(terms_draft.read(form)) == terms


@pytest.mark.parametrize(
    ("field", "text", "path"),
    [
        ("hours", "business = Mo-Fr 09:00-17:00\nlunch", "/hours/1"),
        ("hours", "Business = 24/7", "/hours/0"),
        ("hours", "a = 24/7\na = 24/7", "/hours/1"),
        ("hours", "a = sometimes", "/hours/0"),
        ("min_confidence", "high", "/min_confidence"),
        ("min_confidence", "101", "/min_confidence"),
        ("dedupe__days", "0", "/dedupe/days"),
        ("dedupe__shared", "nobody", "/dedupe/shared/0"),
    ],
)
def test_a_fault_is_told_beside_its_field(field: str, text: str, path: str) -> None:
    with pytest.raises(InvalidField) as caught:
        terms_draft.terms(typed(terms_draft.of(Terms()), **{field: text}))
    assert [error.path for error in caught.value.errors] == [path]


def test_without_days_nothing_is_a_repeat() -> None:
    assert terms_draft.terms(typed(terms_draft.of(FULL), dedupe__days="")).dedupe is None


def test_a_policy_that_names_hours_that_are_gone_is_told_of_before_it_is_saved() -> None:
    draft = typed(terms_draft.of(FULL), hours="")
    problems = terms_draft.problems(draft)
    assert list(problems) == [("payout", "1")]
    assert problems["payout", "1"].path == "/when"
    assert "business" in problems["payout", "1"].message
    assert terms_draft.problems(terms_draft.of(FULL)) == {}


def test_two_policies_of_one_name_are_told_of() -> None:
    draft = terms_draft.put(terms_draft.of(FULL), "payout", "0", Policy(name="Base", amount=1))
    assert list(terms_draft.problems(draft)) == [("payout", BASE)]
    with pytest.raises(InvalidField):
        terms_draft.check(draft, "payout", BASE)


def test_policies_are_added_moved_and_removed() -> None:
    def names(draft: Draft) -> list[str]:
        return [policy.name for _, policy in terms_draft.placed(draft.payout)]

    draft = terms_draft.of(Terms())
    draft = terms_draft.put(draft, "payout", terms_draft.next_place(draft.payout), Policy(name="A", amount=1))
    draft = terms_draft.put(draft, "payout", terms_draft.next_place(draft.payout), Policy(name="B", amount=2))
    draft = terms_draft.put(draft, "payout", BASE, Policy(name="C", amount=3))
    assert names(draft) == ["A", "B", "C"]
    assert names(terms_draft.moved(draft, "up", "payout", "1")) == ["B", "A", "C"]
    assert names(terms_draft.moved(draft, "down", "payout", "0")) == ["B", "A", "C"]
    assert names(terms_draft.moved(draft, "remove", "payout", "0")) == ["B", "C"]
    assert names(terms_draft.moved(draft, "remove", "payout", BASE)) == ["A", "B"]
    assert draft.revenue == Side()
    for act, place in (("up", "0"), ("down", "1"), ("up", BASE), ("remove", "7"), ("remove", "²"), ("", "0")):
        with pytest.raises(InvalidField):
            terms_draft.moved(draft, act, "payout", place)


def test_new_policies_have_a_name_of_their_own() -> None:
    side = Side(bonuses=(Policy(name="Bonus", amount=1), Policy(name="Bonus 3", amount=1)))
    assert terms_draft.fresh_name(side, "2") == "Bonus 2"
    assert terms_draft.fresh_name(side, BASE) == "Base"


@pytest.mark.parametrize(
    "change",
    [{"payout": "{"}, {"payout": "[]"}, {"revenue": '{"base": {"name": "x", "amount": "1"}}'}, {"payout": "\udcff"}],
)
def test_what_no_form_of_ours_sends_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(BadBody):
        terms_draft.read({**terms_draft.of(FULL).form(), **change})


@pytest.mark.parametrize(
    ("pays", "unit", "made"),
    [
        ("12.50", "USD", {"amount": 1_250}),
        ("1,200", "USD", {"amount": 120_000}),
        ("7 USD", "USD", {"amount": 700}),
        ("12.5", "%", {"percent": 12.5}),
        ("10 %", "%", {"percent": 10.0}),
    ],
)
def test_what_a_policy_pays_is_written_as_people_do(pays: str, unit: str, made: dict[str, Any]) -> None:
    policy = policy_form.policy({"name": "A", "pays": pays, "unit": unit}, "answered", "USD")
    assert policy == Policy(name="A", when="answered", **made)
    again = policy_form.written(policy, "USD")
    assert policy_form.policy(again, "answered", "USD") == policy


@pytest.mark.parametrize(("pays", "unit"), [("-1", "USD"), ("1.255", "USD"), ("a", "USD"), ("0", "%"), ("101", "%")])
def test_amounts_that_no_call_pays_are_refused(pays: str, unit: str) -> None:
    with pytest.raises(InvalidField) as caught:
        policy_form.policy({"name": "A", "pays": pays, "unit": unit}, "", "USD")
    assert caught.value.errors[0].path == "/pays"


def test_the_place_of_an_error_is_marked_in_its_line() -> None:
    found = policy_form.marked("talk >= 90s\nand regoin = CA", 16, 22)
    assert found.line == "and regoin = CA"
    assert found.under == "    ^^^^^^"
    assert "regoin" in found.told
    end = policy_form.marked("talk >=", 7, 7)
    assert (end.line, end.under) == ("talk >=", "       ^")
    wide = policy_form.marked("x" * 500 + "!" + "y" * 500, 500, 501)
    assert len(wide.line) <= 100
    assert wide.line[len(wide.under) - 1] == "!"


def test_a_version_is_summed_up_in_a_line() -> None:
    assert terms_words.summary(FULL, "USD", ("payout", "revenue")) == (
        "payout 12.50 USD and 2 bonuses; revenue 20.00 USD"
    )
    assert terms_words.summary(Terms(), "USD", ("revenue",)) == "revenue nothing"
    share = Terms(payout=Side(base=Policy(name="A", percent=12.5)))
    assert terms_words.summary(share, "USD", ("payout",)) == "payout 12.5% of the sale"
