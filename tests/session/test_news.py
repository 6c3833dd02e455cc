"""What a page tells later of its session, as values."""

from functools import reduce
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.session.click_ids import CLICK_IDS
from dni.session.model import PACKED_MAX, Touch, credited, packed, packed_late, unpacked
from dni.session.news import CLICKS_MAX, FIELDS_MAX, late_clicks, merged
from dni.session.touch import DIRECT, read

PAGE = "https://shop.example/prices"
NONE = frozenset[str]()

LATE: list[tuple[str, str | None, dict[str, Any] | None, tuple[str, str, dict[str, str]] | None]] = [
    ("no click", PAGE + "?utm_source=news&utm_medium=email", {"plan": "gold"}, None),
    ("paid, by no click id", PAGE + "?utm_source=bing&utm_medium=cpc", None, None),
    ("in the address", PAGE + "?gclid=x", None, ("google", "cpc", {"gclid": "x"})),
    ("in a field", PAGE, {"gclid": "x"}, ("google", "cpc", {"gclid": "x"})),
    ("in a field, by another spelling", PAGE, {"ScCid": "x"}, ("snapchat", "paid_social", {"sccid": "x"})),
    ("a number", PAGE, {"yclid": 17}, ("yandex", "cpc", {"yclid": "17"})),
    ("no value", PAGE, {"gclid": "", "msclkid": None, "ttclid": True, "epik": 1.5}, None),
    ("of an unpaid link", PAGE, {"fbclid": "x"}, None),
    ("of an unpaid link in an ad", PAGE + "?ad_id=1", {"fbclid": "x"}, ("facebook", "paid_social", {"fbclid": "x"})),
    ("the field counts behind the address", PAGE + "?gclid=x", {"msclkid": "y"}, ("bing", "cpc", {"msclkid": "y"})),
    ("the source is the address's", PAGE + "?utm_source=g", {"gclid": "x"}, ("g", "cpc", {"gclid": "x"})),
    ("behind a fragment", PAGE + "?a=b#?gclid=z", {"gclid": "x"}, ("google", "cpc", {"gclid": "x"})),
    ("of no address", None, {"gclid": "x"}, ("google", "cpc", {"gclid": "x"})),
    ("of an address that says nothing", "about:srcdoc", {"gclid": "x"}, ("google", "cpc", {"gclid": "x"})),
    ("signs in its value", PAGE, {"gclid": "a&utm_source=evil#?b"}, ("google", "cpc", {"gclid": "a"})),
]  # fmt: skip


@pytest.mark.parametrize(("url", "custom", "expected"), [case[1:] for case in LATE], ids=[case[0] for case in LATE])
def test_late_clicks(
    url: str | None, custom: dict[str, Any] | None, expected: tuple[str, str, dict[str, str]] | None
) -> None:
    touch = newest(url, custom)
    assert (touch and (touch.source, touch.medium, touch.click_ids)) == expected
    assert touch is None or (touch.landing_page, touch.referrer, touch.paid) == (None, None, True)


def newest(url: str | None, custom: dict[str, Any] | None = None) -> Touch | None:
    return next(reversed(late_clicks(url, custom, NONE)), None)


def test_a_page_tells_of_several_clicks_each_once_and_of_no_flood() -> None:
    told = late_clicks(PAGE + "?gclid=a", {"plan": "x", "GCLID": "a", "msclkid": "b", "fbclid": "c"}, NONE)
    assert [touch.click_ids for touch in told] == [{"gclid": "a"}, {"msclkid": "b"}]
    many = dict.fromkeys(CLICK_IDS, "x")
    assert len(late_clicks(None, many, NONE)) == CLICKS_MAX


@pytest.mark.parametrize(
    ("pages", "source"),
    [
        ([{"gclid": "a"}, {"gclid": "a", "msclkid": "b"}], "bing"),
        ([{"msclkid": "b"}, {"msclkid": "b", "gclid": "a"}], "google"),
        ([{"gclid": "a", "msclkid": "b"}, {"gclid": "c", "msclkid": "b"}], "google"),
        ([{"gclid": "a", "msclkid": "b"}, {"gclid": "a", "msclkid": "b"}, {}], "bing"),
    ],
)
def test_the_newest_click_wins_though_a_page_repeats_what_it_ever_told(
    pages: list[dict[str, str]], source: str
) -> None:
    touch = FIRST
    for custom in pages:
        touch = reduce(credited, late_clicks(PAGE, custom, NONE), touch)
    assert touch.source == source


