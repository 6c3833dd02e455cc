from collections.abc import AsyncIterator

import pytest

from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[Ledger]:
    """A migrated ledger on each engine: a test that takes this runs twice."""
    made = Ledger(ledger_url)
    await migrate(made)
    yield made
    await made.close()
