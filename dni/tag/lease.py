"""Answers a page view: a number for each of its targets, in one round trip to Redis."""

from typing import Any

import msgspec

from dni import phone
from dni.catalog.model import Catalog, Tag
from dni.errors import Unavailable
from dni.metrics import leases as count
from dni.parts import Parts
from dni.pool.leases import Lease, PoolMissing, Visit, Want
from dni.seal import new_nonce
from dni.session import touch as touches
from dni.session.model import Touch, packed
from dni.session.page_view import PageView
from dni.session.page_view import packed as packed_view
from dni.tag.robots import is_robot
from dni.tag.rules import Choice, choose
from dni.tag.wire import Fields, Given, LeaseAnswer, LeaseRequest

# Announced when there is no lease to keep alive; the page has nothing to say until it asks again.
_BEAT_MS = 60_000
# A session whose last activity we do not know (it holds no number) is believed to go on for this long after its start:
# its cookie already ends after 30 idle minutes, so this only bounds what a forged clock could stretch.
_MAY_GO_ON_MS = 4 * 3600_000
_RETRY_MS = 5_000
_MIN_RETRY_MS = 1_000
_MAX_RETRY_MS = 60_000


class Browser(msgspec.Struct, frozen=True):
    """What the connection tells of the browser; the address is dropped after the geo look-up."""

    address: str
    user_agent: str


async def lease(parts: Parts, tag: Tag, request: LeaseRequest, browser: Browser) -> LeaseAnswer:
    """One entry for each asked target, whatever is broken: `original` with a reason when there is no number.

    Raises InvalidField for a target that is no phone number.
    """
    targets = _targets(tag, request.numbers)
    refused = _refusal(request, browser)
    if refused == "consent":
        return _without_ids(parts.catalog.now, tag, request, targets)
    if refused:
        return _answer(None, None, {asked: _original(refused) for asked in targets})
    now_ms = parts.clock.now_ms()
    touch = touches.read(request.page.url, request.referrer, frozenset(tag.params))
    visit = _visit(parts, tag, request, browser, touch, now_ms)
    choice = choose(tag, touch, request.consent)
    known = {asked: number for asked, number in targets.items() if number in tag.targets}
    wants = _wants(parts.catalog.now, choice, known)
    failed = "no_pool"
    session = visit.session or visit.fresh_session
    leases: list[Lease] = []
    try:
        session, leases = await parts.leases.acquire(now_ms, visit, wants)
    except PoolMissing:
        failed = "recovering"
        parts.pool_missing.set()
    except Unavailable as error:
        failed = error.code
    by_target = {
        want.target: _by_lease(parts, tag, want, got, choice) for want, got in zip(wants, leases, strict=False)
    }
    given = {
        asked: by_target.get(number) or (_by_choice(choice, failed) if asked in known else _original("unknown_target"))
        for asked, number in targets.items()
    }
    return _answer(visit.visitor, session, given, min((one.beat_ms for one in leases if one.number), default=_BEAT_MS))


def _targets(tag: Tag, numbers: list[str]) -> dict[str, str]:
    """Each target as asked -> E.164. Our own tag asks by its configuration; others may write it otherwise."""
    return {
        asked: asked if asked in tag.targets else phone.e164(asked, f"/numbers/{index}")
        for index, asked in enumerate(numbers)
    }


def _refusal(request: LeaseRequest, browser: Browser) -> str | None:
    if is_robot(browser.user_agent):
        return "bot"
    if request.consent == "denied":
        return "consent"
    return None if request.visible else "hidden"


