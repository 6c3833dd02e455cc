"""Statements that are asked while somebody waits: SQLAlchemy writes the SQL once and knows the types, the driver
answers. SQLAlchemy's own way through a statement takes four times as long as SQLite does."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Float
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
Row = dict[str, Any]


class Compiled:
    """A statement for one engine. What it is told is named by `bindparam`, with a type."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._names: list[str] = list(compiled.positiontup)
        binds = compiled.binds
        self._constants = {name: one.effective_value for name, one in binds.items() if not one.required}
        self._bound = [_of_type(binds[name].type, dialect).bind_processor(dialect) for name in self._names]
        columns = list(statement.exported_columns)
        self._columns = [column.name for column in columns]
        read = [(n, _reader(column.type, dialect)) for n, column in enumerate(columns)]
        self._read = [(n, reader) for n, reader in read if reader is not None]

    def ordered(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """As the driver takes them. Raises KeyError for what is not told."""
        given = [values[name] if name in values else self._constants[name] for name in self._names]
        return tuple([one if bound is None else bound(one) for one, bound in zip(given, self._bound, strict=True)])

    def tuples(self, found: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
        """What the driver answered."""
        rows = list(found)
        if not self._read:
            return rows
        return [self._one(row) for row in rows]

    def rows(self, found: Iterable[Sequence[Any]]) -> list[Row]:
        """The same by the names of the columns."""
        return [dict(zip(self._columns, row, strict=True)) for row in self.tuples(found)]

    @property
    def answers(self) -> bool:
        return bool(self._columns)

    def _one(self, row: Sequence[Any]) -> Sequence[Any]:
        made = list(row)
        for n, processor in self._read:
            made[n] = processor(made[n])
        return made


class Prepared:
    """A statement for whichever engine it is asked of."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[str, Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> list[Sequence[Any]]:
        """The rows that it answers, if it answers any. Raises what SQLAlchemy does."""
        return self._of(connection).tuples(self._ask(connection, values))

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """The same by the names of the columns."""
        return self._of(connection).rows(self._ask(connection, values))

    def _of(self, connection: Connection) -> Compiled:
        name = connection.dialect.name
        if name not in self._compiled:
            self._compiled[name] = Compiled(self._statement, connection.dialect)
        return self._compiled[name]

    def _ask(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = self._of(connection)
        given = compiled.ordered(values)
        if not connection.in_transaction():  # as SQLAlchemy does: else `commit` would not know that there is anything
            connection.begin()
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.sql, given)
            return cursor.fetchall() if compiled.answers else ()
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, compiled.sql, error) from error
        finally:
            cursor.close()


def padded(values: Sequence[T]) -> list[T]:
    """For an `IN`: of few lengths, so that there are few statements. PostgreSQL reads and plans each that it does not
    know. Raises IndexError: nothing is in an empty one."""
    return [*values, *[values[-1]] * ((1 << (len(values) - 1).bit_length()) - len(values))]


def _of_type(kind: Any, dialect: Dialect) -> Any:
    return kind.dialect_impl(dialect)


def _reader(kind: Any, dialect: Dialect) -> Any:
    if isinstance(kind, Float):  # both drivers answer one; SQLAlchemy would want to know more of the column
        return None
    return _of_type(kind, dialect).result_processor(dialect, None)


def _told(connection: Connection, sql: str, error: Exception) -> BaseException:
    """The driver's error as SQLAlchemy tells it, without the values: they hold callers."""
    dialect: Any = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection, None)
    if is_lost:
        connection.invalidate(error)
    kind = dialect.loaded_dbapi.Error
    return DBAPIError.instance(
        sql, None, error, kind, hide_parameters=True, connection_invalidated=is_lost, dialect=dialect
    )
