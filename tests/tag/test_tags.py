import pytest

from dni.catalog.model import Rule, Use, When
from dni.errors import InvalidField
from dni.tag.tags import NewTag, origin, snippet


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


@pytest.mark.parametrize("wrong", ["", "a b", "a&b", "a=b", "é", "x" * 65, "utm\0"])
def test_a_parameters_name_is_safe_in_a_url(wrong: str) -> None:
    with pytest.raises(InvalidField) as refused:
        NewTag(name="T", campaign="c", origins=["https://a.example"], targets=["+14155550100"], params=["ok", wrong])
    assert refused.value.errors[0].path == "/params/1"


def test_the_snippet_is_the_contracts() -> None:
    wanted = '<script async src="https://dni.example.com/t/abc.js"></script>'
    assert snippet("https://dni.example.com", "abc") == wanted
