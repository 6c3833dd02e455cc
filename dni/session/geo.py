"""Where an address is, from a GeoIP2 or GeoLite2 City file. The address is not kept."""

import asyncio
import logging
from pathlib import Path

import geoip2.database
import geoip2.errors
import maxminddb
import msgspec

log = logging.getLogger("dni.session.geo")

_ABSENT = -1.0
_LOOK_S = 5.0


class Place(msgspec.Struct, frozen=True):
    """`country` ISO 3166-1 alpha-2, `region` ISO 3166-2 such as US-CA."""

    country: str | None = None
    region: str | None = None
    city: str | None = None


NOWHERE = Place()


class Geo:
    """Without a file of cities every place is empty. A replaced file is read anew; while it is broken the former one
    goes on."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._reader: geoip2.database.Reader | None = None
        self._read_at: float | None = None

    def refresh(self) -> None:
        """Opens the file when it is new."""
        if self._file is None:
            return
        try:
            changed = self._file.stat().st_mtime
        except OSError:
            changed = _ABSENT
        if changed == self._read_at:
            return
        self._read_at = changed
        try:
            reader = geoip2.database.Reader(self._file)
            if "City" not in reader.metadata().database_type:
                raise maxminddb.InvalidDatabaseError(f"{reader.metadata().database_type} has no cities")
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            log.warning(
                "DNI_GEOIP_CITY cannot be read, a newer one will be; until then sessions have no new places: %s", error
            )
        else:
            self._reader = reader

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            self.refresh()
            await asyncio.sleep(_LOOK_S)

    @property
    def built_ms(self) -> int | None:
        """When the file in use was made, by its own word; None: no file is in use."""
        return self._reader.metadata().build_epoch * 1000 if self._reader else None

    def place(self, address: str) -> Place:
        if self._reader is None:
            return NOWHERE
        try:
            found = self._reader.city(address)
        except (geoip2.errors.AddressNotFoundError, ValueError, maxminddb.InvalidDatabaseError):
            return NOWHERE  # nobody's, no address, or a place in the file that is broken
        country = found.country.iso_code
        part = found.subdivisions[0].iso_code if found.subdivisions else None
        return Place(country, f"{country}-{part}" if country and part else None, found.city.name)
