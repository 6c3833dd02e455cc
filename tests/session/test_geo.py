"""Places without a usable file are empty, and the log says so once."""

from pathlib import Path

import pytest

from dni.session.geo import NOWHERE, Geo


def test_without_a_file_every_place_is_empty(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "dni"):
        geo = Geo(None)
        for _ in range(3):
            geo.refresh()
            assert geo.place("198.51.100.7") == NOWHERE
    assert caplog.text.count("DNI_GEOIP_CITY") == 1


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
