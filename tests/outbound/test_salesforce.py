"""Salesforce: the worked examples of its documentation, and its errors."""

from typing import Any

import msgspec
import pytest

from dni.errors import InvalidField
from dni.outbound.kinds import KINDS
from dni.outbound.model import Answer, Endpoint, Grant, Message, Request, Result, Skip
from dni.outbound.salesforce import KIND, LEAD, Secrets, Settings
from tests.support.told_call import message, outgoing

HOST = "https://MyDomainName.my.salesforce.com"
NEEDED = {"base_url": HOST, "client_id": "3MVG9IHf89I1t8hrvswazsWedXWY0i1qK20PSFaInvUgLFB6vrcb9bbWFTSIHpO8G2jxBLJA6"}


def endpoint(**settings: Any) -> Endpoint:
    return Endpoint(
        id="end_1",
        kind="salesforce",
        name="Salesforce",
        settings=msgspec.convert(NEEDED | settings, Settings),
        secrets=Secrets(client_secret="5678309473291293829"),
    )


def sent(to: Endpoint, told: Message | None = None) -> Request:
    one = outgoing(told, "tell")
    assert KIND.check(to, one, 0) is None
    return KIND.request(to, [one], 0, "00D!token")


def judged(status: int, body: Any) -> Result:
    answer = Answer(status=status, body=body if isinstance(body, bytes) else msgspec.json.encode(body))
    (found,) = KIND.results(endpoint(), [outgoing()], answer)
    return found


def test_the_documented_upsert() -> None:
    """curl https://MyDomainName.my.salesforce.com/services/data/v66.0/sobjects/Account/customExtIdField__c/11999
    -X PATCH with {"Name": "California Wheat Corporation", "Type": "New Customer"}"""
    fields = {"Name": "{custom.company}", "Type": "New Customer"}
    to = endpoint(object="Account", external_id_field="customExtIdField__c", external_id="{custom.id}", fields=fields)
    request = sent(to, message(visit={"custom": {"company": "California Wheat Corporation", "id": 11_999}}))
    assert request.method == "PATCH"
    assert request.url == f"{HOST}/services/data/v66.0/sobjects/Account/customExtIdField__c/11999"
    assert request.headers == {"authorization": "Bearer 00D!token", "content-type": "application/json"}
    assert msgspec.json.decode(request.body) == {"Name": "California Wheat Corporation", "Type": "New Customer"}


def test_a_lead_of_a_call() -> None:
    request = sent(endpoint(fields=LEAD | {"Talk__c": "{talk_seconds}", "Fits__c": "{qualified}"}))
    assert request.url == f"{HOST}/services/data/v66.0/sobjects/Lead/DNI_Call_ID__c/call_1"
    assert msgspec.json.decode(request.body) == {
        "LastName": "(312) 555-0142",
        "Company": "Unknown",
        "Phone": "+13125550142",
        "LeadSource": "Phone call",
        "Description": "Roofing: google cpc Roof & Gutter roof repair near me",
        "Talk__c": 120,
        "Fits__c": True,
    }


def test_a_withheld_caller_is_a_lead_still() -> None:
    made = msgspec.json.decode(sent(endpoint(), message(caller=None)).body)
    assert made["LastName"] == "Unknown caller"
    assert "Phone" not in made


def test_the_token_is_had_by_the_client_credentials_flow() -> None:
    """POST /services/oauth2/token with grant_type=client_credentials&client_id=…&client_secret=…"""
    assert KIND.grant(endpoint()) == Grant(
        f"{HOST}/services/oauth2/token",
        {
            "grant_type": "client_credentials",
            "client_id": NEEDED["client_id"],
            "client_secret": "5678309473291293829",
        },
    )


def test_a_value_in_the_address_stays_in_its_part() -> None:
    to = endpoint(external_id="{sub1}")
    assert sent(to, message(sub1="a/../b?c#d")).url.endswith("/DNI_Call_ID__c/a%2F..%2Fb%3Fc%23d")
    found = KIND.check(to, outgoing(message(sub1="..")), 0)
    assert isinstance(found, Skip)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"fields": {"LastName": "x"}}, "/settings/fields"),
        ({"object": "Call__c", "fields": {"DNI_Call_ID__c": "{call_id}"}}, "/settings/fields/DNI_Call_ID__c"),
        ({"object": "Call__c", "fields": {"Last Name": "x"}}, "/settings/fields/Last Name"),
        ({"external_id": "x"}, "/settings/external_id"),
        ({"base_url": "salesforce"}, "/settings/base_url"),
        ({"base_url": f"{HOST}/?a=b"}, "/settings/base_url"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Settings(**NEEDED | settings)
    assert refused.value.errors[0].path == path


def test_a_record_made_or_changed_is_a_success() -> None:
    """{"id": "00190000001pPvHAAU", "errors": [], "success": true, "created": true}, and 204 without a body."""
    made = {"id": "00190000001pPvHAAU", "errors": [], "success": True, "created": True}
    assert judged(201, made) == Result("delivered")
    assert judged(200, made | {"created": False}) == Result("delivered")
    assert judged(204, b"") == Result("delivered")
    assert KINDS["salesforce"] is KIND


def test_a_required_field_is_told_in_salesforces_words() -> None:
    error = {"message": "Required fields are missing: [LastName]", "errorCode": "REQUIRED_FIELD_MISSING", "fields": []}
    why = "Salesforce says: Required fields are missing: [LastName] (REQUIRED_FIELD_MISSING)"
    assert judged(400, [error]) == Result("dead", why, failed=False)


def test_a_field_that_does_not_exist_may_be_made() -> None:
    """{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}"""
    found = judged(404, {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"})
    assert found == Result("again", "Salesforce says: The requested resource does not exist (NOT_FOUND)")


def test_an_external_id_of_several_records_is_told() -> None:
    found = judged(300, ["/services/data/v66.0/sobjects/Lead/1", "/services/data/v66.0/sobjects/Lead/2"])
    assert (found.state, found.failed) == ("dead", False)
    assert "make its field unique" in (found.why or "")


def test_a_token_that_is_over_is_tried_again() -> None:
    found = judged(401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    assert found == Result("again", "Salesforce says: Session expired or invalid (INVALID_SESSION_ID)")


def test_a_slash_at_the_end_of_the_domain_is_none_in_the_address() -> None:
    assert sent(endpoint(base_url=f"{HOST}/")).url == sent(endpoint()).url


def test_what_passes_is_waited_for() -> None:
    locked = judged(400, [{"message": "unable to obtain exclusive access", "errorCode": "UNABLE_TO_LOCK_ROW"}])
    assert (locked.state, locked.failed) == ("again", False)
    limited = judged(403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}])
    assert (limited.state, limited.failed) == ("again", True)
    for body in (b"", b"<html>", b"null", b"[]", b"[1]"):
        assert judged(503, body) == Result("again", "it answered 503")
