"""Statements that follow each other: PostgreSQL gets them in one, for each of its answers waits for its turn."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import UpdateBase


class Together:
    """INSERTs and UPDATEs that do not look at each other. What they are told is named by `bindparam`, and by no two of
    them alike."""

    def __init__(self, *statements: UpdateBase) -> None:
        *former, last = statements
        self._at_once = last.add_cte(*(one.cte(f"together_{n}") for n, one in enumerate(former)))
        self._each = [(one, list(one.compile().params)) for one in statements]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(self._at_once, values)
            return
        for statement, names in self._each:
            connection.execute(statement, {name: values[name] for name in names if name in values})
