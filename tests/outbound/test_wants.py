"""An endpoint is told what it asks for, a conversion once, and what changes of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from dni.outbound import wants
from dni.outbound.kinds import KINDS
from dni.outbound.model import TYPES, Kind, Only
from dni.outbound.wants import Asks, Near, Seen, Standing

TELLS, CONVERTS = KINDS["webhook"], replace(KINDS["postback"], adjusts=False)
ADJUSTS = replace(CONVERTS, adjusts=True)
COUNTS, COUNTS_NOT = Standing(qualified=True, billable=True), Standing()
SEEN = Seen(
    campaign="cmp_1",
    publisher="pub_1",
    standing=COUNTS,
    answered=True,
    talk_seconds=60,
    confidence=0.8,
    directed="end_2",
)


def asks(kind: Kind = TELLS, **what: Any) -> Asks:
    return Asks(**{"id": "end_1", "kind": kind, "types": frozenset(TYPES), **what})


@pytest.mark.parametrize(
    ("what", "is_told"),
    [
        ({}, True),
        ({"types": frozenset({"call.qualified"})}, True),
        ({"types": frozenset({"call.started", "call.corrected"})}, False),
        ({"types": frozenset()}, False),
        ({"campaign": "cmp_1"}, True),
        ({"campaign": "cmp_2"}, False),
        ({"publisher": "pub_1"}, True),
        ({"publisher": "pub_2"}, False),
        ({"campaign": "cmp_1", "publisher": "pub_2"}, False),
        ({"only": Only(qualified=True)}, True),
        ({"only": Only(qualified=False)}, False),
        ({"only": Only(billable=True, answered=True)}, True),
        ({"only": Only(billable=True, answered=False)}, False),
        ({"only": Only(min_talk_seconds=60)}, True),
        ({"only": Only(min_talk_seconds=61)}, False),
        ({"only": Only(min_confidence=0.8)}, True),
        ({"only": Only(min_confidence=0.81)}, False),
    ],
)
def test_what_is_asked_for_is_told(what: dict[str, Any], is_told: bool) -> None:
    for kind, action in ((TELLS, "tell"), (CONVERTS, "convert")):
        assert wants.action(asks(kind, **what), "call.qualified", SEEN, converted=False) == (
            action if is_told else None
        )


@pytest.mark.parametrize(
    ("seen", "only", "is_told"),
    [
        (Seen(), Only(), True),
        (Seen(), Only(qualified=True), False),  # nothing is judged yet
        (Seen(), Only(qualified=False), True),
        (Seen(), Only(min_confidence=0.1), False),  # of a static number none is stated
        (Seen(), Only(min_talk_seconds=1), False),
    ],
)
def test_of_a_call_of_which_little_is_known_little_holds(seen: Seen, only: Only, is_told: bool) -> None:
    assert wants.action(asks(only=only), "call.started", seen, converted=False) == ("tell" if is_told else None)


def test_a_call_that_is_nobodys_is_told_to_who_asks_for_all() -> None:
    assert wants.action(asks(), "call.started", Seen(), converted=False) == "tell"
    assert wants.action(asks(campaign="cmp_1"), "call.started", Seen(), converted=False) is None
    assert wants.action(asks(publisher="pub_1"), "call.started", Seen(), converted=False) is None


@pytest.mark.parametrize(
    ("kind", "what", "converted", "action"),
    [
        (CONVERTS, "call.qualified", False, "convert"),
        (CONVERTS, "call.corrected", False, "convert"),
        (CONVERTS, "call.qualified", True, None),
        (CONVERTS, "call.corrected", True, None),
        (ADJUSTS, "call.qualified", True, None),
        (ADJUSTS, "call.corrected", True, "adjust"),
        (ADJUSTS, "outcome.recorded", True, "adjust"),
        (ADJUSTS, "call.attributed", True, None),
        (TELLS, "call.corrected", False, "tell"),
    ],
)
def test_a_call_is_a_conversion_once(kind: Kind, what: Any, converted: bool, action: str | None) -> None:
    assert wants.action(asks(kind), what, SEEN, converted=converted) == action


def test_who_was_told_of_a_call_that_counts_hears_that_it_does_not() -> None:
    now = replace(SEEN, standing=COUNTS_NOT, former=COUNTS)
    only = Only(qualified=True)
    assert wants.action(asks(only=only), "call.corrected", now, converted=False) == "tell"
    assert wants.action(asks(ADJUSTS, only=only), "call.corrected", now, converted=True) == "adjust"
    assert wants.action(asks(ADJUSTS, only=only), "call.corrected", now, converted=False) is None
    assert wants.action(asks(only=only), "call.corrected", replace(now, former=COUNTS_NOT), converted=False) is None
    assert wants.action(asks(only=Only(billable=True)), "call.corrected", now, converted=False) == "tell"


@pytest.mark.parametrize("kind", [TELLS, CONVERTS])
def test_what_is_no_calls_is_told_whatever_calls_are_asked_for(kind: Kind) -> None:
    asked = asks(kind, only=Only(qualified=True, min_talk_seconds=60))
    assert wants.action(asked, "statement.closed", Seen(publisher="pub_1"), converted=False) == "tell"
    walled = asks(kind, publisher="pub_2")
    assert wants.action(walled, "statement.closed", Seen(publisher="pub_1"), converted=False) is None


@pytest.mark.parametrize("what", wants.DIRECTED)
def test_what_is_one_endpoints_is_told_nobody_else(what: Any) -> None:
    asked = asks(types=frozenset(), campaign="cmp_9", only=Only(qualified=True))
    assert wants.action(asked, what, replace(SEEN, standing=COUNTS_NOT), converted=False) is None
    assert wants.action(replace(asked, id="end_2"), what, SEEN, converted=False) == "tell"


def test_near_to_a_message_are_those_that_may_ask_for_it() -> None:
    owners = [(None, None), ("cmp_1", None), (None, "pub_1"), ("cmp_1", "pub_1"), ("cmp_2", None), ("cmp_1", "pub_2")]
    asking = [Asks(id=f"end_{n}", kind=KINDS["webhook"], campaign=c, publisher=p) for n, (c, p) in enumerate(owners)]

    def ids(**seen: Any) -> list[str]:
        return sorted(asks.id for asks in Near(asking).to(Seen(**seen)))

    assert ids(campaign="cmp_1", publisher="pub_1") == ["end_0", "end_1", "end_2", "end_3"]
    assert ids(campaign="cmp_2") == ["end_0", "end_4"]
    assert ids() == ["end_0"]
