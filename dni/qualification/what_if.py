"""What changed terms would have made of past calls, beside what was. Reads every call of the time once, in order; a
million of them in seconds. Whatever is about to serve calls does it in a process of its own (`dni.host.errand`)."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, Text, cast, func, null, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.campaign.model import Id
from dni.clock import rfc3339
from dni.ledger import rows
from dni.ledger.engines import Ledger
from dni.ledger.rows import Instant
from dni.ledger.schema import adjustment, call, campaign, number, pool, publisher, session, tag, terms
from dni.money import Money
from dni.qualification.columns import Place
from dni.qualification.judge import look_back_ms
from dni.qualification.model import Dedupe, Terms
from dni.qualification.trial import Compared, Known, Sums, Trial
from dni.settings import Settings

LIGHT = 2_000
_BATCH = 20_000
_TEXTS = ("outcome", "params", "custom")

Tell = Callable[[int, int], None]
"""How many calls are looked at, of how many."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """`publisher`: the terms are in place of the campaign's for its calls. Calls that began from `from_ms` until before
    `to_ms`."""

    campaign: str
    terms: Terms
    publisher: str | None = None
    from_ms: int
    to_ms: int


class Came(msgspec.Struct):
    """What calls come to: `margin` is the revenue less the payout."""

    calls: int
    qualified: int
    payout: Money
    revenue: Money
    margin: Money


class OfPublisher(msgspec.Struct):
    """`publisher` null: calls that are nobody's. `kept`: calls that these terms do not touch, because the publisher has
    terms of its own."""

    publisher: Id | None
    name: str | None
    was: Came
    would_be: Came
    kept: int


class WhatIf(msgspec.Struct, kw_only=True):
    """`was`: as posted, corrections too. `would_be`: by these terms, where nobody put in other amounts by hand; budgets
    are not asked. `publishers`: those whose calls these are, who brings the most revenue first."""

    campaign: Id
    publisher: Id | None
    from_: Instant = msgspec.field(name="from")
    to: Instant
    was: Came
    would_be: Came
    kept: int
    publishers: list[OfPublisher]


async def what_if(ledger: Ledger, tried: Tried, tell: Tell = lambda _done, _all: None) -> WhatIf:
    """Raises NotFound where there is no such campaign or publisher. Holds a batch of rows, and one moment for each
    telephone that rang within the longest time of a `repeat`."""
    async with ledger.snapshot() as connection:
        of = select(campaign).where(campaign.c.id == tried.campaign, campaign.c.deleted_at_ms.is_(None))
        owner = await rows.one(connection, of, f"campaign {tried.campaign}")
        if tried.publisher is not None:
            of = select(publisher.c.id).where(publisher.c.id == tried.publisher, publisher.c.deleted_at_ms.is_(None))
            await rows.one(connection, of, f"publisher {tried.publisher}")
        holidays = frozenset(date.fromisoformat(day) for day in owner["routing"].get("holidays", ()))
        trial = Trial(
            tried.terms, await _known(connection, tried, Place(owner["timezone"], holidays, owner["currency"]))
        )
        await _run(connection, trial, _asked(tried, trial, owner["advertiser"]), tell)
        found = trial.of_publishers()
        named = select(publisher.c.id, publisher.c.name).where(publisher.c.id.in_([each for each in found if each]))
        names = {row.id: row.name for row in await connection.execute(named)}
    return _view(tried, found, names, owner["currency"])


async def is_light(ledger: Ledger, tried: Tried) -> bool:
    """Whether so few calls are looked at that nobody is held up by it: a process of its own takes longer to start."""
    began = call.c.started_at_ms
    within = (began >= tried.from_ms - look_back_ms(tried.terms)) & (began < tried.to_ms)
    some = select(call.c.id).where(within).limit(LIGHT + 1).subquery()
    async with ledger.read() as connection:
        return (await connection.execute(select(func.count()).select_from(some))).scalar_one() <= LIGHT


async def errand(settings: Settings, question: bytes) -> bytes:
    """As `dni.host.errand` runs it: a `Tried` in JSON, a `WhatIf` in JSON."""
    ledger = Ledger(settings.ledger_url)
    try:
        return msgspec.json.encode(await what_if(ledger, msgspec.json.decode(question, type=Tried)))
    finally:
        await ledger.close()


async def _run(connection: AsyncConnection, trial: Trial, asked: ColumnElement[bool], tell: Tell) -> None:
    total = (await connection.execute(select(func.count()).select_from(call).where(asked))).scalar_one()
    done = 0
    tell(done, total)
    names = sorted(trial.needed)
    result = await connection.stream(_rows(names).where(asked).order_by(call.c.started_at_ms, call.c.id))
    async for batch in result.partitions(_BATCH):
        trial.add(dict(zip(names, zip(*batch, strict=True), strict=True)))
        done += len(batch)
        tell(done, total)


def _rows(names: list[str]) -> Select[Any]:
    """JSON as text: most of it is told again and again, so it is read once for all."""
    columns = [session.c.custom if name == "custom" else call.c[name] for name in names]
    query: Select[Any] = select(*[cast(column, Text) if column.name in _TEXTS else column for column in columns])
    if "custom" in names:
        return query.select_from(call).outerjoin(session, session.c.id == call.c.session_id)
    return query


def _asked(tried: Tried, trial: Trial, advertiser: str | None) -> ColumnElement[bool]:
    """The calls that are tried, and those before and beside them that a telephone's later call is held against."""
    within = (call.c.started_at_ms >= tried.from_ms - trial.looks_back_ms) & (call.c.started_at_ms < tried.to_ms)
    own = call.c.campaign_id == tried.campaign
    scope = (tried.terms.dedupe or Dedupe()).scope
    if not trial.looks_back_ms:
        return within & own & (call.c.publisher_id == tried.publisher) if tried.publisher else within & own
    if scope == "destination":
        return within & or_(own, call.c.destination.is_not(None))
    if scope == "advertiser" and advertiser is not None:
        return within & call.c.campaign_id.in_(select(campaign.c.id).where(campaign.c.advertiser == advertiser))
    return within & own


