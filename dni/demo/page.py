"""The demo landing page: a plumber's page with the snippet on it, as a customer would have it on a site of his own."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dni.catalog.model import Catalog
from dni.errors import NotFound
from dni.parts import Parts
from dni.web.frame import page_headers

TAG_NAME = "Demo landing page"
CARRIER_NAME = "Demo carrier"
PATH = "/demo/"

# How a visitor may come: what the link says, and its query.
VISITS = (
    ("a Google ad", "utm_source=google&utm_medium=cpc&utm_campaign=spring&utm_term=emergency+plumber&gclid=x"),
    ("a Facebook ad", "utm_source=facebook&utm_medium=paid_social&utm_campaign=water-heaters&fbclid=y"),
    ("a newsletter", "utm_source=newsletter&utm_medium=email&utm_campaign=may"),
    ("nowhere in particular", ""),
)

_FOLDER = Path(__file__).parent / "templates"


def routes(parts: Parts) -> list[Route]:
    templates = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    style = (_FOLDER / "plumber.css").read_bytes()

    async def page(request: Request) -> Response:
        key = tag_key(parts.catalog.now)
        if key is None:
            raise NotFound(f"no tag is named {TAG_NAME!r}: the demo is made on an empty ledger", code="no_demo")
        text = templates.get_template("plumber.html").render(key=key, path=PATH, visits=VISITS)
        response = HTMLResponse(text)
        page_headers(response.headers)
        # A page of a real site may be kept and restored by the browser; so may this one.
        response.headers["Cache-Control"] = "no-cache"
        return response

    async def css(request: Request) -> Response:
        return Response(style, media_type="text/css", headers={"Cache-Control": "no-cache"})

    async def slash(request: Request) -> Response:
        return RedirectResponse(str(request.url.replace(path=PATH)), 307)

    return [Route("/demo", slash), Route(PATH, page), Route(f"{PATH}plumber.css", css)]


def tag_key(catalog: Catalog) -> str | None:
    """The demo tag's key; None where the ledger holds no demo."""
    return next((tag.key for tag in catalog.tags.values() if tag.name == TAG_NAME), None)


def campaigns(catalog: Catalog) -> frozenset[str]:
    """Ids of the campaigns that are the demo's: whoever sets up his own begins beside them."""
    return frozenset(tag.campaign for tag in catalog.tags.values() if tag.name == TAG_NAME)


def is_all(catalog: Catalog) -> bool:
    """Nothing is there, or the demo alone."""
    return not catalog.campaigns.keys() - campaigns(catalog)
