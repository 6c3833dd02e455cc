import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from dni.clock import SettableClock
from dni.outbound.guard import allowed
from dni.outbound.model import Answer, Grant
from dni.outbound.oauth import Tokens
from dni.outbound.transport import Transport
from tests.support.receiver import Got, Reply, receiving

SECRET = "very-hidden-secret"


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport(allowed("127.0.0.1"), limit_s=2)
    yield made
    await made.close()


def grant(url: str, secret: str = SECRET) -> Grant:
    return Grant(url, {"grant_type": "refresh_token", "client_secret": secret})


class Granting:
    """Gives tokens by number."""

    def __init__(self, **more: object) -> None:
        self.count, self.more = 0, more

    def __call__(self, got: Got) -> Reply:
        assert got.headers["content-type"] == "application/x-www-form-urlencoded"
        self.count += 1
        return Reply(200, msgspec.json.encode({"access_token": f"t{self.count}", "token_type": "Bearer", **self.more}))


async def test_a_token_is_kept_until_shortly_before_it_expires(transport: Transport) -> None:
    clock = SettableClock(0)
    async with receiving(Granting(expires_in=3600)) as server:
        tokens = Tokens(transport, clock)
        assert [await tokens.token(grant(server.url)) for _ in range(3)] == ["t1"] * 3
        clock.advance(3_540_000 - 1)
        assert await tokens.token(grant(server.url)) == "t1"
        clock.advance(1)
        assert await tokens.token(grant(server.url)) == "t2"


@pytest.mark.parametrize(("more", "kept_ms"), [({}, 840_000), ({"expires_in": "3599"}, 3_539_000)])
async def test_how_long_it_lives_may_be_text_or_not_be_told(
    transport: Transport, more: dict[str, str], kept_ms: int
) -> None:
    clock = SettableClock(0)
    async with receiving(Granting(**more)) as server:
        tokens = Tokens(transport, clock)
        await tokens.token(grant(server.url))
        clock.advance(kept_ms - 1)
        assert await tokens.token(grant(server.url)) == "t1"
        clock.advance(1)
        assert await tokens.token(grant(server.url)) == "t2"


async def test_those_who_ask_at_once_wait_for_one_request(transport: Transport) -> None:
    async with receiving(Granting()) as server:
        tokens = Tokens(transport, SettableClock(0))
        assert await asyncio.gather(*(tokens.token(grant(server.url)) for _ in range(20))) == ["t1"] * 20
        assert len(server.got) == 1


async def test_one_that_was_refused_is_asked_for_anew(transport: Transport) -> None:
    async with receiving(Granting()) as server:
        tokens = Tokens(transport, SettableClock(0))
        await tokens.token(grant(server.url))
        tokens.drop(grant(server.url), "t1")
        assert await tokens.token(grant(server.url)) == "t2"
        tokens.drop(grant(server.url), "t1")
        assert await tokens.token(grant(server.url)) == "t2", "the refusal of an old one says nothing of a new one"


async def test_other_secrets_are_another_grant(transport: Transport) -> None:
    async with receiving(Granting()) as server:
        tokens = Tokens(transport, SettableClock(0))
        assert await tokens.token(grant(server.url)) == "t1"
        assert await tokens.token(grant(server.url, "another-secret")) == "t2"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (
            Reply(400, b'{"error":"invalid_grant","error_description":"Token has been revoked."}'),
            "no access token: invalid_grant Token has been revoked.",
        ),
        (Reply(500, b"<html>"), "no access token: it answered 500"),
        (Reply(200, b"[]"), "no access token: it answered 200"),
        (Reply(500, b'{"access_token":"t"}'), "no access token: it answered 500"),
        (Reply(200, b'{"access_token":""}'), "no access token: it answered 200"),
        (Reply(resets=True), "no access token: it closed the connection without an answer"),
    ],
)
async def test_why_there_is_none_is_told_and_nothing_is_kept(transport: Transport, reply: Reply, why: str) -> None:
    async with receiving(lambda _: reply) as server:
        tokens = Tokens(transport, SettableClock(0))
        answer = await tokens.token(grant(server.url))
        assert isinstance(answer, Answer)
        assert answer.why == why
        server.behave = Granting()
        assert await tokens.token(grant(server.url)) == "t1"


async def test_a_secret_that_comes_back_is_not_shown(transport: Transport) -> None:
    async with receiving(lambda _: Reply(400, f"bad {SECRET}".encode())) as server:
        answer = await Tokens(transport, SettableClock(0)).token(grant(server.url))
    assert isinstance(answer, Answer)
    assert SECRET.encode() not in answer.body
