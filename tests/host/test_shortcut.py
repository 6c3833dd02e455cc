"""The short way of page views, on raw sockets to the real service: HTTP as clients and proxies speak it."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.service import Service

# No tag has this key: each of these gets a 404, by the short way.
BODY = b'{"v":1,"tag":"nobody","page":{"id":"p","seq":1,"url":"https://shop.example/"},"numbers":[]}'


def post(path: str = "/v1/lease", body: bytes = BODY, *more: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1",
        "Host: dni.example",
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
        *more,
    )
    return "\r\n".join((*head, "", "")).encode() + body


@contextmanager
def connected(service: Service) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as made:
        yield made


class Answers:
    """Reads answers off a connection, one by one."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")

    def next(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, self._file.read(int(headers.get("content-length", 0)))

    def ended(self) -> bool:
        return self._file.read() == b""


def test_an_answer_is_whole_and_the_connection_goes_on(service: Service) -> None:
    with connected(service) as connection:
        answers = Answers(connection)
        for path in ("/v1/lease", "/v1/signal", "/v1/lease"):
            connection.sendall(post(path, BODY.replace(b'"numbers"', b'"signals"') if "signal" in path else BODY))
            status, headers, body = answers.next()
            assert (status, headers["dni-reason"]) == (404, "unknown_tag")
            assert {"date", "x-request-id", "content-type"} <= set(headers)
            assert json.loads(body)["code"] == "unknown_tag"


def test_requests_sent_ahead_are_answered_in_order_beside_those_of_the_long_way(service: Service) -> None:
    get = b"GET /healthz HTTP/1.1\r\nHost: dni.example\r\n\r\n"
    with connected(service) as connection:
        connection.sendall(post() + get + post() + post() + get)
        answers = Answers(connection)
        assert [answers.next()[0] for _ in range(5)] == [404, 200, 404, 404, 200]


def test_a_client_that_asks_for_the_end_gets_it(service: Service) -> None:
    for request in (post("/v1/lease", BODY, "Connection: close"), post().replace(b"HTTP/1.1", b"HTTP/1.0")):
        with connected(service) as connection:
            connection.sendall(request)
            answers = Answers(connection)
            status, headers, _ = answers.next()
            assert (status, headers["connection"]) == (404, "close")
            assert answers.ended()


@pytest.mark.parametrize("size", [65_537, 3_000_000])
def test_a_body_that_is_too_large_is_told_and_the_connection_goes_on(service: Service, size: int) -> None:
    with connected(service) as connection:
        connection.sendall(post(body=b"x" * size) + post())
        answers = Answers(connection)
        assert answers.next()[1]["dni-reason"] == "body_too_large"
        assert answers.next()[1]["dni-reason"] == "unknown_tag"


def test_a_body_in_pieces_and_in_chunks_is_put_together(service: Service) -> None:
    with connected(service) as connection:
        whole, answers = post(), Answers(connection)
        for at in range(0, len(whole), 7):
            connection.sendall(whole[at : at + 7])
        assert answers.next()[1]["dni-reason"] == "unknown_tag"
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:20], BODY[20:])) + b"0\r\n\r\n"
        connection.sendall(b"POST /v1/lease HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        assert answers.next()[1]["dni-reason"] == "unknown_tag"


def test_who_waits_for_a_continue_gets_it(service: Service) -> None:
    with connected(service) as connection:
        head, _, body = post("/v1/lease", BODY, "Expect: 100-continue").partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        answers = Answers(connection)
        assert answers.next()[0] == 100
        connection.sendall(body)
        assert answers.next()[1]["dni-reason"] == "unknown_tag"


def test_other_methods_and_addresses_go_the_long_way(service: Service) -> None:
    with connected(service) as connection:
        answers = Answers(connection)
        for line, reason in (("GET /v1/lease", "method_not_allowed"), ("POST /v1/leases", "not_found")):
            connection.sendall(f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
            assert answers.next()[1]["dni-reason"] == reason
        connection.sendall(b"POST /v1/lease?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert answers.next()[0] == 422


def test_a_client_that_goes_away_or_talks_nonsense_harms_nobody(service: Service) -> None:
    for words in (post()[:-10], post(), b"POST /v1/lease HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"\x00\xff" * 50):
        with connected(service) as connection:
            connection.sendall(words)
    with connected(service) as connection:
        connection.sendall(post())
        assert Answers(connection).next()[0] == 404
    assert service.processes()


def test_what_was_asked_before_the_end_is_answered(service: Service) -> None:
    with connected(service) as connection:
        connection.sendall(post()[:-5])
        with connected(service) as other:
            other.sendall(post())
            assert Answers(other).next()[0] == 404  # the worker has seen both connections
        os.kill(service.pid, signal.SIGTERM)
        connection.sendall(post()[-5:])
        assert Answers(connection).next()[0] == 404
    assert service.stop() == 0
