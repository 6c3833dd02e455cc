"""Google Analytics 4: the event of a call, field by field, and what is not sent of it and why."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.errors import InvalidField
from dni.outbound.ga4 import KIND, Secrets, Settings
from dni.outbound.model import Answer, Endpoint, Outgoing, Request, Result, Skip
from tests.support.telling import AT_MS, CALL, VISIT, outgoing
from tests.support.telling_oddly import odd_data, with_data

HOUR_MS = 3_600_000
SECRETS = Secrets(api_secret="aBc-123_/+=")
# The session began five minutes before the call, when the visit did.
SESSION_S = AT_MS // 1000 - 300
IDS = {"ga": "1194201.1796050", "ga_session": str(SESSION_S)}
SEEN = VISIT | {"ids": IDS}


def endpoint(**settings: Any) -> Endpoint:
    made = msgspec.convert({"measurement_id": "G-A1B2C3D4E5"} | settings, Settings)
    return Endpoint(id="end_1", kind="ga4", name="Analytics", settings=made, secrets=SECRETS)


def sent(of: Endpoint, told: Outgoing, now_ms: int = AT_MS + 200_000) -> Request:
    assert KIND.check(of, told, now_ms) is None
    return KIND.request(of, [told], now_ms, None)


def body_of(of: Endpoint, told: Outgoing, now_ms: int = AT_MS + 200_000) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(sent(of, told, now_ms).body)
    return found


def params_of(of: Endpoint, told: Outgoing, now_ms: int = AT_MS + 200_000) -> dict[str, Any]:
    found: dict[str, Any] = body_of(of, told, now_ms)["events"][0]["params"]
    return found


def test_an_event_as_the_documentation_has_it() -> None:
    """`sending-events`: POST /mp/collect with `measurement_id` and `api_secret`, `client_id`, `timestamp_micros` of the
    request, `events[].name` and `params` with `session_id` and `engagement_time_msec`; `reference/events`: `value` with
    `currency`, and `transaction_id`."""
    request = sent(endpoint(), outgoing(visit=SEEN))
    assert request.method == "POST"
    assert request.headers == {"content-type": "application/json"}
    assert request.url.startswith("https://www.google-analytics.com/mp/collect?measurement_id=G-A1B2C3D4E5&api_secret=")
    assert parse_qs(urlsplit(request.url).query)["api_secret"] == [SECRETS.api_secret]
    assert msgspec.json.decode(request.body) == {
        "client_id": "1194201.1796050",
        "timestamp_micros": AT_MS * 1000,
        "events": [
            {
                "name": "phone_call",
                "params": {
                    "session_id": str(SESSION_S),
                    "engagement_time_msec": 1,
                    "value": 45.0,
                    "currency": "USD",
                    "transaction_id": "call_1",
                    "talk_seconds": 180,
                    "call_campaign": "Roofs",
                    "tracking_number": "+13125550101",
                },
            }
        ],
    }


def test_the_secret_can_be_hidden_as_it_is_and_as_the_address_writes_it() -> None:
    request = sent(endpoint(), outgoing(visit=SEEN))
    shown = request.url
    for hidden in request.hidden:
        shown = shown.replace(hidden, "•")
    assert shown.endswith("&api_secret=•")
    assert SECRETS.api_secret in request.hidden


def test_a_caller_is_never_told() -> None:
    request = sent(endpoint(), outgoing(visit=SEEN))
    assert CALL["caller"].lstrip("+") not in request.url + request.body.decode()


def test_no_parameter_would_make_a_new_source_of_traffic() -> None:
    assert not params_of(endpoint(), outgoing(visit=SEEN)).keys() & {
        "source",
        "medium",
        "campaign",
        "campaign_id",
        "term",
        "content",
        "gclid",
    }


@pytest.mark.parametrize(
    ("session", "called_ms", "now_ms", "named"),
    [
        (SESSION_S, AT_MS, AT_MS + HOUR_MS, True),
        (SESSION_S, AT_MS, SESSION_S * 1000 + 24 * HOUR_MS, True),
        (SESSION_S, AT_MS, SESSION_S * 1000 + 24 * HOUR_MS + 1, False),
        (AT_MS // 1000 + 600, AT_MS, AT_MS + HOUR_MS, True),  # the browser's clock is fast
        (AT_MS // 1000 + 601, AT_MS, AT_MS + HOUR_MS, False),  # a session that began after the call
        ("", AT_MS, AT_MS + HOUR_MS, False),
        ("GS1.1.x", AT_MS, AT_MS + HOUR_MS, False),
        ("1" * 20, AT_MS, AT_MS + HOUR_MS, False),
        ("٣" * 10, AT_MS, AT_MS + HOUR_MS, False),
    ],
)
def test_the_session_is_named_while_google_credits_it(
    session: int | str, called_ms: int, now_ms: int, named: bool
) -> None:
    told = outgoing(visit=VISIT | {"ids": {"ga": "1.2", "ga_session": str(session)}})
    params = params_of(endpoint(), told, now_ms)
    assert params.get("session_id") == (str(session) if named else None)


def test_ids_may_be_said_by_the_page_itself() -> None:
    said = VISIT | {"ids": {}, "custom": {"ga": "1.2", "ga_session": str(SESSION_S)}}
    body = body_of(endpoint(), outgoing(visit=said))
    assert (body["client_id"], body["events"][0]["params"]["session_id"]) == ("1.2", str(SESSION_S))


def test_a_clock_behind_the_callers_makes_no_event_of_the_future() -> None:
    assert body_of(endpoint(), outgoing(visit=SEEN), AT_MS - 5)["timestamp_micros"] == (AT_MS - 5) * 1000


@pytest.mark.parametrize(
    ("settings", "consent"),
    [
        ({}, None),
        ({"ad_user_data": "granted"}, {"ad_user_data": "GRANTED"}),
        (
            {"ad_user_data": "granted", "ad_personalization": "denied"},
            {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"},
        ),
    ],
)
def test_consent_is_what_the_page_told_google_unless_it_is_set(
    settings: dict[str, Any], consent: dict[str, str] | None
) -> None:
    assert body_of(endpoint(**settings), outgoing(visit=SEEN)).get("consent") == consent


@pytest.mark.parametrize(
    ("of", "told"),
    [(endpoint(validate_only=True), outgoing(visit=SEEN)), (endpoint(), outgoing(visit=SEEN, kind="test"))],
)
def test_what_is_only_tried_goes_to_googles_checking_server(of: Endpoint, told: Outgoing) -> None:
    request = sent(of, told)
    assert request.url.startswith("https://www.google-analytics.com/debug/mp/collect?")
    assert msgspec.json.decode(request.body)["validation_behavior"] == "ENFORCE_RECOMMENDATIONS"


def test_events_can_go_to_europe() -> None:
    of = endpoint(base_url="https://region1.google-analytics.com")
    assert sent(of, outgoing(visit=SEEN)).url.startswith("https://region1.google-analytics.com/mp/collect?")


def test_without_a_value_none_is_told() -> None:
    assert not params_of(endpoint(value="none"), outgoing(visit=SEEN)).keys() & {"value", "currency"}


def test_limits_of_an_event_are_kept() -> None:
    campaign = {"id": "cam_1", "name": "ä" * 300, "timezone": "UTC", "currency": "USD"}
    told = outgoing(visit=SEEN, campaign=campaign)
    told = with_data(told, told.message.data | {"publisher": {"id": "pub_1", "name": "p" * 300}})
    params = params_of(endpoint(), told)
    assert len(params) <= 25
    assert all(len(value) <= 100 for value in params.values() if isinstance(value, str))
    assert params["call_publisher"] == "p" * 100


@pytest.mark.parametrize(
    ("visit", "call", "now_ms", "why"),
    [
        (None, {}, AT_MS, "the call is credited to no visit"),
        (SEEN | {"consent": "denied"}, {}, AT_MS, "the visitor said no"),
        (SEEN | {"consent": "unknown"}, {}, AT_MS, "the page told no consent"),
        (VISIT | {"ids": {}}, {}, AT_MS, "the page told no GA client id"),
        (VISIT | {"ids": {"ga": 7}}, {}, AT_MS, "the page told no GA client id"),
        (VISIT | {"ids": {"ga": "two words"}}, {}, AT_MS, "the page told no GA client id"),
        (VISIT | {"ids": {"ga": ""}}, {}, AT_MS, "the page told no GA client id"),
        (SEEN, {}, AT_MS + 72 * HOUR_MS + 1, "the call is more than 72 hours old"),
        (SEEN, {"revenue": None}, AT_MS, "the call has no revenue"),
        (SEEN, {"started_at": "yesterday"}, AT_MS, "the message tells of no call"),
    ],
)
def test_what_is_not_sent_says_why(visit: dict[str, Any] | None, call: dict[str, Any], now_ms: int, why: str) -> None:
    found = KIND.check(endpoint(), outgoing(visit=visit, **call), now_ms)
    assert isinstance(found, Skip)
    assert found.why.startswith(why)


def test_72_hours_are_not_too_old() -> None:
    assert KIND.check(endpoint(), outgoing(visit=SEEN), AT_MS + 72 * HOUR_MS) is None


@given(odd_data(SEEN), st.integers(0, 2**43))
def test_odd_data_is_skipped_or_sent(data: dict[str, Any], now_ms: int) -> None:
    told = with_data(outgoing(visit=SEEN), data)
    if KIND.check(endpoint(), told, now_ms) is None:
        request = KIND.request(endpoint(), [told], now_ms, None)
        assert request.body.decode()


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(status=204), Result("delivered")),
        (Answer(status=200), Result("delivered")),
        (Answer(status=500), Result("again", "it answered 500")),
        (Answer(why="the connection was refused"), Result("again", "the connection was refused")),
    ],
)
def test_any_2xx_is_done(answer: Answer, result: Result) -> None:
    assert KIND.results(endpoint(), [outgoing()], answer) == [result]


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'{"validationMessages":[]}', Result("delivered")),
        (b"{}", Result("delivered")),
        (
            # The answer of `validating-events`.
            b'{"validationMessages":[{"fieldPath":"events","description":"Event at index: [0] has invalid name '
            b'[_badEventName]. Names must start with an alphabetic character.","validationCode":"NAME_INVALID"}]}',
            Result(
                "dead",
                "Google's checking server says: events: Event at index: [0] has invalid name [_badEventName]. "
                "Names must start with an alphabetic character.",
                failed=False,
            ),
        ),
        (
            b'{"validationMessages":[{"description":"a"},{"fieldPath":"b","description":"c"}]}',
            Result("dead", "Google's checking server says: a; b: c", failed=False),
        ),
        (b"<html>", Result("again", "it answered, but not as Google's checking server does: see its address")),
    ],
)
def test_the_checking_server_says_what_is_wrong(body: bytes, result: Result) -> None:
    answer = Answer(status=200, body=body)
    assert KIND.results(endpoint(validate_only=True), [outgoing()], answer) == [result]
    assert KIND.results(endpoint(), [outgoing(kind="test")], answer) == [result]


@pytest.mark.parametrize(
    "name", ["session_start", "page_view", "click", "ga_call", "google_call", "firebase_x", "error"]
)
def test_names_that_google_keeps_for_itself_are_refused(name: str) -> None:
    with pytest.raises((InvalidField, msgspec.ValidationError), match="Google keeps the name"):
        endpoint(event=name)


@pytest.mark.parametrize(
    "settings",
    [
        {"measurement_id": "UA-12345-1"},
        {"measurement_id": "G-A1B2C3D4E5\n"},
        {"event": "1st"},
        {"event": "phone call"},
        {"event": "a" * 41},
        {"event": ""},
        {"base_url": "ftp://example.com"},
        {"base_url": "https://example.com/"},
        {"base_url": "https://example.com?x=1"},
        {"value": "fixed"},
        {"nonsense": 1},
    ],
)
def test_other_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises((InvalidField, msgspec.ValidationError)):
        endpoint(**settings)
