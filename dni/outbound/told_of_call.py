"""What a message says of a call: the call as the API gives it to staff, the visit that it is credited to, its campaign
and its publisher, as they stand."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw
from sqlalchemy import Connection, RowMapping, Select, Table, Text, bindparam, select

from dni.access.model import Principal
from dni.call.search import call_view, visible_calls
from dni.clock import rfc3339
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


def calls(connection: Connection, wanted: Iterable[str]) -> Rows:
    """Those of them that are there, with what `told` asks of them."""
    return _read(connection, _CALLS, wanted)


def told(connection: Connection, found: Collection[RowMapping]) -> dict[str, dict[str, Raw]]:
    """`call`, `visit`, `campaign`, `publisher` and `strangers` as JSON, by the call's id. `found`: rows as `calls` has
    them."""

    def named(column: str) -> set[str]:
        return {row[column] for row in found if row[column] is not None}

    sessions = _json(_visit, _read(connection, _SESSIONS, named("session_id")))
    campaigns = _json(_campaign, _read(connection, _CAMPAIGNS, named("campaign_id")))
    publishers = _json(_publisher, _read(connection, _PUBLISHERS, named("publisher_id")))
    strangers = _strangers(connection, found)
    return {
        row["id"]: {
            "call": Raw(encode(call_view(row))),
            "visit": sessions.get(row["session_id"], _NULL),
            "campaign": campaigns.get(row["campaign_id"], _NULL),
            "publisher": publishers.get(row["publisher_id"], _NULL),
            "strangers": Raw(encode(strangers.get(row["id"], []))),
        }
        for row in found
    }


def _strangers(connection: Connection, found: Collection[RowMapping]) -> dict[str, list[str]]:
    """Candidates' sessions of other publishers than the call's, by the call's id: such share a pool."""
    named = {row["id"]: [one["session"] for one in row["candidates"] or []] for row in found if row["publisher_id"]}
    owners = _read(connection, _OWNERS, {one for sessions in named.values() for one in sessions})
    publisher_of = {row["id"]: row["publisher_id"] for row in found}
    return {
        wanted: [one for one in sessions if one in owners and owners[one]["publisher_id"] != publisher_of[wanted]]
        for wanted, sessions in named.items()
    }


def _read(connection: Connection, query: Select[Any], wanted: Iterable[str]) -> Rows:
    ids = list(wanted)
    return {row["id"]: row for row in connection.execute(query, {"these": ids}).mappings()} if ids else {}


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
