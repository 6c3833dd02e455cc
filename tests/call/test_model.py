"""What a call's events come to, told in any order, twice, or not at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dni.call.model import STATES, CallState, Ours, fold
from dni.telephony.model import CallEvent

T = 1_790_000_000_000
DESTINATION = "+14155550199"


def inbound(at: int = 0) -> CallEvent:
    return CallEvent(provider_id="CA1", kind="inbound", identity="inbound", at_ms=T + at * 1000, state="ringing")


def caller(state: str, at: int, seconds: int | None = None, **more: object) -> CallEvent:
    return CallEvent(
        provider_id="CA1",
        kind=state,
        identity=f"c{state}{at}",
        at_ms=T + at * 1000,
        state=state,
        duration_s=seconds,
        **more,  # type: ignore[arg-type]
    )


def leg(state: str, at: int, seconds: int | None = None, leg: str = "CA2", to: str = DESTINATION) -> CallEvent:
    return CallEvent(
        provider_id="CA1",
        kind=f"destination_{state}",
        identity=f"{leg}{state}{at}",
        at_ms=T + at * 1000,
        leg=leg,
        destination=to,
        destination_state=state,
        talk_s=seconds,
    )


# events; status, answered at, ended at (s after the first ring), duration, talk, destination that answered
STORIES = {
    "only announced": ([inbound()], ("ringing", None, None, None, None, None)),
    "destination rings": ([inbound(), leg("ringing", 1)], ("connecting", None, None, None, None, DESTINATION)),
    "talking": ([inbound(), leg("in_progress", 5)], ("in_progress", 5, None, None, None, DESTINATION)),
    "answered and ended": (
        [inbound(), leg("ringing", 1), leg("in_progress", 5), leg("completed", 65, 60), caller("completed", 65, 60)],
        ("completed", 5, 65, 65, 60, DESTINATION),
    ),
    "caller's end never told": (
        [inbound(), leg("in_progress", 5), leg("completed", 65, 60)],
        ("completed", 5, 65, 65, 60, DESTINATION),
    ),
    "answer never told": ([inbound(), leg("completed", 65, 60)], ("completed", 5, 65, 65, 60, DESTINATION)),
    "destination's end never told": (
        [inbound(), leg("in_progress", 5), caller("completed", 65, 60)],
        ("completed", 5, 65, 65, 60, DESTINATION),
    ),
    "only the ring of the destination was told": (
        [inbound(), leg("ringing", 1), caller("completed", 65, 60)],
        ("completed", 5, 65, 65, 60, DESTINATION),
    ),
    "nothing of the destination was told": (
        [inbound(), caller("completed", 65, 60)],
        ("completed", 5, 65, 65, 60, None),
    ),
    "ended without its seconds": ([inbound(), caller("completed", 65)], ("completed", None, 65, 65, None, None)),
    "in progress then ended without seconds": (
        [inbound(), caller("in_progress", 5), caller("completed", 65)],
        ("completed", 5, 65, 65, 60, None),
    ),
    "ended at once": ([inbound(), caller("completed", 20, 0)], ("no_answer", None, 20, 20, 0, None)),
    "no answer": (
        [inbound(), leg("ringing", 1), leg("no_answer", 26), caller("completed", 26, 0)],
        ("no_answer", None, 26, 26, 0, DESTINATION),
    ),
    "busy, though the caller's leg was connected": (
        [inbound(), leg("busy", 2, 0), caller("completed", 9, 8)],
        ("busy", None, 9, 9, 0, DESTINATION),
    ),
    "caller's leg tells busy itself": ([inbound(), caller("busy", 3)], ("busy", None, 3, 3, 0, None)),
    "caller hangs up while it rings": (
        [inbound(), leg("ringing", 1), leg("canceled", 8), caller("canceled", 8)],
        ("canceled", None, 8, 8, 0, DESTINATION),
    ),
    "second destination answers": (
        [
            inbound(),
            leg("busy", 2, leg="CA2"),
            leg("in_progress", 6, leg="CA3", to="+14155550198"),
            leg("completed", 16, 10, leg="CA3", to="+14155550198"),
            caller("completed", 16, 10),
        ],
        ("completed", 6, 16, 16, 10, "+14155550198"),
    ),
    "the dial's own word": (
        [inbound(), caller("completed", 65, 60, leg="CA2", destination_state="completed", talk_s=60)],
        ("completed", 5, 65, 65, 60, None),
    ),
    "the dial's word and the leg's are one": (
        [
            inbound(),
            leg("completed", 65, 60),
            caller("in_progress", 65, leg="CA2", destination_state="completed", talk_s=60),
            caller("completed", 65, 60),
        ],
        ("completed", 5, 65, 65, 60, DESTINATION),
    ),
    "never announced": ([caller("completed", 65, 60)], ("completed", 0, 60, 60, 60, None)),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story(name: str) -> None:
    events, (status, answered, ended, duration, talk, destination) = STORIES[name]
    state = fold(events)
    since = None if state.answered_ms is None else (state.answered_ms - state.started_ms) // 1000
    until = None if state.ended_ms is None else (state.ended_ms - state.started_ms) // 1000
    assert (state.status, since, until, state.duration_s, state.talk_s, state.destination) == (
        status,
        answered,
        ended,
        duration,
        talk,
        destination,
    )


def test_a_call_that_we_reject_stays_rejected() -> None:
    state = fold([inbound(), caller("busy", 1)], Ours(rejected=True))
    assert (state.status, state.answered_ms, state.talk_s) == ("rejected", None, 0)
    assert fold([inbound()], Ours(rejected=True)).ended_ms == T


def test_who_hangs_up_while_it_rings_is_the_caller() -> None:
    assert fold([inbound(), caller("canceled", 8)]).hung_up_by == "caller"


def test_the_carriers_whole_seconds_never_put_an_end_before_the_beginning() -> None:
    state = fold([inbound(1), leg("in_progress", 0), leg("completed", 0, 0), caller("completed", 0, 0)])
    assert (state.started_ms, state.answered_ms, state.ended_ms, state.duration_s) == (T + 1000,) * 3 + (0,)


any_state = st.sampled_from([None, *(name for name, state in STATES.items() if state.of_leg)])
any_seconds = st.none() | st.integers(0, 600)
any_event = st.builds(
    CallEvent,
    provider_id=st.just("CA1"),
    kind=st.sampled_from(["inbound", "ringing", "other"]),
    identity=st.uuids().map(str),
    at_ms=st.integers(T, T + 600_000),
    state=any_state,
    duration_s=any_seconds,
    leg=st.sampled_from([None, "CA2", "CA3"]),
    destination=st.sampled_from([None, DESTINATION, "+14155550198"]),
    destination_state=any_state,
    talk_s=any_seconds,
    recording_url=st.sampled_from([None, "https://x.example/1", "https://x.example/2"]),
)


@settings(max_examples=500, deadline=None)
@given(events=st.lists(any_event, min_size=1, max_size=8), order=st.lists(st.integers(0, 7), max_size=8))
def test_order_and_repetition_do_not_matter(events: list[CallEvent], order: list[int]) -> None:
    told = [events[at % len(events)] for at in order] + events[::-1]
    for ours in (Ours(), Ours(rejected=True), Ours("menu", spoke=True), Ours("voicemail", True), Ours(given_up_ms=T)):
        assert fold(told, ours) == fold(events, ours)


@settings(max_examples=500, deadline=None)
@given(events=st.lists(any_event, min_size=1, max_size=8))
def test_any_set_of_events_is_a_call_that_could_be(events: list[CallEvent]) -> None:
    state: CallState = fold(events)
    assert (state.ended_ms is None) == (not STATES[state.status].ends)
    if state.ended_ms is None:
        assert state.duration_s is None
        assert state.talk_s is None
    else:
        assert state.started_ms <= state.ended_ms
        assert state.duration_s is not None
        assert state.talk_s is None or 0 <= state.talk_s <= state.duration_s
    if state.answered_ms is not None:
        assert state.started_ms <= state.answered_ms <= (state.ended_ms or state.answered_ms)
        assert state.status in ("in_progress", "completed")
