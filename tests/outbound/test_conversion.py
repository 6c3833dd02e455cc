"""A call as a conversion: what is sent of it, what is not and why, and what is said when it changes."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from dni.errors import InvalidField
from dni.outbound.conversion import (
    Restate,
    Retract,
    Told,
    Value,
    Valued,
    change_of,
    kept_of,
    read,
    too_old,
    value_of,
    visit_of,
)
from dni.outbound.model import Skip
from tests.support.telling import CALL, VISIT, outgoing, usd


def told(change: dict[str, Any] | None = None, visit: dict[str, Any] | None = VISIT, **call: Any) -> Told:
    found = read(outgoing(change=change, visit=visit, **call))
    assert isinstance(found, Told)
    return found


@pytest.mark.parametrize(
    ("settings", "call", "value"),
    [
        (Valued(value="none"), {}, None),
        (Valued(value="revenue"), {}, Value(Decimal("45.00"), "USD")),
        (Valued(value="payout"), {}, Value(Decimal("30.00"), "USD")),
        (Valued(value="fixed", fixed="12.5"), {}, Value(Decimal("12.5"), "USD")),
        (Valued(value="fixed", fixed="12.5", currency="EUR"), {}, Value(Decimal("12.5"), "EUR")),
        (Valued(value="sale"), {"outcome": {"sale": True, "value": usd(99_900)}}, Value(Decimal("999.00"), "USD")),
        (Valued(value="revenue"), {"revenue": {"amount": 4500, "currency": "JPY"}}, Value(Decimal(4500), "JPY")),
        (Valued(value="revenue"), {"revenue": usd(-100)}, Value(Decimal(0), "USD")),
    ],
)
def test_the_value_comes_from_where_the_settings_say(settings: Valued, call: dict[str, Any], value: Value) -> None:
    assert value_of(settings, told(**call)) == value


@pytest.mark.parametrize(
    ("settings", "call", "why"),
    [
        (Valued(value="revenue"), {"revenue": None}, "the call has no revenue: it is not judged yet"),
        (Valued(value="payout"), {"payout": None}, "the call has no payout: it is not judged yet"),
        (Valued(value="sale"), {}, "no sale is told of this call yet"),
        (Valued(value="sale"), {"outcome": {"sale": False, "value": usd(1)}}, "no sale is told of this call yet"),
        (Valued(value="sale"), {"outcome": {"sale": True, "value": None}}, "no sale is told of this call yet"),
    ],
)
def test_a_value_that_is_not_known_is_told(settings: Valued, call: dict[str, Any], why: str) -> None:
    found = value_of(settings, told(**call))
    assert isinstance(found, Skip)
    assert found.why.startswith(why)


@pytest.mark.parametrize(
    ("visit", "call", "why"),
    [
        (None, {}, "the call is credited to no visit"),
        (VISIT | {"consent": "denied"}, {}, "the visitor said no"),
        (VISIT | {"consent": "unknown"}, {}, "the page told no consent"),
        (
            VISIT,
            {"attribution": CALL["attribution"] | {"confidence": 0.3}},
            "the visit made this call with a probability of 30%, and 50% is asked",
        ),
    ],
)
def test_who_may_not_be_told_of(visit: dict[str, Any] | None, call: dict[str, Any], why: str) -> None:
    found = visit_of(Valued(), told(visit=visit, **call))
    assert isinstance(found, Skip)
    assert found.why.startswith(why)


def test_a_visit_with_consent_may_be_told_of() -> None:
    message = told()
    assert visit_of(Valued(), message) == message.visit


def test_a_click_is_old_after_ninety_days() -> None:
    assert too_old(told()) is None
    assert too_old(told(visit=VISIT | {"started_at": "2026-08-01T00:00:00+00:00"})) is not None


@pytest.mark.parametrize(
    "call",
    [
        {"started_at": "yesterday"},
        {"started_at": "2026-11-30T15:00:00"},
        {"started_at": "9999-12-31T23:59:59+00:00"},
        {"started_at": "0001-01-01T00:00:00+14:00"},
        {"id": ""},
        {"click_ids": ["gclid"]},
        {"revenue": {"amount": 10**30, "currency": "USD"}},
        {"revenue": {"amount": 1, "currency": "usd"}},
    ],
)
def test_what_is_no_call_is_told(call: dict[str, Any]) -> None:
    found = read(outgoing(**call))
    assert isinstance(found, Skip)
    assert found.why.startswith("the message tells of no call that can be sent")


def kept(settings: Valued, **call: Any) -> dict[str, Any]:
    message = told(**call)
    value = value_of(settings, message)
    assert not isinstance(value, Skip)
    # As the ledger gives it back.
    given: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(kept_of(settings, value, message, order="call_1")))
    return given


REVENUE = Valued(value="revenue")


def test_an_equal_value_needs_no_word() -> None:
    assert change_of(REVENUE, told(), kept(REVENUE)) == Skip("its value is the same as before")


def test_another_value_is_restated() -> None:
    assert change_of(REVENUE, told(revenue=usd(5000)), kept(REVENUE)) == Restate(Value(Decimal("50.00"), "USD"))


def test_a_value_that_went_back_is_restated_though_the_conversion_had_it() -> None:
    change = {"kind": "adjusted", "revenue": {"before": usd(5000), "after": usd(4500)}}
    assert change_of(REVENUE, told(change), kept(REVENUE)) == Restate(Value(Decimal("45.00"), "USD"))
    still = {"kind": "adjusted", "revenue": {"before": usd(4500), "after": usd(4500)}}
    assert isinstance(change_of(REVENUE, told(still), kept(REVENUE)), Skip)


def test_a_call_that_no_longer_counts_is_taken_back_once() -> None:
    unqualified = told(qualification={"qualified": False})
    assert change_of(REVENUE, unqualified, kept(REVENUE)) == Retract("the call no longer counts")
    assert isinstance(change_of(REVENUE, unqualified, kept(REVENUE) | {"retracted": True}), Skip)
    none = Valued(value="none")
    assert change_of(none, unqualified, kept(none)) == Retract("the call no longer counts")


def test_a_call_that_does_not_count_is_no_conversion_unless_it_is_asked_for() -> None:
    told_down = told(qualification={"qualified": False}, revenue=usd(5000))
    assert value_of(REVENUE, told_down) == Skip("the call does not count by its campaign's terms")
    anyway = Valued(value="revenue", unqualified=True)
    assert value_of(anyway, told_down) == Value(Decimal("50.00"), "USD")
    assert change_of(anyway, told_down, kept(anyway)) == Restate(Value(Decimal("50.00"), "USD"))
    assert value_of(REVENUE, told(qualification=None)) == Value(Decimal("45.00"), "USD")


@pytest.mark.parametrize(
    ("source", "qualified", "billable", "counts"),
    [
        ("revenue", False, True, True),
        ("revenue", True, False, False),
        ("payout", False, True, False),
        ("payout", True, False, True),
        ("none", False, True, True),
        ("none", True, False, True),
        ("none", False, False, False),
        ("revenue", True, None, True),
        ("none", False, None, False),
    ],
)
def test_a_call_counts_by_the_side_that_its_value_comes_from(
    source: Any, qualified: bool, billable: bool | None, counts: bool
) -> None:
    judged = told(qualification={"qualified": qualified, "billable": billable})
    assert isinstance(value_of(Valued(value=source), judged), Skip) is not counts


def test_a_call_that_is_worth_nothing_is_taken_back() -> None:
    assert change_of(REVENUE, told(revenue=usd(0)), kept(REVENUE)) == Retract("the call is worth nothing any more")
    assert isinstance(change_of(REVENUE, told(revenue=usd(0)), kept(REVENUE, revenue=usd(0))), Skip)


def test_a_sale_that_was_taken_back_is_taken_back() -> None:
    sale = Valued(value="sale")
    former = kept(sale, outcome={"sale": True, "value": usd(1)})
    assert change_of(sale, told(outcome={"sale": False}), former) == Retract("the sale was taken back")
    # Settings that changed since take nothing back.
    assert isinstance(change_of(sale, told(), kept(REVENUE)), Skip)


def test_without_a_value_only_the_end_is_told() -> None:
    none = Valued(value="none")
    assert isinstance(change_of(none, told(revenue=usd(1)), kept(none)), Skip)


@pytest.mark.parametrize("former", [{}, {"value": "x", "currency": "USD"}, {"value": None}, {"value": ["1"]}])
def test_what_was_kept_wrongly_breaks_nothing(former: dict[str, Any]) -> None:
    assert change_of(REVENUE, told(), former) == Restate(Value(Decimal("45.00"), "USD"))


def test_a_fixed_value_is_needed_where_it_is_chosen() -> None:
    with pytest.raises(InvalidField, match="/settings/fixed"):
        Valued(value="fixed")
