"""The dashboard's files for browsers, from `static/dashboard/`: an address names its content, so browsers keep it."""

from hashlib import blake2b
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dni.errors import NotFound

_FOLDER = Path(__file__).resolve().parents[2] / "static" / "dashboard"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Asset(msgspec.Struct, frozen=True):
    body: bytes
    digest: str
    media_type: str


class Assets:
    """Every file of the folder, read once."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._files = {
            path.name: Asset(body, blake2b(body, digest_size=8).hexdigest(), _TYPES[path.suffix])
            for path in sorted(folder.iterdir())
            if path.suffix in _TYPES
            for body in [path.read_bytes()]
        }

    def url(self, name: str) -> str:
        return f"/static/dashboard/{name}?v={self._files[name].digest}"

    async def serve(self, request: Request) -> Response:
        asset = self._files.get(request.path_params["name"])
        if asset is None:
            raise NotFound("no such file")
        current = request.query_params.get("v") == asset.digest
        etag = f'"{asset.digest}"'
        headers = {
            "ETag": etag,
            "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
        }
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, headers=headers, media_type=asset.media_type)
