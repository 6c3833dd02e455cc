"""Fills a ledger of SQLite with many calls of one campaign, fast: what changed terms are tried on."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from tests.bench import big_world
from tests.support.world import DESTINATION

CAMPAIGN, PUBLISHERS = "cmp_1", ("pub_1", "pub_2", "pub_3", "pub_4")
UNTIL_MS, DAYS = 1_796_000_000_000, 365
_DAY_MS = 86_400_000
_CHUNK = 50_000
_COLUMNS = (
    *("id", "carrier_id", "provider_id", "status", "started_at_ms", "answered_at_ms", "ended_at_ms", "duration_s"),
    *("talk_s", "caller", "tracking_number", "destination", "campaign_id", "publisher_id", "tag_id", "source"),
    *("medium", "campaign_name", "keyword", "channel", "params", "session_id", "visitor_id", "method", "confidence"),
    *("keys", "phone_type", "outcome", "qualified", "billable", "payout", "revenue"),
)
_INSERT = f"INSERT INTO call ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608  our own names


def fill(file: Path, calls: int) -> None:
    """A migrated ledger, its campaign and publishers, and the calls, indexed as a service's are."""
    asyncio.run(_begin(file))
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-300000"):
        connection.execute(f"PRAGMA {pragma}")
    wanted = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'call' AND sql IS NOT NULL"
    indexes = connection.execute(wanted).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("BEGIN")
    for rows in _chunks(calls):
        connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("PRAGMA analysis_limit=1000")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


async def _begin(file: Path) -> None:
    ledger = Ledger(f"sqlite+aiosqlite:///{file}")
    await migrate(ledger)
    made: dict[str, Any] = {"created_at_ms": UNTIL_MS - 2 * DAYS * _DAY_MS}
    campaign = {"id": CAMPAIGN, "name": "Roofs", "destination": DESTINATION, "timezone": "America/New_York"}
    async with ledger.write() as connection:
        await connection.execute(insert(schema.campaign), [{**campaign, "currency": "USD", **made}])
        rows = [{"id": each, "name": f"Publisher {each[-1]}", **made} for each in PUBLISHERS]
        await connection.execute(insert(schema.publisher), rows)
    await ledger.close()


def _chunks(calls: int) -> Iterator[list[tuple[Any, ...]]]:
    chance = np.random.default_rng(1)
    moments = np.sort(chance.integers(UNTIL_MS - DAYS * _DAY_MS, UNTIL_MS, calls))
    for begin in range(0, calls, _CHUNK):
        yield _rows(chance, begin, moments[begin : begin + _CHUNK])


def _rows(chance: np.random.Generator, begin: int, moments: Any) -> list[tuple[Any, ...]]:
    many = len(moments)

    def drawn(values: Sequence[Any]) -> list[Any]:
        return [values[n] for n in chance.integers(0, len(values), many).tolist()]

    at = moments.tolist()
    answered = (chance.random(many) < 0.8).tolist()
    talks = np.minimum(chance.lognormal(4.6, 1.1, many), 7200).astype(int).tolist()
    # A telephone of each area code in use, so many that one in eight rings again within a month.
    callers = (chance.integers(0, 400, many) * 10_000_000 + chance.integers(0, 2_000, many)).tolist()
    codes = [number[2:5] for number in big_world.CALLERS[::100]]
    paid = [yes and talk >= 90 for yes, talk in zip(answered, talks, strict=True)]
    sure = np.round(chance.random(many), 4).tolist()
    sold = '{"sale":true,"value":{"amount":%d,"currency":"USD"},"lead_status":"won","note":null}'
    sales = chance.integers(0, 200_000, many).tolist()
    ids = range(begin, begin + many)
    columns: list[list[Any]] = [
        [f"call_{n:012}" for n in ids],
        ["car_1"] * many,
        [f"CA{n:012}" for n in ids],
        ["completed" if yes else "no_answer" for yes in answered],
        at,
        [ms + 9_000 if yes else None for ms, yes in zip(at, answered, strict=True)],
        [ms + 9_000 + 1000 * talk for ms, talk in zip(at, talks, strict=True)],
        [talk + 9 for talk in talks],
        [talk if yes else 0 for talk, yes in zip(talks, answered, strict=True)],
        [f"+1{codes[n // 10_000_000 % len(codes)]}555{n % 10_000:04}" if n % 20 else None for n in callers],
        drawn(big_world.POOLED[:200]),
        [DESTINATION] * many,
        [CAMPAIGN] * many,
        drawn((*PUBLISHERS, None)),
        ["tag_1"] * many,
        *zip(*[(came.source, came.medium) for came in drawn(big_world.PAIRS)], strict=True),  # type: ignore[list-item]
        drawn((*big_world.CAMPAIGN_NAMES, None)),
        drawn((*big_world.keywords()[:2_000], None)),
        drawn(("Paid Search", "Organic Search", "Direct")),
        drawn((None, '{"sub1":"4711"}', '{"sub1":"12"}')),
        [f"ses_{n:012}" for n in ids],
        [f"vis_{n:012}" for n in ids],
        ["current"] * many,
        sure,
        drawn((None, "1", "2")),
        drawn(("mobile", "landline", "voip", None)),
        [sold % amount if amount < 20_000 else None for amount in sales],
        paid,
        paid,
        [2_500 * yes for yes in paid],
        [5_000 * yes for yes in paid],
    ]
    return list(zip(*columns, strict=True))
