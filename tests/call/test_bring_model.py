"""What rows tell and which call they mean, as values."""

from typing import Any

import msgspec
import pytest

from dni.call.bring_model import (
    CALLER_DAYS,
    CLICK_DAYS,
    DAY_MS,
    Campaign,
    Click,
    Found,
    Reading,
    Row,
    Wrong,
    changes,
    pick,
    read_json,
    together,
    values,
)
from dni.errors import InvalidField
from dni.money import Money

NOW = 1_790_000_000_000  # 2026-09-21T14:13:20Z
CAMPAIGNS = {"cmp_1": Campaign("USD", "US"), "cmp_2": Campaign("EUR", "DE")}
OF = Reading(campaigns=CAMPAIGNS, now_ms=NOW)
CALLER = "+13125550142"


def row(given: dict[str, Any], of: Reading = OF) -> Row:
    made = read_json(1, msgspec.json.encode(given), of)
    assert isinstance(made, Row), made
    return made


def wrong(given: Any, of: Reading = OF) -> str:
    made = read_json(7, msgspec.json.encode(given), of)
    assert isinstance(made, Wrong), made
    assert made.row == 7
    return made.why


@pytest.mark.parametrize(
    ("given", "clicks"),
    [
        ({"gclid": "Cj0KCQ"}, [Click("gclid", "Cj0KCQ")]),
        ({"click_id": "TTCLID:E.C.P"}, [Click("ttclid", "E.C.P")]),
        ({"click_id": "Cj0KCQ"}, [Click(None, "Cj0KCQ")]),
        ({"gclid": "Cj0KCQ", "fbclid": "IwAR0"}, [Click("gclid", "Cj0KCQ"), Click("fbclid", "IwAR0")]),
    ],
)
def test_clicks(given: dict[str, Any], clicks: list[Click]) -> None:
    assert list(row(given).clicks) == clicks


@pytest.mark.parametrize(
    ("given", "since_ms", "until_ms"),
    [
        ({"at": "2026-09-20T00:00:00Z"}, 1_789_862_400_000 - CALLER_DAYS * DAY_MS, 1_789_862_400_001),
        ({"at": "2026-09-20T00:00:00Z", "within_days": 2}, 1_789_862_400_000 - 2 * DAY_MS, 1_789_862_400_001),
        (
            {"since": "2026-09-19T00:00:00Z", "until": "2026-09-20T00:00:00Z"},
            1_789_862_400_000 - DAY_MS,
            1_789_862_400_000,
        ),
        (
            {"since": "2026-09-19T00:00:00Z", "at": "2026-09-20T00:00:00Z"},
            1_789_862_400_000 - DAY_MS,
            1_789_862_400_001,
        ),
    ],
)
def test_when_the_call_began(given: dict[str, Any], since_ms: int, until_ms: int) -> None:
    made = row({"caller": CALLER, **given})
    assert (made.since_ms, made.until_ms) == (since_ms, until_ms)


def test_a_click_reaches_further_back_and_needs_no_time() -> None:
    made = row({"gclid": "Cj0KCQ"})
    assert (made.click_since_ms, made.until_ms) == (NOW + 1 - CLICK_DAYS * DAY_MS, NOW + 1)
    # A caller beside it is not looked for without a time.
    assert row({"gclid": "Cj0KCQ", "caller": CALLER}).caller is None


@pytest.mark.parametrize(
    ("given", "campaign", "caller"),
    [
        ("(312) 555-0142", None, CALLER),
        ("1-312-555-0142", None, CALLER),
        ("13125550142", "cmp_1", CALLER),
        ("+13125550142", "cmp_2", CALLER),
        ("030 901820", "cmp_2", "+4930901820"),
        ("0049 30 901820", "cmp_2", "+4930901820"),
    ],
)
def test_a_telephone_is_one_of_the_campaigns_country(given: str, campaign: str | None, caller: str) -> None:
    told = {"caller": given, "at": "2026-09-20T00:00:00Z"} | ({"campaign": campaign} if campaign else {})
    assert row(told).caller == caller


def test_all_campaigns_of_one_country_tell_it_too() -> None:
    of = msgspec.structs.replace(OF, campaigns={"cmp_2": CAMPAIGNS["cmp_2"]})
    assert row({"caller": "030 901820", "at": "2026-09-20T00:00:00Z"}, of).caller == "+4930901820"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "it names no call"),
        ({"sale": True}, "it names no call"),
        ([], "Expected `object`, got `array`"),
        ("x", "Expected `object`"),
        ({"call": 1}, "call: Expected `str"),
        ({"call": "x", "price": 1}, "unknown field `price`"),
        ({"call": "no id!"}, "call: not the id of a call"),
        ({"call": "x" * 129}, "call: "),
        ({"gclid": "has blanks in it"}, "gclid: not a click id"),
        ({"caller": CALLER}, "at: when the sale was"),
        ({"caller": "5", "at": "2026-09-20T00:00:00Z"}, "caller: not a phone number"),
        ({"caller": "+1312555••••", "at": "2026-09-20T00:00:00Z"}, "caller: a telephone in full"),
        ({"caller": CALLER, "at": "yesterday"}, "at: a time with offset"),
        ({"caller": CALLER, "at": "2026-09-20T00:00:00"}, "at: a time with offset"),
        ({"caller": CALLER, "since": "2026-09-20T00:00:00Z"}, "until: since and until belong together"),
        (
            {"caller": CALLER, "since": "2026-09-20T00:00:00Z", "until": "2026-09-20T00:00:00Z"},
            "until: later than since",
        ),
        (
            {"caller": CALLER, "at": "2026-09-20T00:00:00Z", "until": "2026-09-20T00:00:00Z"},
            "until: either at, or since and until",
        ),
        ({"caller": CALLER, "at": "2026-09-20T00:00:00Z", "within_days": 0}, "within_days: "),
        ({"caller": CALLER, "at": "2026-09-20T00:00:00Z", "within_days": 401}, "within_days: "),
        ({"call": "x", "campaign": "cmp_9"}, "campaign: there is no campaign"),
        ({"call": "x", "value": {"amount": -1, "currency": "USD"}}, "value/amount: minor units"),
        ({"call": "x", "value": {"amount": 1, "currency": "dollars"}}, "value/currency: not a currency"),
        ({"call": "x", "value": {"amount": 1.5, "currency": "USD"}}, "value/amount: Expected `int`"),
        ({"call": "x", "lead_status": "s" * 65}, "lead_status: "),
        ({"call": "x", "note": "a\0b"}, "note: no control characters"),
        ({"call": "x", "sale": "yes"}, "sale: Expected `bool | null`"),
    ],
)
def test_a_wrong_row_says_which_field_and_what_would_be_right(given: Any, why: str) -> None:
    assert why in wrong(given)


