"""How macros are written, and that no value breaks out of its place."""

import contextlib
import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.errors import InvalidField
from dni.money import Money
from dni.outbound import templates
from dni.outbound.macros import Facts, facts_of
from tests.support.told_call import message

_BREAKERS = [*"&=?#/}é+@: ", "..", ".", "%2e", "%00", "\r\n", '"', "\\", "{x}"]
HOSTILE = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(_BREAKERS), max_size=6).map("".join))


def facts(**changed: Any) -> Facts:
    return facts_of(message(**changed), "s3cret/&")


def url(template: str, **changed: Any) -> str | None:
    return templates.filled_url(templates.url(template), facts(**changed))


def body(template: str, **changed: Any) -> Any:
    return json.loads(templates.filled_json(templates.json(template), facts(**changed)))


def wrong(read: Any, template: str) -> str:
    with pytest.raises(InvalidField) as refused:
        read(template, "/settings/url")
    assert refused.value.errors[0].path == "/settings/url"
    return refused.value.errors[0].message


def test_an_address_is_filled() -> None:
    assert url("https://t.example.com/p/{call_id}?a={campaign_name}&b={sub3}&c={sub3|none}&d={{x}}&e={payout}") == (
        "https://t.example.com/p/call_1?a=Roof%20%26%20Gutter&b=&c=none&d=%7Bx%7D&e=12.50"
    )


def test_an_address_without_a_path_and_one_with_a_port_are_good() -> None:
    assert url("https://t.example.com?id={call_id}") == "https://t.example.com?id=call_1"
    assert url("http://127.0.0.1:8080/x") == "http://127.0.0.1:8080/x"
    assert url("https://[2001:db8::1]:8443/?x={call_id}") == "https://[2001:db8::1]:8443/?x=call_1"
    assert url("https://t.example.com/é?n=ü%20{call_id}") == "https://t.example.com/%C3%A9?n=%C3%BC%20call_1"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("https://x.example/?a={clik_id}", "at character 22: there is no macro {clik_id}: did you mean click_id?"),
        ("https://x.example/?a={sub9}", "there is no macro {sub9}: did you mean sub"),
        ("https://x.example/?a={costum.plan}", "did you mean custom.plan?"),
        ("https://x.example/?a={campaign.nam}", "did you mean campaign.name?"),
        ("https://x.example/?a={custom}", "there is no macro {custom}: write {custom.NAME}"),
        ("https://x.example/?a={call_id", "at character 22: this { is not closed"),
        ("https://x.example/?a={call_id{x}}", "at character 22: this { is not closed"),
        ("https://x.example/?a=}", "at character 22: this } closes nothing"),
        ("https://x.example/?a={}", "is no macro"),
        ("https://x.example/?a={sub1!|x}", "so it has no other text"),
        ("https://{campaign.name}/", "the host is written out"),
        ("https://a{sub1}.example/", "the host is written out"),
        ("https://x.example{sub1}", "the host is written out"),
        ("https://x.example:{sub1}/", "the host is written out"),
        ("https://x.example:99999/", "the host is written out"),
        ("https://x.éxample/", "the host is written out"),
        ("https:///x", "the host is written out"),
        ("{landing_page}", "an address that begins with https://"),
        ("ftp://x.example/", "an address that begins with https://"),
        ("javascript:alert(1)", "an address that begins with https://"),
        ("", "an address that begins with https://"),
        ("https://me:word@x.example/", "no name or password before the host"),
        ("https://x.example/#{sub1}", "no # in it"),
        ("https://x.example/a b", "' ' cannot stand in an address"),
        ("https://x.example\\@y.example/", "no name or password before the host"),
        ("https://x.example/\\x", "cannot stand in an address"),
        ("https://x.example/%zz", "'%' cannot stand in an address"),
        ("https://x.example/?a=%{sub1}", "'%' cannot stand in an address"),
        ("https://x.example/../y", "no . or .. as a part of the path"),
        ("https://<DOMAIN>/p?o=1", "put your own value in the place of <DOMAIN>"),
        ("https://x.example/p?o=<OFFER ID>", "put your own value in the place of <OFFER ID>"),
        ("https://x.example/?" + "a" * 8_000, "at most 8,000 characters"),
    ],
)
def test_a_wrong_address_is_refused_with_what_would_be_right(template: str, says: str) -> None:
    assert says in wrong(templates.url, template)


