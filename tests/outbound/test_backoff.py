from dni.outbound.backoff import GIVEN_UP_MS, is_given_up, pause_ms

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


def test_it_is_given_up_after_three_days() -> None:
    assert GIVEN_UP_MS == 72 * HOUR_MS
    assert not is_given_up(1_000, 1_000 + GIVEN_UP_MS - 1)
    assert is_given_up(1_000, 1_000 + GIVEN_UP_MS)
