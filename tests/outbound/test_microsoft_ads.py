"""Microsoft Advertising, field by field as its documentation has the objects and the errors."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dni.errors import InvalidField
from dni.outbound.microsoft_ads import KIND, Secrets, Settings
from dni.outbound.model import Answer, Endpoint, Outgoing, Request, Result, Skip
from tests.support.odd_calls import odd_calls
from tests.support.telling import AT_MS, CALL, CAMPAIGN, VISIT, outgoing, usd

NOW_MS = AT_MS + 200_000
MSCLKID = "f894f652ea334e739002f7167ab8f8e3"
SETTINGS = Settings(customer_id="1234", account_id="5678", conversion_name="Phone call", client_id="app-id")
SECRETS = Secrets(developer_token="developer-token", refresh_token="refresh-token", client_secret="client-secret")
KEY = {
    "MicrosoftClickId": MSCLKID,
    "ConversionName": "Phone call",
    "ConversionTime": "2026-11-30T15:00:00.000Z",
}
# The elements of the two objects: https://learn.microsoft.com/advertising/campaign-management-service/offlineconversion
# and offlineconversionadjustment, each with the type that it has in JSON.
CONVERSION = {
    "ConversionCurrencyCode": str,
    "ConversionName": str,
    "ConversionTime": str,
    "ConversionValue": float,
    "ExternalAttributionCredit": float,
    "ExternalAttributionModel": str,
    "HashedEmailAddress": str,
    "HashedPhoneNumber": str,
    "MicrosoftClickId": str,
}
ADJUSTMENT = {
    "AdjustmentCurrencyCode": str,
    "AdjustmentTime": str,
    "AdjustmentType": str,
    "AdjustmentValue": float,
    "ConversionName": str,
    "ConversionTime": str,
    "HashedEmailAddress": str,
    "HashedPhoneNumber": str,
    "MicrosoftClickId": str,
}


def clicked(**change: Any) -> Outgoing:
    return outgoing(**({"source": "bing", "click_ids": {"msclkid": MSCLKID}} | change))


def endpoint(to: Settings = SETTINGS, secrets: Secrets = SECRETS) -> Endpoint:
    return Endpoint(id="end_1", kind="microsoft_ads", name="Microsoft", settings=to, secrets=secrets)


def body(request: Request) -> Any:
    told = json.loads(request.body)
    (name,) = told
    objects = {"OfflineConversions": CONVERSION, "OfflineConversionAdjustments": ADJUSTMENT}[name]
    for row in told[name]:
        for field, value in row.items():
            assert isinstance(value, objects[field])
    return told


def asked(*batch: Outgoing, to: Settings = SETTINGS) -> Request:
    assert [KIND.check(endpoint(to), one, NOW_MS) for one in batch] == [None] * len(batch)
    return KIND.request(endpoint(to), batch, NOW_MS, "access-token")


def test_a_conversion_field_by_field() -> None:
    """https://learn.microsoft.com/advertising/campaign-management-service/applyofflineconversions"""
    request = asked(clicked())
    at = "https://campaign.api.bingads.microsoft.com/CampaignManagement/v13/OfflineConversions/Apply"
    assert (request.method, request.url) == ("POST", at)
    assert request.headers == {
        "authorization": "Bearer access-token",
        "content-type": "application/json",
        "customeraccountid": "5678",
        "customerid": "1234",
        "developertoken": "developer-token",
    }
    assert body(request) == {"OfflineConversions": [KEY | {"ConversionValue": 45.0, "ConversionCurrencyCode": "USD"}]}


def test_without_a_value_the_goals_own_counts() -> None:
    request = asked(clicked(), to=msgspec.structs.replace(SETTINGS, value="none"))
    assert body(request) == {"OfflineConversions": [KEY]}


def changed(former: dict[str, Any], **call: Any) -> Outgoing:
    at_ms = AT_MS + 3_600_000
    return clicked(action="adjust", kind="call.corrected", delivery="del_2", at_ms=at_ms, former=former, **call)


def kept() -> dict[str, Any]:
    """Of a conversion, as the ledger gives it back."""
    given: dict[str, Any] = json.loads(json.dumps(asked(clicked()).kept["del_1"]))
    return given


def test_another_value_is_restated_field_by_field() -> None:
    """https://learn.microsoft.com/advertising/campaign-management-service/offlineconversionadjustment"""
    other_goal = msgspec.structs.replace(SETTINGS, conversion_name="Another goal")
    request = asked(changed(kept(), revenue=usd(6_050)), to=other_goal)
    assert request.url.endswith("/CampaignManagement/v13/OfflineConversionAdjustments/Apply")
    restated = KEY | {
        "AdjustmentTime": "2026-11-30T16:00:00.000Z",
        "AdjustmentType": "Restate",
        "AdjustmentValue": 60.5,
        "AdjustmentCurrencyCode": "USD",
    }
    assert body(request) == {"OfflineConversionAdjustments": [restated]}


