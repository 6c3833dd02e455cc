"""Which origins a tag allows. Pure."""

from collections.abc import Iterable
from functools import lru_cache

from dni.catalog.model import Tag
from dni.errors import Forbidden


def allows(tag: Tag, origin: str) -> bool:
    return permits(tag.origins, origin)


def permits(allowed_origins: Iterable[str], origin: str) -> bool:
    """Exact, or `https://*.example.com` for any subdomain of any depth, but not for example.com itself."""
    origin = origin.lower()
    for allowed in allowed_origins:
        if allowed == origin:
            return True
        scheme, star, domain = allowed.partition("*")
        if star and origin.startswith(scheme) and origin.endswith(domain) and len(origin) > len(scheme) + len(domain):
            return True
    return False


@lru_cache(1024)
def hosts(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Of these origins, `*.` before those with subdomains."""
    return tuple(origin.partition("://")[2].partition(":")[0] for origin in origins if "[" not in origin)


def check(tag: Tag, origin: str) -> str:
    """The allowed origin. Raises Forbidden `origin_missing` ('') or `origin_not_allowed`."""
    if origin in tag.origins:
        return origin
    if not origin:
        raise Forbidden("no Origin header: this door is for browsers", code="origin_missing")
    if not allows(tag, origin):
        listed = ", ".join(tag.origins)
        raise Forbidden(f"tag {tag.name!r} allows {listed}; add this page's origin to it", code="origin_not_allowed")
    return origin
