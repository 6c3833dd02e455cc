"""Logs that are made up: right in form, the same for the same seed, and with the traffic that was asked for."""

import re
from collections import Counter

from dni.replay.events import Call, Event, Leave, Log, Visit
from dni.replay.generate import START_MS, Traffic, lines


def read(traffic: Traffic, seed: int = 1) -> list[Event]:
    log = Log()
    events = [log.read(line) for line in lines(traffic, seed)]
    assert log.strangers == 0
    return events


def test_the_seed_makes_the_log() -> None:
    day = Traffic(days=1)
    assert list(lines(day, 1)) == list(lines(day, 1))
    assert list(lines(day, 1)) != list(lines(day, 2))


def test_it_is_the_traffic_that_was_asked_for() -> None:
    events = read(Traffic(days=7))
    counts = Counter(type(event).__name__ for event in events)
    # Four standard deviations of a Poisson count.
    assert abs(counts["Visit"] - 60 * 24 * 7) < 4 * (60 * 24 * 7) ** 0.5
    by_visitors = sum(1 for event in events if isinstance(event, Call) and event.session)
    assert abs(by_visitors - 0.1 * counts["Visit"]) < 4 * (0.1 * counts["Visit"]) ** 0.5
    assert abs(counts["Leave"] - 0.8 * counts["Visit"]) < 4 * (0.16 * counts["Visit"]) ** 0.5
    assert START_MS < events[0].t < events[-1].t < START_MS + 7 * 86_400_000


def test_visits_are_as_long_as_was_asked_for() -> None:
    events = read(Traffic(days=7, visit_seconds=240))
    began = {event.session: event.t for event in events if isinstance(event, Visit)}
    lengths = [event.t - began[event.session] for event in events if isinstance(event, Leave)]
    assert abs(sum(lengths) / len(lengths) - 240_000) < 20_000


def test_some_come_back_as_the_same_visitor_in_a_new_session() -> None:
    visits = [event for event in read(Traffic(days=7)) if isinstance(event, Visit)]
    share = 1 - len({event.visitor for event in visits}) / len(visits)
    assert 0.15 < share < 0.2
    assert len({event.session for event in visits}) == len(visits)


def test_numbers_are_fictional() -> None:
    callers = {event.caller for event in read(Traffic(days=1)) if isinstance(event, Call)}
    assert callers
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d", caller or "") for caller in callers)
