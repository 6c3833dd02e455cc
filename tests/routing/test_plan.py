"""The way of a call through its campaign's steps: by tables, and what holds for every plan."""

from collections import Counter
from datetime import date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dni.errors import InvalidField
from dni.routing.conditions import Earlier, Facts, Now, holds
from dni.routing.lots import draw
from dni.routing.model import MOST_STEPS, Ask, Condition, Refuse, Routing, TakeMessage, checked
from dni.routing.plan import OWN, Heard, Move, Over, Place, Ringing, Target, move, packed, unpacked
from dni.session.model import Touch

OWN_PHONE = "+14155550199"
DAY_MS = 86_400_000
MONDAY = datetime(2026, 11, 30, 10, 0)  # noqa: DTZ001  a wall clock


def now(name: str, **more: Any) -> Now:
    return Now(**{"id": f"dst_{name}", "name": name.title(), "number": f"+1415555011{len(name) % 10}", **more})


FACTS = Facts(
    call="car_1|CA1",
    at_ms=100 * DAY_MS,
    local=MONDAY,
    caller="+14155550142",
    region="US-CA",
    country="US",
    touch=Touch(source="google", medium="cpc", campaign_name="Spring", keyword="plumber"),
    publisher="pub_1",
    custom={"plan": "Gold"},
    earlier=Earlier(98 * DAY_MS, {10: 3}),
    destinations={f"dst_{name}": now(name) for name in ("a", "bb", "ccc")},
    holidays=frozenset({date(2026, 12, 25)}),
    blocked=frozenset({"+14155550166"}),
)


def routing(*steps: dict[str, Any], **more: Any) -> Routing:
    named = [{"id": f"s{n}", **step} for n, step in enumerate(steps)]
    return checked(msgspec.convert({"steps": named, **more}, Routing))


def connect(*names: str, **more: Any) -> dict[str, Any]:
    return {"do": "connect", "destinations": [{"destination": f"dst_{name}"} for name in names], **more}


MENU = {"do": "menu", "prompt": {"text": "Sales 1, service 2"}, "keys": {"1": "Sales", "2": "Service"}, "repeats": 1}
SORRY = {"do": "message", "prompt": {"text": "We are closed."}}


def rung(made: Move) -> list[str]:
    assert isinstance(made.then, Ringing), made
    return [target.id or OWN for target in made.then.targets]


def begin(plan: Routing, facts: Facts = FACTS) -> Move:
    return move(plan, facts, OWN_PHONE, Place())


def go_on(plan: Routing, made: Move, facts: Facts = FACTS, **heard: Any) -> Move:
    return move(plan, facts, OWN_PHONE, made.place, Heard(**heard))


def test_without_steps_a_call_goes_to_the_campaigns_own_destination() -> None:
    made = begin(Routing())
    assert made.then == Ringing(targets=(Target(None, OWN_PHONE),), ring_s=25, is_last=True)
    assert isinstance(go_on(Routing(), made).then, Over)


CONDITIONS: list[tuple[dict[str, Any], bool, str]] = [
    ({}, True, ""),
    ({"hours": "Mo 09:00-17:00"}, True, "it is Mon 10:00, within Mo 09:00-17:00"),
    ({"hours": "Tu 09:00-17:00"}, False, "it is Mon 10:00, outside Tu 09:00-17:00"),
    ({"holiday": True}, False, "30 Nov is no holiday"),
    ({"holiday": False}, True, "30 Nov is no holiday"),
    ({"regions": ["US-NV", "US-CA"]}, True, "the caller's region is US-CA"),
    ({"regions": ["US-NV"]}, False, "the caller's region is US-CA"),
    ({"countries": ["CA"]}, False, "the caller's country is US"),
    ({"phone_types": ["mobile"]}, False, "the phone's type is not known"),
    ({"first_time": True}, False, "the last call was 2 days ago"),
    ({"first_time": True, "within_days": 1}, True, "the last call was 2 days ago"),
    ({"first_time": False, "within_days": 1}, False, "the last call was 2 days ago"),
    ({"first_time": False}, True, "the last call was 2 days ago"),
    ({"anonymous": True}, False, "the caller's number is known"),
    ({"blocked": True}, False, "the caller is not on the block list"),
    ({"more_than": {"calls": 2, "minutes": 10}}, True, "the caller rang 3 times within 10 minutes"),
    ({"more_than": {"calls": 3, "minutes": 10}}, False, "the caller rang 3 times within 10 minutes"),
    ({"sources": ["Google"]}, True, "source is google"),
    ({"mediums": ["organic"]}, False, "medium is cpc"),
    ({"campaign_names": ["spring"], "keywords": ["PLUMBER"]}, True, "campaign name is Spring; keyword is plumber"),
    ({"publishers": ["pub_2"]}, False, "the publisher is not one of those named"),
    ({"custom": {"plan": "gold"}}, True, "plan is 'Gold'"),
    ({"custom": {"size": "9"}}, False, "size is not known"),
    ({"available": ["dst_a"]}, True, "A takes calls"),
    ({"share": 1.0}, True, ""),
    ({"share": 0.0}, False, ""),
]


