from hypothesis import given
from hypothesis import strategies as st

from dni.outbound.circuit import FIRST_MS, LONGEST_MS, OPENS_AT, Health, Told, after

AT_MS = 1_790_000_000_000


def failures(count: int, at_ms: int = AT_MS, *, probe: bool = False, after_ms: int = 0) -> list[Told]:
    return [Told(at_ms=at_ms, why="it answered 500", probe=probe, after_ms=after_ms) for _ in range(count)]


def test_it_opens_after_five_failures_in_a_row() -> None:
    nearly = after(Health(), failures(OPENS_AT - 1))
    assert nearly.not_before_ms is None
    opened = after(nearly, failures(1))
    assert opened.failures == OPENS_AT
    assert opened.not_before_ms == AT_MS + FIRST_MS
    assert opened.is_open(AT_MS + FIRST_MS - 1)
    assert not opened.is_open(AT_MS + FIRST_MS)
    assert opened.why == "it answered 500"


def test_one_that_does_not_fail_begins_the_row_anew() -> None:
    told = [*failures(4), Told(at_ms=AT_MS + 1), *failures(4, AT_MS + 2)]
    health = after(Health(), told)
    assert health.not_before_ms is None
    assert health.failures == 4
    assert health.failing_since_ms == AT_MS + 2
    assert health.delivered_ms == AT_MS + 1


def test_what_was_under_way_when_it_opened_does_not_make_it_wait_longer() -> None:
    health = after(Health(), failures(OPENS_AT + 7))
    assert health.not_before_ms == AT_MS + FIRST_MS


def test_each_failed_probe_doubles_the_wait_up_to_five_minutes() -> None:
    health, waits = after(Health(), failures(OPENS_AT)), []
    for _ in range(8):
        at_ms = health.not_before_ms or 0
        health = after(health, failures(1, at_ms, probe=True))
        waits.append((health.not_before_ms or 0) - at_ms)
    assert waits == [10_000, 20_000, 40_000, 80_000, 160_000, LONGEST_MS, LONGEST_MS, LONGEST_MS]
    assert health.failing_since_ms == AT_MS


def test_a_probe_that_is_answered_closes_it() -> None:
    opened = after(Health(), failures(OPENS_AT))
    closed = after(opened, [Told(at_ms=AT_MS + 9_000, probe=True)])
    assert closed == Health(delivered_ms=AT_MS + 9_000, failed_ms=AT_MS, why="it answered 500")


def test_an_answer_that_refuses_one_message_is_an_answer() -> None:
    health = after(Health(delivered_ms=5), [*failures(4), Told(at_ms=AT_MS + 1, delivered=False)])
    assert health.failures == 0
    assert health.delivered_ms == 5


def test_an_endpoint_that_asks_for_rest_gets_it() -> None:
    health = after(Health(), failures(OPENS_AT, after_ms=60_000))
    assert health.not_before_ms == AT_MS + 60_000
    longer = after(Health(), failures(OPENS_AT, after_ms=86_400_000))
    assert longer.not_before_ms == AT_MS + LONGEST_MS


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 10**6)), max_size=40))
def test_it_is_never_open_for_longer_than_five_minutes(steps: list[tuple[bool, bool, int]]) -> None:
    health, at_ms = Health(), AT_MS
    for fails, probe, later_ms in steps:
        at_ms += later_ms
        health = after(health, [Told(at_ms=at_ms, why="no" if fails else None, probe=probe)])
        assert not health.is_open(at_ms + LONGEST_MS)
        assert (health.failures == 0) == (health.failing_since_ms is None)
        assert fails or health.not_before_ms is None
