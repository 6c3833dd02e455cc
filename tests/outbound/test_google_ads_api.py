"""Google Ads by its API: each request is read by Google's own package, each code of an answer is one of its enums."""

import json
from typing import Any

import msgspec
import pytest
from google.ads.googleads.v26.errors.types.conversion_adjustment_upload_error import ConversionAdjustmentUploadErrorEnum
from google.ads.googleads.v26.errors.types.conversion_upload_error import ConversionUploadErrorEnum
from google.ads.googleads.v26.services.types.conversion_adjustment_upload_service import (
    UploadConversionAdjustmentsRequest,
    UploadConversionAdjustmentsResponse,
)
from google.ads.googleads.v26.services.types.conversion_upload_service import (
    UploadCallConversionsRequest,
    UploadClickConversionsRequest,
    UploadClickConversionsResponse,
)
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from dni.errors import InvalidField
from dni.outbound import example, google_ads_answer
from dni.outbound.google_ads_api import KIND
from dni.outbound.google_ads_settings import Secrets, Settings
from dni.outbound.model import Answer, Endpoint, Outgoing, Request, Result, Skip
from tests.support.odd_calls import odd_calls
from tests.support.telling import AT_MS, CALL, CAMPAIGN, GCLID, VISIT, outgoing, usd

NOW_MS = AT_MS + 200_000
SETTINGS = Settings(
    customer_id="123-456-7890",
    clicks_by="google_ads_api",
    conversion_action="111",
    call_conversion_action="222",
    client_id="1.apps.googleusercontent.com",
)
SECRETS = Secrets(client_secret="client-secret", refresh_token="refresh-token")
STATIC = CALL["attribution"] | {"session": None, "visitor": None, "method": "static", "confidence": None}
MESSAGES: dict[str, Any] = {
    "uploadClickConversions": UploadClickConversionsRequest,
    "uploadCallConversions": UploadCallConversionsRequest,
    "uploadConversionAdjustments": UploadConversionAdjustmentsRequest,
}


def endpoint(settings: Settings = SETTINGS, secrets: Secrets = SECRETS) -> Endpoint:
    return Endpoint(id="end_1", kind="google_ads", name="Google Ads", settings=settings, secrets=secrets)


def read_by_google(request: Request) -> Any:
    """As Google's package reads it: a field that it does not know is an error."""
    method = request.url.rpartition(":")[2]
    return json_format.ParseDict(json.loads(request.body), MESSAGES[method]()._pb)


def asked(*batch: Outgoing, to: Settings = SETTINGS) -> Request:
    at = endpoint(to)
    assert [KIND.check(at, one, NOW_MS) for one in batch] == [None] * len(batch)
    request = KIND.request(at, batch, NOW_MS, "access-token")
    read_by_google(request)
    return request


def body(request: Request) -> Any:
    return json.loads(request.body)


def test_a_click_conversion_field_by_field() -> None:
    """https://developers.google.com/google-ads/api/reference/rpc/v26/ClickConversion"""
    request = asked(outgoing())
    assert request.url == "https://googleads.googleapis.com/v26/customers/1234567890:uploadClickConversions"
    assert request.headers == {"authorization": "Bearer access-token", "content-type": "application/json"}
    assert body(request) == {
        "conversions": [
            {
                "gclid": GCLID,
                "conversionAction": "customers/1234567890/conversionActions/111",
                "conversionDateTime": "2026-11-30 15:00:00+00:00",
                "conversionValue": 45.0,
                "currencyCode": "USD",
                "orderId": "call_1",
                "consent": {"adUserData": "GRANTED"},
            }
        ],
        "partialFailure": True,
        "validateOnly": False,
    }


@pytest.mark.parametrize("name", ["gclid", "gbraid", "wbraid"])
def test_a_click_is_told_by_one_id(name: str) -> None:
    ids = {"wbraid": "w" * 30, "fbclid": "f" * 30, name: GCLID}
    row = body(asked(outgoing(click_ids=ids)))["conversions"][0]
    told = {"gclid", "gbraid", "wbraid"} & set(row)
    assert told == ({name} if name != "wbraid" else {"wbraid"})
    assert row[name] == GCLID


