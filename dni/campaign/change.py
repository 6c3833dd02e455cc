"""One change of configuration: a transaction in which every check holds, then every worker serves it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from dni.catalog.load import raise_revision
from dni.errors import Unavailable
from dni.ledger.engines import Ledger
from dni.live.connection import RedisError
from dni.parts import Parts
from dni.pool.place import place

log = logging.getLogger("dni.campaign")


@asynccontextmanager
async def changing(parts: Parts) -> AsyncIterator[AsyncConnection]:
    """Lends the transaction; when it is committed, this worker serves the change at once and others within 0.4 s."""
    async with one_change(parts.ledger) as connection:
        yield connection
    try:
        await parts.catalog.refresh()
        await place(parts)
    except (Unavailable, RedisError) as error:
        # It is committed; whoever polls the revision takes it from here.
        log.warning("a change of configuration is not served yet: %s", error)


@asynccontextmanager
async def one_change(ledger: Ledger) -> AsyncIterator[AsyncConnection]:
    """A transaction that no other change of configuration runs beside.

    The revision rises first: its row is one that every change writes, so on PostgreSQL the next one waits there, and
    what a check has seen is true until the commit. SQLite has one writer anyway.
    """
    async with ledger.write() as connection:
        await raise_revision(connection)
        yield connection
