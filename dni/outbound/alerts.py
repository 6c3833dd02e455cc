"""Notices when a tag stops showing numbers and when a pool has none left, and when that is over; each is told once.

A tag is alarmed about when no page of it that reported in the last hour shows a number, for ten minutes: what one odd
browser says of one page is made up for by the next visitor of any page (`tag.health.works`). A pool is, when three
visits of the last hour found no free number: of one or two nobody would add numbers, and the overview shows them. It is
over when a page shows a number again, and when a whole hour went by without such a visit. Between, and while Redis is
away, what was said last stays.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

import msgspec
from sqlalchemy import select, update

from dni.errors import Unavailable
from dni.ids import new_id
from dni.ledger.alone import alone
from dni.ledger.schema import alert, pool, tag
from dni.outbound import outbox
from dni.outbound.model import Type
from dni.parts import Parts
from dni.pool import hours
from dni.tag import health, health_reports
from dni.tag.health import RECENT_MS

log = logging.getLogger("dni.outbound")

_EVERY_S = 60.0
_STANDS_MS = 10 * 60_000
_FEW = 3
_TYPES: Mapping[str, Type] = {"tag": "tag.alert", "pool": "pool.alert"}

Subject = tuple[str, str]
"""`tag` or `pool`, and its id."""


class Seen(msgspec.Struct, frozen=True):
    """`says` None: all is well."""

    says: str | None


class Alerts:
    """Of one process. `_since`: when a tag was first seen in trouble."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._since: dict[Subject, int] = {}

    async def look(self) -> None:
        """Raises Unavailable."""
        now_ms = self._parts.clock.now_ms()
        seen = {**await self._tags(now_ms), **await self._pools(now_ms)}
        async with self._parts.ledger.read() as connection:
            query = select(alert.c.kind, alert.c.subject_id, alert.c.id).where(alert.c.over_ms.is_(None))
            told = {(row.kind, row.subject_id): row.id for row in await connection.execute(query)}
        for subject, one in seen.items():
            if one.says is not None and subject not in told:
                await self._begin(subject, one.says, now_ms)
            elif one.says is None and subject in told:
                await self._end(subject, told[subject], now_ms)

    async def _tags(self, now_ms: int) -> dict[Subject, Seen]:
        """What is known of tags; those of which nothing can be said now are left out."""
        found: dict[Subject, Seen] = {}
        async with self._parts.ledger.read() as connection:
            rows = (await connection.execute(select(tag.c.id, tag.c.campaign_id, tag.c.deleted_at_ms))).all()
        for row in rows:
            subject = "tag", row.id
            if row.deleted_at_ms is not None:
                found[subject] = Seen(None)
                continue
            try:
                view = await health_reports.of(self._parts.live, self._parts.keys, row.campaign_id, row.id)
            except Unavailable:
                continue
            works = health.works(view, now_ms)
            if works is not False:
                self._since.pop(subject, None)
            if works:
                found[subject] = Seen(None)
            elif works is False and now_ms - self._since.setdefault(subject, now_ms) >= _STANDS_MS:
                found[subject] = Seen(f"no page of the last hour shows a number; the last one: {view.says}")
        return found

    async def _pools(self, now_ms: int) -> dict[Subject, Seen]:
        async with self._parts.ledger.read() as connection:
            refused = await hours.refused(connection, now_ms - RECENT_MS, now_ms)
            known = (await connection.execute(select(pool.c.id, pool.c.deleted_at_ms))).all()
        found: dict[Subject, Seen] = {}
        for row in known:
            visits = 0 if row.deleted_at_ms is not None else sum(count for *_, count in refused.get(row.id, ()))
            if visits == 0:
                found["pool", row.id] = Seen(None)
            elif visits >= _FEW:
                found["pool", row.id] = Seen(f"{visits:,} visits of the last hour found no free number")
        return found

    async def _begin(self, subject: Subject, says: str, now_ms: int) -> None:
        kind, wanted = subject
        row = {"id": new_id("alr", now_ms), "kind": kind, "subject_id": wanted, "says": says, "since_ms": now_ms}
        async with self._parts.ledger.write() as connection:
            made = await connection.execute(self._parts.ledger.insert(alert).values(row).on_conflict_do_nothing())
            if made.rowcount:
                told = {"alert": row["id"], "state": "began"}
                await outbox.tell(connection, _TYPES[kind], wanted, now_ms, told)

    async def _end(self, subject: Subject, begun: str, now_ms: int) -> None:
        kind, wanted = subject
        over = update(alert).where(alert.c.id == begun, alert.c.over_ms.is_(None)).values(over_ms=now_ms)
        async with self._parts.ledger.write() as connection:
            if (await connection.execute(over)).rowcount:
                await outbox.tell(connection, _TYPES[kind], wanted, now_ms, {"alert": begun, "state": "over"})


async def keep_alerts(parts: Parts, stop: asyncio.Event) -> None:
    """Until `stop`: once a minute."""
    alerts = Alerts(parts)
    while not stop.is_set():
        try:
            async with alone(parts.ledger, b"dnialrt"):
                while not stop.is_set():
                    await alerts.look()
                    await _wait(stop)
        except Unavailable as error:
            log.debug("alerts wait: %s", error.detail)
            await _wait(stop)


async def _wait(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_EVERY_S):
            await stop.wait()
