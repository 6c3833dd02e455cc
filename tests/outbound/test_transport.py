"""Requests to a real server that behaves well and badly, and to addresses that must never be asked."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from dni.outbound.guard import allowed
from dni.outbound.model import Request
from dni.outbound.transport import READ, Transport
from tests.support.process import free_port
from tests.support.receiver import Got, Receiver, Reply, receiving
from tests.support.tls import certificate

ALL = "127.0.0.0/8, ::1"


class Names(AbstractResolver):
    """Tells other addresses each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=socket.IPPROTO_TCP, flags=0)
            for one in self.answers.pop(0)
        ]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def transport(
    allow: str = ALL, names: AbstractResolver | None = None, limit_s: float = 5
) -> AsyncIterator[Transport]:
    made = Transport(allowed(allow), names, limit_s)
    try:
        yield made
    finally:
        await made.close()


async def test_a_request_arrives_as_it_was_made_and_its_answer_comes_back() -> None:
    reply = Reply(201, b"thanks", {"X-Seen": "yes"})
    request = Request(url="", headers={"content-type": "application/json", "x-one": "1"}, body=b'{"a":1}')
    async with receiving(lambda _: reply) as receiver, transport() as sends:
        url = f"{receiver.url}?a=%2F&b=c%20d"
        answer = await sends.send(Request(url=url, headers=request.headers, body=request.body))
    [got] = receiver.got
    assert (got.method, got.path, got.body) == ("POST", "/hook?a=%2F&b=c%20d", b'{"a":1}')
    assert got.headers["x-one"] == "1"
    assert got.headers["user-agent"] == "dni"
    assert got.headers["content-length"] == "7"
    assert (answer.status, answer.body, answer.why) == (201, b"thanks", None)
    assert answer.headers["x-seen"] == "yes"


async def test_a_get_has_no_body_and_no_type() -> None:
    async with receiving() as receiver, transport() as sends:
        await sends.send(Request(url=receiver.url, method="GET"))
    [got] = receiver.got
    assert got.method == "GET"
    assert got.body == b""
    assert "content-type" not in got.headers


async def test_connections_are_kept() -> None:
    async with receiving() as receiver, transport() as sends:
        for _ in range(3):
            await sends.send(Request(url=receiver.url))
    assert [got.place for got in receiver.got] == [1, 1, 1]


async def test_cookies_are_not_kept() -> None:
    async with receiving(lambda _: Reply(headers={"Set-Cookie": "a=b"})) as receiver, transport() as sends:
        for _ in range(2):
            await sends.send(Request(url=receiver.url))
    assert all("cookie" not in got.headers for got in receiver.got)


async def test_a_redirect_is_an_answer() -> None:
    async with receiving() as forbidden, receiving() as receiver, transport() as sends:
        receiver.behave = lambda _: Reply(307, b"", {"Location": forbidden.url})
        answer = await sends.send(Request(url=receiver.url))
    assert answer.status == 307
    assert answer.headers["location"] == forbidden.url
    assert forbidden.connections == 0


async def test_of_a_long_answer_the_beginning_is_read_and_its_connection_closed() -> None:
    async with receiving(lambda _: Reply(body=b"x" * 10_000_000)) as receiver, transport() as sends:
        answers = [await sends.send(Request(url=receiver.url)) for _ in range(2)]
    assert [(answer.status, len(answer.body)) for answer in answers] == [(200, READ)] * 2
    assert [got.place for got in receiver.got] == [1, 2]


async def test_what_is_packed_stays_packed() -> None:
    packed = bytes([0x1F, 0x8B, 8, 0]) + b"bomb"
    reply = Reply(200, packed, {"Content-Encoding": "gzip"})
    async with receiving(lambda _: reply) as receiver, transport() as sends:
        answer = await sends.send(Request(url=receiver.url))
    assert answer.body == packed
    assert receiver.got[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(hangs=True), "no whole answer within 0.3 s"),
        (Reply(resets=True), "it closed the connection without an answer"),
        (Reply(body=b"x" * 1000, breaks_off=True), "its answer broke off, or is none of HTTP"),
        (Reply(headers={"Bad": "\x00"}), "its answer broke off, or is none of HTTP"),
    ],
)
async def test_what_went_wrong_is_said(reply: Reply, why: str) -> None:
    async with receiving(lambda _: reply) as receiver, transport(limit_s=0.3) as sends:
        answer = await sends.send(Request(url=receiver.url))
    assert (answer.status, answer.why) == (None, why)


async def test_nobody_listens() -> None:
    async with transport() as sends:
        answer = await sends.send(Request(url=f"http://127.0.0.1:{free_port()}/secret"))
    assert answer.why == "no connection: connection refused"


async def test_a_name_that_is_not_there() -> None:
    async with transport() as sends:
        answer = await sends.send(Request(url="http://nobody.invalid/"))
    assert answer.why == "its host name was not found (DNS)"


