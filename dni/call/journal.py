"""Keeps a call event, whatever is broken: in the ledger, else on disk until the ledger is back."""

import asyncio
import logging
from collections.abc import AsyncIterator

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from dni.call import calls
from dni.call.choose import Chooser
from dni.call.spool import Spool
from dni.call.told import Recorded, Told
from dni.errors import DniError, Unavailable
from dni.metrics import SPOOLED
from dni.parts import Parts

log = logging.getLogger("dni.call")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Told).decode

_ITS_OWN_FAULT = (msgspec.DecodeError, DniError, DataError, IntegrityError, LookupError, TypeError, ValueError)

# What an answer may take in all, with a caller in silence: within it the ledger gets its chance, then the disk.
_LEDGER_WITHIN_S = 0.35
_DISK_WITHIN_S = 0.15
_COMMITS_WITHIN_S = 0.1
# Between events from disk: who rings now comes first, or soon all would go to disk.
_GIVES_WAY_S = 0.005
# Nobody waits for the answer to a call's progress but the carrier, for 15 s.
_LEDGER_AT_LEISURE_S = 2.0
_DISK_AT_LEISURE_S = 5.0


class Journal:
    """One process's way to keep events."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._spool = Spool(parts.settings.data_dir / "spool")
        self._running: set[asyncio.Task[Recorded]] = set()
        self._lines: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, told: Told, choose: Chooser | None = None, spent_s: float = 0.0) -> Recorded | None:
        """None: it is on disk and will be in the ledger, with `told.decision`. Raises Unavailable `not_kept` when
        neither took it.

        `spent_s`: so much of the answer's time is gone already. A ledger that is too slow may still take the event
        when it is on disk as well: recorded twice is recorded once.
        """
        task = asyncio.create_task(self._commit(told, choose, urgent=_is_urgent(told)))
        self._running.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=max(0.1, _within_s(_is_urgent(told)) + 0.05 - spent_s))
        if done and task.exception() is None:
            return task.result()
        if choose is not None:
            choose.is_late = True
        why = task.exception() if done else "no answer in time"
        if isinstance(why, Unavailable) or not done:
            log.warning("the ledger does not take a call event, so the disk does: %s", why)
        else:
            log.error("recording a call event failed unexpectedly, so the disk keeps it", exc_info=task.exception())
        await self._to_disk(told)
        if choose is None:
            return None
        choose.is_on_disk = True
        if choose.is_committing:
            await asyncio.wait({task}, timeout=_COMMITS_WITHIN_S)
        return task.result() if task.done() and task.exception() is None else None

    async def _to_disk(self, told: Told) -> None:
        within_s = _DISK_WITHIN_S if _is_urgent(told) else _DISK_AT_LEISURE_S
        writing = asyncio.create_task(self._append(_encode(told)))
        try:
            await asyncio.wait_for(asyncio.shield(writing), within_s)
        except TimeoutError:
            writing.add_done_callback(lambda task: task.cancelled() or task.exception())
            log.error("a call event may be lost: neither ledger nor disk took it in time")  # noqa: TRY400
            raise Unavailable("the event could not be kept", code="not_kept") from None
        except OSError as error:
            log.error("a call event is lost: neither ledger nor disk took it: %s", error)  # noqa: TRY400  says all
            raise Unavailable("the event could not be kept", code="not_kept") from error
        SPOOLED.inc()

    async def _append(self, line: bytes) -> None:
        """Raises OSError. Lines that come at once are written at once: for many a disk takes as long as for one."""
        written = asyncio.get_running_loop().create_future()
        self._lines.append((line, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._lines:
            batch, self._lines = self._lines, []
            lost: OSError | None = None
            try:
                await asyncio.to_thread(self._spool.append, *(line for line, _ in batch))
            except OSError as error:
                lost = error
            for _, written in batch:
                if written.done():  # who asked is gone
                    continue
                if lost is None:
                    written.set_result(None)
                else:
                    written.set_exception(lost)

    async def spooled(self) -> AsyncIterator[Recorded]:
        """Brings what waits on disk into the ledger, in order. Raises Unavailable when the ledger is away, and what
        nobody expected of it; nothing is lost then, and done again, it goes on."""
        path = await asyncio.to_thread(self._spool.take)
        if path is None:
            return
        for line in await asyncio.to_thread(self._spool.lines, path):
            await asyncio.sleep(_GIVES_WAY_S)
            try:
                recorded = await self._commit(_decode(line), urgent=False)
            except Unavailable:
                raise
            except _ITS_OWN_FAULT:
                # One event that can never be applied must not keep the others waiting.
                log.exception("a spooled call event cannot be recorded; it is set aside in the spool")
                await asyncio.to_thread(self._spool.set_aside, line)
            else:
                yield recorded
        await asyncio.to_thread(self._spool.done, path)

    async def _commit(self, told: Told, choose: Chooser | None = None, *, urgent: bool) -> Recorded:
        ledger = self._parts.ledger

        def record(connection: Connection) -> Recorded:
            return calls.record(connection, ledger, told, choose)

        return await ledger.commit(record, _within_s(urgent), urgent=urgent)

    def _ended(self, task: asyncio.Task[Recorded]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain of it


def _is_urgent(told: Told) -> bool:
    """A caller waits in silence for the answer."""
    return told.inbound or told.step


def _within_s(urgent: bool) -> float:
    return _LEDGER_WITHIN_S if urgent else _LEDGER_AT_LEISURE_S
