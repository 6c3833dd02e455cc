"""Where a person whom an administrator invited chooses a password, which signs in."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access import enter, password_rules
from dni.access.invitations import PATH
from dni.dashboard.door import Door, read_form
from dni.dashboard.forms import sentence
from dni.dashboard.pages import Pages
from dni.errors import Forbidden, InvalidField, NotFound
from dni.parts import Parts

_STALE = "This page was open for too long, or your browser sent no cookie. Try again now."
_TOO_MANY = "Too many attempts from this address. Wait a minute, then open the link again."


class Invitation:
    def __init__(self, parts: Parts, door: Door, pages: Pages) -> None:
        self._parts = parts
        self._door = door
        self._pages = pages

    async def form(self, request: Request) -> Response:
        """Looking at it uses nothing up: a link preview does too."""
        return await self._page(request, request.query_params.get("code", ""))

    async def submit(self, request: Request) -> Response:
        try:
            fields = await read_form(request, await self._door.form_token(request))
        except Forbidden as error:
            if error.code != "stale_form":
                raise
            return await self._page(request, request.query_params.get("code", ""), 403, _STALE)
        code = fields.get("code", "")
        try:
            who = await enter.choose_password(self._parts, code, fields.get("password", ""))
        except InvalidField as error:
            return await self._page(request, code, 422, sentence(error.errors[0].message))
        except NotFound:
            return await self._page(request, code)
        response = RedirectResponse("/", 303)
        await self._door.sign_in(request, response, who)
        return response

    async def _page(self, request: Request, code: str, status: int = 200, message: str | None = None) -> Response:
        now_ms = self._parts.clock.now_ms()
        address = request.client.host if request.client else ""
        email = None
        if self._door.failures.too_many(address, now_ms):
            status, message = 429, _TOO_MANY
        else:
            try:
                email = (await enter.invited(self._parts, code))["email"]
            except NotFound as error:
                self._door.failures.add(address, now_ms)
                status, message = 404, sentence(error.detail)
        csrf = await self._door.form_token(request)
        response = self._pages.render(
            "invitation.html",
            status=status,
            csrf=csrf,
            path=PATH,
            code=code,
            email=email,
            message=message,
            least=password_rules.LEAST,
            most=password_rules.MOST,
        )
        response.headers["Cache-Control"] = "no-store"
        if status == 429:
            response.headers["Retry-After"] = "60"
        await self._door.keep_form_token(request, response, csrf)
        return response
