"""A call's states, and what its events come to. Pure.

Carriers tell the same event twice, late, out of order, or not at all. So there is no machine that steps from event to
event: a call is the fold of the set of its events, and every answer below is a minimum, a maximum or an "is there one"
over that set. Its order and its repetitions cannot matter.
"""

from collections.abc import Iterable

import msgspec

from dni.telephony.model import CallEvent


class State(msgspec.Struct, frozen=True):
    """`rank`: of two states that were told of one leg, the higher is where it is. `ends`: nothing follows."""

    rank: int
    ends: bool


STATES: dict[str, State] = {
    "ringing": State(0, ends=False),
    "in_progress": State(1, ends=False),
    "canceled": State(2, ends=True),  # the caller hung up while it rang
    "failed": State(3, ends=True),
    "no_answer": State(4, ends=True),
    "busy": State(5, ends=True),
    "completed": State(6, ends=True),  # somebody answered, then one of the two hung up
    "rejected": State(7, ends=True),  # by us
}


class CallState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a call. Times in ms; None: not so, or not known.

    duration_s   first ring to end, known at the end
    talk_s       connected to a destination; 0 for a call that ended unanswered
    """

    status: str
    started_ms: int
    answered_ms: int | None = None
    ended_ms: int | None = None
    duration_s: int | None = None
    talk_s: int | None = None
    hung_up_by: str | None = None
    destination: str | None = None
    recording_url: str | None = None


def fold(events: Iterable[CallEvent], rejected: bool = False) -> CallState:
    """What the events (at least one, in any order, repeated or not) come to. `rejected`: we did not take the call."""
    told = list(events)
    caller = _furthest(e.state for e in told)
    destination = _furthest(e.destination_state for e in told)
    connected_s = _longest(e.duration_s for e in told)
    picked_up = destination in ("in_progress", "completed")
    answered = picked_up or _is_bridged(told, caller, destination, connected_s)
    status = "rejected" if rejected else _status(caller, destination, answered, connected_s)

    started = _started(told)
    ended = _ended(told, caller, status, started)
    talk = _talk_s(told) if picked_up else connected_s
    answered_ms = None
    if answered and not rejected:
        answered_ms = _answered(told, picked_up, ended, talk)
    if answered_ms is not None:
        answered_ms = max(started, answered_ms if ended is None else min(answered_ms, ended))
        if talk is None and ended is not None:
            talk = round((ended - answered_ms) / 1000)
    if not answered or rejected:
        talk = None if status == "completed" else 0
    return CallState(
        status=status,
        started_ms=started,
        answered_ms=answered_ms,
        ended_ms=ended,
        duration_s=None if ended is None else max(round((ended - started) / 1000), connected_s or 0, talk or 0),
        talk_s=None if ended is None else talk,
        hung_up_by="caller" if status == "canceled" else None,
        destination=_answering(told),
        recording_url=max(((e.at_ms, e.recording_url) for e in told if e.recording_url), default=(0, None))[1],
    )


def _furthest(states: Iterable[str | None]) -> str | None:
    return max((s for s in states if s is not None), key=lambda s: STATES[s].rank, default=None)


def _longest(seconds: Iterable[int | None]) -> int | None:
    return max((s for s in seconds if s is not None), default=None)


def _ends(state: str | None) -> bool:
    return state is not None and STATES[state].ends


def _is_bridged(told: list[CallEvent], caller: str | None, destination: str | None, connected_s: int | None) -> bool:
    """The destination's own word is missing: the caller's leg is connected only when the two are bridged."""
    if caller not in ("in_progress", "completed"):
        return False
    if destination is None and any(e.state == "in_progress" for e in told):
        return True
    return caller == "completed" and not _ends(destination) and bool(connected_s)


def _status(caller: str | None, destination: str | None, answered: bool, connected_s: int | None) -> str:
    if caller is not None and _ends(caller):
        if answered:
            return "completed"
        if caller != "completed":
            return caller
        if destination is not None and _ends(destination):
            return destination
        return "no_answer" if connected_s == 0 or destination else "completed"
    if destination == "completed":
        return "completed"
    return "in_progress" if answered or caller == "in_progress" else "ringing"


def _started(told: list[CallEvent]) -> int:
    arrived = [e.at_ms for e in told if e.kind == "inbound"]
    if arrived:
        return min(arrived)
    return min(e.at_ms - 1000 * ((e.duration_s or 0) if _ends(e.state) else 0) for e in told)


def _ended(told: list[CallEvent], caller: str | None, status: str, started: int) -> int | None:
    if not STATES[status].ends:
        return None
    if _ends(caller):
        ends = [e.at_ms for e in told if _ends(e.state)]
        return max(started, min(ends))
    ends = [e.at_ms for e in told if e.destination_state == "completed"]
    return max([started, *ends])


def _talk_s(told: list[CallEvent]) -> int | None:
    """Seconds with all destinations; a leg may be told of twice, by itself and by the caller's leg."""
    legs: dict[str | None, int] = {}
    for e in told:
        if e.talk_s is not None and e.destination_state == "completed":
            legs[e.leg] = max(e.talk_s, legs.get(e.leg, 0))
    if None in legs and len(legs) > 1:
        del legs[None]
    return sum(legs.values()) if legs else None


def _answered(told: list[CallEvent], picked_up: bool, ended: int | None, talk: int | None) -> int | None:
    """From the leg that knows: when it was answered, else its end less its seconds."""
    states = [(e.at_ms, e.destination_state if picked_up else e.state) for e in told]
    moments = [at for at, state in states if state == "in_progress"]
    if moments:
        return min(moments)
    end = min((at for at, state in states if state == "completed"), default=ended)
    return None if end is None or talk is None else end - 1000 * talk


def _answering(told: list[CallEvent]) -> str | None:
    """The destination that got furthest."""
    tried = [
        (STATES[e.destination_state].rank, e.at_ms, e.destination)
        for e in told
        if e.destination and e.destination_state
    ]
    return max(tried)[2] if tried else None
