"""Takes what a page says after its lease: signs of life, taps, what the tag found, news of the session."""

from collections import defaultdict

from dni.catalog.model import Tag
from dni.errors import Unavailable
from dni.metrics import pages, signals
from dni.parts import Parts
from dni.pool.leases import PoolMissing, Sign, Speaker
from dni.pool.record import about
from dni.seal import SessionId
from dni.session import news
from dni.session.model import packed
from dni.tag import health_reports
from dni.tag.browser import Browser, network
from dni.tag.lease import clean_fields
from dni.tag.wire import SignalAnswer, SignalRequest

_MOST_AGO_MS = 60_000
_NOBODY = bytes(12)  # the payload of no visitor


async def signal(parts: Parts, tag: Tag, request: SignalRequest, browser: Browser) -> SignalAnswer | None:
    """None when there is nothing to say. A lease that is forged, foreign or over is listed in `ended`.

    Raises Unavailable when Redis is away or has forgotten the pool: the page keeps its number as long as it was
    promised, and says it again.
    """
    now_ms = parts.clock.now_ms()
    session = parts.sealer.open_session(tag.id, request.session)
    visitor = parts.sealer.open_visitor(tag.id, request.visitor) or _NOBODY
    if request.page.found is not None:
        pages.add("found_none" if request.page.found == 0 else "swapped" if request.page.swapped else "not_swapped")
    ended: list[str] = []
    signs: dict[str, list[Sign]] = defaultdict(list)
    public: dict[bytes, str] = {}
    has_news = False
    for one in request.signals:
        signals.add(one.type)
        has_news = has_news or one.type == "set"
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
    if has_news and session:
        await _tell(parts, tag, request, session, signs)
    beat_ms = 0
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
        ended += (public[nonce] for nonce in over)
    await health_reports.keep(parts.live, parts.keys, now_ms, tag, request)
    if not ended and not beat_ms:
        return None
    return SignalAnswer(list(dict.fromkeys(ended)), beat_ms or None)


async def _tell(
    parts: Parts, tag: Tag, request: SignalRequest, session: SessionId, signs: dict[str, list[Sign]]
) -> None:
    """The session's custom fields, ids, and a paid click that it did not begin with; nothing where there is no news.

    Before the signs: a pool that has to be put back first must not cost them.
    """
    ids, custom = clean_fields(request.ids), clean_fields(request.custom)
    late = news.late_click(request.page.url, request.custom, frozenset(tag.params))
    if late and late.click == session.click:
        late = None
    if not (ids or custom or late):
        return
    held = {(pool, sign.number, sign.nonce) for pool, of_pool in signs.items() for sign in of_pool}
    told = news.packed(news.News(tag.id, session.payload, late, ids, custom))
    await parts.leases.tell(tag.campaign, session.payload, told, packed(late)[0] if late else b"", [*held])
