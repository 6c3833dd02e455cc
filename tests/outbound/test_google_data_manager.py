"""Click conversions by Data Manager: each request is read by Google's own package."""

import json
from typing import Any

import msgspec
import pytest
from google.ads import datamanager_v1 as datamanager
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from dni.outbound import google_data_manager
from dni.outbound.google_ads_api import KIND
from dni.outbound.google_ads_settings import Secrets, Settings
from dni.outbound.model import Answer, Endpoint, Outgoing, Request, Result, Skip
from tests.support.odd_calls import odd_calls
from tests.support.telling import AT_MS, CALL, CAMPAIGN, GCLID, VISIT, outgoing, usd

NOW_MS = AT_MS + 200_000
SETTINGS = Settings(
    customer_id="123-456-7890",
    conversion_action="111",
    call_conversion_action="222",
    client_id="1.apps.googleusercontent.com",
)
BATCH = [outgoing(delivery=f"del_{n}", id=f"call_{n}") for n in range(3)]


def endpoint(to: Settings = SETTINGS) -> Endpoint:
    secrets = Secrets(client_secret="client-secret", refresh_token="refresh-token", developer_token="developer-token")
    return Endpoint(id="end_1", kind="google_ads", name="Google Ads", settings=to, secrets=secrets)


def asked(*batch: Outgoing, to: Settings = SETTINGS) -> Request:
    assert [KIND.check(endpoint(to), one, NOW_MS) for one in batch] == [None] * len(batch)
    request = KIND.request(endpoint(to), batch, NOW_MS, "access-token")
    read_by_google(request)
    return request


def read_by_google(request: Request) -> Any:
    """As Google's package reads it: a field that it does not know is an error."""
    return json_format.ParseDict(json.loads(request.body), datamanager.IngestEventsRequest()._pb)


def test_a_click_conversion_field_by_field() -> None:
    """https://developers.google.com/data-manager/api/devguides/events/google-ads/offline/send-events"""
    request = asked(outgoing())
    assert request.url == "https://datamanager.googleapis.com/v1/events:ingest"
    assert request.headers == {"authorization": "Bearer access-token", "content-type": "application/json"}
    assert json.loads(request.body) == {
        "destinations": [
            {
                "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1234567890"},
                "productDestinationId": "111",
            }
        ],
        "events": [
            {
                "eventTimestamp": "2026-11-30T15:00:00.000+00:00",
                "transactionId": "call_1",
                "eventSource": "PHONE",
                "adIdentifiers": {"gclid": GCLID},
                "conversionValue": 45.0,
                "currency": "USD",
                "consent": {"adUserData": "CONSENT_GRANTED"},
            }
        ],
        "validateOnly": False,
    }


@pytest.mark.parametrize("name", ["gclid", "gbraid", "wbraid"])
def test_a_click_is_told_by_one_id(name: str) -> None:
    (event,) = json.loads(asked(outgoing(click_ids={name: GCLID})).body)["events"]
    assert event["adIdentifiers"] == {name: GCLID}


def test_a_manager_is_told_where_it_is_set() -> None:
    request = asked(
        outgoing(), to=msgspec.structs.replace(SETTINGS, login_customer_id="987-654-3210", validate_only=True)
    )
    told = json.loads(request.body)
    assert told["destinations"][0]["loginAccount"] == {"accountType": "GOOGLE_ADS", "accountId": "9876543210"}
    assert told["validateOnly"] is True


def test_calls_and_changes_go_by_the_google_ads_api() -> None:
    static = CALL["attribution"] | {"method": "static", "confidence": None}
    former = json.loads(json.dumps(asked(outgoing()).kept["del_1"]))
    for told, method in (
        (outgoing(visit=None, attribution=static), "uploadCallConversions"),
        (outgoing(action="adjust", former=former, revenue=usd(1)), "uploadConversionAdjustments"),
    ):
        assert KIND.check(endpoint(), told, NOW_MS) is None
        request = KIND.request(endpoint(), [told], NOW_MS, None)
        assert request.url == f"https://googleads.googleapis.com/v26/customers/1234567890:{method}"
        assert KIND.results(endpoint(), [told], Answer(status=200, body=b"{}")) == [Result("delivered")]


