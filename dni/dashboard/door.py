"""Who reads a page: the sign-in cookie, the guards of forms, and how often an address may guess."""

import asyncio
import re
import secrets
from collections import OrderedDict, deque
from contextlib import suppress
from functools import partial
from hmac import compare_digest
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dni.access import audit, signed_in, tokens
from dni.access.acts import Told
from dni.access.authenticate import ADMIN
from dni.access.model import Principal
from dni.access.secrets import shared_secret
from dni.dashboard.cookies import FORM_MS, SIGNED_IN_MS, CookieSealer, Form, SignedIn
from dni.errors import Forbidden, NotFound
from dni.parts import Parts
from dni.session.device import device
from dni.web import body

# Over https their names begin with __Host-: browsers then take them from this host alone, by https and for every path,
# so that no other host of the domain can plant one (RFC 6265bis, 4.1.3.2). Over http browsers refuse such names.
COOKIE = "dni_dashboard"
FORM_COOKIE = "dni_sign_in"
_HOST_ONLY = "__Host-"

_FAILURES = 10
_WINDOW_MS = 60_000
_ADDRESSES = 10_000

# Every id that we make. What has another form is nobody's, and never reaches the ledger.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Reader(msgspec.Struct, frozen=True):
    """A signed-in person; `csrf` stands in each form that his pages hold. `sign_in`: the id of this sign-in."""

    principal: Principal
    csrf: str
    sign_in: str


class Door:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._sealer: CookieSealer | None = None
        self.failures = Failures()

    async def reader(self, request: Request) -> Reader | None:
        """Who asks, as he stands now: None when not signed in, when it is over, or when his account or token is."""
        sealer, now_ms = await self._sealing(), self._parts.clock.now_ms()
        known = sealer.open(SignedIn, self._cookie(request, COOKIE), now_ms)
        if known is None:
            return None
        async with self._parts.ledger.read() as connection:
            principal = await signed_in.holder(connection, now_ms, known.sign_in, ADMIN)
        if principal is None or not compare_digest(known.credential, self._credential(sealer, principal.id)):
            return None
        return Reader(principal, known.csrf, known.sign_in)

    async def form_token(self, request: Request) -> str:
        """The CSRF token of the sign-in form: the one that this browser holds already, or a new one."""
        form = (await self._sealing()).open(Form, self._cookie(request, FORM_COOKIE), self._parts.clock.now_ms())
        return form.csrf if form else secrets.token_urlsafe(18)

    async def keep_form_token(self, request: Request, response: Response, csrf: str) -> None:
        value = Form(csrf, self._parts.clock.now_ms() + FORM_MS)
        self._set(request, response, FORM_COOKIE, (await self._sealing()).seal(value), FORM_MS)

    async def sign_in(self, request: Request, response: Response, principal: Principal) -> None:
        """Always with a new CSRF token and a new cookie, whatever the browser held before. Raises Unavailable."""
        sealer, now_ms = await self._sealing(), self._parts.clock.now_ms()
        until_ms = now_ms + SIGNED_IN_MS
        # Names of browsers are looked for in long tables, which are read when they are first asked.
        browser = await asyncio.to_thread(browser_of, request.headers.get("user-agent", ""))
        async with self._parts.ledger.write() as connection:
            made = await signed_in.begin(connection, now_ms, principal.id, browser, until_ms)
            await audit.note(connection, now_ms, principal, "signed_in", principal.id, [Told("browser", None, browser)])
        value = SignedIn(made, secrets.token_urlsafe(18), until_ms, self._credential(sealer, principal.id))
        self._set(request, response, COOKIE, sealer.seal(value), SIGNED_IN_MS)
        self._drop(request, response, FORM_COOKIE)

    async def sign_out(self, request: Request, response: Response, reader: Reader | None) -> None:
        """The browser forgets, and so do we: a copy of the cookie is none."""
        if reader is not None:
            with suppress(NotFound):
                async with self._parts.ledger.write() as connection:
                    await signed_in.end(connection, self._parts.clock.now_ms(), reader.principal.id, reader.sign_in)
        self._drop(request, response, COOKIE)

    def _credential(self, sealer: CookieSealer, principal: str) -> str:
        return sealer.mark(tokens.admin_token(self._parts.settings)) if principal == ADMIN.id else ""

    def _cookie(self, request: Request, name: str) -> str | None:
        return request.cookies.get(self._name(request, name))

    def _name(self, request: Request, name: str) -> str:
        return _HOST_ONLY + name if self._is_https(request) else name

    def _set(self, request: Request, response: Response, name: str, value: str, age_ms: int) -> None:
        response.set_cookie(
            self._name(request, name),
            value,
            max_age=age_ms // 1000,
            path="/",
            secure=self._is_https(request),
            httponly=True,
            samesite="lax",
        )

    def _drop(self, request: Request, response: Response, name: str) -> None:
        self._set(request, response, name, "", 0)

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


def browser_of(user_agent: str) -> str:
    """As people call it: `Firefox on Linux`."""
    found = device(user_agent[:512])
    if not found.browser:
        return "unknown browser"
    return f"{found.browser} on {found.os}" if found.os else found.browser


async def read_form(request: Request, csrf: str, limit: int = body.FORM_LIMIT) -> dict[str, str]:
    """The fields of a form that one of our own pages sent, at most `limit` bytes.

    Raises BodyTooLarge, and Forbidden: `cross_site` (the browser names another site) or `stale_form` (CSRF token).
    """
    if _is_foreign(request):
        raise Forbidden("this form was sent by another site", code="cross_site")
    raw = await body.read(request.scope, request.receive, limit)
    # A long list of numbers is taken apart beside the event loop.
    kind = request.headers.get("content-type", "")
    apart = partial(body.multipart, raw, kind) if kind.startswith("multipart/") else partial(body.form, raw)
    fields = apart() if len(raw) <= body.FORM_LIMIT else await asyncio.to_thread(apart)
    if not compare_digest(fields.get("csrf", "").encode(), csrf.encode()):
        raise Forbidden("this form is too old: go back, load the page anew and try again", code="stale_form")
    return fields


def _is_foreign(request: Request) -> bool:
    """By what the browser says of the page that sends, where it says it. A neighbour on the same domain is foreign too;
    `none` is a reader who sends his form again by himself."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return True
    return request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


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
