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
"""Custom fields of a session, and ids; a message tells no more."""

CLICKS_MAX = 4
"""Clicks that one message may tell of: the last ones."""

_NOWHERE = "https://page.invalid/"


class News(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`session`: payload of its id (`dni.seal`). `late`: touches of paid clicks that it may not have, in order."""

    tag: str
    session: bytes
    late: list[Touch]
    ids: dict[str, Any] | None
    custom: dict[str, Any] | None


packed = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(News)


def unpacked(raw: bytes) -> News:
    """Raises msgspec.DecodeError for what is none."""
    return _decoder.decode(raw)


def late_clicks(url: str | None, custom: dict[str, Any] | None, extra_params: frozenset[str]) -> list[Touch]:
    """The touches of the paid clicks that a page tells of, each as a page view would have it, and each once.

    First the address's own, then, in the order of the fields, each custom field that has a click id's own name: it
    counts as if the address carried it, and no other click id. A page repeats whatever it ever told: what is new is
    for `credited` to find. Where the session began is not a click's affair: neither landing page nor referrer.
    """
    told = {
        name.lower(): str(value)
        for name, value in (custom or {}).items()
        if name.lower() in CLICK_IDS and value and type(value) in (str, int)
    }
    found = [read(url, None, extra_params)] if url else []
    for name, value in told.items():
        touch = read(_with_click(url or "", name, value), None, extra_params)
        if not touch.click_ids:  # of an address that says nothing, such as about:srcdoc
            touch = read(_with_click(_NOWHERE, name, value), None, extra_params)
        found.append(touch)
    clicks = {
        touch.click: replace(touch, landing_page=None, referrer=None)
        for touch in found
        if touch.paid and touch.click_ids
    }
    return list(clicks.values())[-CLICKS_MAX:]


def merged(kept: dict[str, Any] | None, told: dict[str, Any] | None) -> dict[str, Any]:
    """A session's fields with news: a known name takes its new value; beyond FIELDS_MAX names a new one is left out."""
    both = {**(kept or {}), **(told or {})}
    return dict(list(both.items())[:FIELDS_MAX])


def _with_click(url: str, name: str, value: str) -> str:
    head, _, query = url.partition("#")[0].partition("?")
    others = [pair for pair in query.split("&", PAIRS_MAX) if pair.partition("=")[0].lower() not in CLICK_IDS]
    return head + "?" + "&".join([f"{name}={quote(value, safe='')}", *others])
