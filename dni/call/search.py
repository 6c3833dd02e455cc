"""Finds calls for people: within the reader's walls, newest first, callers masked for who may not see them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Select, and_, case, exists, func, literal, not_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.attribution.model import Candidate, undecided
from dni.call import touches
from dni.call.model import STATES
from dni.call.views import AttributionView, CallOutcome, CallView, as_seen
from dni.clock import rfc3339
from dni.errors import Forbidden, InvalidField
from dni.ledger import rows
from dni.ledger.engines import Ledger
from dni.ledger.rows import Instant, instant
from dni.ledger.schema import (
    SUBS,
    call,
    call_event,
    call_touch,
    campaign,
    decision,
    former_attribution,
    session,
    sought,
    sub_id,
    verdict,
)
from dni.money import Money
from dni.qualification.verdicts import qualification
from dni.routing.plan import Passage

_SEARCHED = ("source", "medium", "campaign_name", "keyword", "provider_id", "id")


_TEXTS = ("source", "medium", "campaign_name", "keyword", "content", "channel", *SUBS)
# What only the touch of the caller's visit knows.
_OF_VISIT = ("device", "region")
_OWNERS = ("campaign", "publisher", "tag")

# Filters that an index knows, the one that leaves the fewest first.
_BY_INDEX = ("number", "keyword", "campaign_name", "status", "tag", "source", "medium", "publisher", "campaign")
# Calls that are looked at for one page: a tenth of a second's work.
_LOOKED_AT = 20_000

EXACT_NAMES = _TEXTS
UNSET_NAMES = (*_TEXTS, "landing_page", *_OF_VISIT, *_OWNERS, "number")


class CallFilter(msgspec.Struct, kw_only=True):
    """All that are given must hold. `from_ms` is within, `to_ms` is not; `campaign`, `publisher`, `tag` are ids; texts
    match whole, whatever their case, unless `exact` names them; `landing_page` is told without its query, `number` is
    the tracking number; `device` and `region` are those of the credited visit; `first_time`: no earlier call of this
    telephone to the campaign. `unset` names what must not be known. `q` is found anywhere in the usual columns.
    `qualified` and `billable` false find those too that are not judged; for an advertiser `qualified` is whether the
    call is billed."""

    from_ms: int | None = None
    to_ms: int | None = None
    source: str | None = None
    medium: str | None = None
    campaign_name: str | None = None
    keyword: str | None = None
    content: str | None = None
    channel: str | None = None
    sub1: str | None = None
    sub2: str | None = None
    sub3: str | None = None
    sub4: str | None = None
    sub5: str | None = None
    landing_page: str | None = None
    device: str | None = None
    region: str | None = None
    number: str | None = None
    first_time: bool | None = None
    campaign: str | None = None
    publisher: str | None = None
    tag: str | None = None
    status: str | None = None
    qualified: bool | None = None
    billable: bool | None = None
    answered: bool | None = None
    min_talk_seconds: int | None = None
    min_confidence: float | None = None
    unset: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    q: str | None = None


class FormerAttributionView(msgspec.Struct):
    """What was answered before a call was attributed anew, until then."""

    until: Instant
    session: str | None
    method: str
    confidence: float | None
    candidates: list[Candidate]


class CallTouchView(msgspec.Struct):
    """How a visitor who may have called came, in a visit that began before the call. `confidence`: of his sessions that
    are candidates together; null where none is stated."""

    session: str
    visitor: str
    confidence: float | None
    at: Instant
    tag: str | None
    publisher: str | None
    source: str | None
    medium: str | None
    campaign_name: str | None
    keyword: str | None
    content: str | None
    channel: str | None
    landing_page: str | None
    referrer: str | None
    click_ids: dict[str, str]
    sub1: str | None
    sub2: str | None
    sub3: str | None
    sub4: str | None
    sub5: str | None


class DecisionView(msgspec.Struct):
    """What we answered the carrier, and the way through the campaign's routing that led there. `phase`: `connecting`,
    `menu`, `voicemail`, `rejected` or `over`."""

    at: Instant
    phase: str
    path: list[Passage]


class CallEventView(msgspec.Struct):
    """What a carrier told, as it told it. `fields` is empty for who may not see callers."""

    kind: str
    at: Instant
    received_at: Instant
    fields: dict[str, str]


async def list_calls(
    ledger: Ledger, principal: Principal, only: CallFilter, limit: int, cursor: str | None = None
) -> tuple[list[CallView], str | None]:
    """A page that had to look at many calls may have fewer than `limit`, also none, and still a cursor to go on.

    Raises InvalidField for a cursor that is not of this list and a status that does not exist.
    """
    query, keys = visible_calls(principal).where(*_conditions(only, principal)), (call.c.started_at_ms, call.c.id)
    async with ledger.read() as connection:
        if (among := _among(only, principal)) is None:
            found, after = await rows.page(connection, query, keys, limit, cursor)
        else:
            found, after = await rows.page_looked_for(connection, query, among, keys, limit, cursor, _LOOKED_AT)
        views = await _as_seen(connection, principal, found)
    return views, after


async def one_call(ledger: Ledger, principal: Principal, wanted: str) -> CallView:
    """Raises NotFound, also for a call behind the principal's walls."""
    async with ledger.read() as connection:
        row = await rows.one(connection, visible_calls(principal).where(call.c.id == wanted), f"call {wanted}")
        [view] = await _as_seen(connection, principal, [row])
    return view


