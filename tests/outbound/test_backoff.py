from dni.outbound.backoff import GIVEN_UP_MS, Next, after, pause_ms
from dni.outbound.model import Result

HOUR_MS = 3_600_000


def test_pauses_grow_threefold_from_five_seconds_to_six_hours() -> None:
    longest = [pause_ms(attempts, 1) for attempts in range(1, 12)]
    assert longest[:4] == [5_000, 15_000, 45_000, 135_000]
    assert longest[-1] == 6 * HOUR_MS
    assert longest == sorted(longest)


def test_any_part_of_a_pause_may_be_taken() -> None:
    assert pause_ms(3, 0) == 0
    assert pause_ms(3, 0.5) == 22_500


def test_many_attempts_are_no_trouble() -> None:
    assert pause_ms(10_000, 1) == 6 * HOUR_MS


AT_MS = 1_790_000_000_000


def test_what_was_delivered_or_can_never_be_is_done() -> None:
    assert after(Result("delivered"), 1, AT_MS, AT_MS + 5, 1) == Next("delivered", AT_MS + 5, None)
    assert after(Result("dead", "no such call"), 1, AT_MS, AT_MS + 5, 1) == Next("dead", AT_MS + 5, "no such call")


def test_what_failed_is_tried_again_after_the_pause_or_when_it_was_asked_to() -> None:
    assert after(Result("again", "busy"), 2, AT_MS, AT_MS, 0.5) == Next("waiting", AT_MS + 7_500, "busy")
    assert after(Result("again", "busy", 60_000), 2, AT_MS, AT_MS, 0.5).due_ms == AT_MS + 60_000
    assert after(Result("again", "busy", 1_000), 2, AT_MS, AT_MS, 0.5).due_ms == AT_MS + 7_500


def test_it_is_given_up_after_three_days() -> None:
    assert GIVEN_UP_MS == 72 * HOUR_MS
    assert after(Result("again", "busy"), 20, AT_MS, AT_MS + GIVEN_UP_MS - 1, 1).state == "waiting"
    given_up = after(Result("again", "busy"), 20, AT_MS, AT_MS + GIVEN_UP_MS, 1)
    assert (given_up.state, given_up.why) == ("dead", "given up after 72 hours: busy")
    assert after(Result("delivered"), 20, AT_MS, AT_MS + GIVEN_UP_MS, 1).state == "delivered"
