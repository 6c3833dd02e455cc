"""Devices by user agent."""

import pytest

from dni.session.device import Device, device

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"  # noqa: E501
IPAD = "Mozilla/5.0 (iPad; CPU OS 16_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.1 Mobile/15E148 Safari/604.1"  # noqa: E501
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (IPHONE, Device("phone", "Mobile Safari", "iOS")),
        (IPAD, Device("tablet", "Mobile Safari", "iOS")),
        (WINDOWS, Device("desktop", "Chrome", "Windows")),
        (
            f"Mozilla/5.0 (Linux; Android 13; SM-X205) {WEBKIT} Chrome/140.0.0.0 Safari/537.36",
            Device("tablet", "Chrome", "Android"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; Pixel 7) {WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36",
            Device("phone", "Chrome Mobile", "Android"),
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/120.0.0.0 Safari/537.36",
            Device("desktop", "Chrome", "Chrome OS"),
        ),
        (
            "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10_6_3; en-us; Silk/1.0.13.81_10003810) AppleWebKit/533.16 "
            "(KHTML, like Gecko) Version/5.0 Safari/533.16 Silk-Accelerated=true",
            Device("tablet", "Amazon Silk", "Android"),
        ),
        (
            f"Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) {WEBKIT} Chrome/52.0.2743.116 "
            "Mobile Safari/537.36 Edge/15.15063",
            Device("phone", "Edge Mobile", "Windows Phone"),
        ),
        (
            "Mozilla/5.0 (PlayBook; U; RIM Tablet OS 2.1.0; en-US) AppleWebKit/536.2+ (KHTML, like Gecko) Safari/536.2",
            Device("tablet", "BlackBerry WebKit", "BlackBerry Tablet OS"),
        ),
        (
            "Mozilla/5.0 (Maemo; Linux armv7l; rv:2.0.1) Gecko/20100101 Firefox/4.0.1 Fennec/2.0.1",
            Device("phone", "Firefox Mobile", "Maemo"),
        ),
        (
            "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; ARM; Trident/6.0; Touch)",
            Device("tablet", "IE", "Windows"),
        ),
        ("Mozilla/5.0 (Tablet; rv:26.0) Gecko/26.0 Firefox/26.0", Device("phone", "Firefox Mobile", "Firefox OS")),
        (
            "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119",
            Device("phone", "Opera Mini", None),
        ),
        ("Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73 (KHTML, like Gecko)", Device("other", None, None)),
        ("curl/8.0", Device("other", "curl", None)),
        (
            "Mozilla/5.0 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
            Device("other", "PetalBot", None),
        ),
        ("", Device("other", None, None)),
        ("\u202e<script>" * 100, Device("other", None, None)),
    ],
)
def test_what_kind_of_device(user_agent: str, expected: Device) -> None:
    assert device(user_agent) == expected