FIRST = read("https://shop.example/?sub1=abc", "https://blog.example/post")
PAID = read("https://shop.example/?gclid=x&fbclid=f&utm_campaign=spring", None)
SHARED = read("https://shop.example/?fbclid=f", "https://l.facebook.com/")


def test_a_late_click_takes_the_credit_and_the_session_began_where_it_began() -> None:
    late = newest(PAGE + "?gclid=y&utm_campaign=fall&utm_term=pipes&sub2=def")
    assert late
    touch = credited(FIRST, late)
    assert (touch.source, touch.medium, touch.campaign_name, touch.keyword) == ("google", "cpc", "fall", "pipes")
    assert (touch.landing_page, touch.referrer) == (FIRST.landing_page, FIRST.referrer)
    assert (touch.channel, touch.click_ids) == ("Paid Search", {"gclid": "y"})
    assert touch.params == {"sub1": "abc", "sub2": "def"}
    assert credited(touch, late) is touch


@pytest.mark.parametrize(
    ("touch", "url", "source"),
    [
        (PAID, "?gclid=x", None),
        (PAID, "?gclid=x&fbclid=other", None),
        (PAID, "?gclid=y", "google"),
        (PAID, "?gclid=x&ttclid=t", "google"),
        (PAID, "?ttclid=t", "tiktok"),
        (SHARED, "?fbclid=f&ad_id=1", None),
        (SHARED, "?fbclid=g&ad_id=1", "facebook"),
        (SHARED, "?fbclid=f&gclid=x", "google"),
    ],
)
def test_only_a_click_that_the_session_lacks_is_credited(touch: Touch, url: str, source: str | None) -> None:
    late = newest(PAGE + url)
    assert late
    found = credited(touch, late)
    if source is None:
        assert found is touch
    else:
        assert found.source == source
        assert found.click_ids == {**touch.click_ids, **late.click_ids}


def test_a_short_touch_with_late_clicks_behind_it() -> None:
    late, later = newest(PAGE + "?gclid=y"), newest(PAGE + "?msclkid=z")
    assert late
    assert later
    first, one, two = packed(FIRST)[0], packed_late(late), packed_late(later)
    assert unpacked(b"\0".join([first, one, two])) == credited(credited(FIRST, late), later)
    assert unpacked(b"\0".join([first, one[:8], two])) == credited(FIRST, later)
    assert unpacked(b"\0".join([b"", one[:8], two])) == later
    assert unpacked(first) == FIRST
    with pytest.raises(msgspec.DecodeError):
        unpacked(b"")


def test_a_known_name_takes_its_new_value_however_many_there_are() -> None:
    kept = {f"n{i}": i for i in range(FIELDS_MAX - 1)}
    found = merged(kept, {"one": 1, "too many": 2, "n3": "new"})
    assert found == {**kept, "n3": "new", "one": 1}
    assert merged(found, {"too many": 2, "one": 3}) == {**found, "one": 3}
    assert merged(None, None) == {}


addresses = st.none() | st.text(max_size=300) | st.text(max_size=300).map((PAGE + "?gclid=").__add__)
fields = st.dictionaries(
    st.sampled_from(["gclid", "MSCLKID", "fbclid", "plan"]) | st.text(max_size=64),
    st.text(max_size=256) | st.integers() | st.floats() | st.booleans() | st.none(),
    max_size=20,
)


@given(addresses, fields)
def test_whatever_a_page_tells_a_click_is_a_touch_that_can_be_kept(url: str | None, custom: dict[str, Any]) -> None:
    for late in late_clicks(url, custom, NONE):
        short = packed_late(late)
        assert b"\0" not in short
        assert len(short) < PACKED_MAX
        once = credited(DIRECT, late)
        assert (once.click, once.paid) == (late.click, True)
        assert credited(once, late) is once
