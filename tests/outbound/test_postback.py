"""A postback: what is sent, what is not, and how answers are read."""

from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
import pytest

from dni.errors import InvalidField
from dni.money import Money
from dni.outbound.guard import allowed
from dni.outbound.kinds import KINDS
from dni.outbound.model import Answer, Endpoint, Outgoing, Request, Result, Skip
from dni.outbound.postback import KIND, Secrets, Settings
from dni.outbound.transport import Transport
from tests.support.receiver import receiving
from tests.support.told_call import message, outgoing

URL = "https://t.example.com/postback?id={sub1!}&payout={payout}"


def endpoint(token: str = "", **settings: Any) -> Endpoint:
    values = Settings(**{"url": URL} | settings)
    return Endpoint(id="end_1", kind="postback", name="Postback", settings=values, secrets=Secrets(token=token))


def sent(to: Endpoint, told: Outgoing | None = None) -> Request:
    told = told or outgoing()
    assert KIND.check(to, told, 0) is None
    return KIND.request(to, [told], 0, None)


def skipped(to: Endpoint, told: Outgoing) -> str:
    found = KIND.check(to, told, 0)
    assert isinstance(found, Skip)
    return found.why


def wrong(**settings: Any) -> tuple[str, str]:
    with pytest.raises(InvalidField) as refused:
        endpoint(**settings)
    return refused.value.errors[0].path, refused.value.errors[0].message


def test_it_is_a_kind_that_tells_a_call_once() -> None:
    assert KINDS["postback"] is KIND
    assert KIND.converts
    assert KIND.adjusts


def test_a_get_has_no_body() -> None:
    request = sent(endpoint())
    assert (request.method, request.body, request.headers) == ("GET", b"", {})
    assert request.url == "https://t.example.com/postback?id=1027c887059b47bc69c699f45466b9&payout=12.50"


def test_a_post_sends_a_form() -> None:
    request = sent(endpoint(method="POST", body="a={campaign_name}&b={talk_seconds}"))
    assert (request.method, request.body) == ("POST", b"a=Roof%20%26%20Gutter&b=120")
    assert request.headers == {"content-type": "application/x-www-form-urlencoded"}


def test_a_post_sends_json() -> None:
    body = '{"lead": {"id": "{call_id}", "seconds": "{talk_seconds}"}}'
    request = sent(endpoint(method="POST", body=body, content_type="application/json"))
    assert request.body == b'{"lead":{"id":"call_1","seconds":120}}'
    assert request.headers == {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("settings", "path", "says"),
    [
        ({"url": "https://{sub1}/"}, "/settings/url", "host"),
        ({"adjust_url": "nothing"}, "/settings/adjust_url", "https://"),
        ({"body": "a=1"}, "/settings/body", "a GET has no body"),
        ({"method": "POST", "body": "a={nothing}"}, "/settings/body", "there is no macro {nothing}"),
        ({"method": "POST", "body": "a=1", "content_type": "application/json"}, "/settings/body", "not JSON"),
        ({"method": "POST", "adjust_body": "a=1"}, "/settings/adjust_url", "needs an address"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], path: str, says: str) -> None:
    found = wrong(**settings)
    assert found[0] == path
    assert says in found[1]


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"url": URL, "headers": {}}, Settings)


def test_without_what_must_be_there_nothing_is_sent() -> None:
    assert skipped(endpoint(), outgoing(message(sub1=None))) == "{sub1} is empty: the visit came with no sub1"
    in_body = endpoint(url="https://x.example/", method="POST", body="a={gclid!}")
    assert "came with no gclid" in skipped(in_body, outgoing(message(click_ids={})))


def test_a_value_that_would_change_the_path_is_not_sent() -> None:
    to = endpoint(url="https://x.example/a/{sub1}/b")
    assert "would make it another address" in skipped(to, outgoing(message(sub1="..")))


def test_a_secret_is_sent_and_hidden() -> None:
    to = endpoint("s3/cret", url="https://x.example/?token={secret}")
    request = sent(to)
    assert request.url == "https://x.example/?token=s3%2Fcret"
    assert "s3%2Fcret" in request.hidden
    assert (
        skipped(endpoint(url="https://x.example/?token={secret}"), outgoing()) == "{secret} is empty: no token is set"
    )


def change() -> Outgoing:
    corrected = message(
        "call.corrected",
        change={"reason": "a wrong number", "payout": {"before": {"amount": 1_250, "currency": "USD"}}},
        payout=Money(0, "USD"),
    )
    return outgoing(corrected, "adjust")


def test_a_change_is_told_where_there_is_an_address_for_it() -> None:
    to = endpoint(adjust_url="https://t.example.com/change?id={sub1!}&was={payout_before}&is={payout}&why={reason}")
    assert sent(to, change()).url == (
        "https://t.example.com/change?id=1027c887059b47bc69c699f45466b9&was=12.50&is=0.00&why=a%20wrong%20number"
    )
    posted = endpoint(
        method="POST", body="a={payout}", adjust_url="https://t.example.com/change", adjust_body="b={payout}"
    )
    assert sent(posted, change()).body == b"b=0.00"
    assert sent(posted).body == b"a=12.50"


def test_a_change_without_an_address_for_it_says_that_it_was_not_told() -> None:
    assert "no address for corrections is set" in skipped(endpoint(), change())


def test_a_status_alone_decides_where_the_platform_is_another_one() -> None:
    def judged(answer: Answer) -> list[Result]:
        return KIND.results(endpoint(), [outgoing()], answer)

    assert judged(Answer(status=204)) == [Result("delivered")]
    assert judged(Answer(status=200, body=b"success=false; err_msg=No;")) == [Result("delivered")]
    assert judged(Answer(status=500))[0].state == "again"
    assert judged(Answer(why="refused")) == [Result("again", "refused")]


def test_the_fields_of_its_form_are_named_for_people() -> None:
    for struct in (Settings, Secrets):
        for name, each in msgspec.json.schema(struct)["$defs"][struct.__name__]["properties"].items():
            assert each.get("title"), name
            assert each.get("description") or name == "method"
            assert name in (struct.__doc__ or "")


async def test_a_receiver_gets_the_very_address_and_body() -> None:
    hostile = "a&b=1#/../é %2F+\r\nX: y"
    async with receiving() as receiver:
        sends = Transport(allowed("127.0.0.1"))
        template = f"{receiver.url}/{{sub1}}/end?x={{sub1}}&y={{talk_seconds}}"
        to = endpoint(url=template, method="POST", body='["{sub1}"]', content_type="application/json")
        request = sent(to, outgoing(message(sub1=hostile)))
        answer = await sends.send(request)
        await sends.close()
    assert KIND.results(to, [outgoing()], answer) == [Result("delivered")]
    (got,) = receiver.got
    assert request.url.endswith(got.path)
    path, _, query = got.path.partition("?")
    assert [unquote(part) for part in path.split("/")] == ["", "hook", hostile, "end"]
    assert parse_qsl(query) == [("x", hostile), ("y", "120")]
    assert msgspec.json.decode(got.body) == [hostile]
    assert got.headers["content-type"] == "application/json"
