"""What made the phone ring: the page of sources, and its table as a file."""

from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response

from dni.api.table import csv_of
from dni.dashboard import source_rows
from dni.dashboard.call_rows import TEXT_FILTERS
from dni.dashboard.door import Reader
from dni.dashboard.files import download
from dni.dashboard.owners import Owners, owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.source_rows import BY, FIGURES, MODEL_NAMES, MOST_ROWS, Asked
from dni.parts import Parts
from dni.report.attribution import attribution
from dni.report.model import ReportRow

_FILE_ROWS = 10_000


class Sources:
    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return Address("/sources", self.page), Address("/sources.csv", self.csv)

    async def page(self, request: Request, reader: Reader) -> Response:
        now_ms = self._parts.clock.now_ms()
        owners = await owners_of(self._parts, reader.principal)
        asked = source_rows.read(request.query_params, now_ms, owners.zone)
        now, before = asked.spans(owners.zone)
        ask = self._parts.ledger, reader.principal
        found = await attribution(*ask, now, asked.names, asked.model, MOST_ROWS + 1)
        earlier = await attribution(*ask, before, asked.names, asked.model, _FILE_ROWS)
        [*whole] = await attribution(*ask, now, (), asked.model, 1)
        [*whole_before] = await attribution(*ask, before, (), asked.model, 1)
        labels = self._labels(owners)
        total = source_rows.row(
            source_rows.Asked("source", asked.model, asked.filters, asked.first, asked.last),
            whole[0] if whole else ReportRow(),
            whole_before[0] if whole_before else None,
            0.0,
            labels,
            "All",
        )
        return self._pages.render(
            "sources.html",
            reader=reader,
            owners=owners,
            asked=asked,
            filters=asked.filters,
            rows=source_rows.rows(asked, found[:MOST_ROWS], earlier, labels),
            more=len(found) > MOST_ROWS,
            total=total,
            has_visits=source_rows.has_visits(asked),
            presets=source_rows.presets(asked, now_ms, owners.zone),
            tabs=[(name, label, asked.address(by=name), name == asked.by) for name, (label, _) in BY.items()],
            models=MODEL_NAMES,
            figures=FIGURES,
            text_filters=TEXT_FILTERS[1:],
        )

    async def csv(self, request: Request, reader: Reader) -> Response:
        owners = await owners_of(self._parts, reader.principal)
        asked: Asked = source_rows.read(request.query_params, self._parts.clock.now_ms(), owners.zone)
        now, _ = asked.spans(owners.zone)
        found = await attribution(self._parts.ledger, reader.principal, now, asked.names, asked.model, _FILE_ROWS)

        async def parts() -> AsyncIterator[str]:
            yield csv_of(ReportRow, found)

        return await download(f"calls-by-{asked.by}.csv", parts())

    def _labels(self, owners: Owners) -> dict[str, dict[str, str]]:
        tags = {tag.id: tag.name for tag in self._parts.catalog.now.tags.values()}
        return {"publisher": owners.publishers, "campaign": owners.campaigns, "tag": tags}
