"""Storage of whether endpoints answer: all hosts see and change the same circuits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dni.ledger.engines import Ledger
from dni.ledger.schema import delivery, delivery_attempt, endpoint_health
from dni.outbound.circuit import Health, Told, after

_COLUMNS = tuple(Health.__struct_fields__)


def read(row: Mapping[Any, Any]) -> Health:
    """Of columns that are null where nothing was ever sent."""
    return Health(**{name: row[name] for name in _COLUMNS if row[name] is not None})


def tell(connection: Connection, ledger: Ledger, all_told: Mapping[str, Iterable[Told]], now_ms: int) -> None:
    """What became of requests, by endpoint. What an endpoint failed to take while it failed is due at once when it
    answers again."""
    rows = connection.execute(_THESE, {"these": sorted(all_told)}).mappings()
    before = {row["endpoint_id"]: read(row) for row in rows}
    changed = {}
    for its in sorted(all_told):
        was = before.get(its, Health())
        changed[its] = is_ = after(was, all_told[its])
        if was.not_before_ms is not None and is_.not_before_ms is None:
            connection.execute(_WAKE, {"its": its, "now": now_ms, "since": was.failing_since_ms})
    write = ledger.insert(endpoint_health)
    write = write.on_conflict_do_update(
        index_elements=["endpoint_id"], set_={name: getattr(write.excluded, name) for name in _COLUMNS}
    )
    connection.execute(write, [{"endpoint_id": its, **msgspec.structs.asdict(is_)} for its, is_ in changed.items()])


async def that_are_open(connection: AsyncConnection) -> Sequence[str]:
    """Endpoints that do not answer."""
    return (await connection.scalars(_OPEN)).all()


def takes_probe(connection: Connection, its: str, now_ms: int, until_ms: int) -> bool:
    """Whether it is ours to see if an endpoint answers again; until then nobody else does."""
    return bool(connection.execute(_PROBE, {"its": its, "now": now_ms, "until": until_ms}).rowcount)


def give_probe_back(connection: Connection, its: str, now_ms: int) -> None:
    connection.execute(_NO_PROBE, {"its": its, "now": now_ms})


_THESE = (
    select(endpoint_health)
    .where(endpoint_health.c.endpoint_id.in_(bindparam("these", expanding=True)))
    .order_by(endpoint_health.c.endpoint_id)
    .with_for_update()
)
_OPEN = select(endpoint_health.c.endpoint_id).where(endpoint_health.c.not_before_ms.is_not(None))
_ITS = endpoint_health.c.endpoint_id == bindparam("its")
_PROBE = (
    update(endpoint_health)
    .where(_ITS, endpoint_health.c.not_before_ms <= bindparam("now"))
    .values(not_before_ms=bindparam("until"))
)
_NO_PROBE = update(endpoint_health).where(_ITS).values(not_before_ms=bindparam("now"))
_WAKE = (
    update(delivery)
    .where(
        delivery.c.endpoint_id == bindparam("its"),
        delivery.c.state == "waiting",
        delivery.c.due_ms > bindparam("now"),
        delivery.c.lease.is_(None),
        exists(
            select(delivery_attempt.c.id).where(
                delivery_attempt.c.delivery_id == delivery.c.id, delivery_attempt.c.at_ms >= bindparam("since")
            )
        ),
    )
    .values(due_ms=bindparam("now"))
)
