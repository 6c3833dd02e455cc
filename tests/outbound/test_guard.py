from ipaddress import ip_address

import pytest

from dni.errors import UsageError
from dni.outbound.guard import Allowed, allowed, refusal, special

# The registries' own blocks: first and last address of each, October 2026.
SPECIAL_V4 = [
    ("0.0.0.0", "0.255.255.255"),  # noqa: S104  nothing listens there
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.31.196.0", "192.31.196.255"),
    ("192.52.193.0", "192.52.193.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("192.175.48.0", "192.175.48.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.254"),
    ("255.255.255.255", "255.255.255.255"),
]
SPECIAL_V6 = [
    ("::", "::"),
    ("::1", "::1"),
    ("::ffff:7f00:1", "::ffff:a9fe:a9fe"),
    ("64:ff9b::7f00:1", "64:ff9b::a00:1"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("100::", "100::ffff:ffff:ffff:ffff"),
    ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:1::1", "2001:1::3"),
    ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
    ("2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"),
    ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002:7f00:1::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    # Not in use any more, or never: IPv4-compatible, and all that is not given out.
    ("::7f00:1", "::808:808"),
    ("4000::", "4000::1"),
    ("1fff::", "1fff::1"),
]


@pytest.mark.parametrize(("first", "last"), SPECIAL_V4 + SPECIAL_V6)
def test_what_is_special_is_refused_from_its_first_address_to_its_last(first: str, last: str) -> None:
    for address in (first, last):
        assert special(ip_address(address)), address
        assert refusal(Allowed(), address, 443), address


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "223.255.255.255",
        "2001:200::1",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_the_public_internet_may_be_asked(address: str) -> None:
    assert refusal(Allowed(), address, 443) is None


@pytest.mark.parametrize("text", ["", "127.1", "2130706433", "0x7f.0.0.1", "fe80::1%eth0x%", "example.com", "[::1]"])
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    assert refusal(Allowed(), text, 443)


def test_a_refusal_names_the_address_the_reason_and_the_setting() -> None:
    why = refusal(Allowed(), "169.254.169.254", 80)
    assert why is not None
    assert "169.254.169.254" in why
    assert "link-local" in why
    assert "DNI_OUTBOUND_ALLOW" in why


def test_the_operator_allows_networks_addresses_and_their_ports() -> None:
    told = allowed("10.1.0.0/16, 127.0.0.1:9000, [::1]:9001, fd00::/8")
    for address, port in (("10.1.2.3", 1), ("127.0.0.1", 9000), ("::1", 9001), ("fd12::1", 443)):
        assert refusal(told, address, port) is None
    assert refusal(told, "::ffff:10.1.2.3", 80) is None
    for address, port in (("10.2.0.1", 443), ("127.0.0.1", 9001), ("127.0.0.2", 9000), ("::1", 443), ("fe80::1", 443)):
        assert refusal(told, address, port)


def test_the_operator_allows_hosts_by_name() -> None:
    told = allowed("CRM.internal, localhost:9000")
    assert told.names("crm.internal", 443)
    assert told.names("Crm.Internal.", 80)
    assert told.names("localhost", 9000)
    assert not told.names("localhost", 9001)
    assert not told.names("x.crm.internal", 443)
    assert refusal(told, "127.0.0.1", 9000)


def test_nothing_is_allowed_unless_it_is_told() -> None:
    assert allowed("") == Allowed()
    assert allowed(" , ") == Allowed()


@pytest.mark.parametrize("text", ["10.0.0.0/33", "*.internal", "a b", "host:0", "host:99999", "host:x", "http://x"])
def test_what_cannot_be_allowed_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="DNI_OUTBOUND_ALLOW"):
        allowed(f"ok.internal, {text}")
