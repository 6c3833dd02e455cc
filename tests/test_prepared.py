"""A prepared statement tells and answers as SQLAlchemy does, on both engines."""

from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from dni.errors import Unavailable
from dni.ledger.engines import Ledger
from dni.ledger.prepared import Prepared, padded

_TABLE = Table(
    "thing",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("big", BigInteger),
    Column("small", Integer),
    Column("yes", Boolean),
    Column("sure", Float),
    Column("told", JSON),
    Column("bare", JSON(none_as_null=True)),
)
_ROWS: list[dict[str, Any]] = [
    {
        "id": "full",
        "big": 2**62,
        "small": -1,
        "yes": True,
        "sure": 0.1,
        "told": {"a": [1, "Ω", None, {"b": False}], "": ""},
        "bare": ["x"],
    },
    {"id": "nothing", "big": None, "small": None, "yes": None, "sure": None, "told": None, "bare": None},
    {"id": "'; DROP TABLE thing; --", "big": 0, "small": 0, "yes": False, "sure": 0.0, "told": [], "bare": {}},
]


def _named(prefix: str) -> dict[str, Any]:
    return {column.name: bindparam(f"{prefix}_{column.name}", type_=column.type) for column in _TABLE.c}


ADD = Prepared(insert(_TABLE).values(_named("new")))
ONE = Prepared(select(_TABLE, literal("k").label("constant")).where(_TABLE.c.id == bindparam("this", type_=Text)))
CHANGE = Prepared(
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("this", type_=Text))
    .values(big=_TABLE.c.big + 1, told=bindparam("told_now", type_=JSON))
    .returning(_TABLE.c.big, _TABLE.c.told)
)


def _new(row: dict[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in row.items()}


@pytest.fixture
async def things(ledger: Ledger) -> Ledger:
    async with ledger.write() as connection:
        await connection.run_sync(_TABLE.create)
    return ledger


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["id"][:8])
async def test_what_is_told_and_answered_is_what_sqlalchemy_tells_and_answers(
    things: Ledger, row: dict[str, Any]
) -> None:
    await things.commit(lambda connection: ADD.run(connection, _new(row)))
    ours = await things.commit(lambda connection: ONE.rows(connection, {"this": row["id"]}))
    async with things.write() as connection:
        [theirs] = (await connection.execute(select(_TABLE))).mappings()
        await connection.execute(insert(_TABLE), {**row, "id": "theirs"})
    assert ours == [{**theirs, "constant": "k"}] == [{**row, "constant": "k"}]
    assert [type(value) for value in ours[0].values()][:-1] == [type(value) for value in theirs.values()]
    [as_theirs] = await things.commit(lambda connection: ONE.rows(connection, {"this": "theirs"}))
    assert as_theirs == {**ours[0], "id": "theirs"}
    async with things.read() as connection:
        raw = text("SELECT CAST(told AS TEXT), CAST(bare AS TEXT) FROM thing")
        mine, their = (await connection.execute(raw)).all()
    assert mine == their


def test_lists_are_of_few_lengths() -> None:
    for many in range(1, 70):
        values = list(range(many))
        found = padded(values)
        assert found[:many] == values
        assert set(found) == set(values)
        assert len(found) in (1, 2, 4, 8, 16, 32, 64, 128)
        assert len(found) < 2 * many


async def test_an_update_answers_too(things: Ledger) -> None:
    await things.commit(lambda connection: ADD.run(connection, _new(_ROWS[2])))
    values = {"this": _ROWS[2]["id"], "told_now": {"n": 1}}
    assert await things.commit(lambda connection: list(map(tuple, CHANGE.run(connection, values)))) == [(1, {"n": 1})]
    assert await things.commit(lambda connection: CHANGE.run(connection, {**values, "this": "none"})) == []


async def test_what_is_not_told_is_not_taken_for_nothing(things: Ledger) -> None:
    with pytest.raises(KeyError, match="new_told"):
        await things.commit(
            lambda connection: ADD.run(connection, _new({k: v for k, v in _ROWS[0].items() if k != "told"}))
        )


async def test_a_refusal_names_no_values_and_undoes_the_transaction(things: Ledger) -> None:
    def twice(connection: Any) -> None:
        ADD.run(connection, _new(_ROWS[0]))
        ADD.run(connection, _new(_ROWS[0]))

    with pytest.raises(IntegrityError) as refused:
        await things.commit(twice)
    assert "4611686018427387904" not in str(refused.value)
    async with things.read() as connection:
        assert (await connection.execute(select(_TABLE))).all() == []


async def test_a_connection_that_is_lost_is_the_ledger_away(postgres_url: str) -> None:
    ledger = Ledger(postgres_url)
    async with ledger.write() as connection:
        await connection.run_sync(_TABLE.create)

    async def is_cut() -> None:
        async with ledger.write() as connection, ledger.write() as other:
            own = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar()
            await other.exec_driver_sql(f"SELECT pg_terminate_backend({own}, 5000)")
            await connection.run_sync(lambda sync: ADD.run(sync, _new(_ROWS[0])))

    with pytest.raises(Unavailable):
        await is_cut()
    await ledger.commit(lambda connection: ADD.run(connection, _new(_ROWS[0])))
    await ledger.close()
