"""The attribution report: sessions and calls by what brought them."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, exists, func, literal, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.access import walls
from dni.access.model import Principal
from dni.call.search import same
from dni.ledger.engines import Ledger
from dni.ledger.schema import call, call_touch, campaign, lease, session
from dni.report.model import (
    OF_CALL,
    OF_OWNER,
    OF_TIME,
    OF_TOUCH,
    QUARTER_MS,
    ReportFilter,
    ReportRow,
    Sums,
    time_of,
)

_WHOLE = 1_000_000
_TEXTS = ("source", "medium", "keyword", "channel")

Column = ColumnElement[Any]
Key = tuple[Any, ...]


async def attribution(
    ledger: Ledger, principal: Principal, only: ReportFilter, names: tuple[str, ...], model: str, limit: int
) -> list[ReportRow]:
    """Groups by `names` (of DIMENSIONS), those with the most calls first, then with the most sessions. `model`: one of
    MODELS."""
    groups: dict[Key, Sums] = {}
    async with ledger.read() as connection:
        zones = await _zones(connection) if set(names) & set(OF_TIME) else {}
        asked = _Asked(ledger, principal, only, names, model)
        if not set(names) & set(OF_CALL):
            for key, (sessions, leased) in _folded(names, zones, await asked.sessions(connection)):
                group = groups.setdefault(key, Sums())
                group.sessions += sessions
                group.leased += leased
        for key, counts in _folded(names, zones, await asked.calls(connection)):
            group = groups.setdefault(key, Sums())
            calls, first, answered, duration, talk = map(int, counts)
            group.calls += calls
            group.first_time += first
            group.answered += answered
            group.duration += duration
            group.talk += talk
        for key, (expected,) in _folded(names, zones, await asked.expected(connection)):
            groups.setdefault(key, Sums()).expected += float(expected)
    ordered = sorted(groups.items(), key=lambda one: (-one[1].calls, -one[1].sessions, str(one[0])))
    return [sums.row(names, key) for key, sums in ordered[:limit]]


class _Asked:
    """The three queries. Each row: the values of the group, then of what is counted."""

    def __init__(
        self, ledger: Ledger, principal: Principal, only: ReportFilter, names: tuple[str, ...], model: str
    ) -> None:
        self._is_sqlite, self._principal, self._only = ledger.is_sqlite, principal, only
        self._names, self._model = names, model

    async def sessions(self, connection: AsyncConnection) -> Iterable[Any]:
        leased = exists(select(literal(1)).where(lease.c.session_id == session.c.id))
        groups = self._groups({name: session.c[name] for name in OF_TOUCH}, session)
        wanted = (
            select(*groups, func.count(), func.sum(case((leased, 1), else_=0)))
            .where(walls.sessions(self._principal), *self._conditions({n: session.c[n] for n in _TEXTS}, session))
            .group_by(*groups)
        )
        return (await connection.execute(wanted)).all()

    async def calls(self, connection: AsyncConnection) -> Iterable[Any]:
        """Shared among the touches of the credited visitor; without such, all to the call's own."""
        joined = and_(call_touch.c.call_id == call.c.id, call_touch.c.visitor_id == call.c.visitor_id)
        share = cast(self._of_touch(call_touch.c[self._model], literal(_WHOLE)), BigInteger)
        counts = (
            func.sum(share),
            func.sum(case((_is_first(), share), else_=0)),
            func.sum(case((call.c.answered_at_ms.is_not(None), share), else_=0)),
            func.sum(share * func.coalesce(call.c.duration_s, 0)),
            func.sum(share * func.coalesce(call.c.talk_s, 0)),
        )
        return await self._of_calls(connection, joined, counts, true())

    async def expected(self, connection: AsyncConnection) -> Iterable[Any]:
        """Shared among the touches of all who may have called. Where no probability is stated, the credited one's."""
        credited = or_(call_touch.c.call_id.is_(None), call_touch.c.visitor_id == call.c.visitor_id)
        stated = func.coalesce(call_touch.c.confidence, call.c.confidence, 1.0)
        share = self._of_touch(call_touch.c[self._model], literal(_WHOLE)) * stated / float(_WHOLE)
        somebodys = or_(call.c.session_id.is_not(None), call.c.method == "static", call_touch.c.call_id.is_not(None))
        is_his = or_(call_touch.c.confidence.is_not(None), credited)
        joined = call_touch.c.call_id == call.c.id
        return await self._of_calls(connection, joined, (func.sum(share),), somebodys & is_his)

    async def _of_calls(
        self, connection: AsyncConnection, joined: Column, counts: tuple[Column, ...], which: Column
    ) -> Iterable[Any]:
        # Where a visitor was, only his touches know.
        own = {name: call.c[name] if name in call.c else literal(None) for name in OF_TOUCH}
        came = {name: self._of_touch(call_touch.c[name], own[name]) for name in OF_TOUCH}
        groups = self._groups(came, call)
        wanted = (
            select(*groups, *counts)
            .select_from(call.outerjoin(call_touch, joined))
            .where(walls.calls(self._principal), which, *self._conditions({n: came[n] for n in _TEXTS}, call))
            .group_by(*groups)
        )
        return (await connection.execute(wanted)).all()

    @staticmethod
    def _of_touch(kept: Column, own: Column) -> Column:
        return case((call_touch.c.call_id.is_(None), own), else_=kept)

    def _groups(self, came: dict[str, Column], table: Any) -> list[Column]:
        """Times as campaign and quarter of an hour, once for all of them."""
        columns: dict[str, Column] = {
            **came,
            **{name: table.c[f"{name}_id"] for name in OF_OWNER},
            "landing_page": self._page(came["landing_page"]),
        }
        if table is call:
            columns |= {"number": call.c.tracking_number, "first_time": _is_first()}
        plain = [(at, name) for at, name in enumerate(self._names) if name not in OF_TIME]
        found: list[Column] = [columns[name].label(f"g{at}") for at, name in plain]
        if set(self._names) & set(OF_TIME):
            found += [table.c.campaign_id.label("zone"), (table.c.started_at_ms // QUARTER_MS).label("quarter")]
        return found

    def _page(self, url: Column) -> Column:
        if self._is_sqlite:
            return func.substr(url, 1, func.instr(url.op("||")("?"), "?") - 1)
        return func.split_part(url, "?", 1)

    def _conditions(self, texts: dict[str, Column], table: Any) -> list[ColumnElement[bool]]:
        only = self._only
        owners = {name: getattr(only, name) for name in OF_OWNER}
        return [
            table.c.started_at_ms >= only.from_ms,
            table.c.started_at_ms < only.to_ms,
            *(table.c[f"{name}_id"] == value for name, value in owners.items() if value is not None),
            *(same(texts[name], value) for name in _TEXTS if (value := getattr(only, name)) is not None),
        ]


def _is_first() -> Column:
    before = call.alias("before")
    earlier = tuple_(before.c.started_at_ms, before.c.id) < tuple_(call.c.started_at_ms, call.c.id)
    of_same = and_(before.c.caller == call.c.caller, before.c.campaign_id == call.c.campaign_id, earlier)
    return call.c.caller.is_not(None) & ~exists(select(literal(1)).where(of_same))


async def _zones(connection: AsyncConnection) -> dict[str | None, ZoneInfo]:
    found = await connection.execute(select(campaign.c.id, campaign.c.timezone))
    return {None: ZoneInfo("UTC"), **{name: ZoneInfo(zone) for name, zone in found}}


def _folded(
    names: tuple[str, ...], zones: dict[str | None, ZoneInfo], rows: Iterable[Any]
) -> Iterator[tuple[Key, tuple[Any, ...]]]:
    """Each row's group, times as people of its campaign tell them, and what it counts. Groups may come again."""
    plain = [name for name in names if name not in OF_TIME]
    told = lru_cache(100_000)(lambda name, owner, quarter: time_of(name, quarter, zones[owner]))
    width = len(plain) + (2 if len(plain) < len(names) else 0)
    for row in rows:
        values: dict[str, Any] = dict(zip(plain, row, strict=False))
        if "first_time" in values:
            values["first_time"] = bool(values["first_time"])
        for name in names:
            if name in OF_TIME:
                values[name] = told(name, row[width - 2], row[width - 1])
        yield tuple(values[name] for name in names), tuple(value or 0 for value in row[width:])
