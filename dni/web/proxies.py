"""Who asked, behind trusted proxies, for doors that every page view passes. The rule is uvicorn's own."""

from functools import lru_cache
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


class Proxies:
    """`trusted`: comma-separated addresses or networks whose X-Forwarded-For is believed; empty: none."""

    def __init__(self, trusted: str) -> None:
        self._hosts = ProxyHeadersMiddleware(_nobody, trusted).trusted_hosts if trusted else None
        self._trusts = lru_cache(4096)(lambda peer: self._hosts is not None and peer in self._hosts)

    def address(self, peer: str, forwarded: bytes | None) -> str:
        """The browser's address as text; '' when nothing tells it. `peer`: the address that connected."""
        if forwarded is None or self._hosts is None or not self._trusts(peer):
            return peer
        if b"," not in forwarded and b":" not in forwarded and b"[" not in forwarded:  # one proxy, a plain address
            return forwarded.decode("latin-1").strip() or peer
        return self._hosts.get_trusted_client_address(forwarded.decode("latin-1"))[0] or peer


async def _nobody(scope: Any, receive: Any, send: Any) -> None:
    raise NotImplementedError
