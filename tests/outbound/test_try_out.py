"""The test button: one message, sent right now, and what came back."""

import msgspec
import pytest

from dni.outbound.kinds import KINDS
from dni.outbound.model import Endpoint, Message, Outgoing
from dni.outbound.try_out import try_out
from dni.parts import Parts
from tests.outbound.telling import Secrets, Settings, deliveries, kind
from tests.support.receiver import Reply, receiving
from tests.support.world import START_MS


@pytest.fixture
def parts(sqlite_parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Parts:
    monkeypatch.setitem(KINDS, "plain", kind())
    sqlite_parts.settings = msgspec.structs.replace(sqlite_parts.settings, outbound_allow="127.0.0.0/8")
    return sqlite_parts


def endpoint(url: str, token_url: str | None = None) -> Endpoint:
    settings = Settings(url=url, token_url=token_url)
    return Endpoint(id="end_1", kind="plain", name="", settings=settings, secrets=Secrets())


def outgoing(subject: str = "call_1") -> Outgoing:
    message = Message(seq=0, id="msg_test", type="test", at_ms=START_MS, subject=subject, data={})
    return Outgoing(delivery="dlv_test", message=message)


async def test_what_was_sent_and_what_came_back_is_told_and_nothing_kept(parts: Parts) -> None:
    async with receiving(lambda _: Reply(202, b"hello hush-hush")) as receiver:
        tried = await try_out(parts, endpoint(receiver.url), outgoing())
    assert (tried.result, tried.status, tried.answer, tried.why) == ("delivered", 202, "hello ••••", None)
    assert tried.request is not None
    assert tried.request.url == receiver.url
    assert "hush" not in tried.request.body
    assert len(receiver.got) == 1
    assert await deliveries(parts.ledger) == []


async def test_what_went_wrong_is_told(parts: Parts) -> None:
    async with receiving(lambda _: Reply(500, b"oh")) as receiver:
        tried = await try_out(parts, endpoint(receiver.url), outgoing())
    assert (tried.result, tried.status, tried.answer, tried.why) == ("again", 500, "oh", "it answered 500")
    parts.settings = msgspec.structs.replace(parts.settings, outbound_allow="")
    refused = await try_out(parts, endpoint(receiver.url), outgoing())
    assert refused.status is None
    assert refused.why is not None
    assert "none of the public internet" in refused.why


@pytest.mark.parametrize(
    ("subject", "result", "why"),
    [("call_skip", "skipped", "there is no click id"), ("call_later", "later", "too early")],
)
async def test_what_is_missing_is_told_and_nothing_sent(parts: Parts, subject: str, result: str, why: str) -> None:
    async with receiving() as receiver:
        tried = await try_out(parts, endpoint(receiver.url), outgoing(subject))
    assert (tried.result, tried.why, tried.request, tried.status) == (result, why, None, None)
    assert receiver.got == []


async def test_without_an_access_token_nothing_is_sent(parts: Parts) -> None:
    async with receiving() as receiver, receiving(lambda _: Reply(400, b'{"error":"invalid_grant"}')) as grants:
        tried = await try_out(parts, endpoint(receiver.url, grants.url), outgoing())
    assert (tried.result, tried.status) == ("again", 400)
    assert tried.why == "no access token: invalid_grant"
    assert tried.request is None
    assert receiver.got == []
