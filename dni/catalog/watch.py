"""Keeps a process's catalog fresh: polls the ledger's revision, so a change reaches every worker within a second."""

import asyncio
import logging

from dni.catalog.load import current_revision, load
from dni.catalog.model import Catalog, empty
from dni.errors import Unavailable
from dni.ledger.engines import Ledger

_POLL_S = 0.4

log = logging.getLogger("dni.catalog")


class CatalogHolder:
    """`.now` is the newest catalog that this process knows. It stays what it was while the ledger is away."""

    def __init__(self, ledger: Ledger) -> None:
        self.now: Catalog = empty()
        self._ledger = ledger

    async def refresh(self) -> None:
        """Reads the ledger's revision and, when it moved, the catalog. Raises Unavailable."""
        async with self._ledger.read() as connection:
            revision = await current_revision(connection)
        if revision == self.now.revision:
            return
        self.now = await load(self._ledger)

    async def watch(self) -> None:
        """Until cancelled."""
        away = False
        while True:
            try:
                await self.refresh()
                if away:
                    log.info("the ledger is back; the configuration is fresh again")
                away = False
            except Unavailable as error:
                if not away:
                    log.warning("the configuration cannot be read, the last one known stays: %s", error.detail)
                away = True
            await asyncio.sleep(_POLL_S)
