"""What may be entered as the address that something is sent to. Pure. Where its name leads is seen when it is sent."""

from urllib.parse import urlsplit

from dni.errors import InvalidField

LONGEST = 2_000


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
