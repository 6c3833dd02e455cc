"""Signing in by an account's password, a token or a one-time code, and out again."""

from urllib.parse import urlencode

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access import enter, signins
from dni.access.authenticate import ADMIN, principal_of_token
from dni.access.model import Principal
from dni.dashboard import words
from dni.dashboard.door import Door, own_path, read_form
from dni.dashboard.pages import Pages
from dni.errors import Forbidden, TooManyTries
from dni.parts import Parts

_WRONG = {
    "password": "This e-mail address and this password do not belong together. Who has forgotten his password asks an "
    "administrator for a new link.",
    "token": "That token is not known here. It may have been revoked, or a character was lost when it was copied. "
    "Your administrator can make another one in the settings, or with “dni token create”.",
    "code": "That sign-in code has been used or is too old: each works once. The terminal that runs “dni serve” shows "
    "how to get another one, or sign in with a token.",
}
_STALE = (
    "This sign-in page was open for too long, or your browser sent no cookie. Try again now; if this message comes "
    "back, allow cookies for this address."
)
_TOO_MANY = "Too many attempts from this address. Wait a minute, then try again."
_TOO_MANY_WRONG = (
    "Too many wrong passwords for this e-mail address. Wait, then try again; an administrator can give you a new link "
    "at once."
)


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
            return await self._page(request, where, status=429, message=_TOO_MANY, wait_s=60)
        way = next((name for name in ("code", "token") if name in fields), "password")
        try:
            principal = await self._principal(way, fields, now_ms)
        except TooManyTries as error:
            return await self._refused(request, where, way, fields, 429, _TOO_MANY_WRONG, error.retry_after_s)
        if principal is None:
            self._door.failures.add(address, now_ms)
            return await self._refused(request, where, way, fields, 401, _WRONG[way])
        response = RedirectResponse(where, 303)
        await self._door.sign_in(request, response, principal)
        return response

    async def out(self, request: Request) -> Response:
        reader = await self._door.reader(request)
        if reader:
            await read_form(request, reader.csrf)
        response = RedirectResponse("/signin?signed_out=1", 303)
        await self._door.sign_out(request, response, reader)
        return response

    async def _principal(self, way: str, fields: dict[str, str], now_ms: int) -> Principal | None:
        """Raises TooManyTries."""
        if way == "code":
            used = await signins.redeem(self._parts.ledger, now_ms, fields["code"].strip())
            return ADMIN if used else None
        if way == "token":
            return await principal_of_token(self._parts, fields["token"].strip())
        return await enter.by_password(self._parts, fields.get("email", ""), fields.get("password", ""))

    async def _refused(
        self,
        request: Request,
        where: str,
        way: str,
        fields: dict[str, str],
        status: int,
        message: str,
        wait_s: int | None = None,
    ) -> Response:
        email = fields.get("email", "")[:254]
        response = await self._page(request, where, status=status, message=message, by=way, email=email, wait_s=wait_s)
        if way == "password":
            response.background = BackgroundTask(enter.note_failure, self._parts, email)
        return response

    async def _page(
        self,
        request: Request,
        where: str,
        *,
        code: str | None = None,
        status: int = 200,
        message: str | None = None,
        by: str = "password",
        email: str = "",
        wait_s: int | None = None,
    ) -> Response:
        csrf = await self._door.form_token(request)
        response = self._pages.render(
            "sign_in.html",
            status=status,
            csrf=csrf,
            next=where,
            code=code[:200] if code else None,
            message=message,
            by=by,
            email=email,
            wait=words.span(wait_s * 1000) if wait_s else None,
            signed_out="signed_out" in request.query_params,
        )
        if wait_s is not None:
            response.headers["Retry-After"] = str(wait_s)
        await self._door.keep_form_token(request, response, csrf)
        return response


def sign_in_address(request: Request) -> str:
    """Where somebody who is not signed in goes first; he comes back to where he wanted to be."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/signin" if wanted == "/" else f"/signin?{urlencode({'next': wanted})}"
