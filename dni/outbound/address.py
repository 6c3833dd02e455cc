"""What may be entered as the address that something is sent to. Pure. Where a name leads is seen when it is sent."""

import re
from urllib.parse import urlsplit

from dni.errors import InvalidField
from dni.outbound import guard

LONGEST = 2_000
_LITERAL = re.compile(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*")


def checked(value: str, path: str) -> str:
    """An http or https URL without outer blanks. Raises InvalidField."""
    url = value.strip()
    if not url or len(url) > LONGEST:
        raise InvalidField(path, f"an address of at most {LONGEST:,} characters, such as https://example.com/calls")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidField(path, "letters beyond ASCII, and blanks, percent-encoded; a name such as bücher as xn--…")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidField(path, f"this is no address: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidField(path, "it begins with https:// (or http://) and a host, such as https://example.com/calls")
    if "@" in parts.netloc:
        raise InvalidField(path, "no user name and password in an address: it is shown to people")
    if "#" in url:
        raise InvalidField(path, "what is behind # is never sent: leave it out")
    return url


def base(value: str, path: str) -> str:
    """As `checked`; what a service's paths are put behind, so without a query and a / at its end."""
    url = checked(value, path)
    if "?" in url:
        raise InvalidField(path, "no ? in it: paths are put behind it, such as https://example.com/api")
    return url.rstrip("/")


def refusal(url: str, allowed: guard.Allowed) -> str | None:
    """Why nothing would be sent to an address whose host is no name; None: it may be, as far as the address tells."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    literal = "127.0.0.1" if guard.plain_host(host) == "localhost" else host
    if not _LITERAL.fullmatch(literal) or allowed.names(host, port):
        return None
    return guard.refusal(allowed, literal, port)
