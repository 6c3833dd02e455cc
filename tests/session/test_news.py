"""What a page tells later of its session, as values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.session.model import PACKED_MAX, Touch, credited, packed, unpacked
from dni.session.news import FIELDS_MAX, late_click, merged
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
    ("the field counts, not the address", PAGE + "?gclid=x", {"msclkid": "y"}, ("bing", "cpc", {"msclkid": "y"})),
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
    touch = late_click(url, custom, NONE)
    assert (touch and (touch.source, touch.medium, touch.click_ids)) == expected
    assert touch is None or (touch.landing_page, touch.referrer, touch.paid) == (None, None, True)


FIRST = read("https://shop.example/?sub1=abc", "https://blog.example/post")
PAID = read("https://shop.example/?gclid=x&fbclid=f&utm_campaign=spring", None)
SHARED = read("https://shop.example/?fbclid=f", "https://l.facebook.com/")


def test_a_late_click_takes_the_credit_and_the_session_began_where_it_began() -> None:
    late = late_click(PAGE + "?gclid=y&utm_campaign=fall&utm_term=pipes&sub2=def", None, NONE)
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
    late = late_click(PAGE + url, None, NONE)
    assert late
    found = credited(touch, late)
    if source is None:
        assert found is touch
    else:
        assert found.source == source
        assert found.click_ids == {**touch.click_ids, **late.click_ids}


def test_a_short_touch_with_a_late_click_behind_it() -> None:
    late = late_click(PAGE + "?gclid=y", None, NONE)
    assert late
    first, behind = packed(FIRST)[0], packed(late)[0]
    assert unpacked(first + b"\0" + behind) == credited(FIRST, late)
    assert unpacked(b"\0" + behind) == late
    assert unpacked(first) == FIRST


def test_new_fields_win_and_the_oldest_names_stay() -> None:
    kept = {f"n{i}": i for i in range(FIELDS_MAX - 1)}
    found = merged(kept, {"n3": "new", "one": 1, "too many": 2})
    assert found == {**kept, "n3": "new", "one": 1}
    assert merged(found, {"n3": "new", "one": 1, "too many": 2}) == found
    assert merged(None, None) == {}


addresses = st.none() | st.text(max_size=300) | st.text(max_size=300).map((PAGE + "?gclid=").__add__)
fields = st.dictionaries(
    st.sampled_from(["gclid", "MSCLKID", "fbclid", "plan"]) | st.text(max_size=64),
    st.text(max_size=256) | st.integers() | st.floats() | st.booleans() | st.none(),
    max_size=20,
)


@given(addresses, fields)
def test_whatever_a_page_tells_a_click_is_a_touch_that_can_be_kept(url: str | None, custom: dict[str, Any]) -> None:
    late = late_click(url, custom, NONE)
    if late is None:
        return
    short, _ = packed(late)
    assert b"\0" not in short
    assert len(short) <= PACKED_MAX
    once = credited(DIRECT, late)
    assert (once.click, once.paid) == (late.click, True)
    assert credited(once, late) is once
