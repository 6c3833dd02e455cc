"""The addresses of pages: who may read and send what is said once for each, and checked before any page is asked."""

import logging
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from dni.access.model import Principal
from dni.dashboard.compress import compress
from dni.dashboard.door import Door, Reader, read_form
from dni.dashboard.pages import Pages, wants_page
from dni.dashboard.sign_in import sign_in_address
from dni.errors import DniError, Forbidden, MethodNotAllowed, NotSignedIn
from dni.web.body import FORM_LIMIT

log = logging.getLogger("dni.dashboard")

Access = Literal["own", "read", "tell", "dispute", "connect", "write", "administer"]
Form = dict[str, str]
Get = Callable[[Request, Reader], Awaitable[Response]]
Post = Callable[[Request, Reader, Form], Awaitable[Response]]
Handler = Callable[[Request], Awaitable[Response]]


class Address(msgspec.Struct, frozen=True):
    """One address for people who are signed in.

    `access`: who may read it; `tell`: who sees where calls go, and tells what became of them, may also send its form;
    `dispute`: whose money it is, or who decides about it, too. `connect`: who may change everything. `own`: what is a
    person's own, whoever he is, may be read and sent. Other forms (`post`) need `write` at least. A handler gets the
    fields after origin and CSRF token were found right.
    `limit`: bytes of a form.
    """

    path: str
    get: Get | None = None
    post: Post | None = None
    access: Access = "read"
    limit: int = FORM_LIMIT

    def check(self, principal: Principal, *, writes: bool) -> None:
        """Raises Forbidden."""
        if self.access == "administer" and not principal.may_administer:
            raise Forbidden(f"this page is for admins; you are signed in as {principal.role}")
        if self.access == "connect" and not principal.may_write:
            raise Forbidden("what other systems are told is for admins, and for marketers who see everything")
        if self.access == "tell":
            if not principal.may_tell:
                raise Forbidden("where calls go, and what becomes of them, is not for publishers")
        elif self.access == "dispute":
            if not principal.may_dispute:
                raise Forbidden("what a call pays is disputed by its publisher or its advertiser")
        elif self.access != "own" and (writes or self.access == "write") and not principal.may_write:
            raise Forbidden(f"as {principal.role} you may read here, not change")


def route(address: Address, door: Door, pages: Pages) -> Route:
    def guarded(act: Callable[[Request, Reader], Awaitable[Response]]) -> Handler:
        async def answer(request: Request) -> Response:
            reader = await door.reader(request)
            if reader is None:
                if wants_page(request):
                    return RedirectResponse(sign_in_address(request), 303)
                raise NotSignedIn("these pages are for people: sign in with a browser, or ask the API")
            try:
                return _kept_by_nobody(await act(request, reader))
            except DniError as error:
                return pages.error(request, error, reader=reader)

        return answer

    async def read(request: Request, reader: Reader) -> Response:
        assert address.get is not None
        address.check(reader.principal, writes=False)
        return await address.get(request, reader)

    async def send(request: Request, reader: Reader) -> Response:
        assert address.post is not None
        fields = await read_form(request, reader.csrf, address.limit)
        address.check(reader.principal, writes=True)
        return await address.post(request, reader, fields)

    get, post = address.get and guarded(read), address.post and guarded(send)
    return Route(address.path, Page(pages, get, post=post))


class Page:
    """ASGI: one address. Every refusal becomes a page where a person reads, else the one problem."""

    def __init__(self, pages: Pages, get: Handler | None = None, *, post: Handler | None = None) -> None:
        self._pages = pages
        self._handlers = {"GET": get, "HEAD": get, "POST": post}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        await compress(request, response)
        if request.method == "HEAD":
            response = _without_body(response)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        handler = self._handlers.get(request.method)
        try:
            if handler is None:
                allowed = ", ".join(name for name, known in self._handlers.items() if known)
                raise MethodNotAllowed(allowed)
            return await handler(request)
        except DniError as error:
            return self._pages.error(request, error)
        except Exception:
            log.exception("a page failed unexpectedly")
            return self._pages.error(request, DniError("unexpected"))


def _kept_by_nobody(response: Response) -> Response:
    """What one person was shown stays out of caches, and other sites cannot embed it."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    return response


def _without_body(response: Response) -> Response:
    """The same head. A body that is made while it is sent, such as a long file, is never begun."""
    head = Response(status_code=response.status_code)
    head.raw_headers = response.raw_headers
    return head