@pytest.mark.parametrize(
    ("cookie", "gclid"),
    [
        (f"GCL.1795000000.{GCLID}", GCLID),  # 12 days before the call
        (f"GCL.1780000000.{GCLID}", None),  # half a year
        (f"GCL.1799000000.{GCLID}", None),  # after it
        ("GCL.1795000000.TeSter-123", None),
        (f"GCL.1795000000.{'x' * 241}", None),
        (f"1.1795000000.{GCLID}", None),
        (17, None),
    ],
)
def test_without_a_click_of_the_visit_the_one_that_googles_tag_remembers_is_told(
    cookie: Any, gclid: str | None
) -> None:
    told = outgoing(click_ids={"fbclid": "f" * 30}, visit=VISIT | {"ids": {"_gcl_aw": cookie}})
    if gclid:
        assert body(asked(told))["conversions"][0]["gclid"] == gclid
    else:
        assert isinstance(KIND.check(endpoint(), told, NOW_MS), Skip)
    own = outgoing(visit=VISIT | {"ids": {"_gcl_aw": f"GCL.1795000000.{'b' * 40}"}})
    assert body(asked(own))["conversions"][0]["gclid"] == GCLID


def test_a_call_conversion_field_by_field() -> None:
    """https://developers.google.com/google-ads/api/reference/rpc/v26/CallConversion"""
    told = outgoing(visit=None, attribution=STATIC, source="Google", click_ids={})
    request = asked(told)
    assert request.url.endswith("/v26/customers/1234567890:uploadCallConversions")
    call = {
        "callerId": "+13125550142",
        "callStartDateTime": "2026-11-30 15:00:00+00:00",
        "conversionAction": "customers/1234567890/conversionActions/222",
        "conversionDateTime": "2026-11-30 15:00:00+00:00",
        "conversionValue": 45.0,
        "currencyCode": "USD",
    }
    assert body(request)["conversions"] == [call]
    consented = msgspec.structs.replace(SETTINGS, callers_consent="granted")
    assert body(asked(told, to=consented))["conversions"] == [call | {"consent": {"adUserData": "GRANTED"}}]


def test_a_manager_and_a_developer_token_are_told_where_they_are_set() -> None:
    at = endpoint(
        msgspec.structs.replace(
            SETTINGS, login_customer_id="98-76543210", api_version="v27", base_url="http://localhost"
        ),
        msgspec.structs.replace(SECRETS, developer_token="developer-token"),
    )
    request = KIND.request(at, [outgoing()], NOW_MS, "t")
    assert request.url.startswith("http://localhost/v27/customers/1234567890:")
    assert request.headers["login-customer-id"] == "9876543210"
    assert request.headers["developer-token"] == "developer-token"


def test_no_secret_stands_in_what_is_kept_of_a_request() -> None:
    request = asked(outgoing())
    for secret in ("client-secret", "refresh-token", "access-token"):
        assert secret not in request.url
        assert secret not in request.body.decode()


def test_a_token_is_had_by_the_refresh_token() -> None:
    """https://developers.google.com/identity/protocols/oauth2/web-server#offline"""
    grant = KIND.grant(endpoint())
    assert grant is not None
    assert grant.url == "https://oauth2.googleapis.com/token"
    assert grant.form == {
        "grant_type": "refresh_token",
        "client_id": "1.apps.googleusercontent.com",
        "client_secret": "client-secret",
        "refresh_token": "refresh-token",
    }


def test_what_is_only_tried_out_is_not_recorded_nor_changed_later() -> None:
    tried = msgspec.structs.replace(SETTINGS, validate_only=True)
    request = asked(outgoing(), to=tried)
    assert body(request)["validateOnly"] is True
    later = outgoing(action="adjust", revenue=usd(1), former=dict(request.kept["del_1"]))
    assert KIND.check(endpoint(), later, NOW_MS) == Skip("the conversion was only tried out, and not recorded")


def test_the_made_up_call_of_messages_can_be_told() -> None:
    told = Outgoing(delivery="del_1", message=example.message("call.qualified"), action="convert")
    row = body(asked(told))["conversions"][0]
    assert row["orderId"] == told.message.subject
    assert row["gclid"] == told.message.data["call"]["click_ids"]["gclid"]