async def test_a_certificate_must_be_of_a_known_authority(tmp_path: Path) -> None:
    file, key = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, key)
    async with receiving(tls=context) as receiver, transport() as sends:
        answer = await sends.send(Request(url=receiver.url.replace("http:", "https:")))
    assert answer.why is not None
    assert answer.why.startswith("its certificate is not valid: ")
    assert receiver.got == []


async def test_tls_to_who_does_not_speak_it() -> None:
    async with receiving() as receiver, transport(limit_s=1) as sends:
        answer = await sends.send(Request(url=receiver.url.replace("http:", "https:")))
    assert answer.status is None
    assert answer.why


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "file:///etc/passwd", "example.com", "", "http:///x", "gopher://x"]
)
async def test_only_http_is_spoken(url: str) -> None:
    async with transport() as sends:
        answer = await sends.send(Request(url=url))
    assert answer.status is None
    assert answer.why


async def test_a_header_that_would_be_two_is_not_sent() -> None:
    async with receiving() as receiver, transport() as sends:
        answer = await sends.send(Request(url=receiver.url, headers={"x-one": "1\r\nx-two: 2"}))
    assert answer.why == "its address or a header cannot be sent as it is"
    assert receiver.got == []


# Every way to write 127.0.0.1 that some client takes for it.
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "0.0.0.0",  # noqa: S104
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "user@127.0.0.1",
        "public.example@127.0.0.1",
        "127.0.0.1%2f@127.0.0.1",
        "１２７.0.0.1",
    ],
)
async def test_this_host_is_never_connected_to_however_it_is_written(host: str, any_host: Receiver) -> None:
    async with transport(allow="") as sends:
        answer = await sends.send(Request(url=f"http://{host}:{any_host.port}/"))
    assert answer.status is None
    assert answer.why
    assert any_host.connections == 0


async def test_a_name_that_leads_to_a_private_address_is_refused(any_host: Receiver) -> None:
    async with transport("", Names(["127.0.0.1"])) as sends:
        answer = await sends.send(Request(url=f"http://public.example:{any_host.port}/"))
    assert answer.why is not None
    assert "127.0.0.1 is none of the public internet (this host)" in answer.why
    assert any_host.connections == 0


async def test_a_private_address_among_others_is_not_tried(any_host: Receiver) -> None:
    names = Names(["127.0.0.1", "127.0.0.2", "10.0.0.1"])
    async with transport("127.0.0.9", names) as sends:
        answer = await sends.send(Request(url=f"http://public.example:{any_host.port}/"))
    assert answer.status is None
    assert any_host.connections == 0


async def test_what_counts_is_the_address_that_is_connected_to_not_one_looked_up_before() -> None:
    """The name's first address is allowed, its second (rebinding) is not."""
    async with receiving(at=_listens("127.0.0.5")) as good, receiving(at=_listens("127.0.0.6")) as bad:
        names = Names(["127.0.0.5"], ["127.0.0.6"])
        async with transport("127.0.0.5", names) as sends:
            first = await sends.send(Request(url=f"http://public.example:{good.port}/"))
            second = await sends.send(Request(url=f"http://other.example:{bad.port}/"))
    assert first.status == 200
    assert second.status is None
    assert bad.connections == 0


async def test_the_operator_allows_by_name_and_by_address(any_host: Receiver) -> None:
    url = f"http://crm.internal:{any_host.port}/"
    for allow in ("crm.internal", f"crm.internal:{any_host.port}", "127.0.0.1", f"127.0.0.0/8, [::1]:{any_host.port}"):
        async with transport(allow, Names(["127.0.0.1"])) as sends:
            assert (await sends.send(Request(url=url))).status == 200
    async with transport("crm.internal:1", Names(["127.0.0.1"])) as sends:
        assert (await sends.send(Request(url=url))).status is None


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver, transport() as sends:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        assert (await sends.send(Request(url=receiver.url))).status == 200
    assert proxy.connections == 0


async def test_one_that_hangs_does_not_hold_up_another() -> None:
    async def slow(_: Got) -> Reply:
        return Reply(hangs=True)

    async with receiving(slow) as dead, receiving() as healthy, transport(limit_s=0.5) as sends:
        hanging = [asyncio.create_task(sends.send(Request(url=dead.url))) for _ in range(100)]
        await asyncio.sleep(0)
        answer = await sends.send(Request(url=healthy.url))
        assert answer.status == 200
        assert not any(task.done() for task in hanging)
        await asyncio.gather(*hanging)


@pytest.fixture
async def any_host() -> AsyncIterator[Receiver]:
    """Listens on all addresses of this host, of both versions: none may be reached."""
    everywhere = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    async with receiving(at=everywhere) as receiver:
        yield receiver


def _listens(host: str) -> socket.socket:
    return socket.create_server((host, 0))
