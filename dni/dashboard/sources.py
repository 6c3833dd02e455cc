"""What made the phone ring: the pages of sources and of keywords, and their tables as files."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from dni.api.report_file import report_csv
from dni.dashboard import source_rows, trend
from dni.dashboard.call_rows import REPORT_FILTERS
from dni.dashboard.door import Reader
from dni.dashboard.figures import OF_REPORT, meaning
from dni.dashboard.files import download
from dni.dashboard.owners import Owners, owners_of
from dni.dashboard.page import Address
from dni.dashboard.pages import Pages
from dni.dashboard.source_rows import MODEL_NAMES, MOST_ROWS, Asked
from dni.parts import Parts
from dni.report.attribution import attribution, report

_FILE_ROWS = 10_000


class Sources:
    path = "/sources"

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    def addresses(self) -> Sequence[Address]:
        return Address(self.path, self.page), Address(f"{self.path}.csv", self.csv)

    async def page(self, request: Request, reader: Reader) -> Response:
        now_ms = self._parts.clock.now_ms()
        owners = await owners_of(self._parts, reader.principal)
        asked = source_rows.read(request.query_params, now_ms, owners.zone, self.path)
        now, before = asked.spans(owners.zone)
        ask = self._parts.ledger, reader.principal
        # All that has no keyword is one row, so all of it has to be seen.
        most = MOST_ROWS if self.path == "/sources" else _FILE_ROWS
        found = await report(*ask, now, asked.names, asked.model, most, before.from_ms)
        times = trend.names(asked.first, asked.last)
        by_time = await attribution(*ask, trend.both(before, now), times, asked.model, _FILE_ROWS)
        shown = source_rows.rows(asked, found, self._labels(owners))
        return self._pages.render(
            "sources.html",
            reader=reader,
            owners=owners,
            asked=asked,
            here=self.path[1:],
            filters=asked.filters,
            rows=shown[:MOST_ROWS],
            more=max(len(shown), found.groups) > MOST_ROWS,
            total=source_rows.total(asked, found),
            points=trend.points(
                by_time,
                asked.first,
                asked.last,
                datetime.fromtimestamp(now_ms / 1000, owners.zone).date(),
            ),
            has_visits=found.total.sessions is not None and source_rows.has_visits(asked),
            presets=source_rows.presets(asked, now_ms, owners.zone),
            tabs=[
                (name, label, asked.address(by=name), name == asked.by) for name, (label, _) in asked.choices.items()
            ],
            columns=[source_rows.COLUMN_NAMES[name] for name in asked.columns],
            models=MODEL_NAMES,
            money=(money := source_rows.money_columns(found)),
            currency=found.currency,
            other_currencies=found.others,
            meaning=meaning((*OF_REPORT, *money.values())),
            text_filters=REPORT_FILTERS,
        )

    async def csv(self, request: Request, reader: Reader) -> Response:
        owners = await owners_of(self._parts, reader.principal)
        asked: Asked = source_rows.read(request.query_params, self._parts.clock.now_ms(), owners.zone, self.path)
        now, _ = asked.spans(owners.zone)
        found = await attribution(self._parts.ledger, reader.principal, now, asked.names, asked.model, _FILE_ROWS)

        async def parts() -> AsyncIterator[str]:
            yield report_csv(None, found)

        return await download(f"calls-by-{asked.by}.csv", parts())

    def _labels(self, owners: Owners) -> dict[str, dict[str, str]]:
        tags = {tag.id: tag.name for tag in self._parts.catalog.now.tags.values()}
        return {"publisher": owners.publishers, "campaign": owners.campaigns, "tag": tags}


class Keywords(Sources):
    path = "/keywords"
