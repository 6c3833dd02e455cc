"""What differs between two settings of a tag, in words."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dni.catalog.model import Rule
from dni.dashboard import rule_form, rule_words
from dni.dashboard.tag_changes import changes, options
from dni.dashboard.tag_history import history
from dni.errors import Conflict, InvalidField
from dni.tag import tags
from dni.tag.versions import Settings, VersionView

POOLS = {"pol_1": "Website", "pol_2": "Yelp"}
PLAIN: dict[str, Any] = {
    "name": "Page",
    "pool": "pol_1",
    "origins": ["https://a.example"],
    "targets": ["+14155550100"],
    "rules": [],
    "params": [],
    **tags.DEFAULTS,
}
YELP: dict[str, Any] = {"when": {"referrer": "*.yelp.com"}, "use": {"pool": "pol_2"}}
REFUSED: dict[str, Any] = {"when": {"consent": "denied"}, "use": {"original": True}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, []),
        ({"name": "Other"}, ["Name: Other instead of Page"]),
        ({"pool": None}, ["Pool: none instead of Website"]),
        ({"pool": "pol_gone"}, ["Pool: pol_gone instead of Website"]),
        ({"origins": ["https://b.example"]}, ["Pages: new: https://b.example, gone: https://a.example"]),
        ({"targets": ["+14155550101", "+14155550100"]}, ["Numbers on the pages: new: (415) 555-0101"]),
        ({"rules": [YELP]}, ["Rules: new: When the site that the visitor came from is “*.yelp.com”: "
                             "a number of his own from pool “Yelp”"]),
        ({"selectors": [{"selector": ".a", "target": "+14155550100"}]}, ["Selectors: new: .a shows (415) 555-0100"]),
        ({"consent_default": "denied"}, ["Before the visitor says anything, consent is: denied instead of granted"]),
        ({"consent_unknown": "wait"}, ["While consent is unknown, the tag: waits instead of goes on and keeps nothing "
                                       "in the browser"]),
        ({"after_load": True}, ["The first swap waits until the page has loaded: yes instead of no"]),
        ({"touch_rules": [{}]}, ["Rules of how a visit came: 1 now, 0 before"]),
    ],
)  # fmt: skip
def test_each_setting_is_told(change: dict[str, Any], says: list[str]) -> None:
    told = changes(PLAIN, {**PLAIN, **change}, POOLS)
    assert [f"{one.what}: {', '.join(one.says)}" for one in told] == says


def test_an_order_that_changed_is_told_as_that() -> None:
    before, after = {**PLAIN, "rules": [YELP, REFUSED]}, {**PLAIN, "rules": [REFUSED, YELP]}
    [change] = changes(before, after, POOLS)
    assert (change.what, change.says) == ("Rules", ["the same in another order"])


def test_options_are_told_where_they_differ_from_a_plain_tags() -> None:
    assert options(PLAIN, tags.DEFAULTS) == []
    told = options({**PLAIN, "attributes": ["title"], "first_party": True, "params": ["plan"]}, tags.DEFAULTS)
    assert [(one.what, one.says) for one in told] == [
        ("Query parameters that are kept", ["plan"]),
        ("Attributes", ["title"]),
        ("This service is on a host of the page's own site", ["yes"]),
    ]


def test_a_version_says_what_it_changed_while_the_one_before_is_kept() -> None:
    def version(number: int, replaced_at: str | None, **change: Any) -> VersionView:
        return VersionView(number, replaced_at, msgspec.convert({**PLAIN, **change}, Settings))

    found = [version(8, None, after_load=True), version(7, "2026-09-21T14:00:00Z")]
    told = history(found, "2026-01-01T00:00:00Z", POOLS, ZoneInfo("America/New_York"), 1_790_000_000_000)
    assert [(one.version, one.since, one.is_live) for one in told] == [
        (8, "Sep 21, 10:00:00", True),
        (7, "a long time ago", False),
    ]
    assert told[0].changes
    assert told[1].changes is None
    [first] = history([version(1, None)], "2026-01-01T05:00:00Z", POOLS, ZoneInfo("UTC"), 1_790_000_000_000)
    assert (first.since, first.changes) == ("Jan 1, 05:00:00", None)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"when": {}, "use": {"number": "+14155550140"}}, "Always: always (415) 555-0140"),
        (REFUSED, "When the visitor did not agree: the page's own number"),
        (
            {"when": {"source": "x" * 90, "param": {"a": "b"}}, "use": {"pool": "pol_1", "overflow": "+14155550150"}},
            f"When the source is “{'x' * 80}…” and the address has a=“b”: a number of his own from pool “Website”, "
            "or (415) 555-0150 while none is free",
        ),
    ],
)
def test_a_rule_is_a_sentence(rule: dict[str, Any], says: str) -> None:
    assert rule_words.sentence(msgspec.convert(rule, Rule), POOLS) == says


def test_rules_move_within_their_list_only() -> None:
    rules = [YELP, REFUSED]
    assert rule_form.moved(rules, "up", 1) == [REFUSED, YELP]
    assert rule_form.moved(rules, "down", 0) == [REFUSED, YELP]
    assert rule_form.moved(rules, "remove", 0) == [REFUSED]
    for act, place in (("up", 0), ("down", 1), ("remove", 2), ("remove", -1), ("eat", 0)):
        with pytest.raises(InvalidField):
            rule_form.moved(rules, act, place)
    rule_form.check(rules, rule_form.digest(rules))
    with pytest.raises(Conflict):
        rule_form.check([REFUSED, YELP], rule_form.digest(rules))