async def call_events(ledger: Ledger, principal: Principal, wanted: str) -> list[CallEventView]:
    """In the order of the carrier's own times. Raises NotFound as `one_call` does."""
    async with ledger.read() as connection:
        await rows.one(connection, visible_calls(principal).where(call.c.id == wanted), f"call {wanted}")
        query = select(call_event).where(call_event.c.call_id == wanted)
        found = await connection.execute(query.order_by(call_event.c.at_ms, call_event.c.id))
        return [
            CallEventView(
                kind=row["kind"],
                at=rfc3339(row["at_ms"]),
                received_at=rfc3339(row["received_at_ms"]),
                fields={name: str(value) for name, value in row["fields"].items()} if principal.sees_callers else {},
            )
            for row in found.mappings()
        ]


async def former_attributions(ledger: Ledger, principal: Principal, wanted: str) -> list[FormerAttributionView]:
    """The latest first. Raises NotFound as `one_call` does. Other publishers' sessions are left out as everywhere."""
    async with ledger.read() as connection:
        await rows.one(connection, visible_calls(principal).where(call.c.id == wanted), f"call {wanted}")
        query = select(former_attribution).where(former_attribution.c.call_id == wanted)
        found = (await connection.execute(query.order_by(former_attribution.c.until_ms.desc()))).mappings().all()
        views = [
            FormerAttributionView(
                until=rfc3339(row["until_ms"]),
                session=row["session_id"],
                method=row["method"],
                confidence=row["confidence"],
                candidates=msgspec.convert(row["candidates"] or [], list[Candidate]),
            )
            for row in found
        ]
        own = await _own_sessions(connection, principal, [one.session for view in views for one in view.candidates])
        for view in views:
            view.candidates = [one for one in view.candidates if one.session in own]
            view.session = view.session if view.session in own else None
    return views


async def decisions(ledger: Ledger, principal: Principal, wanted: str) -> list[DecisionView]:
    """In their order. Raises NotFound as `one_call` does, and Forbidden for who does not see destinations."""
    if principal.publisher:
        raise Forbidden("where a call is sent is not for publishers to read")
    async with ledger.read() as connection:
        await rows.one(connection, visible_calls(principal).where(call.c.id == wanted), f"call {wanted}")
        query = select(decision).where(decision.c.call_id == wanted).order_by(decision.c.at_ms, decision.c.id)
        return [
            DecisionView(rfc3339(row["at_ms"]), row["phase"], msgspec.convert(row["path"], list[Passage]))
            for row in (await connection.execute(query)).mappings()
        ]


async def call_touches(ledger: Ledger, principal: Principal, wanted: str) -> list[CallTouchView]:
    """Of all visitors who may have called, in the order of time. Raises NotFound as `one_call` does. Other publishers'
    sessions are left out as everywhere."""
    async with ledger.read() as connection:
        row = await rows.one(connection, visible_calls(principal).where(call.c.id == wanted), f"call {wanted}")
        found = await touches.of_call(connection, dict(row))
    return [
        CallTouchView(
            session=one["session_id"],
            visitor=one["visitor_id"],
            confidence=one["confidence"],
            at=rfc3339(one["at_ms"]),
            tag=one["tag_id"] or None,
            publisher=one["publisher_id"],
            source=one["source"],
            medium=one["medium"],
            campaign_name=one["campaign_name"],
            keyword=one["keyword"],
            content=one["content"],
            channel=one["channel"],
            landing_page=one["landing_page"],
            referrer=one["referrer"],
            click_ids=one["click_ids"] or {},
            **_subs(one["params"]),
        )
        for one in found
        if principal.publisher in (None, one["publisher_id"])
    ]


