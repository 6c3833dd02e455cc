"""Signing in by a one-time code or a token, and out again."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access import signins
from dni.access.authenticate import ADMIN, principal_of_token
from dni.access.model import Principal
from dni.dashboard.door import Door, own_path, read_form
from dni.dashboard.pages import Pages
from dni.errors import Forbidden
from dni.parts import Parts

_UNKNOWN = (
    "That token is not known here. It may have been revoked, or a character was lost when it was copied. "
    "Your administrator can make another one in the settings, or with “dni token create”."
)
_USED_UP = (
    "That sign-in code has been used or is too old: each works once. The terminal that runs “dni serve” shows "
    "how to get another one, or sign in with a token."
)
_STALE = (
    "This sign-in page was open for too long, or your browser sent no cookie. Try again now; if this message comes "
    "back, allow cookies for this address."
)
_TOO_MANY = "Too many attempts from this address. Wait a minute, then try again."


class SignIn:
    def __init__(self, parts: Parts, door: Door, pages: Pages) -> None:
        self._parts = parts
        self._door = door
        self._pages = pages

    async def form(self, request: Request) -> Response:
        """A code in the address is only shown with a button, so that a link preview does not use it up."""
        where = own_path(request.query_params.get("next"))
        code = request.query_params.get("code")
        reader = await self._door.reader(request)
        if reader and (not code or reader.principal.role == "admin"):
            return RedirectResponse(where, 303)
        return await self._page(request, where, code=code)

    async def submit(self, request: Request) -> Response:
        try:
            fields = await read_form(request, await self._door.form_token(request))
        except Forbidden as error:
            if error.code != "stale_form":
                raise
            return await self._page(request, "/", status=403, message=_STALE)
        where = own_path(fields.get("next"))
        now_ms = self._parts.clock.now_ms()
        address = request.client.host if request.client else ""
        if self._door.failures.too_many(address, now_ms):
            return await self._page(request, where, status=429, message=_TOO_MANY)
        by_code = "code" in fields
        principal = await self._principal(fields, now_ms)
        if principal is None:
            self._door.failures.add(address, now_ms)
            return await self._page(request, where, status=401, message=_USED_UP if by_code else _UNKNOWN)
        response = RedirectResponse(where, 303)
        await self._door.sign_in(request, response, principal)
        return response

    async def out(self, request: Request) -> Response:
        reader = await self._door.reader(request)
        if reader:
            await read_form(request, reader.csrf)
        response = RedirectResponse("/signin?signed_out=1", 303)
        self._door.sign_out(response)
        return response

    async def _principal(self, fields: dict[str, str], now_ms: int) -> Principal | None:
        if "code" in fields:
            used = await signins.redeem(self._parts.ledger, now_ms, fields["code"].strip())
            return ADMIN if used else None
        return await principal_of_token(self._parts, fields.get("token", "").strip())

    async def _page(
        self, request: Request, where: str, *, code: str | None = None, status: int = 200, message: str | None = None
    ) -> Response:
        csrf = await self._door.form_token(request)
        response = self._pages.render(
            "sign_in.html",
            status=status,
            csrf=csrf,
            next=where,
            code=code[:200] if code else None,
            message=message,
            signed_out="signed_out" in request.query_params,
        )
        if status == 429:
            response.headers["Retry-After"] = "60"
        await self._door.keep_form_token(request, response, csrf)
        return response


def sign_in_address(request: Request) -> str:
    """Where somebody who is not signed in goes first; he comes back to where he wanted to be."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/signin" if wanted == "/" else f"/signin?{urlencode({'next': wanted})}"