@pytest.mark.parametrize(("condition", "held", "why"), CONDITIONS)
def test_a_condition_holds_or_not_and_says_why(condition: dict[str, Any], held: bool, why: str) -> None:
    found = holds(msgspec.convert(condition, Condition), FACTS, {}, "s0")
    assert found[0] is held
    if why:
        assert found[1] == why


@pytest.mark.parametrize(
    "condition", [c for c, *_ in CONDITIONS if set(c) - {"hours", "holiday", "share", "anonymous", "blocked"}]
)
def test_what_is_not_known_does_not_hold(condition: dict[str, Any]) -> None:
    blind = Facts(call="x", at_ms=0, local=MONDAY, caller="+14155550142")
    held, why = holds(msgspec.convert(condition, Condition), blind, {}, "s0")
    assert not held
    assert why


def test_a_withheld_caller_is_neither_new_nor_known() -> None:
    withheld = replace(FACTS, caller=None, region=None, country=None, earlier=None)
    for first in (True, False):
        assert not holds(Condition(first_time=first), withheld, {}, "s0")[0]
    assert holds(Condition(anonymous=True), withheld, {}, "s0")[0]


def test_steps_are_taken_in_order_and_those_that_do_not_hold_are_passed() -> None:
    plan = routing(
        {**SORRY, "unless": {"hours": "Mo-Fr 09:00-17:00"}},
        {"do": "reject", "reason": "busy", "when": {"blocked": True}},
        {"do": "say", "prompt": {"text": "This call is recorded."}},
        connect("a", record=True, ring_s=15),
    )
    made = begin(plan)
    assert rung(made) == ["dst_a"]
    assert [prompt.text for prompt in made.say] == ["This call is recorded."]
    assert isinstance(made.then, Ringing)
    assert (made.then.record, made.then.ring_s) == (True, 15)
    assert [(one.step, one.did) for one in made.path] == [
        ("s0", "passed"),
        ("s1", "passed"),
        ("s2", "taken"),
        ("s3", "taken"),
        ("s3", "taken"),
    ]
    sunday = replace(FACTS, local=datetime(2026, 11, 29, 10))  # noqa: DTZ001
    closed = begin(plan, sunday)
    assert closed.then == Over(told=True)
    assert closed.phase == "rejected"
    blocked = begin(plan, replace(FACTS, caller="+14155550166", blocked=frozenset({"+14155550166"})))
    assert isinstance(blocked.then, Refuse)
    assert blocked.then.reason == "busy"


def test_a_menu_leads_on_by_the_key_that_was_pressed() -> None:
    plan = routing(
        MENU,
        connect("a", when={"keys": {"s0": ["1"]}}),
        connect("bb", when={"keys": {"s0": ["2"]}}),
        {"do": "voicemail", "prompt": {"text": "Leave a message."}},
    )
    asked = begin(plan)
    assert isinstance(asked.then, Ask)
    assert rung(go_on(plan, asked, keys="1")) == ["dst_a"]
    assert rung(go_on(plan, asked, keys="2")) == ["dst_bb"]
    again = go_on(plan, asked, keys="9")
    assert isinstance(again.then, Ask)
    assert again.path[-1].why == "9 is no key of the menu"
    assert rung(go_on(plan, again, keys="2")) == ["dst_bb"]
    silent = go_on(plan, again, keys="")
    assert isinstance(silent.then, TakeMessage)
    assert silent.place.keys == {"s0": ""}
    assert isinstance(go_on(plan, silent).then, Over)


def test_who_does_not_pick_up_is_followed_by_the_next_and_at_last_by_the_campaigns_own() -> None:
    plan = routing(connect("a", "bb"), connect("a", "ccc"))
    order, made = [], begin(plan)
    while isinstance(made.then, Ringing):
        order += rung(made)
        made = go_on(plan, made)
    assert order == ["dst_a", "dst_bb", "dst_ccc", OWN]
    assert isinstance(go_on(plan, begin(plan), picked_up=True).then, Over)
    assert isinstance(go_on(plan, begin(plan), gone=True).then, Over)


