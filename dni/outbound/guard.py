"""Where requests may go: to addresses of the public internet, and to what the operator allows by name. Pure.

What is special is told by IANA's registries "IPv4 Special-Purpose Address Space" and "IPv6 Special-Purpose Address
Space" (https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry, October 2026). Of
IPv6 only what is given out as global unicast (2000::/3) is public; addresses that hold one of IPv4 are what that is
where they are translated (mapped, NAT64), and refused where they are a tunnel (6to4, Teredo).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

from dni.errors import UsageError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_V4 = [
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a carrier's own network"),
        ("127.0.0.0/8", "this host"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.31.196.0/24", "for protocols"),
        ("192.52.193.0/24", "for protocols"),
        ("192.88.99.0/24", "for protocols"),
        ("192.168.0.0/16", "a private network"),
        ("192.175.48.0/24", "for protocols"),
        ("198.18.0.0/15", "for measurements"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
]
_V6 = [
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "this host"),
        ("::1/128", "this host"),
        ("fc00::/7", "a private network"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "a private network"),
        ("ff00::/8", "multicast"),
        ("2001::/32", "a tunnel"),
        ("2001::/23", "for protocols"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "a tunnel"),
        ("2620:4f:8000::/48", "for protocols"),
        ("3fff::/20", "for documentation"),
    )
]
_GLOBAL = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def special(address: Address) -> str | None:
    """What an address is that is none of the public internet; None: it is one."""
    if isinstance(address, IPv4Address):
        return next((what for network, what in _V4 if address in network), None)
    within = _translated(address)
    if within is not None:
        return special(within)
    what = next((what for network, what in _V6 if address in network), None)
    return what or (None if address in _GLOBAL else "reserved")


def _translated(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


class Allowed(msgspec.Struct, frozen=True):
    """What the operator allows besides: host names and networks, of one port or (None) of all."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[Network, int | None], ...] = ()

    def names(self, host: str, port: int) -> bool:
        """Whether the host is allowed by its name, whatever its address is."""
        name = plain_host(host)
        return (name, None) in self.hosts or (name, port) in self.hosts

    def has(self, address: Address, port: int) -> bool:
        within = _translated(address) if isinstance(address, IPv6Address) else None
        return any(
            (address in network or (within is not None and within in network)) and only in (None, port)
            for network, only in self.networks
        )


def allowed(text: str) -> Allowed:
    """Of DNI_OUTBOUND_ALLOW: `crm.internal, localhost:9000, 10.1.0.0/16, [::1]:9000`. Raises UsageError."""
    hosts: list[tuple[str, int | None]] = []
    networks: list[tuple[Network, int | None]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        host, port = _host_and_port(part)
        network = _network(host)
        if network is not None:
            networks.append((network, port))
        elif "/" in host or not host or any(character in host for character in " :@[]*"):
            raise UsageError(
                f"DNI_OUTBOUND_ALLOW: hosts, host:port, addresses or networks, such as crm.internal, not {part!r}"
            )
        else:
            hosts.append((plain_host(host), port))
    return Allowed(frozenset(hosts), tuple(networks))


def refusal(allowed: Allowed, address: str, port: int) -> str | None:
    """Why nothing is sent to an address; None: it may be connected to. What is no address is refused."""
    try:
        found = ip_address(address)
    except ValueError:
        return "its address cannot be read, so nothing is sent there"
    what = special(found)
    if what is None or allowed.has(found, port):
        return None
    return (
        f"its address {address} is none of the public internet ({what}), so nothing is sent there; "
        "the operator can allow it by name: DNI_OUTBOUND_ALLOW"
    )


def plain_host(host: str) -> str:
    """A host name as it is compared: `LOCALHOST.` is localhost."""
    return host.lower().rstrip(".")


def _host_and_port(part: str) -> tuple[str, int | None]:
    if part.startswith("["):
        host, _, rest = part[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    elif part.count(":") == 1:
        host, colon, port = part.partition(":")
    else:
        return part, None
    if not colon:
        return host, None
    if not (port.isdecimal() and 0 < int(port) < 65_536):
        raise UsageError(f"DNI_OUTBOUND_ALLOW: a port from 1 to 65535, not {part!r}")
    return host, int(port)


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
