"""Transactions on SQLite that hold others up as short as can be: each runs whole in one thread of its own."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import OperationalError

# Between looks for the end of another process's write. SQLite's own waiting sleeps up to 100 ms between looks, and the
# recorder has written ten times meanwhile.
LOOK_AGAIN_S = 0.001
# So many pages (4 KiB) of log a commit writes into the ledger's file, whoever waits for it. The recorder comes before.
_LOG_IS_TOO_LONG = 16_000


class Waiting(msgspec.Struct, frozen=True):
    """A change that waits for its turn until `until` (monotonic seconds); `answer` gets what it answers."""

    change: Callable[[Connection], Any]
    until: float
    answer: asyncio.Future[Any]


Settled = tuple[Waiting, Any, Exception | None]


class Scribe:
    """Changes that come at once are committed at once, in their order: the wait for other processes and for the disk
    takes as long for many as for one. One that raises is undone alone."""

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url.set(drivername="sqlite"),
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
            hide_parameters=True,
        )
        configure(self._engine, busy_timeout_s=0)
        self._thread = ThreadPoolExecutor(1, "ledger-scribe")

    async def commit(self, waiting: Sequence[Waiting]) -> None:
        """Settles every answer. What sqlite3 raises is raised to each: that the ledger is locked, to those who waited
        too long while others wrote."""
        loop = asyncio.get_running_loop()
        for one, value, error in await loop.run_in_executor(self._thread, self._commit, waiting):
            if one.answer.done():  # who asked is gone
                continue
            if error is None:
                one.answer.set_result(value)
            else:
                one.answer.set_exception(error)

    def close(self) -> None:
        self._thread.submit(self._engine.dispose)
        self._thread.shutdown()

    def _commit(self, waiting: Sequence[Waiting]) -> list[Settled]:
        settled: list[Settled] = []
        try:
            with self._engine.connect() as connection:
                waiting = self._begin(connection, waiting, settled)
                done = [(one, *_tried(connection, one)) for one in waiting]
                connection.commit()
                return settled + done
        except Exception as error:  # noqa: BLE001  told to all who wait
            known = {id(one.answer) for one, _, _ in settled}
            return settled + [(one, None, error) for one in waiting if id(one.answer) not in known]

    def _begin(self, connection: Connection, waiting: Sequence[Waiting], settled: list[Settled]) -> Sequence[Waiting]:
        """Those whose turn it is; who waited too long is told so."""
        while waiting:
            now = time.monotonic()
            late = [one for one in waiting if now > one.until]
            try:
                if begins(connection, last=bool(late)):
                    return waiting
            except OperationalError as error:
                settled += [(one, None, error) for one in late]
                waiting = [one for one in waiting if now <= one.until]
                continue
            time.sleep(LOOK_AGAIN_S)  # noqa: TID251  another process tells nobody
        return waiting


def _tried(connection: Connection, one: Waiting) -> tuple[Any, Exception | None]:
    point = connection.begin_nested()
    try:
        value = one.change(connection)
    except Exception as error:  # noqa: BLE001  undone alone, and told to who asked
        point.rollback()
        return None, error
    point.commit()
    return value, None


def begins(connection: Connection, *, last: bool = False) -> bool:
    """Whether nobody else writes: then the transaction is open. Raises what sqlite3 does, at the `last` look too."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if last or "locked" not in str(error.orig):
            raise
        return False
    return True


def configure(engine: Engine, busy_timeout_s: float) -> None:
    """The ledger's settings for each connection; makes its folder."""
    if engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    @event.listens_for(engine, "connect")
    def told(connection: Any, _record: Any) -> None:
        # The driver opens transactions by itself and too late; we say BEGIN.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "busy_timeout=5000",
            "journal_mode=WAL",
            "synchronous=FULL",  # a call that was acknowledged survives a power cut
            "foreign_keys=ON",
            "secure_delete=ON",  # what is deleted is overwritten: who was erased is not in the file any more
            f"wal_autocheckpoint={_LOG_IS_TOO_LONG}",
            "journal_size_limit=1000000",  # one that begins anew is cut: its size tells how much is to be written back
            "cache_size=-16000",
            f"busy_timeout={int(busy_timeout_s * 1000)}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
