"""What a message says that is no call's: of a closed statement, of an alert, of a file that is due."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, select

from dni.clock import rfc3339
from dni.ledger.rows import instant
from dni.ledger.schema import alert, pool, statement, tag
from dni.outbound.model import Type
from dni.outbound.payload import AlertSubject, AlertTold
from dni.outbound.told_of_call import STAFF, encode
from dni.outbound.wants import DIRECTED, Seen
from dni.payout.statements import statement_view, visible

_OF_ALERT = {"tag": tag, "pool": pool}


def told(
    connection: Connection, what: Type, subject_id: str, detail: Mapping[str, Any] | None
) -> tuple[Seen, bytes] | None:
    """By what endpoints choose it, and what it says, as JSON. None: what it tells of is not there any more."""
    found = detail or {}
    if what in DIRECTED:
        return Seen(directed=found.get("endpoint")), encode(_but_endpoint(found))
    if what == "statement.closed":
        return _statement(connection, subject_id)
    return _alert(connection, what.partition(".")[0], subject_id, found)


def _statement(connection: Connection, wanted: str) -> tuple[Seen, bytes] | None:
    row = connection.execute(visible(STAFF).where(statement.c.id == wanted)).mappings().first()
    if row is None:
        return None
    return Seen(publisher=row["publisher_id"]), encode({"statement": statement_view(row)})


def _alert(connection: Connection, kind: str, subject_id: str, detail: Mapping[str, Any]) -> tuple[Seen, bytes] | None:
    table = _OF_ALERT[kind]
    of = connection.execute(select(table).where(table.c.id == subject_id)).mappings().first()
    row = connection.execute(select(alert).where(alert.c.id == detail.get("alert"))).mappings().first()
    if of is None or row is None:
        return None
    about = AlertSubject(of["id"], of["name"], of["campaign_id"])
    seen = Seen(campaign=of["campaign_id"], publisher=of["publisher_id"])
    return seen, encode({"alert": _as_told(row, detail.get("state") == "over"), kind: about})


def _as_told(row: RowMapping, is_over: bool) -> AlertTold:
    """What began is told as it began, also when it is over by now."""
    state: Literal["began", "over"] = "over" if is_over else "began"
    over = instant(row["over_ms"]) if is_over else None
    return AlertTold(row["id"], state, row["says"], rfc3339(row["since_ms"]), over)


def _but_endpoint(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if name != "endpoint"}
