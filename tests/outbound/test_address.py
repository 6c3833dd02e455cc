"""Which addresses can be entered."""

import pytest

from dni.errors import InvalidField
from dni.outbound import address, guard


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com:8080/a?b=c",
        "https://xn--bcher-kva.example/%C3%BC",
        "https://[2001:db8::1]/x",
        "  https://example.com/  ",
        "https://example.com/a@b",
    ],
)
def test_these_can(url: str) -> None:
    assert address.checked(url, "/url") == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "https:///calls",
        "https://user@example.com/",
        "https://user:word@example.com/",
        "https://example.com/#part",
        "https://example.com/#",
        "https://bücher.example/",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://[::1/",
        f"https://example.com/{'a' * 2_000}",
    ],
)
def test_these_cannot(url: str) -> None:
    with pytest.raises(InvalidField, match="/url: "):
        address.checked(url, "/url")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://localhost:9000/",
        "http://LOCALHOST./",
        "https://10.0.0.1:8443/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_what_nothing_would_be_sent_to_is_refused_at_once(url: str) -> None:
    assert address.refusal(url, guard.Allowed())


@pytest.mark.parametrize(
    "url", ["https://example.com/", "http://8.8.8.8/", "http://crm.internal/", "https://a.b.c.de/"]
)
def test_a_name_is_looked_at_when_it_is_sent(url: str) -> None:
    assert address.refusal(url, guard.Allowed()) is None


def test_what_the_operator_allows_is_taken() -> None:
    allowed = guard.allowed("localhost:9000, 10.0.0.0/8")
    assert address.refusal("http://localhost:9000/", allowed) is None
    assert address.refusal("http://10.1.2.3/", allowed) is None
    assert address.refusal("http://localhost:9001/", allowed)
