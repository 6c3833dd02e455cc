"""A call's states, and what its events come to. Pure.

Carriers tell the same event twice, late, out of order, or not at all. So there is no machine that steps from event to
event: a call is the fold of the set of its events, and every answer below is a minimum, a maximum or an "is there one"
over that set. Its order and its repetitions cannot matter.
"""

from collections.abc import Iterable

import msgspec

from dni.telephony.model import CallEvent


class State(msgspec.Struct, frozen=True):
    """`rank`: of two states that were told of one leg, the higher is where it is. `ends`: nothing follows. `of_leg`:
    a leg may be in it; the others are a whole call's."""

    rank: int
    ends: bool
    of_leg: bool = True


STATES: dict[str, State] = {
    "ringing": State(0, ends=False),
    "menu": State(1, ends=False, of_leg=False),  # the caller hears us: a menu, or a voicemail's greeting
    "connecting": State(2, ends=False, of_leg=False),  # a destination rings
    "in_progress": State(3, ends=False),
    "canceled": State(4, ends=True),  # the caller hung up before anybody answered
    "failed": State(5, ends=True),
    "no_answer": State(6, ends=True),
    "busy": State(7, ends=True),
    "completed": State(8, ends=True),  # somebody answered, then one of the two hung up
    "voicemail": State(9, ends=True, of_leg=False),  # nobody answered, and the caller left a message
    "rejected": State(10, ends=True, of_leg=False),  # by us
}
_LONGEST_TALK_MS, _LONGEST_RING_MS = (4 * 60 + 10) * 60_000, 30 * 60_000
ANSWERED = ("in_progress", "completed")


class Ours(msgspec.Struct, frozen=True):
    """What we did with a call, beside what the carrier tells of it.

    phase     of our last decision: `connecting`, `menu`, `voicemail`, `rejected`, `over`; None: no plan was asked
    spoke     we took the call ourselves: that the caller's leg is connected does not mean that somebody answered
    rejected  we did not take it at all
    given_up_ms  when we stopped waiting for its end, which nobody told
    """

    phase: str | None = None
    spoke: bool = False
    rejected: bool = False
    given_up_ms: int | None = None


class Leg(msgspec.Struct, frozen=True):
    """The way to one destination. `heard_ms`: when the carrier last told of it. Times of the carrier, in ms."""

    number: str | None
    state: str
    heard_ms: int
    answered_ms: int | None
    ended_ms: int | None


class CallState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a call. Times in ms; None: not so, or not known.

    duration_s   first ring to end, known at the end
    talk_s       connected to a destination; 0 for a call that ended unanswered
    keys         what the caller pressed, in order
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
    keys: str | None = None
    attestation: str | None = None
    phone_type: str | None = None


def fold(events: Iterable[CallEvent], ours: Ours = Ours()) -> CallState:  # noqa: B008  frozen
    """What the events (at least one, in any order, repeated or not) come to."""
    told = list(events)
    caller = _furthest(e.state for e in told)
    tried = legs(told)
    destination = _of_all(tried, over=_ends(caller))
    connected_s = _longest(e.duration_s for e in told)
    picked_up = destination in ANSWERED
    answered = picked_up or (not ours.spoke and _is_bridged(told, caller, destination, connected_s))
    status = _status(told, caller, destination, answered, connected_s, ours)
    is_given_up = not STATES[status].ends and ours.given_up_ms is not None
    if is_given_up:
        status = "completed" if answered else "no_answer"

    started = _started(told)
    ended = _last_heard(told, started) if is_given_up else _ended(told, caller, status, started)
    talk = _talk_s(told) if picked_up else connected_s
    answered_ms = None
    if answered and status != "rejected":
        answered_ms = _answered(told, picked_up, ended, talk)
    if answered_ms is not None:
        answered_ms = max(started, answered_ms if ended is None else min(answered_ms, ended))
        if talk is None and ended is not None and not is_given_up:
            talk = round((ended - answered_ms) / 1000)
    if not answered or status == "rejected":
        talk = None if status == "completed" else 0
    return CallState(
        status=status,
        started_ms=started,
        answered_ms=answered_ms,
        ended_ms=ended,
        duration_s=None if ended is None else max(round((ended - started) / 1000), connected_s or 0, talk or 0),
        talk_s=None if ended is None else talk,
        hung_up_by="caller" if status == "canceled" else _last_told(told, "hung_up_by"),
        destination=_answering(tried),
        recording_url=_last_told(told, "recording_url"),
        keys="".join(keys for _, _, keys in sorted({(e.at_ms, e.identity, e.keys) for e in told if e.keys})) or None,
        attestation=_last_told(told, "attestation"),
        phone_type=_last_told(told, "phone_type"),
    )


