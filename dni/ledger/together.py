"""Statements that follow each other: PostgreSQL gets them in one, for each of its answers waits for its turn."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import UpdateBase

from dni.ledger.prepared import Prepared


class Together:
    """INSERTs and UPDATEs that do not look at each other. What they are told is named by `bindparam`, and by no two of
    them alike."""

    def __init__(self, *statements: UpdateBase) -> None:
        *former, last = statements
        self._at_once = Prepared(last.add_cte(*(one.cte(f"together_{n}") for n, one in enumerate(former))))
        self._each = [Prepared(one) for one in statements]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        for one in [self._at_once] if connection.dialect.name == "postgresql" else self._each:
            one.run(connection, values)
