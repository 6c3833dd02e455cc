"""What a call teaches the model of its pool: every candidate by its probability, never the best for the truth. Pure."""

from dni.attribution.delay import Counts, learn_after, learn_later, learn_tap
from dni.attribution.model import Lessons

_LONGEST_VISIT_MS = 4 * 3_600_000


def learn(counts: Counts, call: Lessons | None) -> None:
    """A call with a tap before it teaches of taps alone; one from a telephone that called before teaches nothing."""
    if call is None or not call.of:
        return
    for lesson in call.of:
        if lesson.state == "tap":
            learn_tap(counts, lesson.delay_ms, lesson.p)
        elif lesson.state == "open":
            counts.open += lesson.p
        elif lesson.state == "open_phone":
            counts.open_phone += lesson.p
        elif lesson.state == "older":
            learn_later(counts, lesson.delay_ms, lesson.p)
        else:
            learn_after(counts, lesson.delay_ms, lesson.p)
        if lesson.home is not None:
            counts.home += lesson.p * lesson.home
            counts.away += lesson.p * (not lesson.home)
    if call.caller_region is not None:
        counts.callers[call.caller_region] = counts.callers.get(call.caller_region, 0.0) + 1
    if call.of[0].state != "tap":
        counts.nobody += call.nobody
        counts.somebody += 1 - call.nobody
    if call.visited_ms is not None:
        counts.visits += 1
        counts.visited_ms += min(call.visited_ms, _LONGEST_VISIT_MS)
    if call.on_phone is not None:
        counts.phones += call.on_phone
        counts.desks += not call.on_phone