def of(answer: Answer) -> list[Result]:
    return KIND.results(endpoint(), BATCH, answer)


def refused(*violations: tuple[str, str], status: int = 400) -> Answer:
    """https://developers.google.com/data-manager/api/devguides/concepts/understand-errors"""
    told = {
        "error": {
            "code": status,
            "message": "There was a problem with the request.",
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "INVALID_ARGUMENT",
                    "domain": "datamanager.googleapis.com",
                },
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [
                        {"field": field, "description": "In Google's words.", "reason": reason}
                        for field, reason in violations
                    ],
                },
            ],
        }
    }
    return Answer(status=status, body=json.dumps(told).encode())


def test_what_is_taken_is_delivered() -> None:
    answer = datamanager.IngestEventsResponse(request_id="126365e1-16d0-4c81-9de9-f362711e250a")
    body = json_format.MessageToJson(answer._pb).encode()
    assert of(Answer(status=200, body=body)) == [Result("delivered")] * 3


def test_an_event_that_is_wrong_is_given_up_and_the_others_come_again() -> None:
    field = "events.events[1].event_timestamp"
    found = of(refused((field, "EVENT_TIME_INVALID")))
    assert [(one.state, one.failed) for one in found] == [("again", False), ("dead", False), ("again", False)]
    assert found[1].why == f"EVENT_TIME_INVALID: {field}: In Google's words."


@pytest.mark.parametrize(
    "answer",
    [
        refused(("destinations.destinations[0].product_destination_id", "INVALID_CONVERSION_ACTION_ID")),
        refused(("events.events[1]", "PERMISSION_DENIED")),
        refused(status=403),
        refused(("events.events[9]", "EVENT_TIME_INVALID")),
        Answer(status=401, body=b'{"error":{"code":401,"message":"Request had insufficient authentication scopes."}}'),
        Answer(status=503, body=b"<html>"),
        Answer(status=200, body=b"<html>"),
        Answer(why="it did not answer in 15 s"),
        Answer(status=302, headers={"location": "https://example.com"}),
    ],
)
def test_whatever_is_wrong_with_the_request_blames_the_endpoint(answer: Answer) -> None:
    assert all(found.state == "again" and found.failed and found.why for found in of(answer))


def test_reasons_are_those_of_googles_enum() -> None:
    reasons: Any = datamanager.ErrorReason
    assert {reason.name for reason in reasons} >= google_data_manager.MENDABLE


@settings(max_examples=300, deadline=None)
@given(odd_calls(), st.sampled_from(["none", "revenue", "payout", "sale"]))
def test_whatever_a_message_says_it_is_a_request_that_google_reads_or_a_reason(
    told: dict[str, Any], value: Any
) -> None:
    to = msgspec.structs.replace(SETTINGS, value=value, call_conversion_action=None)
    told.pop("former", None)
    message = outgoing(visit=told.pop("visit", VISIT), campaign=told.pop("campaign", CAMPAIGN), **told)
    found = KIND.check(endpoint(to), message, NOW_MS)
    if found is None:
        read_by_google(KIND.request(endpoint(to), [message], NOW_MS, None))
    else:
        assert isinstance(found, Skip)
        assert found.why


ANSWERED = ("error", "message", "details", "fieldViolations", "field", "reason", "description", "events[1]")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([200, 400, 401, 429, 500]),
    st.binary(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.sampled_from(ANSWERED),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ANSWERED), inner, max_size=4),
        max_leaves=20,
    ).map(lambda told: json.dumps(told).encode()),
)
def test_whatever_is_answered_each_row_has_a_result(status: int, answered: bytes) -> None:
    found = of(Answer(status=status, body=answered))
    assert len(found) == 3
    assert status == 200 or all(one.state != "delivered" for one in found)
