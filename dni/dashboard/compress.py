"""Pages and their files as gzip: a tenth of the bytes."""

import asyncio
import gzip

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

_LEAST = 1_400  # what one packet holds anyway
_LEVEL = 5


async def compress(request: Request, response: Response) -> None:
    """Changes the response in place where the browser reads gzip, but not for another site.

    A page holds its reader's CSRF token beside words of its address. Another site that makes the browser ask for
    addresses, with somebody who sees how long the answers are, would find the token out (BREACH). So only what the
    person or our own page asked for is compressed.
    """
    body = b"" if isinstance(response, StreamingResponse) else bytes(getattr(response, "body", b""))
    if len(body) < _LEAST or response.headers.get("cache-control") == "no-cache":
        return
    response.headers["Vary"] = "Accept-Encoding, Sec-Fetch-Site"
    if request.headers.get("sec-fetch-site") not in ("same-origin", "none"):
        return
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return
    # Beside the event loop: page views of visitors go on meanwhile.
    response.body = await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))
    if "etag" in response.headers:  # that of the plain bytes; who has these never asks again
        del response.headers["etag"]
