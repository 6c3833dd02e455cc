"""Credits a call: static numbers by their own source, pooled ones by the sessions that held them.

Redis tells who held the number, the ledger where they were, who held it longer ago, and whose the telephone is. A call
waits for the ledger a moment only: with the ledger away it is credited from what Redis knows.
"""

import asyncio
import logging

from msgspec.structs import replace

from dni.attribution.evidence import Evidence
from dni.attribution.find_holders import find_holders
from dni.attribution.match import match
from dni.attribution.model import Attribution, Found, Match
from dni.catalog.model import Catalog, Number
from dni.errors import Unavailable
from dni.parts import Parts
from dni.session.channels import channel_of
from dni.session.model import Touch

log = logging.getLogger("dni.attribution")

# The ledger answers in a millisecond or two. A caller hears nothing while we wait.
_LEDGER_WAIT_S = 0.1
_NOTHING = Evidence((), None)


def of_source(number: Number | None) -> Attribution | None:
    """A number that no session holds: the static one's binding, or nothing. None: it is pooled, ask who held it."""
    if number is None:
        return Attribution(method="none")
    if number.pool is not None:
        return None
    touch = Touch(
        source=number.source,
        medium=number.medium,
        campaign_name=number.campaign_name,
        keyword=number.keyword,
        channel=channel_of(number.source, number.medium, number.campaign_name) if number.source else None,
    )
    return Attribution(method="static", touch=touch, publisher=number.publisher)


async def attribute(
    parts: Parts, number: Number | None, at_ms: int, ring: str, caller: str | None = None
) -> Attribution:
    """Credits a call that rings at `at_ms`, and protects its number. One round trip to Redis, and the ledger beside it.

    Method None: to be settled later, for how he came is not known yet, or Redis forgot leases a short time ago.
    Raises Unavailable `redis_away`. `ring` names the call for its protection; `caller` E.164, None where withheld.
    """
    bound = of_source(number)
    if bound is not None or number is None:
        return bound or Attribution(method="none")
    asked = asyncio.create_task(_in_ledger_soon(parts, number, at_ms, caller))
    try:
        known = await _in_redis(parts, number, at_ms, ring)
    except BaseException:
        asked.cancel()
        raise
    told = await asked
    found = _match(parts, number, at_ms, caller, known, told)
    answer = credited(parts.catalog.now, number, found)
    if not known.all_known or (found.best is not None and found.best.touch is None):
        return replace(answer, method=None)
    return answer


async def attribute_late(
    parts: Parts, number: Number | None, at_ms: int, ring: str, caller: str | None = None
) -> tuple[Attribution, bool]:
    """The same, when there is time. Raises Unavailable, also `ledger_away`.

    False beside it: a session is found, but not yet how it came; the recorder may still be about to write that.
    """
    bound = of_source(number)
    if bound is not None or number is None:
        return bound or Attribution(method="none"), True
    known = await _in_redis(parts, number, at_ms, ring)
    found = _match(parts, number, at_ms, caller, known, await _in_ledger(parts, number, at_ms, caller))
    return credited(parts.catalog.now, number, found), found.best is None or found.best.touch is not None


async def _in_redis(parts: Parts, number: Number, at_ms: int, ring: str) -> Found:
    campaign = parts.catalog.now.campaign_of(number)
    if campaign is None or number.pool is None:
        return Found((), 0, all_known=True)
    return await find_holders(parts.leases, parts.sealer, at_ms, campaign.id, number.pool, number.number, ring)


async def _in_ledger_soon(parts: Parts, number: Number, at_ms: int, caller: str | None) -> Evidence:
    try:
        async with asyncio.timeout(_LEDGER_WAIT_S):
            return await _in_ledger(parts, number, at_ms, caller)
    except (Unavailable, TimeoutError) as error:
        log.debug("a call is credited without the ledger: %s", error)
        return _NOTHING


async def _in_ledger(parts: Parts, number: Number, at_ms: int, caller: str | None) -> Evidence:
    campaign = parts.catalog.now.campaign_of(number)
    return await parts.witness.evidence(number.number, at_ms, campaign.id if campaign else None, caller)


def _match(parts: Parts, number: Number, at_ms: int, caller: str | None, known: Found, told: Evidence) -> Match:
    """Of a holder that both know, Redis knows the latest sign, the ledger alone the place, and maybe how he came."""
    holdings = {one.session: one for one in reversed(told.holdings)}
    for one in known.holdings:
        recorded = holdings.get(one.session, one)
        holdings[one.session] = replace(
            one, region=recorded.region, phone=recorded.phone, touch=one.touch or recorded.touch
        )
    assert number.pool is not None
    return match(
        holdings.values(),
        at_ms,
        known.protected_ms,
        number=number.number,
        delay=parts.delays.of(number.pool),
        caller=caller,
        earlier=told.earlier,
    )


def credited(catalog: Catalog, number: Number, found: Match) -> Attribution:
    """The attribution of a call on a pooled number."""
    best = found.best
    pool = catalog.pools.get(number.pool) if number.pool else None
    tag = catalog.tags.get(best.tag) if best else None
    return Attribution(
        method=found.method,
        touch=(best.touch if best else None) or Touch(),
        session=best.session if best else None,
        visitor=(best.visitor or None) if best else None,
        tag=best.tag or None if best else None,
        publisher=tag.publisher if tag else (pool.publisher if pool else number.publisher),
        candidates=found.candidates,
        lessons=found.lessons,
    )
