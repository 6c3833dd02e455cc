"""Files for other systems. The one there is tells Google Ads which clicks made the phone ring."""

from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response

from dni.dashboard import ads_form
from dni.dashboard.ads_form import PATH, Asked
from dni.dashboard.door import Reader
from dni.dashboard.files import download
from dni.dashboard.owners import Owners, owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.errors import FieldError, InvalidField
from dni.outbound.conversions import google_ads
from dni.outbound.google_ads import csv_of
from dni.parts import Parts

# Calls looked at for the page's rows, and asked of the ledger at once for the file.
_LOOKED_AT = 200
_SHOWN = 5


class Exports:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return Address(PATH, self.page), Address(f"{PATH}.csv", self.csv)

    async def page(self, request: Request, reader: Reader) -> Response:
        owners, asked = await self._asked(request, reader)
        found, after = await google_ads(self._parts.ledger, reader.principal, asked.wish, _LOOKED_AT)
        return self._pages.render(
            "google_ads.html",
            reader=reader,
            owners=owners,
            asked=asked,
            lines=[line.split(",") for line in csv_of(asked.wish, owners.zone, found[:_SHOWN]).splitlines()[1:]],
            found=len(found),
            more=after is not None,
            looked_at=_LOOKED_AT,
        )

    async def csv(self, request: Request, reader: Reader) -> Response:
        """Every call that fits. No byte order mark: a program reads it, and knows its first row by how it begins."""
        owners, asked = await self._asked(request, reader)
        if asked.wrong:
            raise InvalidField("", asked.wrong[0], *(FieldError("", more) for more in asked.wrong[1:]))
        ask = self._parts.ledger, reader.principal, asked.wish, _LOOKED_AT

        async def parts() -> AsyncIterator[str]:
            found, after = await google_ads(*ask)
            yield csv_of(asked.wish, owners.zone, found)
            while after:
                found, after = await google_ads(*ask, after)
                yield csv_of(asked.wish, owners.zone, found, header=False)

        return await download(f"google-ads-{asked.wish.template}.csv", parts(), for_people=False)

    async def _asked(self, request: Request, reader: Reader) -> tuple[Owners, Asked]:
        owners = await owners_of(self._parts, reader.principal)
        return owners, ads_form.read(request.query_params, self._parts.clock.now_ms(), owners.zone)
