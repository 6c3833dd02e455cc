"""What a message says of a call: the call as the API gives it to staff, the visit that it is credited to, its campaign
and its publisher, as they stand; and which sessions that it names are not its publisher's."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw
from sqlalchemy import Connection, RowMapping, Select, Table, Text, bindparam, select

from dni.access.model import Principal
from dni.call.search import call_view, visible_calls
from dni.clock import rfc3339
from dni.ledger.prepared import padded
from dni.ledger.schema import call, campaign, publisher, session
from dni.outbound.payload import CampaignTold, PublisherTold, VisitTold

Rows = Mapping[str, RowMapping]
"""By id."""
STAFF = Principal("outbound", "outbound", "admin")

encode = msgspec.json.Encoder().encode


def _these(query: Select[Any], table: Table) -> Select[Any]:
    return query.where(table.c.id.in_(bindparam("these", type_=Text, expanding=True)))


# Made once: to make a statement takes longer than to ask it.
_CALLS = _these(visible_calls(STAFF), call)
_SESSIONS = _these(select(session), session)
_CAMPAIGNS = _these(select(campaign), campaign)
_PUBLISHERS = _these(select(publisher), publisher)
_OWNERS = _these(select(session.c.id, session.c.publisher_id), session)
_NULL = Raw(b"null")
_NOTHING: Mapping[str, Collection[str]] = {}


def calls(connection: Connection, wanted: Iterable[str]) -> Rows:
    """Those of them that are there, with what `told` asks of them."""
    return _read(connection, _CALLS, wanted)


def told(
    connection: Connection, found: Collection[RowMapping], former: Mapping[str, Collection[str]] = _NOTHING
) -> dict[str, dict[str, Raw]]:
    """`call`, `visit`, `campaign`, `publisher` and `others` as JSON, by the call's id. `found`: rows as `calls` has
    them. `former`: sessions that a call is not credited to any more, which are told too."""

    def named(column: str) -> set[str]:
        return {row[column] for row in found if row[column] is not None}

    visits = _read(connection, _SESSIONS, named("session_id"))
    sessions = _json(_visit, visits)
    of_calls = {row["id"]: _sessions_of(row) | set(former.get(row["id"], ())) for row in found}
    owners = {**visits, **_read(connection, _OWNERS, set().union(*of_calls.values()) - visits.keys())}
    campaigns = _json(_campaign, _read(connection, _CAMPAIGNS, named("campaign_id")))
    publishers = _json(_publisher, _read(connection, _PUBLISHERS, named("publisher_id")))
    return {
        row["id"]: {
            "call": Raw(encode(call_view(row))),
            "visit": sessions.get(row["session_id"], _NULL),
            "campaign": campaigns.get(row["campaign_id"], _NULL),
            "publisher": publishers.get(row["publisher_id"], _NULL),
            "others": Raw(encode(sorted(one for one in of_calls[row["id"]] if _is_strange(row, owners.get(one))))),
        }
        for row in found
    }


def _sessions_of(row: RowMapping) -> set[str]:
    credited = {row["session_id"]} - {None}
    return credited | {candidate["session"] for candidate in row["candidates"] or ()}


def _is_strange(call_row: RowMapping, session_row: RowMapping | None) -> bool:
    """Whether the call's publisher does not see the session."""
    owner = call_row["publisher_id"]
    return owner is None or session_row is None or session_row["publisher_id"] != owner


def _read(connection: Connection, query: Select[Any], wanted: Iterable[str]) -> Rows:
    ids = list(wanted)
    return {row["id"]: row for row in connection.execute(query, {"these": padded(ids)}).mappings()} if ids else {}


def _json(view: Any, found: Rows) -> dict[str, Raw]:
    return {name: Raw(encode(view(row))) for name, row in found.items()}


def _visit(row: RowMapping) -> VisitTold:
    return VisitTold(
        session=row["id"],
        visitor=row["visitor_id"],
        started_at=rfc3339(row["started_at_ms"]),
        page_views=row["page_views"],
        consent=row["consent"],
        ids=row["ids"] or {},
        custom=row["custom"] or {},
        device=row["device"],
        browser=row["browser"],
        os=row["os"],
        language=row["language"],
        timezone=row["timezone"],
        country=row["country"],
        region=row["region"],
        city=row["city"],
        title=row["title"],
        params=row["params"] or {},
    )


def _campaign(row: RowMapping) -> CampaignTold:
    return CampaignTold(row["id"], row["name"], row["timezone"], row["currency"], row["advertiser"])


def _publisher(row: RowMapping) -> PublisherTold:
    return PublisherTold(row["id"], row["name"])
