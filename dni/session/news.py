"""What a page tells of its session after the lease: custom fields, ids of other systems, a paid click that came late.

Read once at the door, carried by the stream, applied by the recorder.
"""

from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from dni.session.click_ids import CLICK_IDS
from dni.session.model import Touch
from dni.session.touch import PAIRS_MAX, read

FIELDS_MAX = 20
"""Custom fields of a session, and ids."""

_NOWHERE = "https://page.invalid/"


class News(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`session`: payload of its id (`dni.seal`). `late`: the touch of a paid click that the session may not have."""

    tag: str
    session: bytes
    late: Touch | None
    ids: dict[str, Any] | None
    custom: dict[str, Any] | None


packed = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(News)


def unpacked(raw: bytes) -> News:
    """Raises msgspec.DecodeError for what is none."""
    return _decoder.decode(raw)


def late_click(url: str | None, custom: dict[str, Any] | None, extra_params: frozenset[str]) -> Touch | None:
    """The touch of the paid click that a page tells of, as a page view would have it; None where there is none.

    A custom field that has a click id's own name counts as if the address carried it, and no other click id. Where the
    session began is not the click's affair: neither landing page nor referrer.
    """
    told = {
        name.lower(): str(value)
        for name, value in (custom or {}).items()
        if name.lower() in CLICK_IDS and value and type(value) in (str, int)
    }
    touch = read(_with_clicks(url or "", told) if told else url or "", None, extra_params)
    if told and not touch.click_ids:  # of an address that says nothing, such as about:srcdoc
        touch = read(_with_clicks(_NOWHERE, told), None, extra_params)
    return replace(touch, landing_page=None, referrer=None) if touch.paid and touch.click_ids else None


def merged(kept: dict[str, Any] | None, told: dict[str, Any] | None) -> dict[str, Any]:
    """A session's fields with news: new values win; when there are too many names the oldest stay."""
    both = {**(kept or {}), **(told or {})}
    return dict(list(both.items())[:FIELDS_MAX])


def _with_clicks(url: str, clicks: dict[str, str]) -> str:
    head, _, query = url.partition("#")[0].partition("?")
    others = [pair for pair in query.split("&", PAIRS_MAX) if pair.partition("=")[0].lower() not in CLICK_IDS]
    return head + "?" + "&".join([*(f"{name}={quote(value, safe='')}" for name, value in clicks.items()), *others])