def test_a_test_records_nothing() -> None:
    assert body(asked(outgoing(kind="test", action="tell")))["validateOnly"] is True
    by_data_manager = msgspec.structs.replace(SETTINGS, clicks_by="data_manager")
    request = KIND.request(endpoint(by_data_manager), [outgoing(kind="test", action="tell")], NOW_MS, None)
    assert body(request)["validateOnly"] is True


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (outgoing(click_ids={}), "the visit came by no click on a Google ad"),
        (outgoing(click_ids={"gclid": "TeSter-123"}), "the visit came by no click on a Google ad"),
        (outgoing(visit=VISIT | {"consent": "denied"}), "the visitor said no"),
        (outgoing(visit=VISIT | {"consent": "unknown"}), "the page told no consent"),
        (outgoing(visit=None), "the call is credited to no visit"),
        (outgoing(visit=None, click_ids={}), "the call is credited to no visit"),
        (
            outgoing(attribution=CALL["attribution"] | {"confidence": 0.2}),
            "the visit made this call with a probability",
        ),
        (outgoing(revenue=None), "the call has no revenue"),
        (outgoing(visit=VISIT | {"started_at": "2026-01-01T00:00:00+00:00"}), "the click is more than 90 days older"),
        (outgoing(visit=None, attribution=STATIC, source="bing"), "the number is not of the source google"),
        (outgoing(visit=None, attribution=STATIC, caller=None), "the caller withheld the number"),
        (outgoing(visit=None, attribution=STATIC, caller="+1312555••••"), "the caller is no phone number"),
        (outgoing(id="a call"), "the message tells of no call"),
    ],
)
def test_what_cannot_be_sent_says_why(told: Outgoing, why: str) -> None:
    found = KIND.check(endpoint(), told, NOW_MS)
    assert isinstance(found, Skip)
    assert found.why.startswith(why)


def test_without_a_conversion_action_for_it_nothing_is_sent() -> None:
    clicks = msgspec.structs.replace(SETTINGS, call_conversion_action=None)
    calls = msgspec.structs.replace(SETTINGS, conversion_action=None)
    static = outgoing(visit=None, attribution=STATIC)
    assert isinstance(KIND.check(endpoint(clicks), static, NOW_MS), Skip)
    assert isinstance(KIND.check(endpoint(calls), outgoing(), NOW_MS), Skip)


def changed(former: dict[str, Any], **call: Any) -> Outgoing:
    at_ms = AT_MS + 3_600_000
    return outgoing(action="adjust", kind="call.corrected", delivery="del_2", at_ms=at_ms, former=former, **call)


def kept(told: Outgoing | None = None) -> dict[str, Any]:
    """Of a conversion, as the ledger gives it back."""
    given: dict[str, Any] = json.loads(json.dumps(asked(told or outgoing()).kept["del_1"]))
    return given


def test_another_value_is_a_restatement_field_by_field() -> None:
    """https://developers.google.com/google-ads/api/reference/rpc/v26/ConversionAdjustment"""
    request = asked(changed(kept(), revenue=usd(6_050)))
    assert request.url.endswith("/v26/customers/1234567890:uploadConversionAdjustments")
    assert body(request) == {
        "conversionAdjustments": [
            {
                "orderId": "call_1",
                "conversionAction": "customers/1234567890/conversionActions/111",
                "adjustmentDateTime": "2026-11-30 16:00:00+00:00",
                "adjustmentType": "RESTATEMENT",
                "restatementValue": {"adjustedValue": 60.5, "currencyCode": "USD"},
            }
        ],
        "partialFailure": True,
        "validateOnly": False,
    }


def test_a_call_that_counts_no_longer_is_a_retraction_and_the_last_word() -> None:
    request = asked(changed(kept(), qualification={"qualified": False}))
    assert body(request)["conversionAdjustments"] == [
        {
            "orderId": "call_1",
            "conversionAction": "customers/1234567890/conversionActions/111",
            "adjustmentDateTime": "2026-11-30 16:00:00+00:00",
            "adjustmentType": "RETRACTION",
        }
    ]
    again = changed(dict(request.kept["del_2"]), revenue=usd(1))
    assert isinstance(KIND.check(endpoint(), again, NOW_MS), Skip)


