"""What terms say of a call: each word, what is not known, the gates, which policy is taken, and what is missing."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.qualification.expression import All, Either, Expression, Not, Test, written
from dni.qualification.facts_of import COLUMNS, facts_of
from dni.qualification.judge import asked, condition, judge, look_back_ms
from dni.qualification.model import Dedupe, Facts, Policy, PolicyVerdict, Side, Terms, Verdict
from tests.qualification.conditions import HOURS, expressions
from tests.qualification.many_facts import facts

DAY_MS = 86_400_000
# A Tuesday, 10:30 in New York.
BEGAN_MS = round(datetime(2026, 11, 24, 15, 30, tzinfo=UTC).timestamp() * 1000)
LATE_MS = BEGAN_MS + 7 * 3_600_000
BUYER = "+14155550100"
NAMED = {"business": "Mo-Fr 09:00-17:00"}

# A term, what is known, whether it holds, and what is told.
JUDGED: list[tuple[str, dict[str, Any], bool | None, str]] = [
    ("talk >= 90s", {"talk_s": 74}, False, "talk 74 s, needed 90 s"),
    ("talk >= 90s", {"talk_s": 90}, True, "talk 90 s, needed 90 s"),
    ("talk > 90s", {"talk_s": 90}, False, "talk 90 s, needed more than 90 s"),
    ("talk < 90s", {"talk_s": 90}, False, "talk 90 s, needed less than 90 s"),
    ("talk <= 90s", {"talk_s": 91}, False, "talk 91 s, needed at most 90 s"),
    ("talk = 90s", {"talk_s": 90}, True, "talk 90 s, needed 90 s"),
    ("talk != 90s", {"talk_s": 90}, False, "talk 90 s, needed other than 90 s"),
    ("not talk >= 90s", {"talk_s": 104}, False, "talk 104 s, needed less than 90 s"),
    ("not talk >= 90s", {"talk_s": 74}, True, "talk 74 s, needed less than 90 s"),
    ("not talk < 90s", {"talk_s": 74}, False, "talk 74 s, needed 90 s"),
    ("not not talk >= 90s", {"talk_s": 74}, False, "talk 74 s, needed 90 s"),
    ("duration > 2m", {"duration_s": 121}, True, "duration 121 s, needed more than 120 s"),
    ("answered", {"answered": True}, True, "answered"),
    ("answered", {"answered": False}, False, "not answered, needed answered"),
    ("not answered", {"answered": True}, False, "answered, needed not answered"),
    ("not answered", {"answered": False}, True, "not answered"),
    ("sale", {"sale": True}, True, "a sale"),
    ("sale", {"sale": False}, False, "no sale, needed a sale"),
    ("sale", {}, None, "sale is not known"),
    ("not sale", {"sale": True}, False, "a sale, needed no sale"),
    ("not sale", {}, None, "sale is not known"),
    ("status = voicemail", {"status": "voicemail"}, True, "status voicemail, needed voicemail"),
    ("status != voicemail", {"status": "voicemail"}, False, "status voicemail, needed other than voicemail"),
    ("region in (CA, NV)", {"region": "US-TX"}, False, "region US-TX, needed CA or NV"),
    ("region in (CA, NV)", {"region": "US-CA"}, True, "region US-CA, needed CA or NV"),
    ("region in (US-CA)", {"region": "US-CA"}, True, "region US-CA, needed US-CA"),
    ("region = CA", {"region": "CA-ON"}, False, "region CA-ON, needed CA"),
    ("region = ON", {"region": "CA-ON"}, True, "region CA-ON, needed ON"),
    ("region = CA", {}, None, "region is not known, needed CA"),
    ("region != CA", {}, None, "region is not known, needed other than CA"),
    ("not region = CA", {}, None, "region is not known, needed other than CA"),
    ("region not in (CA, NV)", {"region": "US-CA"}, False, "region US-CA, needed other than CA or NV"),
    ("not region in (CA, NV)", {"region": "US-TX"}, True, "region US-TX, needed other than CA or NV"),
    ("not region not in (CA)", {"region": "US-CA"}, True, "region US-CA, needed CA"),
    (
        "region in (AL, AK, AZ, AR, CA, CO, CT, DE, FL, GA)",
        {"region": "US-TX"},
        False,
        "region US-TX, needed AL, AK, AZ, AR, CA, CO, CT, DE or 2 more",
    ),
    ("country = US", {"country": "US"}, True, "country US, needed US"),
    ("country in (US, CA)", {"country": "GB"}, False, "country GB, needed US or CA"),
    ("country = US", {}, None, "country is not known, needed US"),
    ("phone = mobile", {"phone_type": "mobile"}, True, "phone mobile, needed mobile"),
    ("phone != voip", {"phone_type": "voip"}, False, "phone voip, needed other than voip"),
    ("phone = mobile", {}, None, "phone is not known, needed mobile"),
    ("key = 1", {"keys": "1"}, True, "keys 1, needed 1"),
    ("key = 1", {"keys": "21"}, True, "keys 21, needed 1"),
    ("key = 12", {"keys": "312"}, True, "keys 312, needed 12"),
    ("key = 12", {"keys": "132"}, False, "keys 132, needed 12"),
    ("key in (1, 2)", {"keys": "3"}, False, "keys 3, needed 1 or 2"),
    ("key in (1, 2)", {}, False, "no key pressed, needed 1 or 2"),
    ("key != 9", {}, True, "no key pressed, needed other than 9"),
    ("key != 9", {"keys": "19"}, False, "keys 19, needed other than 9"),
    ("key = *", {"keys": "*"}, True, "keys *, needed *"),
    ("key = *", {"keys": "1"}, False, "keys 1, needed *"),
    ("source = google", {"source": "Google"}, True, "source Google, needed google"),
    ("source = google", {"source": "bing"}, False, "source bing, needed google"),
    ("source = google", {}, None, "source is not known, needed google"),
    ("source != google", {}, None, "source is not known, needed other than google"),
    ("medium in (cpc, display)", {"source": "x", "medium": "CPC"}, True, "medium CPC, needed cpc or display"),
    ('channel = "Paid Search"', {"channel": "Paid search"}, True, "channel Paid search, needed Paid Search"),
    ("campaign = spring*", {"campaign_name": "Spring Sale"}, True, "campaign Spring Sale, needed spring*"),
    ("campaign = *sale", {"campaign_name": "Spring Sale"}, True, "campaign Spring Sale, needed *sale"),
    ("campaign = s*g*e", {"campaign_name": "Spring Sale"}, True, "campaign Spring Sale, needed s*g*e"),
    ("campaign = s*g", {"campaign_name": "Spring Sale"}, False, "campaign Spring Sale, needed s*g"),
    ("campaign = spring*spring", {"campaign_name": "spring"}, False, "campaign spring, needed spring*spring"),
    ("campaign = *", {"campaign_name": ""}, True, "campaign is not set, needed *"),
    ('campaign = "100\\*"', {"campaign_name": "100*"}, True, "campaign 100*, needed 100\\*"),
    ('campaign = "100\\*"', {"campaign_name": "1000"}, False, "campaign 1000, needed 100\\*"),
    ("keyword = *free*", {"source": "google"}, False, "keyword is not set, needed *free*"),
    ("keyword != *free*", {"source": "google"}, True, "keyword is not set, needed other than *free*"),
    ("keyword != *free*", {}, None, "keyword is not known, needed other than *free*"),
    ('keyword = ""', {"source": "google"}, True, 'keyword is not set, needed ""'),
    ('keyword = ""', {"source": "google", "keyword": "a"}, False, 'keyword a, needed ""'),
    ("content = a", {"source": "google", "content": "straße"}, False, "content straße, needed a"),
    ('content = "STRASSE"', {"content": "straße"}, True, "content straße, needed STRASSE"),
    ("publisher = pub_1", {"publisher": "pub_1"}, True, "publisher pub_1, needed pub_1"),
    ("publisher != pub_1", {}, True, "publisher is not set, needed other than pub_1"),
    (
        "destination = +14155550100",
        {"destination": "+14155550100"},
        True,
        "destination +14155550100, needed +14155550100",
    ),
    ("destination = +14155550100", {}, None, "destination is not known, needed +14155550100"),
    ("custom(plan) = gold", {"custom": {"plan": "Gold"}}, True, "custom(plan) Gold, needed gold"),
    ("custom(plan) = gold", {"custom": {}}, False, "custom(plan) is not set, needed gold"),
    ("custom(plan) != gold", {"custom": {}}, True, "custom(plan) is not set, needed other than gold"),
    ("custom(plan) = gold", {}, None, "custom(plan) is not known, needed gold"),
    ("custom(plan) = *", {"custom": {"plan": "x" * 99}}, True, f"custom(plan) {'x' * 60}…, needed *"),
    ("custom(Plan) = gold", {"custom": {"plan": "gold"}}, False, "custom(Plan) is not set, needed gold"),
    ("param(sub1) = 47*", {"params": {"sub1": "4711"}}, True, "param(sub1) 4711, needed 47*"),
    ("param(sub1) = 47*", {"source": "x", "params": {}}, False, "param(sub1) is not set, needed 47*"),
    ("param(sub1) = 47*", {}, None, "param(sub1) is not known, needed 47*"),
    ("confidence >= 80%", {"confidence": 0.8}, True, "confidence 80 %, needed 80 %"),
    ("confidence >= 80%", {"confidence": 0.7999}, False, "confidence 79.9 %, needed 80 %"),
    ("confidence >= 57%", {"confidence": 0.57}, True, "confidence 57 %, needed 57 %"),
    ("confidence >= 80%", {}, None, "confidence is not known, needed 80 %"),
    ("value >= 100.00", {"value": 8_000}, False, "value 80.00 USD, needed 100.00"),
    ("value >= 100.00", {"value": 10_000}, True, "value 100.00 USD, needed 100.00"),
    ("value >= 100", {"value": 99, "currency": "JPY"}, False, "value 99 JPY, needed 100.00"),
    ("value >= 100", {"value": 100, "currency": "JPY"}, True, "value 100 JPY, needed 100.00"),
    ("value > 0.005", {"value": 6, "currency": "KWD"}, True, "value 0.006 KWD, needed more than 0.005"),
    ("value >= 100", {}, None, "value is not known, needed 100.00"),
    ("not value < 100", {}, None, "value is not known, needed 100.00"),
    ("lead = appointment", {"lead_status": "Appointment"}, True, "lead Appointment, needed appointment"),
    ("lead = appointment", {}, None, "lead is not known, needed appointment"),
    ("not repeat(30d)", {"last_ms": BEGAN_MS - 3 * DAY_MS}, False, "called 3 days ago, needed no call within 30 days"),
    (
        "not repeat(30d)",
        {"last_ms": BEGAN_MS - 30 * DAY_MS + 1},
        False,
        "called 29 days ago, needed no call within 30 days",
    ),
    ("not repeat(30d)", {"last_ms": BEGAN_MS - 30 * DAY_MS}, True, "called 30 days ago, needed no call within 30 days"),
    ("not repeat(1d)", {"last_ms": BEGAN_MS - 7_200_000}, False, "called 2 hours ago, needed no call within 1 day"),
    ("not repeat(90m)", {"last_ms": BEGAN_MS}, False, "called 0 seconds ago, needed no call within 1 hour"),
    ("not repeat(30d)", {"last_ms": 0}, True, "no call before"),
    ("not repeat(30d)", {"last_ms": None}, True, "the telephone is withheld or shared, counted as no repeat"),
    ("repeat(30d)", {"last_ms": BEGAN_MS - DAY_MS}, True, "called 1 day ago, needed a call within 30 days"),
    ("repeat(30d)", {"last_ms": 0}, False, "no call before, needed a call within 30 days"),
    (
        "repeat(30d)",
        {"last_ms": None},
        False,
        "the telephone is withheld or shared, counted as no repeat, needed a call within 30 days",
    ),
    ("during(business)", {}, True, "Tue 10:30, needed business (Mo-Fr 09:00-17:00)"),
    (
        "during(business)",
        {"began_ms": BEGAN_MS + 7 * 3_600_000},
        False,
        "Tue 17:30, needed business (Mo-Fr 09:00-17:00)",
    ),
    ("not during(business)", {}, False, "Tue 10:30, needed outside business (Mo-Fr 09:00-17:00)"),
    ('during("Sa 09:00-17:00")', {}, False, "Tue 10:30, needed Sa 09:00-17:00"),
    ('during("Mo-Fr 09:00-17:00; PH off")', {}, True, "Tue 10:30, needed Mo-Fr 09:00-17:00; PH off"),
    (
        'during("Mo-Fr 09:00-17:00; PH off")',
        {"holidays": frozenset({date(2026, 11, 24)})},
        False,
        "Tue 10:30, a holiday, needed Mo-Fr 09:00-17:00; PH off",
    ),
    ("during(business)", {"timezone": "Asia/Tokyo"}, False, "Wed 00:30, needed business (Mo-Fr 09:00-17:00)"),
    ("day in (Sa, Su)", {}, False, "day Tu, needed Sa or Su"),
    ("day = Mo-Fr", {}, True, "day Tu, needed Mo, Tu, We, Th or Fr"),
    ("hour >= 9", {}, True, "10:30, needed 9:00 or later"),
    ("hour < 10", {}, False, "10:30, needed before 10:00"),
    ("not hour < 10", {}, True, "10:30, needed 10:00 or later"),
    ("hour in (9, 10)", {}, True, "hour 10, needed 9 or 10"),
]


def _one(when: str, known: dict[str, Any], **terms: Any) -> PolicyVerdict:
    side = Side(base=Policy(name="base", when=when, amount=1))
    basis: dict[str, Any] = {"began_ms": BEGAN_MS, "timezone": "America/New_York", "answered": True}
    told = Facts(**basis | known)
    [found] = judge(Terms(**{"payout": side, "dedupe": None, "hours": NAMED} | terms), told).payout.policies
    return found


@pytest.mark.parametrize(("when", "known", "holds", "told"), JUDGED)
def test_a_term_tells_what_was_found_and_what_is_needed(
    when: str, known: dict[str, Any], holds: bool | None, told: str
) -> None:
    found = _one(when, known)
    assert found.holds is (holds if "answered" in when or known.get("answered", True) else False)
    assert (found.terms[-1].holds, found.terms[-1].told) == (holds, told)


# of three terms: what `and`, what `or`, and what their denials come to
@pytest.mark.parametrize(
    ("known", "both", "one"),
    [
        ({"talk_s": 9, "sale": True}, True, True),
        ({"talk_s": 9, "sale": False}, False, True),
        ({"talk_s": 0, "sale": True}, False, True),
        ({"talk_s": 0, "sale": False}, False, False),
        ({"talk_s": 9}, None, True),
        ({"talk_s": 0}, False, None),
    ],
)
def test_what_is_not_known_is_neither(known: dict[str, Any], both: bool | None, one: bool | None) -> None:
    def denied(held: bool | None) -> bool | None:
        return None if held is None else not held

    assert _one("talk > 5 and sale", known).holds is both
    assert _one("talk > 5 or sale", known).holds is one
    assert _one("not (talk > 5 and sale)", known).holds is denied(both)
    assert _one("not (talk > 5 or sale)", known).holds is denied(one)


def test_denied_wholes_are_told_term_by_term() -> None:
    found = _one("not (talk >= 90s and source = google)", {"talk_s": 100, "source": "google"})
    assert [(term.text, term.holds, term.told) for term in found.terms[1:]] == [
        ("not talk >= 90s", False, "talk 100 s, needed less than 90 s (one of 2 ways is enough)"),
        ("not source = google", False, "source google, needed other than google (one of 2 ways is enough)"),
    ]
    found = _one("not (talk >= 90s or source = google)", {"talk_s": 100, "source": "bing"})
    assert [term.told for term in found.terms[1:]] == [
        "talk 100 s, needed less than 90 s",
        "source bing, needed other than google",
    ]


def _payout(side: Side, **known: Any) -> Verdict:
    basis: dict[str, Any] = {"began_ms": BEGAN_MS, "answered": True, "talk_s": 60}
    told = Facts(**basis | known)
    return judge(Terms(payout=side), told)


def test_gates_hold_where_a_condition_does_not_speak_of_them() -> None:
    repeat: dict[str, Any] = {"last_ms": BEGAN_MS - DAY_MS}
    base = Side(base=Policy(name="base", amount=100))
    assert _payout(base).payout.amount == 100
    assert _payout(base, answered=False).payout.missing == "not answered, needed answered"
    assert _payout(base, **repeat).payout.missing == "called 1 day ago, needed no call within 30 days"
    shared: dict[str, Any] = {"shared_pool": True, "confidence": 0.5}
    assert _payout(base, **shared).payout.missing == "confidence 50 %, needed 80 %"
    assert _payout(base, shared_pool=True).payout.missing == "confidence is not known, needed 80 %"
    assert _payout(base, shared_pool=False, confidence=0.5).payout.amount == 100
    for when, known in (
        ("not answered", {"answered": False}),
        ("answered or talk >= 0", {"answered": False}),
        ("repeat(2d)", repeat),
        ("confidence >= 50%", shared),
    ):
        assert _payout(Side(base=Policy(name="base", when=when, amount=100)), **known).payout.amount == 100


def test_without_dedupe_and_without_a_least_confidence_there_are_no_such_gates() -> None:
    terms = Terms(payout=Side(base=Policy(name="base", amount=100)), dedupe=None, min_confidence=0)
    known = Facts(began_ms=BEGAN_MS, answered=True, last_ms=BEGAN_MS - 1, shared_pool=True)
    [policy] = judge(terms, known).payout.policies
    assert [term.text for term in policy.terms] == ["answered"]


def test_every_policy_is_told_also_those_that_were_not_needed() -> None:
    side = Side(base=Policy(name="base", amount=100), bonuses=(Policy(name="long", when="talk >= 90s", amount=200),))
    found = _payout(side).payout
    assert (found.policy, found.amount, found.missing) == ("base", 100, "")
    assert [(one.name, one.holds, one.amount) for one in found.policies] == [("long", False, 200), ("base", True, 100)]
    assert [term.text for term in found.policies[0].terms] == ["answered", "not repeat(30d)", "talk >= 90s"]


@pytest.mark.parametrize(
    ("pick", "known", "policy", "amount"),
    [
        ("first", {"talk_s": 60}, "base", 100),
        ("first", {"talk_s": 90}, "long", 150),
        ("first", {"talk_s": 90, "source": "google"}, "long", 150),
        ("first", {"source": "google"}, "google", 50),
        ("best", {"source": "google"}, "base", 100),
        ("best", {"talk_s": 90, "source": "google"}, "long", 150),
        ("best", {"sale": True, "value": 10_000}, "sale", 1_250),
        ("best", {"sale": True}, "base", 100),
        ("first", {"sale": True, "value": 10_000}, "sale", 1_250),
        ("first", {"sale": True}, "sale", 0),
    ],
)
def test_first_takes_the_first_bonus_that_holds_and_best_what_pays_most(
    pick: Any, known: dict[str, Any], policy: str, amount: int
) -> None:
    side = Side(
        base=Policy(name="base", amount=100),
        bonuses=(
            Policy(name="sale", when="sale", percent=12.5),
            Policy(name="long", when="talk >= 90s", amount=150),
            Policy(name="google", when="source = google", amount=50),
        ),
        pick=pick,
    )
    found = _payout(side, **known).payout
    assert (found.policy, found.amount) == (policy, amount)


def test_of_what_pays_the_same_best_takes_the_first() -> None:
    side = Side(base=Policy(name="b", amount=5), bonuses=(Policy(name="a", amount=5),), pick="best")
    assert _payout(side).payout.policy == "a"


@pytest.mark.parametrize(
    ("percent", "known", "amount"),
    [
        (12.5, {"value": 10_000}, 1_250),
        (10.0, {"value": 5}, 1),  # 0.5
        (10.0, {"value": 4}, 0),
        (10.0, {"value": 15}, 2),  # 1.5
        (10.0, {"value": 25}, 3),  # 2.5: not to the even one
        (0.29, {"value": 10_000}, 29),  # as floats 28.999…
        (1.1, {"value": 10**12}, 11_000_000_000),
        (33.333, {"value": 999_999_999_999}, 333_330_000_000),
        (100.0, {"value": 7}, 7),
        (10.0, {}, None),
        (10.0, {"sale": True}, None),
        (10.0, {"sale": False}, 0),
        (10.0, {"sale": False, "value": 500}, 0),
        (10.0, {"sale": True, "value": 500}, 50),
    ],
)
def test_a_share_of_the_sale_is_rounded_half_up(percent: float, known: dict[str, Any], amount: int | None) -> None:
    found = _payout(Side(base=Policy(name="base", percent=percent)), **known).payout
    assert found.policies[0].amount == amount
    assert (found.policy, found.amount) == ("base", amount or 0)


def test_what_is_missing_is_told_of_the_policy_that_came_nearest() -> None:
    side = Side(
        base=Policy(name="base", when="talk >= 90s and region in (CA, NV)", amount=1),
        bonuses=(
            Policy(name="far", when="talk >= 300s and sale and source = google", amount=3),
            Policy(name="near", when="talk >= 74s and source = google", amount=2),
        ),
    )
    found = _payout(side, region="US-TX", source="google")
    assert found.payout.missing == "talk 60 s, needed 74 s"
    found = _payout(side, region="US-TX", source="bing")
    assert found.payout.missing == "talk 60 s, needed 90 s; region US-TX, needed CA or NV", "the base, of two as near"
    assert found.revenue.missing == "", "a side without policies lacks nothing"


def test_of_several_ways_the_nearest_is_missing() -> None:
    side = Side(base=Policy(name="base", when="(talk >= 90s and source = google) or sale", amount=1))
    found = _payout(side, source="bing").payout
    assert found.missing == "sale is not known"
    assert [term.told for term in found.policies[0].terms[2:]] == [
        "talk 60 s, needed 90 s (one of 2 ways is enough)",
        "source bing, needed google (one of 2 ways is enough)",
        "sale is not known (one of 2 ways is enough)",
    ]
    assert _payout(side, talk_s=90, source="google").payout.missing == ""


def test_what_is_asked_of_a_call() -> None:
    terms = Terms(
        payout=Side(base=Policy(name="a", when="custom(x) = 1 and not repeat(12h)", amount=1)),
        revenue=Side(
            base=Policy(name="b", when="sale", amount=1), bonuses=(Policy(name="c", when="answered", amount=1),)
        ),
        dedupe=Dedupe(days=7),
    )
    assert asked(terms) == {"custom", "repeat", "answered", "sale", "confidence"}
    assert look_back_ms(terms) == 7 * DAY_MS
    only = Terms(payout=Side(base=Policy(name="a", when="not repeat(12h)", amount=1)), dedupe=Dedupe(days=7))
    assert look_back_ms(only) == DAY_MS // 2
    assert look_back_ms(Terms(payout=only.revenue, dedupe=None)) == 0


def test_facts_of_a_row() -> None:
    outcome = {"sale": True, "value": {"amount": 500, "currency": "EUR"}, "lead_status": "won", "note": None}
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "started_at_ms": BEGAN_MS,
        "answered_at_ms": BEGAN_MS,
        "status": "completed",
        "caller": "+14155550100",
        "publisher_id": "pub_1",
        "params": {"sub1": 5},
        "outcome": outcome,
    }
    found = facts_of(row, currency="EUR", custom={"vip": True, "n": 4, "none": None}, last_ms=None)
    assert (found.answered, found.region, found.country, found.publisher) == (True, "US-CA", "US", "pub_1")
    assert (found.sale, found.value, found.lead_status) == (True, 500, "won")
    assert (found.custom, found.params, found.last_ms) == ({"vip": "true", "n": "4"}, {"sub1": "5"}, None)
    assert facts_of(row, currency="USD").value is None, "of another currency nothing is known"
    assert facts_of(row | {"status": "rejected"}).answered is False
    assert facts_of(row | {"outcome": None, "caller": None}).region is None
    assert facts_of(row | {"caller": "+442079460000"}).country == "GB"


def _kleene(expression: Expression, known: Facts) -> bool | None:
    """By the definition: -1, 0 and 1 by least, greatest and minus."""

    def number(one: Expression) -> int:
        if isinstance(one, Test):
            found = _term_of(one, known)
            return 0 if found is None else 1 if found else -1
        if isinstance(one, Not):
            return -number(one.part)
        return (min if isinstance(one, All) else max)((number(part) for part in one.parts), default=1)

    return (False, None, True)[number(expression) + 1]


def _term_of(one: Test, known: Facts) -> bool | None:
    policy = Policy(name="p", when=written(one), amount=1)
    terms = Terms(payout=Side(base=policy), dedupe=None, min_confidence=0, hours=NAMED)
    return judge(terms, known).payout.policies[0].terms[-1].holds


@given(expressions(), facts())
def test_a_whole_is_what_its_terms_come_to(expression: All | Either | Not | Test, known: Facts) -> None:
    when = (
        f"({written(expression)}) and (answered or not answered)" if written(expression) else "answered or not answered"
    )
    terms = Terms(payout=Side(base=Policy(name="p", when=when, amount=1)), dedupe=None, min_confidence=0, hours=NAMED)
    [found] = judge(terms, known).payout.policies
    assert found.holds is _kleene(expression, known)


@given(expressions(), facts())
def test_explanations_are_true(expression: All | Either | Not | Test, known: Facts) -> None:
    """Something is missing exactly where the whole does not hold, and it is what some term says."""
    terms = Terms(payout=Side(base=Policy(name="p", when=written(expression), amount=1)), hours=NAMED)
    found = judge(terms, known).payout
    [policy] = found.policies
    assert (found.missing == "") is (policy.holds is True)
    said = {term.told.partition(" (one of ")[0]: term.holds for term in policy.terms}
    for need in found.missing.split("; ") if found.missing and "PH" not in found.missing else ():
        assert need in said, need
    assert all(term.told for term in policy.terms)
    assert len(condition(terms, terms.payout.policies[0], known.shared_pool).leaves) == len(policy.terms)


@given(st.sampled_from(HOURS), st.integers(0, 4_000_000_000_000), st.sampled_from(("UTC", "Australia/Lord_Howe")))
def test_hours_are_told_by_the_campaigns_clock(hours: str, began_ms: int, zone: str) -> None:
    found = _one(f'during("{hours}")', {"began_ms": began_ms, "timezone": zone}).terms[-1]
    local = datetime.fromtimestamp(began_ms / 1000, ZoneInfo(zone))
    assert found.told == f"{local:%a %H:%M}, needed {hours}"
