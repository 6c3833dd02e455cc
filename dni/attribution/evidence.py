"""What the ledger knows when a call rings: who held its number, how they came and where they were, and whose the
caller's telephone is. A caller waits for it, so it is asked at the driver's speed.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Text, bindparam, select

from dni.attribution.match import MOST_CANDIDATES
from dni.attribution.model import Earlier, Holding
from dni.attribution.returning import LOOKED_AT, last_call
from dni.ledger.engines import Ledger
from dni.ledger.lookup import Steps
from dni.ledger.schema import call, lease, session
from dni.session.model import Touch

_TOUCH = tuple(name for name in Touch.__struct_fields__ if name in session.c)
# The recorder tells a lease's beat to nobody: the shortest, so that who is silent for longer counts as gone.
_BEAT_MS = 20_000
_SLOTS = [f"session{n}" for n in range(MOST_CANDIDATES)]


class Evidence(msgspec.Struct, frozen=True):
    holdings: tuple[Holding, ...]
    earlier: Earlier | None


class Witness:
    """Asks one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        of_session = (session.c.visitor_id, session.c.region, session.c.device, *(session.c[name] for name in _TOUCH))
        at_ms = bindparam("at_ms", type_=BigInteger)
        self._holdings = ledger.lookup(
            select(lease, *of_session)
            .outerjoin(session, session.c.id == lease.c.session_id)
            .where(lease.c.number == bindparam("number", type_=Text), lease.c.started_at_ms <= at_ms)
            .order_by(lease.c.started_at_ms.desc())
            .limit(MOST_CANDIDATES)
        )
        of_call = ("started_at_ms", "tracking_number", "session_id", "visitor_id", "tag_id", "candidates", *_TOUCH)
        self._calls = ledger.lookup(
            select(*(call.c[name] for name in of_call))
            .where(
                call.c.caller == bindparam("caller", type_=Text),
                call.c.campaign_id == bindparam("campaign", type_=Text),
                call.c.started_at_ms < at_ms,
            )
            .order_by(call.c.started_at_ms.desc())
            .limit(LOOKED_AT)
        )
        self._sessions = ledger.lookup(
            select(session.c.id, session.c.tag_id, *of_session).where(
                session.c.id.in_([bindparam(name, type_=Text) for name in _SLOTS])
            )
        )

    async def evidence(self, number: str, at_ms: int, campaign: str | None, caller: str | None) -> Evidence:
        """As the recorder has written it by now. `caller`: E.164, None where withheld. Raises Unavailable."""
        return await self._ledger.look(self._evidence(number, at_ms, campaign, caller))

    def _evidence(self, number: str, at_ms: int, campaign: str | None, caller: str | None) -> Steps[Evidence]:
        held = yield self._holdings, {"number": number, "at_ms": at_ms}
        earlier = (yield from self._earlier(number, at_ms, campaign, caller)) if caller and campaign else None
        return Evidence(tuple(map(_holding, held)), earlier)

    def _earlier(self, number: str, at_ms: int, campaign: str, caller: str) -> Steps[Earlier | None]:
        rows = yield self._calls, {"caller": caller, "campaign": campaign, "at_ms": at_ms}
        calls = {row["started_at_ms"]: row for row in rows if row["candidates"]}
        # Whose the telephone is, the calls' own copies tell.
        last = last_call([_as_earlier(row, {}) for row in calls.values()], number)
        if last is None:
            return None
        row = calls[last.at_ms]
        others = [one["session"] for one in row["candidates"] if one["session"] != row["session_id"]]
        if not others:
            return last
        known = yield self._sessions, dict.fromkeys(_SLOTS) | dict(zip(_SLOTS, others, strict=False))
        return _as_earlier(row, {one["id"]: one for one in known})


def _holding(row: Mapping[str, Any]) -> Holding:
    return Holding(
        session=row["session_id"],
        visitor=row["visitor_id"] or "",
        tag=row["tag_id"],
        started_ms=row["started_at_ms"],
        sign_ms=row["last_sign_ms"],
        left=row["left_at_ms"] is not None and row["left_at_ms"] >= row["last_sign_ms"],
        beat_ms=_BEAT_MS,
        tapped_ms=row["tapped_at_ms"],
        ended_ms=row["ended_at_ms"],
        region=row["region"],
        phone=None if row["device"] is None else row["device"] == "phone",
        touch=_touch(row) if row["visitor_id"] else None,
    )


def _as_earlier(row: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> Earlier:
    at_ms = row["started_at_ms"]
    held = []
    for one in row["candidates"]:
        # The call's own copy stands when the session is long deleted.
        of = row if one["session"] == row["session_id"] else known.get(one["session"])
        if of is None or one["confidence"] is None:
            continue
        holding = Holding(
            session=one["session"],
            visitor=of["visitor_id"] or "",
            tag=of["tag_id"] or "",
            started_ms=at_ms,
            sign_ms=at_ms,
            ended_ms=at_ms,
            touch=_touch(of),
        )
        held.append((holding, one["confidence"]))
    return Earlier(at_ms, row["tracking_number"], tuple(held))


def _touch(row: Mapping[str, Any]) -> Touch:
    return Touch(**{name: row[name] for name in _TOUCH if row[name] is not None})
