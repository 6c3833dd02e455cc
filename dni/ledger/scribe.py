"""Transactions on SQLite that hold others up as short as can be: each runs whole in one thread of its own."""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event

# Between looks for the end of another process's write. SQLite's own waiting sleeps up to 100 ms between looks, and the
# recorder has written ten times meanwhile.
LOOK_AGAIN_S = 0.001
# So many pages (4 KiB) of log a commit writes into the ledger's file, whoever waits for it. The recorder comes before.
_LOG_IS_TOO_LONG = 16_000

# Changes that one transaction holds: others wait no longer than for these.
_TOGETHER = 12
# The same of changes that are not urgent: an urgent one may come meanwhile.
_FEW = 3


class Waiting(msgspec.Struct, frozen=True, eq=False):
    """A change that waits for its turn; `answer` gets what it answers."""

    change: Callable[[Connection], Any]
    answer: asyncio.Future[Any]


class Queue:
    """Changes of one process that wait. The scribe's thread takes what the event loop puts: what is urgent first."""

    def __init__(self) -> None:
        self._urgent: deque[Waiting] = deque()
        self._others: deque[Waiting] = deque()

    def __bool__(self) -> bool:
        return bool(self._urgent or self._others)

    def put(self, waiting: Waiting, *, urgent: bool) -> None:
        (self._urgent if urgent else self._others).append(waiting)

    def withdraw(self, waiting: Waiting) -> bool:
        """False: it was taken."""
        for queue in (self._urgent, self._others):
            if waiting in queue:  # `remove` would spell it out to say that it is not there
                with suppress(ValueError):
                    queue.remove(waiting)
                    return True
        return False

    def take(self) -> Iterator[Waiting]:
        """What one transaction holds. An urgent one waits for few others, and an urgent one's commit for none."""
        urgent = others = 0
        while True:
            try:
                if self._urgent and urgent < _TOGETHER:
                    urgent += 1
                    yield self._urgent.popleft()
                elif self._others and not urgent and others < _FEW:
                    others += 1
                    yield self._others.popleft()
                else:
                    return
            except IndexError:  # withdrawn meanwhile
                continue


Settled = tuple[Waiting, Any, Exception | None]


class Scribe:
    """Changes that come at once are committed at once: the wait for other processes and for the disk takes as long for
    many as for one. One that raises is undone alone."""

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url.set(drivername="sqlite"),
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
            hide_parameters=True,
        )
        configure(self._engine, busy_timeout_s=0)
        self._thread = ThreadPoolExecutor(1, "ledger-scribe")

    async def commit(self, queue: Queue) -> None:
        """One transaction; who is in it is chosen when it begins, and every answer is settled when this returns.

        While others write, it waits as long as anybody waits here. What sqlite3 raises is raised to each.
        """
        loop = asyncio.get_running_loop()
        for one, value, error in await loop.run_in_executor(self._thread, self._commit, queue):
            if one.answer.done():  # who asked is gone
                continue
            if error is None:
                one.answer.set_result(value)
            else:
                one.answer.set_exception(error)

    def close(self) -> None:
        self._thread.submit(self._engine.dispose)
        self._thread.shutdown()

    def _commit(self, queue: Queue) -> list[Settled]:
        taken: list[Waiting] = []
        try:
            with self._engine.connect() as connection:
                while not begins(connection):
                    time.sleep(LOOK_AGAIN_S)  # noqa: TID251  another process tells nobody
                    if not queue:
                        return []
                settled: list[Settled] = []
                for one in queue.take():
                    taken.append(one)
                    if settled:
                        settled.append((one, *_tried(connection, one)))
                        continue
                    try:
                        settled.append((one, one.change(connection), None))
                    except Exception as error:  # noqa: BLE001  the others begin anew, for most changes do not fail
                        return [(one, None, error)]
                connection.commit()
                return settled
        except Exception as error:  # noqa: BLE001  told to all who wait
            return [(one, None, error) for one in taken or queue.take()]


def _tried(connection: Connection, one: Waiting) -> tuple[Any, Exception | None]:
    point = connection.begin_nested()
    try:
        value = one.change(connection)
    except Exception as error:  # noqa: BLE001  undone alone, and told to who asked
        point.rollback()
        return None, error
    point.commit()
    return value, None


def begins(connection: Connection) -> bool:
    """Whether nobody else writes: then the transaction is open. Raises what sqlite3 does.

    Asked of the driver: SQLAlchemy's errors hold on to themselves, and while others write there are hundreds a second.
    The search for such garbage held up everything for a tenth of a second.
    """
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return False
    finally:
        cursor.close()
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
