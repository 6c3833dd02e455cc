"""Devices by user agent."""

import pytest

from dni.session.device import Device, device

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"  # noqa: E501
IPAD = "Mozilla/5.0 (iPad; CPU OS 16_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.1 Mobile/15E148 Safari/604.1"  # noqa: E501
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (IPHONE, Device("phone", "Mobile Safari", "iOS")),
        (IPAD, Device("tablet", "Mobile Safari", "iOS")),
        (WINDOWS, Device("desktop", "Chrome", "Windows")),
        ("", Device("other", None, None)),
        ("\u202e<script>" * 100, Device("other", None, None)),
    ],
)
def test_what_kind_of_device(user_agent: str, expected: Device) -> None:
    assert device(user_agent) == expected
