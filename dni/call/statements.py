"""What is asked and told of calls in SQL. Made once: to make a statement takes longer than to ask it."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Insert, Table, Text, bindparam, exists, insert, literal, select, update

from dni.ledger import schema, stale
from dni.ledger.engines import Ledger
from dni.ledger.prepared import Prepared
from dni.ledger.together import Together
from dni.outbound import outbox
from dni.outbound.model import Type

OURS_NOW = Prepared(
    select(schema.call)
    .where(
        schema.call.c.carrier_id == bindparam("carrier_id", type_=Text),
        schema.call.c.provider_id == bindparam("provider_id", type_=Text),
    )
    .with_for_update()
)
_OF_EVENT = [schema.call_event.c[name] for name in ("identity", "kind", "received_at_ms", "fields")]
_EVENTS = select(*_OF_EVENT).where(schema.call_event.c.call_id == bindparam("call_id", type_=Text))
EVENTS = Prepared(_EVENTS)


@lru_cache(256)
def add_call(ledger: Ledger, names: tuple[str, ...]) -> Prepared:
    """Adds a call of which these columns are known, and tells its id, unless it is there already."""
    return Prepared(_add_call(ledger, names))


@lru_cache(8)
def add_event(ledger: Ledger) -> Prepared:
    """Adds an event, and tells what `EVENTS` does of it, unless it is there already."""
    return Prepared(_add_event(ledger))


@lru_cache(8)
def add_event_and_tell_all(ledger: Ledger) -> Prepared:
    """The same with the events that were there, in one round trip to PostgreSQL. The last column: it is the new one."""
    added = _add_event(ledger).cte("added")
    return Prepared(
        _EVENTS.add_columns(literal(False).label("is_new")).union_all(select(*added.c, literal(True).label("is_new")))
    )


def _add_call(ledger: Ledger, names: tuple[str, ...]) -> Any:
    insert = ledger.insert(schema.call).values(_new(names))
    return insert.on_conflict_do_nothing().returning(schema.call.c.id)


def _add_event(ledger: Ledger) -> Any:
    insert = ledger.insert(schema.call_event).values(_named("event", schema.call_event))
    return insert.on_conflict_do_nothing().returning(*_OF_EVENT)


@lru_cache(64)
def add_what_begins(decided: bool, attempted: int, news: tuple[Type, ...]) -> Together:
    """What comes with a new call."""
    inserts = [_insert(prefix, table) for prefix, table in _that_begins(decided, attempted)]
    return Together(*inserts, outbox.adding(news), stale.MARK_CALLS)


@lru_cache(256)
def add_call_and_what_begins(
    ledger: Ledger, names: tuple[str, ...], decided: bool, attempted: int, news: tuple[Type, ...]
) -> Prepared:
    """Both in one round trip to PostgreSQL, while others wait for its destinations; where the call is there already,
    nothing is added and nothing told."""
    added = _add_call(ledger, names).cte("added")
    is_new = exists(select(added.c.id))
    rows = [(table, _named(prefix, table)) for prefix, table in _that_begins(decided, attempted)]
    inserts = [insert(table).from_select([*new], select(*new.values()).where(is_new)) for table, new in rows]
    others = [*inserts, outbox.adding_where(news, is_new), stale.MARK_CALLS]
    return Prepared(select(added.c.id).add_cte(*(one.cte(f"with_it_{n}") for n, one in enumerate(others))))


@lru_cache(64)
def add_decision(attempted: int) -> Together:
    return Together(*(_insert(prefix, table) for prefix, table in _decided(attempted)))


def _that_begins(decided: bool, attempted: int) -> list[tuple[str, Table]]:
    return [("event", schema.call_event), *(_decided(attempted) if decided else ())]


def _decided(attempted: int) -> list[tuple[str, Table]]:
    # Each by its own: SQLAlchemy would make one INSERT of several rows anew each time.
    return [("decision", schema.decision), *((f"attempt{n}", schema.attempt) for n in range(attempted))]


def _insert(prefix: str, table: Table) -> Insert:
    return insert(table).values(_named(prefix, table))


@lru_cache(256)
def change(names: tuple[str, ...], news: tuple[Type, ...] = ()) -> Together:
    """Changes these columns of a call."""
    changed = update(schema.call).where(schema.call.c.id == bindparam("this", type_=Text)).values(_new(names))
    return Together(changed, *([outbox.adding(news)] if news else ()), stale.MARK_CALLS)


def new(row: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a call, to be told to `add_call` or `change`."""
    return {f"new_{name}": value for name, value in row.items()}


def _new(names: Iterable[str]) -> dict[str, Any]:
    return {name: bindparam(f"new_{name}", type_=schema.call.c[name].type) for name in names}


def _named(prefix: str, table: Table) -> dict[str, Any]:
    return {column.name: bindparam(f"{prefix}_{column.name}", type_=column.type) for column in table.c}
