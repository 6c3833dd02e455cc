"""What macros stand for."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dni.call.views import CallView
from dni.money import Money
from dni.outbound.macros import GROUPS, MACROS, Facts, Value, absent, facts_of, known, value, written
from dni.outbound.payload import CampaignTold, VisitTold
from dni.session.click_ids import CLICK_IDS
from tests.support.told_call import message


def of(name: str, facts: Facts | None = None) -> Value:
    return value(name, facts or facts_of(message(), "s3cret"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("call_id", "call_1"),
        ("provider_id", "CA123"),
        ("answered", "true"),
        ("talk_seconds", "120"),
        ("duration", "126"),
        ("started_at", "2026-09-21T13:30:00.000+00:00"),
        ("started_unix", "1789997400"),
        ("started_ms", "1789997400000"),
        ("answered_ms", "1789997405500"),
        ("ended_unix", "1789997525"),
        ("caller", "+13125550142"),
        ("caller_national", "(312) 555-0142"),
        ("caller_digits", "13125550142"),
        ("tracking_number", "+14155550123"),
        ("campaign_name", "Roof & Gutter"),
        ("sub1", "1027c887059b47bc69c699f45466b9"),
        ("sub3", ""),
        ("gclid", "Cj0KCQiA-9wBhDvARIsAAnyVMZ0gk"),
        ("fbclid", "fb.1"),
        ("msclkid", ""),
        ("click_id", "Cj0KCQiA-9wBhDvARIsAAnyVMZ0gk"),
        ("click_id_name", "gclid"),
        ("param.transaction_id", "T-1"),
        ("param.other", ""),
        ("custom.plan", "gold"),
        ("custom.seats", "3"),
        ("ids.ga", "1234.5678"),
        ("confidence", "0.9712"),
        ("visited_unix", "1789996800"),
        ("qualified", "true"),
        ("payout", "12.50"),
        ("payout_minor", "1250"),
        ("revenue", "20.00"),
        ("currency", "USD"),
        ("campaign.id", "camp_1"),
        ("campaign.name", "Roofing"),
        ("publisher.name", "Acme Media"),
        ("outcome.sale", "true"),
        ("outcome.value", "999.00"),
        ("outcome.currency", "USD"),
        ("outcome.lead_status", "won"),
        ("event", "call.qualified"),
        ("event_unix", "1790000000"),
        ("message_id", "msg_1"),
        ("secret", "s3cret"),
    ],
)
def test_a_macro_is_what_the_message_says(name: str, found: str) -> None:
    assert written(of(name)) == found


@pytest.mark.parametrize(
    ("money", "payout"),
    [
        (Money(1_250, "JPY"), "1250"),
        (Money(1_250, "KWD"), "1.250"),
        (Money(0, "USD"), "0.00"),
        (Money(-5, "USD"), "-0.05"),
    ],
)
def test_an_amount_has_as_many_decimals_as_its_currency(money: Money, payout: str) -> None:
    assert written(of("payout", facts_of(message(payout=money)))) == payout


def test_every_field_of_a_call_has_a_macro() -> None:
    apart = {
        "id": "call_id",
        "campaign": "campaign.id",
        "publisher": "publisher.id",
        "click_ids": "click_id",
        "outcome": "outcome.sale",
        "qualification": "qualified",
        "attribution": "confidence",
    }
    for field in CallView.__struct_fields__:
        assert apart.get(field, field) in MACROS, field


def test_every_field_of_a_visit_and_of_its_campaign_has_a_macro() -> None:
    apart = {"started_at": "visited_at", "title": "page_title"}
    for field in VisitTold.__struct_fields__:
        assert apart.get(field, field) in MACROS or field.removesuffix("s") in GROUPS or field in GROUPS, field
    for field in CampaignTold.__struct_fields__:
        assert f"campaign.{field}" in MACROS or field == "currency", field


def test_the_ad_click_id_is_the_first_in_the_order_of_the_list() -> None:
    assert next(iter(CLICK_IDS)) == "gclid"
    assert list(CLICK_IDS)[-1] == "fbclid"
    carried = dict.fromkeys(reversed(CLICK_IDS), "x") | {"msclkid": "m", "gclid": ""}
    facts = facts_of(message(click_ids=carried))
    assert of("click_id_name", facts) == "gbraid"


def test_a_correction_says_what_it_was_before() -> None:
    change = {"kind": "person", "reason": "a wrong number", "payout": {"before": {"amount": 1_250, "currency": "USD"}}}
    facts = facts_of(message("call.corrected", change=change, payout=Money(0, "USD")))
    assert [written(of(name, facts)) for name in ("payout_before", "payout", "reason", "revenue_before")] == [
        "12.50",
        "0.00",
        "a wrong number",
        "",
    ]


def test_what_a_call_lacks_is_empty() -> None:
    bare = message(
        visit=None, caller=None, payout=None, revenue=None, qualification=None, outcome=None, answered_at=None,
        click_ids={}, campaign=None, publisher=None, talk_seconds=None,
    )  # fmt: skip
    bare.data.update(campaign=None, publisher=None)
    facts = facts_of(bare)
    for name in (
        "caller", "caller_national", "caller_digits", "payout", "payout_minor", "currency", "qualified", "answered_ms",
        "outcome.sale", "outcome.value", "outcome.currency", "click_id", "gclid", "visitor", "custom.plan",
        "param.transaction_id", "campaign.name", "talk_seconds", "secret",
    ):  # fmt: skip
        assert written(of(name, facts)) == "", name
        assert absent(name), name


def test_a_message_that_tells_of_no_call_has_no_values_and_no_errors() -> None:
    bare = msgspec.structs.replace(message(), data={"statement": {"id": "st_1"}})
    for name in MACROS:
        assert name.startswith(("event", "message")) or written(of(name, facts_of(bare))) == "", name


def test_each_macro_has_the_type_that_it_says() -> None:
    types: dict[str, Any] = {"text": str, "number": (int, Decimal), "flag": bool}
    for name, macro in MACROS.items():
        found = of(name)
        assert found is None or isinstance(found, types[macro.is_a]), name
        assert macro.says, name


@pytest.mark.parametrize("name", ["", "nothing", "custom", "custom.", ".plan", "other.plan", "campaign.nothing"])
def test_other_names_are_unknown(name: str) -> None:
    assert not known(name)


def test_a_fraction_of_the_confidence_is_no_long_tail() -> None:
    facts = facts_of(message(visit={"custom": {"a": 0.1 + 0.2, "b": 3.0, "c": True, "d": ["no", "value"]}}))
    assert [written(of(f"custom.{own}", facts)) for own in "abcd"] == ["0.3", "3", "true", ""]


def test_every_macro_is_told_to_people() -> None:
    told = (Path(__file__).parents[2] / "docs" / "postbacks.md").read_text()
    for name, macro in MACROS.items():
        assert (f"| `{{{name}}}` | {macro.says} |" in told) or (name in CLICK_IDS and f"`{name}`" in told), name
    for name, group in GROUPS.items():
        assert f"| `{{{name}.NAME}}` | {group.says} |" in told, name
    listed = re.findall(r"`(\w+)`", told.partition("first that there is of:")[2].partition("| macro")[0])
    assert listed == list(CLICK_IDS)
