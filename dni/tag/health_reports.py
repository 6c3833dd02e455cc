"""Keeps pages' reports, in Redis only: they tell how a tag does now, and each next page view tells it again."""

from contextlib import suppress
from struct import Struct

import msgspec

from dni.catalog.model import Tag
from dni.errors import Unavailable
from dni.live.commands import ask
from dni.live.connection import Live
from dni.live.scripts import call
from dni.pool.keys import Keys
from dni.tag import health, origins
from dni.tag.health import HealthView, PageHealth, Report
from dni.tag.wire import SignalPage

PAGES = 200
"""Pages of a tag that are known: those that reported last."""

_KEEP_MS = 90 * 86_400_000
_HEAD = Struct(">I6s")  # before the report: lua/report.lua

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Report).decode


async def keep(live: Live, keys: Keys, now_ms: int, tag: Tag, page: SignalPage) -> None:
    """What the page says of itself, if it is one of the tag's. Lost when Redis is away."""
    found = health.place(page.url or "")
    # Anybody may say anything here; what is kept is bounded, and names only pages that the tag is for.
    if found is None or not origins.allows(tag, found[0]):
        return
    said = health.report(now_ms, page)
    args = [found[1], now_ms, _encode(said), 1 if said.reverted else 0, PAGES, _KEEP_MS]
    where = [keys.health(tag.campaign, tag.id), keys.health_order(tag.campaign, tag.id)]
    with suppress(Unavailable):
        await call(live, keys.shard(tag.campaign), "report", where, args)


async def of(live: Live, keys: Keys, campaign: str, tag: str) -> HealthView:
    """Of a tag that the reader may see. Raises Unavailable `redis_away`."""
    flat: list[bytes] = await ask(live, keys.shard(campaign), "HGETALL", keys.health(campaign, tag))
    return health.of_tag([_page(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)])


async def of_page(live: Live, keys: Keys, campaign: str, tag: str, page: str) -> PageHealth | None:
    """Of one page, named as `health.place` names it; None: it never reported. Raises Unavailable `redis_away`."""
    raw = await ask(live, keys.shard(campaign), "HGET", keys.health(campaign, tag), page)
    return _page(page.encode(), raw) if raw else None


def _page(page: bytes, raw: bytes) -> PageHealth:
    count, reverted = _HEAD.unpack_from(raw)
    return health.of_page(page.decode(), count, int.from_bytes(reverted, "big"), _decode(raw[_HEAD.size :]))
