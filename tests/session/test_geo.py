"""Places are what the file says; without a usable one they are empty, and the log says so once."""

import os
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

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


def test_a_file_without_cities_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "asn.mmdb"
    writer = MMDBWriter(6, "GeoLite2-ASN", languages=["en"], ipv4_compatible=True)
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"autonomous_system_number": 64496})
    writer.to_db_file(str(file))
    geo = Geo(file)
    for _ in range(3):
        geo.refresh()
        assert geo.place("198.51.100.7") == NOWHERE
    assert caplog.text.count("cannot be read") == 1


def test_the_former_file_goes_on_while_a_new_one_is_broken(tmp_path: Path) -> None:
    file, new = tmp_path / "city.mmdb", tmp_path / "new.mmdb"
    write_city(file, {"198.51.100.0/24": ("US", "CA", "Fresno")})
    geo = Geo(file)
    geo.refresh()
    new.write_bytes(b"half of a database")
    new.replace(file)
    geo.refresh()
    assert geo.place("198.51.100.7").city == "Fresno"
    file.unlink()
    geo.refresh()
    assert geo.place("198.51.100.7").city == "Fresno"


def test_a_file_that_is_broken_inside_harms_nothing(tmp_path: Path) -> None:
    file = tmp_path / "city.mmdb"
    write_city(file, {"198.51.100.0/24": ("US", "CA", "Fresno")})
    whole = file.read_bytes()
    places = whole.index(b"Fresno")
    file.write_bytes(whole[: places - 60] + b"\xff" * 60 + whole[places:])
    geo = Geo(file)
    geo.refresh()
    assert geo.place("198.51.100.7").city is None
