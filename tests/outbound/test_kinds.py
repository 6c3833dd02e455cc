"""What every kind keeps, whoever wrote it: each is given odd messages and odd answers, and may fail by none."""

import base64
from typing import Any, get_args
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dni.outbound import example
from dni.outbound.kinds import KINDS, read
from dni.outbound.model import OF_CALLS, Action, Answer, Endpoint, Kind, Later, Outgoing, Request, Skip, Type
from tests.support.telling import AT_MS, VISIT, outgoing
from tests.support.telling_oddly import odd_texts, with_data

SECRET = "s3cr3t-of-ours/+="
NEEDED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "webhook": ({"url": "https://example.com/in"}, {"secret": "whsec_" + base64.b64encode(b"s" * 32).decode()}),
    "postback": ({"url": "https://example.com/p?c={click_id}&t={secret}&u={payout}"}, {"token": SECRET}),
    "google_ads": (
        {"customer_id": "1234567890", "conversion_action": "111", "call_conversion_action": "222", "client_id": "app"},
        {"client_secret": SECRET, "refresh_token": "refresh" + SECRET, "developer_token": "developer" + SECRET},
    ),
    "microsoft_ads": (
        {"customer_id": "1234", "account_id": "5678", "conversion_name": "Call", "client_id": "app"},
        {"client_secret": SECRET, "refresh_token": "refresh" + SECRET, "developer_token": "developer" + SECRET},
    ),
    "ga4": ({"measurement_id": "G-A1B2C3D4E5"}, {"api_secret": SECRET}),
    "meta": ({"dataset_id": "1234567890"}, {"access_token": SECRET}),
    "tiktok": ({"event_source_id": "CA1B2C3D4E5F"}, {"access_token": SECRET}),
    "hubspot": ({}, {"token": SECRET}),
    "salesforce": (
        {"base_url": "https://example.my.salesforce.com", "client_id": "3MVG9IHf89I1t8hrvsw"},
        {"client_secret": SECRET},
    ),
    "csv": (
        {"to": "s3", "region": "us-east-1", "bucket": "calls-of-ours"},
        {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": SECRET},
    ),
}
SEEN = VISIT | {"ids": {"ga": "1.2", "_fbp": "fb.1.1558571054389.1098115397"}}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def endpoint(kind: Kind) -> Endpoint:
    given, secrets = NEEDED[kind.name]
    return Endpoint(
        id="end_1",
        kind=kind.name,
        name=kind.label,
        settings=read(kind.settings, given, "/settings"),
        secrets=read(kind.secrets, secrets, "/secrets"),
    )


def request_of(kind: Kind, told: Outgoing, now_ms: int) -> Request | Skip | Later:
    stopped = kind.check(endpoint(kind), told, now_ms)
    return stopped or kind.request(endpoint(kind), [told], now_ms, "access-token")


def texts(value: Any) -> list[str]:
    """All that a person could not guess in secrets."""
    return [text for text in msgspec.to_builtins(value).values() if isinstance(text, str) and text]


def test_each_kind_is_here() -> None:
    assert set(NEEDED) == set(KINDS)


@kinds
def test_what_it_may_ask_and_asks_is_told_of(kind: Kind) -> None:
    assert set(kind.types) <= set(kind.may_ask)
    assert not kind.converts or set(kind.may_ask) <= set(OF_CALLS)
    assert not kind.adjusts or kind.converts
    assert kind.batch >= 1


@kinds
def test_it_says_what_it_was_checked_by_and_that_the_live_service_was_not_tried(kind: Kind) -> None:
    assert kind.name == "webhook" or "live" in kind.proven


@kinds
def test_each_setting_has_a_label_for_people(kind: Kind) -> None:
    schema = msgspec.json.schema_components([kind.settings])[1][kind.settings.__name__]
    assert [name for name, field in schema["properties"].items() if not titled(field)] == []


def titled(field: dict[str, Any]) -> bool:
    return "title" in field or any("title" in one for one in field.get("anyOf", []))


@kinds
@given(data=odd_texts(SEEN), action=st.sampled_from(get_args(Action)), now_ms=st.just(AT_MS) | st.integers(0, 2**42))
def test_odd_messages_are_sent_or_not_and_it_says_why(
    kind: Kind, data: dict[str, Any], action: Action, now_ms: int
) -> None:
    former = {"via": "click", "action": "111", "value": "1", "currency": "USD"} if action == "adjust" else None
    told = with_data(outgoing(visit=SEEN, action=action, former=former), data)
    made = request_of(kind, told, now_ms)
    if isinstance(made, Request):
        assert made.url.isascii()
        assert made.url.isprintable()
        assert all(text.isprintable() for text in made.headers.values())
    else:
        assert made.why


@kinds
def test_no_secret_is_left_when_what_hides_is_hidden(kind: Kind) -> None:
    made = request_of(
        kind,
        outgoing(visit=SEEN, click_ids={"gclid": "Cj0KCQiA-9wBhDvARIsAAnyVMZ0", "msclkid": "a" * 32}),
        AT_MS + 86_400_000,
    )
    assert isinstance(made, Request), made
    for shown in (made.url, made.body.decode()):
        left = shown
        for hidden in made.hidden:
            left = left.replace(hidden, "•••")
        for secret in [*texts(endpoint(kind).secrets), "access-token"]:
            assert secret not in unquote(left)


@kinds
@pytest.mark.parametrize("type", OF_CALLS)
def test_the_documents_examples_are_read(kind: Kind, type: Type) -> None:
    told = Outgoing(delivery="del_1", message=example.message(type), action="convert" if kind.converts else "tell")
    made = request_of(kind, told, example.AT_MS + 3_600_000)
    assert isinstance(made, Request | Later) or "no call" not in made.why


ANSWERS = st.builds(
    Answer,
    status=st.none() | st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 410, 429, 500, 503]),
    headers=st.dictionaries(st.sampled_from(["retry-after", "location", "content-type"]), st.text(max_size=20)),
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["error", "errors", "code", "message", "results", "status", "details", "PartialErrors"]
                ),
                inner,
                max_size=4,
            )
        ),
    ).map(msgspec.json.encode),
    why=st.none() | st.text(min_size=1, max_size=20),
)


@kinds
@given(answer=ANSWERS, count=st.integers(1, 3))
def test_odd_answers_say_something_of_each_message(kind: Kind, answer: Answer, count: int) -> None:
    batch = [outgoing(visit=SEEN, delivery=f"del_{n}") for n in range(min(count, kind.batch))]
    results = kind.results(endpoint(kind), batch, answer)
    assert len(results) == len(batch)
    for result in results:
        assert result.state == "delivered" or result.why
        assert result.after_ms >= 0
        assert result.state != "delivered" or (answer.status is not None and answer.status < 300)


@kinds
@pytest.mark.parametrize("body", [b'{"a":' + b"[" * 65_000, b'{"message":"\xff"}', b"\xff" * 65_536], ids=len)
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_that_is_made_to_break_us_does_not(kind: Kind, status: int, body: bytes) -> None:
    assert len(kind.results(endpoint(kind), [outgoing(visit=SEEN)], Answer(status=status, body=body))) == 1