def _visit(parts: Parts, tag: Tag, request: LeaseRequest, browser: Browser, touch: Touch, now_ms: int) -> Visit:
    visitor = request.visitor if parts.sealer.is_visitor(tag.id, request.visitor) else None
    brought = parts.sealer.open_session(tag.id, request.session) if visitor else None
    # A new paid click begins a session; the same landing page loaded again does not.
    goes_on = brought is not None and touch.click in (0, brought.click)
    view = PageView(
        visitor=visitor or parts.sealer.visitor(tag.id),
        tag=tag.id,
        campaign=tag.campaign,
        publisher=tag.publisher,
        touch=touch,
        title=_clean(request.page.title),
        address=browser.address,
        user_agent=browser.user_agent[:512],
        timezone=_clean(request.tz),
        language=_clean(request.lang),
        consent=request.consent,
        ids=clean_fields(request.ids),
        custom=clean_fields(request.custom),
    )
    return Visit(
        campaign=tag.campaign,
        tag=tag.id,
        visitor=view.visitor,
        session=request.session or "" if goes_on else "",
        fresh_session=parts.sealer.session(tag.id, now_ms, touch.click),
        may_go_on=brought is not None and now_ms - brought.started_ms <= _MAY_GO_ON_MS,
        page=request.page.id,
        seq=request.page.seq,
        touch=packed(touch),
        event=packed_view(view),
    )


def _wants(catalog: Catalog, choice: Choice, known: dict[str, str]) -> list[Want]:
    pool = catalog.pools.get(choice.pool) if choice.pool else None
    if pool is None:
        return []
    return [Want(target, pool.id, pool.hold_ms, new_nonce()) for target in dict.fromkeys(known.values())]


def _by_choice(choice: Choice, reason: str) -> Given:
    """What the rule gives where no lease was to be had."""
    if choice.number:
        return _static(choice.number)
    if choice.overflow:
        return _static(choice.overflow, reason)
    if choice.original:
        return _original(choice.original)
    return _original(reason, _RETRY_MS)


def _by_lease(parts: Parts, tag: Tag, want: Want, got: Lease, choice: Choice) -> Given:
    if not got.number:
        if choice.overflow:
            return _static(choice.overflow, got.outcome)
        return _original(got.outcome, max(_MIN_RETRY_MS, min(_MAX_RETRY_MS, got.wait_ms)))
    count("pool", got.outcome).inc()
    return Given(
        number=got.number,
        national=phone.national(got.number),
        lease=parts.sealer.lease(tag.id, got.nonce, got.number, got.started_ms),
        kind="pool",
        protected_ms=got.beat_ms * 3 // 2 + want.hold_ms,
    )


def _without_ids(catalog: Catalog, tag: Tag, request: LeaseRequest, targets: dict[str, str]) -> LeaseAnswer:
    """Consent denied: nothing is kept and nobody is known; the source may still have a number of its own."""
    choice = choose(tag, touches.read(request.page.url, request.referrer, frozenset(tag.params)), "denied")
    number = choice.number or choice.overflow
    given = _static(number, "consent") if number else _original("consent")
    return _answer(
        None, None, {asked: given if t in tag.targets else _original("unknown_target") for asked, t in targets.items()}
    )


def _static(number: str, reason: str | None = None) -> Given:
    count("static", reason or "rule").inc()
    return Given(number, phone.national(number), None, "static", reason=reason)


def _original(reason: str, retry_ms: int | None = None) -> Given:
    count("original", reason).inc()
    return Given(None, None, None, "original", reason=reason, retry_ms=retry_ms)


def _answer(visitor: str | None, session: str | None, given: dict[str, Given], beat_ms: int = _BEAT_MS) -> LeaseAnswer:
    return LeaseAnswer(visitor, session, beat_ms, given)


def _clean(text: str | None) -> str | None:
    """Without control characters: PostgreSQL refuses NUL, and nobody means one."""
    if not text:
        return None
    return text[:512] if text.isprintable() else "".join(c for c in text[:512] if c.isprintable())


def clean_fields(fields: Fields | None) -> dict[str, Any] | None:
    """At most 20 custom fields or ids of a page; names and texts without control characters."""
    if not fields:
        return None
    pairs = list(fields.items())[:20]
    return {_clean(k) or "": _clean(v) if isinstance(v, str) else v for k, v in pairs}