def test_what_is_no_json_at_all_is_a_wrong_row() -> None:
    assert isinstance(read_json(1, b'{"call":"\xff"}', OF), Wrong)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, {"sale": True}),
        ({"note": "called back"}, {"note": "called back"}),
        (
            {"value": {"amount": 5, "currency": "usd"}},
            {"sale": True, "value": Money(5, "USD")},
        ),
        ({"value": None}, {"value": None}),
        ({"sale": False, "value": {"amount": 5, "currency": "USD"}}, {"sale": False, "value": Money(5, "USD")}),
        # A deal that is lost has an amount too.
        (
            {"lead_status": "lost", "value": {"amount": 5, "currency": "USD"}},
            {"lead_status": "lost", "value": Money(5, "USD")},
        ),
        ({"lead_status": " won "}, {"lead_status": "won"}),
        ({"sale": None, "note": None}, {"sale": None, "note": None}),
    ],
)
def test_what_is_told(given: dict[str, Any], told: dict[str, Any]) -> None:
    assert values(row({"call": "call_1", **given}), "USD") == told


def test_rows_about_one_call_are_told_together_unless_they_contradict() -> None:
    sale = row({"call": "call_1", "sale": True})
    worth = row({"call": "call_1", "value": {"amount": 5, "currency": "USD"}})
    status = row({"call": "call_1", "lead_status": "won"})
    for rows in ([sale, worth, status], [status, worth, sale, sale]):
        told = together(values(each, "USD") for each in rows)
        assert (told.sale, told.value, told.lead_status) == (True, Money(5, "USD"), "won")
    other = row({"call": "call_1", "value": {"amount": 6, "currency": "USD"}})
    with pytest.raises(InvalidField, match="another value of the same call"):
        together([values(worth, "USD"), values(other, "USD")])


def test_a_decimal_is_of_the_campaigns_currency_unless_it_names_one() -> None:
    of = Row(row=1, call="x", told={"sale": True}, value="12.50")
    assert values(of, "USD")["value"] == Money(1250, "USD")
    assert values(msgspec.structs.replace(of, value="EUR 12.50"), "USD")["value"] == Money(1250, "EUR")
    assert values(msgspec.structs.replace(of, value="1300"), "JPY")["value"] == Money(1300, "JPY")
    with pytest.raises(InvalidField, match="an amount of JPY"):
        values(of, "JPY")
    with pytest.raises(InvalidField, match="no campaign whose currency"):
        values(of, None)


def found(name: str, at_ms: int, campaign: str | None = "cmp_1") -> Found:
    return Found(name, at_ms, campaign)


@pytest.mark.parametrize(
    ("calls", "campaign", "picked"),
    [
        ([], None, None),
        ([found("a", 10)], None, "a"),
        ([found("a", 10), found("b", 20)], None, "b"),
        ([found("b", 20), found("a", 10)], None, "b"),
        ([found("a", 99), found("b", 100), found("early", 9)], None, "a"),
        ([found("a", 20), found("b", 20)], None, "b"),
        ([found("a", 10), found("b", 20, "cmp_2")], None, ["cmp_1", "cmp_2"]),
        ([found("a", 10), found("b", 20, "cmp_2")], "cmp_1", "a"),
        ([found("a", 10), found("nobody's", 20, None)], None, "a"),
        ([found("a", 10)], "cmp_2", None),
    ],
)
def test_the_latest_call_before_the_sale(calls: list[Found], campaign: str | None, picked: Any) -> None:
    of = Row(row=1, caller=CALLER, since_ms=10, until_ms=100, campaign=campaign)
    one = pick(of, calls, of.since_ms)
    assert (one.id if isinstance(one, Found) else one) == picked


def test_changes_are_told_in_words() -> None:
    made = row({"call": "x", "sale": True, "value": {"amount": 12_500, "currency": "USD"}, "lead_status": "won"})
    before = {"sale": None, "value": Money(10_000, "USD"), "lead_status": "won", "note": "n"}
    assert changes(values(made, "USD"), before) == ["sale yes", "value 125.00 USD (was 100.00 USD)"]
    assert changes(values(made, "USD"), None) == ["sale yes", "value 125.00 USD", "lead status won"]
    assert changes(values(row({"call": "x", "note": None}), "USD"), before) == ["note taken back (was n)"]
