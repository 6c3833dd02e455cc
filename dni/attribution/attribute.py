"""Credits a call: static numbers by their own source, pooled ones by the sessions that held them.

While a call is answered only Redis is asked, so it works with the ledger locked and the recorder stopped. What Redis
no longer knows, the ledger's leases and sessions may.
"""

import msgspec
from sqlalchemy import select

from dni.attribution.find_holders import find_holders
from dni.attribution.match import match
from dni.attribution.model import Attribution, Found, Holding, Match
from dni.catalog.model import Catalog, Number
from dni.ledger import schema
from dni.parts import Parts
from dni.session.channels import channel_of
from dni.session.model import Touch

# As many former holders as Redis keeps of a number.
_LOOK_BACK = 5


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


async def attribute(parts: Parts, number: Number | None, at_ms: int, ring: str) -> Attribution:
    """Credits a call that rings at `at_ms`, and protects its number. One round trip to Redis, no look at the ledger.

    Method None: to be settled later, for how he came is not in Redis, or Redis forgot leases a short time ago.
    Raises Unavailable `redis_away`. `ring` names the call for its protection.
    """
    catalog = parts.catalog.now
    bound = of_source(number)
    if bound is not None or number is None:
        return bound or Attribution(method="none")
    known = await _in_redis(parts, number, at_ms, ring)
    found = match(known.holdings, at_ms, known.protected_ms)
    credited = _credited(catalog, number, found, found.best.touch if found.best else None)
    if not known.all_known or (found.best is not None and found.best.touch is None):
        return msgspec.structs.replace(credited, method=None)
    return credited


async def attribute_late(parts: Parts, number: Number | None, at_ms: int, ring: str) -> tuple[Attribution, bool]:
    """The same, when there is time: asks the ledger for what Redis does not know. Raises Unavailable.

    False beside it: a session is found, but not yet how it came; the recorder may still be about to write that.
    """
    catalog = parts.catalog.now
    bound = of_source(number)
    if bound is not None or number is None:
        return bound or Attribution(method="none"), True
    known = await _in_redis(parts, number, at_ms, ring)
    holdings = list(known.holdings)
    if not known.all_known or not holdings:
        in_redis = {(one.session, one.started_ms) for one in holdings}
        more = await _in_ledger(parts, number.number, at_ms)
        holdings += (one for one in more if (one.session, one.started_ms) not in in_redis)
    found = match(holdings, at_ms, known.protected_ms)
    if found.best is None:
        return _credited(catalog, number, found, None), True
    touch = found.best.touch or await _touch_of(parts, found.best.session)
    return _credited(catalog, number, found, touch), touch is not None


async def _in_redis(parts: Parts, number: Number, at_ms: int, ring: str) -> Found:
    campaign = parts.catalog.now.campaign_of(number)
    if campaign is None or number.pool is None:
        return Found((), 0, all_known=True)
    return await find_holders(parts.leases, parts.sealer, at_ms, campaign.id, number.pool, number.number, ring)


async def _in_ledger(parts: Parts, number: str, at_ms: int) -> list[Holding]:
    lease, session = schema.lease.c, schema.session.c
    wanted = (
        select(schema.lease, session.visitor_id)
        .outerjoin(schema.session, session.id == lease.session_id)
        .where(lease.number == number, lease.started_at_ms <= at_ms)
        .order_by(lease.started_at_ms.desc())
        .limit(_LOOK_BACK)
    )
    async with parts.ledger.read() as connection:
        rows = (await connection.execute(wanted)).mappings().all()
    return [
        Holding(
            session=row["session_id"],
            visitor=row["visitor_id"] or "",
            tag=row["tag_id"],
            started_ms=row["started_at_ms"],
            sign_ms=row["last_sign_ms"],
            tapped_ms=row["tapped_at_ms"],
            ended_ms=row["ended_at_ms"],
        )
        for row in rows
    ]


async def _touch_of(parts: Parts, session: str) -> Touch | None:
    async with parts.ledger.read() as connection:
        wanted = select(schema.session).where(schema.session.c.id == session)
        row = (await connection.execute(wanted)).mappings().one_or_none()
    if row is None:
        return None
    known = {name: row[name] for name in Touch.__struct_fields__ if row.get(name) is not None}
    return Touch(**known)


def _credited(catalog: Catalog, number: Number, found: Match, touch: Touch | None) -> Attribution:
    best = found.best
    pool = catalog.pools.get(number.pool) if number.pool else None
    tag = catalog.tags.get(best.tag) if best else None
    return Attribution(
        method=found.method,
        touch=touch or Touch(),
        session=best.session if best else None,
        visitor=(best.visitor or None) if best else None,
        tag=best.tag if best else None,
        publisher=tag.publisher if tag else (pool.publisher if pool else number.publisher),
        candidates=found.candidates,
    )
