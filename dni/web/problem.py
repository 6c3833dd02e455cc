"""The one error shape on the wire: RFC 9457 problem+json, with the reason code in the header DNI-Reason too."""

import msgspec
from starlette.responses import Response

from dni.errors import DniError, MethodNotAllowed, TooManyTries, Unavailable


def problem(error: DniError, headers: dict[str, str] | None = None) -> Response:
    """The refusal as an answer. `headers` are added, CORS for one."""
    more = {"DNI-Reason": error.code, "Cache-Control": "no-store", **(headers or {})}
    if error.status == 401:
        more["WWW-Authenticate"] = 'Bearer realm="dni"'
    if isinstance(error, MethodNotAllowed):
        more["Allow"] = error.allowed
    if isinstance(error, Unavailable | TooManyTries):
        more["Retry-After"] = str(error.retry_after_s)
    body = msgspec.json.encode(error.problem())
    return Response(body, error.status, headers=more, media_type="application/problem+json")
