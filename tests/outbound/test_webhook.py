"""Webhooks as requests: signed so that the official library takes them, and told as the role reads the API."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook, WebhookVerificationError

from dni.attribution.model import Candidate
from dni.clock import SystemClock
from dni.errors import InvalidField
from dni.outbound import signing, webhook
from dni.outbound.model import Answer, Endpoint, Message, Outgoing, Request, Result, Skip
from dni.outbound.webhook import KIND, Role, Secrets, Settings
from tests.support.told_call import AT_MS, CALL, message, outgoing

URL = "https://example.com/calls"
OLD, NEW, OTHER = (signing.secret_of(letter * 32) for letter in (b"o", b"n", b"x"))
DAY_MS = 86_400_000


def endpoint(secrets: Secrets | None = None, **settings: Any) -> Endpoint:
    made = Settings(url=URL, **settings)
    return Endpoint(id="end_1", kind="webhook", name="W", settings=made, secrets=secrets or Secrets(secret=NEW))


def requested(told: Message | None = None, to: Endpoint | None = None, now_ms: int | None = None) -> Request:
    at_ms = SystemClock().now_ms() if now_ms is None else now_ms  # the library reads the time itself
    return KIND.request(to or endpoint(), [outgoing(told, "tell")], at_ms, None)


def takes(secret: str, request: Request, **changed: str) -> Any:
    """What the official library reads. Raises WebhookVerificationError."""
    body = changed.pop("body", request.body.decode())
    headers = {**request.headers, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return Webhook(secret).verify(body, headers)


def told_as(role: Role, told: Message) -> dict[str, Any] | None:
    made = webhook.told(told, Settings(url=URL, role=role))
    return None if made is None else dict(made["data"])


def test_the_official_library_takes_it() -> None:
    request = requested()
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers["content-type"] == "application/json"
    told = takes(NEW, request)
    assert (told["type"], told["timestamp"], told["version"]) == ("call.qualified", "2026-09-21T14:13:20.000+00:00", 1)
    assert told["data"]["call"]["id"] == "call_1"
    assert request.headers["webhook-id"] == "msg_1"


def test_what_was_tampered_with_is_refused() -> None:
    request = requested()
    at_s = int(request.headers["webhook-timestamp"])
    for changed in (
        {"body": request.body.decode().replace('"amount":1250', '"amount":9250')},
        {"webhook_id": "msg_2"},
        {"webhook_timestamp": str(at_s + 1)},
        {"webhook_signature": request.headers["webhook-signature"].replace("v1,", "v1a,")},
    ):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            takes(NEW, request, **changed)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        takes(OTHER, request)


def test_what_was_recorded_and_is_sent_again_by_somebody_is_refused() -> None:
    now_ms = SystemClock().now_ms()
    with pytest.raises(WebhookVerificationError, match="too old"):
        takes(NEW, requested(now_ms=now_ms - 301_000))
    assert takes(NEW, requested(now_ms=now_ms - 240_000))


def test_each_try_has_its_own_time_and_the_same_id_and_body() -> None:
    first, later = requested(now_ms=AT_MS), requested(now_ms=AT_MS + 6 * 3_600_000)
    assert first.body == later.body
    assert first.headers["webhook-id"] == later.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != later.headers["webhook-timestamp"]


def test_after_a_rotation_both_secrets_hold_for_a_day_and_then_the_new_one() -> None:
    now_ms = SystemClock().now_ms()
    lately = webhook.rotated(Secrets(secret=OLD), NEW, now_ms - DAY_MS + 60_000)
    request = requested(to=endpoint(lately))
    assert takes(OLD, request) == takes(NEW, request)
    before = webhook.rotated(Secrets(secret=OLD), NEW, now_ms - DAY_MS - 1)
    request = requested(to=endpoint(before))
    assert takes(NEW, request)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        takes(OLD, request)


def test_of_many_rotations_the_last_three_former_secrets_stay() -> None:
    kept = Secrets(secret=signing.secret_of(bytes([65]) * 32))
    for n in range(1, 6):
        kept = webhook.rotated(kept, signing.secret_of(bytes([65 + n]) * 32), AT_MS + n)
    assert [one.until_ms - DAY_MS - AT_MS for one in kept.former] == [5, 4, 3]
    assert len(webhook.valid(kept, AT_MS + 6)) == 4
    assert webhook.rotated(kept, NEW, AT_MS + 2 * DAY_MS).former == [webhook.Former(kept.secret, AT_MS + 3 * DAY_MS)], (
        "what does not hold any more is forgotten"
    )


def test_a_secret_is_in_no_part_of_a_request() -> None:
    request = requested()
    assert NEW.removeprefix("whsec_") not in repr(request)


def test_staff_is_told_everything() -> None:
    told = message()
    assert told_as("staff", told) == told.data


def test_a_publisher_is_told_no_caller_no_destination_and_no_revenue() -> None:
    told = told_as("publisher", message())
    assert told
    assert told["call"]["caller"] == "+1312555••••"
    assert (told["call"]["destination"], told["call"]["revenue"]) == (None, None)
    assert told["call"]["payout"] == {"amount": 1250, "currency": "USD"}
    assert told["call"]["outcome"]["note"] is None
    assert told["call"]["qualification"]["billable"] is None


def test_an_advertiser_is_told_no_payout() -> None:
    told = told_as("advertiser", message())
    assert told
    assert (told["call"]["payout"], told["call"]["caller"]) == (None, CALL.caller)
    assert told["call"]["revenue"] == {"amount": 2000, "currency": "USD"}


def test_a_call_of_nobody_is_told_a_publisher_without_what_is_not_its() -> None:
    told = told_as("publisher", message(publisher=None))
    assert told
    assert (told["call"]["destination"], told["call"]["revenue"]) == (None, None)


def test_other_publishers_sessions_are_told_staff_alone() -> None:
    candidates = [Candidate("ses_1", 0.6, "held it"), Candidate("ses_2", 0.3, "held it before")]
    told = message(attribution=replace(CALL.attribution, candidates=candidates))
    told.data["others"] = ["ses_2"]
    as_publisher, as_advertiser = told_as("publisher", told), told_as("advertiser", told)
    assert as_publisher
    assert as_advertiser
    assert [one["session"] for one in as_publisher["call"]["attribution"]["candidates"]] == ["ses_1"]
    assert "ses_2" not in json.dumps(as_publisher)
    assert len(as_advertiser["call"]["attribution"]["candidates"]) == 2


def test_an_answer_in_place_of_anothers_names_only_its_own() -> None:
    change = {"session": {"before": "ses_2", "after": "ses_1"}, "confidence": {"before": 0.5, "after": 0.97}}
    told = message("call.attributed", change=change)
    told.data["others"] = ["ses_2"]
    as_publisher = told_as("publisher", told)
    assert as_publisher
    assert as_publisher["change"]["session"] == {"before": None, "after": "ses_1"}


def corrected(**changed: Any) -> Message:
    def money(before: int, after: int) -> dict[str, Any]:
        return {"before": {"amount": before, "currency": "USD"}, "after": {"amount": after, "currency": "USD"}}

    same = {"before": True, "after": True}
    change = {"kind": "correction", "reason": "corrected by hand", "payout": money(5, 5), "revenue": money(9, 9)}
    change |= {"qualified": same, "billable": same}
    change |= {name: money(*value) if name in ("payout", "revenue") else value for name, value in changed.items()}
    return message("call.corrected", change=change)


def test_a_correction_of_one_side_is_nothing_to_the_other() -> None:
    to_publisher, to_advertiser = corrected(payout=(5, 7)), corrected(revenue=(9, 4))
    seen, billed = told_as("publisher", to_publisher), told_as("advertiser", to_advertiser)
    assert seen
    assert billed
    assert (seen["change"]["revenue"], seen["change"]["billable"]) == (None, None)
    assert billed["change"]["payout"] is None
    assert told_as("publisher", to_advertiser) is None
    assert told_as("advertiser", to_publisher) is None
    skipped = KIND.check(endpoint(role="publisher"), outgoing(to_advertiser, "tell"), AT_MS)
    assert skipped == Skip("nothing in it is for the role of publisher, as which this webhook is told")


def test_what_counts_for_an_advertiser_is_whether_it_is_billed() -> None:
    lost = {"before": True, "after": False}
    told = told_as("advertiser", corrected(billable=lost, revenue=(9, 0)))
    assert told
    assert told["change"]["qualified"] == lost


def test_a_reason_that_names_the_policies_of_both_sides_is_for_staff() -> None:
    told = corrected(payout=(5, 7), kind="verdict", reason="payout: Base, revenue: Premium")
    seen = told_as("publisher", told)
    assert seen
    assert seen["change"]["reason"] is None


def test_what_a_call_came_to_when_it_was_anothers_is_for_staff() -> None:
    told = corrected(payout=(5, 7), kind="reattribution", reason="another answer")
    seen = told_as("publisher", told)
    assert seen
    assert seen["change"]["payout"] == {"before": None, "after": {"amount": 7, "currency": "USD"}}
    assert seen["change"]["qualified"] == {"before": None, "after": True}


def test_a_statement_is_nothing_to_an_advertiser() -> None:
    data = {"statement": {"id": "sta_1"}}
    told = Message(seq=1, id="msg_1", type="statement.closed", at_ms=AT_MS, subject="sta_1", data=data)
    assert told_as("publisher", told) == data
    assert told_as("advertiser", told) is None


def test_only_chosen_fields_are_told() -> None:
    chosen = ["call.id", "call.payout", "visit.consent", "campaign", "change"]
    body = msgspec.json.decode(requested(to=endpoint(fields=chosen)).body)
    assert body["data"] == {
        "call": {"id": "call_1", "payout": {"amount": 1250, "currency": "USD"}},
        "visit": {"consent": "granted"},
        "campaign": message().data["campaign"],
        "change": None,
    }


def test_a_whole_part_wins_over_a_field_of_it_and_a_missing_visit_stays_null() -> None:
    body = msgspec.json.decode(requested(to=endpoint(fields=["call.id", "call"])).body)
    assert body["data"] == {"call": message().data["call"]}
    told = message(visit=None)
    assert msgspec.json.decode(requested(told, endpoint(fields=["visit.consent"])).body)["data"] == {"visit": None}


def test_a_choice_of_fields_does_not_touch_what_is_of_no_call() -> None:
    data = {"alert": {"says": "no beat"}, "tag": {"id": "tag_1"}}
    told = Message(seq=1, id="msg_1", type="tag.alert", at_ms=AT_MS, subject="tag_1", data=data)
    assert msgspec.json.decode(requested(told, endpoint(fields=["call.id"])).body)["data"] == data


def test_fields_that_there_are_not_are_refused_by_place() -> None:
    with pytest.raises(InvalidField, match=r"/settings/fields/0: there is no 'colour', but call, call\.id"):
        Settings(url=URL, fields=["colour"])


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(status=204), Result("delivered")),
        (Answer(status=410), Result("again", "it answered 410")),
        (Answer(status=503, headers={"retry-after": "120"}), Result("again", "it answered 503", 120_000)),
        (Answer(why="no whole answer within 15 s"), Result("again", "no whole answer within 15 s")),
    ],
)
def test_what_an_answer_says(answer: Answer, result: Result) -> None:
    told = Outgoing(delivery="dlv_1", message=message())
    assert KIND.results(endpoint(), [told], answer) == [result]
