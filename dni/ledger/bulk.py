"""Many rows in one statement at the driver's speed: SQLAlchemy writes the SQL once, the driver gets plain tuples.

Its own executemany looks at every value of every row: half of the recorder's time.
"""

from typing import Any

import msgspec
from sqlalchemy import JSON, Insert
from sqlalchemy.ext.asyncio import AsyncConnection

_encode = msgspec.json.Encoder().encode


async def insert_many(connection: AsyncConnection, statement: Insert, rows: list[dict[str, Any]]) -> None:
    """`statement` once for each row. All rows have the same columns; JSON values are given as Python ones."""
    table: Any = statement.table
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names: list[str] = list(compiled.positiontup or ())
    as_json = {name for name in names if isinstance(table.c[name].type, JSON)}
    values = [tuple([_json(row[name]) if name in as_json else row[name] for name in names]) for row in rows]
    await connection.exec_driver_sql(str(compiled), values)


def _json(value: Any) -> str | None:
    return None if value is None else _encode(value).decode()