def test_each_restatement_has_a_later_time_and_the_action_of_its_conversion() -> None:
    first = asked(changed(kept(), revenue=usd(6_050)))
    other = msgspec.structs.replace(SETTINGS, conversion_action="999")
    second = asked(changed(dict(first.kept["del_2"]), revenue=usd(4_500)), to=other)
    row = body(second)["conversionAdjustments"][0]
    assert row["adjustmentDateTime"] == "2026-11-30 16:00:01+00:00"
    assert row["conversionAction"].endswith("/111")
    assert row["restatementValue"]["adjustedValue"] == 45.0


def test_a_change_that_google_would_not_take_is_not_sent() -> None:
    same = changed(kept())
    assert KIND.check(endpoint(), same, NOW_MS) == Skip("its value is the same as before")
    call = kept(outgoing(visit=None, attribution=STATIC))
    assert KIND.check(endpoint(), changed(call), NOW_MS) == Skip("Google takes no changes of call conversions")
    unknown = KIND.check(endpoint(), changed({}, revenue=usd(1)), NOW_MS)
    assert unknown == Skip("it is not known any more by which conversion action it was sent")
    old = KIND.check(endpoint(), changed(kept(), revenue=usd(1)), NOW_MS + 55 * 86_400_000)
    assert isinstance(old, Skip)
    assert "54 days" in old.why


def test_what_goes_to_one_address_is_one_group() -> None:
    told = [outgoing(), outgoing(visit=None, attribution=STATIC), changed(kept(), revenue=usd(1))]
    assert [KIND.group(one) for one in told] == ["clicks", "calls", "changes"]
    with pytest.raises(ValueError, match="too many values"):
        KIND.request(endpoint(), told, NOW_MS, None)


def test_a_batch_is_one_request_row_by_row() -> None:
    batch = [outgoing(delivery=f"del_{n}", id=f"call_{n}") for n in range(200)]
    request = asked(*batch)
    assert [row["orderId"] for row in body(request)["conversions"]] == [f"call_{n}" for n in range(200)]
    assert set(request.kept) == {f"del_{n}" for n in range(200)}


# Answers. As Google's package writes them, read by json_format the other way round.


def failed(*errors: tuple[int | None, str, str], status: int = 200, results: int = 3) -> Answer:
    """Rows that failed with a code of an area, as `google.rpc.Status` with one `GoogleAdsFailure`."""
    told = {
        "code": 3,
        "message": "Multiple errors in ‘details’. First error: …",
        "details": [
            {
                "@type": "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure",
                "errors": [
                    {
                        "errorCode": {area: name},
                        "message": "In Google's words.",
                        "location": {"fieldPathElements": [{"fieldName": "conversions", "index": row}]}
                        if row is not None
                        else None,
                    }
                    for row, area, name in errors
                ],
                "requestId": "f4J_sjHfhbgNieU4pkBOqg",
            }
        ],
    }
    if status != 200:
        return Answer(status=status, body=json.dumps({"error": told | {"status": "INVALID_ARGUMENT"}}).encode())
    rows = {row for row, _, _ in errors}
    taken = [{} if n in rows or None in rows else {"gclid": GCLID, "orderId": f"call_{n}"} for n in range(results)]
    return Answer(status=200, body=json.dumps({"partialFailureError": told, "results": taken}).encode())


BATCH = [outgoing(delivery=f"del_{n}", id=f"call_{n}") for n in range(3)]


def of(answer: Answer, batch: list[Outgoing] = BATCH) -> list[Result]:
    return KIND.results(endpoint(), batch, answer)


def test_an_answer_without_errors_delivers_all() -> None:
    for response in (
        UploadClickConversionsResponse(results=[{"gclid": GCLID}] * 3, job_id=2**40),
        UploadConversionAdjustmentsResponse(results=[{"order_id": "call_1"}] * 3),
        UploadClickConversionsResponse(),  # of what was only validated
    ):
        answer = Answer(status=200, body=json_format.MessageToJson(response._pb).encode())
        assert of(answer) == [Result("delivered")] * 3


