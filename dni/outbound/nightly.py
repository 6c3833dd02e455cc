"""Asks for the files of days that are over: a message for each endpoint and day, once, whoever asks and how often."""

import asyncio
import logging
from contextlib import suppress
from datetime import date

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.errors import Unavailable
from dni.ledger.alone import alone
from dni.ledger.engines import Ledger
from dni.ledger.schema import endpoint
from dni.ledger.schema import outbox as messages
from dni.outbound import outbox
from dni.outbound.files import KIND, Settings, due
from dni.parts import Parts

log = logging.getLogger("dni.outbound")

_EVERY_S = 60.0


async def ask_nightly(parts: Parts, stop: asyncio.Event) -> None:
    """Until `stop`."""
    while not stop.is_set():
        try:
            async with alone(parts.ledger, b"dnicsv"):
                while not stop.is_set():
                    await ask_due(parts.ledger, parts.clock.now_ms())
                    await _wait(stop)
        except Unavailable as error:
            log.debug("files of days wait: %s", error.detail)
            await _wait(stop)


async def ask_due(ledger: Ledger, now_ms: int) -> int:
    """How many files were asked for that nobody had asked for before. Raises Unavailable."""
    live = select(endpoint.c.id).where(endpoint.c.kind == KIND.name, endpoint.c.deleted_at_ms.is_(None))
    async with ledger.read() as connection:
        found = (await connection.execute(live.order_by(endpoint.c.id))).scalars().all()
    asked = 0
    for one in found:
        async with ledger.write() as connection:
            asked += await _ask(connection, one, now_ms)
    return asked


async def _ask(connection: AsyncConnection, wanted: str, now_ms: int) -> int:
    # The endpoint's row is locked: of two hosts the second finds what the first has asked for.
    query = select(endpoint).where(endpoint.c.id == wanted, endpoint.c.deleted_at_ms.is_(None)).with_for_update()
    found = (await connection.execute(query)).mappings().first()
    if found is None:
        return 0
    days = due(msgspec.convert(found["settings"], Settings), found["created_at_ms"], now_ms)
    subjects = {_subject(wanted, day): day for day in days}
    known = (
        await connection.execute(select(messages.c.subject_id).where(messages.c.subject_id.in_(subjects)))
    ).scalars()
    new = sorted(subjects.keys() - set(known))
    for subject in new:
        told = {"endpoint": wanted, "day": subjects[subject].isoformat()}
        await outbox.tell(connection, "export.due", subject, now_ms, told)
    return len(new)


def _subject(wanted: str, day: date) -> str:
    return f"{wanted}.{day.isoformat()}"


async def _wait(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_EVERY_S):
            await stop.wait()
