"""A page view as the lease script carries it to the recorder: opaque to Redis, read once, then written to the ledger.

The address and the user agent travel here only to be looked up by the recorder; neither reaches the ledger.
"""

from typing import Any

import msgspec

from dni.session.model import Touch


class PageView(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Sessions are payloads of ids (`dni.seal`). `targets` are those that a lease in `pool` was asked for.

    `touch` is None when the short one that stands beside the page view in its stream entry is the whole.
    """

    at_ms: int
    tag: str
    campaign: str
    publisher: str | None
    visitor: str
    session: bytes
    fresh_session: bytes
    pool: str | None
    targets: list[str]
    touch: Touch | None
    title: str | None
    address: str
    user_agent: str
    timezone: str | None
    language: str | None
    consent: str
    ids: dict[str, Any] | None
    custom: dict[str, Any] | None
    screen: str | None = None
    """As `1920x1080`. Fields from here on came later: entries that wait may be without them."""


packed = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(PageView)


def unpacked(raw: bytes) -> PageView:
    """Raises msgspec.DecodeError for what is none."""
    return _decoder.decode(raw)
