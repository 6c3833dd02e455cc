"""The browser's door: lease, signal, scripts."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dni.parts import Parts
from dni.tag.delivery import Delivery
from dni.tag.door import Door, unknown
from dni.tag.encoded import Encoded, wanted
from dni.tag.lease import lease
from dni.tag.signal import signal
from dni.tag.wire import LeaseRequest, SignalRequest
from dni.web.base_url import base_url
from dni.web.proxies import Proxies

_lease_decoder = msgspec.json.Decoder(LeaseRequest)
_signal_decoder = msgspec.json.Decoder(SignalRequest)

# What the tag loads from its own host when it needs it: the panel of `?dni_debug=1`, and reading of TCF consent.
_FILES = ("debug.js", "tcf.js")

# Stands for every token of no draft, so that a page whose address holds one does not ask for the preview again.
_NO_DRAFT = "none"

_FRESH = "public, max-age=300, stale-while-revalidate=604800"
_FOR_EVER = "public, max-age=31536000, immutable"


def doors(parts: Parts) -> dict[str, Door]:
    """Path -> door, for what must be fast."""
    proxies = Proxies(parts.settings.trusted_proxies)
    return {
        "/v1/lease": Door(parts, proxies, _lease_decoder, lease, keeps_visitor=True),
        # A beacon from a page with `Referrer-Policy: no-referrer` says `Origin: null`. It acts only on leases that it
        # names, with our MAC, so there is nothing for a stranger to do here.
        "/v1/signal": Door(parts, proxies, _signal_decoder, signal, nameless=("null", "")),
    }


def routes(parts: Parts) -> list[Route]:
    delivery = Delivery(parts)

    async def tag_script(request: Request) -> Response:
        key, _, version = str(request.path_params["name"]).partition(".")
        tag = parts.catalog.now.tags_by_key.get(key)
        if tag is None:
            raise unknown(key)
        if version:
            return _answer(request, await delivery.pinned(tag, version), _FOR_EVER)
        endpoint = base_url(request.scope, request.headers, parts.settings)
        token = request.query_params.get("preview")
        if token is None:
            return _answer(request, await delivery.script(tag, endpoint), _FRESH)
        # Not kept, whatever it is: this worker may learn of the draft in a moment, or that it is no more.
        draft = parts.catalog.now.draft(tag, token)
        made = delivery.script(draft, endpoint, token) if draft else delivery.script(tag, endpoint, _NO_DRAFT)
        return _answer(request, await made, "no-store")

    async def file(request: Request) -> Response:
        return _answer(request, await delivery.file(request.url.path.removeprefix("/t/")), _FRESH)

    return [*(Route(f"/t/{name}", file, methods=["GET"]) for name in _FILES), Route("/t/{name}.js", tag_script)]


def _answer(request: Request, found: Encoded, caching: str) -> Response:
    encoding = wanted(request.headers.get("accept-encoding", ""))
    known = found.known(request.headers.get("if-none-match", ""), encoding)
    headers = {
        "ETag": known or found.etag(encoding),
        "Cache-Control": caching,
        "Vary": "Accept-Encoding",
        # A script with SRI is fetched in CORS mode; it holds nothing secret.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if known:
        return Response(status_code=304, headers=headers)
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return Response(found.bodies[encoding], headers=headers, media_type="text/javascript")
