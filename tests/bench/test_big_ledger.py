"""Big ledgers, made small: what they hold is what the service could have written, and the same for the same seed."""

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Select, func, inspect, select

from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.schema import KEPT_MODELS, call, call_event, call_touch, lease, session
from tests.bench.big_ledger import fill
from tests.bench.big_rows import BigRows, Size
from tests.support.world import START_MS

SIZE = Size(sessions=4_000, calls=400, until_ms=START_MS, days=30)


async def rows(ledger: Ledger, wanted: Select[Any]) -> list[Any]:
    async with ledger.read() as connection:
        return list((await connection.execute(wanted)).all())


async def test_a_small_one_holds_together(ledger_url: str) -> None:
    added: Counter[str] = Counter()
    await fill(ledger_url, SIZE, lambda what, count: added.update({what: count}))
    assert (added["sessions"], added["calls"]) == (SIZE.sessions, SIZE.calls)
    ledger = Ledger(ledger_url)
    try:
        for table, least in ((session, 4_000), (lease, 3_800), (call, 400), (call_event, 400), (call_touch, 400)):
            [(count,)] = await rows(ledger, select(func.count()).select_from(table))
            assert least <= count <= least * 1.5, table.name
        [(first, last)] = await rows(ledger, select(func.min(call.c.started_at_ms), func.max(call.c.started_at_ms)))
        assert START_MS - 30 * 86_400_000 <= first < last < START_MS
        # Of each visitor who may have called, every model shares one whole call.
        shares = [func.sum(call_touch.c[model]) for model in KEPT_MODELS]
        for sums in await rows(ledger, select(*shares).group_by(call_touch.c.call_id, call_touch.c.visitor_id)):
            assert set(sums) == {1_000_000}
        # What a call names was there before it rang, and had its number.
        joined = select(call, session.c.started_at_ms.label("came_ms"), lease.c.number)
        joined = joined.join(session, session.c.id == call.c.session_id).join(lease, lease.c.session_id == session.c.id)
        credited = await rows(ledger, joined)
        assert len(credited) == 400 - 24 - 20
        for one in credited:
            assert one.came_ms <= one.started_at_ms
            assert one.number == one.tracking_number
            assert one.candidates[0]["session"] == one.session_id
        kept = select(call.c.id).join(call_touch, call_touch.c.call_id == call.c.id)
        own = kept.where(call_touch.c.session_id == call.c.session_id, call_touch.c.at_ms <= call.c.started_at_ms)
        assert len(await rows(ledger, own)) == len(credited)
        with pytest.raises(ValueError, match="sessions already"):
            await fill(ledger_url, SIZE)
    finally:
        await ledger.close()


# SQLAlchemy leaves indexes of expressions out on SQLite: the names of all come from SQLite itself.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
async def test_its_keys_and_indexes_are_those_of_the_schema(ledger_url: str) -> None:
    await fill(ledger_url, SIZE)
    ledger = Ledger(ledger_url)
    async with ledger.read() as connection:
        for table in schema.metadata.sorted_tables:
            indexes, keys = await connection.run_sync(_indexed, table.name)
            assert indexes >= {index.name for index in table.indexes}, table.name
            assert keys == {(one.parent.name, one.column.table.name) for one in table.foreign_keys}, table.name
    await ledger.close()


def _indexed(connection: Any, table: str) -> tuple[set[str | None], set[tuple[str, str]]]:
    found = inspect(connection)
    primary = found.get_pk_constraint(table)
    assert primary["constrained_columns"] == [one.name for one in schema.metadata.tables[table].primary_key]
    names = {index["name"] for index in found.get_indexes(table)}
    if connection.dialect.name == "sqlite":
        own = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (table,)
        )
        names |= {row[0] for row in own}
    return (
        names,
        {(key["constrained_columns"][0], key["referred_table"]) for key in found.get_foreign_keys(table)},
    )


def test_the_same_seed_makes_the_same_rows_in_any_chunk() -> None:
    one, again, other = BigRows(SIZE), BigRows(SIZE), BigRows(Size(4_000, 400, START_MS, 30, seed=2))
    whole = one.sessions(0, 4_000)
    assert again.sessions(0, 4_000) == whole
    assert again.sessions(1_000, 1_200)[0] == whole[0][1_000:1_200]
    assert again.calls(0, 400) == one.calls(0, 400)
    assert other.sessions(0, 4_000) != whole


def test_more_calls_than_visits_could_make_are_refused() -> None:
    with pytest.raises(ValueError, match="at most one call"):
        BigRows(Size(100, 60, START_MS))
