"""Sends requests over HTTP: within a time limit, only where the guard lets them, and reads the beginning of answers."""

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    ServerDisconnectedError,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from dni.outbound import guard
from dni.outbound.model import Answer, Request

LIMIT_S = 15
"""For a request, from its name's look-up until the end of its answer."""
READ = 65_536
"""Bytes of an answer that are read. The connection of a longer one is closed."""

# Servers close connections that nobody uses, most after 2 s or more. A request that meets that is lost.
_KEPT_S = 1.5
# Names whose servers do not answer hold a thread each, for as long as the system waits for them.
_LOOKED_UP_AT_ONCE = 64


class Transport:
    """Connections of one process. What is allowed by its name is asked on connections of its own, unguarded."""

    def __init__(self, allowed: guard.Allowed, resolver: AbstractResolver | None = None, limit_s: float = LIMIT_S):
        """Needs a running event loop. `resolver`: of host names, in the place of the system's."""
        self._allowed = allowed
        self._resolver = resolver or _SystemResolver()
        self._guarded = _session(self._resolver, limit_s, self._guarded_socket)
        self._by_name = _session(self._resolver, limit_s, _socket)
        self._limit_s = limit_s

    async def send(self, request: Request) -> Answer:
        """Never raises for what the network or who receives does: the answer says it."""
        try:
            url = URL(request.url, encoded=request.url.isascii())
            if url.scheme not in ("http", "https") or not url.host:
                return Answer(why="its address is none of http or https")
            session = self._by_name if self._allowed.names(url.host, url.port or 0) else self._guarded
            async with session.request(
                request.method, url, data=request.body or None, headers=request.headers, allow_redirects=False
            ) as response:
                return Answer(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=await _beginning(response),
                )
        except TimeoutError:
            return Answer(why=f"no whole answer within {self._limit_s:g} s")
        except (ClientError, OSError, ValueError) as error:
            return Answer(why=_why(error))

    async def close(self) -> None:
        await self._guarded.close()
        await self._by_name.close()
        await self._resolver.close()

    def _guarded_socket(self, place: Any) -> socket.socket:
        """The very address that is connected to next: a name may have another one each time it is looked up."""
        *_, (address, port, *_) = place
        why = guard.refusal(self._allowed, address, port)
        if why is not None:
            raise _RefusedError(why)
        return _socket(place)


class _RefusedError(OSError):
    """Said instead of connecting. An OSError, so that other addresses of the name are tried."""


class _SystemResolver(AbstractResolver):
    """In threads of its own: the event loop's few would all wait for names whose servers do not answer."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKED_UP_AT_ONCE, "look-up")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=of,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _session(resolver: AbstractResolver, limit_s: float, made_by: Any) -> ClientSession:
    connector = TCPConnector(resolver=resolver, limit=0, keepalive_timeout=_KEPT_S, socket_factory=made_by)
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=limit_s),
        headers={"User-Agent": "dni", "Accept-Encoding": "identity"},
        skip_auto_headers=("Content-Type",),
        auto_decompress=False,  # what is small when it comes may be large when it is unpacked
        trust_env=False,
    )


def _socket(place: Any) -> socket.socket:
    family, kind, protocol, *_ = place
    return socket.socket(family, kind, protocol)


async def _beginning(response: ClientResponse) -> bytes:
    parts, left = [], READ
    while left and (part := await response.content.read(left)):
        parts.append(part)
        left -= len(part)
    if not response.content.at_eof():
        response.close()
    return b"".join(parts)


def _why(error: Exception) -> str:
    """For people. Never the error's own words where these may hold the address: that may hold a secret."""
    match error:
        case ClientConnectorDNSError():
            return "its host name was not found (DNS)"
        case ClientConnectorCertificateError():
            return f"its certificate is not valid: {getattr(error.certificate_error, 'verify_message', 'not trusted')}"
        case ClientConnectorSSLError():
            return "no secure connection (TLS): it speaks another protocol or version"
        case ClientConnectorError():
            cause = error.os_error
            return str(cause) if isinstance(cause, _RefusedError) else f"no connection: {_plain(cause)}"
        case ServerDisconnectedError() | ConnectionError():
            return "it closed the connection without an answer"
        case InvalidURL():
            return "its address cannot be read"
        case OSError():
            return f"no connection: {_plain(error)}"
        case ClientError():
            return "its answer broke off, or is none of HTTP"
        case _:
            return "its address or a header cannot be sent as it is"


def _plain(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else "it failed"
