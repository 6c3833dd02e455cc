"""The service itself: its address, where it keeps its data, and the geo file."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dni import __version__
from dni.dashboard.door import Reader
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.words import Badge
from dni.parts import Parts
from dni.session.geo import Geo
from dni.web.base_url import base_url

_DAY_MS = 86_400_000
# MaxMind renews its files twice a week.
_OLD_DAYS = 60


class GeoState(msgspec.Struct, frozen=True):
    """`built`: day on which the file was made."""

    badge: Badge
    says: str
    file: str | None
    built: str | None


class Settings:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return (Address("/settings", self.page, access="administer"),)

    async def page(self, request: Request, reader: Reader) -> Response:
        settings = self._parts.settings
        address = base_url(request.scope, request.headers, settings)
        return self._pages.render(
            "settings.html",
            reader=reader,
            version=__version__,
            address=address,
            is_set=settings.public_url is not None,
            is_https=urlsplit(address).scheme == "https",
            ledger="PostgreSQL" if settings.ledger_url.startswith("postgresql") else "SQLite",
            data_dir=str(settings.data_dir),
            geo=geo_state(self._parts.geo, str(settings.geoip_city or ""), self._parts.clock.now_ms()),
        )


def geo_state(geo: Geo, file: str, now_ms: int) -> GeoState:
    built_ms = geo.built_ms
    if built_ms is not None:
        built = datetime.fromtimestamp(built_ms / 1000, UTC).date().isoformat()
        days = max(0, (now_ms - built_ms) // _DAY_MS)
        if days > _OLD_DAYS:
            return GeoState(Badge("old", "warn"), f"{days} days old: places change, get a newer one.", file, built)
        return GeoState(Badge("in use", "good"), "Visitors' cities and regions come from it.", file, built)
    if not file:
        says = (
            "Visitors' places stay unknown. Numbers by region and the evidence of regions need one: get GeoLite2 City "
            "from MaxMind and name it in DNI_GEOIP_CITY."
        )
        return GeoState(Badge("none", "calm"), says, None, None)
    says = "DNI_GEOIP_CITY names a file that is not there or is no City file; the service's log says why."
    return GeoState(Badge("cannot be read", "bad"), says, file, None)