def test_a_call_that_counts_no_longer_is_retracted_and_that_is_the_last_word() -> None:
    request = asked(changed(kept(), qualification={"qualified": False}))
    retracted = KEY | {"AdjustmentTime": "2026-11-30T16:00:00.000Z", "AdjustmentType": "Retract"}
    assert body(request) == {"OfflineConversionAdjustments": [retracted]}
    again = changed(dict(request.kept["del_2"]), revenue=usd(1))
    assert isinstance(KIND.check(endpoint(), again, NOW_MS), Skip)


def test_conversions_and_changes_go_to_addresses_of_their_own() -> None:
    assert [KIND.group(clicked()), KIND.group(changed(kept()))] == ["conversions", "changes"]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (clicked(click_ids={"gclid": MSCLKID}), "the visit came by no click on a Microsoft ad"),
        (clicked(click_ids={"msclkid": "test"}), "the visit came by no click on a Microsoft ad"),
        (clicked(visit=VISIT | {"consent": "denied"}), "the visitor said no"),
        (clicked(visit=VISIT | {"consent": "unknown"}), "the page told no consent"),
        (clicked(visit=None), "the call is credited to no visit"),
        (clicked(visit=None, click_ids={}), "the call is credited to no visit"),
        (clicked(attribution=CALL["attribution"] | {"confidence": 0.2}), "the visit made this call with a probability"),
        (clicked(revenue=None), "the call has no revenue"),
        (clicked(qualification={"qualified": False}), "the call does not count"),
        (clicked(visit=VISIT | {"started_at": "2026-01-01T00:00:00+00:00"}), "the click is more than 90 days older"),
        (
            clicked(started_at="2026-08-01T00:00:00+00:00", visit=VISIT | {"started_at": "2026-08-01T00:00:00+00:00"}),
            "the call is more than 90 days old",
        ),
        (changed({}), "it is not known any more by which click"),
        (changed(kept()), "its value is the same as before"),
        (clicked(id="a call"), "the message tells of no call"),
    ],
)
def test_what_cannot_be_sent_says_why(told: Outgoing, why: str) -> None:
    found = KIND.check(endpoint(), told, NOW_MS)
    assert isinstance(found, Skip)
    assert found.why.startswith(why)


@pytest.mark.parametrize("secret", ["client-secret", None])
def test_a_token_is_had_by_the_refresh_token_which_is_renewed(secret: str | None) -> None:
    """https://learn.microsoft.com/advertising/guides/authentication-oauth-get-tokens"""
    grant = KIND.grant(endpoint(secrets=msgspec.structs.replace(SECRETS, client_secret=secret)))
    assert grant is not None
    assert grant.url == "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    assert grant.renews == "refresh_token"
    assert dict(grant.form) == {
        "grant_type": "refresh_token",
        "client_id": "app-id",
        "refresh_token": "refresh-token",
        "scope": "https://ads.microsoft.com/msads.manage offline_access",
        **({"client_secret": secret} if secret else {}),
    }


def test_no_secret_stands_in_what_is_kept_of_a_request() -> None:
    request = asked(clicked())
    for secret in ("developer-token", "client-secret", "refresh-token", "access-token"):
        assert secret not in request.url
        assert secret not in request.body.decode()


# Answers.

BATCH = [clicked(delivery=f"del_{n}", id=f"call_{n}") for n in range(3)]


def of(answer: Answer) -> list[Result]:
    return KIND.results(endpoint(), BATCH, answer)


def batch_error(index: int, code: int, name: str) -> dict[str, Any]:
    """https://learn.microsoft.com/advertising/campaign-management-service/batcherror"""
    return {
        "Code": code,
        "Details": None,
        "ErrorCode": name,
        "FieldPath": None,
        "ForwardCompatibilityMap": None,
        "Index": index,
        "Message": "In Microsoft's words.",
        "Type": "BatchError",
    }


def partial(*errors: Any) -> Answer:
    return Answer(status=200, body=json.dumps({"PartialErrors": list(errors)}).encode())


@pytest.mark.parametrize("answered", [b'{"PartialErrors":[]}', b'{"PartialErrors":null}', b"{}"])
def test_an_answer_without_errors_delivers_all(answered: bytes) -> None:
    assert of(Answer(status=200, body=answered)) == [Result("delivered")] * 3


def test_each_row_has_its_own_result_with_microsofts_words() -> None:
    answer = partial(
        batch_error(0, 5604, "OfflineConversionMicrosoftClickIdInvalid"),
        None,
        batch_error(2, 5615, "OfflineConversionNotAcceptedForGoal"),
    )
    assert of(answer) == [
        Result("dead", "OfflineConversionMicrosoftClickIdInvalid: In Microsoft's words.", failed=False),
        Result("delivered"),
        Result("again", "OfflineConversionNotAcceptedForGoal: In Microsoft's words.", 7_200_000, failed=False),
    ]


