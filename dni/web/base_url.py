"""This service's own address as the world reaches it."""

import re

from starlette.datastructures import Headers
from starlette.types import Scope

from dni.settings import Settings

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:[0-9]{1,5})?")


def base_url(scope: Scope, headers: Headers, settings: Settings) -> str:
    """Scheme and host as the world reaches this service: the public URL of the settings, else the request's own."""
    if settings.public_url:
        return settings.public_url
    host = headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = f"{settings.host}:{settings.port}"
    return f"{scope['scheme']}://{host}"
