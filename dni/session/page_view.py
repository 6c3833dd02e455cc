"""A page view as the lease script carries it to the recorder: opaque to Redis, read once, then written to the ledger.

The address and the user agent travel here only to be looked up by the recorder; neither reaches the ledger.
"""

from typing import Any

import msgspec

from dni.session.model import Touch


class PageView(msgspec.Struct, array_like=True):
    visitor: str
    tag: str
    campaign: str
    publisher: str | None
    touch: Touch
    title: str | None
    address: str
    user_agent: str
    timezone: str | None
    language: str | None
    consent: str
    ids: dict[str, Any] | None
    custom: dict[str, Any] | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PageView)


def packed(view: PageView) -> bytes:
    return _encoder.encode(view)


def unpacked(raw: bytes) -> PageView:
    """Raises msgspec.DecodeError for what is none."""
    return _decoder.decode(raw)
