"""TikTok: the event of a call, field by field, and what is not sent of it and why."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.errors import InvalidField
from dni.outbound.model import Answer, Endpoint, Outgoing, Request, Result, Skip
from dni.outbound.person import hashed
from dni.outbound.tiktok import KIND, Secrets, Settings
from tests.support.telling import AT_MS, CALL, VISIT, outgoing
from tests.support.telling_oddly import odd_data, with_data

DAY_MS = 86_400_000
SECRETS = Secrets(access_token="0123456789abcdef")
TTCLID = "E.C.P.v3fQ2RHacdksKfofPmlyuStIIFJ4Af1tKYxF9zz2c2PLx1Oaw15oHpcfl5AH"
TTP = "2F7h37YkS1j57AYSKTI7IHhJPYH"
SEEN = VISIT | {"ids": {"_ttp": TTP}}
CLICKED: dict[str, Any] = {"click_ids": {"ttclid": TTCLID}}
STATIC: dict[str, Any] = {"attribution": {"session": None, "visitor": None, "method": "static", "confidence": None}}


def endpoint(**settings: Any) -> Endpoint:
    made = msgspec.convert({"event_source_id": "CA1B2C3D4E5F6G7H8I9J"} | settings, Settings)
    return Endpoint(id="end_1", kind="tiktok", name="TikTok", settings=made, secrets=SECRETS)


def sent(of: Endpoint, told: Outgoing, now_ms: int = AT_MS + 200_000) -> Request:
    assert KIND.check(of, told, now_ms) is None
    return KIND.request(of, [told], now_ms, None)


def body_of(of: Endpoint, told: Outgoing) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(sent(of, told).body)
    return found


def test_a_web_event_as_the_documentation_has_it() -> None:
    """POST /open_api/v1.3/event/track/ with `Access-Token`; `event_source`, `event_source_id` and `data[]` with
    `event`, `event_time` in seconds, `event_id`, `user` (hashes but for `ttclid` and `ttp`), `page`, `properties`."""
    request = sent(endpoint(), outgoing(visit=SEEN, **CLICKED))
    assert request.method == "POST"
    assert request.url == "https://business-api.tiktok.com/open_api/v1.3/event/track/"
    assert request.headers == {"content-type": "application/json", "access-token": "0123456789abcdef"}
    assert msgspec.json.decode(request.body) == {
        "event_source": "web",
        "event_source_id": "CA1B2C3D4E5F6G7H8I9J",
        "data": [
            {
                "event": "Contact",
                "event_time": AT_MS // 1000,
                "event_id": "call_1",
                "user": {
                    "ttclid": TTCLID,
                    "ttp": TTP,
                    "phone": hashed("+13125550142"),
                    "external_id": hashed("vis_1"),
                },
                "properties": {"value": 45.0, "currency": "USD", "order_id": "call_1"},
                "page": {"url": "https://example.com/roofs"},
            }
        ],
    }


def test_an_offline_event_is_of_its_set_and_known_by_the_number_alone() -> None:
    of = endpoint(event_source="offline", event_source_id="7654321098765432109", event="Purchase")
    body = body_of(of, outgoing(visit=SEEN, **CLICKED))
    assert (body["event_source"], body["event_source_id"]) == ("offline", "7654321098765432109")
    assert body["data"] == [
        {
            "event": "Purchase",
            "event_time": AT_MS // 1000,
            "event_id": "call_1",
            "user": {"phone": hashed("+13125550142"), "external_id": hashed("vis_1")},
            "properties": {"value": 45.0, "currency": "USD", "order_id": "call_1"},
        }
    ]


def test_a_number_is_hashed_with_its_plus() -> None:
    # SHA-256 of the documentation's +12133734253.
    assert hashed("+12133734253") == "9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"


def test_of_a_static_numbers_caller_the_hashed_number_alone_is_told() -> None:
    event = body_of(endpoint(callers_consented=True), outgoing(visit=None, **STATIC, **CLICKED))["data"][0]
    assert event["user"] == {"phone": hashed("+13125550142")}
    assert "page" not in event


@pytest.mark.parametrize(
    ("ids", "clicks", "known"),
    [
        ({"_ttp": TTP}, {}, {"ttp", "external_id"}),
        ({}, {"ttclid": TTCLID}, {"ttclid", "external_id"}),
        ({"_ttp": "no cookie of theirs"}, {"ttclid": TTCLID}, {"ttclid", "external_id"}),
        ({"_ttp": 7}, {"ttclid": TTCLID}, {"ttclid", "external_id"}),
        ({"_ttp": TTP}, {"ttclid": "E.C.P." + "x" * 250}, {"ttp", "external_id"}),
    ],
)
def test_who_withheld_his_number_is_known_by_click_or_cookie(
    ids: dict[str, Any], clicks: dict[str, str], known: set[str]
) -> None:
    told = outgoing(visit=VISIT | {"ids": ids}, caller=None, click_ids=clicks)
    assert body_of(endpoint(), told)["data"][0]["user"].keys() == known


def test_the_page_may_say_the_cookie_itself() -> None:
    told = outgoing(visit=VISIT | {"custom": {"_ttp": TTP}})
    assert body_of(endpoint(), told)["data"][0]["user"]["ttp"] == TTP


def test_the_callers_number_and_the_visitors_id_are_told_hashed_alone() -> None:
    body = sent(endpoint(), outgoing(visit=SEEN, **CLICKED)).body.decode()
    assert CALL["caller"].lstrip("+") not in body
    assert "vis_1" not in body


def test_options_are_told_where_they_are_set() -> None:
    body = body_of(endpoint(test_event_code="TEST12345", limited_data_use=True), outgoing(visit=SEEN))
    assert body["test_event_code"] == "TEST12345"
    assert body["data"][0]["limited_data_use"] is True


@pytest.mark.parametrize(
    ("settings", "visit", "call", "now_ms", "why"),
    [
        ({}, None, {}, AT_MS, "the call is credited to no visit"),
        ({}, None, STATIC, AT_MS, "a static number was called, so no visit's consent is known"),
        ({}, SEEN | {"consent": "denied"}, {}, AT_MS, "the visitor said no"),
        ({"callers_consented": True}, SEEN | {"consent": "denied"}, {}, AT_MS, "the visitor said no"),
        ({}, SEEN | {"consent": "unknown"}, {}, AT_MS, "the page told no consent"),
        ({}, SEEN, {}, AT_MS + 28 * DAY_MS + 1, "the call is more than 28 days old"),
        ({}, SEEN, {"revenue": None}, AT_MS, "the call has no revenue"),
        ({"event": "Purchase", "value": "none"}, SEEN, {}, AT_MS, "TikTok takes no Purchase without a value"),
        ({}, VISIT, {"caller": None}, AT_MS, "nothing that TikTok could know the caller by"),
        ({}, VISIT, {"caller": "anonymous"}, AT_MS, "nothing that TikTok could know the caller by"),
        ({"event_source": "offline"}, SEEN, {"caller": None}, AT_MS, "an offline event is known by the phone number"),
        ({}, SEEN, {"id": None}, AT_MS, "the message tells of no call"),
        ({}, SEEN, {"kind": "test"}, AT_MS, "a test would count as an event: set a test code first"),
    ],
)
def test_what_is_not_sent_says_why(
    settings: dict[str, Any], visit: dict[str, Any] | None, call: dict[str, Any], now_ms: int, why: str
) -> None:
    found = KIND.check(endpoint(**settings), outgoing(visit=visit, **call), now_ms)
    assert isinstance(found, Skip)
    assert found.why.startswith(why)


def test_28_days_are_not_too_old() -> None:
    assert KIND.check(endpoint(), outgoing(visit=SEEN), AT_MS + 28 * DAY_MS) is None


@given(odd_data(SEEN), st.integers(0, 2**43))
def test_odd_data_is_skipped_or_sent(data: dict[str, Any], now_ms: int) -> None:
    told = with_data(outgoing(visit=SEEN), data)
    if KIND.check(endpoint(), told, now_ms) is None:
        assert KIND.request(endpoint(), [told], now_ms, None).body.decode()


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(status=200, body=b'{"code":0,"message":"OK","request_id":"r","data":{}}'), Result("delivered")),
        (
            Answer(status=200, body=b'{"code":40002,"message":"event_time: invalid","request_id":"r"}'),
            Result("again", "TikTok says: event_time: invalid (code 40002)", failed=False),
        ),
        (
            Answer(status=200, body=b'{"code":40105,"message":"Access token is incorrect"}'),
            Result("again", "TikTok says: Access token is incorrect (code 40105)"),
        ),
        (
            Answer(status=200, body=b'{"code":40105,"message":"No such token: 0123456789abcdef"}'),
            Result("again", "TikTok says: No such token: ••• (code 40105)"),
        ),
        (
            Answer(status=429, body=b'{"code":40100,"message":"Too many"}', headers={"retry-after": "30"}),
            Result("again", "TikTok says: Too many (code 40100)", 30_000),
        ),
        (Answer(status=200, body=b"OK"), Result("again", "it answered, but not as TikTok does: see its address")),
        (Answer(status=502, body=b"<html>"), Result("again", "it answered 502")),
        (Answer(why="no answer within 15 s"), Result("again", "no answer within 15 s")),
    ],
)
def test_the_code_decides_not_the_status(answer: Answer, result: Result) -> None:
    assert KIND.results(endpoint(), [outgoing()], answer) == [result]


@given(st.none() | st.integers(100, 599), st.binary())
def test_no_answer_makes_it_fail(status: int | None, body: bytes) -> None:
    assert len(KIND.results(endpoint(), [outgoing()], Answer(status=status, body=body))) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"event_source": "crm"},
        {"event_source_id": "a b"},
        {"event": ""},
        {"event": "x" * 51},
        {"test_event_code": "a b"},
        {"base_url": "business-api.tiktok.com"},
        {"value": "fixed"},
        {"nonsense": 1},
    ],
)
def test_other_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises((InvalidField, msgspec.ValidationError)):
        endpoint(**settings)