async def _known(connection: AsyncConnection, tried: Tried, place: Place) -> Known:
    its = terms.c.campaign_id == tried.campaign
    versions = select(terms.c.publisher_id, terms.c.from_ms, terms.c.settings.is_not(null()).label("is_own"))
    own_terms: dict[str | None, list[tuple[int, bool]]] = {}
    if tried.publisher is None:
        found = versions.where(its, terms.c.publisher_id.is_not(None)).order_by(terms.c.from_ms, terms.c.created_at_ms)
        for row in await connection.execute(found):
            own_terms.setdefault(row.publisher_id, []).append((row.from_ms, bool(row.is_own)))
    shared = (pool.c.campaign_id == tried.campaign) & pool.c.shared
    numbers = select(number.c.number).join(pool, pool.c.id == number.c.pool_id)
    tags = select(tag.c.id).join(pool, pool.c.id == tag.c.pool_id)
    corrected = (
        select(adjustment.c.call_id, adjustment.c.payout, adjustment.c.revenue)
        .join(call, call.c.id == adjustment.c.call_id)
        .where(call.c.campaign_id == tried.campaign, call.c.started_at_ms.between(tried.from_ms, tried.to_ms - 1))
        .order_by(adjustment.c.at_ms, adjustment.c.id)  # the last one counts
    )
    return Known(
        campaign=tried.campaign,
        from_ms=tried.from_ms,
        publisher=tried.publisher,
        place=place,
        own_terms=own_terms,
        shared_numbers=frozenset(
            (await connection.execute(numbers.where(shared, number.c.retired_at_ms.is_(None)))).scalars()
        ),
        shared_tags=frozenset((await connection.execute(tags.where(shared))).scalars()),
        adjusted={row.call_id: (row.payout, row.revenue) for row in await connection.execute(corrected)},
    )


def _view(tried: Tried, found: dict[str | None, Compared], names: dict[str, str], currency: str) -> WhatIf:
    was, would_be = Sums(), Sums()
    for one in found.values():
        was.add(one.was)
        would_be.add(one.would_be)
    ordered = sorted(found.items(), key=lambda item: (-item[1].would_be.revenue, -item[1].was.calls, item[0] or ""))
    return WhatIf(
        campaign=tried.campaign,
        publisher=tried.publisher,
        from_=rfc3339(tried.from_ms),
        to=rfc3339(tried.to_ms),
        was=_came(was, currency),
        would_be=_came(would_be, currency),
        kept=sum(one.kept for one in found.values()),
        publishers=[
            OfPublisher(
                each,
                names.get(each) if each else None,
                _came(one.was, currency),
                _came(one.would_be, currency),
                one.kept,
            )
            for each, one in ordered
        ],
    )


def _came(sums: Sums, currency: str) -> Came:
    return Came(
        sums.calls,
        sums.qualified,
        Money(sums.payout, currency),
        Money(sums.revenue, currency),
        Money(sums.revenue - sums.payout, currency),
    )