def test_the_campaigns_own_phone_is_not_rung_again_when_it_was_tried_as_a_destination() -> None:
    plan = routing(connect("a"))
    facts = replace(FACTS, destinations={"dst_a": now("a", number=OWN_PHONE)})
    assert isinstance(go_on(plan, begin(plan, facts), facts).then, Over)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("listed", ["dst_a"]),
        ("round_robin", ["dst_bb"]),
        ("least_used", ["dst_ccc"]),
        ("all", ["dst_a", "dst_bb", "dst_ccc"]),
    ],
)
def test_the_order_among_destinations(order: str, expected: list[str]) -> None:
    used = {"a": {"today": 5, "last_ms": 9}, "bb": {"today": 3, "last_ms": 1}, "ccc": {"today": 2, "last_ms": 5}}
    facts = replace(FACTS, destinations={f"dst_{name}": now(name, **more) for name, more in used.items()})
    assert rung(begin(routing(connect(*used, order=order)), facts)) == expected


def test_a_lower_priority_is_tried_first_and_the_next_only_when_none_of_it_takes_calls() -> None:
    choices = [
        {"destination": "dst_a", "priority": 2},
        {"destination": "dst_bb"},
        {"destination": "dst_ccc"},
    ]
    plan = routing({"do": "connect", "destinations": choices, "order": "all"})
    assert rung(begin(plan)) == ["dst_bb", "dst_ccc"]
    assert rung(go_on(plan, begin(plan))) == ["dst_a"]


def test_closed_full_and_vanished_destinations_are_passed() -> None:
    facts = replace(
        FACTS,
        destinations={
            "dst_a": now("a", is_open=False, why="is closed: it is Mon 10:00 there, open Tu 09:00-17:00"),
            "dst_bb": now("bb", has_room=False, why="is full: 3 at once"),
            "dst_ccc": now("ccc"),
        },
    )
    made = begin(routing(connect("gone", "a", "bb", "ccc")), facts)
    assert rung(made) == ["dst_ccc"]
    assert [one.why for one in made.path if one.did == "passed"] == [
        "destination dst_gone is gone",
        "A is closed: it is Mon 10:00 there, open Tu 09:00-17:00",
        "Bb is full: 3 at once",
    ]


def test_weights_converge() -> None:
    choices = [
        {"destination": "dst_a", "weight": 6},
        {"destination": "dst_bb", "weight": 3},
        {"destination": "dst_ccc"},
    ]
    plan = routing({"do": "connect", "order": "weight", "destinations": choices})
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for n in range(20_000):
        facts = replace(FACTS, call=f"car_1|CA{n}")
        made = begin(plan, facts)
        first.update(rung(made))
        if rung(made) == ["dst_a"]:
            second.update(rung(go_on(plan, made, facts)))
    # Of 20,000, the standard deviation of a share of 0.6 is 0.0035.
    assert [first[f"dst_{name}"] / 20_000 for name in ("a", "bb", "ccc")] == pytest.approx([0.6, 0.3, 0.1], abs=0.015)
    assert second["dst_bb"] / second.total() == pytest.approx(0.75, abs=0.02)


def test_a_share_of_calls_is_that_share_and_the_same_for_the_same_call() -> None:
    drawn = [draw(f"call {n}", "s1") for n in range(20_000)]
    assert sum(one < 0.25 for one in drawn) / 20_000 == pytest.approx(0.25, abs=0.012)
    assert drawn[:100] == [draw(f"call {n}", "s1") for n in range(100)]
    assert drawn[0] != draw("call 0", "s2")


def test_a_plan_that_was_changed_meanwhile_goes_on_behind_the_step_of_the_same_id_or_at_its_end() -> None:
    plan = routing(MENU, connect("a"))
    asked = begin(plan)
    changed = routing({"do": "say", "prompt": {"text": "Hello"}}, connect("bb"))
    assert rung(go_on(changed, asked, keys="1")) == ["dst_bb"]  # s0 is a text now, and behind it comes s1
    gone = checked(msgspec.convert({"steps": [{"id": "other", **connect("bb")}]}, Routing))
    assert rung(go_on(gone, asked, keys="1")) == [OWN]


def test_a_place_survives_its_way_through_an_address() -> None:
    place = Place("cmp_1", "s1", ("dst_a", OWN), {"s0": "1"}, 2, spoke=True)
    assert unpacked(packed(place)) == place
    for text in ("", "x", "é", "e30x", "A" * 3_000, packed(place)[:-4], "W10", "bnVsbA"):
        assert unpacked(text) is None or isinstance(unpacked(text), Place)
    assert unpacked("") is None