def same(column: ColumnElement[str], value: str) -> ColumnElement[bool]:
    """Whole and whatever the case; SQLite folds ASCII only, so there other letters match as they are written."""
    text = literal(value)
    # The first is what indexes know.
    return and_(sought(column) == sought(text), func.lower(column) == func.lower(text))


def _among(only: CallFilter, principal: Principal) -> Select[Any] | None:
    """The calls to look at, by one index; None: an index finds just what is asked for."""
    given = {name for name in CallFilter.__struct_fields__ if getattr(only, name) not in (None, ())}
    other = given - {"from_ms", "to_ms"}
    by = next((name for name in _BY_INDEX if name in other), None)
    is_walled = bool(principal.campaign or principal.publisher)
    if not other - {by} and not (by and is_walled):
        return None
    among = select(call.c.started_at_ms).where(walls.calls(principal))
    if by is not None:
        among = among.where(*_conditions(CallFilter(**{by: getattr(only, by)}), principal))
    if only.from_ms is not None:
        among = among.where(call.c.started_at_ms >= only.from_ms)
    if only.to_ms is not None:
        among = among.where(call.c.started_at_ms < only.to_ms)
    return among


def _conditions(only: CallFilter, principal: Principal) -> list[ColumnElement[bool]]:
    if only.status is not None and only.status not in STATES:
        raise InvalidField("/status", f"one of {', '.join(STATES)}")
    conditions = [
        call.c[column] == value
        for column, value in (
            ("campaign_id", only.campaign),
            ("publisher_id", only.publisher),
            ("tag_id", only.tag),
            ("tracking_number", only.number),
            ("status", only.status),
        )
        if value is not None
    ]
    conditions += [
        _told(name) == value if name in only.exact else same(_told(name), value)
        for name in _TEXTS
        if (value := getattr(only, name)) is not None
    ]
    if only.landing_page is not None:
        with_query = f"{only.landing_page}?"
        begins = func.substr(call.c.landing_page, 1, len(with_query)) == with_query
        conditions.append(or_(call.c.landing_page == only.landing_page, begins))
    conditions += [_visit_has(name, value) for name in _OF_VISIT if (value := getattr(only, name)) is not None]
    if only.first_time is not None:
        conditions.append(is_first() if only.first_time else not_(is_first()))
    conditions += [_unset(name) for name in only.unset]
    if only.from_ms is not None:
        conditions.append(call.c.started_at_ms >= only.from_ms)
    if only.to_ms is not None:
        conditions.append(call.c.started_at_ms < only.to_ms)
    if only.min_confidence is not None:
        conditions.append(call.c.confidence >= only.min_confidence)
    if only.answered is not None:
        conditions.append(call.c.answered_at_ms.is_not(None) if only.answered else call.c.answered_at_ms.is_(None))
    if only.min_talk_seconds is not None:
        conditions.append(call.c.talk_s >= only.min_talk_seconds)
    if only.billable is not None:
        conditions.append(call.c.billable.is_(True) if only.billable else call.c.billable.is_not(True))
    if only.qualified is not None:
        counts = call.c.qualified if principal.sees_payout else call.c.billable
        conditions.append(counts.is_(True) if only.qualified else counts.is_not(True))
    if only.q:
        conditions.append(_anywhere(only.q, principal))
    return conditions


def _visit_has(name: str, value: str | None) -> ColumnElement[bool]:
    """The last touch of the credited visitor, as reports count it; `value` None: anything."""
    of_call = and_(call_touch.c.call_id == call.c.id, call_touch.c.visitor_id == call.c.visitor_id)
    known = call_touch.c[name].is_not(None) if value is None else call_touch.c[name] == value
    return exists(select(literal(1)).where(of_call, call_touch.c.last_touch > 0, known))


def _unset(name: str) -> ColumnElement[bool]:
    if name in _OF_VISIT:
        return not_(_visit_has(name, None))
    column = {"number": "tracking_number"}.get(name, f"{name}_id" if name in _OWNERS else name)
    return _told(column).is_(None)


def _told(name: str) -> ColumnElement[str]:
    return sub_id(call, name) if name in SUBS else call.c[name]


