"""Tells all that is held of one visitor or one caller, as one document."""

from typing import Any

import msgspec

from dni.clock import rfc3339
from dni.ledger.rows import Instant
from dni.ledger.schema import verdict
from dni.parts import Parts
from dni.privacy import holders, messages, traces
from dni.privacy.model import Who, told
from dni.privacy.traces import Traces

# Of a call that is credited to a visitor: who called, and what the carrier told of him, is the caller's own.
_OF_CALLER = ("caller", "provider_id", "recording_url", "candidates", "lessons")
# Kept for our own work, and nothing about a person.
_OURS = ("lessons", "touches_kept_ms", "forgot_ms", "first_time")


class ExportView(msgspec.Struct, kw_only=True):
    """All that is held of one visitor or caller. Rows as they are stored, times as RFC 3339.

    visitor     his sessions, the numbers they were shown, copies of their touches with calls, the calls credited to
                him (without who called: that he did is a probability), his part in the answers for other calls, and
                what Redis knows of numbers that he holds or held
                `messages`: which other systems were told of calls that are credited to him
    caller      his calls with all that the carrier told, what their terms found, the touches of whom they are credited
                to, and their former answers. `linked`: visitors to whom his calls are credited, with the highest
                confidence; they may be him
    """

    kind: str
    visitors: list[str]
    caller: str | None
    at: Instant
    sessions: list[dict[str, Any]]
    leases: list[dict[str, Any]]
    touches: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    events: list[dict[str, Any]]
    candidates: list[dict[str, Any]]
    former_attributions: list[dict[str, Any]]
    holders: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    linked: dict[str, float | None]


async def export(parts: Parts, who: Who) -> ExportView:
    """Raises Unavailable, of a visitor also when Redis is away."""
    async with parts.ledger.read() as connection:
        found = await traces.of(connection, who)
        sessions = await traces.sessions_of(connection, found)
        leases = await traces.leases_of(connection, found)
        calls = await traces.calls_of(connection, found)
        touches = await traces.touches_of(connection, found)
        former = await traces.former_of(connection, found)
        events = await traces.events_of(connection, found) if found.caller else []
        his = {row["id"] for row in calls if found.caller or traces.is_his(found, row)}
        verdicts = await traces.rows(connection, verdict, verdict.c.call_id, his)
        told_others = await messages.told_of(connection, his)
    if found.caller:
        credited = {row["id"]: row["visitor_id"] for row in calls}
        touches = [row for row in touches if row["visitor_id"] == credited[row["call_id"]]]
    return ExportView(
        kind=who.kind,
        visitors=sorted(found.visitors),
        caller=found.caller,
        at=rfc3339(parts.clock.now_ms()),
        sessions=[told(row) for row in sorted(sessions, key=lambda row: row["started_at_ms"])],
        leases=[told(row) for row in sorted(leases, key=lambda row: row["started_at_ms"])],
        touches=[told(row) for row in sorted(touches, key=lambda row: (row["at_ms"], row["call_id"]))],
        calls=_calls(found, sorted(calls, key=lambda row: row["started_at_ms"])),
        verdicts=[told(_less(row, ("basis",))) for row in sorted(verdicts, key=lambda row: row["call_id"])],
        events=[told(row) for row in sorted(events, key=lambda row: row["received_at_ms"])],
        candidates=[] if found.caller else _candidates(found, calls),
        former_attributions=_former(found, former),
        holders=[] if found.caller else await holders.of(parts, found),
        messages=[told(row) for row in told_others],
        linked=_linked(calls) if found.caller else {},
    )


def _calls(found: Traces, calls: list[Any]) -> list[dict[str, Any]]:
    if found.caller:
        return [told(_less(row, _OURS)) for row in calls]
    return [told(_less(row, (*_OURS, *_OF_CALLER))) for row in calls if traces.is_his(found, row)]


def _candidates(found: Traces, calls: list[Any]) -> list[dict[str, Any]]:
    """The visitor's own part in the answer for each call."""
    return [
        {"call": row["id"], "at": rfc3339(row["started_at_ms"]), **one}
        for row in calls
        for one in traces.his_candidates(found, row)
    ]


def _former(found: Traces, former: list[Any]) -> list[dict[str, Any]]:
    if found.caller:
        return [told(row) for row in former]
    return [
        told(
            {
                "call_id": row["call_id"],
                "until_ms": row["until_ms"],
                "credited": traces.is_his(found, row),
                "candidates": list(traces.his_candidates(found, row)),
            }
        )
        for row in former
    ]


def _linked(calls: list[Any]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for row in calls:
        if row["visitor_id"]:
            found[row["visitor_id"]] = max(found.get(row["visitor_id"]) or 0.0, row["confidence"] or 0.0) or None
    return found


def _less(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
