import csv
import string
from pathlib import Path
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dni.session import params
from dni.session import touch as touch_module
from dni.session.channels import RULES, UNASSIGNED
from dni.session.click_ids import CLICK_IDS
from dni.session.model import PACKED_MAX, Touch, packed, unpacked
from dni.session.touch import DIRECT, URL_MAX, VALUE_MAX, read, read_whole

PAGE = "https://www.plumber.example/emergency"
CASES = list(csv.DictReader(Path(__file__).with_name("touches.csv").read_text("utf-8").splitlines()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_origin_of_a_visit(case: dict[str, str]) -> None:
    query = case["query"]
    touch = read(PAGE + ("?" if query and query[0] != "#" else "") + query, case["referrer"] or None)
    assert (touch.source, touch.medium, touch.channel) == (case["source"], case["medium"], case["channel"])
    assert touch.keyword == (case["keyword"] or None)
    assert touch.paid == (case["paid"] == "yes")
    assert (touch.click != 0) == touch.paid


def test_the_cases_are_many_and_each_is_another() -> None:
    assert len(CASES) >= 300
    assert (
        len({case["why"] for case in CASES}) == len({(case["query"], case["referrer"]) for case in CASES}) == len(CASES)
    )


def test_every_click_id_and_channel_has_a_case() -> None:
    seen = {pair.partition("=")[0].lower() for case in CASES for pair in case["query"].split("&")}
    assert set(CLICK_IDS) <= seen
    assert {case["channel"] for case in CASES} == {name for name, _ in RULES} | {UNASSIGNED}


def test_the_whole_of_a_paid_visit() -> None:
    url = (
        "https://www.plumber.example/emergency?utm_source=google&utm_medium=cpc&utm_campaign=spring"
        "&utm_term=emergency+plumber&utm_content=ad%201&gclid=x_Y-1&sub1=s&utm_id=7&page=2#top"
    )
    touch = read(url, "https://www.google.com/search?q=plumber+near+me")
    assert touch == Touch(
        source="google",
        medium="cpc",
        campaign_name="spring",
        keyword="emergency plumber",
        content="ad 1",
        channel="Paid Search",
        landing_page=url.partition("&page")[0],
        referrer="https://www.google.com/search",
        click_ids={"gclid": "x_Y-1"},
        params={"sub1": "s", "utm_id": "7"},
        paid=True,
        click=touch.click,
    )
    assert 0 < touch.click < 2**32


@pytest.mark.parametrize(
    ("query", "keyword"),
    [
        *((f"{name}=a", "a") for name in params.KEYWORD),
        ("pk_keyword=b&hsa_kw=c&utm_term=a", "a"),
        ("utm_term=&hsa_kw=a", "a"),
        ("keyword=a", None),
    ],
)
def test_keyword_by_whatever_name(query: str, keyword: str | None) -> None:
    assert read(f"{PAGE}?{query}", None).keyword == keyword


def test_the_tags_own_parameters_are_kept_as_spelt() -> None:
    touch = read(f"{PAGE}?leadId=7&LEADID=8&offer%20id=9", None, frozenset({"leadId", "offer id"}))
    assert touch.params == {"leadId": "7", "offer id": "9"}
    assert touch.landing_page == f"{PAGE}?leadId=7&offer%20id=9"


@pytest.mark.parametrize(
    ("url", "landing_page"),
    [
        ("HTTPS://WWW.Plumber.Example", "https://www.plumber.example/"),
        ("http://www.plumber.example:8080/A?x=1", "http://www.plumber.example:8080/A"),
        ("https://user:secret@www.plumber.example/", "https://www.plumber.example/"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/ä"),
        ("https://Bücher.example:8443/", "https://xn--bcher-kva.example:8443/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("https://www.plumber.example./a", "https://www.plumber.example/a"),
        (" https://www.plumber.example/a\n", "https://www.plumber.example/a"),
        ("https://www.plumber.example\\a", "https://www.plumber.example/a"),
        ("https://www.plumber.example/a#b", "https://www.plumber.example/a"),
        ("https://www.plumber.example/a#/b?lead=1", "https://www.plumber.example/a"),
        ("https://www.plumber.example/a#b?utm_source=x", "https://www.plumber.example/a?utm_source=x"),
        ("https://www.plumber.example/a?utm_term=x#utm_term=y", "https://www.plumber.example/a?utm_term=x"),
        ("https://www.plumber.example/a?UTM_TERM=x&utm_term=y", "https://www.plumber.example/a?utm_term=x"),
        ("https://www.plumber.example/a?utm_term=+x%00", "https://www.plumber.example/a?utm_term=x"),
        ("https://www.plumber.example/a;b/c&d", "https://www.plumber.example/a;b/c&d"),
    ],
)
def test_landing_page(url: str, landing_page: str) -> None:
    assert read(url, None).landing_page == landing_page


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            " ",
            "x",
            "about:blank",
            "about:srcdoc",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/x",
        ),
        *(
            "https:",
            "https://",
            "https:///a",
            "https://?utm_source=x",
            "https://@/",
            "https://:80/",
            "https://./",
        ),
        *(
            "https://a b/",
            "https://a%20b/",
            "https://a.example:port/",
            "https://<x>/",
            "//a.example/",
            "ftp://a.example",
        ),
        *("httpſ://a.example/", "https://[::1/", f"https://{'a' * 254}/", "\x00\ud800"),
        *(
            "https://ü／.example/",
            f"https://{'ü' * 64}.example/",
            "https://" + "\ufdfa" * 9000 + ".example/",
        ),
    ],
)
def test_an_address_that_is_no_page_is_direct_and_says_nothing(url: str) -> None:
    assert read(url, "https://www.google.com/") == DIRECT == Touch("(direct)", "(none)", channel="Direct")


LEAKS = [
    "https://www.plumber.example/a?email=SECRET%40b.c&token=SECRET",
    "https://www.plumber.example/a?utm_email=SECRET&mc_eid=SECRET&_gl=SECRET&hsa_secret=SECRET",
    "https://www.plumber.example/a?utm_source=x&amp;email=SECRET",
    "https://www.plumber.example/a?utm_source=x?email=SECRET",
    "https://www.plumber.example/a?utm_source=x;email=SECRET",
    "https://www.plumber.example/a?utm_source=x%26email=SECRET",
    "https://www.plumber.example/a?utm_content=https%3A%2F%2Fx.example%2F%3Femail%3DSECRET",
    "https://www.plumber.example/a%3Femail=SECRET",
    "https://www.plumber.example/a%3femail%3dSECRET",
    "https://www.plumber.example/a&email=SECRET",
    "https://www.plumber.example/a%26email%3DSECRET",
    "https://www.plumber.example/a;jsessionid=SECRET",
    "https://www.plumber.example/a#email=SECRET",
    "https://www.plumber.example/a?x#?lead=SECRET",
    "https://www.plumber.example/a#access_token=SECRET&utm_email=SECRET",
    "https://SECRET:SECRET@www.plumber.example/a",
    "https://SECRET@SECRET@www.plumber.example/a",
]


@pytest.mark.parametrize("url", LEAKS)
def test_nothing_outside_the_allow_list_survives(url: str) -> None:
    assert "secret" not in repr(read(url, None)).lower()
    assert "secret" not in repr(read(PAGE, url)).lower()


def test_no_allow_listed_name_is_a_pattern() -> None:
    assert all(name == name.lower() and name.isidentifier() for name in params.KIND)


@pytest.mark.parametrize(
    ("page", "referrer", "own"),
    [
        ("https://a.example/", "https://www.a.example/", True),
        ("https://m.a.example/", "https://www.a.example/", True),
        ("https://shop.a.example/", "https://a.example/", True),
        ("https://a.example/", "https://deep.shop.a.example/", True),
        ("https://www.a.example/", "https://shop.a.example/", True),
        ("https://a.example:444/", "http://a.example:80/", True),
        ("https://one.host.example/", "https://two.host.example/", False),
        ("https://a.example/", "https://ba.example/", False),
        ("https://ba.example/", "https://a.example/", False),
        ("https://www.com/", "https://m.com/", False),
        ("https://a.example/", "https://a.example.evil.example/", False),
        ("https://bücher.example/", "https://xn--bcher-kva.example/", True),
        ("https://xn--bcher-kva.example/", "https://www.Bücher.example/", True),
        ("https://bucher.example/", "https://bücher.example/", False),
    ],
)
def test_own_site_refers_nobody(page: str, referrer: str, own: bool) -> None:
    touch = read(page, referrer)
    assert (touch.medium == "(none)") == own
    assert touch.referrer is not None


def test_own_hosts_refer_nobody() -> None:
    own = ("pay.example", "*.booking.example", "www.brand.example")
    for host in ("pay.example", "eu.pay.example", "booking.example", "x.booking.example", "brand.example"):
        assert read(PAGE, f"https://{host}/", own_hosts=own).channel == "Direct"
    assert read(PAGE, "https://repay.example/", own_hosts=own).channel == "Referral"


def test_of_a_search_only_the_words_are_kept() -> None:
    touch = read(PAGE, "https://www.google.com/search?q=plumber&client=0SECRET0&ei=0SECRET0#0SECRET0")
    assert touch.keyword == "plumber"
    assert "0SECRET0" not in repr(touch)
    assert touch.referrer == "https://www.google.com/search"


def test_words_are_kept_within_bounds() -> None:
    for words in ("x" * 9000, "%20" * 2000 + "x", "x%00%0Ay" * 500, "%ud800" * 500, "+"):
        keyword = read(PAGE, f"https://www.google.com/search?q={words}").keyword
        assert keyword is None or (0 < len(keyword) <= VALUE_MAX and keyword.isprintable())


@pytest.mark.parametrize("query", ["gclid=a", "gclid=a&fbclid=b", "utm_source=google&utm_medium=cpc&gclid=a#top"])
def test_the_fast_way_reads_as_the_slow_one(query: str) -> None:
    for referrer in (None, "https://www.google.com/search?q=plumber", "https://blog.example/"):
        for page in (PAGE, f"{PAGE}?lead=1", f"{PAGE}#/prices"):
            url = f"{page}{'&' if '?' in page else '?'}{query}"
            assert read(url, referrer, frozenset({"lead"})) == read_whole(url, referrer, frozenset({"lead"}))


def test_click_is_the_same_on_a_reload_and_another_for_another_click() -> None:
    first = read(f"{PAGE}?gclid=a&utm_term=x", "https://www.google.com/")
    assert read(f"{PAGE}?gclid=a&utm_term=x", None).click == first.click
    assert read("https://www.plumber.example/other?utm_term=y&gclid=a", None).click == first.click
    assert read(f"{PAGE}?gclid=b&utm_term=x", None).click != first.click
    assert first.click == 1483901096, "stored: it must not change between versions"


def test_click_of_a_paid_visit_without_a_click_id_is_that_of_its_campaign_values() -> None:
    tagged = "utm_source=google&utm_medium=cpc&utm_campaign="
    first = read(f"{PAGE}?{tagged}spring", None).click
    assert first
    assert read(f"{PAGE}?utm_campaign=spring&x=1&utm_medium=cpc&utm_source=google", None).click == first
    assert read(f"{PAGE}?{tagged}summer", None).click not in (0, first)
    assert read(f"{PAGE}?utm_source=google&utm_medium=organic", None).click == 0


def test_values_and_addresses_are_capped_before_they_cost_anything() -> None:
    big = "x" * 1_000_000
    touch = read(f"{PAGE}?utm_source={big}", f"https://blog.example/{big}?{big}")
    assert touch.source is None or len(touch.source) <= VALUE_MAX
    assert touch.referrer is not None
    assert len(touch.referrer) <= URL_MAX
    for url in (big, f"https://{big}", f"https://a.example/{big}", f"https://a.example/?{'&' * 1_000_000}"):
        assert len(msgspec.json.encode(read(url, url))) < 4096


def test_what_is_long_is_read_and_not_remembered() -> None:
    for cached in (touch_module._of_ad, touch_module._page, touch_module._refer):
        cached.cache_clear()
    long = "x" * 1000
    assert read(f"{PAGE}?gclid=a", f"https://www.google.com/search?q=plumber&x={long}").keyword == "plumber"
    assert read(f"{PAGE}/{long}?gclid=a", None).click_ids == {"gclid": "a"}
    assert touch_module._of_ad.cache_info().currsize == touch_module._refer.cache_info().currsize == 0
    assert touch_module._page.cache_info().currsize == 1


def test_the_half_of_a_cut_parameter_is_dropped() -> None:
    touch = read(f"{PAGE}?utm_source=bing&utm_medium=cpc&gclid={'g' * 9000}", None)
    assert (touch.source, touch.medium, touch.click_ids) == ("bing", "cpc", {})


def test_a_landing_page_drops_whole_parameters_when_it_is_full() -> None:
    ids = "&".join(f"{name}={'v' * 200}" for name in ("gclid", "wbraid", "msclkid", "ttclid", "twclid", "epik"))
    touch = read(f"{PAGE}?{ids}&utm_source=x", None)
    assert len(touch.click_ids) == 6
    assert touch.landing_page is not None
    assert len(touch.landing_page) <= URL_MAX
    assert touch.landing_page.startswith(f"{PAGE}?{ids[:200]}")
    assert touch.landing_page.endswith("&utm_source=x")


def test_unsafe_characters_are_dropped() -> None:
    touch = read(
        f"{PAGE}?utm_source=a%00b\ud800c%E2%80%AEd%0A\x7f&utm_medium=%ff&utm_term=%ED%A0%80",
        "https://b\x00.example/",
    )
    assert touch.source == "abcd"
    assert touch.medium == "\ufffd"
    assert touch.referrer == "https://b.example/"


NASTY = st.sampled_from(["%", "%%", "%00", "%ff", "%F0%9F", "&", "&amp;", "=", "?", ";", "#", "+", "/", "\\", "@", ":"])


def hard_text(pieces: int, longest: int) -> st.SearchStrategy[str]:
    piece = st.text(max_size=longest) | NASTY | st.characters(categories=["Cs", "Cc", "Cf"])
    return st.lists(piece, max_size=pieces).map("".join)


def as_value(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    escaped = text.map(lambda value: quote_plus(value, errors="replace"))
    return text | escaped | st.sampled_from(["cpc", "google", "facebook"])


def urls(text: st.SearchStrategy[str], pairs: int) -> st.SearchStrategy[str]:
    query = st.lists(st.builds("{}={}".format, NAMES, as_value(text)), max_size=pairs).map("&".join)
    return st.builds("https://{}{}?{}".format, HOSTS, PATHS | text.map("/".__add__), query)


HARD_TEXT = hard_text(12, 8)
NAMES = st.sampled_from([*params.KIND, "UTM_SOURCE", "ScCid", "lead", "utm%5Fterm", "amp;utm_term"])
PATHS = st.sampled_from(["", "/", "/a/b", "/a%20b", "/ä", "/a;b"])
HOSTS = st.sampled_from(
    [
        "a.example",
        "www.google.com",
        "u:p@a.example",
        "a.example:8080",
        "[::1]",
        "l.facebook.com",
        "bücher.example",
        "ᄀ。ß",
    ]
)
REFERRERS = st.none() | HARD_TEXT | st.builds("https://{}{}".format, HOSTS, PATHS | HARD_TEXT.map("/".__add__))


def texts(touch: Touch) -> list[str]:
    return [
        text
        for text in [*msgspec.structs.astuple(touch), *touch.click_ids.values(), *touch.params.values()]
        if isinstance(text, str)
    ]


@given(url=HARD_TEXT | HARD_TEXT.map("https://".__add__) | urls(HARD_TEXT, 8), referrer=REFERRERS)
def test_any_input_gives_a_storable_touch(url: str, referrer: str | None) -> None:
    touch = read(url, referrer, frozenset({"lead"}), ("own.example",))
    assert msgspec.json.decode(msgspec.json.encode(touch), type=Touch) == touch
    assert touch.source
    assert touch.medium
    assert touch.channel
    assert all(len(text) <= URL_MAX and "\x00" not in text for text in texts(touch))
    assert all(len(value) <= VALUE_MAX for value in (*touch.click_ids.values(), *touch.params.values()))
    assert len(packed(touch)[0]) <= PACKED_MAX
    assert (touch.click != 0) == touch.paid


# Short enough for a landing page that has room for every parameter.
@given(url=urls(hard_text(4, 3), 4), referrer=REFERRERS)
@example(url="https://a.example/a ?x=1", referrer="https://b.example/b ")
@example(url="https://a.example/?utm_source=#&utm_source=#", referrer=None)
@example(url="https://a.example/a ?utm_term= x%20&utm_source=a%3Bb=c&utm_medium=a%26b", referrer=None)
def test_a_landing_page_reads_as_the_page_did(url: str, referrer: str | None) -> None:
    extra = frozenset({"lead"})
    touch = read(url, referrer, extra)
    assert touch.landing_page is not None
    assert read(touch.landing_page, referrer, extra) == touch


@given(
    allowed=st.lists(st.tuples(NAMES, st.text(string.ascii_letters, min_size=1, max_size=9)), max_size=5),
    names=st.lists(st.text(string.ascii_letters + "_[]-.", min_size=1, max_size=12), min_size=1, max_size=5),
    separator=st.sampled_from(["&", ";", "?", "&amp;", "%26"]),
    escaped=st.booleans(),
    referrer=st.booleans(),
)
def test_no_value_outside_the_allow_list_survives(
    allowed: list[tuple[str, str]], names: list[str], separator: str, escaped: bool, referrer: bool
) -> None:
    known = set(params.KIND)
    pairs = [f"{name}={value}" for name, value in allowed]
    pairs += [f"{quote(name) if escaped else name}=0SECRET0" for name in names if name.lower() not in known]
    url = f"{PAGE}?x=1{separator}{separator.join(pairs)}"
    assert "0SECRET0" not in repr(read(PAGE, url) if referrer else read(url, None))


def test_a_short_touch_is_packed_whole() -> None:
    touch = read(f"{PAGE}?utm_source=google&utm_medium=cpc&gclid=a", "https://www.google.com/")
    assert unpacked(packed(touch)[0]) == touch


def test_packing_drops_the_least_important_first() -> None:
    touch = Touch(
        source="google",
        medium="cpc",
        campaign_name="spring",
        keyword="plumber",
        channel="Paid Search",
        content="c" * 90,
        referrer="https://r.example/" + "r" * 60,
        landing_page="https://www.plumber.example/" + "p" * 60 + "?" + "q" * 90,
        click_ids={"gclid": "g" * 90},
        params={"sub1": "s" * 60, "sub2": "s" * 9, "utm_id": "u" * 40},
        paid=True,
        click=1,
    )
    lost: list[set[str]] = []
    for grown in range(0, 400, 10):
        short = unpacked(packed(msgspec.structs.replace(touch, click_ids=touch.click_ids | {"ttclid": "t" * grown}))[0])
        gone = {name for name in ("content", "referrer", "landing_page") if not getattr(short, name)}
        gone |= touch.params.keys() - short.params.keys()
        gone |= {"query"} if "?" not in (short.landing_page or "") else set()
        gone |= {"ttclid"} if "ttclid" not in short.click_ids else set()
        if not lost or gone != lost[-1]:
            lost.append(gone)
        assert "gclid" in short.click_ids
        assert (short.source, short.keyword, short.paid, short.click) == ("google", "plumber", True, 1)
    order = ["query", "content", "referrer", "landing_page", "utm_id", "sub1", "sub2", "ttclid"]
    assert all(gone == set(order[: len(gone)]) for gone in lost)
    assert lost[-1] == set(order)


LONG_TEXT = (
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=VALUE_MAX)
    | st.sampled_from(["\x00" * VALUE_MAX, '"' * VALUE_MAX, "😀" * VALUE_MAX, "x" * VALUE_MAX])
)


@given(
    core=st.tuples(LONG_TEXT, LONG_TEXT, LONG_TEXT, LONG_TEXT, LONG_TEXT),
    rest=st.tuples(LONG_TEXT, LONG_TEXT, LONG_TEXT),
    maps=st.tuples(
        *[st.dictionaries(st.text(string.ascii_letters, max_size=20), st.text(string.printable), max_size=9)] * 2
    ),
    click=st.integers(0, 2**32 - 1),
)
def test_a_packed_touch_is_bounded_and_keeps_what_a_call_needs(
    core: tuple[str | None, ...],
    rest: tuple[str | None, ...],
    maps: tuple[dict[str, str], ...],
    click: int,
) -> None:
    source, medium, campaign, keyword, channel = core
    content, landing_page, referrer = rest
    touch = Touch(
        *(source, medium, campaign, keyword, content, channel, landing_page, referrer),
        click_ids=maps[0],
        params=maps[1],
        paid=click > 0,
        click=click,
    )
    data = packed(touch)[0]
    assert len(data) <= PACKED_MAX
    short = unpacked(data)
    assert (short.paid, short.click) == (touch.paid, touch.click)
    for name in ("source", "medium", "campaign_name", "keyword", "channel"):
        whole, kept = getattr(touch, name), getattr(short, name)
        assert (whole is None) == (kept is None)
        assert whole is None or (whole.startswith(kept) and (kept or not whole))
