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
    return held


def went_well(calls: Calls) -> None:
    assert not calls.trouble()
    assert (calls.counted("FailedCall"), calls.counted("Retransmissions")) == (0, 0)


async def whole(office: Office, number: str, events: int) -> dict[str, Any]:
    """The call to that number, when it is over and credited, and so many of Kamailio's events are in the ledger: they
    come in any order."""

    def is_there() -> bool:
        call = office.calls().get(number)
        if not call or not call["ended_at"] or not call["attribution"]["method"]:
            return False
        return len(told(office, call)) >= events

    await until(is_there, f"the call to {number} is over and credited, with {events} events")
    return office.calls()[number]


def apart(call: dict[str, Any], first: str, second: str, ms: int, more_ms: int = 500) -> bool:
    """Whether it was so long between these times of a call, and not much more. Timers of SIP may be a few ms early."""
    span = datetime.fromisoformat(call[second]) - datetime.fromisoformat(call[first])
    return ms - 50 <= span.total_seconds() * 1000 < ms + more_ms


def told(office: Office, call: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What Kamailio told of the call, in the order of its own times: event, code, who hung up, destination."""
    fields = (event["fields"] for event in office.events(call))
    names = ("event", "sip_code", "hung_up_by", "destination")
    return [tuple(one.get(name) for name in names) for one in fields if "event" in one]


async def test_twenty_calls_are_each_in_the_ledger_with_session_and_talk_time(
    office: Office, rung: dict[str, tuple[str, str]]
) -> None:
    for number, (source, session) in rung.items():
        call = await whole(office, number, 3)
        assert (call["source"], call["attribution"]["session"]) == (source, session)
        assert (call["status"], call["answered"], call["talk_seconds"]) == ("completed", True, TALK_MS // 1000)
        assert (call["caller"], call["destination"], call["attestation"]) == (CALLER, ANSWERS, "A")
        assert apart(call, "answered_at", "ended_at", TALK_MS)
        assert apart(call, "started_at", "answered_at", 300)
        assert told(office, call) == [
            ("ringing", "180", None, ANSWERS),
            ("answered", "200", None, ANSWERS),
            ("ended", None, "caller", ANSWERS),
        ]


@pytest.mark.usefixtures("rung")
async def test_a_call_that_the_plan_rejects(office: Office) -> None:
    call = await whole(office, REJECTED, 1)
    assert (call["status"], call["answered"], call["destination"]) == ("rejected", False, None)
    assert told(office, call) == [("failed", "603", None, None)]


@pytest.mark.usefixtures("rung")
async def test_busy_and_then_the_next_destination(office: Office) -> None:
    call = await whole(office, BUSY_FIRST, 4)
    assert (call["status"], call["destination"]) == ("completed", ANSWERS)
    assert apart(call, "answered_at", "ended_at", 500)
    assert told(office, call) == [
        ("failed", "486", None, IS_BUSY),
        ("ringing", "180", None, ANSWERS),
        ("answered", "200", None, ANSWERS),
        ("ended", None, "caller", ANSWERS),
    ]


@pytest.mark.usefixtures("rung")
async def test_nobody_answers(office: Office) -> None:
    call = await whole(office, UNANSWERED, 3)
    assert (call["status"], call["answered"], call["talk_seconds"]) == ("no_answer", False, 0)
    assert apart(call, "started_at", "ended_at", 5_000)
    assert told(office, call) == [
        ("ringing", "180", None, RINGS),
        ("failed", "408", None, RINGS),
        ("failed", "408", None, None),
    ]


@pytest.mark.usefixtures("rung")
async def test_the_caller_hangs_up_while_it_rings(office: Office) -> None:
    call = await whole(office, GIVEN_UP, 2)
    assert (call["status"], call["hung_up_by"], call["talk_seconds"]) == ("canceled", "caller", 0)
    assert told(office, call) == [("ringing", "180", None, RINGS), ("failed", "487", "caller", RINGS)]


@pytest.mark.usefixtures("rung")
async def test_the_destination_hangs_up(office: Office) -> None:
    call = await whole(office, ENDED_THERE, 3)
    assert (call["status"], call["hung_up_by"], call["destination"]) == ("completed", "destination", HANGS_UP)
    assert apart(call, "answered_at", "ended_at", 1_000)


@pytest.mark.usefixtures("rung")
async def test_a_service_that_hangs_holds_up_nobody(office: Office, exchange: Exchange) -> None:
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
    for number in given_up:
        call = await whole(office, number, 1)
        assert (call["status"], call["hung_up_by"]) == ("canceled", "caller")
        assert apart(call, "started_at", "ended_at", 300)
    call = await whole(office, answered, 3)
    assert (call["status"], call["destination"]) == ("completed", ANSWERS)
    assert apart(call, "started_at", "answered_at", WITHIN_S * 1_000 + 300, LATE_MS - WITHIN_S * 1_000 + 500)


@pytest.mark.usefixtures("rung")
async def test_the_service_is_away_and_hears_of_the_call_when_it_is_back(office: Office, exchange: Exchange) -> None:
    number, session = office.visit("before-the-outage")
    office.service.stop()
    with exchange.telephones() as telephones:
        went_well(exchange.ring("caller", [number], lasting_ms=300).wait())
    went_well(telephones)
    office.service.start()
    call = await whole(office, number, 3)
    assert (call["status"], call["destination"], call["caller"]) == ("completed", ANSWERS, CALLER)
    assert (call["source"], call["attribution"]["session"]) == ("before-the-outage", session)
    assert apart(call, "answered_at", "ended_at", 300)
