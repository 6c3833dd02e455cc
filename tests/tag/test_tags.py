from typing import Any

import pytest

from dni.catalog.model import Came, Rule, Selector, TouchRule, Use, When
from dni.errors import InvalidField
from dni.tag.model import NewTag, TagChange, origin
from dni.tag.tags import TagView, snippet
from dni.tag.versions import Settings


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("HTTPS://WWW.Example.COM/", "https://www.example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_stored_as_browsers_send_it(given: str, stored: str) -> None:
    assert origin(given, "/origins/0") == stored


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "example.com",
        "*",
        "null",
        "https://",
        "https://example.com/path",
        "https://example.com?x",
        "https://user@example.com",
        "https://example.com:0",
        "https://example.com:70000",
        "http://*.example.com",
        "https://*.com",
        "https://a.*.example.com",
        "https://*example.com",
        "ftp://example.com",
        "https://exa mple.com",
        "https://example.com\0",
        "https://example..com",
        "javascript://example.com",
    ],
)
def test_what_is_no_origin_is_refused_by_its_place(wrong: str) -> None:
    with pytest.raises(InvalidField) as refused:
        origin(wrong, "/origins/3")
    assert refused.value.errors[0].path == "/origins/3"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/rules/0/use", Rule(When(), Use())),
        ("/rules/0/use", Rule(When(), Use(pool="pol_1", original=True))),
        ("/rules/0/use", Rule(When(), Use(pool="pol_1", number="+14155550100"))),
        ("/rules/0/use/overflow", Rule(When(), Use(number="+14155550100", overflow="+14155550101"))),
        ("/rules/0/use/number", Rule(When(), Use(number="12"))),
        ("/rules/0/use/overflow", Rule(When(), Use(pool="pol_1", overflow="12"))),
        ("/rules/0/when/source", Rule(When(source="a\0b"), Use(original=True))),
        ("/rules/0/when/param", Rule(When(param={"bad name": "x"}), Use(original=True))),
        ("/rules/0/when/param/k", Rule(When(param={"k": "\ud800"}), Use(original=True))),
    ],
)
def test_a_rule_that_says_two_things_or_none_is_refused(path: str, rule: Rule) -> None:
    with pytest.raises(InvalidField) as refused:
        NewTag(name="T", campaign="cmp_1", origins=["https://a.example"], targets=["+14155550100"], rules=[rule])
    assert refused.value.errors[0].path == path


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/touch_rules/0/touch", TouchRule(When(source="x"), Came())),
        ("/touch_rules/0/touch/source", TouchRule(When(), Came(source=""))),
        ("/touch_rules/0/touch/medium", TouchRule(When(), Came(medium="a\0b"))),
        ("/touch_rules/0/touch/keyword", TouchRule(When(), Came(keyword="x" * 257))),
        ("/touch_rules/0/when/source", TouchRule(When(source="a\0b"), Came(source="x"))),
        ("/touch_rules/0/when/param", TouchRule(When(param={"bad name": "x"}), Came(source="x"))),
    ],
)
def test_a_touch_rule_that_says_nothing_or_cannot_be_stored_is_refused(path: str, rule: TouchRule) -> None:
    with pytest.raises(InvalidField) as refused:
        TagChange(touch_rules=[rule])
    assert refused.value.errors[0].path == path


@pytest.mark.parametrize("wrong", ["", "a b", "a&b", "a=b", "é", "x" * 65, "utm\0"])
def test_a_parameters_name_is_safe_in_a_url(wrong: str) -> None:
    with pytest.raises(InvalidField) as refused:
        NewTag(name="T", campaign="c", origins=["https://a.example"], targets=["+14155550100"], params=["ok", wrong])
    assert refused.value.errors[0].path == "/params/1"


def test_the_snippet_is_the_contracts() -> None:
    wanted = '<script async src="https://dni.example.com/t/abc.js"></script>'
    assert snippet("https://dni.example.com", "abc") == wanted


@pytest.mark.parametrize(
    ("path", "options"),
    [
        *(
            ("/attributes/1", {"attributes": ["title", wrong]})
            for wrong in ("", "href", "HREF", "style", "src", "value", "on", "onclick", "-x", "1a", "a b", "a" * 65)
        ),
        ("/selectors/0/selector", {"selectors": [Selector(" ", "+14155550100")]}),
        ("/selectors/0/selector", {"selectors": [Selector("a" * 201, "+14155550100")]}),
        ("/selectors/0/selector", {"selectors": [Selector("a\0b", "+14155550100")]}),
        ("/selectors/0/target", {"selectors": [Selector("#phone", "12")]}),
        ("/selectors/1/target", {"selectors": [Selector("a", "+14155550100"), Selector("b", "+14155550177")]}),
        *(
            ("/linked_domains/0", {"linked_domains": [wrong]})
            for wrong in (
                "",
                "shop",
                "https://shop.example.net",
                "shop.example.net/x",
                "*.example.net",
                "a..b",
                "a b.c",
            )
        ),
    ],
)
def test_a_wrong_option_is_refused_by_its_place(path: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidField) as refused:
        NewTag(name="T", campaign="c", origins=["https://a.example"], targets=["+14155550100"], **options)
    assert refused.value.errors[0].path == path


def test_options_are_kept_in_their_normal_form() -> None:
    change = TagChange(
        attributes=["Title", "title", "data-phone"],
        selectors=[Selector(" #phone ", "(415) 555-0100")],
        linked_domains=["Shop.Example.NET"],
    )
    assert change.attributes == ["title", "data-phone"]
    assert change.selectors == [Selector("#phone", "+14155550100")]
    assert change.linked_domains == ["shop.example.net"]


def test_what_versions_keep_and_tags_tell_are_the_same_fields() -> None:
    assert {*Settings.__struct_fields__} == {*TagChange.__struct_fields__} - {"name"}
    assert {*Settings.__struct_fields__} <= {*TagView.__struct_fields__}
