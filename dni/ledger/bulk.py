"""One statement for many rows at the driver's speed: SQLAlchemy writes the SQL once, the driver gets plain tuples.

Its own executemany looks at every value of every row: half of the recorder's time.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, Executable

_encode = msgspec.json.Encoder().encode


class Many:
    """An INSERT or UPDATE, compiled for one engine."""

    def __init__(self, statement: Executable, dialect: Dialect, columns: Sequence[str] | None = None) -> None:
        """`columns`: of an INSERT, in the order of the values; an UPDATE names its values by `bindparam`."""
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns)  # type: ignore[attr-defined]
        self._names: list[str] = list(compiled.positiontup)
        self._sql = str(compiled)
        assert columns is None or self._names == list(columns)

    def tuples(self, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        """Values by name, put in order: for an UPDATE, that may name one more than once."""
        return [tuple([row[name] for name in self._names]) for row in rows]

    def run(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """Once for each row: values in order, as the driver takes them (`as_json` for JSON)."""
        if rows:
            connection.exec_driver_sql(self._sql, rows)


def as_json(value: Any) -> str | None:
    """For a JSON column. Nothing, and an empty object, is NULL."""
    return _encode(value).decode() if value else None
