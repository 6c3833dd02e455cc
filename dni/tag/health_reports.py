"""Keeps pages' reports, in Redis only: they tell how a tag does now, and each next page view tells it again."""

from contextlib import suppress

import msgspec

from dni.catalog.model import Tag
from dni.errors import Unavailable
from dni.live.commands import ask
from dni.live.connection import Live
from dni.live.scripts import call
from dni.pool.keys import Keys
from dni.tag import health, origins
from dni.tag.health import HealthView, Report
from dni.tag.wire import SignalRequest

PAGES = 200
"""Pages of a tag that are told apart; the others share one entry."""

_KEEP_MS = 90 * 86_400_000
_COUNT = 4  # bytes before the report: lua/report.lua

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Report).decode


async def keep(live: Live, keys: Keys, now_ms: int, tag: Tag, request: SignalRequest) -> None:
    """The signal's report, if it is one, and its page is one of the tag's. Lost when Redis is away."""
    page = request.page
    if page.url is None or not health.is_report({one.type for one in request.signals}, page):
        return
    found = health.place(page.url)
    # Anybody may say anything here; what is kept is bounded, and names only pages that the tag is for.
    if found is None or not origins.allows(tag, found[0]):
        return
    args = [found[1], _encode(health.report(now_ms, page)), PAGES, _KEEP_MS]
    with suppress(Unavailable):
        await call(live, keys.shard(tag.campaign), "report", [keys.health(tag.campaign, tag.id)], args)


async def of(live: Live, keys: Keys, campaign: str, tag: str) -> HealthView:
    """Of a tag that the reader may see. Raises Unavailable `redis_away`."""
    flat: list[bytes] = await ask(live, keys.shard(campaign), "HGETALL", keys.health(campaign, tag))
    pages = [
        health.of_page(page.decode(), int.from_bytes(value[:_COUNT]), _decode(value[_COUNT:]))
        for page, value in zip(flat[::2], flat[1::2], strict=True)
    ]
    return health.of_tag(pages)
