"""The admin API's addresses: those of the table, its OpenAPI document, and a clear no for all others under /api."""

from functools import lru_cache

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from dni.api.door import Door
from dni.api.model import Operation
from dni.api.openapi import document
from dni.api.operations import OPERATIONS, PREFIX
from dni.errors import MethodNotAllowed, NotFound
from dni.parts import Parts
from dni.web.problem import problem


def routes(parts: Parts) -> list[BaseRoute]:
    by_path: dict[str, list[Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(PREFIX + operation.path, []).append(operation)
    return [
        Route("/api/openapi.json", _OpenApi()),
        # An address that is a word, such as /integrations/preview, is no id.
        *(Route(path, Door(parts, by_path[path])) for path in sorted(by_path, key=lambda path: "{" in path)),
        Route("/api/{rest:path}", _Nowhere()),
    ]


class _OpenApi:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await problem(MethodNotAllowed("GET, HEAD"))(scope, receive, send)
            return
        headers = {"Cache-Control": "max-age=300"}
        await Response(_document(), headers=headers, media_type="application/json")(scope, receive, send)


class _Nowhere:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = NotFound("this address is not part of the API; /api/openapi.json lists what is")
        await problem(error)(scope, receive, send)


@lru_cache(1)
def _document() -> bytes:
    return msgspec.json.encode(document())
