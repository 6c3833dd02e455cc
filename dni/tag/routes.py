"""The browser's door: lease, signal, script."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dni.errors import NotFound
from dni.parts import Parts
from dni.tag.door import Door, unknown
from dni.tag.lease import lease
from dni.tag.script import script, version
from dni.tag.signal import signal
from dni.tag.wire import LeaseRequest, SignalRequest
from dni.web.proxies import Proxies

_lease_decoder = msgspec.json.Decoder(LeaseRequest)
_signal_decoder = msgspec.json.Decoder(SignalRequest)


def doors(parts: Parts) -> dict[str, Door]:
    """Path -> door, for what must be fast."""
    proxies = Proxies(parts.settings.trusted_proxies)
    return {
        "/v1/lease": Door(parts, proxies, _lease_decoder, lease),
        # A beacon from a page with `Referrer-Policy: no-referrer` says `Origin: null`. It acts only on leases that it
        # names, with our MAC, so there is nothing for a stranger to do here.
        "/v1/signal": Door(parts, proxies, _signal_decoder, signal, nameless=("null", "")),
    }


def routes(parts: Parts) -> list[Route]:
    async def tag_script(request: Request) -> Response:
        key, _, wanted = str(request.path_params["name"]).partition(".")
        tag = parts.catalog.now.tags_by_key.get(key)
        if tag is None:
            raise unknown(key)
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
