"""A GeoIP2 City file with places that a test chooses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]


def write_city(file: Path, networks: Mapping[str, tuple[str, str | None, str | None]]) -> None:
    """`networks`: network -> country, its part (the second half of ISO 3166-2) and city, as in GeoLite2 City."""
    writer = MMDBWriter(6, "GeoLite2-City", languages=["en"], ipv4_compatible=True)
    for network, (country, part, city) in networks.items():
        place: dict[str, Any] = {"country": {"iso_code": country}}
        if part:
            place["subdivisions"] = [{"iso_code": part}]
        if city:
            place["city"] = {"names": {"en": city}}
        writer.insert_network(IPSet([network]), place)
    writer.to_db_file(str(file))
