"""Who asked, behind trusted proxies, for doors that every page view passes. The rule is uvicorn's own."""

from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


class Proxies:
    """`trusted`: comma-separated addresses or networks whose X-Forwarded-For is believed; empty: none."""

    def __init__(self, trusted: str) -> None:
        self._hosts = ProxyHeadersMiddleware(_nobody, trusted).trusted_hosts if trusted else None

    def address(self, peer: str, forwarded: bytes | None) -> str:
        """The browser's address as text; '' when nothing tells it. `peer`: the address that connected."""
        if forwarded is None or self._hosts is None or peer not in self._hosts:
            return peer
        if b"," not in forwarded and b":" not in forwarded and b"[" not in forwarded:  # one proxy, a plain address
            return forwarded.decode("latin-1").strip() or peer
        return self._hosts.get_trusted_client_address(forwarded.decode("latin-1"))[0] or peer


async def _nobody(scope: Any, receive: Any, send: Any) -> None:
    raise NotImplementedError
