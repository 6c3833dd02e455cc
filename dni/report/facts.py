"""Reads sessions and calls as what reports count of them: for chunks, and where there is no chunk."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, case, exists, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.call.search import is_first
from dni.ledger.schema import KEPT_MODELS, SUBS, call, call_touch, lease, session, sub_id
from dni.ledger.stale import Kind
from dni.report.amounts import verdict
from dni.report.columns import PATH, CallFact, Fact, SessionFact

_WHOLE = (1_000_000,) * len(KEPT_MODELS)
# Of JSON the sub-ids alone, which the engine finds: to read it whole costs more than all the rest.
_OF_CALL = (
    *("id", "started_at_ms", "campaign_id", "publisher_id", "tag_id", *PATH, "landing_page", "tracking_number"),
    *("answered_at_ms", "duration_s", "talk_s", "session_id", "visitor_id", "method", "confidence"),
    *("qualified", "billable", "payout", "revenue"),
)
_OF_TOUCH = ("call_id", "visitor_id", *PATH, "landing_page", "device", "region", "confidence", *KEPT_MODELS)


async def facts(connection: AsyncConnection, kind: Kind, from_ms: int, to_ms: int) -> Sequence[Fact]:
    """Of what began in the stretch (`to_ms` is not within), in the order of time."""
    if kind == "session":
        return await _sessions(connection, from_ms, to_ms)
    return await _calls(connection, from_ms, to_ms)


async def edge(connection: AsyncConnection, kind: Kind, from_ms: int, most: int) -> int | None:
    """When the row began that follows `most` rows from `from_ms` on; None: there are not so many."""
    began = (session if kind == "session" else call).c.started_at_ms
    found = await connection.execute(select(began).where(began >= from_ms).order_by(began).offset(most).limit(1))
    return found.scalar()


async def first(connection: AsyncConnection, kind: Kind, from_ms: int) -> int | None:
    """When the first row from `from_ms` on began."""
    return await edge(connection, kind, from_ms, 0)


async def _sessions(connection: AsyncConnection, from_ms: int, to_ms: int) -> list[SessionFact]:
    of = session.c
    leased = exists(select(literal(1)).where(lease.c.session_id == of.id))
    wanted = (
        select(
            of.started_at_ms,
            of.campaign_id,
            of.publisher_id,
            of.tag_id,
            of.landing_page,
            of.device,
            of.region,
            case((leased, 1), else_=0),
            *(sub_id(session, name) for name in SUBS),
            *(of[name] for name in PATH),
        )
        .where(of.started_at_ms >= from_ms, of.started_at_ms < to_ms)
        .order_by(of.started_at_ms)
    )
    found = (await connection.execute(wanted)).all()
    return [
        SessionFact(
            at_ms,
            (campaign, publisher, tag),
            tuple(rest[len(SUBS) :]),
            (without_query(page), device, region, *rest[: len(SUBS)]),
            bool(is_leased),
        )
        for at_ms, campaign, publisher, tag, page, device, region, is_leased, *rest in found
    ]


async def _calls(connection: AsyncConnection, from_ms: int, to_ms: int) -> list[CallFact]:
    within = and_(call.c.started_at_ms >= from_ms, call.c.started_at_ms < to_ms)
    columns = (*(call_touch.c[name] for name in _OF_TOUCH), *(sub_id(call_touch, name) for name in SUBS))
    asked = select(*columns).join(call, call.c.id == call_touch.c.call_id).where(within)
    touches: dict[str, list[Mapping[Any, Any]]] = defaultdict(list)
    in_order = asked.order_by(call_touch.c.at_ms, call_touch.c.session_id)
    for touch in (await connection.execute(in_order)).mappings().all():
        touches[touch["call_id"]].append(touch)
    own = (*(call.c[name] for name in _OF_CALL), *(sub_id(call, name) for name in SUBS))
    calls = select(*own, case((is_first(), 1), else_=0).label("first")).where(within).order_by(call.c.started_at_ms)
    found = (await connection.execute(calls)).mappings().all()
    return [fact for row in found for fact in of_call(row, touches.get(row["id"], []))]


def of_call(row: Mapping[Any, Any], touches: Sequence[Mapping[Any, Any]]) -> list[CallFact]:
    """`row`: of a call, with `first`; `touches`: those kept with it.

    A call is shared among the touches of the visitor whom it is credited to; without such it is all its own. It is
    expected of all who may have called, each by his probability, else of the credited one; of nobody's not at all.
    """
    credited = {id(touch) for touch in touches if row["visitor_id"] and touch["visitor_id"] == row["visitor_id"]}
    found = []
    for touch in touches:
        is_his, stated = id(touch) in credited, touch["confidence"]
        if stated is None:
            stated = _stated(row) if is_his else 0.0
        place = touch["device"], touch["region"]
        found.append(_fact(row, touch, place, tuple(touch[model] for model in KEPT_MODELS), is_his, stated))
    if not credited:
        somebodys = not touches and (row["session_id"] is not None or row["method"] == "static")
        # Where a visitor was, only his touches know.
        found.append(_fact(row, row, (None, None), _WHOLE, True, _stated(row) if somebodys else 0.0))
    return found


def _stated(row: Mapping[Any, Any]) -> float:
    return 1.0 if row["confidence"] is None else row["confidence"]


def _fact(
    row: Mapping[Any, Any],
    touch: Mapping[Any, Any],
    place: tuple[str | None, str | None],
    shares: tuple[int, ...],
    credited: bool,
    stated: float,
) -> CallFact:
    return CallFact(
        at_ms=row["started_at_ms"],
        owner=(row["campaign_id"], row["publisher_id"], row["tag_id"]),
        path=tuple(touch[name] for name in PATH),
        alone=(without_query(touch["landing_page"]), *place, *(touch[name] for name in SUBS)),
        number=row["tracking_number"],
        first=bool(row["first"]),
        answered=row["answered_at_ms"] is not None,
        duration_s=row["duration_s"] or 0,
        talk_s=row["talk_s"] or 0,
        shares=shares,
        credited=credited,
        stated=stated,
        verdict=verdict(row["qualified"], row["billable"]),
        payout=row["payout"] or 0,
        revenue=row["revenue"] or 0,
    )


def without_query(page: str | None) -> str | None:
    return page.partition("?")[0] if page else page
