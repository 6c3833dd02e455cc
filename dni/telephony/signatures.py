"""Signatures of carriers' requests: made and checked, in constant time."""

import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha1, sha256
from urllib.parse import parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Pairs = Iterable[tuple[str, str]]

_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#]*?)(?P<port>:\d+)?(?P<rest>[/?#].*)?", re.DOTALL)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def twilio(url: str, pairs: Pairs, token: str) -> str:
    """Base64 of HMAC-SHA1 over the URL and each form field's name and value, sorted by both.

    A field sent twice with one value counts once. Source: Twilio, "Validating requests", and its own libraries.
    """
    text = url + "".join(name + value for name, values in _grouped(pairs) for value in sorted(set(values)))
    return b64encode(hmac.digest(token.encode(), text.encode("utf-8", "replace"), sha1)).decode()


def is_twilio(url: str, pairs: Pairs, token: str, signature: str) -> bool:
    """Whether the signature is right for the URL, with or without its port: Twilio itself is not of one mind."""
    pairs = list(pairs)
    return _is_one_of([twilio(one, pairs, token) for one in _spellings(url)], [signature])


def is_twilio_body(url: str, body: bytes, digest: str, token: str, signature: str) -> bool:
    """The same of a body that is no form: the URL then has the body's SHA-256, in hex, and is signed alone."""
    is_body = hmac.compare_digest(sha256(body).hexdigest().encode(), digest.encode("utf-8", "replace"))
    return is_twilio(url, (), token, signature) and is_body


def signalwire(url: str, body: bytes, token: str) -> str:
    """Hex of HMAC-SHA1 over the URL and the body as sent. Source: SignalWire's own libraries."""
    return hmac.digest(token.encode(), url.encode("utf-8", "replace") + body, sha1).hex()


def is_signalwire(url: str, body: bytes, token: str, signature: str) -> bool:
    """With or without the URL's port."""
    return _is_one_of([signalwire(one, body, token) for one in _spellings(url)], [signature])


def plivo_v3(url: str, pairs: Pairs, nonce: str, token: str) -> str:
    """Base64 of HMAC-SHA256 over the URL, its query sorted, the fields of a POST sorted, and the nonce.

    Source: Plivo, "Signature validation", and its own libraries, down to where they put the dot.
    """
    base, asked = _base(url)
    read = _grouped(parse_qsl(asked, keep_blank_values=True))
    query = "&".join(f"{name}={value}" for name, values in read for value in sorted(values))
    sent = _grouped(pairs)
    if query or sent:
        base += f"?{query}"
    if query and sent:
        base += "."
    base += "".join(name + value for name, values in sent for value in sorted(values))
    return _plivo(f"{base}.{nonce}", token)


def plivo_v2(url: str, nonce: str, token: str) -> str:
    """Base64 of HMAC-SHA256 over the URL without its query, and the nonce: no field is covered."""
    return _plivo(f"{_base(url)[0]}{nonce}", token)


def is_plivo_v3(url: str, pairs: Pairs, nonce: str, token: str, signatures: Iterable[str]) -> bool:
    """Whether one of the signatures is right; each may be a list itself, with commas."""
    return _is_one_of([plivo_v3(url, pairs, nonce, token)], signatures)


def is_plivo_v2(url: str, nonce: str, token: str, signatures: Iterable[str]) -> bool:
    return _is_one_of([plivo_v2(url, nonce, token)], signatures)


def is_telnyx(body: bytes, timestamp: str, public_key: str, signature: str) -> bool:
    """Ed25519 over `timestamp|body`; key and signature are in base64. Source: Telnyx, "Webhook signing"."""
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(public_key, validate=True))
        key.verify(b64decode(signature, validate=True), timestamp.encode("utf-8", "replace") + b"|" + body)
    except (NotBase64, ValueError, InvalidSignature):
        return False
    return True


def _grouped(pairs: Pairs) -> list[tuple[str, list[str]]]:
    """Names in order, each with all its values."""
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        values[name].append(value)
    return sorted(values.items())


def _is_one_of(right: list[str], signatures: Iterable[str]) -> bool:
    given = [one for each in signatures for one in each.split(",")]
    # All are always compared, so that the time taken tells nothing.
    same = [hmac.compare_digest(one.encode(), each.encode("utf-8", "replace")) for one in right for each in given]
    return any(same)


def _plivo(text: str, token: str) -> str:
    return b64encode(hmac.digest(token.encode(), text.encode("utf-8", "replace"), sha256)).decode()


def _base(url: str) -> tuple[str, str]:
    """Scheme, host and path; and the query."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a host that is none
        return "", ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parts.query


def _spellings(url: str) -> tuple[str, str]:
    """The URL without a port, and with one: its own, else the scheme's."""
    found = _URL.fullmatch(url)
    if found is None:
        return url, url
    scheme, host, port, rest = found["scheme"], found["host"], found["port"], found["rest"] or ""
    return f"{scheme}://{host}{rest}", f"{scheme}://{host}{port or _DEFAULT_PORTS[scheme]}{rest}"
