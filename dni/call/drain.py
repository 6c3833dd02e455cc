"""Brings call events that were kept on disk into the ledger, when it is back."""

import asyncio
import logging

from dni.call.journal import Journal
from dni.call.progress import follow
from dni.errors import Unavailable
from dni.parts import Parts

log = logging.getLogger("dni.call")

_EVERY_S = 0.5


async def drain(parts: Parts, stop: asyncio.Event) -> None:
    """The parent's duty, until `stop`. One process a data folder."""
    journal = Journal(parts)
    while not stop.is_set():
        try:
            await drain_once(parts, journal)
        except (Unavailable, OSError) as error:
            log.warning("call events on disk wait on: %s", error)
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_S)
        except TimeoutError:
            continue


async def drain_once(parts: Parts, journal: Journal) -> int:
    """How many events came into the ledger. Raises Unavailable, OSError; what remains, remains on disk."""
    count = 0
    async for recorded in journal.spooled():
        count += 1
        await follow(parts, recorded)
    if count:
        log.info("%d call events that waited on disk are in the ledger now", count)
    return count