WRONG: list[tuple[list[dict[str, Any]], str]] = [
    ([{**SORRY, "id": "No"}], "/steps/0/id"),
    ([{**SORRY, "id": "a"}, {**SORRY, "id": "a"}], "/steps/1/id"),
    ([{**SORRY, "prompt": {}}], "/steps/0/prompt"),
    ([{**SORRY, "prompt": {"text": "a", "audio": "https://x.example/a.mp3"}}], "/steps/0/prompt"),
    ([{**SORRY, "prompt": {"audio": "http://x.example/a.mp3"}}], "/steps/0/prompt/audio"),
    ([{**SORRY, "prompt": {"text": "a\x07"}}], "/steps/0/prompt/text"),
    ([{**SORRY, "prompt": {"text": "a", "language": "<x>"}}], "/steps/0/prompt/language"),
    ([{**SORRY, "unless": {}}], "/steps/0/unless"),
    ([{**SORRY, "when": {"hours": "9 to 5"}}], "/steps/0/when/hours"),
    ([{**SORRY, "when": {"regions": ["California"]}}], "/steps/0/when/regions/0"),
    ([{**SORRY, "when": {"phone_types": ["pager"]}}], "/steps/0/when/phone_types/0"),
    ([{**SORRY, "when": {"within_days": 30}}], "/steps/0/when/within_days"),
    ([{**SORRY, "when": {"keys": {"menu": ["1"]}}}], "/steps/0/when/keys/menu"),
    ([{**MENU}, {**SORRY, "when": {"keys": {"s0": ["7"]}}}], "/steps/1/when/keys/s0/0"),
    ([{**MENU, "keys": {}}], "/steps/0/keys"),
    ([{**MENU, "keys": {"12": "x"}}], "/steps/0/keys/12"),
    ([connect()], "/steps/0/destinations"),
    ([connect("a", "a")], "/steps/0/destinations/1/destination"),
]


@pytest.mark.parametrize(("steps", "path"), WRONG)
def test_what_is_wrong_in_a_routing_is_told_by_its_place(steps: list[dict[str, Any]], path: str) -> None:
    with pytest.raises(InvalidField) as refused:
        routing(*steps)
    assert refused.value.errors[0].path == path


def test_a_routing_has_bounds() -> None:
    with pytest.raises(InvalidField):
        routing(*[SORRY] * (MOST_STEPS + 1))


names = st.sampled_from(["a", "bb", "ccc", "gone"])
some_condition = st.sampled_from([condition for condition, *_ in CONDITIONS])
some_prompt = st.just({"text": "Hello"})
some_step = st.one_of(
    st.builds(lambda p, r: {**MENU, "prompt": p, "repeats": r}, some_prompt, st.integers(0, 5)),
    st.builds(lambda p: {"do": "say", "prompt": p}, some_prompt),
    st.builds(lambda p: {"do": "message", "prompt": p}, some_prompt),
    st.builds(lambda p: {"do": "voicemail", "prompt": p}, some_prompt),
    st.builds(lambda r: {"do": "reject", "reason": r}, st.sampled_from(["busy", "rejected"])),
    st.builds(
        lambda n, o: connect(*n, order=o),
        st.lists(names, min_size=1, max_size=4, unique=True),
        st.sampled_from(["listed", "weight", "round_robin", "least_used", "all"]),
    ),
)
with_conditions = st.builds(
    lambda step, when, unless: {**step, "when": when, **({"unless": unless} if unless else {})},
    some_step,
    some_condition,
    st.none() | some_condition.filter(bool),
)
some_now = st.builds(
    lambda o, r: {"is_open": o, "has_room": r, "why": "is not free"},
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=500, deadline=None)
@given(
    steps=st.lists(with_conditions, max_size=12),
    states=st.lists(some_now, min_size=3, max_size=3),
    keys=st.lists(st.sampled_from(["1", "2", "9", "", None]), min_size=1, max_size=6),
)
def test_every_plan_ends_and_nobody_is_dropped(
    steps: list[dict[str, Any]], states: list[dict[str, Any]], keys: list[str | None]
) -> None:
    """Whatever is pressed and whoever does not pick up: it ends soon, rings no phone twice, and who was neither told
    that the call is over nor asked for a message has heard the campaign's own phone ring."""
    plan = routing(*steps)
    facts = replace(
        FACTS,
        destinations={
            f"dst_{name}": now(name, **state) for name, state in zip(("a", "bb", "ccc"), states, strict=True)
        },
    )
    made, tried, moves = begin(plan, facts), [], 1
    while not isinstance(made.then, Over | Refuse):
        if isinstance(made.then, Ringing):
            tried += rung(made)
        assert moves < 12 * 7 + 6
        taken = unpacked(packed(made.place))
        assert taken == made.place
        made = move(plan, facts, OWN_PHONE, taken, Heard(keys=keys[moves % len(keys)]))
        moves += 1
        if made.then == Over() and not made.say:
            break
    assert len(tried) == len(set(tried))
    for one in tried:
        assert one == OWN or facts.destinations[one].takes_calls
    is_told = made.phase == "rejected" or any(step["do"] == "voicemail" for step in steps)
    assert OWN in tried or is_told