def test_each_row_has_its_own_result_with_googles_words() -> None:
    answer = failed(
        (0, "conversionUploadError", "UNPARSEABLE_GCLID"),
        (2, "conversionUploadError", "TOO_RECENT_EVENT"),
    )
    assert of(answer) == [
        Result("dead", "UNPARSEABLE_GCLID: In Google's words.", failed=False),
        Result("delivered"),
        Result("again", "TOO_RECENT_EVENT: In Google's words.", 6 * 3_600_000, failed=False),
    ]


@pytest.mark.parametrize(
    ("area", "name", "state", "after_ms", "blamed"),
    [
        ("conversionUploadError", "TOO_RECENT_EVENT", "again", 21_600_000, False),
        ("conversionUploadError", "TOO_RECENT_CALL", "again", 21_600_000, False),
        ("conversionUploadError", "TOO_RECENT_CONVERSION_ACTION", "again", 21_600_000, False),
        ("conversionAdjustmentUploadError", "TOO_RECENT_CONVERSION", "again", 21_600_000, False),
        ("conversionUploadError", "EVENT_NOT_FOUND", "again", 21_600_000, False),
        ("conversionUploadError", "ORDER_ID_ALREADY_IN_USE", "delivered", 0, True),
        ("conversionUploadError", "CLICK_CONVERSION_ALREADY_EXISTS", "delivered", 0, True),
        ("conversionUploadError", "CALL_CONVERSION_ALREADY_EXISTS", "delivered", 0, True),
        ("conversionAdjustmentUploadError", "CONVERSION_ALREADY_RETRACTED", "delivered", 0, True),
        ("conversionAdjustmentUploadError", "RESTATEMENT_ALREADY_EXISTS", "delivered", 0, True),
        ("conversionUploadError", "DUPLICATE_ORDER_ID", "again", 0, False),
        ("conversionUploadError", "EXPIRED_EVENT", "dead", 0, False),
        ("conversionUploadError", "EXPIRED_CALL", "dead", 0, False),
        ("conversionUploadError", "UNPARSEABLE_CALLERS_PHONE_NUMBER", "dead", 0, False),
        ("conversionUploadError", "CONVERSION_PRECEDES_EVENT", "dead", 0, False),
        ("conversionAdjustmentUploadError", "CONVERSION_EXPIRED", "dead", 0, False),
        ("conversionUploadError", "NO_CONVERSION_ACTION_FOUND", "again", 0, True),
        ("conversionUploadError", "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS", "again", 0, True),
        ("internalError", "INTERNAL_ERROR", "again", 0, False),
        ("quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED", "again", 0, False),
        ("notAllowlistedError", "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE", "again", 0, True),
        ("currencyCodeError", "UNSUPPORTED", "dead", 0, False),
    ],
)
def test_what_a_code_means(area: str, name: str, state: str, after_ms: int, blamed: bool) -> None:
    found = of(failed((1, area, name)))[1]
    assert (found.state, found.after_ms, found.failed) == (state, after_ms, blamed)


def test_a_click_that_is_never_found_is_given_up_after_a_day() -> None:
    tried = [outgoing(attempts=n) for n in range(6)]
    found = [of(failed((0, "conversionUploadError", "EVENT_NOT_FOUND")), [one])[0].state for one in tried]
    assert found == ["again"] * 4 + ["dead"] * 2


def test_codes_are_those_of_googles_enums() -> None:
    enums: list[Any] = [
        ConversionUploadErrorEnum.ConversionUploadError,
        ConversionAdjustmentUploadErrorEnum.ConversionAdjustmentUploadError,
    ]
    known = {code.name for enum in enums for code in enum}
    for codes in ("TOO_RECENT", "NOT_FOUND", "DONE", "TWICE_IN_REQUEST", "MENDABLE"):
        assert getattr(google_ads_answer, codes) <= known


def test_who_is_no_longer_taken_is_told_where_to_go() -> None:
    answer = failed((None, "notAllowlistedError", "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"), status=403)
    assert [found.state for found in of(answer)] == ["again"] * 3
    assert "by Data Manager instead" in (of(answer)[0].why or "")


def test_a_request_that_is_refused_for_one_row_blames_that_row() -> None:
    found = of(failed((1, "stringFormatError", "INVALID"), status=400))
    assert [one.state for one in found] == ["again", "dead", "again"]
    assert [one.failed for one in found] == [False] * 3


