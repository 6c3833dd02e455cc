"""What is a person's own: who he is here, where he is signed in, and his password."""

from collections.abc import Sequence
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dni.access import accounts, audit, enter, password_rules, signed_in
from dni.clock import from_rfc3339
from dni.dashboard import words
from dni.dashboard.door import Reader
from dni.dashboard.forms import sentence
from dni.dashboard.owners import owners_of
from dni.dashboard.page import Address, Form
from dni.dashboard.pages import Pages
from dni.errors import InvalidField, NotFound, TooManyTries
from dni.parts import Parts

PATH = "/account"
_DONE = {"password": "Your password is another one now, and every other sign-in has ended.", "ended": "It has ended."}


class MyAccount:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (
            Address(PATH, self.page, access="own"),
            Address(f"{PATH}/password", self.back, self.change_password, access="own"),
            Address(f"{PATH}/end", self.back, self.end, access="own"),
            Address(f"{PATH}/end-all", self.back, self.end_all, access="own"),
        )

    async def page(self, request: Request, reader: Reader) -> Response:
        return await self._page(request, reader)

    async def back(self, _request: Request, _reader: Reader) -> Response:
        """Who comes to a form's address by a link or after signing in."""
        return RedirectResponse(PATH, 303)

    async def change_password(self, request: Request, reader: Reader, sent: Form) -> Response:
        present, password = sent.get("present", ""), sent.get("password", "")
        try:
            await enter.change_password(self._parts, reader.principal, present, password, reader.sign_in)
        except InvalidField as error:
            field = error.errors[0]
            return await self._page(request, reader, 422, {field.path.removeprefix("/"): sentence(field.message)})
        except TooManyTries as error:
            says = f"Too many wrong passwords. Try again in {words.span(error.retry_after_s * 1000)}."
            response = await self._page(request, reader, 429, {"present": says})
            response.headers["Retry-After"] = str(error.retry_after_s)
            return response
        return RedirectResponse(f"{PATH}?done=password", 303)

    async def end(self, _request: Request, reader: Reader, sent: Form) -> Response:
        """One sign-in; this very one signs out."""
        wanted, now_ms, who = sent.get("sign_in", ""), self._parts.clock.now_ms(), reader.principal
        async with self._parts.ledger.write() as connection:
            await signed_in.end(connection, now_ms, who.id, wanted)
            await audit.note(connection, now_ms, who, "end_sign_in", who.id)
        return RedirectResponse(f"{PATH}?done=ended", 303)

    async def end_all(self, _request: Request, reader: Reader, _sent: Form) -> Response:
        """Also this one."""
        now_ms, who = self._parts.clock.now_ms(), reader.principal
        async with self._parts.ledger.write() as connection:
            await signed_in.end_all(connection, now_ms, who.id)
            await audit.note(connection, now_ms, who, "end_all_sign_ins", who.id)
        return RedirectResponse("/signin?signed_out=1", 303)

    async def _page(
        self, request: Request, reader: Reader, status: int = 200, wrong: dict[str, str] | None = None
    ) -> Response:
        now_ms, who = self._parts.clock.now_ms(), reader.principal
        owners = await owners_of(self._parts, who)
        account = None
        async with self._parts.ledger.read() as connection:
            found = await signed_in.live(connection, now_ms, who.id)
            with suppress(NotFound):
                account = await accounts.one(connection, who.id)
        return self._pages.render(
            "my_account.html",
            status=status,
            reader=reader,
            account=account,
            owners=owners,
            sign_ins=[(one, words.moment(from_rfc3339(one.since), owners.zone, now_ms)) for one in found],
            wrong=wrong or {},
            done=_DONE.get(request.query_params.get("done", "")),
            least=password_rules.LEAST,
            most=password_rules.MOST,
            zone=owners.zone.key,
        )
