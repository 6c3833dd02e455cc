"""Real SIP calls through the Kamailio of docs/kamailio: what the ledger holds, and that nothing was sent twice."""

from datetime import datetime
from typing import Any

import pytest

from tests.sip.conftest import (
    ANSWERS,
    BUSY_FIRST,
    CALLER,
    ENDED_THERE,
    GIVEN_UP,
    HANGS_UP,
    IS_BUSY,
    LATE_MS,
    POOL,
    REJECTED,
    RINGS,
    UNANSWERED,
    WITHIN_S,
    Office,
)
from tests.support.sip import Calls, Exchange
from tests.support.until import until

TALK_MS = 2_000


@pytest.fixture(scope="module")
async def rung(office: Office, exchange: Exchange) -> dict[str, tuple[str, str]]:
    """All calls of the first six tests, at once, and over. Of the twenty that speak: number -> source and session."""
    held = {}
    for i in range(20):
        number, session = office.visit(f"source{i}")
        held[number] = (f"source{i}", session)
    with exchange.telephones() as telephones:
        callers = [
            exchange.ring("turned_away", [UNANSWERED]),
            exchange.ring("caller", list(held), lasting_ms=TALK_MS),
            exchange.ring("turned_away", [REJECTED]),
            exchange.ring("caller", [BUSY_FIRST], lasting_ms=500),
            exchange.ring("gives_up", [GIVEN_UP], lasting_ms=700),
            exchange.ring("hears_out", [ENDED_THERE]),
        ]
        for caller in callers:
            went_well(caller.wait())
    went_well(telephones)
    await until(lambda: are_over(office, 25), "every call's end is in the ledger")
    return held


def went_well(calls: Calls) -> None:
    assert not calls.trouble()
    assert (calls.counted("FailedCall"), calls.counted("Retransmissions")) == (0, 0)


def are_over(office: Office, count: int) -> bool:
    calls = office.calls().values()
    return len(calls) == count and all(call["ended_at"] for call in calls)


def apart_ms(call: dict[str, Any], first: str, second: str) -> float:
    span = datetime.fromisoformat(call[second]) - datetime.fromisoformat(call[first])
    return span.total_seconds() * 1000


def told(office: Office, call: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What Kamailio told of the call, in the order of its own times: event, code, who hung up, destination."""
    fields = (event["fields"] for event in office.events(call))
    names = ("event", "sip_code", "hung_up_by", "destination")
    return [tuple(one.get(name) for name in names) for one in fields if "event" in one]


async def test_twenty_calls_are_each_in_the_ledger_with_session_and_talk_time(
    office: Office, rung: dict[str, tuple[str, str]]
) -> None:
    calls = office.calls()
    for number, (source, session) in rung.items():
        call = calls[number]
        assert (call["source"], call["attribution"]["session"]) == (source, session)
        assert (call["status"], call["answered"], call["talk_seconds"]) == ("completed", True, TALK_MS // 1000)
        assert (call["caller"], call["destination"], call["attestation"]) == (CALLER, ANSWERS, "A")
        assert TALK_MS <= apart_ms(call, "answered_at", "ended_at") < TALK_MS + 250
        assert 300 <= apart_ms(call, "started_at", "answered_at") < 1_000
        assert told(office, call) == [
            ("ringing", "180", None, ANSWERS),
            ("answered", "200", None, ANSWERS),
            ("ended", None, "caller", ANSWERS),
        ]


@pytest.mark.usefixtures("rung")
async def test_a_call_that_the_plan_rejects(office: Office) -> None:
    call = office.calls()[REJECTED]
    assert (call["status"], call["answered"], call["destination"]) == ("rejected", False, None)
    assert told(office, call) == [("failed", "603", None, None)]


@pytest.mark.usefixtures("rung")
async def test_busy_and_then_the_next_destination(office: Office) -> None:
    call = office.calls()[BUSY_FIRST]
    assert (call["status"], call["destination"]) == ("completed", ANSWERS)
    assert 500 <= apart_ms(call, "answered_at", "ended_at") < 750
    assert told(office, call) == [
        ("failed", "486", None, IS_BUSY),
        ("ringing", "180", None, ANSWERS),
        ("answered", "200", None, ANSWERS),
        ("ended", None, "caller", ANSWERS),
    ]


@pytest.mark.usefixtures("rung")
async def test_nobody_answers(office: Office) -> None:
    call = office.calls()[UNANSWERED]
    assert (call["status"], call["answered"], call["talk_seconds"]) == ("no_answer", False, 0)
    assert 5_000 <= apart_ms(call, "started_at", "ended_at") < 6_000
    assert told(office, call)[0] == ("ringing", "180", None, RINGS)
    assert told(office, call)[-1][:2] == ("failed", "408")


@pytest.mark.usefixtures("rung")
async def test_the_caller_hangs_up_while_it_rings(office: Office) -> None:
    call = office.calls()[GIVEN_UP]
    assert (call["status"], call["hung_up_by"], call["talk_seconds"]) == ("canceled", "caller", 0)
    assert told(office, call) == [("ringing", "180", None, RINGS), ("failed", "487", "caller", RINGS)]


@pytest.mark.usefixtures("rung")
async def test_the_destination_hangs_up(office: Office) -> None:
    call = office.calls()[ENDED_THERE]
    assert (call["status"], call["hung_up_by"], call["destination"]) == ("completed", "destination", HANGS_UP)
    assert 1_000 <= apart_ms(call, "answered_at", "ended_at") < 1_250


@pytest.mark.usefixtures("rung")
async def test_a_service_that_hangs_holds_up_nobody(office: Office, exchange: Exchange) -> None:
    known = office.calls()
    answered, *given_up = POOL[-9:]  # shown to nobody: numbers are leased from the front
    office.service.freeze()
    with exchange.telephones() as telephones:
        # More than there are processes for SIP, and all while the service is asked.
        impatient = exchange.ring("gives_up_early", given_up, lasting_ms=300, rate=40)
        patient = exchange.ring("caller", [answered], lasting_ms=300)
        went_well(impatient.wait())
        went_well(patient.wait())
    office.service.thaw()
    went_well(telephones)
    await until(lambda: are_over(office, len(known) + 9), "every call's end is in the ledger")
    calls = office.calls()
    for number in given_up:
        assert (calls[number]["status"], calls[number]["hung_up_by"]) == ("canceled", "caller")
        assert 300 <= apart_ms(calls[number], "started_at", "ended_at") < 600
    assert (calls[answered]["status"], calls[answered]["destination"]) == ("completed", ANSWERS)
    ring_ms = apart_ms(calls[answered], "started_at", "answered_at")
    assert WITHIN_S * 1_000 + 300 <= ring_ms < LATE_MS + 800


@pytest.mark.usefixtures("rung")
async def test_the_service_is_away_and_hears_of_the_call_when_it_is_back(office: Office, exchange: Exchange) -> None:
    number, session = office.visit("before-the-outage")
    known = office.calls()
    office.service.stop()
    with exchange.telephones() as telephones:
        went_well(exchange.ring("caller", [number], lasting_ms=300).wait())
    went_well(telephones)
    office.service.start()
    await until(lambda: are_over(office, len(known) + 1), "the call is in the ledger")
    await until(lambda: office.calls()[number]["attribution"] is not None, "the call is credited")
    call = office.calls()[number]
    assert (call["status"], call["destination"], call["caller"]) == ("completed", ANSWERS, CALLER)
    assert (call["source"], call["attribution"]["session"]) == ("before-the-outage", session)
    assert 300 <= apart_ms(call, "answered_at", "ended_at") < 550
