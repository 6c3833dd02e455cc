"""A touch: how a session came to the page; and its short form, kept with a number's past holders in Redis."""

from functools import reduce

import msgspec
from msgspec.structs import replace

from dni.ledger.schema import SUBS
from dni.session.click_ids import CLICK_IDS

PACKED_MAX = 512
"""Bytes of a packed touch: what DESIGN allows for each past holder of a number."""

_CORE_MAX = {"source": 64, "medium": 48, "campaign_name": 128, "keyword": 96, "channel": 48}
"""Bytes of JSON text that each field a call needs may take when it must be cut.

384 together; names, quotes, `paid` and `click` take at most 101 more, so the core alone fits PACKED_MAX, and a
late click's beside its mark.
"""


class Touch(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How a session came. `dni.session.touch.read` makes it, of valid UTF-8 without control characters.

    source .. channel   what reports group by; channel is a name from `dni.session.channels`
    landing_page        scheme, host, path and the allow-listed query parameters; never a fragment or userinfo
    referrer            scheme, host and path only
    click_ids           ad platforms' click ids, by lower-case parameter name
    params              other allow-listed parameters (sub-ids, ad ids, the tag's own)
    paid                somebody pays for this click
    click               stable 32-bit fingerprint of the paid click, 0 when it is not paid. Reloading the
                        landing page gives the same one; a different one opens a new session
    """

    source: str | None = None
    medium: str | None = None
    campaign_name: str | None = None
    keyword: str | None = None
    content: str | None = None
    channel: str | None = None
    landing_page: str | None = None
    referrer: str | None = None
    click_ids: dict[str, str] = msgspec.field(default_factory=dict)
    params: dict[str, str] = msgspec.field(default_factory=dict)
    paid: bool = False
    click: int = 0


def packed(touch: Touch, most: int = PACKED_MAX) -> tuple[bytes, bool]:
    """The touch as JSON of at most `most` bytes, and whether that is all of it.

    While it is longer, these go, in this order: the landing page's query (the other fields repeat it),
    content, referrer, landing page, params but sub-ids, sub-ids, click ids (both the longest first; a cut id is
    worth nothing). Last, the five core fields are cut to their shares. `paid` and `click` always stay.
    """
    data = _encode(touch)
    if len(data) <= most:
        return data, True
    return _cut_down(touch, most), False


def packed_late(touch: Touch) -> bytes:
    """A late click for lua/news.lua: a mark of 8 bytes that stands for the click, then its touch."""
    return b"%08x%s" % (touch.click, packed(touch, PACKED_MAX - 1 - _MARK)[0])


def unpacked(data: bytes) -> Touch:
    """The touch that `packed` made, with the late clicks that lua/news.lua may have put behind it.

    Raises msgspec.DecodeError for anything else.
    """
    first, *late = data.split(_LATE)
    # Where there was no room only the mark of a click is left, or nothing of how the session came.
    touches = [_decoder.decode(each) for each in (first, *(one[_MARK:] for one in late)) if each]
    return reduce(credited, touches) if touches else _decoder.decode(data)


def credited(touch: Touch, late: Touch) -> Touch:
    """The touch of a session that a paid click was told of later: that click's, on the page where the session began.

    The same touch when it has that click already: a page tells its address and its fields again and again.
    """
    lacks = {name for name, value in late.click_ids.items() if touch.click_ids.get(name) != value}
    # An id that also comes with unpaid links counts only where no other was paid for.
    paid = _PAID.intersection(late.click_ids) or lacks
    if late.click == touch.click or lacks.isdisjoint(paid):
        return touch
    return replace(
        late,
        landing_page=touch.landing_page,
        referrer=touch.referrer,
        click_ids={**touch.click_ids, **late.click_ids},
        params={**touch.params, **late.params},
    )


def _cut_down(touch: Touch, most: int) -> bytes:
    data = _encode(touch)
    page = touch.landing_page
    if page and "?" in page:
        touch = replace(touch, landing_page=page.partition("?")[0])
        data = _encode(touch)
    for name in _DISPENSABLE:
        if len(data) <= most:
            return data
        if getattr(touch, name):
            touch = replace(touch, **{name: None})
            data = _encode(touch)
    subs = {name: value for name, value in touch.params.items() if name in SUBS}
    if len(data) > most and len(subs) < len(touch.params):
        touch = replace(touch, params=subs)
        data = _encode(touch)
    for name in ("params", "click_ids"):
        ids = sorted(getattr(touch, name).items(), key=lambda item: len(item[1]))
        while len(data) > most and ids:
            ids.pop()
            touch = replace(touch, **{name: dict(ids)})
            data = _encode(touch)
    if len(data) > most:
        data = _encode(replace(touch, **_cut_core(touch)))
    return data


_DISPENSABLE = ("content", "referrer", "landing_page")
_LATE = b"\0"  # in no JSON
_MARK = 8
_PAID = frozenset(name for name, click in CLICK_IDS.items() if click.paid)
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Touch)


def _cut_core(touch: Touch) -> dict[str, str]:
    return {name: _cut(text, limit) for name, limit in _CORE_MAX.items() if (text := getattr(touch, name)) is not None}


def _cut(text: str, limit: int) -> str:
    while (size := len(_encode(text)) - 2) > limit:
        text = text[: len(text) * limit // size]
    return text
