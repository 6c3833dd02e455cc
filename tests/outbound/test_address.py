"""Which addresses can be entered."""

import pytest

from dni.errors import InvalidField
from dni.outbound import address


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
