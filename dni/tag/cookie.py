"""The cookie `dni` of a first-party host: a tag's visitor, kept longer than browsers let scripts keep anything. Pure.

Its value is `KEY.VISITOR~KEY.VISITOR…`: a host may serve several tags; the one that was used last comes first.
"""

import re

NAME = b"dni"
# RFC 6265bis lets a browser cut it to 400 days.
_MAX_AGE_S = 400 * 24 * 3600
# Of some 45 bytes each; those that were not used for longest go.
_MOST = 20
_PAIR = re.compile(rb"([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,64})")


def visitor(header: bytes, key: str) -> str | None:
    """The tag's visitor as the header Cookie tells him; not checked yet."""
    found = _pairs(header).get(key.encode())
    return found.decode() if found else None


def renewed(header: bytes, key: str, visitor: str, origin: str) -> bytes:
    """The header Set-Cookie with this visitor of the tag and what the header Cookie has of others.

    Of the service's host alone: pages do not read it. Secure where the page is, since such a page cannot reach us
    otherwise.
    """
    pairs = {key.encode(): visitor.encode(), **{k: v for k, v in _pairs(header).items() if k != key.encode()}}
    value = b"~".join(b"%s.%s" % pair for pair in list(pairs.items())[:_MOST])
    secure = b"; Secure" if origin.startswith("https:") else b""
    return b"%s=%s; Max-Age=%d; Path=/; HttpOnly; SameSite=Lax%s" % (NAME, value, _MAX_AGE_S, secure)


def same_site(origin: str, host: str) -> bool:
    """Whether a page of `origin` and the service at `host` are of one site: one host, or the same last two labels.

    Some such pairs are strangers (of `co.uk`, say). Browsers know which, and neither store nor send a cookie of
    SameSite=Lax for them; a list of public suffixes here would say the same a second time, and be older.
    """
    page, service = _name(origin.partition("//")[2]), _name(host)
    if page == service:
        return bool(page)
    ends = page.split(".")[-2:], service.split(".")[-2:]
    return ends[0] == ends[1] and len(ends[0]) == 2 and not ends[0][1].isdigit()


def _pairs(header: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for cookie in header.split(b";"):
        name, _, value = cookie.strip().partition(b"=")
        if name == NAME:
            for pair in value.split(b"~")[:_MOST]:
                if parts := _PAIR.fullmatch(pair):
                    found.setdefault(parts[1], parts[2])
    return found


def _name(host: str) -> str:
    """Without its port. An IPv6 address keeps its first bracket, and has no dots to be taken for labels."""
    return host.lower().partition("]" if host.startswith("[") else ":")[0]