def test_a_refused_request_blames_the_endpoint() -> None:
    refused = {
        "error": {
            "code": 401,
            "message": "Request had invalid authentication credentials.",
            "status": "UNAUTHENTICATED",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_EXPIRED"}],
        }
    }
    answer = Answer(status=401, body=json.dumps(refused).encode())
    why = "it answered 401: Request had invalid authentication credentials."
    assert of(answer) == [Result("again", why)] * 3
    named = failed((None, "authorizationError", "USER_PERMISSION_DENIED"), status=403)
    assert of(named) == [Result("again", "it answered 403: USER_PERMISSION_DENIED: In Google's words.")] * 3


def test_errors_that_name_no_row_are_of_all_rows() -> None:
    found = of(failed((None, "internalError", "INTERNAL_ERROR")))
    assert [one.state for one in found] == ["again"] * 3


def test_an_empty_result_beside_a_failure_is_no_delivery() -> None:
    answer = failed((0, "conversionUploadError", "EXPIRED_EVENT"))
    told = json.loads(answer.body)
    told["results"][2] = {}
    found = of(Answer(status=200, body=json.dumps(told).encode()))
    assert [one.state for one in found] == ["dead", "delivered", "again"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(why="it did not answer in 15 s"),
        Answer(status=302, headers={"location": "https://example.com"}),
        Answer(status=200, body=b"<html>"),
        Answer(status=200, body=b""),
        Answer(status=502, body=b"<html>"),
        Answer(status=429, headers={"retry-after": "60"}, body=b"{}"),
        Answer(status=200, body=b'{"results": 1}'),
    ],
)
def test_whatever_else_is_answered_is_tried_again(answer: Answer) -> None:
    assert [found.state for found in of(answer)] == ["again"] * 3
    assert all(found.failed and found.why for found in of(answer))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"customer_id": "my account"}, "customer_id"),
        ({"customer_id": "----------"}, "customer_id"),
        ({"login_customer_id": "1234"}, "login_customer_id"),
        ({"conversion_action": "customers/1/conversionActions/2"}, "conversion_action"),
        ({"api_version": "26"}, "api_version"),
        ({"base_url": "googleads.googleapis.com"}, "base_url"),
        ({"base_url": "https://googleads.googleapis.com/"}, "base_url"),
        ({"value": "fixed"}, "/settings/fixed"),
        ({"conversion_action": None, "call_conversion_action": None}, "/settings/conversion_action"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_settings_that_are_wrong_are_refused(change: dict[str, Any], path: str) -> None:
    with pytest.raises((msgspec.ValidationError, InvalidField), match=path):
        msgspec.convert(msgspec.to_builtins(SETTINGS) | change, Settings)


@pytest.mark.parametrize("name", ["client_secret", "refresh_token", "developer_token"])
def test_a_secret_that_is_no_text_of_a_header_is_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({"client_secret": "c", "refresh_token": "r", name: "a\r\nb: c"}, Secrets)


@settings(max_examples=300, deadline=None)
@given(odd_calls(), st.sampled_from(["none", "revenue", "payout", "sale"]), st.sampled_from(["convert", "adjust"]))
def test_whatever_a_message_says_it_is_a_request_that_google_reads_or_a_reason(
    told: dict[str, Any], value: Any, action: Any
) -> None:
    to = msgspec.structs.replace(SETTINGS, value=value)
    former = told.pop("former", None)
    message = outgoing(
        action=action,
        former=former if isinstance(former, dict) else None,
        visit=told.pop("visit", VISIT),
        campaign=told.pop("campaign", CAMPAIGN),
        **told,
    )
    found = KIND.check(endpoint(to), message, NOW_MS)
    if found is None:
        read_by_google(KIND.request(endpoint(to), [message], NOW_MS, None))
    else:
        assert isinstance(found, Skip)
        assert found.why


ANSWERED = ("error", "partialFailureError", "details", "errors", "results", "errorCode", "location", "index")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([200, 400, 401, 403, 429, 500]),
    st.binary(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(ANSWERED),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
)
def test_whatever_is_answered_each_row_has_a_result(status: int, answered: bytes) -> None:
    found = of(Answer(status=status, body=answered))
    assert len(found) == 3
    assert status == 200 or all(one.state != "delivered" for one in found)
