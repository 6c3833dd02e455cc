"""Answers a page view: a number for each of its targets, in one round trip to Redis."""

from functools import reduce
from typing import Any

from dni import phone
from dni.catalog.model import Catalog, Pool, Tag
from dni.errors import Unavailable
from dni.metrics import leases as count
from dni.parts import Parts
from dni.pool.leases import Lease, PoolMissing, Visit, Want, target_key
from dni.pool.record import about
from dni.seal import new_nonce, new_session, new_visitor
from dni.session.model import Touch, credited, packed
from dni.session.news import FIELDS_MAX, late_clicks
from dni.session.page_view import PageView
from dni.session.page_view import packed as packed_view
from dni.tag.browser import Browser, network
from dni.tag.robots import is_robot
from dni.tag.rules import Choice, choose, touch_of
from dni.tag.wire import Given, LeaseAnswer, LeaseRequest

# Announced when there is no lease to keep alive; the page has nothing to say until it asks again.
_BEAT_MS = 60_000
# A session whose last activity we do not know (it holds no number) is believed to go on for this long after its start:
# its cookie already ends after 30 idle minutes, so this only bounds what a forged clock could stretch.
_MAY_GO_ON_MS = 4 * 3600_000
_RETRY_MS = 5_000
_MIN_RETRY_MS = 1_000
_MAX_RETRY_MS = 60_000
_NAME_MAX, _VALUE_MAX, _LOOKED_AT = 64, 256, 100


async def lease(parts: Parts, tag: Tag, request: LeaseRequest, browser: Browser) -> LeaseAnswer:
    """One entry for each asked target, whatever is broken: `original` with a reason when there is no number.

    Raises InvalidField for a target that is no phone number.
    """
    targets = _targets(tag, request.numbers)
    refused = _refusal(tag, request, browser)
    if refused == "consent":
        return _without_ids(parts.catalog.now, tag, request, targets)
    if refused:
        return LeaseAnswer(None, None, _BEAT_MS, {asked: _original(refused) for asked in targets})

    now_ms = parts.clock.now_ms()
    page = request.page
    touch = touch_of(tag, page.url, request.referrer, request.consent)
    click = touch.click
    if request.custom:
        touch = reduce(credited, clicks_of(page.url, request.custom, tag), touch)
    choice = choose(tag, touch, request.consent)
    pool = parts.catalog.now.pools.get(choice.pool) if choice.pool else None
    wanted = [*{number: None for number in targets.values() if number in tag.targets}] if pool else []

    # Who: ids that are not ours are as none.
    sealer = parts.sealer
    visitor = sealer.open_visitor(tag.id, request.visitor)
    brought = sealer.open_session(tag.id, request.session) if visitor else None
    # A new paid click begins a session; its landing page loaded again does not, nor what scripts tell of clicks.
    goes_on = brought is not None and click in (0, brought.click)
    visitor_id = request.visitor
    if visitor is None or visitor_id is None:
        visitor = new_visitor()
        visitor_id = sealer.visitor(tag.id, visitor)
    session = brought.payload if brought and goes_on else b""
    fresh_session = new_session(now_ms, touch.click)

    short, whole = packed(touch)
    view = PageView(
        now_ms,
        tag.id,
        tag.campaign,
        tag.publisher,
        visitor_id,
        session,
        fresh_session,
        choice.pool,
        wanted,
        None if whole else touch,
        _clean(page.title),
        browser.address,
        browser.user_agent[:512],
        _clean(request.tz),
        _clean(request.lang),
        request.consent,
        clean_fields(request.ids) or None,
        clean_fields(request.custom) or None,
        _clean(request.screen[:16]) if request.screen else None,
    )
    visit = Visit(
        tag.campaign,
        session,
        fresh_session,
        brought is not None and now_ms - brought.started_ms <= _MAY_GO_ON_MS,
        page.id,
        page.seq,
        about(tag.id, short),
        packed_view(view),
        network(browser.address),
    )
    wants = []
    if pool:
        region = _region(parts, pool, browser.address) if pool.regions else None
        wants = [
            Want(pool.id, visitor + target_key(tag.id, one), pool.hold_ms, new_nonce(), region, pool.strict)
            for one in wanted
        ]
    failed = "no_pool"
    leases: list[Lease] = []
    fresh = not session
    try:
        fresh, leases = await parts.leases.acquire(now_ms, visit, wants)
    except PoolMissing:
        failed = "recovering"
        parts.pool_missing.set()
    except Unavailable as error:
        failed = error.code

    session_id = sealer.session(tag.id, fresh_session) if fresh else request.session
    got = dict(zip(wanted, leases, strict=False))
    given = {}
    for asked, number in targets.items():
        one = got.get(number)
        if pool and one:
            given[asked] = _by_lease(parts, tag, pool, number, one, choice)
        else:
            given[asked] = _by_choice(choice, failed) if number in tag.targets else _original("unknown_target")
    beat_ms = min((one.beat_ms for one in leases if one.number), default=_BEAT_MS)
    return LeaseAnswer(visitor_id, session_id, beat_ms, given, pool.hold_ms if pool else 0)


