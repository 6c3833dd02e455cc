"""HubSpot: requests as its published OpenAPI documents have them, and its answers."""

from typing import Any

import msgspec
import pytest

from dni.errors import InvalidField
from dni.outbound.hubspot import CALL, KIND, Secrets, Settings
from dni.outbound.kinds import KINDS
from dni.outbound.model import Answer, Endpoint, Message, Request, Result, Skip
from tests.support.told_call import message, outgoing

TOKEN = "pat-na1-0000-1111"


class Input(msgspec.Struct, forbid_unknown_fields=True):
    """SimplePublicObjectBatchInputUpsert of CRM/Contacts and CRM/Calls, 2026-03: `id` and `properties` are required,
    properties are texts."""

    id: str
    properties: dict[str, str]
    idProperty: str | None = None  # noqa: N815
    objectWriteTraceId: str | None = None  # noqa: N815


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """BatchInputSimplePublicObjectBatchInputUpsert."""

    inputs: list[Input]


def endpoint(**settings: Any) -> Endpoint:
    return Endpoint(
        id="end_1",
        kind="hubspot",
        name="HubSpot",
        settings=msgspec.convert(settings, Settings),
        secrets=Secrets(token=TOKEN),
    )


def sent(to: Endpoint, told: Message | None = None) -> tuple[Request, Input]:
    one = outgoing(told, "tell")
    assert KIND.check(to, one, 0) is None
    request = KIND.request(to, [one], 0, None)
    (made,) = msgspec.json.decode(request.body, type=Body, strict=True).inputs
    return request, made


def judged(status: int, body: Any, **headers: str) -> Result:
    answer = Answer(status=status, body=msgspec.json.encode(body), headers=headers)
    (found,) = KIND.results(endpoint(), [outgoing()], answer)
    return found


def test_a_contact_is_written_by_its_caller() -> None:
    request, made = sent(endpoint())
    assert request.method == "POST"
    assert request.url == "https://api.hubapi.com/crm/objects/2026-03/contacts/batch/upsert"
    assert request.headers == {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    assert (made.idProperty, made.id, made.properties) == ("dni_caller", "+13125550142", {"phone": "+13125550142"})


def test_a_call_is_written_with_the_properties_of_the_documentation() -> None:
    request, made = sent(endpoint(object="calls", id_property="dni_call_id", id="{call_id}", fields=CALL))
    assert request.url == "https://api.hubapi.com/crm/objects/2026-03/calls/batch/upsert"
    assert (made.idProperty, made.id) == ("dni_call_id", "call_1")
    assert made.properties == {
        "hs_timestamp": "1789997400000",
        "hs_call_title": "Call from google",
        "hs_call_body": "Roofing · cpc · Roof & Gutter · roof repair near me",
        "hs_call_direction": "INBOUND",
        "hs_call_from_number": "+13125550142",
        "hs_call_to_number": "+14155550123",
        "hs_call_duration": "120000",
        "hs_call_recording_url": "https://media.example.com/r?id=1&sig=a/b",
    }


def test_the_token_is_no_part_of_what_is_kept() -> None:
    request, _ = sent(endpoint())
    assert TOKEN not in request.url
    assert TOKEN.encode() not in request.body


def test_every_message_writes_the_same_record() -> None:
    assert KINDS["hubspot"] is KIND
    assert not KIND.converts
    assert sent(endpoint(), message("call.completed"))[1].id == sent(endpoint(), message("call.corrected"))[1].id


def test_a_withheld_caller_is_no_contact() -> None:
    found = KIND.check(endpoint(), outgoing(message(caller=None)), 0)
    assert found == Skip("{caller} is empty: the caller withheld the number")


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"object": "calls"}, "/settings/fields"),
        ({"fields": {"Phone": "{caller}"}}, "/settings/fields/Phone"),
        ({"id": "the same"}, "/settings/id"),
        ({"base_url": "nothing"}, "/settings/base_url"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Settings(**settings)
    assert refused.value.errors[0].path == path


def test_a_record_made_or_changed_is_a_success() -> None:
    results = [{"id": "512", "new": True, "properties": {}, "archived": False}]
    assert judged(200, {"status": "COMPLETE", "results": results}) == Result("delivered")
    assert judged(201, {"status": "COMPLETE", "results": results}) == Result("delivered")


def test_a_refusal_of_the_record_is_told_in_hubspots_words() -> None:
    refused = judged(
        400,
        {
            "status": "error",
            "message": "Property values were not valid",
            "errors": [{"message": 'Property "dni_caller" does not exist', "code": "PROPERTY_DOESNT_EXIST"}],
            "category": "VALIDATION_ERROR",
            "correlationId": "a43683b0-5717-4ceb-80b4-104d02915d8c",
        },
    )
    why = 'HubSpot refused it: Property values were not valid · Property "dni_caller" does not exist'
    assert refused == Result("dead", why, failed=False)
    multi = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{"status": "error", "message": "No."}]}
    assert judged(207, multi) == Result("dead", "HubSpot refused it: No.", failed=False)


@pytest.mark.parametrize("body", [None, [], "x", {}, {"message": None, "errors": []}, {"message": 5}])
def test_an_answer_of_another_form_is_no_error_of_ours(body: Any) -> None:
    assert judged(400, body) == Result("dead", "HubSpot refused it: it did not say why", failed=False)
    assert judged(200, body) == Result("delivered")
    assert judged(502, body).state == "again"


def test_a_token_that_is_not_let_is_the_endpoints_fault_and_tried_again() -> None:
    for status in (401, 403):
        found = judged(status, {"status": "error", "message": "This app hasn't been granted all required scopes"})
        assert (found.state, found.failed) == ("again", True)
        assert "hasn't been granted all required scopes" in (found.why or "")


def test_limits_and_locks_are_waited_for() -> None:
    limited = judged(429, {"message": "You have reached your ten_secondly_rolling limit."}, **{"retry-after": "10"})
    assert (limited.state, limited.after_ms) == ("again", 10_000)
    assert "ten_secondly_rolling" in (limited.why or "")
    for status in (404, 423, 500, 503):
        assert judged(status, {}).state == "again"
    assert judged(409, {"message": "conflict"}).failed is False
    assert KIND.results(endpoint(), [outgoing()], Answer(why="no answer"))[0] == Result("again", "no answer")