@pytest.mark.parametrize(
    ("code", "name", "state", "blamed"),
    [
        (5604, "OfflineConversionMicrosoftClickIdInvalid", "dead", False),
        (5606, "OfflineConversionNameInvalid", "again", True),
        (5609, "OfflineConversionTimeOutOfWindow", "dead", False),
        (5611, "OfflineConversionCurrencyCodeInvalid", "dead", False),
        (5612, "OfflineConversionsApplyFailed", "again", False),
        (5613, "OfflineConversionPilotNotEnabledForCustomer", "again", True),
        (5614, "FutureConversionTimeCannotBeSet", "again", False),
        (5616, "ConversionTimeEarlierThanClickTime", "dead", False),
        (5617, "ClickIdDateTimeOutsideGoalConversionWindow", "dead", False),
        (5623, "OfflineConversionAdjustmentTimeOutOfWindow", "dead", False),
        (5627, "OfflineConversionRestateRetractNotSupported", "dead", False),
        (0, "InternalError", "again", False),
        (106, "UserIsNotAuthorized", "again", True),
    ],
)
def test_what_a_code_means(code: int, name: str, state: str, blamed: bool) -> None:
    """https://learn.microsoft.com/advertising/guides/operation-error-codes"""
    found = of(partial(batch_error(1, code, name)))
    assert (found[1].state, found[1].failed) == (state, blamed)
    assert [found[0], found[2]] == [Result("delivered")] * 2


def test_an_error_that_names_no_row_is_of_all() -> None:
    found = of(
        partial(batch_error(7, 0, "InternalError"), batch_error(1, 5604, "OfflineConversionMicrosoftClickIdInvalid"))
    )
    assert [one.state for one in found] == ["again", "dead", "again"]


def test_a_refused_request_blames_the_endpoint() -> None:
    """https://learn.microsoft.com/advertising/campaign-management-service/adapifaultdetail"""
    refused = {
        "Errors": [
            {
                "Code": 109,
                "Detail": "The authentication token has expired.",
                "ErrorCode": "AuthenticationTokenExpired",
                "Message": "Authentication token expired.",
            }
        ],
        "TrackingId": "t",
        "Type": "AdApiFaultDetail",
    }
    why = (
        "it answered 401: AuthenticationTokenExpired: Authentication token expired.: "
        "The authentication token has expired."
    )
    assert of(Answer(status=401, body=json.dumps(refused).encode())) == [Result("again", why)] * 3


def test_a_request_that_is_refused_for_one_row_blames_that_row() -> None:
    """https://learn.microsoft.com/advertising/campaign-management-service/apifaultdetail"""
    refused = {
        "BatchErrors": [batch_error(1, 5604, "OfflineConversionMicrosoftClickIdInvalid")],
        "OperationErrors": [],
        "TrackingId": "t",
    }
    found = of(Answer(status=400, body=json.dumps(refused).encode()))
    assert [(one.state, one.failed) for one in found] == [("again", False), ("dead", False), ("again", False)]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(why="it did not answer in 15 s"),
        Answer(status=302, headers={"location": "https://example.com"}),
        Answer(status=200, body=b"<html>"),
        Answer(status=502, body=b"<html>"),
        Answer(status=429, headers={"retry-after": "60"}, body=b"{}"),
        Answer(status=200, body=b'{"PartialErrors": 1}'),
    ],
)
def test_whatever_else_is_answered_is_tried_again(answer: Answer) -> None:
    assert all(found.state == "again" and found.failed and found.why for found in of(answer))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"account_id": "F12A"}, "account_id"),
        ({"conversion_name": ""}, "conversion_name"),
        ({"base_url": "http://localhost/?"}, "base_url"),
        ({"value": "fixed"}, "/settings/fixed"),
    ],
)
def test_settings_that_are_wrong_are_refused(change: dict[str, Any], path: str) -> None:
    with pytest.raises((msgspec.ValidationError, InvalidField), match=path):
        msgspec.convert(msgspec.to_builtins(SETTINGS) | change, Settings)


@settings(max_examples=300, deadline=None)
@given(odd_calls(), st.sampled_from(["none", "revenue", "payout", "sale"]), st.booleans())
def test_whatever_a_message_says_it_is_a_request_of_known_fields_or_a_reason(
    told: dict[str, Any], value: Any, adjust: bool
) -> None:
    to = endpoint(msgspec.structs.replace(SETTINGS, value=value))
    former = told.pop("former", None)
    message = outgoing(
        action="adjust" if adjust else "convert",
        former=kept() | (former if isinstance(former, dict) else {}),
        visit=told.pop("visit", VISIT),
        campaign=told.pop("campaign", CAMPAIGN),
        **told,
    )
    found = KIND.check(to, message, NOW_MS)
    if found is None:
        assert body(KIND.request(to, [message], NOW_MS, None))
    else:
        assert isinstance(found, Skip)
        assert found.why


ANSWERED = ("PartialErrors", "BatchErrors", "OperationErrors", "Errors", "Code", "Index", "Message", "Details")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([200, 400, 401, 429, 500]),
    st.binary(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ANSWERED), inner, max_size=4),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
)
def test_whatever_is_answered_each_row_has_a_result(status: int, answered: bytes) -> None:
    found = of(Answer(status=status, body=answered))
    assert len(found) == 3
    assert status == 200 or all(one.state != "delivered" for one in found)
