"""Both sides of a comparison, in a file of SQLite's own that is nobody else's and gone at its end: as long as you like.

It holds callers, so it is never given a name; what fits into memory stays there.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from dni.payout.listed import Listed
from dni.payout.matching import Event

_TABLES = """
CREATE TABLE theirs (
    line INTEGER PRIMARY KEY, id TEXT, number TEXT, caller TEXT, at_ms INTEGER, duration_s INTEGER, talk_s INTEGER,
    payout TEXT, revenue TEXT, call TEXT);
CREATE TABLE ours (
    id TEXT PRIMARY KEY, provider_id TEXT, number TEXT, caller TEXT, at_ms INTEGER, duration_s INTEGER, talk_s INTEGER,
    payout INTEGER, revenue INTEGER, currency TEXT, within INTEGER, line INTEGER) WITHOUT ROWID;
CREATE TABLE finding (kind TEXT, line INTEGER, call TEXT, at_ms INTEGER, number TEXT, caller TEXT, field TEXT,
    theirs TEXT, ours TEXT);
"""
_THEIRS = ("line", "id", "number", "caller", "at_ms", "duration_s", "talk_s", "payout", "revenue")
_BY_ID = """
SELECT theirs.line AS line, ours.id AS call FROM theirs JOIN ours ON ours.id = theirs.id
UNION SELECT theirs.line, ours.id FROM theirs JOIN ours ON ours.provider_id = theirs.id
ORDER BY 1
"""

_FINDINGS = """
SELECT kind, finding.line AS line, finding.call AS call, coalesce(finding.at_ms, theirs.at_ms) AS at_ms,
    coalesce(finding.number, theirs.number) AS number, coalesce(finding.caller, theirs.caller) AS caller,
    field, finding.theirs AS theirs, finding.ours AS ours
FROM finding LEFT JOIN theirs ON theirs.line = finding.line
ORDER BY finding.line IS NULL, finding.line, finding.at_ms, finding.rowid
"""
_COUNTS = """
SELECT kind, count(DISTINCT coalesce(call, '') || ' ' || coalesce(line, '')) FROM finding GROUP BY kind
"""


class Sides:
    """`theirs` are rows of the list, `ours` our calls; a row that is a call names it, and the call names the row."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_theirs(self, rows: Iterable[Listed]) -> None:
        values = ([getattr(row, name) for name in _THEIRS] for row in rows)
        self._connection.executemany("INSERT INTO theirs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", values)

    def add_ours(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """In the order of the table, but for the row that it is."""
        self._connection.executemany("INSERT INTO ours VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", rows)

    def index(self) -> None:
        self._connection.execute("CREATE INDEX by_id ON theirs (id)")
        self._connection.execute("CREATE INDEX by_provider ON ours (provider_id)")

    def span(self) -> tuple[int, int] | None:
        """The first and the last time of the list; None: it tells none."""
        first, last = self._connection.execute("SELECT min(at_ms), max(at_ms) FROM theirs").fetchone()
        return None if first is None else (first, last)

    def by_id(self) -> Iterator[sqlite3.Row]:
        """`line`, and `call`, ours of the row's id, by line."""
        return iter(self._connection.execute(_BY_ID))

    def claim(self, line: int, call: str) -> int | None:
        """Says that the row is the call; None, or else the row that it is already, and then it stays so."""
        mine = self._connection.execute("UPDATE ours SET line = ? WHERE id = ? AND line IS NULL", (line, call))
        if mine.rowcount:
            self._connection.execute("UPDATE theirs SET call = ? WHERE line = ?", (call, line))
            return None
        [before] = self._connection.execute("SELECT line FROM ours WHERE id = ?", (call,)).fetchone()
        return int(before)

    def pair(self, pairs: Iterable[tuple[int, str]]) -> None:
        """Rows that are calls of ours."""
        held = list(pairs)
        self._connection.executemany("UPDATE theirs SET call = ? WHERE line = ?", [(call, line) for line, call in held])
        self._connection.executemany("UPDATE ours SET line = ? WHERE id = ?", held)

    def settle(self, lines: Iterable[int], calls: Iterable[str]) -> None:
        """Rows and calls that are nothing to look for any more, though neither is the other."""
        self._connection.executemany("UPDATE theirs SET call = '' WHERE line = ?", [(line,) for line in lines])
        self._connection.executemany("UPDATE ours SET line = 0 WHERE id = ?", [(call,) for call in calls])

    def loose(self, side: str) -> Iterator[Event]:
        """What no id has paired, by number and time."""
        key, is_loose = {"theirs": ("line", "call IS NULL"), "ours": ("id", "line IS NULL")}[side]
        query = (
            f"SELECT number, at_ms, {key}, caller FROM {side} WHERE {is_loose} "  # noqa: S608  our own names
            "AND number IS NOT NULL AND at_ms IS NOT NULL ORDER BY number, at_ms"
        )
        return (Event(*row) for row in self._connection.execute(query))

    def pairs(self) -> Iterator[sqlite3.Row]:
        """Rows and calls that are the same, each value of the call's with `our_` in front."""
        ours = ("id", "number", "caller", "at_ms", "duration_s", "talk_s", "payout", "revenue", "currency")
        names = ", ".join(f"ours.{name} AS our_{name}" for name in ours)
        query = f"SELECT theirs.*, {names} FROM theirs JOIN ours ON ours.id = theirs.call"  # noqa: S608  our own names
        return iter(self._connection.execute(query))

    def missing(self) -> Iterator[sqlite3.Row]:
        return iter(self._connection.execute("SELECT * FROM theirs WHERE call IS NULL ORDER BY line"))

    def extra(self) -> Iterator[sqlite3.Row]:
        return iter(self._connection.execute("SELECT * FROM ours WHERE line IS NULL AND within ORDER BY at_ms, id"))

    def find(self, findings: Iterable[tuple[Any, ...]]) -> None:
        """In the order of the table."""
        self._connection.executemany("INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", findings)

    def findings(self) -> Iterator[sqlite3.Row]:
        """By line; what is ours alone at the end, by time."""
        return iter(self._connection.execute(_FINDINGS))

    def counts(self) -> dict[str, int]:
        """Findings by kind; a row that differs in two fields is one."""
        return dict(self._connection.execute(_COUNTS).fetchall())


@contextmanager
def sides() -> Iterator[Sides]:
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = OFF")
        connection.executescript(_TABLES)
        connection.execute("BEGIN")
        yield Sides(connection)
