"""Who reads a page: the sign-in cookie, the guards of forms, and how often an address may guess."""

import asyncio
import re
import secrets
from collections import OrderedDict, deque
from hmac import compare_digest
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dni.access.authenticate import principal_by_id
from dni.access.model import Principal
from dni.access.secrets import shared_secret
from dni.dashboard.cookies import FORM_MS, SIGNED_IN_MS, CookieSealer, Form, SignedIn
from dni.errors import Forbidden, NotFound
from dni.parts import Parts
from dni.web import body

COOKIE = "dni_dashboard"
FORM_COOKIE = "dni_sign_in"

_FAILURES = 10
_WINDOW_MS = 60_000
_ADDRESSES = 10_000

# Every id that we make. What has another form is nobody's, and never reaches the ledger.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Reader(msgspec.Struct, frozen=True):
    """A signed-in person; `csrf` stands in each form that his pages hold."""

    principal: Principal
    csrf: str


class Door:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._sealer: CookieSealer | None = None
        self.failures = Failures()

    async def reader(self, request: Request) -> Reader | None:
        """Who asks, as he stands now: None when not signed in, when it is over, or when his token was revoked."""
        sealer = await self._sealing()
        known = sealer.open(SignedIn, request.cookies.get(COOKIE), self._parts.clock.now_ms())
        if known is None:
            return None
        principal = await principal_by_id(self._parts, known.principal)
        return None if principal is None else Reader(principal, known.csrf)

    async def form_token(self, request: Request) -> str:
        """The CSRF token of the sign-in form: the one that this browser holds already, or a new one."""
        form = (await self._sealing()).open(Form, request.cookies.get(FORM_COOKIE), self._parts.clock.now_ms())
        return form.csrf if form else secrets.token_urlsafe(18)

    async def keep_form_token(self, request: Request, response: Response, csrf: str) -> None:
        value = Form(csrf, self._parts.clock.now_ms() + FORM_MS)
        self._set(request, response, FORM_COOKIE, (await self._sealing()).seal(value), FORM_MS)

    async def sign_in(self, request: Request, response: Response, principal: Principal) -> None:
        value = SignedIn(principal.id, secrets.token_urlsafe(18), self._parts.clock.now_ms() + SIGNED_IN_MS)
        self._set(request, response, COOKIE, (await self._sealing()).seal(value), SIGNED_IN_MS)
        response.delete_cookie(FORM_COOKIE, path="/signin")

    def sign_out(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path="/")

    def _set(self, request: Request, response: Response, name: str, value: str, age_ms: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=age_ms // 1000,
            path="/" if name == COOKIE else "/signin",
            secure=self._is_https(request),
            httponly=True,
            samesite="lax",
        )

    def _is_https(self, request: Request) -> bool:
        if request.url.scheme == "https":
            return True
        # A proxy that does not say so: believed only where the browser names the public host.
        public = urlsplit(self._parts.settings.public_url or "")
        return public.scheme == "https" and public.netloc == request.headers.get("host")

    async def _sealing(self) -> CookieSealer:
        if self._sealer is None:
            self._sealer = CookieSealer(await shared_secret(self._parts.ledger, "dashboard"))
        return self._sealer


class Failures:
    """Failed sign-ins of the last minute by address. Bounded; each process counts for itself."""

    def __init__(self) -> None:
        self._by_address: OrderedDict[str, deque[int]] = OrderedDict()

    def too_many(self, address: str, now_ms: int) -> bool:
        times = self._by_address.get(address, deque())
        while times and times[0] <= now_ms - _WINDOW_MS:
            times.popleft()
        return len(times) >= _FAILURES

    def add(self, address: str, now_ms: int) -> None:
        self._by_address.setdefault(address, deque()).append(now_ms)
        self._by_address.move_to_end(address)
        if len(self._by_address) > _ADDRESSES:
            self._by_address.popitem(last=False)


async def read_form(request: Request, csrf: str, limit: int = body.FORM_LIMIT) -> dict[str, str]:
    """The fields of a form that one of our own pages sent, at most `limit` bytes.

    Raises BodyTooLarge, and Forbidden: `cross_site` (Origin is another site) or `stale_form` (CSRF token).
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("this form was sent by another site", code="cross_site")
    raw = await body.read(request.scope, request.receive, limit)
    # A long list of numbers is taken apart beside the event loop.
    fields = body.form(raw) if len(raw) <= body.FORM_LIMIT else await asyncio.to_thread(body.form, raw)
    if not compare_digest(fields.get("csrf", "").encode(), csrf.encode()):
        raise Forbidden("this form is too old: go back, load the page anew and try again", code="stale_form")
    return fields


def id_of(request: Request, noun: str) -> str:
    """The id in the address. Raises NotFound for what cannot be one."""
    wanted = str(request.path_params["id"])
    if not _ID.fullmatch(wanted):
        raise NotFound(f"there is no such {noun}")
    return wanted


def own_path(text: str | None) -> str:
    """`text` when it is a path of our own, such as `/calls?source=x`; else the start page. Guards redirects."""
    if not text or len(text) > 2000 or not text.isprintable() or "\\" in text:
        return "/"
    # Browsers read `//host` and `/\host` as another site.
    return text if text.startswith("/") and not text.startswith("//") else "/"
