"""Places are what the file says; without a usable one they are empty, and the log says so once."""

import os
from pathlib import Path

import pytest

from dni.session.geo import NOWHERE, Geo, Place
from tests.support.geo import write_city


def test_without_a_file_every_place_is_empty() -> None:
    geo = Geo(None)
    geo.refresh()
    assert geo.place("198.51.100.7") == NOWHERE


def test_a_place_is_what_the_file_says_and_a_replaced_file_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "city.mmdb"
    write_city(file, {"198.51.100.0/24": ("US", "CA", "Fresno"), "2001:db8::/48": ("DE", None, None)})
    geo = Geo(file)
    geo.refresh()
    assert geo.place("198.51.100.7") == Place("US", "US-CA", "Fresno")
    assert geo.place("2001:db8::7") == Place("DE", None, None)
    assert geo.place("192.0.2.1") == NOWHERE
    write_city(file, {"198.51.100.0/24": ("US", "NY", None)})
    os.utime(file, ns=(1, 1))  # a time that it did not have
    geo.refresh()
    assert geo.place("198.51.100.7").region == "US-NY"


def test_a_missing_or_broken_file_is_told_once_and_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "city.mmdb"
    geo = Geo(file)
    for _ in range(3):
        geo.refresh()
    file.write_bytes(b"no database")
    for address in ("198.51.100.7", "no address", ""):
        geo.refresh()
        assert geo.place(address) == NOWHERE
    assert 1 <= caplog.text.count("cannot be read") <= 2
