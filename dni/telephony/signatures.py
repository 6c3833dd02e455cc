"""Signatures of carriers' requests: made and checked, in constant time."""

import hmac
import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha1

Pairs = Iterable[tuple[str, str]]

_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#]*?)(?P<port>:\d+)?(?P<rest>[/?#].*)?", re.DOTALL)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def twilio(url: str, pairs: Pairs, token: str) -> str:
    """Base64 of HMAC-SHA1 over the URL and each form field's name and value, sorted by both.

    A field sent twice with one value counts once. Source: Twilio, "Validating requests", and its own libraries.
    """
    values: dict[str, set[str]] = defaultdict(set)
    for name, value in pairs:
        values[name].add(value)
    text = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    return b64encode(hmac.digest(token.encode(), text.encode(), sha1)).decode()


def is_twilio(url: str, pairs: Pairs, token: str, signature: str) -> bool:
    """Whether the signature is right for the URL, with or without its port: Twilio itself is not of one mind."""
    pairs = list(pairs)
    # Both are always computed, so that the time taken tells nothing.
    right = [
        hmac.compare_digest(twilio(one, pairs, token).encode(), signature.encode("utf-8", "replace"))
        for one in _spellings(url)
    ]
    return any(right)


def _spellings(url: str) -> tuple[str, str]:
    """The URL without a port, and with one: its own, else the scheme's."""
    found = _URL.fullmatch(url)
    if found is None:
        return url, url
    scheme, host, port, rest = found["scheme"], found["host"], found["port"], found["rest"] or ""
    return f"{scheme}://{host}{rest}", f"{scheme}://{host}{port or _DEFAULT_PORTS[scheme]}{rest}"