def is_first() -> ColumnElement[bool]:
    """The first call of its telephone to its campaign; withheld ones are none."""
    before = call.alias("before")
    earlier = tuple_(before.c.started_at_ms, before.c.id) < tuple_(call.c.started_at_ms, call.c.id)
    of_same = and_(before.c.caller == call.c.caller, before.c.campaign_id == call.c.campaign_id, earlier)
    told = and_(call.c.caller.is_not(None), not_(exists(select(literal(1)).where(of_same))))
    # A forgotten caller's calls, and those after them, keep what they told then.
    return case((call.c.first_time.is_not(None), call.c.first_time), else_=told)


def _anywhere(text: str, principal: Principal) -> ColumnElement[bool]:
    """A reader who may not see callers, or where calls go, may not find calls by them either."""
    found = [func.lower(call.c[name]).contains(text.lower(), autoescape=True) for name in _SEARCHED]
    digits = "".join(char for char in text if char.isdecimal())
    if len(digits) >= 3 and all(char.isdecimal() or char in "+-()./ " for char in text):
        numbers = [call.c.tracking_number]
        if not principal.publisher:
            numbers.append(call.c.destination)
        if principal.sees_callers:
            numbers.append(call.c.caller)
        found += [column.contains(digits, autoescape=True) for column in numbers]
    return or_(*found)


async def _as_seen(connection: AsyncConnection, principal: Principal, found: Sequence[RowMapping]) -> list[CallView]:
    views = [call_view(row) for row in found]
    named = [candidate.session for view in views for candidate in view.attribution.candidates]
    own = await _own_sessions(connection, principal, named)
    return [as_seen(view, principal, own) for view in views]


async def _own_sessions(connection: AsyncConnection, principal: Principal, named: Sequence[str]) -> set[str]:
    """Of these sessions, those within the reader's walls."""
    if not principal.publisher or not named:
        return set(named)
    query = select(session.c.id).where(session.c.id.in_(set(named)), walls.sessions(principal))
    return set((await connection.execute(query)).scalars())


def visible_calls(principal: Principal) -> Select[Any]:
    """Rows of calls with what `call_view` asks of their verdicts and campaigns."""
    judged = (verdict.c.terms_id, verdict.c.told, verdict.c.at_ms.label("judged_at_ms"), campaign.c.currency)
    joined = call.outerjoin(verdict, verdict.c.call_id == call.c.id).outerjoin(
        campaign, campaign.c.id == call.c.campaign_id
    )
    return select(call, *judged).select_from(joined).where(walls.calls(principal))


def call_view(row: RowMapping) -> CallView:
    """All of it."""

    def money(side: str) -> Money | None:
        return Money(row[side], row["currency"]) if row[side] is not None else None

    return CallView(
        id=row["id"],
        carrier=row["carrier_id"],
        provider_id=row["provider_id"],
        started_at=rfc3339(row["started_at_ms"]),
        answered_at=instant(row["answered_at_ms"]),
        ended_at=instant(row["ended_at_ms"]),
        status=row["status"],
        answered=row["answered_at_ms"] is not None,
        duration=row["duration_s"],
        talk_seconds=row["talk_s"],
        caller=row["caller"],
        tracking_number=row["tracking_number"] or None,
        destination=row["destination"],
        campaign=row["campaign_id"],
        publisher=row["publisher_id"],
        tag=row["tag_id"],
        recording_url=row["recording_url"],
        refusal=row["refusal"],
        hung_up_by=row["hung_up_by"],
        keys=row["keys"],
        attestation=row["attestation"],
        phone_type=row["phone_type"],
        source=row["source"],
        medium=row["medium"],
        campaign_name=row["campaign_name"],
        keyword=row["keyword"],
        content=row["content"],
        channel=row["channel"],
        landing_page=row["landing_page"],
        referrer=row["referrer"],
        click_ids=row["click_ids"] or {},
        **_subs(row["params"]),
        outcome=None if row["outcome"] is None else msgspec.convert(row["outcome"], CallOutcome),
        payout=money("payout"),
        revenue=money("revenue"),
        qualification=qualification(row),
        attribution=_attribution(row),
    )


def _subs(params: Mapping[str, str] | None) -> dict[str, str | None]:
    return {name: (params or {}).get(name) for name in SUBS}


def _attribution(row: RowMapping) -> AttributionView:
    candidates = msgspec.convert(row["candidates"] or [], list[Candidate])
    return AttributionView(
        session=row["session_id"],
        visitor=row["visitor_id"],
        method=row["method"],
        confidence=row["confidence"],
        undecided=undecided(candidates),
        candidates=candidates,
    )
