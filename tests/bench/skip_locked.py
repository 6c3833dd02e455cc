"""What a careful engineer would build instead of the lease engine: a table, and `FOR UPDATE SKIP LOCKED`.

It stands behind dni's own door, so that the engine alone differs: the same route, decoding, checks, ids and answers. A
page view is one transaction of prepared statements over a pool of connections; or, for who goes further, one function
in the database. `python -m tests.bench.skip_locked HOW FOLDER URL CONNECTIONS PORT` serves it, HOW being `statements`
or `function`; its catalog is the ledger in that folder.
"""

import sys
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn

from dni.access.secrets import shared_secret
from dni.host.worker import freeze_garbage
from dni.parts import Parts
from dni.pool.leases import Lease, Leases, Visit, Want
from dni.seal import Sealer
from dni.settings import Settings
from dni.tag.routes import doors

TABLES = (Path(__file__).parent / "skip_locked.sql").read_text()

# As lua/record.lua has them; this beat while half of the pool is free.
_BEAT_MS, _SESSION_IDLE_MS = 120_000, 1_800_000

_HELD = """
SELECT number, nonce, session, started_ms, sign_ms, about FROM number
WHERE pool = $1 AND holding = $2 FOR UPDATE
"""
_FREE = """
SELECT number, session, started_ms, sign_ms FROM number
WHERE pool = $1 AND protected_until_ms <= $2 ORDER BY protected_until_ms LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_EXTEND = """
UPDATE number SET sign_ms = $3, protected_until_ms = greatest(protected_until_ms, $4)
WHERE pool = $1 AND number = $2
"""
_BEGIN = """
UPDATE number
SET holding = $3, nonce = $4, session = $5, started_ms = $6, sign_ms = $6, protected_until_ms = $7, about = $8
WHERE pool = $1 AND number = $2
"""
_TELL = """
INSERT INTO event (number, outcome, session, nonce, ended_started_ms, ended_sign_ms, about, view)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_FUNCTION = """
SELECT * FROM lease($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
AS (fresh boolean, outcome text, number text, nonce bytea, started_ms bigint)
"""


class Statements(Leases):
    """The engine's door with a table behind it, for one target a page, as the benchmark's pages have."""

    def __init__(self, parts: Parts, connections: asyncpg.Pool) -> None:
        super().__init__(parts.live, parts.keys)
        self._connections = connections

    async def acquire(self, now_ms: int, visit: Visit, wants: list[Want]) -> tuple[bool, list[Lease]]:
        [want] = wants
        until_ms = now_ms + _BEAT_MS * 3 // 2
        async with self._connections.acquire() as connection, connection.transaction():
            held = await connection.fetchrow(_HELD, want.pool, want.holding)
            if held and held["session"] == visit.session:
                fresh = now_ms - held["sign_ms"] > _SESSION_IDLE_MS
            else:
                fresh = not visit.session or not visit.may_go_on
            session = visit.fresh_session if fresh else visit.session
            if held and held["session"] == session:
                number, nonce = held["number"], held["nonce"]
                await connection.execute(_EXTEND, want.pool, number, now_ms, until_ms)
                await connection.execute(_TELL, number, "same", session, nonce, None, None, held["about"], visit.event)
                return fresh, [Lease("same", number, nonce, held["started_ms"], _BEAT_MS, 0)]
            if not held:
                held = await connection.fetchrow(_FREE, want.pool, now_ms)
            if not held:
                await connection.execute(_TELL, None, "exhausted", session, None, None, None, visit.about, visit.event)
                return fresh, [Lease("exhausted", "", b"", 0, 0, _BEAT_MS)]
            number, former = held["number"], (held["started_ms"], held["sign_ms"])
            row = (want.holding, want.nonce, session, now_ms, until_ms, visit.about)
            await connection.execute(_BEGIN, want.pool, number, *row)
            await connection.execute(_TELL, number, "new", session, want.nonce, *former, visit.about, visit.event)
            return fresh, [Lease("new", number, want.nonce, now_ms, _BEAT_MS, 0)]


class Function(Statements):
    """The same in one round trip (skip_locked.sql)."""

    async def acquire(self, now_ms: int, visit: Visit, wants: list[Want]) -> tuple[bool, list[Lease]]:
        [want] = wants
        asked = (now_ms, want.pool, want.holding, _BEAT_MS, want.nonce)
        who = (visit.session or None, visit.fresh_session, visit.may_go_on, visit.about, visit.event)
        fresh, outcome, number, nonce, started_ms = await self._connections.fetchrow(_FUNCTION, *asked, *who)
        return fresh, [Lease(outcome, number or "", nonce or b"", started_ms, _BEAT_MS, _BEAT_MS)]


HOW = {"statements": Statements, "function": Function}


class _App:
    def __init__(self, how: str, folder: Path, url: str, connections: int) -> None:
        self._how, self._url, self._size = HOW[how], url, connections
        self._settings = Settings(data_dir=folder, redis_url="unix:///nowhere")
        self._doors: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._doors[scope["path"]](scope, receive, send)
            return
        parts = Parts(self._settings)
        parts.sealer = Sealer(await shared_secret(parts.ledger, "seal"))
        await parts.catalog.refresh()
        size = {"min_size": self._size, "max_size": self._size}
        # asyncpg makes a connection that comes back forget its settings, a round trip; nobody changes any here.
        async with asyncpg.create_pool(self._url, **size, reset=_as_it_is) as connections:
            parts.leases = self._how(parts, connections)
            self._doors = dict(doors(parts))
            freeze_garbage()  # as our workers do
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await parts.ledger.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _as_it_is(_connection: Any) -> None:
    pass


if __name__ == "__main__":
    how, folder, url, connections, port = sys.argv[1:]
    uvicorn.run(
        _App(how, Path(folder), url, int(connections)),
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        proxy_headers=False,  # the door reads them
        log_level="error",
        lifespan="on",
    )
