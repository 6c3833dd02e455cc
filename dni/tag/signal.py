"""Takes what a page says after its lease: signs of life, taps, what the tag found, news of the session."""

import asyncio
from collections import defaultdict

from dni.catalog.model import Tag
from dni.errors import Unavailable
from dni.metrics import pages, signals
from dni.parts import Parts
from dni.pool.leases import News, PoolMissing, Sign, Speaker, target_key
from dni.pool.record import about
from dni.seal import SessionId
from dni.session import news
from dni.session.model import packed_late
from dni.tag import health_reports
from dni.tag.browser import Browser, network
from dni.tag.lease import clean_fields, clicks_of
from dni.tag.wire import SignalAnswer, SignalRequest

_MOST_AGO_MS = 60_000
_NOBODY = bytes(12)  # the payload of no visitor


async def signal(parts: Parts, tag: Tag, request: SignalRequest, browser: Browser) -> SignalAnswer | None:
    """None when there is nothing to say. A lease that is forged, foreign or over is listed in `ended`.

    Raises Unavailable when Redis is away or has forgotten the pool, or when news of the session cannot be recorded: the
    page keeps its number as long as it was promised, and says it again.
    """
    now_ms = parts.clock.now_ms()
    session = parts.sealer.open_session(tag.id, request.session)
    visitor = parts.sealer.open_visitor(tag.id, request.visitor) or _NOBODY
    if request.page.found is not None:
        pages.add("found_none" if request.page.found == 0 else "swapped" if request.page.swapped else "not_swapped")
    ended: list[str] = []
    signs: dict[str, list[Sign]] = defaultdict(list)
    public: dict[bytes, str] = {}
    kinds: set[str] = set()
    for one in request.signals:
        signals.add(one.type)
        kinds.add(one.type)
        if one.lease is None:
            continue
        named = parts.sealer.open_lease(tag.id, one.lease)
        number = parts.catalog.now.numbers.get(named.number) if named else None
        if named is None or number is None or number.pool is None:
            ended.append(one.lease)
            continue
        public[named.nonce] = one.lease
        ago_ms = max(0, min(_MOST_AGO_MS, one.ago_ms))
        holding = visitor + named.target
        signs[number.pool].append(Sign(one.type, named.number, named.nonce, named.issued_ms, now_ms - ago_ms, holding))
    # Both are sent in the turn in which the signs are, so that nothing waits twice; a beat has neither.
    aside: list[asyncio.Task[None]] = []
    if "set" in kinds and session and request.consent != "denied":
        aside.append(asyncio.create_task(_tell(parts, tag, request, session, visitor, signs)))
    if "view" in kinds or request.page.reverted:
        aside.append(asyncio.create_task(health_reports.keep(parts.live, parts.keys, now_ms, tag, request.page)))
    failed: list[BaseException | None] = []
    try:
        beat_ms, over = await _signs(parts, tag, request, browser, session, now_ms, signs)
    finally:
        if aside:
            failed = await asyncio.gather(*aside, return_exceptions=True)
    for error in filter(None, failed):
        raise error
    ended += (public[nonce] for nonce in over)
    if not ended and not beat_ms:
        return None
    return SignalAnswer(list(dict.fromkeys(ended)), beat_ms or None)


async def _signs(
    parts: Parts,
    tag: Tag,
    request: SignalRequest,
    browser: Browser,
    session: SessionId | None,
    now_ms: int,
    signs: dict[str, list[Sign]],
) -> tuple[int, list[bytes]]:
    """The beat to announce, 0 for none, and the nonces of leases that ended. One round trip a pool."""
    beat_ms, ended = 0, list[bytes]()
    speaker = Speaker(
        tag.campaign,
        session.payload if session else b"",
        request.page.id,
        request.page.seq,
        about(tag.id, b""),
        network(browser.address),
        request.page.idle,
        request.page.beat_ms,
    )
    for pool_id, of_pool in signs.items():
        hold_ms = parts.catalog.now.pools[pool_id].hold_ms
        try:
            beat, over = await parts.leases.signal(now_ms, speaker, pool_id, hold_ms, of_pool)
        except PoolMissing:
            parts.pool_missing.set()
            raise Unavailable("the pool is being put back; say it again", code="recovering") from None
        beat_ms = beat_ms or beat
        ended += over
    return beat_ms, ended


async def _tell(
    parts: Parts, tag: Tag, request: SignalRequest, session: SessionId, visitor: bytes, signs: dict[str, list[Sign]]
) -> None:
    """The session's custom fields, ids, and paid clicks that it did not begin with; nothing where there is no news.

    A click counts for all numbers that the session holds now, not only for those on the page that tells it. Raises
    Unavailable `recorder_behind` when the ledger will not hear of it: then too calls are credited to the click.
    """
    ids, custom = clean_fields(request.ids), clean_fields(request.custom)
    late = [one for one in clicks_of(request.page.url, request.custom, tag) if one.click != session.click]
    if not (ids or custom or late):
        return
    told = News(
        session.payload,
        news.packed(news.News(tag.id, session.payload, late, ids, custom)),
        [packed_late(one) for one in late],
        {pool for pool in (tag.pool, *(rule.use.pool for rule in tag.rules), *signs) if pool},
        [visitor + target_key(tag.id, target) for target in tag.targets] if visitor != _NOBODY else [],
        {sign.number for of_pool in signs.values() for sign in of_pool},
    )
    if not await parts.leases.tell(tag.campaign, told):
        raise Unavailable("too much waits to be recorded; say it again", code="recorder_behind")
