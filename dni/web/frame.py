"""Pure ASGI middleware around every door: request id, security headers, and the error shape as the last resort."""

import logging
import re

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dni.chance import take
from dni.errors import BadBody, DniError, MethodNotAllowed, NotFound
from dni.web.problem import problem

log = logging.getLogger("dni.web")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class Frame:
    """Outermost around a router. Never lets an exception reach the server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = frame_headers(scope["headers"])
        started = False

        async def framed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        try:
            await self._app(scope, receive, framed)
        except Exception as error:
            if started:
                raise
            await refusal(error, headers)(scope, receive, framed)


def frame_headers(asked: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What every answer carries; a request id of the caller's is kept when it looks like one."""
    return [
        (b"x-request-id", _request_id(asked)),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"strict-origin-when-cross-origin"),
    ]


def refusal(error: Exception, headers: list[tuple[bytes, bytes]]) -> Response:
    """Any exception as an answer. One that nobody expected is a 500 with the request id; the log has its traceback,
    without the request's data."""
    if isinstance(error, DniError | HTTPException):
        return _refuse(error)
    request_id = headers[0][1].decode()
    log.error("request %s failed unexpectedly", request_id, exc_info=error)
    return problem(DniError(f"unexpected; the log tells more under request {request_id}"))


def _refuse(error: DniError | HTTPException) -> Response:
    if isinstance(error, DniError):
        return problem(error)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        return problem(MethodNotAllowed(headers.get("Allow", "")))
    if error.status_code == 404:
        return problem(NotFound("nothing is at this address"), headers)
    return problem(BadBody(error.detail), headers)


def _request_id(headers: list[tuple[bytes, bytes]]) -> bytes:
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value
    return take(8).hex().encode()


def page_headers(headers: MutableHeaders, scripts_of: str = "") -> None:
    """For pages that people look at: no framing, no foreign script, no inline script or style.

    `scripts_of`: one more origin whose scripts may run and be spoken to, such as this service's by its public name.
    """
    more = f" {scripts_of}" if scripts_of else ""
    headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'{more}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'{more}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers["X-Frame-Options"] = "DENY"
    headers["Cache-Control"] = "no-store"