@given(value=HOSTILE)
def test_no_value_leaves_its_parameter_or_its_path(value: str) -> None:
    made = url("https://t.example.com/a/{sub1}/b?x={sub1}&y=1&{sub1}=z", sub1=value)
    if made is None:
        assert value in (".", "..")
        return
    parts = urlsplit(made)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "t.example.com", "")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "a", value, "b"]
    assert parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) == [
        ("x", value),
        ("y", "1"),
        (value, "z"),
    ]
    assert made.isascii()
    assert made.isprintable()


@given(value=HOSTILE)
def test_no_value_leaves_its_field_of_a_form(value: str) -> None:
    made = templates.filled_form(templates.form("x={sub1}&y=1"), facts(sub1=value))
    assert parse_qsl(made.decode("ascii"), keep_blank_values=True) == [("x", value), ("y", "1")]


@given(value=HOSTILE)
def test_no_value_leaves_its_text_of_json(value: str) -> None:
    made = body('{"lead": {"x": "{sub1}", "y": ["<{sub1}>", 1]}}', sub1=value)
    assert made == {"lead": {"x": value or None, "y": [f"<{value}>", 1]}}


@given(template=st.text(max_size=60))
def test_any_text_is_read_or_refused(template: str) -> None:
    for read in (templates.url, templates.form, templates.json, templates.text):
        with contextlib.suppress(InvalidField):
            read(template)


@given(template=st.text(max_size=60))
def test_a_text_whose_braces_are_doubled_is_itself(template: str) -> None:
    doubled = template.replace("{", "{{").replace("}", "}}")
    assert templates.alone(templates.text(doubled), facts()) == template


def test_a_macro_alone_in_json_is_what_it_says() -> None:
    made = body(
        '{"n": "{talk_seconds}", "m": "{payout}", "f": "{qualified}", "t": "{caller_digits}", "e": "{sub3}", '
        '"d": "{sub3|x}", "s": "{talk_seconds} s", "k": 1.5, "z": null, "b": "{{x}}"}'
    )
    assert made == {
        "n": 120, "m": 12.5, "f": True, "t": "13125550142", "e": None,
        "d": "x", "s": "120 s", "k": 1.5, "z": None, "b": "{x}",
    }  # fmt: skip
    raw = templates.filled_json(templates.json('["{payout}"]'), facts(payout=Money(1_250, "USD")))
    assert raw == b"[12.50]"


def test_another_text_for_a_number_that_is_not_there_is_a_number() -> None:
    assert body(
        '["{payout|0}", "{payout|none}", "{qualified|false}", "{sub3|0}"]', payout=None, qualification=None
    ) == [
        0,
        "none",
        False,
        "0",
    ]


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{call_id}", 'macros stand in texts, such as {"id": "{call_id}"}'),
        ('{"a": {payout}}', "not JSON"),
        ('{"{call_id}": 1}', "not in a name"),
        ('{"a": ["{clik_id}"]}', "there is no macro {clik_id}: did you mean click_id?"),
    ],
)
def test_wrong_json_is_refused(template: str, says: str) -> None:
    assert says in wrong(templates.json, template)


def test_a_form_has_no_blanks_or_line_breaks() -> None:
    assert "cannot stand in a form" in wrong(templates.form, "a={sub1}\nb=1")


def test_what_must_be_there_and_is_not_says_why() -> None:
    def why(template: str, **changed: Any) -> str | None:
        return templates.missing(templates.url(template).uses, facts(**changed))

    assert why("https://x.example/?a={sub1!}&b={sub3}&c={sub3|x}") is None
    assert why("https://x.example/?a={sub3!}") == "{sub3} is empty: the visit came with no sub3"
    assert why("https://x.example/?a={caller!}", caller=None) == "{caller} is empty: the caller withheld the number"
    click = why("https://x.example/?a={click_id!}", click_ids={})
    assert click == "{click_id} is empty: the visit that the call is credited to came with no ad click id"


def test_a_secret_that_is_not_set_is_missing_always() -> None:
    uses = templates.url("https://x.example/?a={secret}").uses
    assert templates.missing(uses, facts()) is None
    assert templates.missing(uses, facts_of(message())) == "{secret} is empty: no token is set"


def test_a_secret_is_hidden_however_it_is_written() -> None:
    secret = 'a/"b'
    told = facts_of(message(), secret)
    texts = [
        templates.filled_url(templates.url("https://x.example/?a={secret}"), told) or "",
        templates.filled_json(templates.json('["{secret}"]'), told).decode(),
    ]
    for text in texts:
        assert any(hidden in text for hidden in templates.hidden(secret))
    assert templates.hidden("") == ()
