"""How a visit came, as the rules of its tag have it, and what the tag's own sites are."""

import asyncio
from typing import Any

import msgspec
import pytest

from dni.catalog.model import Tag
from dni.ledger import schema
from dni.parts import Parts
from dni.session.recorder import record
from dni.tag.rules import choose, touch_of
from tests.support.carrier import rows, visit
from tests.support.world import add

PAGE = "https://shop.example/heaters"


def tag(**change: Any) -> Tag:
    usual = {"id": "tag_1", "key": "k", "name": "T", "campaign": "c", "publisher": None, "pool": "p"}
    lists: dict[str, Any] = {"origins": ["https://shop.example"], "targets": [], "rules": [], "params": ["partner"]}
    return msgspec.convert({**usual, **lists, **change}, Tag)


def came(tag: Tag, query: str = "", referrer: str | None = None) -> tuple[str | None, str | None, str | None]:
    touch = touch_of(tag, f"{PAGE}?{query}", referrer, "granted")
    return touch.source, touch.medium, touch.channel


YELP = {"when": {"referrer": "*.yelp.com"}, "touch": {"source": "yelp", "medium": "listing"}}
PARTNER = {"when": {"param": {"partner": "7"}}, "touch": {"source": "partner seven", "medium": "affiliate"}}
NAMED = {"when": {"source": "newsletter"}, "touch": {"channel": "Email", "campaign_name": "letters"}}


@pytest.mark.parametrize(
    ("query", "referrer", "expected"),
    [
        ("", "https://biz.yelp.com/x", ("yelp", "listing", "Organic Social")),
        ("utm_source=google&utm_medium=cpc", "https://yelp.com/", ("yelp", "listing", "Organic Social")),
        ("partner=7", "https://www.google.com/", ("partner seven", "affiliate", "Affiliates")),
        ("partner=8", "https://www.google.com/", ("google", "organic", "Organic Search")),
        ("partner=7", "https://yelp.com/", ("yelp", "listing", "Organic Social")),
        ("utm_source=Newsletter&utm_medium=x", None, ("Newsletter", "x", "Email")),
        ("", None, ("(direct)", "(none)", "Direct")),
    ],
)
def test_the_first_touch_rule_that_matches_says_how_a_visit_came(
    query: str, referrer: str | None, expected: tuple[str, str, str]
) -> None:
    assert came(tag(touch_rules=[YELP, PARTNER, NAMED]), query, referrer) == expected


def test_what_a_touch_rule_leaves_out_stays() -> None:
    url = f"{PAGE}?utm_source=newsletter&utm_term=word&gclid=a"
    touch = touch_of(tag(touch_rules=[NAMED]), url, None, "granted")
    assert (touch.campaign_name, touch.keyword, touch.click_ids) == ("letters", "word", {"gclid": "a"})
    assert touch.click == touch_of(tag(), url, None, "granted").click != 0, "what is a click is not for a rule to say"


def test_a_rule_for_numbers_sees_what_the_touch_rules_said() -> None:
    rule = {"when": {"source": "yelp"}, "use": {"number": "+14155550150"}}
    with_rules = tag(touch_rules=[YELP], rules=[rule])
    touch = touch_of(with_rules, PAGE, "https://yelp.com/", "denied")
    assert choose(with_rules, touch, "denied").number == "+14155550150"


@pytest.mark.parametrize(
    ("referrer", "source"),
    [
        ("https://shop.example/", "(direct)"),
        ("https://second.example/x", "(direct)"),
        ("https://deep.wild.example/", "(direct)"),
        ("https://checkout.linked.example/", "(direct)"),
        ("https://notsecond.example/", "notsecond.example"),
        ("https://other.example/", "other.example"),
    ],
)
def test_the_tags_own_sites_do_not_refer(referrer: str, source: str) -> None:
    origins = ["https://shop.example", "https://second.example:8443", "https://*.wild.example", "http://[::1]:80"]
    assert came(tag(origins=origins, linked_domains=["linked.example"]), "", referrer)[0] == source


async def test_a_session_comes_as_the_rule_says(parts: Parts) -> None:
    await add(parts, options={"touch_rules": [YELP]})
    await visit(parts, page={"id": "p", "seq": 1, "url": PAGE}, referrer="https://www.yelp.com/biz/plumber")
    stop = asyncio.Event()
    stop.set()
    await record(parts, stop)
    [session] = await rows(parts, schema.session)
    assert (session["source"], session["medium"]) == ("yelp", "listing")
