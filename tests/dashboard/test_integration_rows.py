"""What is said of an integration and of a delivery, by what is so."""

from zoneinfo import ZoneInfo

import pytest

from dni.clock import rfc3339
from dni.dashboard import delivery_rows, integration_rows
from dni.outbound.deliveries import DeliveryView
from dni.outbound.endpoints import EndpointHealth, EndpointView
from dni.outbound.model import TYPES, Action, Only, State, Type

NOW_MS = 1_790_000_000_000
UTC = ZoneInfo("UTC")
HOUR = 3_600_000
NAMES = {"cmp_1": "Bay Plumbing", "pub_1": "Bay Ads"}


def at(ago_ms: int) -> str:
    return rfc3339(NOW_MS - ago_ms)


def endpoint(
    *,
    events: list[Type] | None = None,
    campaign: str | None = None,
    publisher: str | None = None,
    only: Only | None = None,
    health: EndpointHealth | None = None,
    paused: bool = False,
    waiting: int = 0,
    dead: int = 0,
) -> EndpointView:
    well = EndpointHealth("ok", 0, None, None, at(1000), None, None)
    return EndpointView(
        id="end_1",
        kind="webhook",
        name="Office",
        events=events or ["call.qualified"],
        campaign=campaign,
        publisher=publisher,
        only=only or Only(),
        settings={},
        secrets_set=[],
        paused=paused,
        health=health or well,
        waiting=waiting,
        dead=dead,
        created_at=at(HOUR),
    )


def failing(times: int = 1, why: str | None = "it answered 503", next_ms: int | None = None) -> EndpointHealth:
    later = rfc3339(NOW_MS + next_ms) if next_ms else None
    return EndpointHealth("failing", times, at(2 * HOUR), later, None, at(1000), why)


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (endpoint(), "Call qualified"),
        (endpoint(events=list(TYPES)), "All that happens"),
        (endpoint(events=["call.started", "call.completed"]), "Call started and call completed"),
        (endpoint(campaign="cmp_1", publisher="pub_1"), "Call qualified, of Bay Plumbing and Bay Ads"),
        (endpoint(campaign="cmp_gone"), "Call qualified, of cmp_gone"),
        (endpoint(only=Only(qualified=False)), "Call qualified; only calls that did not qualify"),
        (
            endpoint(only=Only(answered=True, billable=True, min_talk_seconds=60, min_confidence=0.5)),
            "Call qualified; only calls that are billed, only answered calls, talked for at least 60 s, "
            "credited with at least 50%",
        ),
    ],
)
def test_what_it_is_told(view: EndpointView, told: str) -> None:
    assert integration_rows.told(view, NAMES) == told


@pytest.mark.parametrize(("many", "says"), [(0, ""), (1, "1"), (10_000, "10,000"), (10_001, "more than 10,000")])
def test_counts_that_were_counted_no_further_say_so(many: int, says: str) -> None:
    assert integration_rows.counted(many) == says


@pytest.mark.parametrize(
    ("view", "titles", "next_"),
    [
        (endpoint(), [], None),
        (endpoint(waiting=3), [], None),
        (
            endpoint(health=failing(), waiting=1),
            ["It fails since Sep 21, 12:13:20: 1 try."],
            "It is tried again at once; 1 delivery waits. Nothing is lost: each is tried for three days.",
        ),
        (
            endpoint(health=failing(9, next_ms=90_000), waiting=2),
            ["It fails since Sep 21, 12:13:20: 9 tries in a row."],
            "Next try in 1 min 30 s; 2 deliveries wait. Nothing is lost: each is tried for three days.",
        ),
        (endpoint(health=failing()), ["It fails since Sep 21, 12:13:20: 1 try."], ""),
        (endpoint(dead=1), ["1 delivery was given up."], "When the cause is mended, send it again."),
        (endpoint(dead=2), ["2 deliveries were given up."], "When the cause is mended, send them again."),
        (endpoint(paused=True), ["It is paused."], "When it goes on, all that waits is sent in order."),
    ],
)
def test_what_needs_somebody(view: EndpointView, titles: list[str], next_: str | None) -> None:
    found = integration_rows.troubles(view, UTC, NOW_MS)
    assert [one.title for one in found] == titles
    assert [one.next for one in found] == ([] if next_ is None else [next_])


def test_the_worst_comes_first() -> None:
    view = endpoint(health=failing(), dead=1, paused=True, waiting=1)
    assert [one.tone for one in integration_rows.troubles(view, UTC, NOW_MS)] == ["bad", "bad", "warn"]


def delivery(
    state: State = "delivered",
    *,
    type_: Type = "call.qualified",
    action: Action = "tell",
    call: str | None = "call_1",
    subject: str = "call_1",
    why: str | None = None,
    next_ms: int | None = None,
) -> DeliveryView:
    return DeliveryView(
        id="dlv_1",
        endpoint="end_1",
        endpoint_name="Office",
        kind="webhook",
        type=type_,
        message="msg_1",
        subject=subject,
        call=call,
        action=action,
        state=state,
        at=at(HOUR),
        next_try_at=None if next_ms is None else rfc3339(NOW_MS + next_ms),
        attempts=1,
        done_at=None,
        why=why,
    )


@pytest.mark.parametrize(
    ("view", "what", "says"),
    [
        (delivery(), "Call qualified", ""),
        (delivery(action="convert"), "Call qualified, as a conversion", ""),
        (delivery(action="adjust", type_="call.corrected"), "Call corrected, as a change of its conversion", ""),
        (delivery("waiting", next_ms=0), "Call qualified", "Its turn comes."),
        (delivery("waiting", next_ms=60_000, why="no answer"), "Call qualified", "No answer. Next try in 1 min."),
        (delivery("dead", why="it answered 404"), "Call qualified", "It answered 404."),
        (delivery("skipped", why="the visit has no gclid"), "Call qualified", "The visit has no gclid."),
    ],
)
def test_a_delivery_says_what_became_of_it(view: DeliveryView, what: str, says: str) -> None:
    row = delivery_rows.row(view, {"call_1": ("+13125550142", "+14155550100")}, UTC, NOW_MS)
    assert (row.what, row.says) == (what, says)


@pytest.mark.parametrize(
    ("view", "about"),
    [
        (delivery(), ("(312) 555-0142", "/calls/call_1")),
        (delivery(call="call_2", subject="call_2"), ("a withheld number", "/calls/call_2")),
        (delivery(call="call_9", subject="call_9"), ("a call that is gone", None)),
        (delivery(type_="statement.closed", call=None, subject="sta_1"), ("a statement", "/statements/sta_1")),
        (delivery(type_="tag.alert", call=None, subject="tag_1"), ("a tag", "/tags/tag_1")),
        (delivery(type_="pool.alert", call=None, subject="pool_1"), ("a pool", "/pools/pool_1")),
        (delivery(type_="export.due", call=None, subject="end_1"), ("itself", None)),
    ],
)
def test_a_delivery_is_about_something(view: DeliveryView, about: tuple[str, str | None]) -> None:
    callers = {"call_1": ("+13125550142", "+14155550100"), "call_2": (None, "+14155550100")}
    row = delivery_rows.row(view, callers, UTC, NOW_MS)
    assert (row.about, row.about_page) == about


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":[1,{"b":null}]}', '{\n  "a": [\n    1,\n    {\n      "b": null\n    }\n  ]\n}'),
        ("a=1&b=2", "a=1&b=2"),
        ('{"cut": "of', '{"cut": "of'),
        ("", ""),
    ],
)
def test_json_is_shown_in_lines(text: str, shown: str) -> None:
    assert delivery_rows.pretty(text) == shown