def _region(parts: Parts, pool: Pool, address: str) -> str:
    """The pool's region that the address is in, else its country; '' where the pool has neither."""
    place = parts.geo.place(address)
    return next((one for one in (place.region, place.country) if one in pool.regions), None) or ""


def _targets(tag: Tag, numbers: list[str]) -> dict[str, str]:
    """Each target as asked -> E.164. Our own tag asks by its configuration; others may write it otherwise."""
    return {
        asked: asked if asked in tag.targets else phone.e164(asked, f"/numbers/{index}")
        for index, asked in enumerate(numbers)
    }


def _refusal(tag: Tag, request: LeaseRequest, browser: Browser) -> str | None:
    if (request.robot or is_robot(browser.user_agent)) and not browser.is_tried_out(request.robot):
        return "bot"
    if request.consent == "denied" or (request.consent == "unknown" and tag.consent_unknown == "wait"):
        return "consent"
    return None if request.visible else "hidden"


def _by_choice(choice: Choice, reason: str) -> Given:
    """What the rule gives where no lease was to be had."""
    if choice.number:
        return _static(choice.number)
    if choice.overflow:
        return _static(choice.overflow, reason)
    if choice.original:
        return _original(choice.original)
    return _original(reason, _RETRY_MS)


def _by_lease(parts: Parts, tag: Tag, pool: Pool, target: str, got: Lease, choice: Choice) -> Given:
    if not got.number:
        if choice.overflow:
            return _static(choice.overflow, got.outcome)
        return _original(got.outcome, max(_MIN_RETRY_MS, min(_MAX_RETRY_MS, got.wait_ms)))
    count.add("pool", got.outcome)
    return Given(
        number=got.number,
        national=phone.national(got.number),
        lease=parts.sealer.lease(tag.id, got.nonce, got.number, got.started_ms, target_key(tag.id, target)),
        kind="pool",
        protected_ms=got.beat_ms * 3 // 2 + pool.hold_ms,
    )


def _without_ids(catalog: Catalog, tag: Tag, request: LeaseRequest, targets: dict[str, str]) -> LeaseAnswer:
    """No consent: nothing is kept and nobody is known; the source may still have a number of its own."""
    touch = touch_of(tag, request.page.url, request.referrer, request.consent)
    choice = choose(tag, touch, request.consent)
    number = choice.number or choice.overflow
    given = _static(number, "consent") if number else _original("consent")
    numbers = {asked: given if t in tag.targets else _original("unknown_target") for asked, t in targets.items()}
    return LeaseAnswer(None, None, _BEAT_MS, numbers)


def _static(number: str, reason: str | None = None) -> Given:
    count.add("static", reason or "rule")
    return Given(number, phone.national(number), None, "static", reason=reason)


def _original(reason: str, retry_ms: int | None = None) -> Given:
    count.add("original", reason)
    return Given(None, None, None, "original", reason=reason, retry_ms=retry_ms)


def _clean(text: str | None) -> str | None:
    """Without control characters: PostgreSQL refuses NUL, and nobody means one."""
    if not text:
        return None
    return text[:512] if text.isprintable() else "".join(c for c in text[:512] if c.isprintable())


def clean_fields(fields: Any, most: int = FIELDS_MAX) -> dict[str, Any]:
    """The first custom fields or ids that a page told; names and texts short and without control characters.

    A page's author may say anything: what is neither text, number, boolean nor null is left out, for a visitor's number
    must not hang on it.
    """
    if not isinstance(fields, dict):
        return {}
    found: dict[str, Any] = {}
    for label, value in fields.items():
        name = _clean(label[:_NAME_MAX])
        if name and (value is None or isinstance(value, str | int | float)):
            found[name] = (_clean(value[:_VALUE_MAX]) or "") if isinstance(value, str) else _packable(value)
            if len(found) == most:
                break
    return found


def clicks_of(url: str | None, fields: Any, tag: Tag) -> list[Touch]:
    """The paid clicks of an address and of custom fields, of which there may be more than are kept."""
    return late_clicks(url, clean_fields(fields, _LOOKED_AT), frozenset(tag.params))


def _packable(value: float | None) -> float | None:
    """Whole numbers beyond 64 bits as JavaScript has them."""
    if value is None or -(2**63) <= value < 2**63:
        return value
    return float(value) if abs(value) < 1e308 else None
