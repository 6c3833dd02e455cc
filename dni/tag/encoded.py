"""A file as browsers fetch it: in each encoding, with a validator for each. Pure."""

import gzip
import re
from hashlib import sha256
from typing import Literal

import brotli
import msgspec

Encoding = Literal["br", "gzip", "identity"]

# RFC 9110, 8.8.3: an entity tag may hold a comma, but ours do not.
_ETAG = re.compile(r'(?:W/)?"([^"]*)"')
_WEIGHT = re.compile(r";\s*q\s*=\s*([0-9.]+)", re.IGNORECASE)


class Encoded(msgspec.Struct, frozen=True):
    """`version` changes when a byte does."""

    version: str
    bodies: dict[Encoding, bytes]

    def etag(self, encoding: Encoding) -> str:
        """Strong, so another one for each encoding."""
        return f'"{self.version}"' if encoding == "identity" else f'"{self.version}-{encoding}"'

    def known(self, if_none_match: str, encoding: Encoding) -> str | None:
        """The entity tag of what the browser has and still may use; None: it needs the file.

        Any encoding of these bytes will do: a browser that keeps one can read it.
        """
        if if_none_match.strip() == "*":
            return self.etag(encoding)
        ours = {self.etag(one) for one in self.bodies}
        return next((f'"{tag}"' for tag in _ETAG.findall(if_none_match) if f'"{tag}"' in ours), None)


def encoded(body: bytes) -> Encoded:
    """Takes some 10 ms of a processor: once for each content, and not on the event loop."""
    small = brotli.compress(body, mode=brotli.MODE_TEXT, quality=11)
    return Encoded(version(body), {"br": small, "gzip": zipped(body), "identity": body})


def version(body: bytes) -> str:
    """16 hexadecimal digits, as in `/t/KEY.VERSION.js`."""
    return sha256(body).hexdigest()[:16]


def zipped(body: bytes) -> bytes:
    """The same bytes for the same bytes, whenever."""
    return gzip.compress(body, 9, mtime=0)


def wanted(accept_encoding: str) -> Encoding:
    """The smallest that the header Accept-Encoding allows."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        weight = _WEIGHT.search(part)
        weights[part.partition(";")[0].strip()] = _number(weight[1]) if weight else 1.0
    others = weights.get("*", 0.0)
    offered: tuple[Encoding, ...] = ("br", "gzip")
    return next((one for one in offered if weights.get(one, others) > 0), "identity")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
