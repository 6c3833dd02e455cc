"""Sites are found by whatever names them, and by nothing that only resembles them."""

import pytest

from dni.session import sites
from dni.session.sites import MEDIUM_OF, PASSAGE, named_site, site_of


def kind(host: str) -> tuple[str, str] | None:
    site = site_of(host)
    return (site.name, site.category) if site is not None else None


@pytest.mark.parametrize(
    "text", ["facebook", "FB", "facebook.com", "lm.facebook.com", "www.facebook.com", "com.facebook.katana"]
)
def test_a_site_is_found_by_name_host_subdomain_and_app(text: str) -> None:
    site = named_site(text)
    assert site is not None
    assert (site.name, site.category) == ("facebook", "social")


def test_the_narrower_host_wins() -> None:
    assert kind("mail.google.com") == ("gmail", "mail")
    assert kind("tieba.baidu.com") == ("tieba", "social")
    assert kind("chat.baidu.com") == ("ernie.baidu.com", "ai")
    assert kind("m.baidu.com") == ("baidu", "search")
    assert kind("grok.x.com") == ("grok.com", "ai")
    assert kind("pay.google.com") == ("google-pay", PASSAGE)


# Country-code domains under which Google, Amazon, eBay or Yahoo run or ran a site.
COUNTRIES = """
    ad ae com.af com.ag com.ai al am co.ao com.ar as at com.au az ba com.bd be bf bg com.bh bi bj com.bn com.bo com.br
    bs bt co.bw by com.bz ca cd cf cg ch ci co.ck cl cm cn com.co co.cr com.cu cv com.cy cz de dj dk dm com.do dz com.ec
    ee com.eg es com.et fi com.fj fm fr ga ge gg com.gh com.gi gl gm gr com.gt gy com.hk hn hr ht hu co.id ie co.il im
    co.in iq is it je com.jm jo co.jp co.ke com.kh ki kg co.kr com.kw kz la com.lb li lk co.ls lt lu lv com.ly co.ma md
    me mg mk ml com.mm mn com.mt mu mv mw com.mx com.my co.mz com.na com.ng com.ni ne nl no com.np nr nu co.nz com.om
    com.pa com.pe com.pg com.ph com.pk pl pn com.pr ps pt com.py com.qa ro ru rw com.sa com.sb sc se com.sg sh si sk
    com.sl sn so sm sr st com.sv td tg co.th com.tj tl tm tn to com.tr tt com.tw co.tz com.ua co.ug co.uk com.uy co.uz
    com.vc co.ve vg co.vi com.vn vu ws rs co.za co.zm co.zw cat
    """


@pytest.mark.parametrize("country", COUNTRIES.split())
def test_a_brand_is_known_in_every_country(country: str) -> None:
    assert kind(f"www.google.{country}") == ("google", "search")
    assert kind(f"maps.google.{country}") == ("google", "search")
    assert kind(f"search.yahoo.{country}") == ("yahoo", "search")
    assert kind(f"smile.amazon.{country}") == ("amazon", "shopping")
    assert kind(f"sites.google.{country}") is None


@pytest.mark.parametrize(
    "host",
    [
        *("facebook.com.evil.example", "notfacebook.com", "google.evil.com", "evil.google", "t.co.example", "com"),
        *("", ".", "..", "www.", "google.com.co.uk", "google.co.com.de", "10.0.0.10", "amazon.example"),
        *("mail.example", "search.example", "mailer.shop.example", "email", "mastodon", "1234.example.com", "[::1]"),
    ],
)
def test_a_host_that_only_resembles_a_site_is_none(host: str) -> None:
    assert site_of(host) is None


def test_a_host_called_by_what_it_does_is_that() -> None:
    assert kind("webmail2.college.example") == ("webmail2.college.example", "mail")
    assert kind("searx.club.example") == ("searx.club.example", "search")
    assert kind("mastodon.club.example") == kind("mstdn.example") == ("mastodon", "social")


def test_every_category_is_a_medium_or_a_passage() -> None:
    assert set(sites._SITES) == {*MEDIUM_OF, PASSAGE}


def test_every_entry_is_one_site_and_lower_case() -> None:
    seen: dict[str, str] = {}
    for category, lines in sites._SITES.items():
        for line in lines.strip().splitlines():
            name, *tokens = line.split()
            assert seen.setdefault(f"name {name}", category) == category
            for token in tokens:
                assert token == token.lower()
                assert token.startswith("?") or token not in seen, token
                seen[token] = name
