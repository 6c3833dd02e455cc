"""The browser's door: lease, signal, script. Lease and signal are plain ASGI, because every page view passes here."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dni.errors import MethodNotAllowed, NotFound
from dni.metrics import REFUSALS
from dni.parts import Parts
from dni.tag import origins
from dni.tag.browser import Browser
from dni.tag.lease import lease
from dni.tag.script import script, version
from dni.tag.signal import signal
from dni.tag.wire import LeaseRequest, SignalRequest
from dni.web.body import decode, read_sized
from dni.web.frame import frame_headers, refusal
from dni.web.proxies import Proxies

_lease_decoder = msgspec.json.Decoder(LeaseRequest)
_signal_decoder = msgspec.json.Decoder(SignalRequest)
_encode = msgspec.json.Encoder().encode


def doors(parts: Parts) -> dict[str, ASGIApp]:
    """Path -> ASGI, for what must be fast."""

    proxies = Proxies(parts.settings.trusted_proxies)
    return {
        "/v1/lease": _door(parts, proxies, _lease_decoder, lease),
        # A beacon from a page with `Referrer-Policy: no-referrer` says `Origin: null`. It acts only on leases that it
        # names, with our MAC, so there is nothing for a stranger to do here.
        "/v1/signal": _door(parts, proxies, _signal_decoder, signal, nameless=("null", "")),
    }


def routes(parts: Parts) -> list[Route]:
    async def tag_script(request: Request) -> Response:
        key, _, wanted = str(request.path_params["name"]).partition(".")
        tag = parts.catalog.now.tags_by_key.get(key)
        if tag is None:
            raise _unknown(key)
        body = script(tag, parts.settings.public_url or f"{request.url.scheme}://{request.url.netloc}")
        current = version(body)
        if wanted and wanted != current:
            raise NotFound(f"version {wanted[:32]!r} of this tag is not served; the present one is {current}")
        headers = {
            "ETag": f'"{current}"',
            "Cache-Control": "public, max-age=31536000, immutable"
            if wanted
            else "public, max-age=300, stale-while-revalidate=604800",
            # A script with SRI is fetched in CORS mode; it holds nothing secret.
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="text/javascript")

    return [Route("/t/{name}.js", tag_script, methods=["GET"])]


def _door(parts: Parts, proxies: Proxies, decoder: Any, act: Any, nameless: tuple[str, ...] = ()) -> ASGIApp:
    """An address that stands outside the frame. Every page view and beat passes here, and a header costs a microsecond:
    an answer that went well has those that a browser needs and no more (a POST's answer is not cached by itself).

    `nameless`: origins that pass unchecked, without CORS headers.
    """

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[tuple[bytes, bytes]] = []
        status, body = 200, None
        try:
            if scope["method"] != "POST":
                headers += _preflight(parts, scope)
            else:
                told = dict(scope["headers"])
                request = decode(decoder, await read_sized(told.get(b"content-length"), receive))
                tag = parts.catalog.now.tags_by_key.get(request.tag)
                if tag is None:
                    raise _unknown(request.tag)
                origin = told.get(b"origin", b"").decode("latin-1")
                if origin not in nameless:
                    headers.append((b"access-control-allow-origin", origins.check(tag, origin).encode("latin-1")))
                address = proxies.address(scope, told.get(b"x-forwarded-for"))
                browser = Browser(address, told.get(b"user-agent", b"").decode("latin-1"), origin)
                answer = await act(parts, tag, request, browser)
                body = None if answer is None else _encode(answer)
        except Exception as error:  # noqa: BLE001  whatever it is, the page gets an answer in the one shape
            framed = frame_headers(scope)
            refused = refusal(error, framed)
            REFUSALS.labels("tag", refused.headers["dni-reason"]).inc()
            status, body = refused.status_code, bytes(refused.body)
            headers += [*framed, *(pair for pair in refused.raw_headers if pair[0] != b"content-length")]
            headers.append((b"access-control-expose-headers", b"DNI-Reason"))
        else:
            if body is None:
                status = 204
            else:
                headers.append((b"content-type", b"application/json"))
        if body is not None:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body or b""})

    return door


def _preflight(parts: Parts, scope: Scope) -> list[tuple[bytes, bytes]]:
    """Our tag needs none (text/plain). Others get a yes where any tag allows them: the POST is checked by its tag."""
    if scope["method"] != "OPTIONS":
        raise MethodNotAllowed("POST, OPTIONS")
    origin = dict(scope["headers"]).get(b"origin", b"").decode("latin-1")
    if not origin or not any(origins.allows(tag, origin) for tag in parts.catalog.now.tags.values()):
        return [(b"vary", b"origin")]
    return [
        (b"vary", b"origin"),
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"Content-Type"),
        (b"access-control-max-age", b"86400"),
    ]


def _unknown(key: str) -> NotFound:
    return NotFound(f"no tag has the key {key[:32]!r}; copy the snippet again from the tag's page", code="unknown_tag")
