"""Transactions on SQLite that hold others up as short as can be: each runs whole in one thread of its own."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import OperationalError

T = TypeVar("T")

# Between looks for the end of another process's write. SQLite's own waiting sleeps up to 100 ms between looks, and the
# recorder has written ten times meanwhile.
LOOK_AGAIN_S = 0.001
# So many pages (4 KiB) of log a commit writes into the ledger's file, whoever waits for it. The recorder comes before.
_LOG_IS_TOO_LONG = 16_000


class Scribe:
    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url.set(drivername="sqlite"),
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
            hide_parameters=True,
        )
        configure(self._engine, busy_timeout_s=0)
        self._thread = ThreadPoolExecutor(1, "ledger-scribe")

    async def commit(self, change: Callable[[Connection], T], wait_s: float) -> T:
        """Raises what sqlite3 does: that the ledger is locked when others wrote for `wait_s`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, change, wait_s)

    def close(self) -> None:
        self._thread.submit(self._engine.dispose)
        self._thread.shutdown()

    def _commit(self, change: Callable[[Connection], T], wait_s: float) -> T:
        until = time.monotonic() + wait_s
        with self._engine.connect() as connection:
            while not begins(connection, last=time.monotonic() > until):
                time.sleep(LOOK_AGAIN_S)  # noqa: TID251  another process tells nobody
            answer = change(connection)
            connection.commit()
            return answer


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
