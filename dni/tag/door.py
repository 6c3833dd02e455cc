"""One address of the browser's door: a request's parts in, an answer out. Every page view and beat passes here.

It stands outside the frame that other doors have around them, and is reached in two ways: as an ASGI application, and
by `dni.host.shortcut` without.
"""

from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from dni.catalog.model import Tag
from dni.errors import BodyTooLarge, MethodNotAllowed, NotFound
from dni.metrics import REFUSALS
from dni.parts import Parts
from dni.tag import cookie, origins
from dni.tag.browser import Browser
from dni.web.body import JSON_LIMIT, decode, read
from dni.web.frame import frame_headers, refusal
from dni.web.proxies import Proxies

_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]


class Door:
    """`act(parts, tag, request, browser)` answers a value, or None for nothing to say.

    `nameless`: origins that pass unchecked, without CORS headers. `keeps_visitor`: in the cookie of first-party hosts;
    request, answer and act are those of a lease.
    """

    def __init__(
        self,
        parts: Parts,
        proxies: Proxies,
        decoder: Any,
        act: Any,
        nameless: tuple[str, ...] = (),
        keeps_visitor: bool = False,
    ) -> None:
        self._parts, self._proxies = parts, proxies
        self._decoder, self._act, self._nameless, self._keeps_visitor = decoder, act, nameless, keeps_visitor

    body_limit = JSON_LIMIT

    async def post(self, headers: Headers, peer: str, body: bytes | None) -> Answer:
        """The answer to a POST; never raises. `peer`: the address that connected. `body` None: it is too large.

        A header costs a microsecond: an answer that went well has those that a browser needs and no more (a POST's
        answer is not cached by itself).
        """
        answered: Headers = []
        try:
            if body is None:
                raise BodyTooLarge(f"at most {self.body_limit} bytes")
            told = dict(headers)
            request = decode(self._decoder, body)
            tag = self._parts.catalog.now.tags_by_key.get(request.tag)
            if tag is None:
                raise unknown(request.tag)
            if request.preview is not None:
                tag = self._parts.catalog.now.draft(tag, request.preview) or tag
            origin = told.get(b"origin", b"").decode("latin-1")
            if origin not in self._nameless:
                answered.append((b"access-control-allow-origin", origins.check(tag, origin).encode("latin-1")))
            address = self._proxies.address(peer, told.get(b"x-forwarded-for"))
            browser = Browser(address, told.get(b"user-agent", b"").decode("latin-1"), origin)
            if tag.first_party:
                answer = await self._act_with_cookie(tag, request, browser, told, answered)
            else:
                answer = await self._act(self._parts, tag, request, browser)
        except Exception as error:  # noqa: BLE001  whatever it is, the page gets an answer in the one shape
            return _refused(error, headers, answered)
        if answer is None:
            return 204, answered, b""
        content = _encode(answer)
        answered += (_JSON, (b"content-length", b"%d" % len(content)))
        return 200, answered, content

    async def _act_with_cookie(
        self, tag: Tag, request: Any, browser: Browser, told: dict[bytes, bytes], answered: Headers
    ) -> Any:
        """The page's requests carry credentials, so a browser keeps from it every answer that does not allow them.

        The cookie itself is for pages of the host's own site, whose visitor said yes.
        """
        answered.append((b"access-control-allow-credentials", b"true"))
        host, held = told.get(b"host", b"").decode("latin-1"), told.get(b"cookie", b"")
        keeps = self._keeps_visitor and request.consent == "granted" and cookie.same_site(browser.origin, host)
        if keeps and request.visitor is None:
            request.visitor = cookie.visitor(held, tag.key)
        answer = await self._act(self._parts, tag, request, browser)
        if keeps and answer.visitor:
            answered.append((b"set-cookie", cookie.renewed(held, tag.key, answer.visitor, browser.origin)))
        return answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, client = scope["headers"], scope.get("client")
        if scope["method"] == "POST":
            try:
                body = await read(scope, receive, self.body_limit)
            except Exception as error:  # noqa: BLE001  as above
                status, answered, content = _refused(error, headers, [])
            else:
                status, answered, content = await self.post(headers, client[0] if client else "", body)
        else:
            status, answered, content = self._preflight(scope["method"], headers)
        await send({"type": "http.response.start", "status": status, "headers": answered})
        await send({"type": "http.response.body", "body": content})

    def _preflight(self, method: str, headers: Headers) -> Answer:
        """Our tag needs none (text/plain). Others get a yes where any tag allows them: a POST is checked by its tag."""
        if method != "OPTIONS":
            return _refused(MethodNotAllowed("POST, OPTIONS"), headers, [])
        origin = dict(headers).get(b"origin", b"")
        answered: Headers = [(b"vary", b"origin")]
        tags = self._parts.catalog.now.tags.values()
        if origin and any(origins.allows(tag, origin.decode("latin-1")) for tag in tags):
            answered += (
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-methods", b"POST"),
                (b"access-control-allow-headers", b"Content-Type"),
                (b"access-control-max-age", b"86400"),
            )
        return 204, answered, b""


def unknown(key: str) -> NotFound:
    return NotFound(f"no tag has the key {key[:32]!r}; copy the snippet again from the tag's page", code="unknown_tag")


def _refused(error: Exception, asked: Headers, answered: Headers) -> Answer:
    framed = frame_headers(asked)
    refused = refusal(error, framed)
    REFUSALS.labels("tag", refused.headers["dni-reason"]).inc()
    headers = [*answered, *framed, *refused.raw_headers, (b"access-control-expose-headers", b"DNI-Reason")]
    return refused.status_code, headers, bytes(refused.body)
