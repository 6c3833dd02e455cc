"""Templates to answers, and refusals to pages that a person can read."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dni.dashboard import words
from dni.dashboard.assets import Assets
from dni.dashboard.rooms import ROOMS
from dni.errors import DniError, TooManyTries, Unavailable
from dni.web.frame import page_headers
from dni.web.problem import problem

_HELP = {
    401: "Sign in first, then come back.",
    403: "Your sign-in does not reach this page.",
    404: "The address may be mistyped, or what it named belongs to another campaign or publisher.",
    503: "Nothing is lost, and calls are still connected. Try again in a few seconds.",
}


class Pages:
    def __init__(self, assets: Assets) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {"asset": assets.url, "rooms": ROOMS, "number": words.number}

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """`reader` is the signed-in Reader, or absent on pages that anybody may see."""
        values.setdefault("reader", None)
        response = HTMLResponse(self._templates.get_template(template).render(values), status)
        page_headers(response.headers)
        return response

    def error(self, request: Request, error: DniError, **values: Any) -> Response:
        """The refusal as a page where the browser asks for one; else as the one problem+json."""
        if not wants_page(request):
            return problem(error)
        detail = error.detail if error.status < 500 or isinstance(error, Unavailable) else None
        response = self.render(
            "error.html",
            status=error.status,
            error=error,
            detail=detail,
            help=_HELP.get(error.status, "Try again; if it stays, the service's log tells more."),
            **values,
        )
        response.headers["DNI-Reason"] = error.code
        if isinstance(error, Unavailable | TooManyTries):
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response


def wants_page(request: Request) -> bool:
    """Browsers name text/html when a person navigates; scripts and command lines do not."""
    return "text/html" in request.headers.get("accept", "")
