"""What a request tells of the browser that sent it."""

from ipaddress import AddressValueError, IPv6Address
from urllib.parse import urlsplit
from zlib import crc32

import msgspec

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Browser(msgspec.Struct, frozen=True, gc=False):
    """The address is dropped after the geo look-up. `origin` is '' when the request names none."""

    address: str
    user_agent: str
    origin: str

    def is_tried_out(self, driven: bool) -> bool:
        """A page of somebody's own machine, in a browser that a program drives: a test, whose visitors are people."""
        return (driven or "Headless" in self.user_agent) and urlsplit(self.origin).hostname in _LOOPBACK


def network(address: str) -> int:
    """A checksum of what one household or client has: an IPv4 address, or an IPv6 /64."""
    if ":" not in address:
        return crc32(address.encode())
    try:
        whole = IPv6Address(address)
    except AddressValueError:
        return crc32(address.encode())
    return crc32(whole.packed[:8] if whole.ipv4_mapped is None else str(whole.ipv4_mapped).encode())