def longest_ms(status: str) -> int:
    """So long may nothing be told of a call in this state; then its end must have been lost.

    Carriers end a call after four hours, as we tell them; nobody lets it ring, or a menu talk, for half an hour.
    """
    return _LONGEST_TALK_MS if status == "in_progress" else _LONGEST_RING_MS


def legs(told: Iterable[CallEvent]) -> list[Leg]:
    """Each way to a destination, known by its own id, else by its number. The carrier's word on all of them together,
    which names none, is one too."""
    by_leg: dict[str, list[CallEvent]] = {}
    for e in told:
        if e.destination_state is not None:
            by_leg.setdefault(e.leg or e.destination or "", []).append(e)
    return [_leg(its) for its in by_leg.values()]


def _leg(told: list[CallEvent]) -> Leg:
    state = _furthest(e.destination_state for e in told)
    assert state is not None
    ends = [e.at_ms for e in told if _ends(e.destination_state)]
    return Leg(
        number=max((e.destination for e in told if e.destination), default=None),
        state=state,
        heard_ms=max(e.at_ms for e in told),
        answered_ms=min((e.at_ms for e in told if e.destination_state == "in_progress"), default=None),
        ended_ms=min(ends) if ends else None,
    )


def _of_all(tried: list[Leg], *, over: bool) -> str | None:
    """Where the way to the destinations is, all in all. `over`: the caller is gone, so none still rings."""
    if not tried:
        return None
    talking = max((leg.heard_ms for leg in tried if leg.state == "in_progress"), default=None)
    talked = max((leg.heard_ms for leg in tried if leg.state == "completed"), default=None)
    if talking is not None or talked is not None:
        return "completed" if talked is not None and (talking is None or talking <= talked) else "in_progress"
    ended = [(leg.heard_ms, STATES[leg.state].rank, leg.state) for leg in tried if leg.ended_ms is not None]
    if not ended or (not over and len(ended) < len(tried)):
        return "ringing"
    return max(ended)[2]


def _last_told(told: list[CallEvent], name: str) -> str | None:
    said = [(e.at_ms, getattr(e, name)) for e in told if getattr(e, name)]
    return max(said)[1] if said else None


def _last_heard(told: list[CallEvent], started: int) -> int:
    return max(started, *(e.at_ms for e in told))


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


def _status(
    told: list[CallEvent],
    caller: str | None,
    destination: str | None,
    answered: bool,
    connected_s: int | None,
    ours: Ours,
) -> str:
    if ours.rejected or ours.phase == "rejected":
        return "rejected"
    if caller is not None and _ends(caller):
        if answered:
            return "completed"
        if ours.phase == "voicemail" and any(e.kind == "recorded" or e.recording_url for e in told):
            return "voicemail"
        if caller != "completed":
            return caller
        if destination is not None and _ends(destination):
            return destination
        if ours.spoke:
            return "canceled"
        return "no_answer" if connected_s == 0 or destination else "completed"
    if destination == "completed":
        return "completed"
    if answered:
        return "in_progress"
    if ours.phase in ("menu", "voicemail"):
        return "menu"
    if destination is not None or (ours.spoke and ours.phase == "connecting"):
        return "connecting"
    return "in_progress" if caller == "in_progress" and not ours.spoke else "ringing"


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


def _answering(tried: list[Leg]) -> str | None:
    """The destination that answered, else the last one that was tried."""
    named = [(leg.state in ANSWERED, leg.heard_ms, STATES[leg.state].rank, leg.number) for leg in tried if leg.number]
    return max(named)[3] if named else None
