"""Addresses that carriers tell: which of them a page may link to."""

from urllib.parse import urlsplit

_URL_MAX = 2048


def https(url: str | None) -> str | None:
    """The address if it is one that a page may link to."""
    if not url or len(url) > _URL_MAX or not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme == "https" and parts.hostname else None
