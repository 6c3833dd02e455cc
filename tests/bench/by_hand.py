"""The attribution report counted by hand: every row of the ledger in plain Python, by the definitions of ReportRow.

Slow, and nothing of dni/report is used but the names of its dimensions.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Select, select

from dni.ledger.engines import Ledger
from dni.ledger.schema import call, call_touch, campaign, lease, session

Row = dict[str, Any]
Key = tuple[Any, ...]
_TOUCH = ("source", "medium", "campaign_name", "keyword", "content", "channel", "landing_page", "device", "region")
_OWNERS = ("campaign_id", "publisher_id", "tag_id")


class Asked(msgspec.Struct, frozen=True):
    """`only`: values that the visit or the call must have, by column; texts whatever their case."""

    names: tuple[str, ...]
    model: str = "last_touch"
    from_ms: int = 0
    to_ms: int = 2**62
    only: dict[str, str] = {}

    def takes(self, owner: Row, touch: Row) -> bool:
        if not self.from_ms <= owner["started_at_ms"] < self.to_ms:
            return False
        return all(
            ((owner if name in _OWNERS else touch).get(name) or "").lower() == value.lower()
            for name, value in self.only.items()
        )


class Counted(msgspec.Struct):
    """In whole calls and seconds, but shared ones."""

    sessions: int = 0
    leased: int = 0
    calls: float = 0.0
    expected_calls: float = 0.0
    first_time_callers: float = 0.0
    answered: float = 0.0
    duration: float = 0.0
    talk_seconds: float = 0.0


class ByHand:
    """Reads sessions once and calls once for all that is asked. A call is shared only among touches that are kept."""

    def __init__(self, ledger: Ledger, asked: Sequence[Asked]) -> None:
        self._ledger = ledger
        self._asked = asked
        self.groups: list[dict[Key, Counted]] = [defaultdict(Counted) for _ in asked]

    async def count(self) -> None:
        zones = {row["id"]: ZoneInfo(row["timezone"]) async for row in self._rows(select(campaign))}
        self._time = _time_of(zones)
        leased = {hash(row["session_id"]) async for row in self._rows(select(lease.c.session_id))}
        columns = [session.c[name] for name in ("id", "started_at_ms", *_OWNERS, *_TOUCH)]
        async for row in self._rows(select(*columns)):
            had = hash(row["id"]) in leased
            for asked, groups in zip(self._asked, self.groups, strict=True):
                if not set(asked.names) & {"number", "first_time"} and asked.takes(row, row):
                    group = groups[self._key(asked, row, row)]
                    group.sessions += 1
                    group.leased += had
        await self._count_calls()
        # A touch that a model gives nothing makes no group.
        self.groups = [{key: one for key, one in of.items() if one != Counted()} for of in self.groups]

    async def _count_calls(self) -> None:
        calls = sorted(
            [row async for row in self._rows(select(call))], key=lambda row: (row["started_at_ms"], row["id"])
        )
        called: set[tuple[str, str]] = set()
        for one in calls:
            who = one["caller"], one["campaign_id"]
            one["first_time"] = one["caller"] is not None and who not in called
            called.add(who)
        touches: dict[str, list[Row]] = defaultdict(list)
        async for row in self._rows(select(call_touch)):
            touches[row["call_id"]].append(row)
        for one in calls:
            self._count_call(one, touches.get(one["id"], []))

    def _count_call(self, one: Row, touches: list[Row]) -> None:
        his = [touch for touch in touches if touch["visitor_id"] == one["visitor_id"]]
        own = {**one, "device": None, "region": None}
        for asked, groups in zip(self._asked, self.groups, strict=True):
            for touch, share in [(touch, touch[asked.model] / 1e6) for touch in his] or [(own, 1.0)]:
                if asked.takes(one, touch):
                    group = groups[self._key(asked, one, touch)]
                    group.calls += share
                    group.first_time_callers += share * one["first_time"]
                    group.answered += share * (one["answered_at_ms"] is not None)
                    group.duration += share * (one["duration_s"] or 0)
                    group.talk_seconds += share * (one["talk_s"] or 0)
            stated = [(t, t[asked.model] / 1e6 * t["confidence"]) for t in touches if t["confidence"] is not None]
            if not touches and (one["session_id"] or one["method"] == "static"):
                stated = [(own, 1.0 if one["confidence"] is None else one["confidence"])]
            for touch, share in stated:
                if asked.takes(one, touch):
                    groups[self._key(asked, one, touch)].expected_calls += share

    def _key(self, asked: Asked, owner: Row, touch: Row) -> Key:
        return tuple(self._value(name, owner, touch) for name in asked.names)

    def _value(self, name: str, owner: Row, touch: Row) -> Any:
        if name in ("campaign", "publisher", "tag"):
            return owner[f"{name}_id"]
        if name in ("day", "weekday", "hour"):
            return self._time(name, owner["campaign_id"], owner["started_at_ms"] // 900_000)
        if name in ("number", "first_time"):
            return owner["tracking_number" if name == "number" else name]
        if name == "landing_page":
            return (touch[name] or "").partition("?")[0] or None
        return touch[name]

    async def _rows(self, wanted: Select[Any]) -> AsyncIterator[Row]:
        async with self._ledger.read() as connection:
            result = await connection.stream(wanted.execution_options(yield_per=20_000))
            async for chunk in result.partitions():
                names = result.keys()
                for row in chunk:
                    yield dict(zip(names, row, strict=True))


def _time_of(zones: dict[str, ZoneInfo]) -> Callable[[str, str | None, int], str | int]:
    @lru_cache(1_000_000)
    def told(name: str, owner: str | None, quarter: int) -> str | int:
        at = datetime.fromtimestamp(quarter * 900, zones.get(owner or "", UTC))
        if name == "day":
            return at.date().isoformat()
        return at.isoweekday() if name == "weekday" else at.hour

    return told
