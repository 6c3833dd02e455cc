"""What a process is made of, made once at start and lent to every door and duty."""

import asyncio

from dni.access.secrets import shared_secret
from dni.attribution.delays import Delays
from dni.attribution.evidence import Witness
from dni.catalog.watch import CatalogHolder
from dni.clock import Clock, SystemClock
from dni.host.errand import Errands
from dni.ledger.engines import Ledger
from dni.live.connection import Live
from dni.live.scripts import loading
from dni.pool.keys import Keys
from dni.pool.leases import Leases
from dni.seal import Sealer
from dni.session.geo import Geo
from dni.settings import Settings


class Parts:
    """`settings.redis_url` must be set by now: `dni serve` has started the embedded Valkey if there was none."""

    sealer: Sealer

    def __init__(self, settings: Settings, clock: Clock | None = None, prefix: str = "dni") -> None:
        assert settings.redis_url is not None
        self.settings = settings
        self.clock = clock or SystemClock()
        self.ledger = Ledger(settings.ledger_url)
        self.live = Live(settings.redis_url, loading())
        self.keys = Keys(prefix)
        self.leases = Leases(self.live, self.keys)
        self.catalog = CatalogHolder(self.ledger)
        self.delays = Delays(self.ledger)
        self.witness = Witness(self.ledger)
        self.geo = Geo(settings.geoip_city)
        self.errands = Errands(settings)
        self.pool_missing = asyncio.Event()
        """Set when Redis does not have a pool that the catalog has; `pool.place` puts it there."""
        self.ending = asyncio.Event()
        """Set when the process is about to end: what streams without an end stops."""

    async def open(self) -> None:
        """Connects. Raises Unavailable when the ledger cannot be read; Redis may be away and come later."""
        self.sealer = Sealer(await shared_secret(self.ledger, "seal"))
        await self.catalog.refresh()
        await self.live.open()

    async def close(self) -> None:
        await self.live.close()
        await self.ledger.close()
